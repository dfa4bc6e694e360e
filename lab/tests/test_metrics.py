# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lab.auto_scaling.alarms import query
from lab.clock import CLOCK
from lab.reconcilers import metrics
from lab.reconcilers.alarms import Alarms, points_of
from lab.tests.auto_scaling import START, Case


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, "now", lambda: START)


@pytest.mark.parametrize(("used", "passed", "count", "percent"), [(3.0, 6.0, 2, 25.0), (6.0, 6.0, 1, 100.0), (9.0, 6.0, 1, 100.0)])
def test_utilization_is_of_the_type_s_processors(used: float, passed: float, count: int, percent: float) -> None:
    assert metrics.utilization(used, passed, count) == percent


def test_this_process_uses_processor_time() -> None:
    """By the control group of a real process; where none is to be read, nothing is published."""
    found = metrics.processor_seconds(1)
    assert found is None or found >= 0


def test_bytes_are_of_a_minute_at_the_rate_of_real_time() -> None:
    before, now = metrics.Usage(1.0, 1000, 500), metrics.Usage(4.0, 3000, 500)
    found = metrics.measured(before, now, passed=6.0, count=2)
    assert found == {"CPUUtilization": (25.0, "Percent"), "NetworkIn": (20000.0, "Bytes"), "NetworkOut": (0.0, "Bytes")}


def test_this_process_has_traffic_that_can_be_read() -> None:
    received, sent = metrics.traffic(os.getpid()) or (-1, -1)
    assert received >= 0
    assert sent >= 0
    assert metrics.traffic(2**30) is None


def alarm(**fields: Any) -> Any:
    base = {
        "name": "busy",
        "namespace": "AWS/EC2",
        "metric_name": "CPUUtilization",
        "statistic": "Average",
        "period": 60,
        "threshold": 50.0,
    }
    base |= {
        "comparison_operator": "GreaterThanThreshold",
        "evaluation_periods": 2,
        "datapoints_to_alarm": None,
        "treat_missing_data": None,
        "metric_data_queries": [],
    }
    base |= fields
    made = SimpleNamespace(**base, dimensions=[SimpleNamespace(name="AutoScalingGroupName", value="web")], state_value="OK")

    def update_state(reason: str, data: str, state: str) -> None:
        made.state_reason, made.state_reason_data, made.state_value = reason, data, state

    made.update_state = update_state
    return made


def point(age: float, value: float, group: str = "web") -> Any:
    at = datetime.fromtimestamp(START, UTC) - timedelta(seconds=age)
    dimensions = [SimpleNamespace(name="AutoScalingGroupName", value=group)]
    return SimpleNamespace(name="CPUUtilization", namespace="AWS/EC2", value=value, timestamp=at, dimensions=dimensions)


def test_an_alarm_sees_its_own_metric_by_periods_of_the_lab_s_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    data = [point(1, 60.0), point(2, 80.0), point(7, 90.0), point(1, 0.0, "other")]
    assert points_of(alarm(), data) == [None, None, None, pytest.approx(230 / 3)]
    monkeypatch.setattr(CLOCK, "speed", 10.0)
    assert points_of(alarm(), data) == [None, None, 90.0, 70.0]


def test_an_alarm_of_metric_math_sees_what_it_makes_of_several_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """ec2-auto-scaling-target-tracking-metric-math.html: e.g. messages in a queue by instances in service."""
    monkeypatch.setattr(CLOCK, "speed", 10.0)
    stat = {"Metric": {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": []}, "Stat": "Average"}
    web, other = ({**stat, "Metric": {**stat["Metric"], "Dimensions": [{"Name": "AutoScalingGroupName", "Value": name}]}} for name in "wo")  # type: ignore[dict-item]
    queries = [{"Id": "m1", "MetricStat": web, "ReturnData": False}, {"Id": "m2", "MetricStat": other, "ReturnData": False}]
    queries += [{"Id": "e1", "Expression": "m1 / m2"}]
    evaluated = alarm(metric_data_queries=[query(each) for each in queries], metric_name="", namespace="", statistic="", period=None)
    data = [point(1, 60.0, "w"), point(1, 0.5, "o"), point(7, 90.0, "w")]
    assert points_of(evaluated, data) == [None, None, None, 120.0]
    evaluated.metric_data_queries[2].expression = "NOT_THERE(m1)"
    assert Alarms(SimpleNamespace())._evaluate(evaluated, data)  # type: ignore[arg-type]
    assert (evaluated.state_value, "NOT_THERE" in evaluated.state_reason) == ("INSUFFICIENT_DATA", True)


def test_evaluation_keeps_the_newest_value_for_scaling_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, "speed", 10.0)
    evaluated, alarms = alarm(), Alarms(SimpleNamespace())  # type: ignore[arg-type]
    assert alarms._evaluate(evaluated, [point(1, 60.0), point(7, 90.0)])
    assert evaluated.state_value == "ALARM"
    assert not alarms._evaluate(evaluated, [point(1, 75.0), point(7, 60.0)])
    assert json.loads(evaluated.state_reason_data)["recentDatapoints"] == [60.0, 75.0]


def test_an_instance_counts_for_its_group_when_it_has_warmed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """ec2-auto-scaling-default-instance-warmup.html: until then its metrics are no part of the group's."""
    case = Case(desired=1, DefaultInstanceWarmup=60).settle()
    monkeypatch.setattr(metrics, "STORE", case.store)
    monkeypatch.setattr(CLOCK, "now", lambda: case.world.now)
    assert metrics.counts_for("i-1") == ""
    case.world.now += 60
    assert metrics.counts_for("i-1") == "web"
    assert metrics.counts_for("i-other") == ""
