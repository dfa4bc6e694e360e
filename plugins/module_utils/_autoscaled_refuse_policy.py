# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: scaling policies that cannot be right, told before AWS is asked anything. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_policy import REQUEST_COUNT
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service

ALB_PROTOCOLS = ("HTTP", "HTTPS")
FORECAST_INTERVAL = 3600  # seconds; AWS, PredictiveScalingConfiguration
ENDS = (float("-inf"), float("inf"))


def policies(service: Service) -> Iterator[str]:
    """One sentence each, with the option and what to do."""
    kinds = {"TargetTrackingScaling": _tracking, "StepScaling": _steps, "PredictiveScaling": _predictive}
    for policy in service.several("scaling_policies"):
        yield from kinds[policy["policy_type"]](policy)
        if policy.get("predefined_metric") in (REQUEST_COUNT, "ALBRequestCount") and _is_network(service):
            name = policy["name"]
            yield f"scaling_policies: {name} counts requests, which a Network Load Balancer does not; track CPU or a metric of your own."


def _tracking(policy: Api) -> Iterator[str]:
    name, queries = policy["name"], policy.get("metrics") or []
    told = [option for option in ("predefined_metric", "customized_metric", "metrics") if policy.get(option)]
    if len(told) != 1 or policy.get("target_value") is None:
        yield f"scaling_policies: {name} tracks one metric; give target_value and one of predefined_metric, customized_metric and metrics."
    if queries and sum(query["return_data"] for query in queries) != 1:
        yield f"scaling_policies: {name} tracks one result of its metrics; leave return_data true for that one and set the others to false."
    for query in queries:
        if bool(query.get("expression")) == bool(query.get("metric_name") and query.get("namespace")):
            yield f"scaling_policies: {query['id']} of {name} is an expression or a metric; give expression, or metric_name and namespace."


def _steps(policy: Api) -> Iterator[str]:
    name, steps = policy["name"], policy.get("step_adjustments") or []
    if not (policy.get("adjustment_type") and steps):
        yield f"scaling_policies: {name} scales by steps; give adjustment_type and step_adjustments."
        return
    bounds = [(step.get("lower_bound"), step.get("upper_bound")) for step in steps]
    spans = sorted((ENDS[0] if low is None else low, ENDS[1] if high is None else high) for low, high in bounds)
    apart = [(one[1], two[0]) for one, two in zip(spans, spans[1:]) if one[1] != two[0]]
    if apart or any(low >= high for low, high in spans):
        yield f"scaling_policies: the step_adjustments of {name} overlap or leave a gap; begin each where the one before ends."
    elif ENDS[0] < spans[0][0] < 0 or 0 < spans[-1][1] < ENDS[1] or spans == [ENDS]:
        yield (
            f"scaling_policies: the step_adjustments of {name} go from {spans[0][0]:g} to {spans[-1][1]:g}; they begin or end at 0, "
            "and are open on the other side: leave out that lower_bound or upper_bound."
        )


def _predictive(policy: Api) -> Iterator[str]:
    name = policy["name"]
    if not (policy.get("predefined_metric") and policy.get("target_value") is not None):
        yield f"scaling_policies: {name} predicts; give predefined_metric, a pair such as ASGCPUUtilization, and target_value."
    if (policy.get("max_capacity_breach_behavior") == "IncreaseMaxCapacity") != (policy.get("max_capacity_buffer") is not None):
        yield f"scaling_policies: {name} needs max_capacity_buffer with IncreaseMaxCapacity, and only with that; give both or neither."
    if not 0 <= (policy.get("scheduling_buffer_time") or 0) < FORECAST_INTERVAL:
        yield f"scaling_policies: scheduling_buffer_time of {name} must be less than the hour that a forecast is for; give less than 3600."


def _is_network(service: Service) -> bool:
    kind = service.balancer.get("type") if service.balancer.get("create") else None
    return kind == "network" or any(group["protocol"] not in ALB_PROTOCOLS for group in service.target_groups)
