# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a portal definition names and AWS does not have, all of it at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._portal_facts import rules_for, secret_names

Api = Mapping[str, Any]
USED_KEYS = (
    *("name", "vpc", "subnets", "ssh.key_pair", "load_balancer.name", "load_balancer.port", "database.instance", "database.secret"),
    *(f"keycloak.{key}" for key in ("hostname", "image", "security_groups", "admin_secret", "drill_secret")),
)


def missing_keys(portal: Api) -> list[str]:
    """Keys without which nothing can be asked."""
    return [key for key in USED_KEYS if not _has(portal, key)]


def problems(portal: Api, raw: Api, found: Api) -> list[str]:
    """One sentence each, with the key of the definition and what to do. raw are the API's answers, found is what _portal_facts says."""
    return [
        *_network(portal, raw, found),
        *_security_groups(portal, found),
        *_nodes(portal, raw, found),
        *_balancing(portal, raw, found),
        *_database(portal, found),
        *_secrets(portal, raw),
    ]


def _network(portal: Api, raw: Api, found: Api) -> list[str]:
    name = portal["vpc"]
    if len(raw["vpcs"]) != 1:
        return [f"portal.vpc: {_count(raw['vpcs'], 'VPC')} tagged Name={name}; name the one that the portal is in."]
    counts = Counter(subnet["name"] for subnet in found["subnets"])
    told = [
        f"portal.subnets: no subnet of VPC {name} is tagged Name={each}; correct or create it."
        for each in portal["subnets"]
        if not counts[each]
    ]
    told += [f"portal.subnets: {n} subnets of VPC {name} are tagged Name={each}; give each its own." for each, n in counts.items() if n > 1]
    zones = Counter(subnet["az"] for subnet in found["subnets"])
    told += [f"portal.subnets: {n} of them are in zone {zone}; name one per zone." for zone, n in zones.items() if n > 1]
    return told


def _security_groups(portal: Api, found: Api) -> list[str]:
    return [
        f"portal.keycloak.security_groups: no security group of VPC {portal['vpc']} is named {name}; correct it, it is today's node's."
        for name in portal["keycloak"]["security_groups"]
        if found["vpc"] and name not in found["security_groups"]
    ]


def _nodes(portal: Api, raw: Api, found: Api) -> list[str]:
    image, key_pair = portal["keycloak"]["image"], portal["ssh"]["key_pair"]
    told = []
    if not raw["images"]:
        told.append(f"portal.keycloak.image: this account owns no image named {image}; build it or name one that it owns.")
    elif len(raw["images"]) > 1:
        told.append(f"portal.keycloak.image: this account owns {len(raw['images'])} images named {image}; name one that is the only one.")
    elif raw["images"][0].get("State", "available") != "available":
        told.append(f"portal.keycloak.image: image {image} is {raw['images'][0]['State']}; wait until it is available.")
    if portal["keycloak"].get("instance_type") and not found["instance_type"]:
        told.append(
            f"portal.keycloak.instance_type: this region has no instance type {portal['keycloak']['instance_type']}; name one that it has."
        )
    if not raw["key_pairs"]:
        told.append(f"portal.ssh.key_pair: there is no key pair named {key_pair} in this region; import the public key under that name.")
    if not found["instances"]:
        told.append(
            f"portal.name: no instance is tagged Portal={portal['name']} and Component=keycloak; "
            "tag today's node so, and Generation=single."
        )
    names = Counter(instance["name"] for instance in found["instances"])
    told += [
        f"portal.name: {n} instances of the portal are tagged Name={name}; a host name stands for one, rename or terminate the others."
        for name, n in names.items()
        if n > 1
    ]
    return told


def _balancing(portal: Api, raw: Api, found: Api) -> list[str]:
    name, port, hostname = portal["load_balancer"]["name"], portal["load_balancer"]["port"], portal["keycloak"]["hostname"]
    balancer = found["load_balancer"]
    if not balancer:
        return [f"portal.load_balancer.name: there is no load balancer named {name} in this region; name the portal's."]
    if found["vpc"] and balancer["vpc_id"] != found["vpc"]["id"]:
        return [f"portal.load_balancer.name: load balancer {name} is not in VPC {portal['vpc']}; name the portal's."]
    if not balancer["listener_arn"]:
        ports = ", ".join(str(listener["Port"]) for listener in raw["balancing"]["listeners"]) or "none"
        return [f"portal.load_balancer.port: load balancer {name} does not listen on {port} (it listens on: {ports}); name one of these."]
    rules = rules_for(hostname, raw["balancing"]["rules"])
    if not rules:
        return [
            f"portal.keycloak.hostname: no rule of listener {port} forwards host {hostname}, and nothing else, to a target group; "
            "correct it, or give today's node a rule of its own."
        ]
    if len(rules) > 1:
        priorities = ", ".join(rule["Priority"] for rule in rules)
        return [f"portal.keycloak.hostname: the rules of priority {priorities} all forward host {hostname}; remove all but one."]
    return []


def _database(portal: Api, found: Api) -> list[str]:
    name, database = portal["database"]["instance"], found["database"]
    if not database:
        return [f"portal.database.instance: there is no RDS instance {name} in this region; name the portal's."]
    if database["status"] != "available":
        return [f"portal.database.instance: RDS instance {name} is {database['status']}; wait until it is available, or start it."]
    return []


def _secrets(portal: Api, raw: Api) -> list[str]:
    told = []
    for key, name in secret_names(portal).items():
        answer = raw["secrets"][name]
        if answer is None:
            told.append(f"{key}: Secrets Manager has no secret {name} in this region; create it, JSON with username and password.")
        elif answer.get("DeletedDate"):
            told.append(f"{key}: secret {name} is scheduled for deletion; restore it or name another.")
    return told


def _has(portal: Any, dotted: str) -> bool:
    for key in dotted.split("."):
        if not isinstance(portal, Mapping) or portal.get(key) in (None, ""):
            return False
        portal = portal[key]
    return True


def _count(things: list[Any], noun: str) -> str:
    return f"{len(things)} {noun}s are" if things else f"no {noun} is"
