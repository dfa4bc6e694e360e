# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies, alarms and scheduled actions. Each test names the page of AWS' guides that it follows."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from lab.auto_scaling import alarms, scaling, schedule
from lab.auto_scaling.model import moment
from lab.tests.auto_scaling import Case

OUT, IN = "TargetTracking-web-AlarmHigh-1", "TargetTracking-web-AlarmLow-1"


def tracking(case: Case, name: str = "cpu", number: str = "1", **configuration: Any) -> None:
    named = [{"AlarmName": f"TargetTracking-web-{kind}-{number}"} for kind in (scaling.HIGH, scaling.LOW)]
    settings = {"TargetValue": 50.0, **configuration}
    case.group.policies[name] = {
        "PolicyName": name, "PolicyType": "TargetTrackingScaling", "Alarms": named, "TargetTrackingConfiguration": settings
    }  # fmt: skip


def alarm(case: Case, name: str, value: float) -> None:
    case.world.alarms[name], case.world.values[name] = "ALARM", value


def warm(desired: int) -> Case:
    case = Case(desired, DefaultInstanceWarmup=100, MinSize=1).settle()
    case.tick(seconds=200)
    return case


def test_scale_out_in_proportion_and_not_again_for_instances_that_warm_up() -> None:
    """as-scaling-target-tracking.html; ec2-auto-scaling-default-instance-warmup.html: warming instances do not count."""
    case = warm(2)
    tracking(case)
    alarm(case, OUT, 90.0)
    case.tick()
    assert case.group.desired == 4  # ceil(2 * 90 / 50)
    assert f"a monitor alarm {OUT} in state ALARM triggered policy cpu changing the desired capacity from 2 to 4" in case.group.cause
    case.tick(seconds=61)
    assert case.group.desired == 4
    case.tick(seconds=61)
    case.tick(seconds=61)
    assert case.group.desired == 8  # now four of them have that load


def test_scale_in_waits_for_warm_up_and_stops_at_the_minimum() -> None:
    """as-scaling-target-tracking.html: scale-in is blocked while instances warm up."""
    case = warm(3)
    tracking(case)
    alarm(case, IN, 5.0)
    case.group.members[0].in_service_since = case.world.now
    case.tick()
    assert case.group.desired == 3
    case.tick(seconds=101)
    assert case.group.desired == 1


def test_scale_in_needs_all_policies_to_agree_and_may_be_off() -> None:
    """as-scaling-target-tracking.html: multiple target tracking policies; disable scale-in."""
    case = warm(3)
    tracking(case)
    tracking(case, "requests", "2")
    alarm(case, IN, 5.0)
    case.tick()
    assert case.group.desired == 3
    tracking(case, "requests", "2", DisableScaleIn=True)
    case.tick(seconds=61)
    assert case.group.desired == 1


def test_a_suspended_alarm_process_and_a_disabled_policy_do_nothing() -> None:
    """as-suspend-resume-processes.html: AlarmNotification; as-enable-disable-scaling-policy.html"""
    case = warm(2)
    tracking(case)
    alarm(case, OUT, 90.0)
    case.group.suspended["AlarmNotification"] = ""
    case.tick()
    case.group.suspended.clear()
    case.group.policies["cpu"]["Enabled"] = False
    case.tick()
    assert case.group.desired == 2


STEPS = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 3},
]
DOWN = [
    {"MetricIntervalUpperBound": 0.0, "MetricIntervalLowerBound": -10.0, "ScalingAdjustment": -1},
    {"MetricIntervalUpperBound": -10.0, "ScalingAdjustment": -2},
]


@pytest.mark.parametrize(
    ("steps", "breach", "amount"), [(STEPS, 0, 1), (STEPS, 9.9, 1), (STEPS, 10, 3), (DOWN, -1, -1), (DOWN, -10, -2), (STEPS, -1, None)]
)
def test_step_adjustments(steps: list[dict[str, Any]], breach: float, amount: int | None) -> None:
    """as-scaling-simple-step.html: step adjustments, inclusive below and exclusive above; the other way round under the threshold."""
    assert scaling.adjustment(steps, breach) == amount


@pytest.mark.parametrize(
    ("kind", "amount", "least", "result"),
    [
        ("ChangeInCapacity", -1, None, 9),
        ("ExactCapacity", 3, None, 3),
        ("PercentChangeInCapacity", 25, None, 12),
        ("PercentChangeInCapacity", 5, None, 11),
        ("PercentChangeInCapacity", -5, None, 9),
        ("PercentChangeInCapacity", 10, 4, 14),
    ],
)
def test_adjustment_types(kind: str, amount: int, least: int | None, result: int) -> None:
    """as-scaling-simple-step.html: adjustment types, rounding, MinAdjustmentMagnitude."""
    assert scaling.adjusted(10, {"AdjustmentType": kind, "MinAdjustmentMagnitude": least}, amount) == result


