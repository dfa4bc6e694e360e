# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._portal_facts import facts, target_group_name
from ansible_collections.aiportal.scaling.plugins.module_utils._portal_problems import missing_keys, problems

PORTAL: dict[str, Any] = {
    "name": "p",
    "vpc": "net",
    "subnets": ["a", "b"],
    "ssh": {"key_pair": "key"},
    "load_balancer": {"name": "front", "port": 443},
    "database": {"instance": "db", "secret": "s/db"},
    "keycloak": {
        "hostname": "auth.example",
        "image": "img",
        "instance_type": "t3.small",
        "security_groups": ["kc"],
        "admin_secret": "s/admin",
        "drill_secret": "s/drill",
    },
}


def named(name: str, **other: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {"Name": name, **other}.items()]


def subnet(name: str, zone: str, vpc: str = "vpc-1") -> dict[str, Any]:
    return {"SubnetId": f"subnet-{name}{zone}", "VpcId": vpc, "AvailabilityZone": zone, "CidrBlock": "10.0.0.0/20", "Tags": named(name)}


def instance(number: int, portal: str = "p", name: str = "") -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number}",
        "Placement": {"AvailabilityZone": "z1"},
        "State": {"Name": "running"},
        "LaunchTime": "2026-11-24",
        "Tags": named(name or f"node-{number}", Portal=portal, Component="keycloak", Generation="single"),
    }


def rule(priority: int, host: str, *, action: str = "forward", path: str = "") -> dict[str, Any]:
    paths = [{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}] if path else []
    return {
        "RuleArn": f"rule-{priority}",
        "Priority": str(priority),
        "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}, *paths],
        "Actions": [{"Type": action, "TargetGroupArn": "tg-old"}],
    }


RAW: dict[str, Any] = {
    "account": "1",
    "vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
    "subnets": [subnet("b", "z2"), subnet("a", "z1"), subnet("a", "z1", vpc="vpc-2")],
    "security_groups": [{"GroupName": "kc", "GroupId": "sg-1", "VpcId": "vpc-1"}, {"GroupName": "kc", "GroupId": "sg-2", "VpcId": "vpc-2"}],
    "images": [{"ImageId": "ami-1", "Architecture": "arm64", "State": "available"}],
    "instance_types": [{"InstanceType": "t3.small", "MemoryInfo": {"SizeInMiB": 2048}}],
    "key_pairs": [{"KeyName": "key"}],
    "instances": [instance(1), instance(2, portal="q")],
    "balancing": {
        "balancers": [{"LoadBalancerArn": "lb", "DNSName": "lb.example", "VpcId": "vpc-1", "SecurityGroups": ["sg-lb"]}],
        "listeners": [{"ListenerArn": "l-80", "Port": 80}, {"ListenerArn": "l-443", "Port": 443}],
        "listener": {"ListenerArn": "l-443", "Port": 443},
        "rules": [rule(9, "auth.example", action="fixed-response"), rule(10, "AUTH.example"), rule(11, "auth.example", path="/admin/*")],
        "target_groups": [{"TargetGroupArn": "tg-old", "TargetGroupName": "p-keycloak", "Targets": []}],
    },
    "databases": [{"DBInstanceStatus": "available"}],
    "secrets": {name: {"ARN": f"arn:{name}"} for name in ("s/db", "s/admin", "s/drill")},
}


def told(portal: dict[str, Any], raw: dict[str, Any]) -> list[str]:
    return problems(portal, raw, facts(portal, raw))


