# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tick: every group has its turn."""

from __future__ import annotations

import logging

from lab.auto_scaling import capacity, health, lifecycle, refresh, scaling, schedule, warm_pool
from lab.auto_scaling.model import IN_SERVICE, STORE, Store
from lab.auto_scaling.turn import Facts, Turn, World
from lab.auto_scaling.world import Clients
from lab.clock import CLOCK, Clock

log = logging.getLogger(__name__)


def once(world: Clients) -> None:
    """One tick of all groups, by what the rest of AWS says now."""
    facts = world.facts(STORE)
    with STORE.lock:
        tick(STORE, facts, world, CLOCK)


def tick(store: Store, facts: Facts, world: World, clock: Clock) -> None:
    for group in store:
        take(Turn(group, facts, world, clock))
        if group.deleting and not group.members:
            del store.groups[group.name]


def take(turn: Turn) -> None:
    for member in list(turn.group.members):
        lifecycle.advance(turn, member)
        if member.state == IN_SERVICE:
            lifecycle.match_target_groups(turn, member)
    health.check(turn)
    drop_gone(turn)
    schedule.step(turn)
    scaling.step(turn)
    refresh.step(turn)
    capacity.converge(turn)
    warm_pool.step(turn)
    for member in list(turn.group.members):
        lifecycle.advance(turn, member)


def drop_gone(turn: Turn) -> None:
    """Unhealthy warm instances leave; in service ones are replaced by `converge`."""
    for member in turn.group.warm:
        if not member.healthy and not member.terminating:
            lifecycle.leave(turn, member, f"an instance was taken out of the warm pool in response to {member.why_unhealthy}")
