# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of an ALB listener as HAProxy configuration; pure text. AWS: elasticloadbalancing/latest/application/rule-condition-types.html"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]  # as DescribeRules gives it

HOST = "req.hdr(host),field(1,:)"
CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def quoted(text: str) -> str:
    """A word of HAProxy's configuration language that stands for exactly this text."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(character, escape)
    return f'"{text}"'


def wildcard(pattern: str, anything: str = ".") -> str:
    """An ALB pattern (* and ?) as a regular expression."""
    return "".join(anything + "*" if character == "*" else anything if character == "?" else re.escape(character) for character in pattern)


def lines(rules: Iterable[Rule], protocol: str, port: int) -> list[str]:
    """First which rule a request matches, then what becomes of it: HAProxy evaluates every use_backend after all http-request
    lines, so rules written one after another would lose the order of their priorities."""
    choose: list[str] = []
    act: list[str] = []
    route: list[str] = []
    for rule in sorted(rules, key=_priority):
        name = rule_name(rule, port)
        conditions = rule.get("Conditions") or []
        choose += [f"acl {name}_{index} {acl(condition)}" for index, condition in enumerate(conditions)]
        matches = "".join(f"{name}_{index} " for index in range(len(conditions)))
        choose.append(f"http-request set-var(txn.rule) str({name}) if {matches}!{{ var(txn.rule) -m found }}")
        for line, condition in steps(rule["Actions"], protocol, port):
            (route if line.startswith("use_backend") else act).append(f"{line} if {{ var(txn.rule) -m str {name} }} {condition}".rstrip())
    return [*choose, *act, *route]


def rule_name(rule: Rule, port: int) -> str:
    return f"{port}_{rule['Priority']}"


def _priority(rule: Rule) -> float:
    return float("inf") if rule["Priority"] == "default" else int(rule["Priority"])


def forwards(rules: Iterable[Rule], port: int) -> dict[str, str]:
    """Rule -> group, of the rules that forward everything to one group; the balancer keeps them in a map, not in its configuration,
    so that the switch to another group is one step which breaks no connection."""
    found = {rule_name(rule, port): _receiving(rule["Actions"][-1]) for rule in rules if rule["Actions"][-1]["Type"] == "forward"}
    return {name: next(iter(groups)) for name, groups in found.items() if len(groups) == 1}


def acl(condition: Mapping[str, Any]) -> str:
    field = condition["Field"]
    if field not in CONFIGS:
        raise ValueError(f"the lab's balancer does not know the rule condition {field!r}")
    config = condition.get(CONFIGS[field]) or {"Values": condition.get("Values", [])}
    values = config["Values"]
    if field == "query-string":
        return "query -i -m reg -- " + _words(_query_pattern(value) for value in values)
    if field == "http-request-method":
        return "method -m str -- " + _words(values)
    if field == "source-ip":
        return "src " + " ".join(values)
    patterns = _words(f"^{wildcard(value)}$" for value in values)
    if field == "path-pattern":  # the only one that minds upper and lower case
        return f"path -m reg -- {patterns}"
    sample = HOST if field == "host-header" else f"req.fhdr({config['HttpHeaderName']})"
    return f"{sample} -i -m reg -- {patterns}"


def _words(texts: Iterable[str]) -> str:
    return " ".join(quoted(text) for text in texts)


def _query_pattern(pair: Mapping[str, str]) -> str:
    value = wildcard(pair["Value"], "[^&]")
    key = wildcard(pair["Key"], "[^&=]") + "=" if pair.get("Key") else "([^&=]*=)?"
    return f"(^|&){key}{value}(&|$)"


def steps(actions: Sequence[Mapping[str, Any]], protocol: str, port: int) -> list[tuple[str, str]]:
    """What the actions of one rule do: lines, each with a condition of its own or none."""
    for action in actions:
        if action["Type"] not in ("forward", "fixed-response", "redirect"):
            raise ValueError(f"the lab's balancer does not know the rule action {action['Type']!r}")
    action = actions[-1]
    if action["Type"] == "forward":
        return _forward(_receiving(action))
    if action["Type"] == "redirect":
        return _redirect(action["RedirectConfig"], protocol, port)
    return [(_fixed_response(action["FixedResponseConfig"]), "")]


def weights(action: Mapping[str, Any]) -> dict[str, int]:
    """Target group ARN -> weight of a forward action; a group alone gets everything whatever its weight, but for 0."""
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}


def group_name(arn: str) -> str:
    return arn.split("/")[1]


def _receiving(action: Mapping[str, Any]) -> dict[str, int]:
    return {group_name(arn): weight for arn, weight in weights(action).items() if weight > 0}


def _forward(receiving: Mapping[str, int]) -> list[tuple[str, str]]:
    if not receiving:
        return [("http-request return status 503", "")]
    if len(receiving) == 1:  # see forwards
        return []
    result = [(f"http-request set-var(txn.dice) rand({sum(receiving.values())})", "")]
    for name, limit in zip(receiving, itertools.accumulate(receiving.values()), strict=True):
        result.append((f"use_backend {name}", f"{{ var(txn.dice) -m int lt {limit} }}"))
    return result


def _fixed_response(config: Mapping[str, Any]) -> str:
    line = f"http-request return status {config['StatusCode']}"
    if config.get("MessageBody"):
        line += f" content-type {config.get('ContentType') or 'text/plain'} string {quoted(config['MessageBody'])}"
    return line


def _redirect(config: Mapping[str, Any], protocol: str, port: int) -> list[tuple[str, str]]:
    samples = {"host": f"%[{HOST}]", "path": "%[path,bytes(1)]", "query": "%[query]", "protocol": protocol.lower(), "port": str(port)}

    def filled(key: str, default: str) -> str:
        template = (config.get(key) or default).replace("%", "%%")
        return re.sub(r"#\{(\w+)\}", lambda match: samples[match[1]], template)

    origin = f"{filled('Protocol', '#{protocol}').lower()}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}"
    location = quoted(f"{origin}{filled('Path', '/#{path}')}%[var(txn.query)]")
    query = quoted("?" + filled("Query", "#{query}"))
    return [
        (f"http-request set-var-fmt(txn.query) {query}", ""),
        # A question mark alone is no query; ALB leaves it out.
        ("http-request set-var(txn.query) str()", "{ var(txn.query) -m len 1 }"),
        (f"http-request redirect code {config['StatusCode'].removeprefix('HTTP_')} location {location}", ""),
    ]
