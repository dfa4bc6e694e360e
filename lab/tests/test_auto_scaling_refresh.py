# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance refresh. Each test names the page of AWS' user guide (autoscaling/ec2/userguide/) that it follows."""

from __future__ import annotations

from typing import Any

import pytest

from lab.auto_scaling import refresh as refreshing
from lab.auto_scaling.api.refreshes import new_refresh
from lab.auto_scaling.model import Refresh
from lab.clock import CLOCK
from lab.tests.auto_scaling import Case

TWO = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def begin(case: Case, patch: pytest.MonkeyPatch, desired: dict[str, Any] | None = TWO, **preferences: Any) -> Refresh:
    patch.setattr(CLOCK, "now", lambda: case.world.now)
    started = new_refresh(case.group, "Rolling", {"InstanceWarmup": 30, **preferences}, desired)
    case.group.refreshes.insert(0, started)
    return started


def group(desired: int = 4, **settings: Any) -> Case:
    case = Case(desired, TargetGroupARNs=["arn:tg"], HealthCheckType="ELB", HealthCheckGracePeriod=60, **settings).settle()
    case.tick(seconds=100)
    return case


def versions(case: Case) -> list[str]:
    return sorted(member.template["Version"] for member in case.group.active)


def run(case: Case, refresh: Refresh, most: int = 400) -> list[tuple[int, int]]:
    """Ticks until the refresh ends; (members in service, members) at each tick."""
    seen = []
    for _ in range(most):
        case.tick(seconds=10)
        serving = [member for member in case.group.members if member.state == "InService" and member.healthy]
        seen.append((len(serving), len(case.group.active)))
        if "EndTime" in refresh.document:
            return seen
    raise AssertionError(refresh.document)


def test_rolling_replacement_keeps_the_minimum_and_adopts_the_desired_configuration(clock: Any) -> None:
    """instance-refresh-overview.html: rolling, minimum healthy percentage, desired configuration."""
    case = group()
    refresh = begin(case, clock, MinHealthyPercentage=50)
    seen = run(case, refresh)
    assert refresh.document["Status"] == "Successful"
    assert refresh.document["PercentageComplete"] == 100
    assert versions(case) == ["2"] * 4
    assert min(serving for serving, _ in seen) >= 2
    assert max(members for _, members in seen) == 4
    assert case.group.settings["LaunchTemplate"]["Version"] == "2"


def test_launch_before_terminate_never_goes_below_the_desired_capacity(clock: Any) -> None:
    """understand-instance-refresh-default-values.html, instance-refresh-overview.html: minimum 100, maximum above 100."""
    case = group()
    refresh = begin(case, clock, MinHealthyPercentage=100, MaxHealthyPercentage=150)
    seen = run(case, refresh)
    assert versions(case) == ["2"] * 4
    assert min(serving for serving, _ in seen) >= 4
    assert max(members for _, members in seen) == 6


def test_the_group_s_maintenance_policy_is_the_default(clock: Any) -> None:
    """ec2-auto-scaling-instance-maintenance-policy.html"""
    case = group(InstanceMaintenancePolicy={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110})
    seen = run(case, begin(case, clock))
    assert (min(serving for serving, _ in seen), max(members for _, members in seen)) == (4, 5)


def test_skip_matching_leaves_instances_that_match(clock: Any) -> None:
    """asg-instance-refresh-skip-matching.html"""
    case = group(desired=2)
    case.member("i-1").template = {**case.member("i-1").template, "Version": "2"}
    run(case, begin(case, clock, SkipMatching=True, MinHealthyPercentage=50))
    assert "i-1" in case.states
    assert "i-2" not in case.states
    run(case, begin(case, clock, MinHealthyPercentage=50))
    assert "i-1" not in case.states


def test_checkpoints_hold_for_their_delay(clock: Any) -> None:
    """asg-adding-checkpoints-instance-refresh.html"""
    case = group()
    refresh = begin(case, clock, CheckpointPercentages=[50, 100], CheckpointDelay=600, MinHealthyPercentage=75)
    case.tick(seconds=10, times=20)
    assert versions(case) == ["1", "1", "2", "2"]
    assert refresh.document["StatusReason"] == "Waiting at the checkpoint of 50 percent."
    assert refresh.document["PercentageComplete"] == 50
    case.tick(seconds=10, times=30)
    assert versions(case) == ["1", "1", "2", "2"]
    run(case, refresh)
    assert versions(case) == ["2"] * 4


