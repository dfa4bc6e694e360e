# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the load balancer of a component, if it is to have one of its own. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_elb_tags as elb_tags
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, ServiceError, Step, differing, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service, claimed

# Option: attribute of Elastic Load Balancing.
ATTRIBUTES = {
    "cross_zone_load_balancing": "load_balancing.cross_zone.enabled",
    "deletion_protection": "deletion_protection.enabled",
    "idle_timeout": "idle_timeout.timeout_seconds",
    "dns_record_client_routing_policy": "dns_record.client_routing_policy",
}


def present(service: Service, seen: Seen) -> list[Change]:
    asked = service.balancer
    if not asked:
        return []
    resource = f"load balancer {asked['name']}"
    if not asked["create"]:
        if not seen.balancer:
            raise ServiceError(f"load_balancer.name: there is no {resource} in this region: name one, or set load_balancer.create")
        return []
    attributes = {key: str(asked[option]).lower() for option, key in ATTRIBUTES.items() if asked.get(option) is not None}
    subnets, groups = sorted(asked.get("subnets") or service.get("subnets") or []), sorted(asked.get("security_groups") or [])
    after = {"Type": asked["type"], "Scheme": asked["scheme"], "Subnets": subnets, "SecurityGroups": groups, **attributes}
    if not seen.balancer:
        return [Change(resource, None, after, (_create(service, asked, subnets, groups), *_set(service, seen, attributes)))]
    arn = seen.balancer["LoadBalancerArn"]
    claimed(service, resource, seen.tags.get(arn, {}))
    before = _seen(seen.balancer)
    for key in ("Type", "Scheme"):
        if before[key] != after[key]:
            raise ServiceError(f"load_balancer: {key} of {resource} is {before[key]} and cannot become {after[key]}: choose another name")
    steps = _set(service, seen, differing(seen.balancer["Attributes"], attributes))
    steps += _replace(resource, arn, "Subnets", subnets, before)
    steps += _replace(resource, arn, "SecurityGroups", groups, before) if groups else []
    steps += elb_tags.steps(service, seen, resource, arn)
    return [Change(resource, {**before, **{key: seen.balancer["Attributes"].get(key) for key in attributes}}, after, tuple(steps))]


def absent(service: Service, seen: Seen) -> list[Change]:
    arn = seen.balancer.get("LoadBalancerArn", "")
    if not elb_tags.ours(service, seen, arn):
        return []
    name = seen.balancer["LoadBalancerName"]
    after = tuple(f"delete target group {group}" for group in seen.target_groups)
    step = Step(f"delete load balancer {name}", "elbv2:DeleteLoadBalancer", {"LoadBalancerArn": arn}, after)
    return [Change(f"load balancer {name}", _seen(seen.balancer), None, (step,))]


def _create(service: Service, asked: Api, subnets: list[str], groups: list[str]) -> Step:
    parameters = given(Name=asked["name"], Type=asked["type"], Scheme=asked["scheme"], Subnets=subnets, SecurityGroups=groups or None)
    parameters["Tags"] = tags.listed(tags.wanted(service))
    return Step(f"create load balancer {asked['name']}", "elbv2:CreateLoadBalancer", parameters)


def _set(service: Service, seen: Seen, attributes: Api) -> list[Step]:
    if not attributes:
        return []
    name = service.balancer["name"]
    listed = [{"Key": key, "Value": value} for key, value in sorted(attributes.items())]
    parameters = {"LoadBalancerArn": seen.balancer_arn(name), "Attributes": listed}
    return [Step(f"set attributes of load balancer {name}", "elbv2:ModifyLoadBalancerAttributes", parameters)]


def _replace(resource: str, arn: str, what: str, wanted: list[str], before: Api) -> list[Step]:
    if before[what] == wanted:
        return []
    return [Step(f"set {what} of {resource}", f"elbv2:Set{what}", {"LoadBalancerArn": arn, what: wanted})]


def _seen(balancer: Api) -> dict[str, Any]:
    return {
        "Type": balancer["Type"],
        "Scheme": balancer["Scheme"],
        "Subnets": sorted(zone["SubnetId"] for zone in balancer.get("AvailabilityZones", [])),
        "SecurityGroups": sorted(balancer.get("SecurityGroups", [])),
    }
