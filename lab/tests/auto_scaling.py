# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of Auto Scaling share: a clock that is set, and a world that remembers what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.auto_scaling import machine
from lab.auto_scaling.api.groups import DEFAULTS
from lab.auto_scaling.model import Document, Group, Member, Store, Template
from lab.auto_scaling.turn import Facts, Turn
from lab.clock import Clock

ZONES = {"subnet-a": "eu-west-1a", "subnet-b": "eu-west-1b", "subnet-c": "eu-west-1c"}
START = 1_000_000.0


@dataclass
class FakeWorld:
    """EC2 and Elastic Load Balancing as far as a group sees them: calls change the facts at once."""

    now: float = START
    versions: int = 1
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    instances: dict[str, str] = field(default_factory=dict)
    impaired: set[str] = field(default_factory=set)
    targets: dict[str, dict[str, str]] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    healthy_versions: set[str] = field(default_factory=lambda: {"1", "2"})  # whose instances pass the balancer's checks
    drains: bool = False  # deregistered targets stay draining until the test says otherwise
    templates: dict[str, str] = field(default_factory=dict)
    refuses: str = ""

    def facts(self) -> Facts:
        targets = {arn: dict(states) for arn, states in self.targets.items()}
        return Facts(dict(self.instances), frozenset(self.impaired), targets, dict(self.alarms), dict(self.values))

    def resolve(self, specification: Document) -> Template:
        version = specification.get("Version") or "1"
        version = str(self.versions) if version.startswith("$") else version
        return {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web", "Version": version}

    def launch(self, group: Group, template: Template, subnet: str, instance_type: str | None) -> Document:
        if self.refuses:
            raise RuntimeError(self.refuses)
        identifier = f"i-{len(self.instances) + 1}"
        self.instances[identifier], self.templates[identifier] = "running", template["Version"]
        self.calls.append(("launch", identifier, subnet))
        return {"InstanceId": identifier, "InstanceType": instance_type or "t3.micro"}

    def start(self, instance: str) -> None:
        self._set("start", instance, "running")

    def stop(self, instance: str, hibernate: bool) -> None:
        self._set("hibernate" if hibernate else "stop", instance, "stopped")

    def terminate(self, instance: str) -> None:
        self._set("terminate", instance, "terminated")

    def _set(self, call: str, instance: str, state: str) -> None:
        self.calls.append((call, instance))
        self.instances[instance] = state

    def detach(self, group: Group, instance: str) -> None:
        self.calls.append(("detach", instance))

    def register(self, groups: list[str], instance: str) -> None:
        self.calls.append(("register", instance))
        for arn in groups:
            self.targets.setdefault(arn, {})[instance] = "healthy" if self.templates.get(instance) in self.healthy_versions else "unhealthy"

    def deregister(self, groups: list[str], instance: str) -> None:
        self.calls.append(("deregister", instance))
        for arn in groups:
            if self.drains:
                self.targets[arn][instance] = "draining"
            else:
                self.targets[arn].pop(instance, None)

    def zones(self, subnets: list[str]) -> dict[str, str]:
        return {subnet: ZONES[subnet] for subnet in subnets}

    def notify(self, target: str, message: Document) -> None:
        self.calls.append(("notify", target, message))

    def asked(self, call: str) -> list[str]:
        return [one[1] for one in self.calls if one[0] == call]


class Case:
    """One group, ticked by hand."""

    def __init__(self, desired: int = 2, **settings: Any) -> None:
        self.world = FakeWorld()
        self.clock = Clock(1.0, lambda: self.world.now)
        given = {
            "AutoScalingGroupName": "web",
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": desired,
            "VPCZoneIdentifier": ",".join(ZONES),
            "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"},
        }
        self.group = Group({**DEFAULTS, **given, **settings}, [], "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:x", START)
        self.group.scheduled_at = START
        self.store = Store()
        self.store.groups["web"] = self.group

    def tick(self, seconds: float = 0.0, times: int = 1) -> None:
        for _ in range(times):
            self.world.now += seconds
            machine.tick(self.store, self.world.facts(), self.world, self.clock)

    def settle(self) -> Case:
        self.tick(times=4)
        return self

    @property
    def turn(self) -> Turn:
        return Turn(self.group, self.world.facts(), self.world, self.clock)

    @property
    def states(self) -> dict[str, str]:
        return {member.id: member.state for member in self.group.members}

    def member(self, identifier: str) -> Member:
        member = self.group.member(identifier)
        assert member is not None
        return member

    def statuses(self) -> list[tuple[str, str]]:
        return [(activity["Description"], activity["StatusCode"]) for activity in self.group.activities]


def hook(name: str, transition: str, result: str = "ABANDON", timeout: int = 60) -> Document:
    return {"LifecycleHookName": name, "LifecycleTransition": transition, "HeartbeatTimeout": timeout, "DefaultResult": result}
