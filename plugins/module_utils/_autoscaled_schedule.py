# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: scheduled actions of a component's group. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_children import Kind, put_and_delete
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, ServiceError, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service

KIND = Kind("scheduled action", "ScheduledActionName", "autoscaling:PutScheduledUpdateGroupAction", "autoscaling:DeleteScheduledAction")


def present(service: Service, seen: Seen) -> list[Change]:
    if service.get("scheduled_actions") is None:
        return []
    return put_and_delete(service, KIND, seen.schedules or [], [_one(action) for action in service.several("scheduled_actions")])


def _one(asked: Api) -> dict[str, Any]:
    return given(
        ScheduledActionName=asked["name"],
        Recurrence=asked.get("recurrence"),
        TimeZone=asked.get("time_zone"),
        StartTime=_moment(asked, "start_time"),
        EndTime=_moment(asked, "end_time"),
        MinSize=asked.get("min_size"),
        MaxSize=asked.get("max_size"),
        DesiredCapacity=asked.get("desired_capacity"),
    )


def _moment(asked: Api, option: str) -> datetime | None:
    text = asked.get(option)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ServiceError(f"scheduled_actions: {option} of {asked['name']} is {text}: write it as 2027-01-31T06:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
