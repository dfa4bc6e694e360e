# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: topics that are told what a component's group does. Pure."""

from __future__ import annotations

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Change, Step
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service


def present(service: Service, seen: Seen) -> list[Change]:
    if service.get("notifications") is None:
        return []
    known: dict[str, list[str]] = {}
    for each in seen.notifications or []:
        known.setdefault(each["TopicARN"], []).append(each["NotificationType"])
    wanted = {each["topic_arn"]: sorted(each["types"]) for each in service.several("notifications")}
    changes = [_put(service, topic, known.get(topic), types) for topic, types in wanted.items()]
    return changes + [_delete(service, topic, types) for topic, types in known.items() if topic not in wanted]


def _put(service: Service, topic: str, known: list[str] | None, types: list[str]) -> Change:
    parameters = {"AutoScalingGroupName": service.name, "TopicARN": topic, "NotificationTypes": types}
    call = "autoscaling:PutNotificationConfiguration"
    step = Step(f"put notification to {topic}", call, parameters, after=(f"create group {service.name}",))
    before = {"NotificationTypes": sorted(known)} if known else None
    return Change(f"notification to {topic}", before, {"NotificationTypes": types}, () if sorted(known or []) == types else (step,))


def _delete(service: Service, topic: str, types: list[str]) -> Change:
    parameters = {"AutoScalingGroupName": service.name, "TopicARN": topic}
    step = Step(f"delete notification to {topic}", "autoscaling:DeleteNotificationConfiguration", parameters)
    return Change(f"notification to {topic}", {"NotificationTypes": sorted(types)}, None, (step,))
