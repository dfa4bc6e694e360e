# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_plan import plan, preferences

OPTIONS: dict[str, Any] = {
    "name": "web",
    "state": "refreshed",
    "launch_template_version": "2",
    "auto_rollback": False,
    "skip_matching": True,
    "standby_instances": "Wait",
    "scale_in_protected_instances": "Wait",
}


def instance(name: str, version: str, **more: Any) -> dict[str, Any]:
    template = {"LaunchTemplateId": "lt-1", "Version": version}
    return {"InstanceId": name, "LifecycleState": "InService", "LaunchTemplate": template, **more}


def group(version: str = "1", *instances: dict[str, Any]) -> dict[str, Any]:
    return {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": version}, "Instances": list(instances)}


def refresh(status: str, version: str = "2") -> dict[str, Any]:
    to = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": version}}
    return {"InstanceRefreshId": "r-1", "Status": status, "DesiredConfiguration": to}


OLD, NEW = instance("i-old", "1"), instance("i-new", "2")
STANDBY, PROTECTED = instance("i-standby", "1", LifecycleState="Standby"), instance("i-protected", "1", ProtectedFromScaleIn=True)
WARM = instance("i-warm", "1", LifecycleState="Warmed:Stopped")


@pytest.mark.parametrize(
    ("changed", "instances", "goes"),
    [
        pytest.param({}, [OLD, NEW], ["i-old"], id="old ones"),
        pytest.param({"skip_matching": False}, [OLD, NEW], ["i-new", "i-old"], id="all"),
        pytest.param({}, [STANDBY, PROTECTED], ["i-protected", "i-standby"], id="kept ones are waited for"),
        pytest.param({"standby_instances": "Ignore"}, [OLD, STANDBY], ["i-old"], id="standby ignored"),
        pytest.param({"standby_instances": "Terminate"}, [STANDBY], ["i-standby"], id="standby terminated"),
        pytest.param({"scale_in_protected_instances": "Ignore"}, [OLD, PROTECTED], ["i-old"], id="protected ignored"),
        pytest.param({"scale_in_protected_instances": "Refresh"}, [PROTECTED], ["i-protected"], id="protected replaced"),
    ],
)
def test_which_instances_go(changed: dict[str, Any], instances: list[Any], goes: list[str]) -> None:
    decided = plan({**OPTIONS, **changed}, group("1", *instances), [], [])
    assert decided.replaces == tuple(goes)
    assert decided.call == "StartInstanceRefresh"


def test_warm_instances_go_too() -> None:
    assert plan(OPTIONS, group("1", OLD), [WARM], []).replaces == ("i-old", "i-warm")


def test_the_refresh_moves_the_group_so_that_there_is_a_way_back() -> None:
    decided = plan({**OPTIONS, "auto_rollback": True, "alarms": ["errors"]}, group("1", OLD), [], [])
    assert decided.parameters["DesiredConfiguration"] == {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}}
    assert decided.parameters["Preferences"]["AutoRollback"] is True
    assert decided.parameters["Preferences"]["AlarmSpecification"] == {"Alarms": ["errors"]}
    assert decided.warnings == ()
    assert "nothing to go back to" in plan({**OPTIONS, "auto_rollback": True}, group("2", OLD), [], []).warnings[0]


def test_mixed_instances_keep_their_policy() -> None:
    mixed = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "1"},
            "Overrides": [{"InstanceType": "m"}],
        }
    }
    decided = plan(OPTIONS, {"MixedInstancesPolicy": mixed, "Instances": [OLD]}, [], [])
    policy = decided.parameters["DesiredConfiguration"]["MixedInstancesPolicy"]["LaunchTemplate"]
    assert policy["LaunchTemplateSpecification"]["Version"] == "2"
    assert policy["Overrides"] == [{"InstanceType": "m"}]


@pytest.mark.parametrize(
    ("changed", "used", "instances", "refreshes", "call", "follow"),
    [
        pytest.param({}, "2", [NEW], [], "", "", id="nothing to do"),
        pytest.param({}, "1", [NEW], [], "StartInstanceRefresh", "", id="only the group has to move"),
        pytest.param({"skip_matching": False}, "2", [NEW], [], "StartInstanceRefresh", "", id="all again"),
        pytest.param({}, "1", [OLD], [refresh("InProgress")], "", "r-1", id="attach"),
        pytest.param({}, "1", [OLD], [refresh("Baking")], "", "r-1", id="attach while it bakes"),
        pytest.param({}, "1", [OLD], [refresh("Failed")], "StartInstanceRefresh", "", id="after a failure"),
        pytest.param({"state": "cancelled"}, "1", [OLD], [refresh("InProgress")], "CancelInstanceRefresh", "r-1", id="cancel"),
        pytest.param({"state": "cancelled"}, "1", [OLD], [refresh("Cancelling")], "", "r-1", id="being cancelled"),
        pytest.param({"state": "cancelled"}, "1", [OLD], [refresh("Successful")], "", "", id="nothing to cancel"),
        pytest.param({"state": "rolled_back"}, "1", [OLD], [refresh("InProgress")], "RollbackInstanceRefresh", "r-1", id="roll back"),
        pytest.param({"state": "rolled_back"}, "1", [OLD], [refresh("RollbackInProgress")], "", "r-1", id="being rolled back"),
        pytest.param({"state": "rolled_back"}, "1", [OLD], [refresh("RollbackSuccessful")], "", "", id="rolled back"),
    ],
)
def test_one_call_at_most(changed: Any, used: str, instances: Any, refreshes: Any, call: str, follow: str) -> None:
    decided = plan({**OPTIONS, **changed}, group(used, *instances), [], refreshes)
    assert (decided.call, decided.follow) == (call, follow)


@pytest.mark.parametrize(
    ("changed", "used", "refreshes", "words"),
    [
        ({"launch_template_version": "$Latest"}, "1", [], "may mean another version tomorrow"),
        ({"launch_template_version": None}, "$Latest", [], "pin it to a number first"),
        ({"min_healthy_percentage": 0, "max_healthy_percentage": 150}, "1", [], "at most 100 apart"),
        ({"max_healthy_percentage": 150}, "1", [], "at most 100 apart"),
        ({"min_healthy_percentage": 101}, "1", [], "not between 0 and 100"),
        ({"checkpoint_percentages": [50, 50]}, "1", [], "each larger than the one before"),
        ({"checkpoint_percentages": [0, 50]}, "1", [], "each larger than the one before"),
        ({}, "1", [refresh("InProgress", "3")], "to version 3 is running"),
        ({"state": "rolled_back"}, "1", [refresh("Failed")], "the last one: Failed"),
        ({"state": "rolled_back"}, "1", [], "the last one: none"),
    ],
)
def test_refusals(changed: Any, used: str, refreshes: Any, words: str) -> None:
    with pytest.raises(ServiceError, match=words.replace("$", r"\$")):
        plan({**OPTIONS, **changed}, group(used, OLD), [], refreshes)


def test_a_group_that_is_missing_or_has_no_template_is_told() -> None:
    with pytest.raises(ServiceError, match="no Auto Scaling group web"):
        plan(OPTIONS, {}, [], [])
    with pytest.raises(ServiceError, match="no launch template"):
        plan(OPTIONS, {"LaunchConfigurationName": "x"}, [], [])


def test_only_preferences_that_are_given_are_sent() -> None:
    assert preferences({"bake_time": 60, "alarms": None, "skip_matching": True}) == {"BakeTime": 60, "SkipMatching": True}
