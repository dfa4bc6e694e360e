# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import (
    Change,
    Joined,
    Plan,
    Ref,
    ServiceError,
    Step,
    covers,
    differing,
    resolved,
    shown,
)


def plan(*steps: Step) -> Plan:
    return Plan((Change("x", None, {}, steps),))


def test_steps_come_after_what_they_refer_to_and_what_they_name() -> None:
    last = Step("c", "s:C", {"Arns": [Ref("b", ("Arn",))]})
    middle = Step("b", "s:B", {}, after=("a", "of another plan"))
    assert [step.key for step in plan(last, middle, Step("a", "s:A", {})).steps] == ["a", "b", "c"]


def test_steps_that_wait_for_each_other_are_told() -> None:
    with pytest.raises(ServiceError, match="a, b"):
        plan(Step("a", "s:A", {}, after=("b",)), Step("b", "s:B", {}, after=("a",))).steps  # noqa: B018


def test_answers_take_the_place_of_references() -> None:
    arn = "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/web/1"
    parameters: dict[str, Any] = {
        "Label": Joined((Ref("lb", ("Balancers", 0, "Arn"), ":loadbalancer/"), "/targetgroup/x")),
        "Version": Ref("lt", ("Number",)),
        "Plain": ["a", {"b": 1}],
    }
    answers: dict[str, Any] = {"lb": {"Balancers": [{"Arn": arn}]}, "lt": {"Number": 7}}
    assert resolved(parameters, answers) == {"Label": "app/web/1/targetgroup/x", "Version": "7", "Plain": ["a", {"b": 1}]}
    assert shown(parameters)["Label"] == "(known after: lb)/targetgroup/x"


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="AWS adds defaults"),
        pytest.param({"a": 1}, {"a": 1.0}, True, id="numbers"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True, id="nested"),
        pytest.param({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True, id="in a list"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, False, id="a longer list"),
        pytest.param({}, {"a": 1}, False, id="missing"),
        pytest.param({"a": "x"}, {"a": Ref("s", ())}, False, id="not known yet"),
        pytest.param({"a": "text"}, {"a": {"b": 1}}, False, id="another kind"),
    ],
)
def test_covers(seen: Any, wanted: Any, expected: bool) -> None:
    assert covers(seen, wanted) is expected


def test_differing_settings() -> None:
    assert differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == {"b": 3, "c": 4}
