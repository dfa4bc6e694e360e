# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what the API's answers say about a portal, in a form that playbooks can use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Api = Mapping[str, Any]


def facts(portal: Api, raw: Api) -> dict[str, Any]:
    """What there is. What is missing is None or empty here, and a sentence of _portal_problems."""
    vpc = {"id": raw["vpcs"][0]["VpcId"], "cidr": raw["vpcs"][0]["CidrBlock"]} if raw["vpcs"] else None
    own = [instance for instance in raw["instances"] if _tag(instance, "Portal") == portal["name"]]
    return {
        "name": portal["name"],
        "account": raw["account"],
        "vpc": vpc,
        "subnets": _subnets(portal["subnets"], raw["subnets"], vpc),
        "security_groups": {
            group["GroupName"]: group["GroupId"] for group in raw["security_groups"] if vpc and group["VpcId"] == vpc["id"]
        },
        "image": _image(raw["images"]),
        "instance_type": _instance_type(raw["instance_types"]),
        "key_pair": bool(raw["key_pairs"]),
        "load_balancer": _load_balancer(raw["balancing"]),
        "keycloak_rule": keycloak_rule(portal["keycloak"]["hostname"], raw["balancing"]),
        "keycloak_target_group": target_group_name(portal),
        "target_groups": {group["TargetGroupName"]: _target_group(group) for group in raw["balancing"]["target_groups"]},
        "database": _database(raw["databases"]),
        "secrets": {name: answer["ARN"] if answer else None for name, answer in raw["secrets"].items()},
        "instances": sorted((_instance(instance) for instance in own), key=lambda instance: (instance["name"], instance["id"])),
        "foreign_instances": [
            {"id": instance["InstanceId"], "portal": _tag(instance, "Portal")} for instance in raw["instances"] if instance not in own
        ],
    }


def secret_names(portal: Api) -> dict[str, str]:
    """Key of the definition -> the name of the secret that it holds."""
    names = {
        "portal.database.secret": portal["database"]["secret"],
        "portal.directory.secret": (portal.get("directory") or {}).get("secret"),
        "portal.keycloak.admin_secret": portal["keycloak"]["admin_secret"],
        "portal.keycloak.drill_secret": portal["keycloak"]["drill_secret"],
    }
    return {key: name for key, name in names.items() if name}


def rules_for(hostname: str, rules: Iterable[Api]) -> list[Api]:
    """The rules that send all of a host's requests to target groups: not those that answer themselves or take certain paths only."""
    return [
        rule
        for rule in rules
        if any(action["Type"] == "forward" for action in rule["Actions"])
        and all(condition["Field"] == "host-header" for condition in rule["Conditions"])
        and hostname.lower() in [host.lower() for host in condition_values(rule, "host-header")]
    ]


def keycloak_rule(hostname: str, balancing: Api) -> dict[str, Any] | None:
    found = rules_for(hostname, balancing["rules"])
    if not found:
        return None
    names = {group["TargetGroupArn"]: group["TargetGroupName"] for group in balancing["target_groups"]}
    forwards = [{**forward, "name": names.get(forward["target_group_arn"])} for forward in forwards_of(found[0])]
    return {"arn": found[0]["RuleArn"], "priority": int(found[0]["Priority"]), "forwards": forwards}


def target_group_name(portal: Api) -> str:
    """The cluster's group, one for each combination of protocol and kind of sessions: neither can be changed in a group that serves."""
    keycloak = portal["keycloak"]
    suffixes = ("-tls" if keycloak.get("backend_tls") else "", "-s" if keycloak.get("sessions") == "sticky" else "")
    return "-".join((portal["name"], "keycloak-cluster")) + "".join(suffixes)


def condition_values(rule: Api, field: str) -> list[str]:
    """The values of a rule's conditions on one field, in whichever of its two forms the API gave them."""
    config = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}[field]
    chosen = [condition for condition in rule["Conditions"] if condition["Field"] == field]
    return [value for condition in chosen for value in condition.get("Values") or condition.get(config, {}).get("Values", [])]


