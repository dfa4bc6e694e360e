# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warm pools. Each test names the page of AWS' user guide (autoscaling/ec2/userguide/) that it follows."""

from __future__ import annotations

from typing import Any

import pytest

from lab.auto_scaling import lifecycle, warm_pool
from lab.auto_scaling.model import LAUNCHING_HOOK, TERMINATING_HOOK
from lab.tests.auto_scaling import Case, hook


def pool(**settings: Any) -> Case:
    case = Case(desired=1, MaxSize=3)
    case.group.warm_pool = {"MinSize": 0, "PoolState": "Stopped", **settings}
    return case


@pytest.mark.parametrize(
    ("settings", "size"),
    [({}, 2), ({"MaxGroupPreparedCapacity": 2}, 1), ({"MaxGroupPreparedCapacity": 1, "MinSize": 2}, 2), ({"Status": "PendingDelete"}, 0)],
)
def test_size(settings: dict[str, Any], size: int) -> None:
    """ec2-auto-scaling-warm-pools.html: size; API PutWarmPool: MaxGroupPreparedCapacity, MinSize."""
    assert warm_pool.size(pool(**settings).group) == size


@pytest.mark.parametrize(("state", "call"), [("Stopped", "stop"), ("Hibernated", "hibernate"), ("Running", None)])
def test_instances_are_prepared_and_end_as_the_pool_says(state: str, call: str | None) -> None:
    """warm-pool-instance-lifecycle.html: Warmed:Pending, Warmed:Stopped or Running or Hibernated."""
    case = pool(PoolState=state).settle()
    assert [member.state for member in case.group.warm] == [f"Warmed:{state}"] * 2
    assert call is None or len(case.world.asked(call)) == 2
    assert case.statuses()[0] == ("Launching a new EC2 instance into warm pool: i-3", "Successful")


def test_launch_hooks_hold_on_the_way_in_and_again_on_the_way_out() -> None:
    """warm-pool-instance-lifecycle.html: Warmed:Pending:Wait, then Pending:Wait."""
    case = pool(MaxGroupPreparedCapacity=2).settle()
    case.group.hooks["boot"] = {**hook("boot", LAUNCHING_HOOK), "NotificationTargetARN": "arn:sns"}
    case.group.settings["DesiredCapacity"] = 0
    case.settle()
    waiting = next(member for member in case.group.warm if member.state == "Warmed:Pending:Wait")
    lifecycle.complete(waiting, "boot", "CONTINUE")
    case.tick()
    assert waiting.state == "Warmed:Stopped"
    case.group.settings["DesiredCapacity"] = 2
    case.tick(times=2)
    assert waiting.state == "Pending:Wait"
    told = [call[2] for call in case.world.calls if call[0] == "notify" and call[2]["EC2InstanceId"] == waiting.id]
    ends = [(message["Origin"], message["Destination"]) for message in told]
    assert ends == [("EC2", "WarmPool"), ("WarmPool", "AutoScalingGroup")]
    lifecycle.complete(waiting, "boot", "CONTINUE")
    case.tick()
    assert waiting.state == "InService"


def test_an_abandoned_instance_never_enters_the_pool() -> None:
    """warm-pool-instance-lifecycle.html: ABANDON."""
    case = pool(MaxGroupPreparedCapacity=2).settle()
    case.group.hooks["boot"] = hook("boot", LAUNCHING_HOOK)
    lifecycle.leave(case.turn, case.group.warm[0], "a test")
    case.settle()
    waiting = case.group.warm[0]
    lifecycle.complete(waiting, "boot", "ABANDON")
    case.tick(times=2)
    assert waiting.id in case.world.asked("terminate")


