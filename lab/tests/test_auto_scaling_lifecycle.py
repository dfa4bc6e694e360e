# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transitions of an instance. Each test names the page of AWS' user guide (autoscaling/ec2/userguide/) that it follows."""

from __future__ import annotations

import pytest

from lab.auto_scaling import lifecycle
from lab.auto_scaling.model import LAUNCHING_HOOK, TERMINATING_HOOK
from lab.tests.auto_scaling import Case, hook

GROUP = ["arn:tg"]


def test_launch_to_in_service() -> None:
    """ec2-auto-scaling-lifecycle.html: Pending, then InService; lifecycle-hooks-overview.html: registered before InService."""
    case = Case(desired=1, TargetGroupARNs=GROUP)
    case.tick()
    assert case.states == {"i-1": "Pending"}
    case.tick()
    assert case.states == {"i-1": "InService"}
    assert case.world.asked("register") == ["i-1"]
    assert case.statuses() == [("Launching a new EC2 instance: i-1", "Successful")]


def test_it_stays_pending_until_ec2_runs_it() -> None:
    """ec2-auto-scaling-lifecycle.html: Pending."""
    case = Case(desired=1)
    case.tick()
    case.world.instances["i-1"] = "pending"
    case.tick()
    assert case.states == {"i-1": "Pending"}


@pytest.mark.parametrize(("result", "state"), [("CONTINUE", "InService"), ("ABANDON", None)])
def test_launch_hook_holds_until_it_is_completed(result: str, state: str | None) -> None:
    """lifecycle-hooks-overview.html: Pending:Wait, Pending:Proceed; completing-lifecycle-hooks.html: CONTINUE, ABANDON."""
    case = Case(desired=1)
    case.group.hooks["boot"] = hook("boot", LAUNCHING_HOOK)
    case.tick(times=3)
    assert case.states == {"i-1": "Pending:Wait"}
    lifecycle.complete(case.member("i-1"), "boot", result)
    case.tick()
    assert case.states.get("i-1") == state
    if state is None:
        assert ("Launching a new EC2 instance: i-1", "Failed") in case.statuses()
        assert case.world.asked("terminate") == ["i-1"]


@pytest.mark.parametrize(("result", "state"), [("CONTINUE", "InService"), ("ABANDON", None)])
def test_a_hook_that_nobody_completes_takes_its_default_result(result: str, state: str | None) -> None:
    """lifecycle-hooks-overview.html: the timeout period ends; lifecycle-hooks.html: default result."""
    case = Case(desired=1)
    case.group.hooks["boot"] = hook("boot", LAUNCHING_HOOK, result, timeout=60)
    case.tick(times=2)
    case.tick(seconds=59)
    assert case.states == {"i-1": "Pending:Wait"}
    case.tick(seconds=1)
    assert case.states.get("i-1") == state


def test_a_heartbeat_starts_the_timeout_anew_but_not_for_ever() -> None:
    """lifecycle-hooks.html: RecordLifecycleActionHeartbeat; at most 100 times the heartbeat timeout, or 48 hours."""
    case = Case(desired=1)
    case.group.hooks["boot"] = hook("boot", LAUNCHING_HOOK, "CONTINUE", timeout=60)
    case.tick(times=2)
    for _ in range(99):
        case.member("i-1").waits["boot"].heartbeat = case.world.now
        case.tick(seconds=59)
        assert case.states == {"i-1": "Pending:Wait"}
    case.member("i-1").waits["boot"].heartbeat = case.world.now + 200
    case.tick(seconds=200)
    assert case.states == {"i-1": "InService"}


