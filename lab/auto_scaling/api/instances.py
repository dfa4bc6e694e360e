# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of groups: terminating, standby, detaching and attaching, health, protection."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from lab.auto_scaling import health, lifecycle
from lab.auto_scaling.api.base import Base, instance_document
from lab.auto_scaling.model import IN_SERVICE, STANDBY, STORE, Group, Member
from lab.auto_scaling.turn import Facts, Turn
from lab.auto_scaling.world import passive
from lab.clock import CLOCK


class Instances(Base):
    def describe_auto_scaling_instances(self) -> ActionResult:
        wanted = self.given.get("InstanceIds") or []
        pairs = [(group, member) for group in STORE for member in group.members if not wanted or member.id in wanted]
        return self.page("AutoScalingInstances", [instance_document(member, group) for group, member in pairs])

    def terminate_instance_in_auto_scaling_group(self) -> ActionResult:
        group, member = self.member(self.given["InstanceId"])
        if member.terminating:
            raise ValidationError(f"The instance {member.id} is already being terminated")
        if member.warm and self.given.get("ShouldDecrementDesiredCapacity"):
            raise ValidationError("You cannot decrement the desired capacity for an instance in the warm pool")
        shrink = self._shrink(group)
        turn = self.turn(group)
        lifecycle.leave(turn, member, f"instance {member.id} was taken out of service in response to a user request{shrink}")
        return ActionResult({"Activity": member.activity})

    def set_instance_health(self) -> ActionResult:
        group, member = self.member(self.given["InstanceId"])
        healthy = self.given["HealthStatus"] == "Healthy"
        respect = self.given.get("ShouldRespectGracePeriod", True)
        if not healthy and respect and health.in_grace(self.turn(group), member):
            return self.nothing()
        member.healthy, member.why_unhealthy = healthy, "" if healthy else health.USER
        return self.nothing()

    def set_instance_protection(self) -> ActionResult:
        for member in self._members(self.group()):
            member.protected = bool(self.given["ProtectedFromScaleIn"])
        return self.nothing()

    def detach_instances(self) -> ActionResult:
        return self._move(lifecycle.detach, "was detached in response to a user request", (IN_SERVICE, STANDBY))

    def enter_standby(self) -> ActionResult:
        return self._move(lifecycle.stand_by, "was moved to standby in response to a user request", (IN_SERVICE,))

    def exit_standby(self) -> ActionResult:
        group = self.group()
        members = self._members(group, (STANDBY,))
        if group.desired + len(members) > int(group.settings["MaxSize"]):
            raise ValidationError(
                f"AutoScalingGroup {group.name} has max-size={group.settings['MaxSize']} and cannot take {len(members)} more instances"
            )
        group.settings["DesiredCapacity"] = group.desired + len(members)
        for member in members:
            lifecycle.leave_standby(
                self.turn(group), member, f"instance {member.id} was moved out of standby in response to a user request"
            )
        return ActionResult({"Activities": [member.activity for member in members]})

    def attach_instances(self) -> ActionResult:
        group = self.group()
        identifiers = self.given.get("InstanceIds") or []
        if group.desired + len(identifiers) > int(group.settings["MaxSize"]):
            raise ValidationError(f"AutoScalingGroup {group.name} has max-size={group.settings['MaxSize']}: the instances do not fit")
        for identifier in identifiers:
            if STORE.find(identifier):
                raise ValidationError(f"Instance {identifier} is already part of an Auto Scaling group")
            member = self._adopt(group, identifier)
            group.members.append(member)
            cause = f"instance {identifier} was attached in response to a user request"
            self.turn(group).begin(member, "Attaching an existing EC2 instance", cause)
        group.settings["DesiredCapacity"] = group.desired + len(identifiers)
        return self.nothing()

    def _adopt(self, group: Group, identifier: str) -> Member:
        from moto.ec2.models import ec2_backends

        backend: Any = ec2_backends[self.current_account][self.region]
        instance = backend.get_instance(identifier)
        backend.create_tags([identifier], {"aws:autoscaling:groupName": group.name})
        zone, subnet = instance.placement.zone, instance.subnet_id
        template = dict.fromkeys(("LaunchTemplateId", "LaunchTemplateName"), "") | {"Version": "0"}
        now = CLOCK.now()
        return Member(identifier, zone, subnet, instance.instance_type, template, "Pending:Proceed", now, now)

    def _move(self, transition: Any, what: str, states: tuple[str, ...]) -> ActionResult:
        group = self.group()
        members = self._members(group, states)
        shrink = self._shrink(group, sum(member.state == IN_SERVICE for member in members))
        for member in members:
            transition(self.turn(group), member, f"instance {member.id} {what}{shrink}")
        return ActionResult({"Activities": [member.activity for member in members]})

    def _members(self, group: Group, states: tuple[str, ...] = ()) -> list[Member]:
        found = []
        for identifier in self.given.get("InstanceIds") or []:
            member = group.member(identifier)
            if member is None:
                raise ValidationError(f"The instance {identifier} is not part of Auto Scaling group {group.name}.")
            if states and member.state not in states:
                raise ValidationError(f"The instance {identifier} is in {member.state}; it must be in {' or '.join(states)}.")
            found.append(member)
        return found

    def _shrink(self, group: Group, count: int = 1) -> str:
        if not self.given.get("ShouldDecrementDesiredCapacity") or not count:
            return "."
        before = group.desired
        if before - count < int(group.settings["MinSize"]):
            raise ValidationError(
                f"Currently, desiredSize equals minSize ({group.settings['MinSize']}). Terminating instance without replacement will "
                f"violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size."
            )
        group.settings["DesiredCapacity"] = before - count
        return f", shrinking the capacity from {before} to {group.desired}."

    def turn(self, group: Group) -> Turn:
        """For transitions that need nothing but the group: what follows is done by the next tick."""
        return Turn(group, Facts(), passive, CLOCK)
