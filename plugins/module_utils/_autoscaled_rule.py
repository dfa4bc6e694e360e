# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: rules that a component adds to a listener which others share. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_elb_tags as elb_tags
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_listener import only_target
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, Ref, ServiceError, Step
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service, claimed

CONDITIONS = {"hosts": ("host-header", "HostHeaderConfig"), "paths": ("path-pattern", "PathPatternConfig")}


def present(service: Service, seen: Seen) -> list[Change]:
    changes, kept = [], set()
    for group in service.target_groups:
        if group.get("rule"):
            listener = _listener(service, seen, group["rule"]["listener_port"])
            known = _known(service, seen, listener, group)
            kept.add(known.get("RuleArn", ""))
            changes.append(_one(service, seen, group, listener, known))
    if service.get("target_groups") is not None:
        changes += [_removed(rule, "of priority " + rule["Priority"]) for rule in _ours(service, seen) if rule["RuleArn"] not in kept]
    return changes


def absent(service: Service, seen: Seen) -> list[Change]:
    names = {group["TargetGroupArn"]: name for name, group in seen.target_groups.items()}
    return [
        _removed(rule, "for " + names.get(only_target(rule["Actions"]), "priority " + rule["Priority"])) for rule in _ours(service, seen)
    ]


def _ours(service: Service, seen: Seen) -> list[Api]:
    return [rule for rules in seen.rules.values() for rule in rules if elb_tags.ours(service, seen, rule["RuleArn"])]


def _listener(service: Service, seen: Seen, port: int) -> Api:
    for listener in seen.listeners:
        if listener["Port"] == port:
            return listener
    ports = ", ".join(str(listener["Port"]) for listener in seen.listeners) or "none"
    raise ServiceError(
        f"target_groups.rule.listener_port: load balancer {service.balancer.get('name')} has no listener on port {port}"
        f" (it has: {ports}): name one of these, or give the target group a listener of its own"
    )


def _known(service: Service, seen: Seen, listener: Api, group: Api) -> Api:
    """Ours, told by its target group, so that a changed priority moves it; else whatever is at that priority."""
    rules, target = seen.rules.get(listener["ListenerArn"], []), seen.target_group_arn(group["name"])
    mine = [rule for rule in rules if elb_tags.ours(service, seen, rule["RuleArn"])]
    priority = str(group["rule"]["priority"])
    by_target = [rule for rule in mine if only_target(rule["Actions"]) == target]
    return next(iter([*by_target, *(rule for rule in rules if rule["Priority"] == priority)]), {})


def _one(service: Service, seen: Seen, group: Api, listener: Api, known: Api) -> Change:
    asked, target = group["rule"], seen.target_group_arn(group["name"])
    resource = f"rule {asked['priority']} of {service.balancer['name']}:{listener['Port']}"
    conditions: list[Api] = [
        {"Field": field, config: {"Values": asked[option]}} for option, (field, config) in CONDITIONS.items() if asked.get(option)
    ]
    forward = [{"Type": "forward", "TargetGroupArn": target}]
    after = {"Priority": str(asked["priority"]), "Conditions": conditions, "TargetGroup": group["name"]}
    if not known:
        parameters: dict[str, Any] = {"ListenerArn": listener["ListenerArn"], "Priority": asked["priority"], "Conditions": conditions}
        parameters.update(Actions=forward, Tags=tags.listed(tags.wanted(service)))
        return Change(resource, None, after, (Step(f"create {resource}", "elbv2:CreateRule", parameters),))
    arn = known["RuleArn"]
    claimed(service, resource, seen.tags.get(arn, {}))
    wrong: dict[str, Any] = {} if _values(known["Conditions"]) == _values(conditions) else {"Conditions": conditions}
    if isinstance(target, Ref) or only_target(known["Actions"]) != target:
        wrong["Actions"] = forward
    modify = [Step(f"change {resource}", "elbv2:ModifyRule", {"RuleArn": arn, **wrong})] if wrong else []
    if known["Priority"] != str(asked["priority"]):
        _free(resource, seen, listener, str(asked["priority"]))
        priorities = {"RulePriorities": [{"RuleArn": arn, "Priority": asked["priority"]}]}
        modify.append(Step(f"move it to be {resource}", "elbv2:SetRulePriorities", priorities))
    names = {known["TargetGroupArn"]: name for name, known in seen.target_groups.items()}
    serving = only_target(known["Actions"])
    before = {"Priority": known["Priority"], "Conditions": known["Conditions"], "TargetGroup": names.get(serving, serving)}
    return Change(resource, before, after, (*modify, *elb_tags.steps(service, seen, resource, arn)))


def _free(resource: str, seen: Seen, listener: Api, priority: str) -> None:
    if any(rule["Priority"] == priority for rule in seen.rules.get(listener["ListenerArn"], [])):
        raise ServiceError(f"target_groups.rule.priority: another rule has the place of {resource}: choose a free priority")


def _values(conditions: list[Api]) -> dict[str, list[str]]:
    """By field; DescribeRules answers Values and the field's own form both."""
    configs = dict(CONDITIONS.values())
    found = {}
    for condition in conditions:
        field = condition["Field"]
        values = condition.get(configs.get(field, ""), {}).get("Values") or condition.get("Values") or [str(condition)]
        found[field] = sorted(values)
    return found


def _removed(rule: Api, what: str) -> Change:
    step = Step(f"delete rule {what}", "elbv2:DeleteRule", {"RuleArn": rule["RuleArn"]})
    return Change(f"rule {what}", {"Priority": rule["Priority"], "Conditions": rule["Conditions"]}, None, (step,))
