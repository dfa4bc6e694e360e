# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the warm pool of a component's group. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Change, Step, differing, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service


def present(service: Service, seen: Seen) -> list[Change]:
    asked = service.get("warm_pool")
    if asked is None:
        return []
    resource, group = f"warm pool of {service.name}", {"AutoScalingGroupName": service.name}
    known = (seen.warm_pool or {}).get("WarmPoolConfiguration")
    if not asked["enabled"]:
        if not known or known.get("Status") == "PendingDelete":
            return []
        step = Step(f"delete {resource}", "autoscaling:DeleteWarmPool", {**group, "ForceDelete": bool(service.get("force_delete"))})
        return [Change(resource, known, None, (step,))]
    wanted: dict[str, Any] = given(
        PoolState=asked["state"],
        MinSize=asked["min_size"],
        MaxGroupPreparedCapacity=asked.get("max_group_prepared_capacity"),
        InstanceReusePolicy={"ReuseOnScaleIn": asked["reuse_on_scale_in"]},
    )
    step = Step(f"put {resource}", "autoscaling:PutWarmPool", {**group, **wanted}, after=(f"create group {service.name}",))
    before = {key: known.get(key) for key in wanted} if known else None
    return [Change(resource, before, wanted, (step,) if differing(known or {}, wanted) else ())]
