# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a component shall be, and what AWS has of it. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Ref, ServiceError

OWNER = "aiportal:autoscaled-service"  # tag: the component that made a resource, and that alone changes or removes it


@dataclass(frozen=True)
class Service:
    """One component as it is asked for. An option that is None is left alone."""

    name: str
    options: Api

    def get(self, option: str) -> Any:
        return self.options.get(option)

    def several(self, option: str) -> list[Api]:
        return list(self.options.get(option) or [])

    @property
    def target_groups(self) -> list[Api]:
        """Each with its name: the component's own, unless it is given."""
        return [{**group, "name": group.get("name") or self.name} for group in self.several("target_groups")]

    @property
    def balancer(self) -> Api:
        return self.options.get("load_balancer") or {}

    @property
    def hooks_launch(self) -> list[Api]:
        return [hook for hook in self.several("lifecycle_hooks") if hook["transition"] == "launching"]


@dataclass(frozen=True)
class Seen:
    """The API's answers about one component. Empty is what is not there; None what was not asked for, as it is left alone."""

    group: Api = field(default_factory=dict)
    template: Api = field(default_factory=dict)
    versions: list[Api] = field(default_factory=list)
    target_groups: Mapping[str, Api] = field(default_factory=dict)  # by name, with Attributes
    balancer: Api = field(default_factory=dict)  # with Attributes, if the component may change it
    listeners: list[Api] = field(default_factory=list)
    rules: Mapping[str, list[Api]] = field(default_factory=dict)  # by the listener's ARN
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of all of these by ARN
    policies: list[Api] | None = None
    alarms: list[Api] | None = None
    schedules: list[Api] | None = None
    hooks: list[Api] | None = None
    warm_pool: Api | None = None
    notifications: list[Api] | None = None

    def target_group_arn(self, name: str) -> str | Ref:
        known = self.target_groups.get(name)
        return str(known["TargetGroupArn"]) if known else Ref(f"create target group {name}", ("TargetGroups", 0, "TargetGroupArn"))

    def balancer_arn(self, name: str) -> str | Ref:
        known = self.balancer.get("LoadBalancerArn")
        return str(known) if known else Ref(f"create load balancer {name}", ("LoadBalancers", 0, "LoadBalancerArn"))

    @property
    def group_tags(self) -> dict[str, str]:
        return plain(self.group.get("Tags", []))


def plain(tags: list[Api]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def claimed(service: Service, resource: str, tags: Mapping[str, str]) -> None:
    """Two components must not claim one resource, and what others made is not ours to change."""
    owner = tags.get(OWNER)
    if owner == service.name:
        return
    whose = f"belongs to component {owner}" if owner else "was not made by this module"
    raise ServiceError(
        f"{resource} exists and {whose}: choose another name, port or priority, or tag it {OWNER}={service.name} to hand it over"
    )
