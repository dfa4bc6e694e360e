# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module against moto: a starting portal as phase 3 meets it, and an account that has nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import portal_info

moto = pytest.importorskip("moto")

REGION = "eu-west-1"
PORTAL: dict[str, Any] = {
    "name": "aiportal",
    "region": REGION,
    "vpc": "aiportal",
    "subnets": ["aiportal-private-a", "aiportal-private-b", "aiportal-private-c"],
    "ssh": {"user": "debian", "key_pair": "aiportal"},
    "load_balancer": {"name": "aiportal", "port": 443},
    "database": {"instance": "aiportal", "name": "keycloak", "secret": "aiportal/keycloak/database"},
    "keycloak": {
        "hostname": "auth.aiportal.example",
        "image": "aiportal-node",
        "security_groups": ["aiportal-keycloak"],
        "admin_secret": "aiportal/keycloak/admin",
        "drill_secret": "aiportal/keycloak/drill",
    },
}


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def make_network(ec2: Any) -> tuple[str, list[str], dict[str, str]]:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", Name="aiportal"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.9.{16 * index}.0/20",
            AvailabilityZone=REGION + zone,
            TagSpecifications=tagged("subnet", Name=f"aiportal-private-{zone}"),
        )["Subnet"]["SubnetId"]
        for index, zone in enumerate("abc")
    ]
    groups = {
        name: ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("aiportal-alb", "aiportal-keycloak")
    }
    return vpc, subnets, groups


def make_instance(ec2: Any, subnet: str, image: str, **tags: str) -> str:
    tags = {"Name": "aiportal-keycloak-0", "Portal": "aiportal", "Component": "keycloak", "Generation": "single", **tags}
    asked = {"ImageId": image, "SubnetId": subnet, "MinCount": 1, "MaxCount": 1, "TagSpecifications": tagged("instance", **tags)}
    return ec2.run_instances(**asked)["Instances"][0]["InstanceId"]


def make_balancer(elbv2: Any, vpc: str, subnets: list[str], group: str, instance: str) -> dict[str, str]:
    balancer = elbv2.create_load_balancer(Name="aiportal", Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    target_group = elbv2.create_target_group(Name="aiportal-keycloak", Protocol="HTTP", Port=8080, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    elbv2.register_targets(TargetGroupArn=target_group, Targets=[{"Id": instance}])
    not_found = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=443, DefaultActions=not_found)["Listeners"][0][
        "ListenerArn"
    ]
    forward = [{"Type": "forward", "TargetGroupArn": target_group}]
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["Auth.aiportal.example"]}}
    rule = elbv2.create_rule(ListenerArn=listener, Priority=10, Conditions=[host], Actions=forward)["Rules"][0]["RuleArn"]
    path = {"Field": "path-pattern", "Values": ["/realms/*/protocol/openid-connect/auth"]}
    elbv2.create_rule(ListenerArn=listener, Priority=9, Conditions=[host, path], Actions=not_found)
    return {"balancer": balancer, "listener": listener, "rule": rule, "target_group": target_group}


def make_portal() -> dict[str, Any]:
    ec2, elbv2, secrets = boto3.client("ec2", REGION), boto3.client("elbv2", REGION), boto3.client("secretsmanager", REGION)
    vpc, subnets, groups = make_network(ec2)
    image = ec2.register_image(Name="aiportal-node", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
    ec2.create_key_pair(KeyName="aiportal")
    instance = make_instance(ec2, subnets[0], image)
    make_instance(ec2, subnets[0], image, Portal="another", Name="another-keycloak-0")
    made = make_balancer(elbv2, vpc, subnets, groups["aiportal-alb"], instance)
    boto3.client("rds", REGION).create_db_instance(DBInstanceIdentifier="aiportal", Engine="postgres", DBInstanceClass="db.t3.small")
    for name in ("database", "admin", "drill"):
        secrets.create_secret(Name=f"aiportal/keycloak/{name}", SecretString="{}")
    return {**made, "vpc": vpc, "subnets": subnets, "groups": groups, "image": image, "instance": instance}


@pytest.fixture(name="aws")
def fixture_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unit-test-key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unit-test-secret-of-nobody")
    with moto.mock_aws():
        yield


@pytest.fixture(name="read")
def fixture_read(aws: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def read(portal: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        with patch_module_args({"portal": portal or PORTAL, "region": REGION, **options}), pytest.raises(SystemExit):
            portal_info.main()
        return json.loads(capsys.readouterr().out)

    return read


def test_reads_a_whole_portal(read: Callable[..., dict[str, Any]]) -> None:
    made = make_portal()
    result = read(fail_on_problems=True)
    assert result["problems"] == []
    assert result["changed"] is False
    portal = result["portal"]
    assert portal["vpc"] == {"id": made["vpc"], "cidr": "10.9.0.0/16"}
    assert [(subnet["id"], subnet["az"]) for subnet in portal["subnets"]] == list(
        zip(made["subnets"], [REGION + zone for zone in "abc"], strict=True)
    )
    assert portal["security_groups"] == made["groups"]
    assert portal["image"]["id"] == made["image"]
    assert portal["key_pair"] is True
    assert portal["load_balancer"]["listener_arn"] == made["listener"]
    assert portal["load_balancer"]["security_groups"] == [made["groups"]["aiportal-alb"]]
    assert [rule["priority"] for rule in portal["load_balancer"]["rules"]] == [9, 10, "default"]
    forward = {"target_group_arn": made["target_group"], "name": "aiportal-keycloak", "weight": 1}
    assert portal["keycloak_rule"] == {"arn": made["rule"], "priority": 10, "forwards": [forward]}
    assert [target["id"] for target in portal["target_groups"]["aiportal-keycloak"]["targets"]] == [made["instance"]]
    assert portal["database"]["status"] == "available"
    assert all(portal["secrets"].values())
    assert len(portal["secrets"]) == 3
    assert [(instance["id"], instance["generation"], instance["state"]) for instance in portal["instances"]] == [
        (made["instance"], "single", "running")
    ]
    assert [instance["portal"] for instance in portal["foreign_instances"]] == ["another"]


def test_tells_everything_that_is_missing_at_once(read: Callable[..., dict[str, Any]]) -> None:
    result = read()
    assert result.get("failed", False) is False
    assert [sentence.split(":")[0] for sentence in result["problems"]] == [
        "portal.vpc",
        "portal.keycloak.image",
        "portal.ssh.key_pair",
        "portal.name",
        "portal.load_balancer.name",
        "portal.database.instance",
        "portal.database.secret",
        "portal.keycloak.admin_secret",
        "portal.keycloak.drill_secret",
    ]
    failed = read(fail_on_problems=True)
    assert failed["failed"] is True
    assert all(sentence in failed["msg"] for sentence in result["problems"])


def test_refuses_a_definition_without_what_it_needs(read: Callable[..., dict[str, Any]]) -> None:
    portal = {key: value for key, value in PORTAL.items() if key not in ("vpc", "ssh")}
    result = read(portal)
    assert result["failed"] is True
    assert "portal.vpc, portal.ssh.key_pair" in result["msg"]


def test_says_what_failed_when_aws_refuses(read: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = read(aws_config={"retries": {"max_attempts": 0}})
    assert result["failed"] is True
    assert "read the portal's state from AWS" in result["msg"]