def forwards_of(rule: Api) -> list[dict[str, Any]]:
    """Target groups and weights of a rule; a single group without weights has all of it."""
    for action in rule["Actions"]:
        if action["Type"] == "forward":
            groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
            return [{"target_group_arn": group["TargetGroupArn"], "weight": int(group.get("Weight", 1))} for group in groups]
    return []


def _subnets(names: Sequence[str], found: Sequence[Api], vpc: Api | None) -> list[dict[str, Any]]:
    """In the order of the definition: nodes are spread over them in that order, and must be in every later run."""
    inside = [subnet for subnet in found if vpc and subnet["VpcId"] == vpc["id"]]
    return [
        {"id": subnet["SubnetId"], "name": name, "az": subnet["AvailabilityZone"], "cidr": subnet["CidrBlock"]}
        for name in names
        for subnet in inside
        if _tag(subnet, "Name") == name
    ]


def _image(images: Sequence[Api]) -> dict[str, Any] | None:
    return {"id": images[0]["ImageId"], "architecture": images[0].get("Architecture")} if images else None


def _instance_type(types: Sequence[Api]) -> dict[str, Any] | None:
    return {"name": types[0]["InstanceType"], "memory_mib": types[0]["MemoryInfo"]["SizeInMiB"]} if types else None


def _load_balancer(balancing: Api) -> dict[str, Any] | None:
    if not balancing["balancers"]:
        return None
    balancer, listener = balancing["balancers"][0], balancing["listener"]
    return {
        "arn": balancer["LoadBalancerArn"],
        "dns_name": balancer["DNSName"],
        "vpc_id": balancer.get("VpcId"),
        "security_groups": balancer.get("SecurityGroups", []),
        "listener_arn": listener["ListenerArn"] if listener else None,
        "rules": [_rule(rule) for rule in sorted(balancing["rules"], key=_order)],
    }


def _rule(rule: Api) -> dict[str, Any]:
    priority = rule["Priority"]
    return {
        "arn": rule["RuleArn"],
        "priority": int(priority) if str(priority).isdigit() else priority,
        "hosts": condition_values(rule, "host-header"),
        "paths": condition_values(rule, "path-pattern"),
        "actions": [action["Type"] for action in rule["Actions"]],
        "forwards": forwards_of(rule),
    }


def _order(rule: Api) -> int:
    """The order in which the balancer tries its rules: the default one last."""
    return int(rule["Priority"]) if str(rule["Priority"]).isdigit() else 1 << 20


def _target_group(group: Api) -> dict[str, Any]:
    return {
        "arn": group["TargetGroupArn"],
        "port": group.get("Port"),
        "protocol": group.get("Protocol"),
        "load_balancer_arns": group.get("LoadBalancerArns", []),
        "targets": [
            {
                "id": target["Target"]["Id"],
                "port": target["Target"].get("Port"),
                "health": target["TargetHealth"]["State"],
                "reason": target["TargetHealth"].get("Reason"),
            }
            for target in group["Targets"]
        ],
    }


def _database(databases: Sequence[Api]) -> dict[str, Any] | None:
    if not databases:
        return None
    database = databases[0]
    return {
        "endpoint": database.get("Endpoint", {}).get("Address"),
        "port": database.get("Endpoint", {}).get("Port"),
        "status": database["DBInstanceStatus"],
        "class": database.get("DBInstanceClass"),
        "multi_az": database.get("MultiAZ", False),
    }


def _instance(instance: Api) -> dict[str, Any]:
    return {
        "id": instance["InstanceId"],
        "name": _tag(instance, "Name"),
        "address": instance.get("PrivateIpAddress"),
        "az": instance["Placement"]["AvailabilityZone"],
        "subnet_id": instance.get("SubnetId"),
        "state": instance["State"]["Name"],
        "generation": _tag(instance, "Generation"),
        "launch_time": str(instance["LaunchTime"]),
    }


def _tag(resource: Api, key: str) -> str:
    return next((tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == key), "")
