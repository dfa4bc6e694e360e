# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Auto Scaling through boto3: groups, instances, lifecycle actions."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import moto
import pytest

from lab.auto_scaling.model import STORE
from lab.control_plane.patches import autoscaling, elbv2, launch_templates
from lab.settings import REGION
from lab.tests.account import LAB, Aws, refusal

HOOK = {"LifecycleHookName": "boot", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}


@pytest.fixture(scope="module", autouse=True)
def _patched() -> None:
    for patch in (autoscaling, elbv2, launch_templates):
        patch.apply(LAB)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    STORE.reset()
    with moto.mock_aws():
        yield Aws()


def test_instances_are_launched_as_the_template_says_and_registered(aws: Aws) -> None:
    aws.create(Tags=[{"Key": "Component", "Value": "gateway", "PropagateAtLaunch": True}, {"Key": "Own", "Value": "x"}])
    assert aws.group()["Instances"] == []
    aws.tick()
    group = aws.group()
    assert [one["LifecycleState"] for one in group["Instances"]] == ["InService"] * 2
    assert {one["AvailabilityZone"] for one in group["Instances"]} == {f"{REGION}a", f"{REGION}b"}
    assert group["Instances"][0]["LaunchTemplate"]["Version"] == "2"
    instance = aws.ec2.describe_instances(InstanceIds=[aws.ids()[0]])["Reservations"][0]["Instances"][0]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["aws:autoscaling:groupName"] == "web"
    assert tags["aws:ec2launchtemplate:version"] == "2"
    assert (tags["Name"], tags["Component"]) == ("web", "gateway")
    assert "Own" not in tags
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [aws.security]
    data = aws.ec2.describe_instance_attribute(InstanceId=aws.ids()[0], Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(data) == b"#cloud-config\n# two\n"
    health = aws.client("elbv2").describe_target_health(TargetGroupArn=aws.targets)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in health} == set(aws.ids())


def test_capacity_is_kept_between_its_bounds(aws: Aws) -> None:
    aws.create()
    said = refusal(aws.asg.set_desired_capacity, AutoScalingGroupName="web", DesiredCapacity=50)
    assert said == "ValidationError: Desired capacity:50 must be between the specified min size:0 and max size:4"
    aws.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
    aws.tick()
    assert len(aws.instances()) == 3
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=1)
    aws.tick()
    assert len(aws.instances()) == 1
    activities = aws.asg.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    assert activities[0]["StatusCode"] == "Successful"
    assert "min: 0, max: 1, desired: 1 changing the desired capacity from 3 to 1" in activities[0]["Cause"]


def test_settings_that_moto_drops_are_kept(aws: Aws) -> None:
    aws.create(DefaultInstanceWarmup=60, InstanceMaintenancePolicy={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150})
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="web", DefaultInstanceWarmup=90, TerminationPolicies=["OldestInstance"])
    group = aws.group()
    assert (group["DefaultInstanceWarmup"], group["TerminationPolicies"]) == (90, ["OldestInstance"])
    assert group["InstanceMaintenancePolicy"] == {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    assert group["LaunchTemplate"]["Version"] == "2"


def test_lifecycle_actions(aws: Aws) -> None:
    aws.create(DesiredCapacity=1)
    aws.asg.put_lifecycle_hook(AutoScalingGroupName="web", **HOOK, HeartbeatTimeout=300)
    hook = aws.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"][0]
    assert (hook["DefaultResult"], hook["GlobalTimeout"], hook["HeartbeatTimeout"]) == ("ABANDON", 30000, 300)
    aws.tick()
    (instance,) = aws.ids()
    assert aws.instances() == {instance: "Pending:Wait"}
    action = {"AutoScalingGroupName": "web", "LifecycleHookName": "boot", "InstanceId": instance}
    aws.asg.record_lifecycle_action_heartbeat(**action)
    aws.asg.complete_lifecycle_action(**action, LifecycleActionResult="CONTINUE")
    aws.tick(1)
    assert aws.instances() == {instance: "InService"}
    said = refusal(aws.asg.complete_lifecycle_action, **action, LifecycleActionResult="CONTINUE")
    assert said == f"ValidationError: No active Lifecycle Action found with instance ID {instance}"


def test_an_instance_that_is_terminated_or_marked_unhealthy_is_replaced(aws: Aws) -> None:
    aws.create()
    aws.tick()
    first, second = aws.ids()
    aws.ec2.terminate_instances(InstanceIds=[first])
    aws.tick()
    aws.asg.set_instance_health(InstanceId=second, HealthStatus="Unhealthy")
    aws.tick(4)
    assert len(aws.ids()) == 2
    assert {first, second}.isdisjoint(aws.ids())
    health = aws.client("elbv2").describe_target_health(TargetGroupArn=aws.targets)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in health if one["TargetHealth"]["State"] != "draining"} == set(aws.ids())


