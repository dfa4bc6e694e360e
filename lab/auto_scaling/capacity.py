# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping as many instances as desired: launching, scaling in, replacing.
AWS: autoscaling/ec2/userguide/ec2-auto-scaling-instance-maintenance-policy.html, as-suspend-resume-processes.html"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.auto_scaling import health, zones
from lab.auto_scaling.lifecycle import leave, return_to_pool, serve_from_pool
from lab.auto_scaling.model import (
    IN_SERVICE,
    PENDING,
    TERMINATING_PROCEED,
    WARMED,
    WARMED_READY,
    Member,
    Template,
    identifier,
    moment,
    stamp,
)
from lab.auto_scaling.turn import Turn

FAILED_LAUNCH_PAUSE = 60.0  # seconds on the lab's clock until a launch that failed is tried again
LEVELS = ("MinHealthyPercentage", "MaxHealthyPercentage")


def converge(turn: Turn) -> None:
    """One step towards the desired capacity."""
    group = turn.group
    if group.deleting:
        for member in group.members:
            turn.finish(member, "Cancelled")
            member.enter(TERMINATING_PROCEED, turn.now)
        return
    surplus = len(group.active) - group.desired
    if surplus < 0:
        launch(turn, -surplus)
    unhealthy = [member for member in group.active if not member.healthy]
    if unhealthy and group.runs("ReplaceUnhealthy"):
        low, high = maintenance(turn)
        replace(turn, unhealthy, low, high, warmup(turn))
    elif surplus > 0 and not group.refresh and not rebalancing(turn):
        scale_in(turn, surplus)
    elif surplus == 0 and group.runs("AZRebalance") and not group.refresh:
        rebalance(turn)
    elif surplus > 0 and not group.refresh:
        finish_rebalance(turn, surplus)


def maintenance(turn: Turn) -> tuple[int, int]:
    """(min, max) healthy percentage; without a policy unhealthy instances are terminated while others are being launched."""
    policy = turn.group.settings.get("InstanceMaintenancePolicy") or {}
    low, high = (policy.get(level) for level in LEVELS)
    return (0 if low in (None, -1) else int(low)), (100 if high in (None, -1) else int(high))


def warmup(turn: Turn) -> float:
    value = turn.group.settings.get("DefaultInstanceWarmup")
    return 0.0 if value in (None, -1) else float(value)