def test_two_hooks_hold_until_both_are_done() -> None:
    """lifecycle-hooks.html, considerations: several hooks; ABANDON ends the others too."""
    case = Case(desired=1)
    case.group.hooks = {name: hook(name, LAUNCHING_HOOK) for name in ("one", "two")}
    case.tick(times=2)
    lifecycle.complete(case.member("i-1"), "one", "CONTINUE")
    case.tick()
    assert case.states == {"i-1": "Pending:Wait"}
    lifecycle.complete(case.member("i-1"), "two", "CONTINUE")
    case.tick()
    assert case.states == {"i-1": "InService"}


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_termination_hook_waits_after_draining_and_ends_in_termination_either_way(result: str) -> None:
    """lifecycle-hooks-overview.html, steps 4 to 6: deregistered and drained, then Terminating:Wait, then terminated."""
    case = Case(desired=1, TargetGroupARNs=GROUP).settle()
    case.group.hooks["leave"] = hook("leave", TERMINATING_HOOK)
    case.world.drains = True
    case.group.resize(0, "a test")
    case.tick(times=3)
    assert case.states == {"i-1": "Terminating"}
    assert case.statuses()[0] == ("Terminating EC2 instance: i-1", "WaitingForELBConnectionDraining")
    case.world.targets["arn:tg"].clear()
    case.tick()
    assert case.states == {"i-1": "Terminating:Wait"}
    assert case.world.asked("terminate") == []
    lifecycle.complete(case.member("i-1"), "leave", result)
    case.tick()
    assert case.states == {}
    assert case.world.asked("terminate") == ["i-1"]
    assert case.statuses()[0] == ("Terminating EC2 instance: i-1", "Successful")


def test_a_hook_tells_its_target_where_the_instance_comes_from_and_goes_to() -> None:
    """prepare-for-lifecycle-notifications.html: the message; warm-pools-eventbridge-events.html: Origin and Destination."""
    case = Case(desired=1)
    case.group.hooks["boot"] = {**hook("boot", LAUNCHING_HOOK), "NotificationTargetARN": "arn:sns", "NotificationMetadata": "x"}
    case.tick(times=2)
    message = next(call[2] for call in case.world.calls if call[0] == "notify")
    assert message["LifecycleActionToken"] == case.member("i-1").waits["boot"].token
    assert (message["Origin"], message["Destination"], message["NotificationMetadata"]) == ("EC2", "AutoScalingGroup", "x")


def test_standby_and_back() -> None:
    """as-enter-exit-standby.html: EnteringStandby while it drains, Standby; back through Pending to InService."""
    case = Case(desired=2, TargetGroupARNs=GROUP).settle()
    case.group.settings["DesiredCapacity"] = 1
    lifecycle.stand_by(case.turn, case.member("i-1"), "a test")
    case.world.drains = True
    case.tick(times=2)
    assert case.states["i-1"] == "EnteringStandby"
    case.world.targets["arn:tg"].pop("i-1")
    case.tick()
    assert case.states == {"i-1": "Standby", "i-2": "InService"}
    case.world.instances["i-1"] = "stopped"
    case.tick()
    assert case.states["i-1"] == "Standby"  # no health checks there
    case.world.instances["i-1"] = "running"
    case.group.settings["DesiredCapacity"] = 2
    lifecycle.leave_standby(case.turn, case.member("i-1"), "a test")
    case.tick()
    assert case.states == {"i-1": "InService", "i-2": "InService"}
    assert case.world.asked("register") == ["i-1", "i-2", "i-1"]


def test_detached_instances_live_on() -> None:
    """ec2-auto-scaling-detach-attach-instances.html"""
    case = Case(desired=2, TargetGroupARNs=GROUP).settle()
    case.group.settings["DesiredCapacity"] = 1
    lifecycle.detach(case.turn, case.member("i-1"), "a test")
    case.tick(times=2)
    assert case.states == {"i-2": "InService"}
    assert case.world.asked("deregister") == ["i-1"]
    assert (case.world.asked("detach"), case.world.asked("terminate")) == (["i-1"], [])


def test_target_groups_attached_and_detached_later() -> None:
    """attach-load-balancer-asg.html, detach-load-balancer-asg.html: instances in service are registered and deregistered."""
    case = Case(desired=1).settle()
    case.group.settings["TargetGroupARNs"] = GROUP
    case.tick()
    assert case.world.asked("register") == ["i-1"]
    case.group.settings["TargetGroupARNs"] = []
    case.tick()
    assert case.world.asked("deregister") == ["i-1"]
