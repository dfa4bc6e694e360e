# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: scaling policies of a component's group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_children import Kind, put_and_delete
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, Joined, Ref, ServiceError, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service

DELETE_ALARMS = "delete alarms of {}"
# Policies name their alarms: as long as one is there, a run that was killed finds its alarm again.
KIND = Kind("scaling policy", "PolicyName", "autoscaling:PutScalingPolicy", "autoscaling:DeletePolicy", DELETE_ALARMS)
REQUEST_COUNT = "ALBRequestCountPerTarget"


def present(service: Service, seen: Seen) -> list[Change]:
    if service.get("scaling_policies") is None:
        return []
    return put_and_delete(service, KIND, seen.policies or [], [_one(service, seen, each) for each in service.several("scaling_policies")])


def arn(seen: Seen, name: str) -> str | Ref:
    known = next((policy for policy in seen.policies or [] if policy["PolicyName"] == name), None)
    return str(known["PolicyARN"]) if known else Ref(f"put {KIND.noun} {name}", ("PolicyARN",))


def dimensions(asked: Mapping[str, str] | None) -> list[dict[str, str]] | None:
    return [{"Name": name, "Value": str(value)} for name, value in sorted(asked.items())] if asked else None


def _one(service: Service, seen: Seen, asked: Api) -> dict[str, Any]:
    configure = {"TargetTrackingScaling": _target_tracking, "StepScaling": _step, "PredictiveScaling": _predictive}[asked["policy_type"]]
    shared = {"PolicyName": asked["name"], "PolicyType": asked["policy_type"]}
    return {**shared, **configure(service, seen, asked)}


def _target_tracking(service: Service, seen: Seen, asked: Api) -> dict[str, Any]:
    configuration: dict[str, Any] = {"TargetValue": asked["target_value"], "DisableScaleIn": asked["disable_scale_in"]}
    if asked.get("predefined_metric"):
        label = _label(service, seen, asked) if asked["predefined_metric"] == REQUEST_COUNT else None
        configuration["PredefinedMetricSpecification"] = given(PredefinedMetricType=asked["predefined_metric"], ResourceLabel=label)
    elif asked.get("metrics"):
        configuration["CustomizedMetricSpecification"] = {"Metrics": [_query(query) for query in asked["metrics"]]}
    else:
        metric = asked["customized_metric"]
        configuration["CustomizedMetricSpecification"] = given(
            MetricName=metric["metric_name"],
            Namespace=metric["namespace"],
            Dimensions=dimensions(metric.get("dimensions")),
            Statistic=metric["statistic"],
            Unit=metric.get("unit"),
            Period=metric.get("period"),
        )
    return given(
        TargetTrackingConfiguration=configuration,
        EstimatedInstanceWarmup=asked.get("estimated_instance_warmup"),
        Enabled=asked["enabled"],
    )


def _query(asked: Api) -> dict[str, Any]:
    """One query of metric math: an expression, or a metric that expressions refer to by its id."""
    shared = given(Id=asked["id"], Label=asked.get("label"), ReturnData=asked["return_data"])
    if asked.get("expression"):
        return {**shared, "Expression": asked["expression"]}
    metric = given(Namespace=asked["namespace"], MetricName=asked["metric_name"], Dimensions=dimensions(asked.get("dimensions")))
    return {**shared, "MetricStat": given(Metric=metric, Stat=asked["stat"], Unit=asked.get("unit"), Period=asked.get("period"))}


def _step(service: Service, seen: Seen, asked: Api) -> dict[str, Any]:
    adjustments = [
        given(
            MetricIntervalLowerBound=step.get("lower_bound"),
            MetricIntervalUpperBound=step.get("upper_bound"),
            ScalingAdjustment=step["scaling_adjustment"],
        )
        for step in asked["step_adjustments"]
    ]
    adjustments.sort(key=lambda step: step.get("MetricIntervalLowerBound", float("-inf")))
    return given(
        AdjustmentType=asked["adjustment_type"],
        StepAdjustments=adjustments,
        MetricAggregationType=asked.get("metric_aggregation"),
        MinAdjustmentMagnitude=asked.get("min_adjustment_magnitude"),
        EstimatedInstanceWarmup=asked.get("estimated_instance_warmup"),
        Enabled=asked["enabled"],
    )


def _predictive(service: Service, seen: Seen, asked: Api) -> dict[str, Any]:
    metric = asked["predefined_metric"]
    label = _label(service, seen, asked) if metric == "ALBRequestCount" else None
    specification = {
        "TargetValue": asked["target_value"],
        "PredefinedMetricPairSpecification": given(PredefinedMetricType=metric, ResourceLabel=label),
    }
    return {
        "PredictiveScalingConfiguration": given(
            MetricSpecifications=[specification],
            Mode=asked["mode"],
            SchedulingBufferTime=asked.get("scheduling_buffer_time"),
            MaxCapacityBreachBehavior=asked.get("max_capacity_breach_behavior"),
            MaxCapacityBuffer=asked.get("max_capacity_buffer"),
        )
    }


def _label(service: Service, seen: Seen, asked: Api) -> str | Joined:
    """app/NAME/ID/targetgroup/NAME/ID, of ARNs that may not be known before the plan runs."""
    names = [group["name"] for group in service.target_groups]
    name = asked.get("target_group") or (names[0] if names else "")
    if name not in names or not service.balancer:
        raise ServiceError(
            f"scaling_policies: {asked['name']} counts requests of target group {name or '(none)'}: "
            "list that in target_groups, and its ALB as load_balancer"
        )
    balancer = _tail(seen.balancer_arn(service.balancer["name"]), ":loadbalancer/")
    group = _tail(seen.target_group_arn(name), ":targetgroup/")
    if isinstance(balancer, str) and isinstance(group, str):
        return f"{balancer}/targetgroup/{group}"
    return Joined((balancer, "/targetgroup/", group))


def _tail(arn_: str | Ref, after: str) -> str | Ref:
    return Ref(arn_.step, arn_.path, after) if isinstance(arn_, Ref) else arn_.partition(after)[2]