def test_bake_time(clock: Any) -> None:
    """instance-refresh-overview.html: bake time."""
    case = group(desired=1)
    refresh = begin(case, clock, BakeTime=300, MinHealthyPercentage=0)
    case.tick(seconds=10, times=15)
    assert refresh.document["Status"] == "Baking"
    run(case, refresh)
    assert refresh.document["Status"] == "Successful"


def test_an_alarm_fails_it_and_rolls_back(clock: Any) -> None:
    """instance-refresh-rollback.html, instance-refresh-overview.html: CloudWatch alarms, auto rollback."""
    case = group(desired=2)
    refresh = begin(case, clock, AlarmSpecification={"Alarms": ["errors"]}, AutoRollback=True, MinHealthyPercentage=50)
    case.tick(seconds=10, times=6)
    assert "2" in versions(case)
    case.world.alarms["errors"] = "ALARM"
    run(case, refresh)
    assert refresh.document["Status"] == "RollbackSuccessful"
    assert refresh.document["RollbackDetails"]["RollbackReason"] == "CloudWatch alarm errors went into ALARM state."
    assert versions(case) == ["1", "1"]
    assert case.group.settings["LaunchTemplate"]["Version"] == "1"


@pytest.mark.parametrize(("rollback", "status", "left"), [(True, "RollbackSuccessful", ["1"] * 4), (False, "Failed", None)])
def test_a_version_that_never_gets_healthy_fails_after_an_hour_without_progress(
    clock: Any, rollback: bool, status: str, left: list[str] | None
) -> None:
    """instance-refresh-overview.html, troubleshooting: instances that do not become healthy; instance-refresh-rollback.html."""
    case = group()
    case.world.healthy_versions = {"1"}
    begun = case.world.now
    refresh = begin(case, clock, AutoRollback=rollback, MinHealthyPercentage=75)
    seen = run(case, refresh, most=800)
    assert refresh.document["Status"] == status
    assert "made no progress for one hour" in refresh.document["StatusReason"]
    assert case.world.now - begun >= refreshing.GIVES_UP_SECONDS
    assert min(serving for serving, _ in seen) >= 3
    if left:
        assert versions(case) == left


def test_cancelling_leaves_what_was_replaced(clock: Any) -> None:
    """stop-instance-refresh.html: in progress launches and terminations end, nothing new begins."""
    case = group(desired=2)
    refresh = begin(case, clock, MinHealthyPercentage=50)
    case.tick(seconds=10, times=4)
    refresh.document["Status"] = "Cancelling"
    run(case, refresh)
    assert refresh.document["Status"] == "Cancelled"
    assert versions(case) == ["1", "2"]


@pytest.mark.parametrize(
    ("choice", "replaced", "status"), [("Ignore", False, "Successful"), ("Refresh", True, "Successful"), ("Wait", False, "Failed")]
)
def test_protected_instances(clock: Any, choice: str, replaced: bool, status: str) -> None:
    """API RefreshPreferences: ScaleInProtectedInstances."""
    case = group(desired=2)
    case.member("i-1").protected = True
    refresh = begin(case, clock, ScaleInProtectedInstances=choice, MinHealthyPercentage=50)
    run(case, refresh, most=800)
    assert (refresh.document["Status"], "i-1" not in case.states) == (status, replaced)


def test_standby_instances_are_terminated_when_asked(clock: Any) -> None:
    """API RefreshPreferences: StandbyInstances."""
    case = group(desired=2)
    case.group.settings["DesiredCapacity"] = 1
    case.member("i-1").state = "Standby"
    run(case, begin(case, clock, StandbyInstances="Terminate", MinHealthyPercentage=0))
    assert "i-1" not in case.states


def test_the_warm_pool_is_replaced_too(clock: Any) -> None:
    """instance-refresh-overview.html, ec2-auto-scaling-warm-pools.html: update the instances in a warm pool."""
    case = group(desired=1)
    case.group.warm_pool = {"MinSize": 0, "PoolState": "Stopped", "MaxGroupPreparedCapacity": 3}
    case.settle()
    refresh = begin(case, clock, MinHealthyPercentage=0)
    run(case, refresh)
    case.settle()
    assert [member.template["Version"] for member in case.group.warm] == ["2", "2"]
    assert "WarmPoolProgress" in refresh.document["ProgressDetails"]
