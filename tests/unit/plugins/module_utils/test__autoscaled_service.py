# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for an account that has nothing, has everything, and has something else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_service as plans
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_template as template
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Plan, ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Seen, Service

OWN = {OWNER: "web"}
LISTED = [{"Key": OWNER, "Value": "web"}]
TARGET, BALANCER = "arn:x:targetgroup/web/1", "arn:x:loadbalancer/net/web/1"
LISTENER, RULE = BALANCER + "/listener", BALANCER + "/rule"
LAUNCH = {
    "image_id": "ami-1",
    "instance_type": "t3.large",
    "metadata_hop_limit": 1,
    "detailed_monitoring": True,
    "hibernation": False,
    "keep_versions": 2,
    "adopt": "at_once",
}
GROUP = {"name": "web", "protocol": "TCP", "port": 80, "listener": {"port": 80, "protocol": "TCP"}}
OPTIONS: dict[str, Any] = {
    "subnets": ["subnet-b", "subnet-a"],
    "min_size": 1,
    "max_size": 3,
    "launch_template": LAUNCH,
    "load_balancer": {"name": "web", "create": True, "type": "network", "scheme": "internal"},
    "target_groups": [GROUP],
    "purge_tags": True,
}


def service(**changed: Any) -> Service:
    return Service("web", {**OPTIONS, **changed})


# Everything as OPTIONS ask for it.
WHOLE: dict[str, Any] = {
    "group": {
        "Tags": LISTED,
        "MinSize": 1,
        "MaxSize": 3,
        "DesiredCapacity": 1,
        "VPCZoneIdentifier": "subnet-a,subnet-b",
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "Version": "1"},
        "TargetGroupARNs": [TARGET],
        "Instances": [{"InstanceId": "i-1", "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"}}],
    },
    "template": {"LaunchTemplateId": "lt-1", "DefaultVersionNumber": 1, "LatestVersionNumber": 1, "Tags": LISTED},
    "versions": [{"VersionNumber": 1, "LaunchTemplateData": template.content(service(), LAUNCH)}],
    "target_groups": {"web": {"TargetGroupArn": TARGET, "Protocol": "TCP", "Port": 80, "Attributes": {}}},
    "balancer": {
        "LoadBalancerArn": BALANCER,
        "LoadBalancerName": "web",
        "Type": "network",
        "Scheme": "internal",
        "Attributes": {},
        "AvailabilityZones": [{"SubnetId": "subnet-a"}, {"SubnetId": "subnet-b"}],
    },
    "listeners": [
        {
            "ListenerArn": LISTENER,
            "Port": 80,
            "Protocol": "TCP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": TARGET}],
        }
    ],
    "tags": {TARGET: OWN, BALANCER: OWN, LISTENER: OWN, RULE: OWN},
}


def seen(**changed: Any) -> Seen:
    return Seen(**{**WHOLE, **changed})


def rule(priority: str, target: str) -> dict[str, Any]:
    conditions = [{"Field": "host-header", "Values": ["a"]}]
    return {"RuleArn": RULE, "Priority": priority, "Conditions": conditions, "Actions": [{"Type": "forward", "TargetGroupArn": target}]}


def calls(plan: Plan) -> list[str]:
    return [step.call.partition(":")[2] for step in plan.steps]


def changed_in(kind: str, **fields: Any) -> Seen:
    return seen(**{kind: {**getattr(seen(), kind), **fields}})


def test_an_empty_account_gets_everything_with_what_is_referred_to_first() -> None:
    made = calls(plans.present(service(), Seen(), "vpc-1"))
    assert sorted(made) == ["CreateAutoScalingGroup", "CreateLaunchTemplate", "CreateListener", "CreateLoadBalancer", "CreateTargetGroup"]
    assert made.index("CreateListener") > max(made.index("CreateTargetGroup"), made.index("CreateLoadBalancer"))
    assert made[-1] == "CreateAutoScalingGroup"


def test_what_is_as_it_shall_be_is_left_alone() -> None:
    assert calls(plans.present(service(), seen(), "")) == []


