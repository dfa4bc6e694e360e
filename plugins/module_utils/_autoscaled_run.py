# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: reads, plans and applies until a component is as it shall be. Knows clients and clock, not Ansible."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_referents as referents
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_service as plans
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_wait as predicates
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_apply import Apply, Raced
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Plan, ServiceError, Step
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_read import read, read_group, read_outcome, read_warm_pool
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_refuse import refusals
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import Clients, filters, pages, unless_missing

ROUNDS = 8  # of two runs at once, each may find several things that the other made first


@dataclass(frozen=True)
class Outcome:
    plan: Plan  # of the first round: what was found to differ
    done: list[Step]
    seen: Seen


@dataclass(frozen=True)
class Run:
    """One run of the module."""

    clients: Clients
    service: Service
    removal: bool
    check: bool
    clock: predicates.Clock | None  # None does not wait for instances

    def to_the_end(self) -> Outcome:
        told = [] if self.removal else refusals(self.service)
        if told:
            raise ServiceError(" ".join(told))
        seen, plan = self._planned()
        outcome = Outcome(plan, [], seen)
        for attempt in range(ROUNDS):
            if self.check or not plan.steps:
                break
            apply = Apply(self.clients, self._until)
            try:
                apply.run(plan)
                outcome.done.extend(apply.done)
                seen = read(self.clients, self.service, True) if self.removal else read_outcome(self.clients, self.service)
                break
            except Raced:
                outcome.done.extend(apply.done)
                time.sleep(0.5 * (attempt + 1))
                seen, plan = self._planned()
        else:
            raise ServiceError(f"{self.service.name}: other runs keep changing it; let one of them end first")
        return Outcome(outcome.plan, outcome.done, self._served(seen))

    def _planned(self) -> tuple[Seen, Plan]:
        seen = read(self.clients, self.service, self.removal)
        if self.removal:
            return seen, plans.absent(self.service, seen)
        plan = plans.present(self.service, seen, "")
        asked = referents.questions(self.service, plan)
        found = ask(self.clients, asked) if asked else {}
        told = referents.problems(self.service, asked, found)
        if told:
            raise ServiceError(" ".join(told))
        vpc = referents.vpc(found)
        return seen, plans.present(self.service, seen, vpc) if vpc else plan

    def _served(self, seen: Seen) -> Seen:
        """Waits for instances, without a question when what was read already says that they serve."""
        if self.check or self.removal or self.clock is None or not predicates.all_serve(seen.group):
            return seen
        group = self.clock.wait(
            f"group {self.service.name}",
            lambda: read_group(self.clients, self.service.name),
            predicates.all_serve,
        )
        return Seen(**{**seen.__dict__, "group": group})

    def _until(self, condition: str) -> None:
        """Between steps there is always a wait: the next one would be refused."""
        name = self.service.name
        reading = read_warm_pool if condition == "no_warm_pool" else read_group
        clock = self.clock or predicates.Clock(600)
        clock.wait(f"group {name}", lambda: reading(self.clients, name), getattr(predicates, condition))


def ask(clients: Clients, asked: dict[str, Any]) -> dict[str, Any]:
    """What AWS has of the referents, side by side."""
    ec2 = clients["ec2"]
    by_filter = {
        "images": ("describe_images", "Images", "image_id"),
        "instance_types": ("describe_instance_types", "InstanceTypes", "instance_type"),
        "key_pairs": ("describe_key_pairs", "KeyPairs", "key_name"),
        "security_groups": ("describe_security_groups", "SecurityGroups", "group_id"),
        "subnets": ("describe_subnets", "Subnets", "subnet_id"),
    }
    with ThreadPoolExecutor(max_workers=8) as pool:
        found: dict[str, Future[Any]] = {
            kind: pool.submit(_by_filter, ec2, *by_filter[kind], names) for kind, names in asked.items() if kind in by_filter
        }
        if "instance_profile" in asked:
            found["instance_profile"] = pool.submit(_profile, clients, asked["instance_profile"])
        if "certificates" in asked:
            found["certificates"] = pool.submit(_certificates, clients, asked["certificates"])
        return {kind: future.result() for kind, future in found.items()}


def _by_filter(ec2: Any, operation: str, key: str, name: str, values: list[str]) -> list[Any]:
    asked = {"Filters": filters(**{name: values})}
    if not ec2.can_paginate(operation):
        return getattr(ec2, operation)(**asked, aws_retry=True)[key]
    return pages(ec2, operation, key, **asked)


def _profile(clients: Clients, name: str) -> Any:
    return unless_missing(clients["iam"].get_instance_profile, InstanceProfileName=name.rpartition("/")[2], aws_retry=True)


def _certificates(clients: Clients, arns: list[str]) -> dict[str, Any]:
    answers = {arn: unless_missing(clients["acm"].describe_certificate, CertificateArn=arn, aws_retry=True) for arn in arns}
    return {arn: answer["Certificate"] if answer else None for arn, answer in answers.items()}
