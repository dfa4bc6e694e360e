# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: lifecycle hooks of a component's group. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_children import Kind, put_and_delete
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service

TRANSITIONS = {"launching": "autoscaling:EC2_INSTANCE_LAUNCHING", "terminating": "autoscaling:EC2_INSTANCE_TERMINATING"}
KIND = Kind("lifecycle hook", "LifecycleHookName", "autoscaling:PutLifecycleHook", "autoscaling:DeleteLifecycleHook")


def present(service: Service, seen: Seen) -> list[Change]:
    if service.get("lifecycle_hooks") is None or not seen.group:
        return []  # a new group is made with its hooks
    return put_and_delete(service, KIND, seen.hooks or [], specifications(service))


def specifications(service: Service) -> list[dict[str, Any]]:
    return [_one(hook) for hook in service.several("lifecycle_hooks")]


def _one(hook: Api) -> dict[str, Any]:
    return given(
        LifecycleHookName=hook["name"],
        LifecycleTransition=TRANSITIONS[hook["transition"]],
        HeartbeatTimeout=hook["heartbeat_timeout"],
        DefaultResult=hook["default_result"],
        NotificationMetadata=hook.get("notification_meta_data"),
        NotificationTargetARN=hook.get("notification_target_arn"),
        RoleARN=hook.get("role_arn"),
    )
