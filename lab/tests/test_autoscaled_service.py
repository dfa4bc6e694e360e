# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module against the lab's control plane, whose recorder says which calls were made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.tests.autoscaled import Account, calls, fixture_account, fixture_served  # noqa: F401


def test_check_mode_shows_the_whole_plan_of_an_empty_account_and_touches_nothing(account: Account) -> None:
    result = account.run(account.component(), check=True)
    assert result["changed"] is True
    assert account.served.changes == []
    assert sorted(calls(result)) == sorted(
        [
            "ec2:CreateLaunchTemplate",
            "elbv2:CreateLoadBalancer",
            "elbv2:CreateTargetGroup",
            "elbv2:ModifyLoadBalancerAttributes",
            "elbv2:ModifyTargetGroupAttributes",
            "elbv2:CreateListener",
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:PutScalingPolicy",
        ]
    )
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["group gateway"]["MaxSize"] == 4


def test_a_creation_makes_what_the_plan_said_and_a_second_run_only_reads_and_nothing_twice(account: Account) -> None:
    planned = account.run(account.component(), check=True)
    account.served.forget()
    made = account.made(account.component())
    assert sorted(account.served.changes) == sorted(calls(planned)) == sorted(calls(made))
    account.served.forget()
    again = account.made(account.component())
    assert again["changed"] is False, again["diff"]
    assert account.served.changes == []
    questions = Counter((call["service"], call["action"], str(call["parameters"])) for call in account.served.calls)
    assert [question for question, times in questions.items() if times > 1] == []
    # No policy names an alarm of ours, so there is none to ask about.
    assert "cloudwatch:DescribeAlarms" not in account.served.reads


def test_a_new_image_makes_a_version_and_pins_the_group_to_it(account: Account) -> None:
    account.made(account.component())
    options = account.component()
    options["launch_template"]["image_id"] = account.newer
    planned = account.run(options, check=True)
    assert calls(planned) == ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate", "autoscaling:UpdateAutoScalingGroup"]
    account.served.forget()
    account.made(options)
    assert sorted(account.served.changes) == sorted(calls(planned))
    assert account.asg()["LaunchTemplate"]["Version"] == "2"
    # The way back makes no third version.
    back = account.made(account.component())
    assert sorted(calls(back)) == ["autoscaling:UpdateAutoScalingGroup", "ec2:ModifyLaunchTemplate"]
    assert account.asg()["LaunchTemplate"]["Version"] == "1"


def test_old_versions_go_unless_they_are_in_use(account: Account) -> None:
    options = account.component(min_size=1)
    account.made(options)
    account.settle(["InService"])  # its instance is from version 1, and stays
    for number in range(2, 7):
        options["launch_template"]["user_data"] = f"# {number}\n"
        account.made(options)
    found = account.clients["ec2"].describe_launch_template_versions(LaunchTemplateName="gateway")["LaunchTemplateVersions"]
    # Three are kept, of which 6 was just made; 5 was pinned until then.
    assert [version["VersionNumber"] for version in found] == [1, 4, 5, 6]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"max_size": 6}, ["autoscaling:UpdateAutoScalingGroup"], id="size"),
        pytest.param({"health_check_period": 400, "default_cooldown": 30}, ["autoscaling:UpdateAutoScalingGroup"], id="group"),
        pytest.param(
            {"instance_maintenance_policy": {"min_healthy_percentage": 90, "max_healthy_percentage": 100}},
            ["autoscaling:UpdateAutoScalingGroup"],
            id="maintenance",
        ),
        pytest.param({"suspend_processes": ["AZRebalance"]}, ["autoscaling:SuspendProcesses"], id="processes"),
        pytest.param({"metrics_collection": True}, ["autoscaling:EnableMetricsCollection"], id="metrics"),
    ],
)
def test_a_change_makes_the_calls_that_its_plan_printed_and_then_none(
    account: Account, changed: dict[str, Any], expected: list[str]
) -> None:
    account.made(account.component())
    options = account.component(**changed)
    planned = account.run(options, check=True)
    assert calls(planned) == expected
    account.served.forget()
    account.made(options)
    assert account.served.changes == expected
    again = account.made(options)
    assert again["changed"] is False, again["diff"]


def test_target_group_listener_and_tags_change_in_place(account: Account) -> None:
    account.made(account.component())
    options = account.component(tags={"Portal": "aiportal", "Owner": "platform"})
    group = options["target_groups"][0]
    group.update(health_check_path="/ready", deregistration_delay_timeout=30)
    changed = account.made(options)
    assert sorted(calls(changed)) == sorted(
        [
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:DeleteTags",
            "autoscaling:UpdateAutoScalingGroup",
            "ec2:CreateLaunchTemplateVersion",  # the volumes' tags are part of it
            "ec2:CreateTags",
            "ec2:DeleteTags",
            "ec2:ModifyLaunchTemplate",
            "elbv2:AddTags",
            "elbv2:AddTags",
            "elbv2:AddTags",
            "elbv2:ModifyTargetGroup",
            "elbv2:ModifyTargetGroupAttributes",
            "elbv2:RemoveTags",
            "elbv2:RemoveTags",
            "elbv2:RemoveTags",
        ]
    )
    again = account.made(options)
    assert again["changed"] is False, again["diff"]


