# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: a plan is the API calls that it takes, each with what it waits for. Pure: no AWS, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Api = Mapping[str, Any]


class ServiceError(Exception):
    """The component cannot be made so: one sentence that names the option or resource and the fix."""


@dataclass(frozen=True)
class Ref:
    """What the API will have answered to an earlier step, e.g. the ARN of a target group that does not exist yet."""

    step: str
    path: tuple[str | int, ...]
    after: str = ""  # of the answer only what follows this text, as resource labels want it

    def text(self, answer: str) -> str:
        return answer.partition(self.after)[2] if self.after else answer


@dataclass(frozen=True)
class Joined:
    """A string of which parts are not known yet."""

    parts: tuple[str | Ref, ...]


@dataclass(frozen=True)
class Step:
    """One API call. It runs when the steps in `after` and those that its parameters refer to are done."""

    key: str  # what it does, unique in the plan: "create target group gateway"
    call: str  # service and action: "elbv2:CreateTargetGroup"
    parameters: Api
    after: tuple[str, ...] = ()
    until: str = ""  # a condition to wait for when the call is done, see _autoscaled_wait

    @property
    def needs(self) -> set[str]:
        return {ref.step for ref in refs(self.parameters)} | set(self.after)


@dataclass(frozen=True)
class Change:
    """What one resource is and shall be; before is None for what is made, after for what is removed."""

    resource: str
    before: Api | None
    after: Api | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]

    @property
    def steps(self) -> list[Step]:
        """In an order in which they can run. A step may name one that is not part of this plan: nothing to wait for."""
        waiting = [step for change in self.changes for step in change.steps]
        keys = {step.key for step in waiting}
        ordered: list[Step] = []
        done: set[str] = set()
        while waiting:
            ready = [step for step in waiting if step.needs & keys <= done]
            if not ready:
                raise ServiceError("steps wait for each other: " + ", ".join(step.key for step in waiting))
            ordered += ready
            done |= {step.key for step in ready}
            waiting = [step for step in waiting if step.key not in done]
        return ordered

    @property
    def told(self) -> list[dict[str, str]]:
        return [{"does": step.key, "call": step.call} for step in self.steps]

    @property
    def diff(self) -> dict[str, dict[str, Any]]:
        return {
            "before": {change.resource: shown(change.before) for change in self.changes if change.before is not None},
            "after": {change.resource: shown(change.after) for change in self.changes if change.after is not None},
        }


def refs(value: Any) -> Iterable[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Joined):
        yield from refs(value.parts)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from refs(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from refs(each)


def resolved(value: Any, answers: Mapping[str, Api]) -> Any:
    """The parameters with the answers of earlier steps in place."""
    if isinstance(value, Ref):
        answer: Any = answers[value.step]
        for key in value.path:
            answer = answer[key]
        return value.text(str(answer))
    if isinstance(value, Joined):
        return "".join(resolved(part, answers) for part in value.parts)
    if isinstance(value, Mapping):
        return {key: resolved(each, answers) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [resolved(each, answers) for each in value]
    return value


def shown(value: Any) -> Any:
    """For people: what is not known yet is named by the step that makes it."""
    if isinstance(value, Ref):
        return f"(known after: {value.step})"
    if isinstance(value, Joined):
        return "".join(shown(part) for part in value.parts)
    if isinstance(value, Mapping):
        return {key: shown(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [shown(each) for each in value]
    return value


def given(**parameters: Any) -> dict[str, Any]:
    """Only the parameters that have a value: an option that is left out leaves the setting alone."""
    return {key: value for key, value in parameters.items() if value is not None}


def differing(seen: Api, wanted: Api) -> dict[str, Any]:
    """The settings of `wanted` that are not so, yet."""
    return {key: value for key, value in wanted.items() if not covers(seen.get(key), value)}


def covers(seen: Any, wanted: Any) -> bool:
    """Whether what AWS answers says everything that is wanted; AWS adds defaults, and numbers come as int or float."""
    if isinstance(wanted, Mapping):
        return isinstance(seen, Mapping) and all(covers(seen.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)):
        return isinstance(seen, (list, tuple)) and len(seen) == len(wanted) and all(map(covers, seen, wanted))
    return bool(seen == wanted)
