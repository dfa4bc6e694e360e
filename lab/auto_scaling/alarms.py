# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms: those of target tracking, and what makes an alarm's state; pure.
AWS: AmazonCloudWatch/latest/monitoring/{alarm-evaluation,alarms-and-missing-data}.html,
autoscaling/ec2/userguide/{as-scaling-target-tracking,ec2-auto-scaling-target-tracking-metric-math}.html"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat

from lab.auto_scaling import scaling
from lab.auto_scaling.model import Document, Group

# Predefined metric -> (namespace, metric, statistic)
PREDEFINED = {
    "ASGAverageCPUUtilization": ("AWS/EC2", "CPUUtilization", "Average"),
    "ASGAverageCPUUtilizationHighResolution": ("AWS/EC2", "CPUUtilization", "Average"),
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
    if custom.get("Metrics"):
        nothing: Document = {"namespace": "", "metric_name": "", "dimensions": [], "statistic": ""}
        return {**nothing, "metric_data_queries": [query(one) for one in custom["Metrics"]]}
    return {
        "namespace": custom["Namespace"],
        "metric_name": custom["MetricName"],
        "dimensions": custom.get("Dimensions") or [],
        "statistic": custom["Statistic"],
    }


def query(given: Document) -> MetricDataQuery:
    """Of metric math, as CloudWatch has it in an alarm."""
    stat, found = given.get("MetricStat"), None
    if stat:
        dimensions = [Dimension(one["Name"], one["Value"]) for one in stat["Metric"].get("Dimensions") or []]
        named = Metric(stat["Metric"]["MetricName"], stat["Metric"]["Namespace"], dimensions)
        period: Any = stat.get("Period") or int(scaling.PERIOD)
        found = MetricStat(named, period, stat["Stat"], stat.get("Unit"))
    given = {"Label": None, "Period": None, "ReturnData": True, "Expression": None, **given}
    return MetricDataQuery(given["Id"], given["Label"], given["Period"], given["ReturnData"], given["Expression"], found)


def period_of(configuration: Document) -> int:
    """60 seconds, or less where the metric has a higher resolution."""
    custom = configuration.get("CustomizedMetricSpecification") or {}
    periods = [one.get("MetricStat", {}).get("Period") for one in custom.get("Metrics") or []]
    return int(custom.get("Period") or next(filter(None, periods), scaling.PERIOD))


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
        "period": period_of(configuration),
        "threshold": target if high else target * scaling.LOW_SHARE,
        "description": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + policy["PolicyARN"] + ".",
        "alarm_actions": [policy["PolicyARN"]],
    }


def acting_on(known: Iterable[Any], policy: Document) -> list[Any]:
    """Alarms whose action is the policy: those that Auto Scaling made, or that somebody made for a step policy."""
    return [alarm for alarm in known if policy["PolicyARN"] in (alarm.alarm_actions or [])]


def of_policy(known: Iterable[Any], policy: Document) -> list[Document]:
    return [{"AlarmName": alarm.name, "AlarmARN": alarm.alarm_arn} for alarm in acting_on(known, policy)]


def statistic(kind: str, values: Sequence[float]) -> float:
    if kind == "Sum":
        return sum(values)
    if kind == "Minimum":
        return min(values)
    if kind == "Maximum":
        return max(values)
    return float(len(values)) if kind == "SampleCount" else sum(values) / len(values)


def evaluation_range(alarm: Any) -> int:
    """How many of the last periods are looked at: more than are needed, since some may have no datapoint. AWS' example: 5 for 3."""
    return int(alarm.evaluation_periods) + 2


def datapoints(kind: str, values: Iterable[tuple[float, float]], period: float, periods: int) -> list[float | None]:
    """(age, value) pairs as one value a period, the newest last; None where there is none."""
    buckets: list[list[float]] = [[] for _ in range(periods)]
    for age, value in values:
        index = int(age // period)
        if 0 <= index < periods:
            buckets[periods - 1 - index].append(value)
    return [statistic(kind, bucket) if bucket else None for bucket in buckets]


def state(alarm: Any, points: Sequence[float | None], before: str) -> str:
    """M out of N, by the newest N datapoints that there are in the evaluation range; where there are fewer, by the alarm's own rule."""
    breaches = COMPARISONS[alarm.comparison_operator]
    treat = alarm.treat_missing_data or "missing"
    periods = int(alarm.evaluation_periods)
    needed = int(alarm.datapoints_to_alarm or periods)
    known = [breaches(point, alarm.threshold) for point in points if point is not None][-periods:]
    missing = periods - len(known)
    if treat == "breaching":
        return "ALARM" if sum(known) + missing >= needed else "OK"
    if sum(known) >= needed:
        return "ALARM"
    if not missing or treat == "notBreaching" or not all(known):
        return "OK"
    if treat == "ignore":
        return before
    if not known:
        return "INSUFFICIENT_DATA"
    # All there is breaches: an alarm when it began long enough ago, else the next datapoint is waited for.
    oldest = next(index for index, point in enumerate(points) if point is not None)
    return "ALARM" if len(points) - oldest >= needed else before
