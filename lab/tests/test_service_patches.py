# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patches, against the pinned moto in this process: they are bound to its internals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from lab.control_plane import reports
from lab.control_plane.patches import ds, elbv2, rds
from lab.settings import REGION, Lab

LAB = Lab(root=Path("/nonexistent"), name="lab-test", octet=99, api_port=1, access_key="AKIATEST", secret_key="s" * 40)


@pytest.fixture(scope="module", autouse=True)
def _patched() -> None:
    for patch in (ds, elbv2, rds):
        patch.apply(LAB)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with moto.mock_aws():
        yield lambda service: boto3.session.Session().client(service, region_name=REGION)


class Balancer:
    """An ALB with one listener; targets are addresses, so that no instance is needed."""

    def __init__(self, aws: Any) -> None:
        self.elbv2, ec2 = aws("elbv2"), aws("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        zones = {"eu-west-1a": "10.99.0.0/20", "eu-west-1b": "10.99.16.0/20"}
        subnets = [
            ec2.create_subnet(VpcId=self.vpc, AvailabilityZone=zone, CidrBlock=cidr)["Subnet"]["SubnetId"] for zone, cidr in zones.items()
        ]
        self.arn = self.elbv2.create_load_balancer(Name="a", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = self.elbv2.create_listener(LoadBalancerArn=self.arn, Protocol="HTTP", Port=80, DefaultActions=fixed)
        self.listener = listener["Listeners"][0]["ListenerArn"]
        self.group = self.make_group("one")

    def make_group(self, name: str) -> str:
        made = self.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=self.vpc, TargetType="ip")
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def forward(self, group: str) -> str:
        made = self.elbv2.create_rule(
            ListenerArn=self.listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/a", "/b"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group, "Weight": 0}]}}],
        )
        return str(made["Rules"][0]["RuleArn"])

    def register(self) -> None:
        self.elbv2.register_targets(TargetGroupArn=self.group, Targets=[{"Id": "10.99.0.9"}])

    def deregister(self) -> None:
        self.elbv2.deregister_targets(TargetGroupArn=self.group, Targets=[{"Id": "10.99.0.9"}])

    def health(self) -> list[tuple[str, str | None]]:
        found = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return [(item["TargetHealth"]["State"], item["TargetHealth"].get("Reason")) for item in found]

    def report(self, *health: str) -> None:
        reports.report(elbv2.HEALTH, elbv2.health_key(self.group, {"Id": "10.99.0.9", "Port": 8080}), health)


def test_target_health_is_what_the_balancer_reports(aws: Any) -> None:
    balancer = Balancer(aws)
    balancer.register()
    assert balancer.health() == [("unused", "Target.NotInUse")]
    rule = balancer.forward(balancer.group)  # with weight 0: in use, and checked
    assert balancer.health() == [("initial", "Elb.RegistrationInProgress")]
    balancer.report("unhealthy", "Target.Timeout", "Request timed out")
    assert balancer.health() == [("unhealthy", "Target.Timeout")]
    balancer.elbv2.delete_rule(RuleArn=rule)
    assert balancer.health() == [("unused", "Target.NotInUse")]


def test_a_deregistered_target_drains_until_its_delay_is_over_and_comes_back_as_new(aws: Any) -> None:
    balancer = Balancer(aws)
    balancer.forward(balancer.group)
    balancer.register()
    balancer.report("healthy", "", "")
    balancer.deregister()
    balancer.deregister()  # AWS minds neither a target that is gone
    assert balancer.health() == [("draining", "Target.DeregistrationInProgress")]
    balancer.register()
    assert balancer.health() == [("initial", "Elb.RegistrationInProgress")]
    balancer.deregister()
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]
    balancer.elbv2.modify_target_group_attributes(TargetGroupArn=balancer.group, Attributes=delay)
    assert balancer.health() == []


def test_the_balancers_of_a_group_follow_the_rules(aws: Any) -> None:
    balancer = Balancer(aws)
    other = balancer.make_group("two")
    rule = balancer.forward(balancer.group)
    balancer.elbv2.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": other}])
    groups = balancer.elbv2.describe_target_groups()["TargetGroups"]
    assert {group["TargetGroupName"]: group.get("LoadBalancerArns", []) for group in groups} == {"one": [], "two": [balancer.arn]}


