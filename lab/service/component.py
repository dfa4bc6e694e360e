# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service as a scaled component of the lab's account: managed by the collection's modules, looked at through the API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab import settings
from lab.life import wait
from lab.scenario import ScenarioError, environment
from lab.service import user_data
from lab.settings import Lab

NAME, ROLE, PORT = "web", "web-node", 8080
MOST = 3  # instances at once: the machine is small
GRACE_SECONDS = 180  # of real time, as a boot is
PATIENCE = 240.0
Options = dict[str, Any]


class Component:
    def __init__(self, lab: Lab, speed: float, kind: str = "application") -> None:
        self.lab, self.speed, self.kind = lab, speed, kind
        self.ec2, self.elbv2, self.asg, self.iam = (lab.client(name) for name in ("ec2", "elbv2", "autoscaling", "iam"))

    def lab_seconds(self, real: float) -> int:
        """A setting that shall last so long in real time."""
        return int(real * self.speed)

    # The account around it, as an operator has it

    def prepare(self) -> None:
        vpc = self._vpc()
        balancer = self._security_group(vpc, "balancer", {"IpRanges": [{"CidrIp": f"{self.lab.gateway}/32"}]}, 80)
        self._security_group(vpc, "node", {"UserIdGroupPairs": [{"GroupId": balancer}]}, PORT)
        if ROLE not in [role["RoleName"] for role in self.iam.list_roles()["Roles"]]:
            trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            self.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
            self.iam.create_instance_profile(InstanceProfileName=ROLE)
            self.iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)

    def _vpc(self) -> str:
        return str(self.ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [self.lab.cidr]}])["Vpcs"][0]["VpcId"])

    def _security_group(self, vpc: str, name: str, source: dict[str, Any], port: int) -> str:
        full = f"{NAME}-{name}"
        for group in self.ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupName"] == full:
                return str(group["GroupId"])
        made: str = self.ec2.create_security_group(VpcId=vpc, GroupName=full, Description=full)["GroupId"]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
        self.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[permission])
        return made

    def _group_id(self, name: str) -> str:
        found = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{NAME}-{name}"]}])["SecurityGroups"]
        return str(found[0]["GroupId"])

    # The modules

    def options(self, version: str, broken: bool = False) -> Options:
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [self._vpc()]}])["Subnets"]
        return {
            "name": NAME,
            "launch_template": self._launch_template(version, broken),
            # Two zones: each is a node of a network load balancer, hence a host.
            "subnets": sorted(subnet["SubnetId"] for subnet in subnets if subnet["AvailabilityZone"] in settings.ZONES[:2]),
            "min_size": 2,
            "max_size": MOST,
            "health_check_type": "ELB",
            "health_check_period": self.lab_seconds(GRACE_SECONDS),
            # Scale-in takes the one that scale-out brought: the others are old enough for the faults that follow.
            "termination_policies": ["NewestInstance"],
            "default_instance_warmup": self.lab_seconds(10),
            "instance_maintenance_policy": {"min_healthy_percentage": 100, "max_healthy_percentage": 150},
            "load_balancer": {
                "name": NAME,
                "create": True,
                "type": self.kind,
                "security_groups": [self._group_id("balancer")],
                "cross_zone_load_balancing": True,
            },
            "target_groups": [self._target_group()],
            "lifecycle_hooks": [{"name": user_data.HOOK, "transition": "launching", "heartbeat_timeout": 7200}],
        }

    def _launch_template(self, version: str, broken: bool) -> Options:
        images = self.ec2.describe_images(Filters=[{"Name": "name", "Values": ["aiportal-node"]}])["Images"]
        return {
            "image_id": images[0]["ImageId"],
            "instance_type": "t3.micro",
            "instance_profile": ROLE,
            "security_groups": [self._group_id("node")],
            "user_data": user_data.render(NAME, version, self.lab.node_api_url, broken),
        }

    def _target_group(self) -> Options:
        protocol = "HTTP" if self.kind == "application" else "TCP"
        return {
            "protocol": protocol,
            "port": PORT,
            "health_check_protocol": "HTTP",
            "health_check_path": "/health",
            "health_check_interval": 5,
            "health_check_timeout": 2,
            "healthy_threshold_count": 2,
            "unhealthy_threshold_count": 2,
            "deregistration_delay_timeout": 5,
            "listener": {"port": 80, "protocol": protocol},
        }

    def manage(self, options: Options) -> Options:
        return self.module("autoscaled_service", options)

    def module(self, name: str, options: Options, fails: bool = False) -> Options:
        """A task as a user would run it; its result."""
        command = [str(Path(sys.executable).with_name("ansible")), "localhost", "--inventory", "localhost,", "--connection", "local"]
        command += ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
        command += ["--module-name", f"aiportal.scaling.{name}", "--args", json.dumps(options)]
        variables = {**environment(self.lab), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
        done = subprocess.run(command, cwd=settings.ROOT, env=variables, capture_output=True, text=True)
        try:
            result: Options = json.loads(done.stdout.partition("=>")[2])
        except ValueError as error:
            raise ScenarioError(f"{name} ended with status {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}") from error
        if (done.returncode != 0) != fails:
            raise ScenarioError(f"{name}: {result.get('msg', result)}")
        return result

    # What the API says

    def group(self) -> dict[str, Any]:
        found = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
        return dict(found[0]) if found else {}

    def members(self) -> dict[str, dict[str, Any]]:
        return {one["InstanceId"]: one for one in self.group().get("Instances", [])}

    def warm(self) -> dict[str, str]:
        return {one["InstanceId"]: one["LifecycleState"] for one in self.asg.describe_warm_pool(AutoScalingGroupName=NAME)["Instances"]}

    def targets(self) -> dict[str, str]:
        arns = self.group().get("TargetGroupARNs", [])
        found = self.elbv2.describe_target_health(TargetGroupArn=arns[0])["TargetHealthDescriptions"] if arns else []
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}

    def serving(self) -> set[str]:
        """Members in service that are healthy targets."""
        states = self.targets()
        return {key for key, one in self.members().items() if one["LifecycleState"] == "InService" and states.get(key) == "healthy"}

    def await_serving(self, count: int, patience: float = PATIENCE) -> None:
        def settled() -> bool:
            return len(self.serving()) == count == len(self.members())

        try:
            wait(f"{count} instances of {NAME} to serve", settled, patience, pause=0.5)
        except RuntimeError as error:
            members = {key: f"{one['LifecycleState']} {one['HealthStatus']}" for key, one in self.members().items()}
            raise ScenarioError(f"{error}; last seen: members {members}, targets {self.targets()}") from error

    def launched_at(self, instance: str) -> float:
        """When Auto Scaling began to launch it, or took it out of the warm pool."""
        return float(self._launch(instance)["StartTime"].timestamp())

    def in_service_at(self, instance: str) -> float:
        return float(self._launch(instance)["EndTime"].timestamp())

    def _launch(self, instance: str) -> dict[str, Any]:
        activities = self.asg.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"]
        found = [one for one in activities if one["Description"].startswith("Launching") and one["Description"].endswith(instance)]
        return dict(found[0])

    def balancer_name(self) -> str:
        return str(self.elbv2.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["DNSName"])
