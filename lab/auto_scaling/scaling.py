# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies: what an alarm makes of the desired capacity.
AWS: autoscaling/ec2/userguide/{as-scaling-target-tracking,as-scaling-simple-step,ec2-auto-scaling-default-instance-warmup}.html"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.auto_scaling.model import Document, Group, Member
from lab.auto_scaling.turn import Turn

PERIOD = 60.0  # a policy whose alarm stays in ALARM acts again after this
LOW_SHARE = 0.9  # scale-in begins below this share of the target
HIGH, LOW = "AlarmHigh", "AlarmLow"
HIGH_PERIODS, LOW_PERIODS = 3, 15
Proposal = tuple[int, Document, str, str]  # capacity, policy, alarm, kind of alarm


def step(turn: Turn) -> None:
    """Scale-out by the policy that wants most; scale-in by target tracking only when all its policies agree."""
    group = turn.group
    if not group.runs("AlarmNotification") or group.deleting:
        return
    out, shrink = list[Proposal](), list[Proposal]()
    held = False
    for policy in group.policies.values():
        if not policy.get("Enabled", True):
            continue
        for kind, wanted, alarm in proposals(turn, policy):
            (out if wanted > group.desired else shrink).append((wanted, policy, alarm, kind))
        held = held or keeps(turn, policy)
    if out:
        _apply(turn, *max(out, key=lambda one: one[0])[:3])
    elif shrink and not warming(turn):
        tracking = [one for one in shrink if one[3] == LOW]
        if tracking and held:
            shrink = [one for one in shrink if one[3] != LOW]
        if shrink:
            _apply(turn, *max(shrink, key=lambda one: one[0])[:3])


def keeps(turn: Turn, policy: Document) -> bool:
    """A target tracking policy whose metric is not low enough for scale-in."""
    tracking = policy.get("TargetTrackingConfiguration")
    if not tracking or tracking.get("DisableScaleIn"):
        return False
    return not any(alarm["AlarmName"].split("-")[-2:-1] == [LOW] and _alarmed(turn, alarm) for alarm in _named(policy))


def proposals(turn: Turn, policy: Document) -> list[tuple[str, int, str]]:
    """(kind, capacity, alarm) that the policy asks for now; each alarm is looked at once a period."""
    found = []
    for alarm in _named(policy):
        name = alarm["AlarmName"]
        if not _alarmed(turn, alarm) or not _due(turn, f"{policy['PolicyName']} {name}"):
            continue
        kind = HIGH if HIGH in name else LOW if LOW in name else ""
        wanted = tracked(turn, policy, kind, name) if policy.get("TargetTrackingConfiguration") else stepped(turn, policy, name)
        if wanted is not None and wanted != turn.group.desired:
            found.append((kind, wanted, name))
    return found


def tracked(turn: Turn, policy: Document, kind: str, alarm: str) -> int | None:
    """In proportion to how far the metric is from its target; warm instances alone have the metric's load."""
    configuration, value = policy["TargetTrackingConfiguration"], turn.facts.values.get(alarm)
    if value is None or (kind == LOW and configuration.get("DisableScaleIn")):
        return None
    warm = len(contributing(turn)) or len(turn.group.active)
    wanted = math.ceil(round(warm * value / float(configuration["TargetValue"]), 6))
    if kind == HIGH:
        return max(turn.group.desired, wanted)
    return min(turn.group.desired, max(wanted, 1 if turn.group.desired else 0))


def stepped(turn: Turn, policy: Document, alarm: str) -> int | None:
    """Step and simple scaling."""
    if policy["PolicyType"] == "SimpleScaling":
        pause = float(policy.get("Cooldown") or turn.group.settings["DefaultCooldown"])
        if turn.group.scaled_at and turn.elapsed(turn.group.scaled_at) < pause:
            return None
        return adjusted(turn.group.desired, policy, int(policy["ScalingAdjustment"]))
    value, threshold = turn.facts.values.get(alarm), turn.facts.values.get(f"{alarm} threshold")
    if value is None or threshold is None:
        return None
    amount = adjustment(policy["StepAdjustments"], value - threshold)
    if amount is None:
        return None
    # Instances that are warming up count as capacity, so that one breach does not add the same step over and over.
    base = turn.group.desired if amount <= 0 else max(len(contributing(turn)), 0) or turn.group.desired
    wanted = adjusted(base, policy, amount)
    return max(wanted, turn.group.desired) if amount > 0 else wanted


def adjustment(steps: Sequence[Document], breach: float) -> int | None:
    for one in steps:
        low, high = one.get("MetricIntervalLowerBound"), one.get("MetricIntervalUpperBound")
        over, under = low is None or breach >= float(low), high is None or breach < float(high)
        if breach < 0:  # below the threshold the upper bound belongs to the step, the lower does not
            over, under = low is None or breach > float(low), high is None or breach <= float(high)
        if over and under:
            return int(one["ScalingAdjustment"])
    return None


def adjusted(capacity: int, policy: Document, amount: int) -> int:
    kind = policy["AdjustmentType"]
    if kind == "ExactCapacity":
        return amount
    if kind == "ChangeInCapacity":
        return capacity + amount
    change = capacity * amount / 100
    change = math.floor(change) if change >= 1 else math.ceil(change) if change <= -1 else math.copysign(1, change) if change else 0
    least = int(policy.get("MinAdjustmentMagnitude") or 0)
    if abs(change) < least:
        change = math.copysign(least, change)
    return capacity + int(change)


def contributing(turn: Turn) -> list[Member]:
    """Instances that have warmed up: the others' metrics do not count yet."""
    warm = warmup(turn.group)
    return [member for member in turn.group.active if member.in_service_since and turn.elapsed(member.in_service_since) >= warm]


def warming(turn: Turn) -> bool:
    return len(contributing(turn)) < len(turn.group.active)


def warmup(group: Group) -> float:
    default = group.settings.get("DefaultInstanceWarmup")
    if default not in (None, -1):
        return float(default)
    given = [float(policy["EstimatedInstanceWarmup"]) for policy in group.policies.values() if policy.get("EstimatedInstanceWarmup")]
    return max(given, default=float(group.settings["DefaultCooldown"]))


def _named(policy: Document) -> list[Document]:
    alarms: list[Document] = policy.get("Alarms") or []
    return alarms


def _alarmed(turn: Turn, alarm: Document) -> bool:
    return turn.facts.alarms.get(alarm["AlarmName"]) == "ALARM"


def _due(turn: Turn, key: str) -> bool:
    if turn.elapsed(turn.group.policy_at.get(key, 0.0)) < PERIOD:
        return False
    turn.group.policy_at[key] = turn.now
    return True


def _apply(turn: Turn, wanted: int, policy: Document, alarm: str) -> None:
    before = turn.group.desired
    turn.group.resize(wanted, f"a monitor alarm {alarm} in state ALARM triggered policy {policy['PolicyName']}")
    if turn.group.desired != before:
        turn.group.scaled_at = turn.now