def test_attributes_that_the_modules_read_are_there(aws: Any) -> None:
    balancer = Balancer(aws)
    attributes = balancer.elbv2.describe_target_group_attributes(TargetGroupArn=balancer.group)["Attributes"]
    assert {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "86400"} in attributes
    attributes = balancer.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer.arn)["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "60"} in attributes


def test_a_balancer_is_active_when_it_was_seen(aws: Any) -> None:
    balancer = Balancer(aws)

    def state() -> str:
        return str(balancer.elbv2.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"])

    assert state() == "provisioning"
    reports.report("load-balancer", balancer.arn, True)
    assert state() == "active"


def test_a_database_is_available_when_it_answers(aws: Any) -> None:
    client = aws("rds")
    client.create_db_instance(
        DBInstanceIdentifier="db1", DBInstanceClass="db.t3.medium", Engine="postgres", EngineVersion="15.10",
        MasterUsername="a", MasterUserPassword="secret-password", AllocatedStorage=20,
    )  # fmt: skip

    def found() -> Any:
        return client.describe_db_instances(DBInstanceIdentifier="db1")["DBInstances"][0]

    assert found()["DBInstanceStatus"] == "creating"
    reports.report("database", "db1", True)
    assert found()["DBInstanceStatus"] == "available"
    assert found()["Endpoint"]["Address"].startswith("db1.")
    assert found()["Endpoint"]["Address"].endswith(".eu-west-1.rds.amazonaws.com")
    assert rds.master_password("db1") == "secret-password"
    client.stop_db_instance(DBInstanceIdentifier="db1")
    assert found()["DBInstanceStatus"] == "stopped"


@pytest.mark.parametrize(("kind", "iops", "throughput"), [("gp3", 3000, 125), ("gp2", None, 0)])
def test_a_database_on_gp3_has_the_figures_that_nobody_asked_for(aws: Any, kind: str, iops: int | None, throughput: int) -> None:
    client = aws("rds")
    client.create_db_instance(
        DBInstanceIdentifier="db1", DBInstanceClass="db.t3.medium", Engine="postgres", EngineVersion="15.10", StorageType=kind,
        MasterUsername="a", MasterUserPassword="secret-password", AllocatedStorage=20,
    )  # fmt: skip
    found = client.describe_db_instances(DBInstanceIdentifier="db1")["DBInstances"][0]
    assert (found.get("Iops"), found["StorageThroughput"]) == (iops, throughput)


def test_a_directory_is_active_when_its_controllers_answer_and_is_open_to_the_vpc(aws: Any) -> None:
    balancer, client, ec2 = Balancer(aws), aws("ds"), aws("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [balancer.vpc]}])["Subnets"]]
    identifier = client.create_microsoft_ad(
        Name="corp.local", ShortName="CORP", Password="Secret-1-password", VpcSettings={"VpcId": balancer.vpc, "SubnetIds": subnets}
    )["DirectoryId"]

    def found() -> Any:
        return client.describe_directories(DirectoryIds=[identifier])["DirectoryDescriptions"][0]

    assert found()["Stage"] == "Creating"
    reports.report("directory", identifier, "Active")
    assert found()["Stage"] == "Active"
    tagged = ec2.describe_network_interfaces(Filters=[{"Name": "tag:lab:resource", "Values": [identifier]}])["NetworkInterfaces"]
    assert sorted(interface["PrivateIpAddress"] for interface in tagged) == sorted(found()["DnsIpAddrs"])
    group = ec2.describe_security_groups(GroupIds=[found()["VpcSettings"]["SecurityGroupId"]])["SecurityGroups"][0]
    ldaps = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == 636]
    assert ldaps[0]["IpRanges"][0]["CidrIp"] == LAB.cidr
    assert ds.admin_password(identifier) == "Secret-1-password"


def test_a_rebooted_database_is_not_available_until_its_server_answers_again(aws: Any) -> None:
    client = aws("rds")
    client.create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t3.small", Engine="postgres", MasterUsername="u", AllocatedStorage=20
    )

    def status() -> str:
        return str(client.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["DBInstanceStatus"])

    reports.report("database", "db", True)
    assert status() == "available"
    client.reboot_db_instance(DBInstanceIdentifier="db")
    assert status() == "rebooting"
    assert client.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["StorageThroughput"] == 0
    assert reports.reported(reports.REBOOT, "db") > 0
    reports.report("database", "db", True)
    assert status() == "available"
