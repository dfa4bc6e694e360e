# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refresh that is started, raced, not seen yet, and followed; AWS is a script of answers, time is counted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_run import Refresh
from botocore.exceptions import ClientError

TEMPLATE = {"LaunchTemplateId": "lt-1", "Version": "1"}
GROUP = {
    "AutoScalingGroupName": "web",
    "LaunchTemplate": TEMPLATE,
    "Instances": [{"InstanceId": "i-1", "LifecycleState": "InService", "LaunchTemplate": TEMPLATE}],
}
OPTIONS: dict[str, Any] = {
    "name": "web",
    "state": "refreshed",
    "launch_template_version": "2",
    "auto_rollback": True,
    "skip_matching": True,
    "standby_instances": "Wait",
    "scale_in_protected_instances": "Wait",
    "wait": True,
    "wait_timeout": 60,
}


def seen(status: str, percentage: int = 0, identifier: str = "r-2") -> dict[str, Any]:
    to = {"LaunchTemplate": {**TEMPLATE, "Version": "2"}}
    return {"InstanceRefreshId": identifier, "Status": status, "PercentageComplete": percentage, "DesiredConfiguration": to}


OLD = {**seen("Failed", identifier="r-1"), "StatusReason": "an earlier one"}


class Aws:
    """Answers to describe_instance_refreshes one after the other, the last for ever; errors of the calls that change something."""

    def __init__(self, *answers: list[dict[str, Any]], errors: tuple[str, ...] = ()) -> None:
        self.answers, self.errors = list(answers), list(errors)
        self.calls: list[str] = []

    def __getitem__(self, service: str) -> Aws:
        return self

    def describe_auto_scaling_groups(self, **_: Any) -> Any:
        return {"AutoScalingGroups": [GROUP]}

    def describe_warm_pool(self, **_: Any) -> Any:
        return {}

    def describe_instance_refreshes(self, **_: Any) -> Any:
        return {"InstanceRefreshes": self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]}

    def start_instance_refresh(self, **_: Any) -> Any:
        return self._change("start")

    def rollback_instance_refresh(self, **_: Any) -> Any:
        return self._change("rollback")

    def _change(self, what: str) -> Any:
        self.calls.append(what)
        if self.errors:
            raise ClientError({"Error": {"Code": self.errors.pop(0), "Message": "said AWS"}}, what)
        return {"InstanceRefreshId": "r-2"}


def run(aws: Aws, **options: Any) -> Refresh:
    passed = [0.0]
    made = Refresh(aws, {**OPTIONS, **options}, False, lambda: passed[0], lambda seconds: passed.append(passed.pop() + seconds))  # type: ignore[arg-type]
    made.act()
    return made


def test_a_refresh_is_followed_though_it_is_not_seen_at_first() -> None:
    """DescribeInstanceRefreshes is eventually consistent: what was just started may be missing, and an older one be the newest."""
    aws = Aws([OLD], [OLD], [OLD], [seen("InProgress", 50), OLD], [seen("Successful", 100), OLD])
    done = run(aws)
    assert aws.calls == ["start"]
    assert [(line["status"], line["percentage_complete"]) for line in done.progress] == [
        ("Pending", 0),
        ("InProgress", 50),
        ("Successful", 100),
    ]
    assert done.last()["Status"] == "Successful"


def test_without_waiting_the_one_that_was_started_is_answered_not_an_older_one() -> None:
    assert run(Aws([OLD]), wait=False).last() == {"InstanceRefreshId": "r-2", "Status": "Pending"}


def test_a_start_that_another_run_won_attaches_to_its_refresh() -> None:
    aws = Aws([OLD], [seen("InProgress"), OLD], [seen("Successful", 100), OLD], errors=("InstanceRefreshInProgress",))
    done = run(aws)
    assert aws.calls == ["start"]
    assert done.last()["Status"] == "Successful"


def test_a_rollback_of_what_has_just_ended_is_refused() -> None:
    aws = Aws([seen("InProgress")], [seen("Successful")], errors=("ActiveInstanceRefreshNotFound",))
    with pytest.raises(ServiceError, match="no refresh of web is running that could be rolled back"):
        run(aws, state="rolled_back")
    assert aws.calls == ["rollback"]


def test_other_refusals_of_aws_are_told_with_the_name() -> None:
    with pytest.raises(ServiceError, match="could not refresh web: LimitExceeded: said AWS"):
        run(Aws([OLD], errors=("LimitExceeded",)))


def test_a_wait_that_ends_says_what_was_seen_last_and_that_it_goes_on() -> None:
    with pytest.raises(ServiceError, match=r"waited 60 s for refresh r-2 of web; last seen: InProgress 50 %.* 1 InService; it goes on"):
        run(Aws([OLD], [seen("InProgress", 50)]))


def test_runs_that_keep_ending_each_other_s_refreshes_give_up() -> None:
    with pytest.raises(ServiceError, match="other runs keep starting and ending refreshes"):
        run(Aws([OLD], errors=("InstanceRefreshInProgress",) * 9))
