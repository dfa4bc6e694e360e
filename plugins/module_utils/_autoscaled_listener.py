# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: listeners that a component makes, each forwarding to one of its target groups. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_elb_tags as elb_tags
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import (
    Api,
    Change,
    Ref,
    Step,
    differing,
    given,
)
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service, claimed


def present(service: Service, seen: Seen) -> list[Change]:
    asked = [_one(service, seen, group, group["listener"]) for group in service.target_groups if group.get("listener")]
    kept = {group["listener"]["port"] for group in service.target_groups if group.get("listener")}
    # A listener of this component on a port that is no longer asked for.
    gone = [
        _removed(listener, f"on port {listener['Port']}")
        for listener in seen.listeners
        if service.get("target_groups") is not None
        and listener["Port"] not in kept
        and elb_tags.ours(service, seen, listener["ListenerArn"])
    ]
    return asked + gone


def absent(service: Service, seen: Seen) -> list[Change]:
    names = {group["TargetGroupArn"]: name for name, group in seen.target_groups.items()}
    return [
        _removed(listener, "for " + names.get(_target(listener), str(listener["Port"])))
        for listener in seen.listeners
        if elb_tags.ours(service, seen, listener["ListenerArn"])
    ]


def _one(service: Service, seen: Seen, group: Api, asked: Api) -> Change:
    port, target = asked["port"], seen.target_group_arn(group["name"])
    resource = f"listener {service.balancer['name']}:{port}"
    known = next((listener for listener in seen.listeners if listener["Port"] == port), None)
    wanted = given(
        Protocol=asked["protocol"],
        SslPolicy=asked.get("ssl_policy"),
        Certificates=[{"CertificateArn": asked["certificate_arn"]}] if asked.get("certificate_arn") else None,
    )
    after = {"Port": port, **wanted, "TargetGroup": group["name"]}
    forward = [{"Type": "forward", "TargetGroupArn": target}]
    if known is None:
        parameters: dict[str, Any] = {"LoadBalancerArn": seen.balancer_arn(service.balancer["name"]), "Port": port, **wanted}
        parameters.update(DefaultActions=forward, Tags=tags.listed(tags.wanted(service)))
        return Change(resource, None, after, (Step(f"create {resource}", "elbv2:CreateListener", parameters),))
    arn = known["ListenerArn"]
    claimed(service, resource, seen.tags.get(arn, {}))
    wrong: dict[str, Any] = differing(known, wanted)
    if isinstance(target, Ref) or _target(known) != target:
        wrong["DefaultActions"] = forward
    modify = Step(f"change {resource}", "elbv2:ModifyListener", {"ListenerArn": arn, **wrong})
    names = {group["TargetGroupArn"]: name for name, group in seen.target_groups.items()}
    before = {"Port": port, **{key: known.get(key) for key in wanted}, "TargetGroup": names.get(_target(known), _target(known))}
    return Change(resource, before, after, (*([modify] if wrong else []), *elb_tags.steps(service, seen, resource, arn)))


def _removed(listener: Api, where: str) -> Change:
    step = Step(f"delete listener {where}", "elbv2:DeleteListener", {"ListenerArn": listener["ListenerArn"]})
    before = {"Port": listener["Port"], "Protocol": listener.get("Protocol")}
    return Change(f"listener {where}", before, None, (step,))


def _target(listener: Api) -> str:
    """The one target group that all of it goes to; empty if it does anything else."""
    actions = listener.get("DefaultActions", [])
    return only_target(actions)


def only_target(actions: Any) -> str:
    if len(actions) != 1 or actions[0]["Type"] != "forward":
        return ""
    weighted = actions[0].get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": actions[0].get("TargetGroupArn", "")}]
    serving = [each["TargetGroupArn"] for each in weighted if each.get("Weight", 1)]
    return str(serving[0]) if len(serving) == 1 else ""
