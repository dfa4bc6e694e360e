# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Auto Scaling through boto3: groups, instances, lifecycle actions."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.settings import REGION
from lab.tests.account import Aws, refusal

HOOK = {"LifecycleHookName": "boot", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}


def test_instances_are_launched_as_the_template_says_and_registered(account: Aws) -> None:
    account.create(Tags=[{"Key": "Component", "Value": "gateway", "PropagateAtLaunch": True}, {"Key": "Own", "Value": "x"}])
    assert account.group()["Instances"] == []
    account.tick()
    group = account.group()
    assert [one["LifecycleState"] for one in group["Instances"]] == ["InService"] * 2
    assert {one["AvailabilityZone"] for one in group["Instances"]} == {f"{REGION}a", f"{REGION}b"}
    assert group["Instances"][0]["LaunchTemplate"]["Version"] == "2"
    instance = account.ec2.describe_instances(InstanceIds=[account.ids()[0]])["Reservations"][0]["Instances"][0]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["aws:autoscaling:groupName"] == "web"
    assert tags["aws:ec2launchtemplate:version"] == "2"
    assert (tags["Name"], tags["Component"]) == ("web", "gateway")
    assert "Own" not in tags
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [account.security]
    data = account.ec2.describe_instance_attribute(InstanceId=account.ids()[0], Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(data) == b"#cloud-config\n# two\n"
    health = account.client("elbv2").describe_target_health(TargetGroupArn=account.targets)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in health} == set(account.ids())


def test_capacity_is_kept_between_its_bounds(account: Aws) -> None:
    account.create()
    said = refusal(account.asg.set_desired_capacity, AutoScalingGroupName="web", DesiredCapacity=50)
    assert said == "ValidationError: Desired capacity:50 must be between the specified min size:0 and max size:4"
    account.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
    account.tick()
    assert len(account.instances()) == 3
    account.asg.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=1)
    account.tick()
    assert len(account.instances()) == 1
    activities = account.asg.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    assert activities[0]["StatusCode"] == "Successful"
    assert "min: 0, max: 1, desired: 1 changing the desired capacity from 3 to 1" in activities[0]["Cause"]


def test_settings_that_moto_drops_are_kept(account: Aws) -> None:
    account.create(DefaultInstanceWarmup=60, InstanceMaintenancePolicy={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150})
    account.asg.update_auto_scaling_group(AutoScalingGroupName="web", DefaultInstanceWarmup=90, TerminationPolicies=["OldestInstance"])
    group = account.group()
    assert (group["DefaultInstanceWarmup"], group["TerminationPolicies"]) == (90, ["OldestInstance"])
    assert group["InstanceMaintenancePolicy"] == {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    assert group["LaunchTemplate"]["Version"] == "2"


def test_lifecycle_actions(account: Aws) -> None:
    account.create(DesiredCapacity=1)
    account.asg.put_lifecycle_hook(AutoScalingGroupName="web", **HOOK, HeartbeatTimeout=300)
    hook = account.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"][0]
    assert (hook["DefaultResult"], hook["GlobalTimeout"], hook["HeartbeatTimeout"]) == ("ABANDON", 30000, 300)
    account.tick()
    (instance,) = account.ids()
    assert account.instances() == {instance: "Pending:Wait"}
    action = {"AutoScalingGroupName": "web", "LifecycleHookName": "boot", "InstanceId": instance}
    account.asg.record_lifecycle_action_heartbeat(**action)
    account.asg.complete_lifecycle_action(**action, LifecycleActionResult="CONTINUE")
    account.tick(1)
    assert account.instances() == {instance: "InService"}
    said = refusal(account.asg.complete_lifecycle_action, **action, LifecycleActionResult="CONTINUE")
    assert said == f"ValidationError: No active Lifecycle Action found with instance ID {instance}"


def test_an_instance_that_is_terminated_or_marked_unhealthy_is_replaced(account: Aws) -> None:
    account.create()
    account.tick()
    first, second = account.ids()
    account.ec2.terminate_instances(InstanceIds=[first])
    account.tick()
    account.asg.set_instance_health(InstanceId=second, HealthStatus="Unhealthy")
    account.tick(4)
    assert len(account.ids()) == 2
    assert {first, second}.isdisjoint(account.ids())
    health = account.client("elbv2").describe_target_health(TargetGroupArn=account.targets)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in health if one["TargetHealth"]["State"] != "draining"} == set(account.ids())


