# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the API share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from lab.auto_scaling.alarms import acting_on
from lab.auto_scaling.model import STORE, Document, Group, Member

PAGE = 50


class Base(BaseResponse):
    def __init__(self) -> None:
        super().__init__(service_name="autoscaling")
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        with STORE.lock:
            return super().call_action()

    @property
    def given(self) -> Document:
        return dict(self._get_params())

    def arn(self, kind: str, identifier: str, group: str, rest: str = "") -> str:
        return f"arn:aws:autoscaling:{self.region}:{self.current_account}:{kind}:{identifier}:autoScalingGroupName/{group}{rest}"

    def group(self, name: str | None = None) -> Group:
        name = name or self.given.get("AutoScalingGroupName")
        group = STORE.groups.get(str(name))
        if group is None:
            raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        return group

    def member(self, identifier: str) -> tuple[Group, Member]:
        found = STORE.find(identifier)
        if found is None:
            raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {identifier}")
        return found

    @property
    def alarms(self) -> dict[str, Any]:
        """CloudWatch's, by name."""
        found: dict[str, Any] = self.cloudwatch.alarms
        return found

    @property
    def cloudwatch(self) -> Any:
        return cloudwatch_backends[self.current_account][self.region]

    def release_alarms(self, policies: Iterable[Document], with_group: bool) -> None:
        """What target tracking made goes with its policy. Other alarms lose the action; without any left they go with the group,
        but not with a policy. AWS: API_DeletePolicy.html, API_DeleteAutoScalingGroup.html"""
        for policy in policies:
            for alarm in acting_on(self.alarms.values(), policy):
                alarm.alarm_actions = [arn for arn in alarm.alarm_actions if arn != policy["PolicyARN"]]
                idle = not (alarm.alarm_actions or alarm.ok_actions or alarm.insufficient_data_actions)
                if idle and (with_group or {"AlarmName": alarm.name, "AlarmARN": alarm.alarm_arn} in policy["Alarms"]):
                    del self.alarms[alarm.name]

    def page(self, key: str, rows: Sequence[Any]) -> ActionResult:
        """One page; the token is where the next one starts."""
        start, size = int(self.given.get("NextToken") or 0), int(self.given.get("MaxRecords") or PAGE)
        answer: Document = {key: list(rows[start : start + size])}
        if start + size < len(rows):
            answer["NextToken"] = str(start + size)
        return ActionResult(answer)

    @staticmethod
    def nothing() -> ActionResult:
        return EmptyResult()


def refuse(code: str, message: str) -> AutoscalingClientError:
    return AutoscalingClientError(code, message)


def instance_document(member: Member, group: Group | None = None) -> Document:
    document: Document = {
        "InstanceId": member.id,
        "InstanceType": member.type,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.state,
        "HealthStatus": "Healthy" if member.healthy else "Unhealthy",
        "LaunchTemplate": dict(member.template),
        "ProtectedFromScaleIn": member.protected,
    }
    if group:
        # Here, unlike in DescribeAutoScalingGroups, the status is in capitals.
        document.update(AutoScalingGroupName=group.name, HealthStatus=document["HealthStatus"].upper())
    return document
