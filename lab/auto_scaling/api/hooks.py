# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle hooks and lifecycle actions."""

from __future__ import annotations

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from lab.auto_scaling import lifecycle
from lab.auto_scaling.api.base import Base
from lab.auto_scaling.model import LAUNCHING_HOOK, TERMINATING_HOOK, Document, Group, Member
from lab.clock import CLOCK

HEARTBEAT, GLOBAL_TIMEOUT = 3600, 172800


class Hooks(Base):
    def put_lifecycle_hook(self) -> ActionResult:
        put_hook(self.group(), self.given)
        return self.nothing()

    def delete_lifecycle_hook(self) -> ActionResult:
        """AWS: outstanding actions are completed first: ABANDON for launching, CONTINUE for terminating instances."""
        group = self.group()
        hook = group.hooks.pop(self.given["LifecycleHookName"], None)
        if hook is None:
            raise ValidationError(f"No lifecycle hook found with name {self.given['LifecycleHookName']}")
        for member in group.members:
            if hook["LifecycleHookName"] in member.waits:
                result = "ABANDON" if hook["LifecycleTransition"] == LAUNCHING_HOOK else "CONTINUE"
                lifecycle.complete(member, hook["LifecycleHookName"], result)
        return self.nothing()

    def describe_lifecycle_hooks(self) -> ActionResult:
        names = self.given.get("LifecycleHookNames") or []
        hooks = [hook for name, hook in self.group().hooks.items() if not names or name in names]
        return ActionResult({"LifecycleHooks": hooks})

    def describe_lifecycle_hook_types(self) -> ActionResult:
        return ActionResult({"LifecycleHookTypes": [LAUNCHING_HOOK, TERMINATING_HOOK]})

    def complete_lifecycle_action(self) -> ActionResult:
        member = self._waiting()
        if self.given["LifecycleActionResult"] not in ("CONTINUE", "ABANDON"):
            raise ValidationError("LifecycleActionResult must be CONTINUE or ABANDON")
        lifecycle.complete(member, self.given["LifecycleHookName"], self.given["LifecycleActionResult"])
        return self.nothing()

    def record_lifecycle_action_heartbeat(self) -> ActionResult:
        self._waiting().waits[self.given["LifecycleHookName"]].heartbeat = CLOCK.now()
        return self.nothing()

    def _waiting(self) -> Member:
        hook, token, wanted = self.given["LifecycleHookName"], self.given.get("LifecycleActionToken"), self.given.get("InstanceId")
        for member in self.group().members:
            wait = member.waits.get(hook)
            if wait and (wait.token == token if token else member.id == wanted):
                return member
        raise ValidationError(f"No active Lifecycle Action found with {'token ' + token if token else f'instance ID {wanted}'}")


def put_hook(group: Group, given: Document) -> None:
    """AWS: autoscaling/ec2/APIReference/API_PutLifecycleHook.html"""
    known = group.hooks.get(given["LifecycleHookName"], {})
    document = {"HeartbeatTimeout": HEARTBEAT, "DefaultResult": "ABANDON", **known, **given, "AutoScalingGroupName": group.name}
    if document.get("LifecycleTransition") not in (LAUNCHING_HOOK, TERMINATING_HOOK):
        raise ValidationError("LifecycleTransition is required, and is one of " + f"{LAUNCHING_HOOK}, {TERMINATING_HOOK}")
    if not 30 <= int(document["HeartbeatTimeout"]) <= 7200:
        raise ValidationError("HeartbeatTimeout must be between 30 and 7200 seconds")
    if document["DefaultResult"] not in ("CONTINUE", "ABANDON"):
        raise ValidationError("Lifecycle hook default result must be CONTINUE or ABANDON")
    document["GlobalTimeout"] = min(GLOBAL_TIMEOUT, 100 * int(document["HeartbeatTimeout"]))
    group.hooks[document["LifecycleHookName"]] = document
