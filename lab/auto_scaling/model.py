# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Auto Scaling knows of a group: its settings in the shape of the API, its instances, and what it is doing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# Lifecycle states: autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html, warm-pool-instance-lifecycle.html
PENDING, PENDING_WAIT, PENDING_PROCEED = "Pending", "Pending:Wait", "Pending:Proceed"
IN_SERVICE = "InService"
TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED = "Terminating", "Terminating:Wait", "Terminating:Proceed"
ENTERING_STANDBY, STANDBY, DETACHING = "EnteringStandby", "Standby", "Detaching"
WARMED = "Warmed:"
WARMED_READY = ("Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated")
LAUNCHING_HOOK, TERMINATING_HOOK = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"

Document = dict[str, Any]  # a structure as the API has it
Template = Mapping[str, str]  # LaunchTemplateId, LaunchTemplateName, Version: always a number


@dataclass
class Wait:
    """A lifecycle action that somebody has yet to complete."""

    token: str
    begun: float
    heartbeat: float


@dataclass
class Member:
    """An instance of a group."""

    id: str
    zone: str
    subnet: str
    type: str
    template: Template
    state: str
    since: float  # when it entered its state
    launched: float
    in_service_since: float = 0.0
    healthy: bool = True
    why_unhealthy: str = ""
    protected: bool = False
    registered: set[str] = field(default_factory=set)  # target groups
    returning: bool = False  # on its way back from service to the warm pool
    from_warm_pool: bool = False
    waits: dict[str, Wait] = field(default_factory=dict)  # by the name of the hook
    abandoned: bool = False
    activity: Document | None = None

    @property
    def warm(self) -> bool:
        return self.state.startswith(WARMED)

    @property
    def terminating(self) -> bool:
        return TERMINATING in self.state

    def enter(self, state: str, now: float) -> None:
        self.state, self.since = state, now


@dataclass
class Refresh:
    """An instance refresh."""

    document: Document  # as DescribeInstanceRefreshes shows it
    template: Document  # what instances are replaced by: the launch template's specification
    mixed: Document | None
    before: Document  # the group's specification when it began
    began: float
    progress_at: float
    updated: int = 0
    checkpoint_at: float = 0.0  # when the checkpoint was reached that it waits at; 0: it waits at none
    checkpoints_passed: int = 0
    baking_since: float = 0.0

    @property
    def status(self) -> str:
        return str(self.document["Status"])

    def preference(self, name: str, default: Any = None) -> Any:
        value = self.document["Preferences"].get(name)
        return default if value is None else value


@dataclass
class Group:
    settings: Document  # as CreateAutoScalingGroup takes them, with AWS' defaults filled in
    tags: list[Document]
    arn: str
    created: float
    members: list[Member] = field(default_factory=list)
    hooks: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, Document] = field(default_factory=dict)
    policy_at: dict[str, float] = field(default_factory=dict)  # when a policy last looked at its alarm
    scaled_at: float = 0.0  # when a simple scaling policy last changed the capacity
    scheduled: dict[str, Document] = field(default_factory=dict)
    scheduled_at: float = 0.0  # up to when scheduled actions have been carried out
    warm_pool: Document | None = None
    refreshes: list[Refresh] = field(default_factory=list)
    activities: list[Document] = field(default_factory=list)  # the newest first
    suspended: dict[str, str] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    notifications: dict[str, list[str]] = field(default_factory=dict)  # topic -> types
    cause: str = ""  # why the desired capacity is what it is
    deleting: bool = False
    launch_failed_at: float = 0.0

    @property
    def name(self) -> str:
        return str(self.settings["AutoScalingGroupName"])

    @property
    def desired(self) -> int:
        return int(self.settings["DesiredCapacity"])

    @property
    def subnets(self) -> list[str]:
        return [subnet for subnet in str(self.settings.get("VPCZoneIdentifier") or "").split(",") if subnet]

    @property
    def active(self) -> list[Member]:
        """What counts against the desired capacity."""
        return [member for member in self.members if member.state in (PENDING, PENDING_WAIT, PENDING_PROCEED, IN_SERVICE)]

    @property
    def warm(self) -> list[Member]:
        return [member for member in self.members if member.warm]

    @property
    def refresh(self) -> Refresh | None:
        """The one under way."""
        return next((refresh for refresh in self.refreshes if "EndTime" not in refresh.document), None)

    def member(self, identifier: str) -> Member | None:
        return next((member for member in self.members if member.id == identifier), None)

    def runs(self, process: str) -> bool:
        return process not in self.suspended

    def resize(self, desired: int, cause: str) -> None:
        """Sets the desired capacity, within the group's bounds."""
        desired = max(int(self.settings["MinSize"]), min(int(self.settings["MaxSize"]), desired))
        if desired != self.desired:
            self.cause = f"{cause} changing the desired capacity from {self.desired} to {desired}."
            self.settings["DesiredCapacity"] = desired


class Store:
    """All groups. One lock for all: the API and the ticks take turns."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.lock = threading.RLock()

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self.groups.values()))

    def reset(self) -> None:
        self.groups.clear()

    def find(self, instance: str) -> tuple[Group, Member] | None:
        for group in self:
            if member := group.member(instance):
                return group, member
        return None


STORE = Store()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def stamp(seconds: float) -> str:
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def identifier() -> str:
    return str(uuid.uuid4())
