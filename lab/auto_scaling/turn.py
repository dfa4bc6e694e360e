# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One group's turn of a tick: the group, what the rest of AWS says, and the calls that it may make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lab.auto_scaling.model import Document, Group, Member, Template, identifier, moment, stamp
from lab.clock import Clock

ACTIVITIES_KEPT = 200


class World(Protocol):
    """The calls that Auto Scaling makes to other services."""

    def resolve(self, specification: Document) -> Template:
        """The launch template with $Latest, $Default or nothing made a number."""

    def launch(self, group: Group, template: Template, subnet: str, instance_type: str | None) -> Document:
        """A new instance, as RunInstances describes it."""

    def start(self, instance: str) -> None: ...

    def stop(self, instance: str, hibernate: bool) -> None: ...

    def terminate(self, instance: str) -> None: ...

    def detach(self, group: Group, instance: str) -> None:
        """It lives on without the group's tag."""

    def register(self, groups: list[str], instance: str) -> None: ...

    def deregister(self, groups: list[str], instance: str) -> None: ...

    def zones(self, subnets: list[str]) -> dict[str, str]:
        """Subnet -> Availability Zone."""

    def notify(self, target: str, message: Document) -> None: ...


@dataclass(frozen=True)
class Facts:
    instances: Mapping[str, str] = field(default_factory=dict)  # id -> state by EC2
    impaired: frozenset[str] = frozenset()  # ids whose status check fails
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # target group -> id -> state of health
    alarms: Mapping[str, str] = field(default_factory=dict)  # name -> state
    values: Mapping[str, float] = field(default_factory=dict)  # name of an alarm -> the metric's last value


@dataclass
class Turn:
    group: Group
    facts: Facts
    world: World
    clock: Clock
    leaving: set[str] = field(default_factory=set)  # deregistered in this turn: the facts of their targets are older

    @property
    def now(self) -> float:
        return self.clock.now()

    def elapsed(self, since: float) -> float:
        return self.clock.elapsed(since)

    def begin(self, member: Member, description: str, cause: str) -> None:
        """An activity: what DescribeScalingActivities shows until `finish` and afterwards."""
        document: Document = {
            "ActivityId": identifier(),
            "AutoScalingGroupName": self.group.name,
            "AutoScalingGroupARN": self.group.arn,
            "Description": f"{description}: {member.id}",
            "Cause": f"At {stamp(self.now)} {cause}",
            "StartTime": moment(self.now),
            "StatusCode": "InProgress",
            "Progress": 30,
            "Details": json.dumps({"Subnet ID": member.subnet, "Availability Zone": member.zone}),
        }
        member.activity = document
        self.record(document)

    def record(self, document: Document) -> None:
        self.group.activities.insert(0, document)
        del self.group.activities[ACTIVITIES_KEPT:]

    def finish(self, member: Member, status: str = "Successful", message: str = "") -> None:
        if member.activity is not None:
            member.activity.update(StatusCode=status, Progress=100, EndTime=moment(self.now))
            if message:
                member.activity["StatusMessage"] = message
            member.activity = None

    def says(self, member: Member, status: str) -> None:
        if member.activity is not None:
            member.activity["StatusCode"] = status

    def target_states(self, member: Member) -> list[str]:
        """What each target group of the group says of the instance; "" where it is not registered."""
        return [self.facts.targets.get(arn, {}).get(member.id, "") for arn in self.group.settings["TargetGroupARNs"]]

    def tell(self, kind: str, member: Member, cause: str) -> None:
        """A notification of the group (autoscaling/ec2/userguide/ec2-auto-scaling-sns-notifications.html)."""
        for topic, kinds in self.group.notifications.items():
            if kind in kinds:
                message = {"Event": kind, "AutoScalingGroupName": self.group.name, "EC2InstanceId": member.id, "Cause": cause}
                self.world.notify(topic, {**message, "Service": "AWS Auto Scaling", "Time": stamp(self.now)})
