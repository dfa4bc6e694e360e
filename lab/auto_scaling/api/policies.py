# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies, with the alarms that target tracking makes, and scheduled actions."""

from __future__ import annotations

from datetime import UTC, datetime

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from lab.auto_scaling import alarms, scaling, schedule
from lab.auto_scaling.api import policy_checks
from lab.auto_scaling.api.base import Base
from lab.auto_scaling.model import STORE, Document, Group, identifier, moment
from lab.clock import CLOCK


class Policies(Base):
    def put_scaling_policy(self) -> ActionResult:
        group, given = self.group(), self.given
        kind = given.get("PolicyType") or "SimpleScaling"
        policy_checks.check(kind, given, group)
        known = group.policies.get(given["PolicyName"], {})
        policy = {"Enabled": True, **given, "PolicyType": kind, "AutoScalingGroupName": group.name}
        arn = self.arn("scalingPolicy", identifier(), group.name, f":policyName/{given['PolicyName']}")
        policy["PolicyARN"] = known.get("PolicyARN") or arn
        policy["Alarms"] = self._alarms(group, policy) if kind == "TargetTrackingScaling" else []
        if kind == "TargetTrackingScaling":
            policy["TargetTrackingConfiguration"].setdefault("DisableScaleIn", False)
        for gone in known.get("Alarms", []):
            if gone not in policy["Alarms"]:
                self.alarms.pop(gone["AlarmName"], None)
        group.policies[given["PolicyName"]] = policy
        return ActionResult({"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]})

    def _alarms(self, group: Group, policy: Document) -> list[Document]:
        """One above the target, one below, unless scale-in is off; with the names that the policy's alarms have already."""
        backend, made = self.cloudwatch, []
        low = not policy["TargetTrackingConfiguration"].get("DisableScaleIn")
        for kind in (scaling.HIGH, scaling.LOW) if low else (scaling.HIGH,):
            known = group.policies.get(policy["PolicyName"], {}).get("Alarms", [])
            name = next((one["AlarmName"] for one in known if f"-{kind}-" in one["AlarmName"]), "")
            name = name or f"TargetTracking-{group.name}-{kind}-{identifier()}"
            alarm = backend.put_metric_alarm(**alarms.tracking(name, kind, group, policy))
            made.append({"AlarmName": name, "AlarmARN": alarm.alarm_arn})
        return made

    def describe_policies(self) -> ActionResult:
        name, given = self.given.get("AutoScalingGroupName"), self.given
        found = [policy for group in STORE if not name or group.name == name for policy in group.policies.values()]
        names, kinds = given.get("PolicyNames") or [], given.get("PolicyTypes") or []
        found = [one for one in found if not names or one["PolicyName"] in names or one["PolicyARN"] in names]
        rows = [self._with_alarms(one) for one in found if not kinds or one["PolicyType"] in kinds]
        return self.page("ScalingPolicies", rows)

    def _with_alarms(self, policy: Document) -> Document:
        return {**policy, "Alarms": alarms.of_policy(self.alarms.values(), policy)}

    def delete_policy(self) -> ActionResult:
        wanted = self.given["PolicyName"]
        for group in STORE:
            for name, policy in list(group.policies.items()):
                if wanted in (name, policy["PolicyARN"]) and self.given.get("AutoScalingGroupName") in (None, group.name):
                    self.release_alarms([policy], with_group=False)
                    del group.policies[name]
        return self.nothing()

    def execute_policy(self) -> ActionResult:
        wanted = self.given["PolicyName"]
        for group in STORE:
            for policy in group.policies.values():
                if wanted in (policy["PolicyName"], policy["PolicyARN"]):
                    self._execute(group, policy)
                    return self.nothing()
        raise ValidationError(f"No policy found: {wanted}")

    def _execute(self, group: Group, policy: Document) -> None:
        if policy["PolicyType"] == "StepScaling":
            breach = float(self.given["MetricValue"]) - float(self.given["BreachThreshold"])
            amount = scaling.adjustment(policy["StepAdjustments"], breach)
        elif policy["PolicyType"] == "SimpleScaling":
            amount = int(policy["ScalingAdjustment"])
        else:
            raise ValidationError("A target tracking policy cannot be executed")
        if amount is not None:
            group.resize(scaling.adjusted(group.desired, policy, amount), f"a user request executed policy {policy['PolicyName']}")
            group.scaled_at = CLOCK.now()

    # Scheduled actions

    def put_scheduled_update_group_action(self) -> ActionResult:
        self._schedule(self.group(), self.given)
        return self.nothing()

    def batch_put_scheduled_update_group_action(self) -> ActionResult:
        group, failed = self.group(), []
        for action in self.given["ScheduledUpdateGroupActions"]:
            try:
                self._schedule(group, action)
            except ValidationError as error:
                failed.append(
                    {"ScheduledActionName": action["ScheduledActionName"], "ErrorCode": error.code, "ErrorMessage": error.message}
                )
        return ActionResult({"FailedScheduledUpdateGroupActions": failed})

    def _schedule(self, group: Group, given: Document) -> None:
        action = {key: value for key, value in given.items() if key not in ("AutoScalingGroupName", "Time")}
        if given.get("Time"):
            action.setdefault("StartTime", given["Time"])
        for key in ("StartTime", "EndTime"):
            if isinstance(action.get(key), datetime):  # as sent by boto3: in UTC, but parsed without saying so
                action[key] = action[key].replace(tzinfo=UTC)
        if not any(action.get(key) is not None for key in ("MinSize", "MaxSize", "DesiredCapacity")):
            raise ValidationError("At least one of MinSize, MaxSize and DesiredCapacity must be specified.")
        try:
            action_time = schedule.next_time(action, moment(CLOCK.now()))
        except (ValueError, KeyError) as error:
            raise ValidationError(f"Given recurrence string or time zone is invalid: {error}") from error
        if action_time is None:
            raise ValidationError("Given start time is in the past")
        action["AutoScalingGroupName"] = group.name
        name = action["ScheduledActionName"]
        action["ScheduledActionARN"] = self.arn("scheduledUpdateGroupAction", identifier(), group.name, f":scheduledActionName/{name}")
        group.scheduled[name] = action

    def describe_scheduled_actions(self) -> ActionResult:
        name, wanted = self.given.get("AutoScalingGroupName"), self.given.get("ScheduledActionNames") or []
        rows = [
            {**action, "StartTime": schedule.next_time(action, moment(CLOCK.now()))}
            for group in STORE
            if not name or group.name == name
            for action in group.scheduled.values()
        ]
        return self.page("ScheduledUpdateGroupActions", [row for row in rows if not wanted or row["ScheduledActionName"] in wanted])

    def delete_scheduled_action(self) -> ActionResult:
        if self.group().scheduled.pop(self.given["ScheduledActionName"], None) is None:
            raise ValidationError("Scheduled action name not found")
        return self.nothing()

    def batch_delete_scheduled_action(self) -> ActionResult:
        for name in self.given["ScheduledActionNames"]:
            self.group().scheduled.pop(name, None)
        return ActionResult({"FailedScheduledActions": []})
