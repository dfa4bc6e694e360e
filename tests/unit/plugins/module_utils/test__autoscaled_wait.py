# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is waited for, and what a wait that ends says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_wait as waits
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import ServiceError

INSTANCE = {"InstanceId": "i-1", "LifecycleState": "InService", "HealthStatus": "Healthy"}


@pytest.mark.parametrize(
    ("predicate", "state", "told"),
    [
        (waits.no_instances, {"Instances": []}, ""),
        (waits.no_instances, {"Instances": [INSTANCE]}, "instances left: 1 InService Healthy"),
        (waits.no_instances, {"Instances": [{**INSTANCE, "ProtectedFromScaleIn": True}]}, "i-1 are protected"),
        (waits.no_instances, {"Instances": [{**INSTANCE, "LifecycleState": "Standby"}]}, "or on standby"),
        (waits.no_group, {}, ""),
        (waits.no_group, {"Instances": []}, "the group has none"),
        (waits.no_warm_pool, {}, ""),
        (waits.no_warm_pool, {"WarmPoolConfiguration": {"MinSize": 1}, "Instances": []}, "the warm pool has none"),
        (waits.all_serve, {}, "not to be seen yet"),
        (waits.all_serve, {"DesiredCapacity": 1, "Instances": [INSTANCE]}, ""),
        (waits.all_serve, {"DesiredCapacity": 2, "Instances": [INSTANCE]}, "1 of 2 in service"),
        (waits.all_serve, {"DesiredCapacity": 1, "Instances": [{**INSTANCE, "HealthStatus": "Unhealthy"}]}, "0 of 1 in service"),
        (waits.all_serve, {"DesiredCapacity": 2, "Instances": [{**INSTANCE, "WeightedCapacity": "2"}]}, ""),
        (waits.all_serve, {"DesiredCapacity": 2, "Instances": [], "SuspendedProcesses": [{"ProcessName": "Launch"}]}, ""),
    ],
)
def test_what_is_waited_for(predicate: Any, state: dict[str, Any], told: str) -> None:
    assert told in predicate(state)
    assert bool(predicate(state)) is bool(told)


def test_a_wait_that_ends_says_what_was_seen_last() -> None:
    times = iter(range(100))
    clock = waits.Clock(3, now=lambda: float(next(times)), sleep=lambda seconds: None)
    with pytest.raises(ServiceError, match="waited 3 s for group web; last seen: the group has none"):
        clock.wait("group web", lambda: {"Instances": []}, waits.no_group)
