# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the calls of an instance refresh, and how one is followed until its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

try:
    from botocore import xform_name
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_read import read_group, read_warm_pool
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_wait import states
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import Clients, code_of, message_of, unless_missing
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_plan import RUNNING, RefreshPlan, plan

# Another start or end came first: what to do is decided anew.
RACED = {
    "InstanceRefreshInProgress",
    "InstanceRefreshInProgressFault",
    "ActiveInstanceRefreshNotFound",
    "ActiveInstanceRefreshNotFoundFault",
}


@dataclass
class Refresh:
    """One run of the module. `now` and `sleep` are the clock."""

    clients: Clients
    options: Api
    check: bool
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    progress: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(init=False)
    followed: str = field(init=False, default="")  # id of the refresh that this run started or attached to

    def __post_init__(self) -> None:
        self.begun = self.now()

    def decide(self) -> RefreshPlan:
        name = self.options["name"]
        with ThreadPoolExecutor(max_workers=3) as pool:
            group, warm = pool.submit(read_group, self.clients, name), pool.submit(read_warm_pool, self.clients, name)
            refreshes = pool.submit(self._refreshes)
            return plan(self.options, group.result(), warm.result().get("Instances", []), refreshes.result())

    def act(self) -> RefreshPlan:
        """Decides, makes the one call, and follows the refresh to its end."""
        for dummy in range(5):
            decided = self.decide()
            if self.check or not (decided.call or decided.follow):
                return decided
            try:
                identifier = self._call(decided)
            except ClientError as error:
                if code_of(error) not in RACED:
                    raise ServiceError(f"could not refresh {self.options['name']}: {code_of(error)}: {message_of(error)}") from error
                self.sleep(1)
                continue
            self.followed = identifier
            self._follow(identifier)
            return decided
        raise ServiceError(f"{self.options['name']}: other runs keep starting and ending refreshes; let one of them end first")

    def _call(self, decided: RefreshPlan) -> str:
        if not decided.call:
            return decided.follow
        answer = getattr(self.clients["autoscaling"], xform_name(decided.call))(**decided.parameters, aws_retry=True)
        return str(answer["InstanceRefreshId"])

    def _follow(self, identifier: str) -> None:
        deadline, pause = self.now() + self.options["wait_timeout"], 1.0
        while True:
            seen = self._one(identifier)
            self._note(seen)
            if not self.options["wait"] or (seen and seen["Status"] not in RUNNING):
                return
            if self.now() >= deadline:
                group = read_group(self.clients, self.options["name"])
                raise ServiceError(
                    f"waited {self.options['wait_timeout']} s for refresh {identifier} of {self.options['name']}; last seen: {told(seen)}; "
                    f"instances: {states(group.get('Instances', []))}; it goes on, run again to wait on"
                )
            self.sleep(pause)
            pause = min(pause * 1.5, 10.0)

    def _note(self, seen: Api) -> None:
        """A line when something has moved."""
        line = {"status": seen.get("Status", "Pending"), "percentage_complete": seen.get("PercentageComplete", 0)}
        last = self.progress[-1] if self.progress else {}
        if {key: last.get(key) for key in line} != line:
            self.progress.append({**line, "seconds": round(self.now() - self.begun, 1)})

    def _one(self, identifier: str) -> Api:
        """Not seen yet is no end: a refresh that was just started may not be told of."""
        found = [refresh for refresh in self._refreshes() if refresh["InstanceRefreshId"] == identifier]
        return found[0] if found else {}

    def _refreshes(self) -> list[Api]:
        ask = self.clients["autoscaling"].describe_instance_refreshes
        answer = unless_missing(ask, AutoScalingGroupName=self.options["name"], MaxRecords=20, aws_retry=True)
        return answer["InstanceRefreshes"] if answer else []

    def last(self) -> Api:
        """The one that was followed, even if it is not to be seen yet; else the group's last."""
        found = self._refreshes()
        if self.followed:
            unseen = {"InstanceRefreshId": self.followed, "Status": "Pending"}
            return next((each for each in found if each["InstanceRefreshId"] == self.followed), unseen)
        return found[0] if found else {}


def told(refresh: Api) -> str:
    if not refresh:
        return "not to be seen yet"
    reason = f" ({refresh['StatusReason']})" if refresh.get("StatusReason") else ""
    return f"{refresh['Status']} {refresh.get('PercentageComplete', 0)} %{reason}"
