# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Availability Zones and who goes first; pure.
AWS: autoscaling/ec2/userguide/auto-scaling-benefits.html (balance), ec2-auto-scaling-termination-policies.html"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence

from lab.auto_scaling.model import Member, Template

Key = Callable[[Member], float]
HOUR = 3600.0


def next_subnet(zones: Mapping[str, str], members: Iterable[Member]) -> str:
    """The subnet whose zone has the fewest instances; within a zone, which has several, the emptiest one."""
    members = list(members)
    by_zone = collections.Counter(member.zone for member in members)
    by_subnet = collections.Counter(member.subnet for member in members)
    return min(zones, key=lambda subnet: (by_zone[zones[subnet]], by_subnet[subnet]))


def imbalance(zones: Mapping[str, str], members: Iterable[Member]) -> tuple[str, str] | None:
    """(fullest zone, emptiest zone) when moving an instance would bring them closer together."""
    counts = collections.Counter(dict.fromkeys(zones.values(), 0))
    counts.update(member.zone for member in members)
    fullest, emptiest = max(counts, key=lambda zone: counts[zone]), min(counts, key=lambda zone: counts[zone])
    outside = [zone for zone in counts if zone not in zones.values() and counts[zone]]
    if outside:
        return outside[0], min(set(zones.values()), key=lambda zone: counts[zone])
    return (fullest, emptiest) if counts[fullest] - counts[emptiest] > 1 else None


def victims(members: Sequence[Member], count: int, policies: Sequence[str], current: Template, now: float) -> list[Member]:
    """Whom scale-in takes: unhealthy ones first, then from the fullest zone by the termination policies; protected ones never."""
    left, chosen = list(members), list[Member]()
    while len(chosen) < count:
        candidates = [member for member in left if not member.protected]
        if not candidates:
            break
        if unhealthy := [member for member in candidates if not member.healthy]:
            candidates = unhealthy
        counts = collections.Counter(member.zone for member in left)
        # Balance comes first: only the zones that have the most instances and a candidate.
        most = max(counts[member.zone] for member in candidates)
        candidates = [member for member in candidates if counts[member.zone] == most]
        victim = pick(candidates, policies, current, now)
        left.remove(victim)
        chosen.append(victim)
    return chosen


def pick(candidates: Sequence[Member], policies: Sequence[str], current: Template, now: float) -> Member:
    """Each policy narrows the choice; what is left over is decided by the id, for AWS says "at random"."""
    left = list(candidates)
    for policy in policies:
        for key in _keys(policy, current, now):
            best = min(key(member) for member in left)
            left = [member for member in left if key(member) == best]
    return min(left, key=lambda member: member.id)


def _keys(policy: str, current: Template, now: float) -> list[Key]:
    def to_next_hour(member: Member) -> float:
        return -((now - member.launched) % HOUR)

    def version(member: Member) -> float:
        """Another template than the group's is older than any version of it."""
        return int(member.template["Version"]) if member.template["LaunchTemplateId"] == current["LaunchTemplateId"] else -1

    known: dict[str, list[Key]] = {
        "Default": [version, to_next_hour],
        "OldestLaunchTemplate": [version],
        "OldestInstance": [lambda member: member.launched],
        "NewestInstance": [lambda member: -member.launched],
        "ClosestToNextInstanceHour": [to_next_hour],
    }
    return known.get(policy, [])  # AllocationStrategy and launch configurations have nothing to choose by here
