# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_findings import findings, summary

ARN = "arn:aws:elasticloadbalancing:r:1:targetgroup/web/1"


def instance(name: str, version: str = "2", **more: Any) -> dict[str, Any]:
    template = {"LaunchTemplateId": "lt-1", "Version": version}
    base = {"LifecycleState": "InService", "HealthStatus": "Healthy", "AvailabilityZone": "a", "LaunchTemplate": template}
    return {"InstanceId": name, **base, **more}


def target(name: str, state: str = "healthy", reason: str = "", description: str = "") -> dict[str, Any]:
    return {"Target": {"Id": name, "Port": 80}, "TargetHealth": {"State": state, "Reason": reason, "Description": description}}


def state(*instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {
        **{"MinSize": 1, "MaxSize": 4, "DesiredCapacity": 1},
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"},
        "Instances": list(instances),
        **more.pop("group", {}),
    }
    nothing: dict[str, Any] = {"health": {}, "warm_pool": {}, "refreshes": [], "activities": [], "alarms": [], "template": {}}
    return {"group": group, **nothing, **more}


TIMEOUT = target("i-1", "unhealthy", "Target.Timeout", "Request timed out")
FAILED = {"StartTime": "t", "StatusCode": "Failed", "Description": "Launching a new EC2 instance.", "StatusMessage": "no capacity"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(state(instance("i-1")), ["all 1 instances serve, nothing is under way"], id="well"),
        pytest.param(state(), ["0 of 1 instances are in service"], id="too few"),
        pytest.param(
            state(instance("i-1"), group={"MaxSize": 1, "MinSize": 0}),
            ["the group is at its max_size of 1 and cannot scale out"],
            id="full",
        ),
        pytest.param(
            state(instance("i-1"), health={ARN: [TIMEOUT]}),
            [
                "target group web has no healthy target of 1",
                "i-1 is unhealthy in target group web: Target.Timeout Request timed out",
            ],
            id="target",
        ),
        pytest.param(
            state(instance("i-1"), health={ARN: [target("i-1"), target("i-0", "draining")]}),
            ["all 1 instances serve, nothing is under way"],
            id="draining",
        ),
        pytest.param(state(instance("i-1", HealthStatus="Unhealthy")), ["i-1 is Unhealthy (InService)"], id="unhealthy"),
        pytest.param(
            state(instance("i-1"), instance("i-2", LifecycleState="Pending:Wait")),
            ["i-2 is Pending:Wait: a lifecycle hook waits for its answer"],
            id="hook",
        ),
        pytest.param(
            state(instance("i-1"), instance("i-2", LifecycleState="Standby")), ["i-2 is on standby and gets no traffic"], id="standby"
        ),
        pytest.param(
            state(instance("i-1", "1")), ["1 instances are up to 1 versions behind version 2: refresh the component"], id="behind"
        ),
        pytest.param(
            state(instance("i-1"), activities=[FAILED]),
            ["the last activity failed: Launching a new EC2 instance. no capacity"],
            id="activity",
        ),
        pytest.param(
            state(instance("i-1"), alarms=[{"AlarmName": "web/burst", "StateValue": "ALARM", "StateReason": "80 > 60"}]),
            ["alarm web/burst is on: 80 > 60"],
            id="alarm",
        ),
        pytest.param(
            state(instance("i-1"), alarms=[{"AlarmName": "TargetTracking-web-AlarmLow-1", "StateValue": "ALARM"}]),
            ["all 1 instances serve, nothing is under way"],
            id="low alarms are on whenever there is nothing to do",
        ),
        pytest.param(
            state(instance("i-1"), group={"SuspendedProcesses": [{"ProcessName": "Launch"}]}),
            ["process Launch is suspended: no instance is launched"],
            id="suspended",
        ),
        pytest.param(
            state(instance("i-1"), refreshes=[{"InstanceRefreshId": "r", "Status": "InProgress", "PercentageComplete": 40}]),
            ["a refresh is InProgress, 40 % complete"],
            id="refresh",
        ),
        pytest.param(
            state(instance("i-1"), refreshes=[{"InstanceRefreshId": "r", "Status": "RollbackSuccessful", "StatusReason": "alarm"}]),
            ["the last refresh ended as RollbackSuccessful: alarm"],
            id="rolled back",
        ),
    ],
)
def test_what_is_told(given: dict[str, Any], told: list[str]) -> None:
    assert findings(summary("web", given)) == told


def test_an_instance_says_why() -> None:
    found = summary("web", state(instance("i-1"), health={ARN: [TIMEOUT], ARN + "x": [target("i-1")]}))
    assert found["instances"][0]["why"] == "unhealthy Target.Timeout Request timed out"