def test_step_scaling_counts_warming_instances_as_capacity() -> None:
    """as-scaling-simple-step.html: instances that warm up are part of the capacity that a step asks for."""
    case = warm(2)
    policy = {"PolicyName": "steps", "PolicyType": "StepScaling", "AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS}
    case.group.policies["steps"] = {**policy, "Alarms": [{"AlarmName": "busy"}]}
    alarm(case, "busy", 75.0)
    case.world.values["busy threshold"] = 60.0
    case.tick()
    assert case.group.desired == 5
    case.tick(seconds=61)
    assert case.group.desired == 5


def test_simple_scaling_waits_for_its_cooldown() -> None:
    """ec2-auto-scaling-scaling-cooldowns.html"""
    case = warm(2)
    policy = {
        "PolicyName": "one",
        "PolicyType": "SimpleScaling",
        "AdjustmentType": "ChangeInCapacity",
        "ScalingAdjustment": 1,
        "Cooldown": 200,
    }
    case.group.policies["one"] = {**policy, "Alarms": [{"AlarmName": "busy"}]}
    alarm(case, "busy", 75.0)
    case.tick()
    case.tick(seconds=150)
    assert case.group.desired == 3
    case.tick(seconds=61)
    assert case.group.desired == 4


def cloudwatch(**fields: Any) -> Any:
    base = {"comparison_operator": "GreaterThanThreshold", "threshold": 50.0, "evaluation_periods": 3, "datapoints_to_alarm": None}
    return SimpleNamespace(**{**base, "treat_missing_data": None, **fields})


def marks(text: str) -> list[float | None]:
    """Datapoints as AWS' tables write them: 0 within the threshold, X beyond it, - missing; the newest on the right."""
    return [{"0": 40.0, "X": 60.0, "-": None}[mark] for mark in text]


MISSING = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(
    ("points", "needed", "states"),
    [
        ("0-X-X", 3, ("OK", "OK", "OK", "OK")),
        ("0----", 3, ("OK", "OK", "OK", "OK")),
        ("-----", 3, ("INSUFFICIENT_DATA", "before", "ALARM", "OK")),
        ("0XX-X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("--X--", 3, ("ALARM", "before", "ALARM", "OK")),
        ("----X", 3, ("before", "before", "ALARM", "OK")),
        ("0-X-X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("00X0X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-X--", 2, ("OK", "OK", "ALARM", "OK")),
        ("----0", 2, ("OK", "OK", "ALARM", "OK")),
        ("---X-", 2, ("ALARM", "before", "ALARM", "OK")),
        ("XXX00", 3, ("OK", "OK", "OK", "OK")),
    ],
)
def test_alarm_state_by_the_tables_of_aws(points: str, needed: int, states: tuple[str, ...]) -> None:
    """AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: both tables, and premature transitions."""
    for treat, state in zip(MISSING, states, strict=True):
        alarm = cloudwatch(datapoints_to_alarm=needed, treat_missing_data=treat)
        assert alarms.evaluation_range(alarm) == len(points)
        assert (treat, alarms.state(alarm, marks(points), "before")) == (treat, state)


def test_an_alarm_below_its_threshold() -> None:
    """AmazonCloudWatch/latest/monitoring/alarm-evaluation.html"""
    assert alarms.state(cloudwatch(comparison_operator="LessThanThreshold"), [40, 40, 40], "before") == "ALARM"


def test_datapoints_by_period() -> None:
    """AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html: statistics over periods."""
    assert alarms.datapoints("Average", [(1, 10.0), (59, 20.0), (61, 40.0), (500, 1.0)], 60, 3) == [None, 40.0, 15.0]
    assert alarms.datapoints("Sum", [(1, 10.0), (59, 20.0)], 60, 1) == [30.0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("0 22 * * *", "UTC", "2026-11-24T12:00", "2026-11-24T22:00"),
        ("*/15 * * * *", "UTC", "2026-11-24T12:00", "2026-11-24T12:15"),
        ("30 8 * * MON-FRI", "UTC", "2026-11-27T09:00", "2026-11-30T08:30"),
        ("0 0 1 1 *", "UTC", "2026-11-24T12:00", "2027-01-01T00:00"),
        ("0 9 * * *", "Europe/London", "2026-07-01T00:00", "2026-07-01T08:00"),
        ("0 0 13 * 5", "UTC", "2026-11-24T12:00", "2026-11-27T00:00"),
    ],
)
def test_cron(expression: str, zone: str, after: str, due: str) -> None:
    """ec2-auto-scaling-scheduled-scaling.html: recurring schedules, time zones."""
    assert schedule.next_match(expression, at(after), zone) == at(due)


@pytest.mark.parametrize("expression", ["* * *", "61 * * * *", "a * * * *"])
def test_cron_that_is_none(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        schedule.parse(expression)


def test_scheduled_actions_run_once_or_again() -> None:
    """ec2-auto-scaling-scheduled-scaling.html: one-time and recurring actions; bounds and desired capacity."""
    case = Case(desired=2).settle()
    soon = moment(case.world.now + 30)
    case.group.scheduled["night"] = {"ScheduledActionName": "night", "StartTime": soon, "MinSize": 0, "DesiredCapacity": 0}
    case.group.scheduled["always"] = {"ScheduledActionName": "always", "Recurrence": "* * * * *", "MaxSize": 7}
    case.tick(seconds=29)
    assert case.group.desired == 2
    case.tick(seconds=1)
    assert case.group.desired == 0
    assert "a scheduled action night was executed changing the desired capacity from 2 to 0" in case.group.cause
    case.tick(seconds=60)
    assert case.group.settings["MaxSize"] == 7
    assert list(case.group.scheduled) == ["always"]
