# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a cut from one target group to another does to the rules of a listener. Pure: no AWS, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# At most 1,024 characters (AWS, fixed-response). It asks again every second, so a user's login goes on by itself.
HOLD_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="1">'
    "<title>Signing in</title></head><body><p>Signing in &hellip; one moment, please.</p></body></html>"
)
HELD_PATH = "/realms/*/protocol/openid-connect/auth"


class CutoverError(Exception):
    """The cut cannot be made: one sentence that names the cause and the fix."""


@dataclass(frozen=True)
class Plan:
    """What is left to do. weights_ready makes the balancer check the new group without sending it traffic; weights_cut sends it all."""

    before: Mapping[str, int]
    weights_ready: Mapping[str, int] | None
    weights_cut: Mapping[str, int] | None
    weights_purged: Mapping[str, int] | None
    leftover_hold: str | None

    @property
    def steps(self) -> list[str]:
        held = self.weights_cut is not None
        return (
            (["check the health of the new target group, weight 0"] if self.weights_ready else [])
            + (["hold new logins", "send all traffic to the new target group"] if held else [])
            + (["let new logins go on"] if held or self.leftover_hold else [])
            + (["forget the target groups that serve no more"] if self.weights_purged else [])
        )

    @property
    def after(self) -> Mapping[str, int]:
        return self.weights_purged or self.weights_cut or self.weights_ready or self.before


def weights(rule: Mapping[str, Any]) -> dict[str, int]:
    """Target groups of a rule's forward action. One group without ForwardConfig, as the API also answers, has all the weight."""
    for action in rule["Actions"]:
        if action["Type"] != "forward":
            continue
        groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
        return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    raise CutoverError("rule %s forwards to no target group: name the rule that routes the service" % rule["RuleArn"])


def plan(rules: Sequence[Mapping[str, Any]], rule_arn: str, target_group_arn: str, hold_priority: int, purge: bool = False) -> Plan:
    rule = next((r for r in rules if r["RuleArn"] == rule_arn), None)
    if rule is None:
        raise CutoverError("the listener has no rule %s: read the rule's ARN again" % rule_arn)
    now = weights(rule)
    cut = {**dict.fromkeys(now, 0), target_group_arn: 1}
    done = {arn for arn, weight in now.items() if weight} == {target_group_arn}
    return Plan(
        before=now,
        weights_ready=None if target_group_arn in now else {**now, target_group_arn: 0},
        weights_cut=None if done else cut,
        weights_purged={target_group_arn: 1} if purge and (len(now) > 1 or not done) else None,
        leftover_hold=_leftover_hold(rules, hold_priority),
    )


def forward(groups: Mapping[str, int]) -> list[dict[str, Any]]:
    weighted = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}]


def hold_rule(rule: Mapping[str, Any], priority: int, path: str) -> dict[str, Any]:
    """A rule in front of the service's own that answers new logins with a page that asks again."""
    hosts = [condition for condition in rule["Conditions"] if condition["Field"] == "host-header"]
    return {
        "Priority": priority,
        "Conditions": [*map(_writable, hosts), {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}],
        "Actions": [
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/html", "MessageBody": HOLD_PAGE},
            }
        ],
    }


def enough_healthy(health: list[Mapping[str, Any]], wanted: int) -> bool:
    states = [target["TargetHealth"]["State"] for target in health]
    return states.count("healthy") >= wanted


def health_text(health: list[Mapping[str, Any]]) -> str:
    words = [(each["Target"]["Id"], each["TargetHealth"]["State"], each["TargetHealth"].get("Reason")) for each in health]
    return ", ".join(" ".join(filter(None, target)) for target in words) or "no target is registered"


def _writable(condition: Mapping[str, Any]) -> dict[str, Any]:
    """DescribeRules answers Values and HostHeaderConfig both, CreateRule takes only one of them."""
    values = condition.get("HostHeaderConfig", {}).get("Values") or condition.get("Values", [])
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}


def _leftover_hold(rules: Sequence[Mapping[str, Any]], priority: int) -> str | None:
    """A hold rule of a run that was killed. A rule of somebody else at that priority is refused, never deleted."""
    for rule in rules:
        if rule["Priority"] != str(priority):
            continue
        if all(action.get("FixedResponseConfig", {}).get("MessageBody") == HOLD_PAGE for action in rule["Actions"]):
            return str(rule["RuleArn"])
        raise CutoverError(
            "priority %d, wanted for the hold rule, is taken by %s: set hold_priority to a free one before the service's rule"
            % (priority, rule["RuleArn"])
        )
    return None