def replace(turn: Turn, old: Sequence[Member], low: int, high: int, warm: float) -> None:
    """Trades the old for new instances within the bounds, which are percentages of the desired capacity."""
    group, desired = turn.group, turn.group.desired
    ready = sum(health.ready(turn, member, warm) for member in group.active)
    least = math.ceil(desired * low / 100)
    most = max(desired + 1, desired * high // 100) if high > 100 else desired
    if most == desired:
        least = min(least, desired - 1)  # else nothing could ever begin
    new = len(group.active) - len(old)
    if most > desired and new < desired:
        launch(turn, min(desired - new, most - len(group.active)))
    leaving = 0
    for member in sorted(old, key=lambda one: (one.healthy, one.launched)):
        counts = health.ready(turn, member, warm)
        if ready - counts < least and (counts or most > desired):
            continue  # also an unhealthy one stays until its replacement serves, where the policy says launch before terminate
        if most == desired and low > 0 and leaving >= max(1, desired - least):
            break
        leave(turn, member, f"an instance was taken out of service in response to {member.why_unhealthy or 'an instance refresh.'}")
        ready -= counts
        leaving += 1
    if leaving and most == desired:
        launch(turn, desired - len(group.active))


def launch(turn: Turn, count: int) -> None:
    group = turn.group
    if not group.runs("Launch") or (group.launch_failed_at and turn.elapsed(group.launch_failed_at) < FAILED_LAUNCH_PAUSE):
        return
    template = wanted_template(turn)
    for _ in range(count):
        cause = _launch_cause(turn)
        pooled = [member for member in group.warm if member.state in WARMED_READY and member.healthy and member.template == template]
        if pooled:
            subnets = turn.world.zones(group.subnets)
            zone = subnets[zones.next_subnet(subnets, group.active)]
            serve_from_pool(turn, min(pooled, key=lambda member: (member.zone != zone, member.launched)), cause)
        elif not start(turn, template, PENDING, cause):
            return


def _launch_cause(turn: Turn) -> str:
    before = f"{turn.group.cause}  At {stamp(turn.now)} " if turn.group.cause else ""
    have = len(turn.group.active)
    return (
        f"{before}an instance was started in response to a difference between desired and actual capacity, "
        f"increasing the capacity from {have} to {have + 1}."
    )


def start(turn: Turn, template: Template, state: str, cause: str) -> bool:
    """A new instance in the zone that needs it most; whether EC2 gave one."""
    group = turn.group
    subnets = turn.world.zones(group.subnets)
    beside = group.warm if state.startswith(WARMED) else group.active
    subnet = zones.next_subnet(subnets, beside)
    try:
        made = turn.world.launch(group, template, subnet, instance_type(turn))
    except Exception as error:  # AWS tells of it in an activity and tries again later
        group.launch_failed_at = turn.now
        _tell_failure(turn, subnet, error)
        return False
    group.launch_failed_at = 0.0
    member = Member(made["InstanceId"], subnets[subnet], subnet, made["InstanceType"], template, state, turn.now, turn.now)
    member.protected = bool(group.settings["NewInstancesProtectedFromScaleIn"])
    group.members.append(member)
    turn.begin(member, "Launching a new EC2 instance" + (" into warm pool" if member.warm else ""), cause)
    return True


def _tell_failure(turn: Turn, subnet: str, error: Exception) -> None:
    turn.record(
        {
            "ActivityId": identifier(),
            "AutoScalingGroupName": turn.group.name,
            "AutoScalingGroupARN": turn.group.arn,
            "Description": "Launching a new EC2 instance",
            "Cause": f"At {stamp(turn.now)} {_launch_cause(turn)}",
            "StartTime": moment(turn.now),
            "EndTime": moment(turn.now),
            "StatusCode": "Failed",
            "StatusMessage": f"{error}. Launching EC2 instance failed.",
            "Progress": 100,
            "Details": f'{{"Subnet ID":"{subnet}"}}',
        }
    )


def wanted_template(turn: Turn) -> Template:
    """What new instances are launched from: during a refresh its target, else the group's."""
    refresh = turn.group.refresh
    return turn.world.resolve(refresh.template if refresh else specification(turn))


def specification(turn: Turn) -> dict[str, str]:
    mixed = turn.group.settings.get("MixedInstancesPolicy")
    found: dict[str, str] = mixed["LaunchTemplate"]["LaunchTemplateSpecification"] if mixed else turn.group.settings["LaunchTemplate"]
    return found


def instance_type(turn: Turn) -> str | None:
    """The first override of a mixed instances policy, as with the allocation strategy "prioritized"; else the template's."""
    refresh = turn.group.refresh
    mixed = (refresh.mixed if refresh else None) or turn.group.settings.get("MixedInstancesPolicy") or {}
    overrides = (mixed.get("LaunchTemplate") or {}).get("Overrides") or [{}]
    kind: str | None = overrides[0].get("InstanceType")
    return kind


def scale_in(turn: Turn, count: int) -> None:
    group = turn.group
    if not group.runs("Terminate"):
        return
    chosen = zones.victims(group.active, count, group.settings["TerminationPolicies"], wanted_template(turn), turn.now)
    for member in chosen:
        have = len(group.active)
        cause = (
            f"{group.cause}  At {stamp(turn.now)} an instance was taken out of service in response to a difference between "
            f"desired and actual capacity, shrinking the capacity from {have} to {have - 1}."
        )
        if _reuses(turn) and member.state == IN_SERVICE and member.healthy:
            return_to_pool(turn, member, cause)
        else:
            leave(turn, member, cause)


def _reuses(turn: Turn) -> bool:
    pool = turn.group.warm_pool
    return bool(pool and not pool.get("Status") and (pool.get("InstanceReusePolicy") or {}).get("ReuseOnScaleIn"))


def rebalancing(turn: Turn) -> bool:
    """One instance more than desired that is there to even out the zones."""
    return turn.group.cause == REBALANCE


REBALANCE = "instances were launched to balance instances in zones."


def rebalance(turn: Turn) -> None:
    """AWS: new instances are launched before others are terminated, so that rebalancing never costs capacity."""
    group = turn.group
    uneven = zones.imbalance(turn.world.zones(group.subnets), group.active)
    if uneven and all(member.state == IN_SERVICE for member in group.active):
        group.cause = REBALANCE
        if not start(turn, wanted_template(turn), PENDING, REBALANCE):
            group.cause = ""


def finish_rebalance(turn: Turn, surplus: int) -> None:
    if all(health.ready(turn, member, warmup(turn)) for member in turn.group.active):
        scale_in(turn, surplus)
        turn.group.cause = ""
