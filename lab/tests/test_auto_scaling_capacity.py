# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity, zones, health and replacement. Each test names the page of AWS' user guide (autoscaling/ec2/userguide/) that it follows."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from lab.auto_scaling import lifecycle, zones
from lab.auto_scaling.model import LAUNCHING_HOOK, Member
from lab.tests.auto_scaling import START, Case, hook

GROUP = ["arn:tg"]
TEMPLATE = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "Version": "2"}


def member(identifier: str, zone: str = "a", **fields: Any) -> Member:
    template, launched = {**TEMPLATE, "Version": fields.get("version", "2")}, fields.get("launched", START)
    made = Member(identifier, zone, f"subnet-{zone}", "t3.micro", template, "InService", START, launched)
    made.healthy, made.protected = fields.get("healthy", True), fields.get("protected", False)
    return made


def test_launches_spread_over_the_zones() -> None:
    """auto-scaling-benefits.html: instance distribution."""
    case = Case(desired=6).settle()
    assert collections.Counter(one.zone for one in case.group.members) == {"eu-west-1a": 2, "eu-west-1b": 2, "eu-west-1c": 2}


def test_rebalancing_launches_before_it_terminates() -> None:
    """auto-scaling-benefits.html: rebalancing activities."""
    case = Case(desired=3, VPCZoneIdentifier="subnet-a").settle()
    case.group.settings["VPCZoneIdentifier"] = "subnet-a,subnet-b"
    case.tick()
    assert len(case.group.active) == 4
    assert case.world.asked("terminate") == []
    case.tick(times=3)
    assert collections.Counter(one.zone for one in case.group.members) == {"eu-west-1a": 2, "eu-west-1b": 1}
    case.tick(times=3)
    assert len(case.world.asked("launch")) == 4


def test_a_suspended_process_does_nothing() -> None:
    """as-suspend-resume-processes.html"""
    case = Case(desired=1)
    case.group.suspended["Launch"] = "User suspended"
    case.tick(times=2)
    assert case.states == {}
    case.group.suspended = {"Terminate": "User suspended"}
    case.settle()
    case.group.resize(0, "a test")
    case.settle()
    assert case.states == {"i-1": "InService"}


def test_a_launch_that_fails_is_told_and_tried_again() -> None:
    """ts-as-instancelaunchfailure.html, ec2-auto-scaling-verify-scaling-activity.html"""
    case = Case(desired=1)
    case.world.refuses = "InsufficientInstanceCapacity"
    case.tick(times=3)
    assert case.statuses() == [("Launching a new EC2 instance", "Failed")]
    case.world.refuses = ""
    case.tick(seconds=61)
    assert case.states == {"i-1": "Pending"}


@pytest.mark.parametrize(
    ("policies", "members", "chosen"),
    [
        pytest.param(["Default"], [member("i-1"), member("i-2", "b"), member("i-3", "b")], "i-2", id="the fullest zone first"),
        pytest.param(["Default"], [member("i-1"), member("i-2", version="1")], "i-2", id="the oldest launch template"),
        pytest.param(["Default"], [member("i-1", launched=START - 10), member("i-2", launched=START - 3500)], "i-2", id="next hour"),
        pytest.param(["OldestInstance"], [member("i-1"), member("i-2", launched=START - 9)], "i-2", id="oldest"),
        pytest.param(["NewestInstance"], [member("i-1"), member("i-2", launched=START + 9)], "i-2", id="newest"),
        pytest.param(["Default"], [member("i-1", version="1", protected=True), member("i-2")], "i-2", id="protected from scale-in"),
        pytest.param(["Default"], [member("i-1", version="1"), member("i-2", healthy=False)], "i-2", id="unhealthy before all"),
    ],
)
def test_whom_scale_in_takes(policies: list[str], members: list[Member], chosen: str) -> None:
    """ec2-auto-scaling-termination-policies.html, ec2-auto-scaling-instance-protection.html"""
    assert [one.id for one in zones.victims(members, 1, policies, TEMPLATE, START)] == [chosen]


