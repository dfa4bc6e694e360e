# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what is waited for: predicates on what AWS answers, and one clock."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, ServiceError

Predicate = Callable[[Api], str]  # what is still missing, or an empty text


def no_instances(group: Api) -> str:
    """Instances that are kept have to be let go first: AWS does not scale them in."""
    instances = group.get("Instances", [])
    kept = [each["InstanceId"] for each in instances if each.get("ProtectedFromScaleIn") or each["LifecycleState"] == "Standby"]
    if kept:
        return f"{', '.join(kept)} are protected from scale-in or on standby: release them, or set force_delete"
    return f"instances left: {states(instances)}" if instances else ""


def no_group(group: Api) -> str:
    return f"the group has {states(group.get('Instances', []))}" if group else ""


def no_warm_pool(pool: Api) -> str:
    return f"the warm pool has {states(pool.get('Instances', []))}" if pool.get("WarmPoolConfiguration") else ""


def all_serve(group: Api) -> str:
    """As many instances in service and healthy as are desired, and none on its way."""
    if not group:
        return "the group is not to be seen yet"
    instances = group.get("Instances", [])
    serving = [each for each in instances if each["LifecycleState"] == "InService" and each["HealthStatus"].lower() == "healthy"]
    wanted = group.get("DesiredCapacity", 0)
    capacity = sum(int(each.get("WeightedCapacity") or 1) for each in serving)
    suspended = {process["ProcessName"] for process in group.get("SuspendedProcesses", [])}
    if capacity >= wanted or "Launch" in suspended:
        return ""
    return f"{capacity} of {wanted} in service, instances: {states(instances)}"


def states(instances: list[Api]) -> str:
    counts = Counter(f"{each['LifecycleState']} {each.get('HealthStatus', '')}".strip() for each in instances)
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"


class Clock:
    """The one loop that waits. Tests give it a time of their own."""

    def __init__(self, timeout: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self.timeout = timeout
        self._now = now
        self._sleep = sleep
        self.pause = 1.0

    def wait(self, what: str, read: Callable[[], Mapping[str, Any]], missing: Predicate) -> Mapping[str, Any]:
        """What was read last, once nothing is missing."""
        deadline = self._now() + self.timeout
        pause = self.pause
        while True:
            state = read()
            told = missing(state)
            if not told:
                return state
            if self._now() >= deadline:
                raise ServiceError(f"waited {self.timeout:g} s for {what}; last seen: {told}")
            self._sleep(pause)
            pause = min(pause * 1.5, 5.0)
