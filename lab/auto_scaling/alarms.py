# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms: those of target tracking, and what makes an alarm's state; pure.
AWS: AmazonCloudWatch/latest/monitoring/alarm-evaluation.html, autoscaling/ec2/userguide/as-scaling-target-tracking.html"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lab.auto_scaling import scaling
from lab.auto_scaling.model import Document, Group

# Predefined metric -> (namespace, metric, statistic)
PREDEFINED = {
    "ASGAverageCPUUtilization": ("AWS/EC2", "CPUUtilization", "Average"),
    "ASGAverageNetworkIn": ("AWS/EC2", "NetworkIn", "Average"),
    "ASGAverageNetworkOut": ("AWS/EC2", "NetworkOut", "Average"),
    "ALBRequestCountPerTarget": ("AWS/ApplicationELB", "RequestCountPerTarget", "Sum"),
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def metric(group: Group, configuration: Document) -> Document:
    """Namespace, name, dimensions and statistic of what a policy tracks."""
    predefined = configuration.get("PredefinedMetricSpecification")
    if predefined:
        namespace, name, statistic = PREDEFINED[predefined["PredefinedMetricType"]]
        dimensions = [{"Name": "AutoScalingGroupName", "Value": group.name}]
        if predefined["PredefinedMetricType"] == "ALBRequestCountPerTarget":
            label = predefined["ResourceLabel"]
            dimensions = [{"Name": "TargetGroup", "Value": label[label.index("targetgroup/") :]}]
        return {"namespace": namespace, "metric_name": name, "dimensions": dimensions, "statistic": statistic}
    custom = configuration["CustomizedMetricSpecification"]
    return {
        "namespace": custom.get("Namespace", ""),
        "metric_name": custom.get("MetricName", ""),
        "dimensions": custom.get("Dimensions") or [],
        "statistic": custom.get("Statistic", "Average"),
    }


def tracking(name: str, kind: str, group: Group, policy: Document) -> Document:
    """Arguments of moto's put_metric_alarm: above the target for three minutes, or below a share of it for fifteen."""
    configuration = policy["TargetTrackingConfiguration"]
    target, high = float(configuration["TargetValue"]), kind == scaling.HIGH
    periods = scaling.HIGH_PERIODS if high else scaling.LOW_PERIODS
    return {
        **metric(group, configuration),
        "name": name,
        "comparison_operator": "GreaterThanThreshold" if high else "LessThanThreshold",
        "evaluation_periods": periods,
        "datapoints_to_alarm": periods,
        "period": int(scaling.PERIOD),
        "threshold": target if high else target * scaling.LOW_SHARE,
        "description": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + policy["PolicyARN"] + ".",
        "alarm_actions": [policy["PolicyARN"]],
    }


def of_policy(known: Iterable[Any], policy: Document) -> list[Document]:
    """Alarms whose action is the policy: those that Auto Scaling made, or that somebody made for a step policy."""
    return [{"AlarmName": alarm.name, "AlarmARN": alarm.alarm_arn} for alarm in known if policy["PolicyARN"] in (alarm.alarm_actions or [])]


def statistic(kind: str, values: Sequence[float]) -> float:
    if kind == "Sum":
        return sum(values)
    if kind == "Minimum":
        return min(values)
    if kind == "Maximum":
        return max(values)
    return float(len(values)) if kind == "SampleCount" else sum(values) / len(values)


def datapoints(kind: str, values: Iterable[tuple[float, float]], period: float, periods: int) -> list[float | None]:
    """(age, value) pairs as one value a period, the newest last; None where there is none."""
    buckets: list[list[float]] = [[] for _ in range(periods)]
    for age, value in values:
        index = int(age // period)
        if 0 <= index < periods:
            buckets[periods - 1 - index].append(value)
    return [statistic(kind, bucket) if bucket else None for bucket in buckets]


def state(alarm: Any, points: Sequence[float | None], before: str) -> str:
    """M out of N; missing points by the alarm's own rule. With nothing to go by the state is kept, or unknown."""
    breaches = COMPARISONS[alarm.comparison_operator]
    treat = alarm.treat_missing_data or "missing"
    seen = [breaches(point, alarm.threshold) for point in points if point is not None]
    missing = len(points) - len(seen)
    if treat == "breaching":
        seen += [True] * missing
    elif treat == "notBreaching":
        seen += [False] * missing
    needed = int(alarm.datapoints_to_alarm or alarm.evaluation_periods)
    if not seen:
        return before if treat == "ignore" else "INSUFFICIENT_DATA"
    if sum(seen) >= needed:
        return "ALARM"
    return "OK"
