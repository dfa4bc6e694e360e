# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies that are refused, those that are kept, and which alarms outlive them; through boto3."""

from __future__ import annotations

from typing import Any

import pytest

from lab.tests.account import Aws, refusal

PAIR = {"PredefinedMetricPairSpecification": {"PredefinedMetricType": "ASGCPUUtilization"}}
LOAD = {"PredefinedLoadMetricSpecification": {"PredefinedMetricType": "ASGTotalCPUUtilization"}}
QUEUE = {"Metric": {"Namespace": "Portal", "MetricName": "Queue"}, "Stat": "Sum"}
NODES = {"Metric": {"Namespace": "Portal", "MetricName": "Nodes"}, "Stat": "Average"}
PER_NODE = [
    {"Id": "m1", "MetricStat": QUEUE, "ReturnData": False},
    {"Id": "m2", "MetricStat": NODES, "ReturnData": False},
    {"Id": "e1", "Expression": "m1 / m2", "ReturnData": True},
]


def put(account: Aws, kind: str, **fields: Any) -> Any:
    return account.asg.put_scaling_policy(AutoScalingGroupName="web", PolicyName="one", PolicyType=kind, **fields)


def tracked(**specification: Any) -> dict[str, Any]:
    return {"TargetTrackingConfiguration": {"TargetValue": 10.0, **specification}}


def predicted(specification: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"PredictiveScalingConfiguration": {"MetricSpecifications": [{"TargetValue": 60.0, **specification}], **fields}}


def steps(*bounds: tuple[float | None, float | None]) -> dict[str, Any]:
    names = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    given = [{name: value for name, value in zip(names, each, strict=True) if value is not None} for each in bounds]
    return {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{**each, "ScalingAdjustment": 1} for each in given]}


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("StepScaling", steps((0, 10), (20, None)), "can't overlap or have a gap"),
        ("StepScaling", steps((0, 10), (5, None)), "can't overlap or have a gap"),
        ("StepScaling", steps((0, 10)), "unspecified upper bound"),
        ("StepScaling", steps((-10, 0)), "unspecified lower bound"),
        ("StepScaling", steps((None, None)), "with an upper or lower bound"),
        ("TargetTrackingScaling", tracked(), "either a predefined or a customized metric"),
        ("TargetTrackingScaling", tracked(PredefinedMetricSpecification={"PredefinedMetricType": "Load"}), "must be one of"),
        (
            "TargetTrackingScaling",
            tracked(PredefinedMetricSpecification={"PredefinedMetricType": "ALBRequestCountPerTarget"}),
            "ResourceLabel is required",
        ),
        (
            "TargetTrackingScaling",
            tracked(
                PredefinedMetricSpecification={
                    "PredefinedMetricType": "ALBRequestCountPerTarget",
                    "ResourceLabel": "app/other/1/targetgroup/other/2",
                }
            ),
            "is not attached",
        ),
        ("TargetTrackingScaling", tracked(CustomizedMetricSpecification={"MetricName": "Queue"}), "needs Namespace and Statistic"),
        ("TargetTrackingScaling", tracked(CustomizedMetricSpecification={"Metrics": PER_NODE[1:]}), "m1 is not defined"),
        ("PredictiveScaling", predicted({}), "either a metric pair, or one load metric and one scaling metric"),
        (
            "PredictiveScaling",
            predicted({**PAIR, "PredefinedLoadMetricSpecification": {"PredefinedMetricType": "x"}}),
            "either a metric pair",
        ),
        ("PredictiveScaling", predicted({"PredefinedMetricPairSpecification": {"PredefinedMetricType": "Load"}}), "must be one of"),
        ("PredictiveScaling", predicted(PAIR, MaxCapacityBreachBehavior="IncreaseMaxCapacity"), "MaxCapacityBuffer is required"),
        ("PredictiveScaling", predicted(PAIR, MaxCapacityBuffer=10), "cannot be used otherwise"),
        ("PredictiveScaling", predicted(PAIR, SchedulingBufferTime=3600), "less than the forecast interval"),
        ("PredictiveScaling", predicted(PAIR, Mode="Guess"), "Mode must be"),
    ],
)
def test_policies_that_are_refused(account: Aws, kind: str, fields: dict[str, Any], words: str) -> None:
    """autoscaling/ec2/APIReference: API_PutScalingPolicy.html, API_StepAdjustment.html, API_PredictiveScalingConfiguration.html"""
    account.create(DesiredCapacity=0)
    said = refusal(lambda: put(account, kind, **fields))
    assert said.startswith("ValidationError")
    assert words in said
    assert account.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"] == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("StepScaling", steps((None, -10), (-10, 0))),
        ("StepScaling", steps((0, 10), (10, None))),
        (
            "PredictiveScaling",
            predicted(PAIR, Mode="ForecastAndScale", MaxCapacityBreachBehavior="IncreaseMaxCapacity", MaxCapacityBuffer=10),
        ),
        (
            "PredictiveScaling",
            predicted(
                {
                    "PredefinedLoadMetricSpecification": {"PredefinedMetricType": "ASGTotalCPUUtilization"},
                    "CustomizedScalingMetricSpecification": {"MetricDataQueries": PER_NODE},
                }
            ),
        ),
    ],
)
def test_policies_that_are_kept(account: Aws, kind: str, fields: dict[str, Any]) -> None:
    account.create(DesiredCapacity=0)
    put(account, kind, **fields)
    shown = account.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"][0]
    assert {key: shown[key] for key in fields} == fields


def test_target_tracking_of_metric_math_makes_alarms_of_it(account: Aws) -> None:
    """ec2-auto-scaling-target-tracking-metric-math.html"""
    account.create()
    made = put(account, "TargetTrackingScaling", **tracked(CustomizedMetricSpecification={"Metrics": PER_NODE}))
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    for alarm in account.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]:
        assert [query.get("Expression", "") for query in alarm["Metrics"]] == ["", "", "m1 / m2"]
        assert alarm["Metrics"][0]["MetricStat"]["Metric"]["MetricName"] == "Queue"


def alarm(account: Aws, arn: str, *others: str) -> None:
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="busy",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=50,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn, *others],
    )


TOPIC = "arn:aws:sns:eu-west-2:123456789012:people"


@pytest.mark.parametrize(
    ("gone", "others", "left"),
    [("policy", (), [[]]), ("group", (), []), ("group", (TOPIC,), [[TOPIC]]), ("policy", (TOPIC,), [[TOPIC]])],
)
def test_which_alarms_of_a_step_policy_outlive_it(account: Aws, gone: str, others: tuple[str, ...], left: list[list[str]]) -> None:
    """API_DeletePolicy.html: the action goes, the alarm stays. API_DeleteAutoScalingGroup.html: so does one without any action left."""
    account.create(DesiredCapacity=0)
    alarm(account, put(account, "StepScaling", **steps((0, None)))["PolicyARN"], *others)
    if gone == "policy":
        account.asg.delete_policy(AutoScalingGroupName="web", PolicyName="one")
    else:
        account.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert [each["AlarmActions"] for each in account.client("cloudwatch").describe_alarms()["MetricAlarms"]] == left