def test_standby_detach_and_terminate(account: Aws) -> None:
    account.create(MinSize=1, DesiredCapacity=3)
    account.tick()
    first, second, third = account.ids()
    made = account.asg.enter_standby(AutoScalingGroupName="web", InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    assert made["Activities"][0]["Description"] == f"Moving EC2 instance to Standby: {first}"
    account.asg.detach_instances(AutoScalingGroupName="web", InstanceIds=[second], ShouldDecrementDesiredCapacity=True)
    account.tick()
    assert account.instances() == {first: "Standby", third: "InService"}
    terminate = {"InstanceId": third, "ShouldDecrementDesiredCapacity": True}
    assert "violate group's min size" in refusal(account.asg.terminate_instance_in_auto_scaling_group, **terminate)
    account.asg.exit_standby(AutoScalingGroupName="web", InstanceIds=[first])
    account.asg.terminate_instance_in_auto_scaling_group(**terminate)
    account.tick()
    assert account.instances() == {first: "InService"}
    state = account.ec2.describe_instances(InstanceIds=[second])["Reservations"][0]["Instances"][0]
    assert state["State"]["Name"] == "running"
    assert "aws:autoscaling:groupName" not in {tag["Key"] for tag in state["Tags"]}


def test_a_running_instance_is_attached(account: Aws) -> None:
    """ec2-auto-scaling-detach-attach-instances.html: the desired capacity grows with it, and it has to fit."""
    account.create(DesiredCapacity=1, MaxSize=2)
    account.tick()
    made = account.ec2.run_instances(ImageId=account.image, MinCount=2, MaxCount=2, SubnetId=account.subnets[1])["Instances"]
    one, other = (each["InstanceId"] for each in made)
    account.asg.attach_instances(AutoScalingGroupName="web", InstanceIds=[one])
    account.tick()
    assert account.instances()[one] == "InService"
    assert account.group()["DesiredCapacity"] == 2
    assert "do not fit" in refusal(account.asg.attach_instances, AutoScalingGroupName="web", InstanceIds=[other])


def test_deletion(account: Aws) -> None:
    account.create()
    account.tick()
    assert refusal(account.asg.delete_auto_scaling_group, AutoScalingGroupName="web").startswith("ResourceInUse")
    account.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert account.group()["Status"] == "Delete in progress"
    account.tick()
    assert account.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LaunchTemplate": {"LaunchTemplateName": "web", "Version": "9"}}, "launch template version 9"),
        ({"LaunchTemplate": {"LaunchTemplateName": "none"}}, "The specified launch template, none, does not exist"),
        ({"VPCZoneIdentifier": "subnet-0"}, "The subnet ID 'subnet-0' does not exist"),
        ({"MinSize": 5}, "Max bound, 4, must be greater than or equal to min bound, 5"),
        ({"InstanceMaintenancePolicy": {"MinHealthyPercentage": 50, "MaxHealthyPercentage": 200}}, "difference at most 100"),
    ],
)
def test_refusals(account: Aws, settings: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(account.create, **settings)


def test_tags_filters_pages_and_processes(account: Aws) -> None:
    account.create()
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "Portal", "Value": "p", "PropagateAtLaunch": True}
    account.asg.create_or_update_tags(Tags=[tag])
    assert account.asg.describe_tags(Filters=[{"Name": "key", "Values": ["Portal"]}])["Tags"] == [tag]
    assert len(account.asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:Portal", "Values": ["p"]}])["AutoScalingGroups"]) == 1
    assert account.asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:Portal", "Values": ["q"]}])["AutoScalingGroups"] == []
    account.create(AutoScalingGroupName="other")
    pages = account.asg.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [page["AutoScalingGroups"][0]["AutoScalingGroupName"] for page in pages] == ["web", "other"]
    account.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    assert [one["ProcessName"] for one in account.group()["SuspendedProcesses"]] == ["AZRebalance"]
    account.asg.resume_processes(AutoScalingGroupName="web")
    assert account.group()["SuspendedProcesses"] == []


def test_launch_template_versions(account: Aws) -> None:
    deleted = account.ec2.delete_launch_template_versions(LaunchTemplateName="web", Versions=["2", "7", "1"])
    assert [one["VersionNumber"] for one in deleted["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    assert [one["VersionNumber"] for one in deleted["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [7, 1]
    assert account.version(InstanceType="t3.small") == 3
    versions = account.ec2.describe_launch_template_versions(LaunchTemplateName="web")["LaunchTemplateVersions"]
    data = {one["VersionNumber"]: one["LaunchTemplateData"] for one in versions}
    assert sorted(data) == [1, 3]
    assert (data[3]["InstanceType"], data[3]["ImageId"]) == ("t3.small", account.image)


def test_the_same_client_token_makes_one_version(account: Aws) -> None:
    wanted = {"LaunchTemplateName": "web", "ClientToken": "once", "LaunchTemplateData": {"ImageId": account.image}}
    made = [account.ec2.create_launch_template_version(**wanted)["LaunchTemplateVersion"] for _ in range(2)]
    numbers = {version["VersionNumber"] for version in made}
    assert numbers == {3}


def test_tags_of_a_template_follow_create_tags(account: Aws) -> None:
    template = account.ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    account.ec2.create_tags(Resources=[template], Tags=[{"Key": "Portal", "Value": "p"}])
    assert account.ec2.describe_launch_templates()["LaunchTemplates"][0]["Tags"] == [{"Key": "Portal", "Value": "p"}]


def test_a_group_that_fails_for_ever_cannot_starve_the_machine(account: Aws) -> None:
    account.create(DesiredCapacity=3)
    account.tick(2, most_launches=2)
    assert len(account.ids()) == 2
    failed = account.asg.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    assert any("RequestLimitExceeded" in one.get("StatusMessage", "") for one in failed)