@pytest.mark.parametrize(
    ("options", "state", "expected"),
    [
        pytest.param({"max_size": 4}, seen(), ["UpdateAutoScalingGroup"], id="size"),
        pytest.param({"desired_capacity": 2}, seen(), ["UpdateAutoScalingGroup"], id="desired"),
        pytest.param(
            {"subnets": ["subnet-a"], "load_balancer": None, "target_groups": None}, seen(), ["UpdateAutoScalingGroup"], id="subnets"
        ),
        pytest.param({"launch_template": None}, seen(), [], id="template left alone"),
        pytest.param({"launch_template": {**LAUNCH, "version": "1"}}, seen(), [], id="pinned to a version"),
        pytest.param(
            {"launch_template": {**LAUNCH, "image_id": "ami-2"}},
            seen(),
            ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "UpdateAutoScalingGroup"],
            id="image",
        ),
        pytest.param(
            {"launch_template": {**LAUNCH, "image_id": "ami-2", "adopt": "by_refresh"}},
            seen(),
            ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate"],
            id="image for a refresh",
        ),
        pytest.param(
            {"launch_template": {**LAUNCH, "key_name": "k"}},
            seen(),
            ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "UpdateAutoScalingGroup"],
            id="key",
        ),
        pytest.param({}, changed_in("group", TargetGroupARNs=[]), ["AttachLoadBalancerTargetGroups"], id="attach"),
        pytest.param({}, changed_in("group", TargetGroupARNs=[TARGET, "arn:other"]), ["DetachLoadBalancerTargetGroups"], id="detach"),
        pytest.param({}, changed_in("template", DefaultVersionNumber=9), ["ModifyLaunchTemplate"], id="default version"),
        pytest.param(
            {},
            changed_in("group", LaunchTemplate={"LaunchTemplateId": "lt-1", "Version": "$Latest"}),
            ["UpdateAutoScalingGroup"],
            id="latest is pinned",
        ),
        pytest.param(
            {"suspend_processes": []}, changed_in("group", SuspendedProcesses=[{"ProcessName": "Launch"}]), ["ResumeProcesses"], id="resume"
        ),
        pytest.param(
            {"metrics_collection": False}, changed_in("group", EnabledMetrics=[{}]), ["DisableMetricsCollection"], id="no metrics"
        ),
        pytest.param({"target_groups": [{**GROUP, "health_check_path": "/x"}]}, seen(), ["ModifyTargetGroup"], id="check"),
        pytest.param({"target_groups": [{**GROUP, "cross_zone": "true"}]}, seen(), ["ModifyTargetGroupAttributes"], id="attribute"),
        pytest.param(
            {"target_groups": [{**GROUP, "listener": {"port": 80, "protocol": "TLS"}}]}, seen(), ["ModifyListener"], id="listener"
        ),
        pytest.param(
            {"target_groups": [{**GROUP, "listener": {"port": 81, "protocol": "TCP"}}]},
            seen(),
            ["CreateListener", "DeleteListener"],
            id="port",
        ),
        pytest.param(
            {"load_balancer": {**OPTIONS["load_balancer"], "subnets": ["subnet-a"]}}, seen(), ["SetSubnets"], id="balancer's subnets"
        ),
        pytest.param(
            {"load_balancer": {**OPTIONS["load_balancer"], "security_groups": ["sg-1"]}},
            seen(),
            ["SetSecurityGroups"],
            id="balancer's groups",
        ),
        pytest.param(
            {"load_balancer": {**OPTIONS["load_balancer"], "cross_zone_load_balancing": True}},
            seen(),
            ["ModifyLoadBalancerAttributes"],
            id="balancer's attribute",
        ),
        pytest.param({"notifications": [{"topic_arn": "t", "types": ["x"]}]}, seen(), ["PutNotificationConfiguration"], id="notification"),
        pytest.param(
            {"notifications": []},
            seen(notifications=[{"TopicARN": "t", "NotificationType": "x"}]),
            ["DeleteNotificationConfiguration"],
            id="no notification",
        ),
    ],
)
def test_one_difference_makes_its_calls(options: dict[str, Any], state: Seen, expected: list[str]) -> None:
    assert sorted(calls(plans.present(service(**options), state, "vpc-1"))) == expected