def test_protected_instances_are_never_taken() -> None:
    """ec2-auto-scaling-instance-protection.html"""
    assert zones.victims([member("i-1", protected=True)], 1, ["Default"], TEMPLATE, START) == []


def test_an_instance_that_no_longer_runs_is_replaced_even_in_its_grace_period() -> None:
    """health-check-grace-period.html: the grace period does not cover instances that are not running."""
    case = Case(desired=2, HealthCheckGracePeriod=300).settle()
    case.world.instances["i-1"] = "stopped"
    case.settle()
    assert case.states == {"i-2": "InService", "i-3": "InService"}
    terminated = next(one for one in case.group.activities if one["Description"] == "Terminating EC2 instance: i-1")
    assert "an EC2 health check indicating it has been terminated or stopped" in terminated["Cause"]


@pytest.mark.parametrize("kind", ["ELB", "EC2"])
def test_checks_count_after_the_grace_period(kind: str) -> None:
    """ec2-auto-scaling-health-checks.html: EC2 status checks always, Elastic Load Balancing's when turned on."""
    case = Case(desired=1, HealthCheckType=kind, HealthCheckGracePeriod=300, TargetGroupARNs=GROUP).settle()
    case.world.targets["arn:tg"]["i-1"] = "unhealthy"
    if kind == "EC2":
        case.tick(seconds=301)
        assert case.states == {"i-1": "InService"}
        case.world.impaired.add("i-1")
    else:
        case.tick(seconds=299)
        assert case.states == {"i-1": "InService"}
    case.tick(seconds=2)
    case.settle()
    assert case.states == {"i-2": "InService"}


def test_without_a_policy_unhealthy_instances_go_while_others_come() -> None:
    """ec2-auto-scaling-instance-maintenance-policy.html: no policy."""
    case = Case(desired=2).settle()
    case.member("i-1").healthy = False
    case.tick()
    assert case.states == {"i-2": "InService", "i-3": "Pending"}


def test_launch_before_terminate() -> None:
    """ec2-auto-scaling-instance-maintenance-policy.html: minimum 100 %, maximum above."""
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    case = Case(desired=2, InstanceMaintenancePolicy=policy, TargetGroupARNs=GROUP, HealthCheckType="ELB").settle()
    case.world.targets["arn:tg"]["i-1"] = "unhealthy"
    case.tick()
    assert case.states == {"i-1": "InService", "i-2": "InService", "i-3": "Pending"}
    case.settle()
    assert case.states == {"i-2": "InService", "i-3": "InService"}


def test_group_that_is_deleted_by_force_ends_its_instances() -> None:
    """API DeleteAutoScalingGroup, ForceDelete: without waiting, outstanding lifecycle actions with it."""
    case = Case(desired=2).settle()
    case.group.deleting = True
    case.tick(times=2)
    assert sorted(case.world.asked("terminate")) == ["i-1", "i-2"]
    assert case.store.groups == {}


def test_deletion_by_force_does_not_wait_for_hooks() -> None:
    """API DeleteAutoScalingGroup, ForceDelete: outstanding lifecycle actions are deleted."""
    case = Case(desired=2)
    case.group.hooks["boot"] = hook("boot", LAUNCHING_HOOK)
    case.settle()
    assert set(case.states.values()) == {"Pending:Wait"}
    case.group.deleting = True
    case.tick(times=2)
    assert sorted(case.world.asked("terminate")) == ["i-1", "i-2"]
    assert case.store.groups == {}


def test_scale_in_prefers_balance() -> None:
    """ec2-auto-scaling-termination-policies.html: the zone with the most instances."""
    case = Case(desired=4).settle()
    case.group.resize(3, "a test")
    case.settle()
    assert sorted(one.zone for one in case.group.members) == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert "shrinking the capacity from 4 to 3" in case.group.activities[0]["Cause"]


def test_termination_by_request_is_replaced() -> None:
    """API TerminateInstanceInAutoScalingGroup without decrementing."""
    case = Case(desired=1).settle()
    lifecycle.leave(case.turn, case.member("i-1"), "a user request")
    case.settle()
    assert case.states == {"i-2": "InService"}
