# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._cutover import (
    HOLD_PAGE,
    CutoverError,
    enough_healthy,
    forward,
    health_text,
    hold_rule,
    plan,
    weights,
)

HOST = {"Field": "host-header", "Values": ["auth.example"], "HostHeaderConfig": {"Values": ["auth.example"]}}


def rule(groups: dict[str, int], arn: str = "rule/service", priority: str = "10") -> dict[str, Any]:
    return {"RuleArn": arn, "Priority": priority, "Conditions": [HOST], "Actions": forward(groups)}


def hold(arn: str = "rule/hold") -> dict[str, Any]:
    return {"RuleArn": arn, **hold_rule(rule({"old": 1}), 9, "/x"), "Priority": "9"}


@pytest.mark.parametrize(
    ("groups", "extra", "purge", "steps", "after"),
    [
        ({"old": 1}, [], False, 4, {"old": 0, "new": 1}),
        ({"old": 1, "new": 0}, [], False, 3, {"old": 0, "new": 1}),
        ({"old": 0, "new": 1}, [], False, 0, {"old": 0, "new": 1}),
        ({"new": 1}, [], False, 0, {"new": 1}),
        ({"old": 1, "new": 1}, [], False, 3, {"old": 0, "new": 1}),
        ({"old": 0, "new": 1}, [hold()], False, 1, {"old": 0, "new": 1}),
        ({"old": 0, "new": 1}, [], True, 1, {"new": 1}),
        ({"new": 1}, [], True, 0, {"new": 1}),
        ({"old": 1}, [], True, 5, {"new": 1}),
    ],
)
def test_plan(groups: dict[str, int], extra: list[Any], purge: bool, steps: int, after: dict[str, int]) -> None:
    wanted = plan([rule(groups), *extra], "rule/service", "new", 9, purge)
    assert len(wanted.steps) == steps, wanted.steps
    assert wanted.after == after


def test_the_way_back_is_the_same_call() -> None:
    there = plan([rule({"old": 1})], "rule/service", "new", 9).after
    assert plan([rule(dict(there))], "rule/service", "old", 9).after == {"old": 1, "new": 0}


def test_a_rule_of_somebody_else_at_the_hold_priority_is_refused() -> None:
    with pytest.raises(CutoverError, match="hold_priority"):
        plan([rule({"old": 1}), rule({"other": 1}, "rule/other", "9")], "rule/service", "new", 9)


@pytest.mark.parametrize("arn", ["rule/none", ""])
def test_an_unknown_rule_is_refused(arn: str) -> None:
    with pytest.raises(CutoverError, match="no rule"):
        plan([rule({"old": 1})], arn, "new", 9)


def test_weights_of_a_plain_forward() -> None:
    assert weights({"RuleArn": "r", "Actions": [{"Type": "forward", "TargetGroupArn": "old"}]}) == {"old": 1}


def test_weights_of_a_rule_that_does_not_forward() -> None:
    with pytest.raises(CutoverError, match="forwards to no target group"):
        weights(hold())


def test_the_hold_rule_fits_the_api() -> None:
    made = hold_rule(rule({"old": 1}), 9, "/realms/*/auth")
    assert made["Conditions"] == [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["auth.example"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/realms/*/auth"]}},
    ]
    assert len(HOLD_PAGE) <= 1024


def target(name: str, state: str, reason: str = "") -> dict[str, Any]:
    return {"Target": {"Id": name}, "TargetHealth": {"State": state, **({"Reason": reason} if reason else {})}}


@pytest.mark.parametrize(
    ("health", "wanted", "enough", "text"),
    [
        ([], 1, False, "no target is registered"),
        ([target("i-1", "healthy")], 1, True, "i-1 healthy"),
        ([target("i-1", "healthy"), target("i-2", "unhealthy", "Target.Timeout")], 2, False, "i-1 healthy, i-2 unhealthy Target.Timeout"),
        ([target("i-1", "initial")], 1, False, "i-1 initial"),
    ],
)
def test_health(health: list[Any], wanted: int, enough: bool, text: str) -> None:
    assert enough_healthy(health, wanted) is enough
    assert health_text(health) == text
