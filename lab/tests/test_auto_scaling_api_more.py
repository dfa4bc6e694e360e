# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Auto Scaling through boto3: refreshes, warm pools, policies, scheduled actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import moto
import pytest

from lab.auto_scaling.model import STORE
from lab.control_plane.patches import autoscaling, elbv2, launch_templates
from lab.tests.account import LAB, Aws, refusal


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


def test_a_refresh_to_a_new_version(aws: Aws) -> None:
    aws.create()
    aws.tick()
    before = aws.ids()
    three = str(aws.version(InstanceType="t3.small"))
    desired = {"LaunchTemplate": {"LaunchTemplateName": "web", "Version": three}}
    begun = aws.asg.start_instance_refresh(
        AutoScalingGroupName="web", DesiredConfiguration=desired, Preferences={"MinHealthyPercentage": 0, "AutoRollback": True}
    )["InstanceRefreshId"]
    assert refusal(aws.asg.start_instance_refresh, AutoScalingGroupName="web").startswith("InstanceRefreshInProgress")
    aws.tick(6)
    refresh = aws.asg.describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"][0]
    assert (refresh["InstanceRefreshId"], refresh["Status"], refresh["PercentageComplete"]) == (begun, "Successful", 100)
    assert set(before).isdisjoint(aws.ids())
    assert aws.group()["LaunchTemplate"]["Version"] == three
    assert refusal(aws.asg.cancel_instance_refresh, AutoScalingGroupName="web").startswith("ActiveInstanceRefreshNotFound")


@pytest.mark.parametrize(
    ("preferences", "sentence"),
    [
        ({"MinHealthyPercentage": 101}, "MinHealthyPercentage must be between 0 and 100"),
        ({"MaxHealthyPercentage": 150}, "MaxHealthyPercentage needs MinHealthyPercentage"),
        ({"CheckpointPercentages": [50, 20]}, "in ascending order"),
        ({"CheckpointDelay": 10}, "CheckpointDelay needs CheckpointPercentages"),
        ({"AutoRollback": True}, "AutoRollback cannot be used: no DesiredConfiguration was specified"),
    ],
)
def test_refresh_refusals(aws: Aws, preferences: dict[str, Any], sentence: str) -> None:
    aws.create(DesiredCapacity=0)
    assert sentence in refusal(aws.asg.start_instance_refresh, AutoScalingGroupName="web", Preferences=preferences)


def test_warm_pool(aws: Aws) -> None:
    aws.create(DesiredCapacity=1, MaxSize=2)
    aws.asg.put_warm_pool(AutoScalingGroupName="web", PoolState="Stopped", InstanceReusePolicy={"ReuseOnScaleIn": True})
    aws.tick(4)
    pool = aws.asg.describe_warm_pool(AutoScalingGroupName="web")
    assert [one["LifecycleState"] for one in pool["Instances"]] == ["Warmed:Stopped"]
    assert pool["WarmPoolConfiguration"] == {"MinSize": 0, "PoolState": "Stopped", "InstanceReusePolicy": {"ReuseOnScaleIn": True}}
    assert aws.group()["WarmPoolSize"] == 1
    aws.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    aws.tick(4)
    assert pool["Instances"][0]["InstanceId"] in aws.ids()
    aws.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    aws.tick(4)
    assert len(aws.asg.describe_warm_pool(AutoScalingGroupName="web")["Instances"]) == 1
    aws.asg.delete_warm_pool(AutoScalingGroupName="web")
    aws.tick()
    assert "WarmPoolConfiguration" not in aws.group()


def test_target_tracking_makes_its_alarms_and_takes_them_along(aws: Aws) -> None:
    aws.create()
    policy = {
        "AutoScalingGroupName": "web",
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 70.0,
        },
    }
    made = aws.asg.put_scaling_policy(**policy)
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    again = aws.asg.put_scaling_policy(**policy)
    assert (again["PolicyARN"], [alarm["AlarmName"] for alarm in again["Alarms"]]) == (made["PolicyARN"], names)
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert {(one["Threshold"], one["EvaluationPeriods"], one["Period"]) for one in alarms} == {(70.0, 3, 60), (63.0, 15, 60)}
    shown = aws.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"][0]
    assert [alarm["AlarmName"] for alarm in shown["Alarms"]] == names
    aws.asg.delete_policy(AutoScalingGroupName="web", PolicyName="cpu")
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize("force", [True, False])
def test_the_alarms_of_target_tracking_go_with_the_group(aws: Aws, force: bool) -> None:
    """API DeleteAutoScalingGroup: policies and their alarms are deleted too."""
    aws.create(DesiredCapacity=0)
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 70.0}
    aws.asg.put_scaling_policy(
        AutoScalingGroupName="web", PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=metric
    )
    aws.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=force)
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_scheduled_actions(aws: Aws) -> None:
    aws.create()
    action = {"AutoScalingGroupName": "web", "ScheduledActionName": "night", "Recurrence": "0 22 * * *", "DesiredCapacity": 0}
    aws.asg.put_scheduled_update_group_action(**action, TimeZone="Europe/London")
    shown = aws.asg.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"][0]
    assert (shown["Recurrence"], shown["DesiredCapacity"], shown["TimeZone"]) == ("0 22 * * *", 0, "Europe/London")
    assert "recurrence string" in refusal(aws.asg.put_scheduled_update_group_action, **{**action, "Recurrence": "never"})
    aws.asg.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="night")
    assert aws.asg.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"] == []
