# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Auto Scaling through boto3: refreshes, warm pools, policies, scheduled actions."""

from __future__ import annotations

from typing import Any

import pytest

from lab.tests.account import Aws, refusal


def test_a_refresh_to_a_new_version(account: Aws) -> None:
    account.create()
    account.tick()
    before = account.ids()
    three = str(account.version(InstanceType="t3.small"))
    desired = {"LaunchTemplate": {"LaunchTemplateName": "web", "Version": three}}
    begun = account.asg.start_instance_refresh(
        AutoScalingGroupName="web", DesiredConfiguration=desired, Preferences={"MinHealthyPercentage": 0, "AutoRollback": True}
    )["InstanceRefreshId"]
    assert refusal(account.asg.start_instance_refresh, AutoScalingGroupName="web").startswith("InstanceRefreshInProgress")
    account.tick(6)
    refresh = account.asg.describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"][0]
    assert (refresh["InstanceRefreshId"], refresh["Status"], refresh["PercentageComplete"]) == (begun, "Successful", 100)
    assert set(before).isdisjoint(account.ids())
    assert account.group()["LaunchTemplate"]["Version"] == three
    assert refusal(account.asg.cancel_instance_refresh, AutoScalingGroupName="web").startswith("ActiveInstanceRefreshNotFound")


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
def test_refresh_refusals(account: Aws, preferences: dict[str, Any], sentence: str) -> None:
    account.create(DesiredCapacity=0)
    assert sentence in refusal(account.asg.start_instance_refresh, AutoScalingGroupName="web", Preferences=preferences)


def test_warm_pool(account: Aws) -> None:
    account.create(DesiredCapacity=1, MaxSize=2)
    account.asg.put_warm_pool(AutoScalingGroupName="web", PoolState="Stopped", InstanceReusePolicy={"ReuseOnScaleIn": True})
    account.tick(4)
    pool = account.asg.describe_warm_pool(AutoScalingGroupName="web")
    assert [one["LifecycleState"] for one in pool["Instances"]] == ["Warmed:Stopped"]
    assert pool["WarmPoolConfiguration"] == {"MinSize": 0, "PoolState": "Stopped", "InstanceReusePolicy": {"ReuseOnScaleIn": True}}
    assert account.group()["WarmPoolSize"] == 1
    account.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    account.tick(4)
    assert pool["Instances"][0]["InstanceId"] in account.ids()
    account.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    account.tick(4)
    assert len(account.asg.describe_warm_pool(AutoScalingGroupName="web")["Instances"]) == 1
    account.asg.delete_warm_pool(AutoScalingGroupName="web")
    account.tick()
    assert "WarmPoolConfiguration" not in account.group()


def test_target_tracking_makes_its_alarms_and_takes_them_along(account: Aws) -> None:
    account.create()
    policy = {
        "AutoScalingGroupName": "web",
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 70.0,
        },
    }
    made = account.asg.put_scaling_policy(**policy)
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    again = account.asg.put_scaling_policy(**policy)
    assert (again["PolicyARN"], [alarm["AlarmName"] for alarm in again["Alarms"]]) == (made["PolicyARN"], names)
    alarms = account.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert {(one["Threshold"], one["EvaluationPeriods"], one["Period"]) for one in alarms} == {(70.0, 3, 60), (63.0, 15, 60)}
    shown = account.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"][0]
    assert [alarm["AlarmName"] for alarm in shown["Alarms"]] == names
    account.asg.delete_policy(AutoScalingGroupName="web", PolicyName="cpu")
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize("force", [True, False])
def test_the_alarms_of_target_tracking_go_with_the_group(account: Aws, force: bool) -> None:
    """API DeleteAutoScalingGroup: policies and their alarms are deleted too."""
    account.create(DesiredCapacity=0)
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 70.0}
    account.asg.put_scaling_policy(
        AutoScalingGroupName="web", PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=metric
    )
    account.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=force)
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_scheduled_actions(account: Aws) -> None:
    account.create()
    action = {"AutoScalingGroupName": "web", "ScheduledActionName": "night", "Recurrence": "0 22 * * *", "DesiredCapacity": 0}
    account.asg.put_scheduled_update_group_action(**action, TimeZone="Europe/London")
    shown = account.asg.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"][0]
    assert (shown["Recurrence"], shown["DesiredCapacity"], shown["TimeZone"]) == ("0 22 * * *", 0, "Europe/London")
    assert "recurrence string" in refusal(account.asg.put_scheduled_update_group_action, **{**action, "Recurrence": "never"})
    account.asg.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="night")
    assert account.asg.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"] == []