@pytest.mark.parametrize(
    ("options", "state", "words"),
    [
        pytest.param({}, changed_in("group", Tags=[]), "group web exists and was not made by this module", id="group of nobody"),
        pytest.param(
            {}, seen(tags={**seen().tags, TARGET: {OWNER: "api"}}), "target group web exists and belongs to component api", id="theirs"
        ),
        pytest.param({}, seen(tags={**seen().tags, LISTENER: {}}), "listener web:80 exists and was not made", id="port"),
        pytest.param({}, seen(tags={**seen().tags, BALANCER: {}}), "load balancer web exists and was not made", id="balancer"),
        pytest.param({}, changed_in("template", Tags=[]), "launch template web exists and was not made", id="template"),
        pytest.param({"target_groups": [{**GROUP, "port": 81}]}, seen(), "Port of target group web is 80 and cannot become 81", id="fixed"),
        pytest.param(
            {"load_balancer": {**OPTIONS["load_balancer"], "scheme": "internet-facing"}},
            seen(),
            "cannot become internet-facing",
            id="scheme",
        ),
        pytest.param(
            {"target_groups": [{**GROUP, "listener": None, "rule": {"listener_port": 80, "priority": 1, "hosts": ["a"]}}]},
            seen(rules={LISTENER: [rule("1", "arn:x:targetgroup/other/2")]}, tags={**seen().tags, RULE: {OWNER: "api"}}),
            "rule 1 of web:80 exists and belongs to component api",
            id="priority of another component",
        ),
        pytest.param(
            {"target_groups": [{**GROUP, "listener": None, "rule": {"listener_port": 80, "priority": 2, "hosts": ["a"]}}]},
            seen(rules={LISTENER: [rule("1", TARGET), {**rule("2", "arn:x:targetgroup/other/2"), "RuleArn": RULE + "/2"}]}),
            "another rule has the place of rule 2 of web:80",
            id="moved to a priority that is taken",
        ),
        pytest.param({"min_size": None, "max_size": None, "desired_capacity": 99}, seen(), "99 is not between", id="desired of old sizes"),
        pytest.param({"min_size": 99, "max_size": None}, seen(), "would have 99 to", id="min over old max"),
        pytest.param(
            {"launch_template": None, "warm_pool": {"enabled": True}},
            changed_in(
                "group", LaunchTemplate=None, MixedInstancesPolicy={"InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 50}}
            ),
            "has Spot instances, which cannot wait in a warm pool",
            id="pool beside old Spot",
        ),
        pytest.param({"load_balancer": {"name": "x", "create": False}}, seen(balancer={}), "there is no load balancer x", id="none"),
        pytest.param({"launch_template": {**LAUNCH, "version": "7"}}, seen(), "has no version 7; it has 1", id="version"),
        pytest.param({"launch_template": {**LAUNCH, "version": "7"}}, Seen(), "there is no launch template web yet", id="no template"),
        pytest.param(
            {"min_size": None, "launch_template": None}, Seen(), "launch_template, min_size: group web does not exist yet", id="incomplete"
        ),
        pytest.param(
            {"launch_template": None, "mixed_instances_policy": {"instance_types": []}},
            seen(),
            "it launches from launch_template",
            id="mixed",
        ),
        pytest.param(
            {"target_groups": [{**GROUP, "listener": None, "rule": {"listener_port": 443, "priority": 1, "hosts": ["a"]}}]},
            seen(),
            r"no listener on port 443 \(it has: 80\)",
            id="rule without listener",
        ),
    ],
)
def test_refusals_before_anything_changes(options: dict[str, Any], state: Seen, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        plans.present(service(**options), state, "vpc-1")


def test_removal_ends_traffic_first_and_spares_what_is_not_ours() -> None:
    gone = calls(plans.absent(service(), seen()))
    assert gone[:3] == ["DeleteListener", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup"]
    assert sorted(gone[3:]) == ["DeleteLaunchTemplate", "DeleteLoadBalancer", "DeleteTargetGroup"]
    assert gone.index("DeleteTargetGroup") < gone.index("DeleteLoadBalancer")
    foreign = seen(tags={}, group={**seen().group, "Tags": []}, template={**seen().template, "Tags": []})
    assert calls(plans.absent(service(), foreign)) == []


def test_a_forced_removal_does_not_wait_for_instances() -> None:
    pool = {"PoolState": "Stopped"}
    gone = plans.absent(service(force_delete=True), changed_in("group", WarmPoolConfiguration=pool))
    assert calls(gone)[1:3] == ["DeleteWarmPool", "DeleteAutoScalingGroup"]
    assert all(step.parameters["ForceDelete"] for step in gone.steps if "ForceDelete" in step.parameters)


def test_old_versions_go_unless_something_uses_them() -> None:
    data = template.content(service(), LAUNCH)
    versions = [{"VersionNumber": number, "LaunchTemplateData": data} for number in range(1, 7)]
    state = seen(
        versions=versions,
        template={**seen().template, "LatestVersionNumber": 6},
        group={**seen().group, "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "4"}},
    )
    newer = service(launch_template={**LAUNCH, "image_id": "ami-2"})
    prune = next(step for step in plans.present(newer, state, "").steps if step.call.endswith("DeleteLaunchTemplateVersions"))
    assert prune.parameters["Versions"] == ["2", "3", "5"]  # 1 runs, 4 is the group's, 6 and the new one are kept
    warm = seen(**{**state.__dict__, "group": {**state.group, "WarmPoolConfiguration": {}, "Instances": []}})
    assert "DeleteLaunchTemplateVersions" in calls(plans.present(newer, warm, ""))
    unread = seen(**{**state.__dict__, "group": {**state.group, "WarmPoolConfiguration": {"MinSize": 1}}})
    assert "DeleteLaunchTemplateVersions" not in calls(plans.present(newer, unread, ""))