def test_standby_detach_and_terminate(aws: Aws) -> None:
    aws.create(MinSize=1, DesiredCapacity=3)
    aws.tick()
    first, second, third = aws.ids()
    made = aws.asg.enter_standby(AutoScalingGroupName="web", InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    assert made["Activities"][0]["Description"] == f"Moving EC2 instance to Standby: {first}"
    aws.asg.detach_instances(AutoScalingGroupName="web", InstanceIds=[second], ShouldDecrementDesiredCapacity=True)
    aws.tick()
    assert aws.instances() == {first: "Standby", third: "InService"}
    terminate = {"InstanceId": third, "ShouldDecrementDesiredCapacity": True}
    assert "violate group's min size" in refusal(aws.asg.terminate_instance_in_auto_scaling_group, **terminate)
    aws.asg.exit_standby(AutoScalingGroupName="web", InstanceIds=[first])
    aws.asg.terminate_instance_in_auto_scaling_group(**terminate)
    aws.tick()
    assert aws.instances() == {first: "InService"}
    state = aws.ec2.describe_instances(InstanceIds=[second])["Reservations"][0]["Instances"][0]
    assert state["State"]["Name"] == "running"
    assert "aws:autoscaling:groupName" not in {tag["Key"] for tag in state["Tags"]}


def test_deletion(aws: Aws) -> None:
    aws.create()
    aws.tick()
    assert refusal(aws.asg.delete_auto_scaling_group, AutoScalingGroupName="web").startswith("ResourceInUse")
    aws.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert aws.group()["Status"] == "Delete in progress"
    aws.tick()
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


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
def test_refusals(aws: Aws, settings: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(aws.create, **settings)


def test_tags_filters_pages_and_processes(aws: Aws) -> None:
    aws.create()
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "Portal", "Value": "p", "PropagateAtLaunch": True}
    aws.asg.create_or_update_tags(Tags=[tag])
    assert aws.asg.describe_tags(Filters=[{"Name": "key", "Values": ["Portal"]}])["Tags"] == [tag]
    assert len(aws.asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:Portal", "Values": ["p"]}])["AutoScalingGroups"]) == 1
    assert aws.asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:Portal", "Values": ["q"]}])["AutoScalingGroups"] == []
    aws.create(AutoScalingGroupName="other")
    pages = aws.asg.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [page["AutoScalingGroups"][0]["AutoScalingGroupName"] for page in pages] == ["web", "other"]
    aws.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    assert [one["ProcessName"] for one in aws.group()["SuspendedProcesses"]] == ["AZRebalance"]
    aws.asg.resume_processes(AutoScalingGroupName="web")
    assert aws.group()["SuspendedProcesses"] == []


def test_launch_template_versions(aws: Aws) -> None:
    deleted = aws.ec2.delete_launch_template_versions(LaunchTemplateName="web", Versions=["2", "7", "1"])
    assert [one["VersionNumber"] for one in deleted["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    assert [one["VersionNumber"] for one in deleted["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [7, 1]
    assert aws.version(InstanceType="t3.small") == 3
    versions = aws.ec2.describe_launch_template_versions(LaunchTemplateName="web")["LaunchTemplateVersions"]
    data = {one["VersionNumber"]: one["LaunchTemplateData"] for one in versions}
    assert sorted(data) == [1, 3]
    assert (data[3]["InstanceType"], data[3]["ImageId"]) == ("t3.small", aws.image)


def test_the_same_client_token_makes_one_version(aws: Aws) -> None:
    numbers = {
        aws.ec2.create_launch_template_version(LaunchTemplateName="web", ClientToken="once", LaunchTemplateData={"ImageId": aws.image})[
            "LaunchTemplateVersion"
        ]["VersionNumber"]
        for _ in range(2)
    }
    assert numbers == {3}


def test_tags_of_a_template_follow_create_tags(aws: Aws) -> None:
    template = aws.ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    aws.ec2.create_tags(Resources=[template], Tags=[{"Key": "Portal", "Value": "p"}])
    assert aws.ec2.describe_launch_templates()["LaunchTemplates"][0]["Tags"] == [{"Key": "Portal", "Value": "p"}]


def test_a_group_that_fails_for_ever_cannot_starve_the_machine(aws: Aws) -> None:
    aws.create(DesiredCapacity=3)
    aws.tick(2, most_launches=2)
    assert len(aws.ids()) == 2
    failed = aws.asg.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    assert any("RequestLimitExceeded" in one.get("StatusMessage", "") for one in failed)
