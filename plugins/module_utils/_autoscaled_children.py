# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what belongs to a group and is put and deleted by name: hooks, policies, scheduled actions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, Step, covers
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service


@dataclass(frozen=True)
class Kind:
    noun: str
    name: str  # the parameter that names one
    put: str
    delete: str
    delete_after: str = ""  # key of a step, with the component's name


def put_and_delete(service: Service, kind: Kind, seen: Sequence[Api], wanted: Sequence[Api]) -> list[Change]:
    """The option lists all of them: what is not in it goes. A put replaces all of one."""
    known = {each[kind.name]: each for each in seen}
    names = {each[kind.name] for each in wanted}
    changes = [_put(service, kind, known.get(each[kind.name]), each) for each in wanted]
    return changes + [_delete(service, kind, each) for name, each in known.items() if name not in names]


def _put(service: Service, kind: Kind, seen: Api | None, wanted: Api) -> Change:
    name = wanted[kind.name]
    parameters: dict[str, Any] = {"AutoScalingGroupName": service.name, **wanted}
    step = Step(f"put {kind.noun} {name}", kind.put, parameters, after=(f"create group {service.name}",))
    before = {key: seen.get(key) for key in wanted} if seen else None
    return Change(f"{kind.noun} {name}", before, wanted, () if seen and covers(seen, wanted) else (step,))


def _delete(service: Service, kind: Kind, seen: Api) -> Change:
    name = seen[kind.name]
    after = (kind.delete_after.format(service.name),) if kind.delete_after else ()
    step = Step(f"delete {kind.noun} {name}", kind.delete, {"AutoScalingGroupName": service.name, kind.name: name}, after)
    return Change(f"{kind.noun} {name}", {kind.name: name}, None, (step,))
