# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refresh and a look at the component, against the lab's control plane."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.modules import autoscaled_service_info, autoscaled_service_refresh

from lab.tests.autoscaled import Account, calls, fixture_account, fixture_served  # noqa: F401


@pytest.fixture(name="old")
def fixture_old(account: Account) -> Account:
    """Two instances of version 1 in service, and a version 2 that the group is not on yet. Without a balancer, which nobody plays here."""
    options = plain(account)
    account.made(options)
    account.settle(["InService"] * 2)
    options["launch_template"].update(image_id=account.newer, adopt="by_refresh")
    made = account.made(options)
    assert made["autoscaled_service"]["launch_template_version"] == "1"
    assert made["autoscaled_service"]["wanted_launch_template_version"] == "2"
    assert account.made(options)["changed"] is False
    account.served.forget()
    return account


def plain(account: Account) -> dict[str, Any]:
    alone: dict[str, Any] = {"load_balancer": None, "target_groups": None, "health_check_type": "EC2", "default_instance_warmup": 0}
    return account.component(**alone, health_check_period=120)


def refresh(account: Account, /, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"name": "gateway", "wait_timeout": 60, **options}
    return account.run(given, check, autoscaled_service_refresh)


def versions(account: Account) -> list[str]:
    return [each["LaunchTemplate"]["Version"] for each in account.asg()["Instances"]]


def test_check_mode_says_which_instances_would_go(old: Account) -> None:
    result = refresh(old, check=True, launch_template_version="2")
    assert sorted(result["replaces"]) == sorted(each["InstanceId"] for each in old.asg()["Instances"])
    assert calls(result) == ["autoscaling:StartInstanceRefresh"]
    assert old.served.changes == []


def test_a_refresh_replaces_all_and_moves_the_group_and_then_there_is_nothing_to_do(old: Account) -> None:
    result = refresh(old, launch_template_version="2", min_healthy_percentage=100, max_healthy_percentage=200)
    assert not result.get("failed"), result["msg"]
    assert result["instance_refresh"]["status"] == "Successful"
    assert result["progress"][-1]["percentage_complete"] == 100
    assert versions(old) == ["2", "2"]
    assert old.asg()["LaunchTemplate"]["Version"] == "2"
    old.served.forget()
    again = refresh(old)
    assert (again["changed"], again["replaces"]) == (False, [])
    assert old.served.changes == []


def test_a_second_start_attaches_and_another_version_is_refused_and_it_can_be_cancelled(old: Account) -> None:
    slow: dict[str, Any] = {"launch_template_version": "2", "checkpoint_percentages": [50, 100], "checkpoint_delay": 3600}
    started = refresh(old, wait=False, **slow)
    assert started["changed"] is True
    attached = refresh(old, wait=False, **slow)
    assert (attached["changed"], calls(attached)) == (False, [])
    refused = refresh(old, launch_template_version="1")
    assert "to version 2 is running" in refused["msg"]
    cancelled = refresh(old, state="cancelled")
    assert not cancelled.get("failed"), cancelled["msg"]
    assert cancelled["instance_refresh"]["status"] == "Cancelled"
    assert refresh(old, state="cancelled")["changed"] is False


def test_two_starts_at_once_are_one_refresh_that_both_wait_for(old: Account) -> None:
    options = {"name": "gateway", "launch_template_version": "2", "min_healthy_percentage": 0, "wait_timeout": 60}
    both = old.made_at_once(options, 2, "autoscaled_service_refresh")
    assert [result.get("msg") for result in both if result.get("failed")] == []
    assert {result["instance_refresh"]["status"] for result in both} == {"Successful"}
    assert sorted(result["changed"] for result in both) == [False, True]
    assert len(old.clients["autoscaling"].describe_instance_refreshes(AutoScalingGroupName="gateway")["InstanceRefreshes"]) == 1


@pytest.mark.parametrize("action", ["StartInstanceRefresh", "DescribeInstanceRefreshes", "DescribeAutoScalingGroups"])
def test_throttling_is_outlasted(old: Account, action: str) -> None:
    old.served.fail(action, "Throttling", "Rate exceeded", times=2)
    result = refresh(old, launch_template_version="2", min_healthy_percentage=0)
    assert not result.get("failed"), result["msg"]
    assert (result["instance_refresh"]["status"], versions(old)) == ("Successful", ["2", "2"])


def test_a_refresh_is_rolled_back_on_request(old: Account) -> None:
    refresh(old, wait=False, launch_template_version="2", checkpoint_percentages=[50, 100], checkpoint_delay=3600)
    result = refresh(old, state="rolled_back")
    assert not result.get("failed"), result["msg"]
    assert set(versions(old)) == {"1"}
    assert refresh(old, state="rolled_back")["changed"] is False


def test_bad_input_is_refused(old: Account) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"launch_template_version": "$Latest"}, "may mean another version tomorrow"),
        ({"min_healthy_percentage": 0, "max_healthy_percentage": 200}, "at most 100 apart"),
        ({"checkpoint_percentages": [50, 20]}, "each larger than the one before"),
        ({"state": "rolled_back"}, "no refresh of gateway is running"),
        ({"name": "nobody"}, "there is no Auto Scaling group nobody"),
    ]
    for options, words in refused:
        assert words in refresh(old, **{"launch_template_version": "2", **options})["msg"]
    assert old.served.changes == []


def test_a_look_at_the_component(old: Account) -> None:
    old.clients["autoscaling"].suspend_processes(AutoScalingGroupName="gateway", ScalingProcesses=["Launch"])
    old.served.forget()
    found = old.run({"name": "gateway"}, module=autoscaled_service_info)["autoscaled_services"][0]
    assert (found["in_service"], found["launch_template_version"], found["latest_version"]) == (2, "1", "2")
    assert [each["versions_behind"] for each in found["instances"]] == [0, 0]
    assert found["findings"] == ["process Launch is suspended: no instance is launched"]
    assert found["activities"][0]["status"] == "Successful"
    assert old.served.changes == []
    nobody = old.run({"name": "nobody"}, module=autoscaled_service_info)["autoscaled_services"][0]
    assert nobody["findings"] == ["there is no Auto Scaling group nobody in this region"]
