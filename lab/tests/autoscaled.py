# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the autoscaled_service modules share: an account with a network, and a component to be made in it."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import autoscaled_service

from lab.control_plane.alone import Alone, alone
from lab.settings import REGION

TARGET_GROUP: dict[str, Any] = {
    "protocol": "TCP",
    "port": 8080,
    "health_check_protocol": "HTTP",
    "health_check_path": "/health",
    "health_check_interval": 5,
    "health_check_timeout": 2,
    "unhealthy_threshold_count": 2,
    "deregistration_delay_timeout": 60,
    "preserve_client_ip_enabled": False,
    "listener": {"port": 80, "protocol": "TCP"},
}


class Account:
    """A VPC over three zones, an image, a key pair, an instance profile and security groups."""

    def __init__(self, served: Alone) -> None:
        self.served = served
        session = boto3.session.Session()
        keys = {"aws_access_key_id": "AKIALABTESTER", "aws_secret_access_key": "s" * 40}
        self.clients = {
            name: session.client(name, region_name=REGION, endpoint_url=served.lab.api_url, **keys)
            for name in ("ec2", "elbv2", "autoscaling", "iam", "acm", "cloudwatch", "sns")
        }
        ec2 = self.clients["ec2"]
        self.vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.99.{16 * index}.0/20", AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
            for index, zone in enumerate("abc")
        ]
        self.group = ec2.create_security_group(GroupName="node", Description="node", VpcId=self.vpc)["GroupId"]
        self.image = ec2.register_image(Name="node-1", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
        self.newer = ec2.register_image(Name="node-2", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
        ec2.create_key_pair(KeyName="portal")
        self.clients["iam"].create_instance_profile(InstanceProfileName="gateway")
        self.served.forget()

    def asg(self, name: str = "gateway") -> Any:
        return self.clients["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]

    def balancer(self, name: str = "portal") -> tuple[str, str]:
        """A shared ALB with a listener, as the portal has it: their ARNs."""
        elbv2 = self.clients["elbv2"]
        arn = elbv2.create_load_balancer(Name=name, Subnets=self.subnets, SecurityGroups=[self.group])["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        made = elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=fixed)
        self.served.forget()
        return arn, made["Listeners"][0]["ListenerArn"]

    def component(self, **changed: Any) -> dict[str, Any]:
        """A gateway with everything."""
        options: dict[str, Any] = {
            "name": "gateway",
            "subnets": self.subnets,
            "min_size": 2,
            "max_size": 4,
            "start_time": 120,
            "detection_time": 10,
            "health_check_type": "ELB",
            "health_check_period": 300,
            "default_instance_warmup": 120,
            "default_cooldown": 60,
            "instance_maintenance_policy": {"min_healthy_percentage": 100, "max_healthy_percentage": 200},
            "termination_policies": ["OldestLaunchTemplate", "OldestInstance"],
            "launch_template": self.template(),
            "load_balancer": {"name": "gateway", "create": True, "type": "network", "cross_zone_load_balancing": True},
            "target_groups": [copy.deepcopy(TARGET_GROUP)],
            "scaling_policies": [{"name": "cpu", "predefined_metric": "ASGAverageCPUUtilization", "target_value": 70}],
            "tags": {"Portal": "aiportal", "Component": "gateway"},
            "wait": False,
        }
        return {**options, **changed}

    def template(self) -> dict[str, Any]:
        return {
            "image_id": self.image,
            "instance_type": "t3.large",
            "key_name": "portal",
            "instance_profile": "gateway",
            "security_groups": [self.group],
            "user_data": "#!/bin/sh\ntrue\n",
            "metadata_hop_limit": 2,
            "volumes": [{"device_name": "/dev/xvda", "volume_size": 30}],
            "keep_versions": 3,
        }

    def run(
        self, options: dict[str, Any], check: bool = False, module: Any = autoscaled_service, where: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The whole module, in this process."""
        usual = {"endpoint_url": self.served.lab.api_url, "region": REGION, "access_key": "AKIALABUSER", "secret_key": "s" * 40}
        where = usual if where is None else where
        said = io.StringIO()
        given = {**options, **where, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(given), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(said.getvalue().strip().splitlines()[-1])
        return result

    def made(self, options: dict[str, Any]) -> dict[str, Any]:
        result = self.run(options)
        assert not result.get("failed"), result["msg"]
        return result

    def made_at_once(self, options: dict[str, Any], times: int, module: str = "autoscaled_service") -> list[dict[str, Any]]:
        """Several runs side by side, each a process of its own as under Ansible."""
        where = {"endpoint_url": self.served.lab.api_url, "region": REGION, "access_key": "AKIALABUSER", "secret_key": "s" * 40}
        words = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **where}})
        command = [sys.executable, "-m", f"ansible_collections.aiportal.scaling.plugins.modules.{module}"]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(times)
        ]
        for each in running:
            assert each.stdin
            each.stdin.write(words)
            each.stdin.close()
        return [json.loads(each.stdout.read().strip().splitlines()[-1]) for each in running if each.stdout]

    def settle(self, states: list[str], name: str = "gateway", seconds: float = 10) -> None:
        """Until the group's instances are in these states."""
        deadline = time.monotonic() + seconds
        while sorted(each["LifecycleState"] for each in self.asg(name)["Instances"]) != sorted(states):
            assert time.monotonic() < deadline, self.asg(name)["Instances"]
            time.sleep(0.1)


@pytest.fixture(scope="session", name="served")
def fixture_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    # Each run of a module makes clients; to parse the descriptions of the services each time would take most of these tests.
    botocore.session.create_loader = botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
    with alone(Path(tmp_path_factory.mktemp("lab"))) as served:
        yield served


@pytest.fixture(name="account")
def fixture_account(served: Alone) -> Account:
    served.reset()
    return Account(served)


def calls(result: dict[str, Any]) -> list[str]:
    return [step["call"] for step in result["steps"]]
