# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm pool: instances that are prepared and wait beside the group.
AWS: autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html, warm-pool-instance-lifecycle.html"""

from __future__ import annotations

from lab.auto_scaling import capacity
from lab.auto_scaling.lifecycle import leave
from lab.auto_scaling.model import PENDING, WARMED, WARMED_READY, Group
from lab.auto_scaling.turn import Turn


def step(turn: Turn) -> None:
    """Fills and trims the pool; one that is being deleted empties and goes."""
    group = turn.group
    if group.warm_pool is None or group.deleting:
        return
    wanted = size(group)
    staying = [member for member in group.warm if not member.terminating]
    if wanted > len(staying) and group.runs("Launch") and len(group.active) >= group.desired:
        template = capacity.wanted_template(turn)
        for _ in range(wanted - len(staying)):
            have = len(group.warm)
            cause = f"an instance was started to fill the warm pool, increasing its size from {have} to {have + 1}."
            if not capacity.start(turn, template, WARMED + PENDING, cause):
                return
    surplus = len(staying) - wanted
    for member in sorted(staying, key=lambda one: one.launched):
        if surplus > 0 and member.state in WARMED_READY:
            leave(turn, member, f"an instance was taken out of the warm pool, shrinking its size from {len(staying)} to {wanted}.")
            surplus -= 1
    if group.warm_pool.get("Status") and not group.warm:
        group.warm_pool = None


def size(group: Group) -> int:
    """Up to the prepared capacity together with the group (its maximum, if none is said), but at least MinSize."""
    pool = group.warm_pool or {}
    if pool.get("Status"):
        return 0
    prepared = pool.get("MaxGroupPreparedCapacity")
    prepared = int(group.settings["MaxSize"]) if prepared in (None, -1) else int(prepared)
    return max(prepared - group.desired, int(pool.get("MinSize") or 0))
