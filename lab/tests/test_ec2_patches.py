# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patches, against the pinned moto in this process: they are bound to its internals."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from lab.clock import CLOCK
from lab.control_plane import reports
from lab.control_plane.patches import ec2 as patches
from lab.settings import REGION, Lab

LAB = Lab(root=Path("/nonexistent"), name="lab-test", octet=99, api_port=1, access_key="AKIATEST", secret_key="s" * 40)


@pytest.fixture(scope="module", autouse=True)
def _patched() -> None:
    patches.apply(LAB)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with moto.mock_aws():
        yield boto3.session.Session().client("ec2", region_name=REGION)


@pytest.fixture
def subnet(ec2: Any) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/20")["Subnet"]["SubnetId"])


def run(ec2: Any, subnet: str, *groups: str) -> dict[str, Any]:
    image = ec2.register_image(Name="aiportal-node")["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=list(groups))
    return dict(made["Instances"][0])


def group(ec2: Any, subnet: str, name: str) -> str:
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def groups_of(ec2: Any, instance: dict[str, Any]) -> tuple[set[str], set[str]]:
    shown = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"][0]["Instances"][0]
    interface = ec2.describe_network_interfaces(NetworkInterfaceIds=[shown["NetworkInterfaces"][0]["NetworkInterfaceId"]])
    return {g["GroupId"] for g in shown["SecurityGroups"]}, {g["GroupId"] for g in interface["NetworkInterfaces"][0]["Groups"]}


def test_start_and_reboot_ask_for_a_boot(ec2: Any, subnet: str) -> None:
    instance = run(ec2, subnet)
    key = instance["InstanceId"]
    assert reports.reported(reports.BOOT, key) is None
    ec2.reboot_instances(InstanceIds=[key])
    first = reports.reported(reports.BOOT, key)
    ec2.stop_instances(InstanceIds=[key])
    ec2.start_instances(InstanceIds=[key])
    assert reports.reported(reports.BOOT, key) > first
    shown = ec2.describe_instances(InstanceIds=[key])["Reservations"][0]["Instances"][0]
    assert shown["LaunchTime"] >= instance["LaunchTime"]


def test_groups_are_replaced_on_the_instance_and_on_its_interface(ec2: Any, subnet: str) -> None:
    old, new, third = (group(ec2, subnet, name) for name in ("old", "new", "third"))
    instance = run(ec2, subnet, old)
    ec2.modify_instance_attribute(InstanceId=instance["InstanceId"], Groups=[new])
    assert groups_of(ec2, instance) == ({new}, {new})
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[third])
    assert groups_of(ec2, instance) == ({third}, {third})


def test_an_image_says_what_it_is(ec2: Any) -> None:
    key = ec2.register_image(Name="aiportal-node")["ImageId"]
    image = ec2.describe_images(Owners=["self"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]
    assert (image["ImageId"], image["Name"], image["VirtualizationType"], image["RootDeviceType"]) == (key, "aiportal-node", "hvm", "ebs")


def test_a_freed_address_is_not_given_to_the_next_instance(ec2: Any, subnet: str) -> None:
    first = run(ec2, subnet)
    ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    assert run(ec2, subnet)["PrivateIpAddress"] != first["PrivateIpAddress"]


def test_an_interface_gets_an_address_that_is_free_and_not_reserved(ec2: Any, subnet: str) -> None:
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.16.0/28")["Subnet"]["SubnetId"]

    def interface() -> dict[str, Any]:
        return dict(ec2.create_network_interface(SubnetId=small)["NetworkInterface"])

    made = [interface() for dummy in range(5)]
    taken = [run(ec2, small)["PrivateIpAddress"], *(one["PrivateIpAddress"] for one in made)]
    taken += [interface()["PrivateIpAddress"] for dummy in range(5)]
    assert sorted(taken, key=ipaddress.ip_address) == [f"10.99.16.{number}" for number in range(4, 15)]
    ec2.delete_network_interface(NetworkInterfaceId=made[0]["NetworkInterfaceId"])
    assert interface()["PrivateIpAddress"] == made[0]["PrivateIpAddress"]


def test_status_checks_fail_two_minutes_after_an_instance_fell_silent(ec2: Any, subnet: str) -> None:
    key, other = (run(ec2, subnet)["InstanceId"] for _ in range(2))

    def impaired() -> list[str]:
        filters = [{"Name": "instance-status.status", "Values": ["impaired"]}]
        return [one["InstanceId"] for one in ec2.describe_instance_status(Filters=filters)["InstanceStatuses"]]

    reports.report(reports.SILENT, key, CLOCK.now() - 119)
    assert impaired() == []
    reports.report(reports.SILENT, key, CLOCK.now() - 121)
    assert impaired() == [key]
    status = ec2.describe_instance_status(InstanceIds=[other])["InstanceStatuses"][0]
    assert (status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]) == ("ok", "ok")