def altered(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(base)
    *parents, last = path.split(".")
    target = changed
    for parent in parents:
        target = target[parent]
    target[last] = value
    return changed


def test_a_portal_that_is_all_there_has_no_problems() -> None:
    assert told(PORTAL, RAW) == []


def test_facts_are_those_of_the_portals_own_network_rule_and_instances() -> None:
    found = facts(PORTAL, RAW)
    assert [each["id"] for each in found["subnets"]] == ["subnet-az1", "subnet-bz2"]
    assert found["security_groups"] == {"kc": "sg-1"}
    assert found["keycloak_rule"] == {
        "arn": "rule-10",
        "priority": 10,
        "forwards": [{"target_group_arn": "tg-old", "weight": 1, "name": "p-keycloak"}],
    }
    assert [each["id"] for each in found["instances"]] == ["i-1"]
    assert found["foreign_instances"] == [{"id": "i-2", "portal": "q"}]


@pytest.mark.parametrize(
    ("path", "value", "sentences"),
    [
        ("vpcs", [], ["portal.vpc: no VPC is tagged Name=net; name the one that the portal is in."]),
        ("vpcs", RAW["vpcs"] * 2, ["portal.vpc: 2 VPCs are tagged Name=net; name the one that the portal is in."]),
        ("subnets", [subnet("a", "z1")], ["portal.subnets: no subnet of VPC net is tagged Name=b; correct or create it."]),
        ("subnets", [subnet("a", "z1"), subnet("b", "z1")], ["portal.subnets: 2 of them are in zone z1; name one per zone."]),
        (
            "subnets",
            [subnet("a", "z1"), subnet("a", "z3"), subnet("b", "z2")],
            ["portal.subnets: 2 subnets of VPC net are tagged Name=a; give each its own."],
        ),
        (
            "security_groups",
            RAW["security_groups"][1:],
            ["portal.keycloak.security_groups: no security group of VPC net is named kc; correct it, it is today's node's."],
        ),
        ("instance_types", [], ["portal.keycloak.instance_type: this region has no instance type t3.small; name one that it has."]),
        ("images", [], ["portal.keycloak.image: this account owns no image named img; build it or name one that it owns."]),
        ("images", RAW["images"] * 2, ["portal.keycloak.image: this account owns 2 images named img; name one that is the only one."]),
        (
            "images",
            [{"ImageId": "ami-1", "State": "pending"}],
            ["portal.keycloak.image: image img is pending; wait until it is available."],
        ),
        ("key_pairs", [], ["portal.ssh.key_pair: there is no key pair named key in this region; import the public key under that name."]),
        (
            "instances",
            [instance(2, portal="q")],
            ["portal.name: no instance is tagged Portal=p and Component=keycloak; tag today's node so, and Generation=single."],
        ),
        (
            "instances",
            [instance(1, name="n"), instance(3, name="n")],
            ["portal.name: 2 instances of the portal are tagged Name=n; a host name stands for one, rename or terminate the others."],
        ),
        (
            "balancing.balancers",
            [],
            ["portal.load_balancer.name: there is no load balancer named front in this region; name the portal's."],
        ),
        (
            "balancing.balancers",
            [{"LoadBalancerArn": "lb", "DNSName": "lb.example", "VpcId": "vpc-2"}],
            ["portal.load_balancer.name: load balancer front is not in VPC net; name the portal's."],
        ),
        (
            "balancing.listener",
            None,
            ["portal.load_balancer.port: load balancer front does not listen on 443 (it listens on: 80, 443); name one of these."],
        ),
        (
            "balancing.rules",
            [rule(9, "auth.example", action="fixed-response"), rule(11, "auth.example", path="/admin/*"), rule(12, "chat.example")],
            [
                "portal.keycloak.hostname: no rule of listener 443 forwards host auth.example, and nothing else, to a target group; "
                "correct it, or give today's node a rule of its own."
            ],
        ),
        (
            "balancing.rules",
            [rule(10, "auth.example"), rule(20, "auth.example")],
            ["portal.keycloak.hostname: the rules of priority 10, 20 all forward host auth.example; remove all but one."],
        ),
        ("databases", [], ["portal.database.instance: there is no RDS instance db in this region; name the portal's."]),
        (
            "databases",
            [{"DBInstanceStatus": "stopped"}],
            ["portal.database.instance: RDS instance db is stopped; wait until it is available, or start it."],
        ),
        (
            "secrets",
            {**RAW["secrets"], "s/admin": None},
            [
                "portal.keycloak.admin_secret: Secrets Manager has no secret s/admin in this region; "
                "create it, JSON with username and password."
            ],
        ),
        (
            "secrets",
            {**RAW["secrets"], "s/db": {"ARN": "arn", "DeletedDate": "2026-11-24"}},
            ["portal.database.secret: secret s/db is scheduled for deletion; restore it or name another."],
        ),
    ],
)
def test_problems(path: str, value: Any, sentences: list[str]) -> None:
    assert told(PORTAL, altered(RAW, path, value)) == sentences


@pytest.mark.parametrize(
    ("portal", "missing"),
    [
        (PORTAL, []),
        ({key: value for key, value in PORTAL.items() if key not in ("vpc", "ssh")}, ["vpc", "ssh.key_pair"]),
        (altered(PORTAL, "subnets", None), ["subnets"]),
        (altered(PORTAL, "database", "aiportal"), ["database.instance", "database.secret"]),
    ],
)
def test_missing_keys(portal: dict[str, Any], missing: list[str]) -> None:
    assert missing_keys(portal) == missing


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "p-keycloak-cluster"),
        ({"backend_tls": False, "sessions": "distributed"}, "p-keycloak-cluster"),
        ({"backend_tls": True}, "p-keycloak-cluster-tls"),
        ({"sessions": "sticky"}, "p-keycloak-cluster-s"),
        ({"backend_tls": True, "sessions": "sticky"}, "p-keycloak-cluster-tls-s"),
    ],
)
def test_each_combination_has_a_target_group_of_its_own(settings: dict[str, Any], name: str) -> None:
    assert target_group_name({**PORTAL, "keycloak": {**PORTAL["keycloak"], **settings}}) == name
