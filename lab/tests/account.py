# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account for tests of the Auto Scaling API: boto3 on the pinned moto's EC2 and Elastic Load Balancing in this process."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.auto_scaling import machine
from lab.auto_scaling.world import Clients
from lab.settings import REGION, Lab

LAB = Lab(root=Path("/nonexistent"), name="lab-test", octet=99, api_port=1, access_key="AKIATEST", secret_key="s" * 40)


@functools.cache
def client(service: str) -> Any:
    """Made once: to make one takes as long as a whole test."""
    return boto3.session.Session().client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


class Aws:
    """An account with a network, a target group and a launch template of two versions."""

    def __init__(self) -> None:
        self.client = client
        self.asg, self.ec2 = self.client("autoscaling"), self.client("ec2")
        vpc = self.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=vpc, AvailabilityZone=f"{REGION}{zone}", CidrBlock=f"10.99.{16 * index}.0/20")["Subnet"][
                "SubnetId"
            ]
            for index, zone in enumerate("abc")
        ]
        group = self.client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
        self.targets = group["TargetGroups"][0]["TargetGroupArn"]
        self.ec2.register_image(Name="aiportal-node")
        self.image = self.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"]
        self.security = self.ec2.create_security_group(VpcId=vpc, GroupName="web", Description="web")["GroupId"]
        data = {
            "ImageId": self.image,
            "InstanceType": "t3.micro",
            "SecurityGroupIds": [self.security],
            "UserData": base64.b64encode(b"#cloud-config\n").decode(),
            "MetadataOptions": {"HttpTokens": "required"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}],
        }
        self.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
        self.version(UserData=base64.b64encode(b"#cloud-config\n# two\n").decode())

    def version(self, **data: Any) -> int:
        made = self.ec2.create_launch_template_version(LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData=data)
        return int(made["LaunchTemplateVersion"]["VersionNumber"])

    def create(self, **settings: Any) -> None:
        given = {
            "AutoScalingGroupName": "web",
            "MinSize": 0,
            "MaxSize": 4,
            "DesiredCapacity": 2,
            "VPCZoneIdentifier": ",".join(self.subnets),
            "LaunchTemplate": {"LaunchTemplateName": "web", "Version": "2"},
            "TargetGroupARNs": [self.targets],
        }
        self.asg.create_auto_scaling_group(**{**given, **settings})

    def tick(self, times: int = 3, most_launches: int = 100) -> None:
        world = Clients(self.client, most_launches)
        for _ in range(times):
            machine.once(world)

    def group(self) -> Any:
        return self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"][0]

    def instances(self) -> dict[str, str]:
        return {one["InstanceId"]: one["LifecycleState"] for one in self.group()["Instances"]}

    def ids(self) -> list[str]:
        return list(self.instances())


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return f"{refused.value.response['Error']['Code']}: {refused.value.response['Error']['Message']}"