def test_scale_out_takes_from_the_pool_which_fills_again() -> None:
    """ec2-auto-scaling-warm-pools.html: scale-out draws on the warm pool."""
    case = pool(MinSize=2).settle()
    warmed = {member.id for member in case.group.warm}
    case.group.resize(2, "a test")
    case.settle()
    served = {member.id for member in case.group.active}
    assert served & warmed
    assert case.world.asked("start")[0] in served
    assert len(case.group.warm) == 2
    assert any(text.startswith("Launching a new EC2 instance from warm pool") for text, _ in case.statuses())


@pytest.mark.parametrize(("state", "starts"), [("Stopped", 1), ("Hibernated", 1), ("Running", 0)])
def test_scale_out_takes_what_the_pool_holds(state: str, starts: int) -> None:
    """warm-pool-instance-lifecycle.html: from each warm state to Pending; only one that does not run is started."""
    case = pool(PoolState=state, MaxGroupPreparedCapacity=2).settle()
    (warm,) = case.group.warm
    case.group.resize(2, "a test")
    case.settle()
    assert (warm.state, len(case.world.asked("start"))) == ("InService", starts)


@pytest.mark.parametrize("state", ["Stopped", "Hibernated", "Running"])
def test_a_smaller_pool_ends_instances_with_the_termination_hook(state: str) -> None:
    """warm-pool-instance-lifecycle.html: Warmed:Terminating, Warmed:Terminating:Wait, Warmed:Terminating:Proceed."""
    case = pool(PoolState=state, MaxGroupPreparedCapacity=2).settle()
    case.group.hooks["leave"] = hook("leave", TERMINATING_HOOK)
    (warm,) = case.group.warm
    assert case.group.warm_pool is not None
    case.group.warm_pool["MaxGroupPreparedCapacity"] = 1
    case.tick()
    assert warm.state == "Warmed:Terminating:Wait"
    assert case.world.asked("terminate") == []
    lifecycle.complete(warm, "leave", "CONTINUE")
    case.tick()
    assert case.world.asked("terminate") == [warm.id]
    assert case.group.warm == []


def test_reuse_on_scale_in_with_the_termination_hook() -> None:
    """warm-pool-instance-lifecycle.html: with a reuse policy the termination hook holds at Warmed:Pending:Wait."""
    case = Case(desired=2, MaxSize=2, TargetGroupARNs=["arn:tg"]).settle()
    case.group.warm_pool = {"MinSize": 0, "PoolState": "Stopped", "InstanceReusePolicy": {"ReuseOnScaleIn": True}}
    case.group.hooks["leave"] = hook("leave", TERMINATING_HOOK)
    case.group.resize(1, "a test")
    case.settle()
    (returning,) = case.group.warm
    assert returning.state == "Warmed:Pending:Wait"
    assert case.world.asked("deregister") == [returning.id]
    lifecycle.complete(returning, "leave", "CONTINUE")
    case.tick()
    assert returning.state == "Warmed:Stopped"
    assert case.world.asked("terminate") == []


def test_without_reuse_scale_in_terminates() -> None:
    """API PutWarmPool: InstanceReusePolicy; the default is to terminate."""
    case = Case(desired=2, MaxSize=2).settle()
    case.group.warm_pool = {"MinSize": 0, "PoolState": "Stopped"}
    case.group.resize(1, "a test")
    case.tick(times=2)
    assert len(case.world.asked("terminate")) == 1


def test_deletion_empties_the_pool() -> None:
    """API DeleteWarmPool: PendingDelete."""
    case = pool().settle()
    assert case.group.warm_pool is not None
    case.group.warm_pool["Status"] = "PendingDelete"
    case.settle()
    assert case.group.warm_pool is None
    assert len(case.world.asked("terminate")) == 2


def test_a_warm_instance_that_is_gone_is_replaced() -> None:
    """warm-pools-health-checks-monitor-view-status.html"""
    case = pool(MaxGroupPreparedCapacity=2).settle()
    (lost,) = case.group.warm
    case.world.instances[lost.id] = "terminated"
    case.settle()
    assert [member.state for member in case.group.warm] == ["Warmed:Stopped"]
    assert lost not in case.group.warm
