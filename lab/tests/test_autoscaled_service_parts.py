# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the group: policies, alarms, scheduled actions, hooks, warm pool, notifications, mixed instances."""

from __future__ import annotations

from typing import Any

import pytest

from lab.tests.autoscaled import Account, calls, fixture_account, fixture_served  # noqa: F401

STEPS = {
    "name": "burst",
    "policy_type": "StepScaling",
    "adjustment_type": "ChangeInCapacity",
    "step_adjustments": [
        {"lower_bound": 20, "scaling_adjustment": 2},
        {"lower_bound": 0, "upper_bound": 20, "scaling_adjustment": 1},
    ],
    "alarm": {"namespace": "AWS/EC2", "metric_name": "CPUUtilization", "threshold": 60},
}
MATH = {
    "name": "queue",
    "target_value": 10,
    "metrics": [
        {"id": "q", "namespace": "Portal", "metric_name": "Queue", "stat": "Sum", "return_data": False},
        {"id": "n", "namespace": "AWS/AutoScaling", "metric_name": "GroupInServiceInstances", "return_data": False},
        {"id": "r", "expression": "q / n", "label": "queue per instance"},
    ],
}
CUSTOM = {
    "name": "inflight",
    "target_value": 5,
    "customized_metric": {"namespace": "Portal", "metric_name": "InFlight", "dimensions": {"Service": "gateway", "Az": "all"}},
}
FORECAST = {"name": "forecast", "policy_type": "PredictiveScaling", "predefined_metric": "ASGCPUUtilization", "target_value": 50}
NIGHT = {"name": "night", "recurrence": "0 20 * * *", "time_zone": "Europe/London", "min_size": 1, "desired_capacity": 1}
ONCE = {"name": "launch-day", "start_time": "2031-01-31T06:00:00Z", "max_size": 8}
HOOK = {"name": "ready", "transition": "launching", "heartbeat_timeout": 300}
DRAIN = {"name": "drain", "transition": "terminating", "heartbeat_timeout": 60, "default_result": "CONTINUE"}
POOL = {"state": "Stopped", "min_size": 1, "max_group_prepared_capacity": 4}
MIXED = {
    "instance_types": ["t3.large", "t3a.large"],
    "instances_distribution": {"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 100},
}


def everything(account: Account) -> dict[str, Any]:
    topic = account.clients["sns"].create_topic(Name="gateway")["TopicArn"]
    return account.component(
        scaling_policies=[STEPS, MATH, CUSTOM, FORECAST],
        scheduled_actions=[NIGHT, ONCE],
        lifecycle_hooks=[HOOK, DRAIN],
        warm_pool=POOL,
        notifications=[{"topic_arn": topic, "types": ["autoscaling:EC2_INSTANCE_LAUNCH_ERROR"]}],
        suspend_processes=["AZRebalance"],
        availability_zone_distribution="balanced-best-effort",
        capacity_rebalance=False,
    )


def test_everything_is_made_by_the_calls_of_the_plan_and_then_nothing_changes(account: Account) -> None:
    options = everything(account)
    planned = account.run(options, check=True)
    account.served.forget()
    made = account.made(options)
    assert sorted(account.served.changes) == sorted(calls(planned)) == sorted(calls(made))
    assert calls(made).count("autoscaling:PutScalingPolicy") == 4
    account.served.forget()
    again = account.made(options)
    assert again["changed"] is False, again["diff"]
    assert account.served.changes == []


def test_hooks_are_there_before_the_first_instance(account: Account) -> None:
    made = account.made(account.component(lifecycle_hooks=[HOOK]))
    assert "autoscaling:PutLifecycleHook" not in calls(made)
    assert [hook["LifecycleHookName"] for hook in made["diff"]["after"]["group gateway"]["LifecycleHooks"]] == [HOOK["name"]]
    account.settle(["Pending:Wait"] * 2)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"scheduled_actions": [NIGHT]}, {"scheduled_actions": []}, ["autoscaling:DeleteScheduledAction"], id="schedule goes"),
        pytest.param(
            {"scheduled_actions": [NIGHT]},
            {"scheduled_actions": [{**NIGHT, "min_size": 0}]},
            ["autoscaling:PutScheduledUpdateGroupAction"],
            id="schedule",
        ),
        pytest.param(
            {"lifecycle_hooks": [DRAIN]},
            {"lifecycle_hooks": [HOOK]},
            ["autoscaling:DeleteLifecycleHook", "autoscaling:PutLifecycleHook"],
            id="hook",
        ),
        pytest.param({}, {"warm_pool": POOL}, ["autoscaling:PutWarmPool"], id="warm pool"),
        pytest.param({"warm_pool": POOL}, {"warm_pool": {"enabled": False}}, ["autoscaling:DeleteWarmPool"], id="warm pool goes"),
        pytest.param(
            {"scaling_policies": [STEPS]},
            {"scaling_policies": []},
            ["autoscaling:DeletePolicy", "cloudwatch:DeleteAlarms"],
            id="alarm goes",
        ),
        pytest.param(
            {"scaling_policies": [STEPS]},
            {"scaling_policies": [{**STEPS, "alarm": {**STEPS["alarm"], "threshold": 70}}]},  # type: ignore[dict-item]
            ["cloudwatch:PutMetricAlarm"],
            id="alarm",
        ),
        pytest.param({}, {"mixed_instances_policy": MIXED}, ["autoscaling:UpdateAutoScalingGroup"], id="mixed instances"),
    ],
)
def test_one_change_makes_its_calls(account: Account, before: Any, after: Any, expected: list[str]) -> None:
    options = {"scaling_policies": None}
    account.made(account.component(**{**options, **before}))
    account.served.forget()
    account.made(account.component(**{**options, **after}))
    assert sorted(account.served.changes) == expected
    again = account.made(account.component(**{**options, **after}))
    assert again["changed"] is False, again["diff"]


