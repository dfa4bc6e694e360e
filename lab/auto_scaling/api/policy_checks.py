# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies that AWS refuses; pure. AWS: autoscaling/ec2/APIReference/API_{PutScalingPolicy,TargetTrackingConfiguration,
StepAdjustment,PredictiveScalingConfiguration,PredictiveScalingMetricSpecification}.html"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from moto.autoscaling.exceptions import ValidationError

from lab.auto_scaling import metric_math
from lab.auto_scaling.alarms import PREDEFINED
from lab.auto_scaling.model import Document, Group

ADJUSTMENTS = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
NEEDED = {
    "SimpleScaling": "ScalingAdjustment",
    "StepScaling": "StepAdjustments",
    "TargetTrackingScaling": "TargetTrackingConfiguration",
    "PredictiveScaling": "PredictiveScalingConfiguration",
}
REQUEST_COUNT = "ALBRequestCountPerTarget"
PERIODS = (10, 30, 60)
FORECAST_INTERVAL = 3600
# What predictive scaling knows by name: a pair, or one metric for each purpose.
PAIRS = ("ASGCPUUtilization", "ASGNetworkIn", "ASGNetworkOut", "ALBRequestCount")
LOADS = ("ASGTotalCPUUtilization", "ASGTotalNetworkIn", "ASGTotalNetworkOut", "ALBTargetGroupRequestCount")
SCALINGS = ("ASGAverageCPUUtilization", "ASGAverageNetworkIn", "ASGAverageNetworkOut", REQUEST_COUNT)
OF_TARGET_GROUPS = (REQUEST_COUNT, "ALBRequestCount", "ALBTargetGroupRequestCount")


def check(kind: str, given: Document, group: Group) -> None:
    if kind not in NEEDED:
        raise ValidationError(f"PolicyType {kind} is not known")
    if kind in ("SimpleScaling", "StepScaling") and given.get("AdjustmentType") not in ADJUSTMENTS:
        raise ValidationError(f"AdjustmentType must be one of {', '.join(ADJUSTMENTS)}")
    if given.get(NEEDED[kind]) is None:
        raise ValidationError(f"{NEEDED[kind]} is required for policy type {kind}")
    if kind == "StepScaling":
        _steps(given["StepAdjustments"])
    elif kind == "TargetTrackingScaling":
        _tracking(given["TargetTrackingConfiguration"], group)
    elif kind == "PredictiveScaling":
        _predictive(given["PredictiveScalingConfiguration"], group)


def _steps(steps: Iterable[Document]) -> None:
    """They neither overlap nor leave a gap, and go to the end on each side that they go to."""
    bounds = [(one.get("MetricIntervalLowerBound"), one.get("MetricIntervalUpperBound")) for one in steps]
    ordered = sorted((float("-inf") if low is None else float(low), float("inf") if high is None else float(high)) for low, high in bounds)
    if not ordered or (None, None) in bounds:
        raise ValidationError("At least one StepAdjustment, with an upper or lower bound, must be specified.")
    if any(low >= high for low, high in ordered) or any(one[1] != two[0] for one, two in pairwise(ordered)):
        raise ValidationError("StepAdjustment intervals can't overlap or have a gap between them.")
    if ordered[0][0] < 0 and ordered[0][0] != float("-inf"):
        raise ValidationError("There must be a StepAdjustment with an unspecified lower bound when one has a negative lower bound.")
    if ordered[-1][1] > 0 and ordered[-1][1] != float("inf"):
        raise ValidationError("There must be a StepAdjustment with an unspecified upper bound when one has a positive upper bound.")


def _tracking(configuration: Document, group: Group) -> None:
    predefined, custom = configuration.get("PredefinedMetricSpecification"), configuration.get("CustomizedMetricSpecification")
    if bool(predefined) == bool(custom):
        raise ValidationError("Specify either a predefined or a customized metric.")
    if predefined:
        _named(predefined, tuple(PREDEFINED), group)
    elif custom and custom.get("Metrics"):
        if any(custom.get(key) for key in ("MetricName", "Namespace", "Statistic")):
            raise ValidationError("A customized metric specification has either Metrics, or MetricName, Namespace and Statistic.")
        _math(custom["Metrics"])
    elif custom:
        if missing := [key for key in ("MetricName", "Namespace", "Statistic") if not custom.get(key)]:
            raise ValidationError(f"A customized metric specification needs {' and '.join(missing)}.")
        if int(custom.get("Period") or 60) not in PERIODS:
            raise ValidationError("Period must be 10, 30 or 60 seconds.")


def _predictive(configuration: Document, group: Group) -> None:
    if len(configuration["MetricSpecifications"]) != 1:
        raise ValidationError("Exactly one metric specification is supported.")
    if configuration.get("Mode", "ForecastOnly") not in ("ForecastOnly", "ForecastAndScale"):
        raise ValidationError("Mode must be ForecastOnly or ForecastAndScale.")
    if not 0 <= int(configuration.get("SchedulingBufferTime") or 0) < FORECAST_INTERVAL:
        raise ValidationError(f"SchedulingBufferTime must be less than the forecast interval of {FORECAST_INTERVAL} seconds.")
    behaviour, buffer = configuration.get("MaxCapacityBreachBehavior", "HonorMaxCapacity"), configuration.get("MaxCapacityBuffer")
    if behaviour not in ("HonorMaxCapacity", "IncreaseMaxCapacity") or (behaviour == "IncreaseMaxCapacity") != (buffer is not None):
        raise ValidationError("MaxCapacityBuffer is required with IncreaseMaxCapacity, and cannot be used otherwise.")
    _predicted(configuration["MetricSpecifications"][0], group)


def _predicted(specification: Document, group: Group) -> None:
    """A pair of metrics, or one for the load and one for scaling."""
    by_name = {"PredefinedMetricPair": PAIRS, "PredefinedLoadMetric": LOADS, "PredefinedScalingMetric": SCALINGS}
    given = {key.removesuffix("Specification"): value for key, value in specification.items() if key.endswith("Specification") and value}
    load = {"PredefinedLoadMetric", "CustomizedLoadMetric"} & given.keys()
    scaling = {"PredefinedScalingMetric", "CustomizedScalingMetric"} & given.keys()
    if ("PredefinedMetricPair" in given, len(load), len(scaling)) not in ((True, 0, 0), (False, 1, 1)):
        raise ValidationError("Specify either a metric pair, or one load metric and one scaling metric.")
    for key, value in given.items():
        if key in by_name:
            _named(value, by_name[key], group)
        else:
            _math(value["MetricDataQueries"])


def _named(specification: Document, known: tuple[str, ...], group: Group) -> None:
    kind, label = specification["PredefinedMetricType"], specification.get("ResourceLabel")
    if kind not in known:
        raise ValidationError(f"PredefinedMetricType must be one of {', '.join(known)}")
    if (kind in OF_TARGET_GROUPS) != bool(label):
        raise ValidationError(f"ResourceLabel {'cannot be used with' if label else 'is required for'} {kind}")
    if label and not any(arn.endswith(str(label).partition("/targetgroup/")[2]) for arn in group.settings["TargetGroupARNs"]):
        raise ValidationError(f"The load balancer {label} is not attached to the Auto Scaling group")


def _math(queries: Iterable[Document]) -> None:
    try:
        metric_math.check(queries)
    except metric_math.MathError as error:
        raise ValidationError(str(error)) from error