def test_absent_removes_what_it_made_in_order_and_nothing_else(account: Account) -> None:
    account.balancer("another")
    account.made(account.component())
    account.settle(["InService"] * 2)
    planned = account.run({"name": "gateway", "state": "absent"}, check=True)
    account.served.forget()
    account.made({"name": "gateway", "state": "absent"})
    expected = [
        "elbv2:DeleteListener",
        "autoscaling:UpdateAutoScalingGroup",
        "autoscaling:DeleteAutoScalingGroup",
    ]
    assert account.served.changes[:3] == calls(planned)[:3] == expected
    assert sorted(account.served.changes[3:]) == ["ec2:DeleteLaunchTemplate", "elbv2:DeleteLoadBalancer", "elbv2:DeleteTargetGroup"]
    left = account.clients["elbv2"].describe_load_balancers()["LoadBalancers"]
    assert [balancer["LoadBalancerName"] for balancer in left] == ["another"]
    assert account.made({"name": "gateway", "state": "absent"})["changed"] is False


def test_what_others_made_is_neither_taken_nor_removed(account: Account) -> None:
    account.clients["elbv2"].create_target_group(Name="gateway", Protocol="TCP", Port=8080, VpcId=account.vpc)
    account.served.forget()
    refused = account.run(account.component())
    assert "target group gateway exists and was not made by this module" in refused["msg"]
    assert account.served.changes == []
    assert account.made({"name": "gateway", "state": "absent"})["changed"] is False


def test_a_rule_on_a_shared_listener(account: Account) -> None:
    account.balancer()
    group = {"protocol": "HTTP", "port": 8080, "rule": {"listener_port": 80, "priority": 10, "hosts": ["api.aiportal.example"]}}
    options = account.component(load_balancer={"name": "portal"}, target_groups=[group], detection_time=None)
    made = account.made(options)
    assert "elbv2:CreateRule" in calls(made)
    again = account.made(options)
    assert again["changed"] is False, again["diff"]
    group["rule"]["priority"] = 20  # type: ignore[index]
    assert calls(account.made(options)) == ["elbv2:SetRulePriorities"]
    group["rule"]["paths"] = ["/v1/*"]  # type: ignore[index]
    assert calls(account.made(options)) == ["elbv2:ModifyRule"]
    again = account.made(options)
    assert again["changed"] is False, again["diff"]
    other = account.component(name="web", load_balancer={"name": "portal"}, target_groups=[group], detection_time=None)
    refused = account.run(other)
    assert "rule 20 of portal:80 exists and belongs to component gateway" in refused["msg"]
    gone = account.made({"name": "gateway", "state": "absent"})
    assert calls(gone)[0] == "elbv2:DeleteRule"
    assert "elbv2:DeleteLoadBalancer" not in calls(gone)


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        ("DescribeAutoScalingGroups", "Throttling", "Rate exceeded"),
        ("CreateLaunchTemplate", "RequestLimitExceeded", "Request limit exceeded."),
        ("CreateTargetGroup", "Throttling", "Rate exceeded"),
        ("CreateListener", "TargetGroupNotFound", "Target groups 'x' not found"),
        (
            "CreateAutoScalingGroup",
            "ValidationError",
            "You must use a valid fully-formed launch template. The launch template x does not exist",
        ),
        (
            "CreateAutoScalingGroup",
            "ValidationError",
            "You must use a valid fully-formed launch template. Invalid IAM Instance Profile name",
        ),
        ("SuspendProcesses", "ValidationError", "AutoScalingGroup name not found - x"),
    ],
)
def test_throttling_and_what_is_not_yet_visible_are_outlasted(account: Account, action: str, code: str, message: str) -> None:
    account.served.fail(action, code, message, times=2)
    account.made(account.component(suspend_processes=["AZRebalance"]))
    assert account.made(account.component(suspend_processes=["AZRebalance"]))["changed"] is False


def test_two_runs_at_once_make_one_component(account: Account) -> None:
    made = account.made_at_once(account.component(), times=3)
    assert [result.get("msg") for result in made if result.get("failed")] == []
    elbv2, ec2 = account.clients["elbv2"], account.clients["ec2"]
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    assert len(elbv2.describe_target_groups()["TargetGroups"]) == 1
    assert len(ec2.describe_launch_template_versions(LaunchTemplateName="gateway")["LaunchTemplateVersions"]) == 1
    assert account.made(account.component())["changed"] is False
    options = account.component()
    options["launch_template"]["image_id"] = account.newer
    made = account.made_at_once(options, times=3)
    assert [result.get("msg") for result in made if result.get("failed")] == []
    assert len(ec2.describe_launch_template_versions(LaunchTemplateName="gateway")["LaunchTemplateVersions"]) == 2
    again = account.made(options)
    assert again["changed"] is False, again["diff"]


def test_a_refusal_of_aws_names_resource_call_and_what_to_do(account: Account) -> None:
    account.served.fail("CreateTargetGroup", "AccessDenied", "User x is not authorized", times=99)
    refused = account.run(account.component())
    assert refused["msg"] == (
        "could not create target group gateway: elbv2:CreateTargetGroup answered AccessDenied: User x is not authorized; "
        "allow the action to whoever runs this"
    )


def test_it_waits_until_instances_serve(account: Account) -> None:
    made = account.made(account.component(wait=True, wait_timeout=20))
    assert [each["lifecycle_state"] for each in made["autoscaled_service"]["instances"]] == ["InService"] * 2