def test_an_alarm_goes_before_the_policy_that_names_it(account: Account) -> None:
    """Else a run that is killed between the two leaves an alarm that no later run would find."""
    account.made(account.component(scaling_policies=[STEPS]))
    account.served.fail("DeletePolicy", "AccessDenied", "killed here", times=1)
    assert account.run(account.component(scaling_policies=[]))["failed"]
    assert account.clients["cloudwatch"].describe_alarms()["MetricAlarms"] == []
    account.served.forget()
    account.made(account.component(scaling_policies=[]))
    assert account.served.changes == ["autoscaling:DeletePolicy"]


def test_requests_are_counted_by_a_label_of_arns_that_do_not_exist_yet(account: Account) -> None:
    account.balancer()
    group = {"protocol": "HTTP", "port": 8080, "rule": {"listener_port": 80, "priority": 10, "hosts": ["api.aiportal.example"]}}
    count = {"name": "requests", "predefined_metric": "ALBRequestCountPerTarget", "target_value": 100}
    options = account.component(load_balancer={"name": "portal"}, target_groups=[group], detection_time=None, scaling_policies=[count])
    account.made(options)
    policy = account.clients["autoscaling"].describe_policies(AutoScalingGroupName="gateway")["ScalingPolicies"][0]
    label = policy["TargetTrackingConfiguration"]["PredefinedMetricSpecification"]["ResourceLabel"]
    assert label.startswith("app/portal/")
    assert "/targetgroup/gateway/" in label
    assert account.made(options)["changed"] is False


def test_what_is_left_out_is_left_alone(account: Account) -> None:
    account.made(everything(account))
    account.served.forget()
    assert account.made({"name": "gateway", "max_size": 5, "wait": False})["changed"] is True
    assert account.served.changes == ["autoscaling:UpdateAutoScalingGroup"]


def test_all_of_it_goes(account: Account) -> None:
    account.made(everything(account) | {"lifecycle_hooks": []})
    account.settle(["InService"] * 2)
    gone = account.made({"name": "gateway", "state": "absent", "wait_timeout": 60})
    assert "cloudwatch:DeleteAlarms" in calls(gone)
    assert account.clients["cloudwatch"].describe_alarms(AlarmNamePrefix="gateway/")["MetricAlarms"] == []
    assert account.clients["ec2"].describe_launch_templates()["LaunchTemplates"] == []
    assert account.clients["elbv2"].describe_target_groups()["TargetGroups"] == []
