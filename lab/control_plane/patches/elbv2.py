# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elastic Load Balancing v2: target health as the balancer reports it, draining, and what the modules of amazon.aws expect.
AWS: elasticloadbalancing/latest/application/{target-group-health-checks,edit-target-group-attributes}.html"""

from __future__ import annotations

import time
from typing import Any

from moto.elbv2 import models

from lab.control_plane.reports import report, reported
from lab.settings import Lab

Backend: Any = models.ELBv2Backend
Balancer: Any = models.FakeLoadBalancer
Group: Any = models.FakeTargetGroup
Target = dict[str, Any]
HEALTH = "target-health"  # report: (state, reason, description) of a target

# moto keeps some of the defaults to itself; modules read them all.
GROUP_DEFAULTS = {
    "deregistration_delay.timeout_seconds": "300",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.app_cookie.cookie_name": "",
    "slow_start.duration_seconds": "0",
}
BALANCER_DEFAULTS = {
    "idle_timeout.timeout_seconds": "60",
    "routing.http2.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "waf.fail_open.enabled": "false",
    "access_logs.s3.enabled": "false",
}

NOT_REGISTERED = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
NOT_IN_USE = ("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
STOPPED = ("unused", "Target.InvalidState", "Target is in the stopped state")
DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
REGISTERING = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")


def apply(lab: Lab) -> None:
    _defaults(Group, "attributes", GROUP_DEFAULTS)
    _defaults(Balancer, "attrs", BALANCER_DEFAULTS)
    Balancer.activate = _activate
    Group.load_balancer_arns = property(_balancers_of, lambda self, value: None)
    register = Group.register

    def registered(self: Any, targets: list[Target]) -> None:
        fresh = [target["Id"] for target in targets if target["Id"] not in self.targets]
        register(self, targets)
        for target_id in fresh:
            report(HEALTH, health_key(self.arn, self.targets[target_id]), None)

    Group.register = registered
    Group.deregister = _deregister
    Group.deregister_terminated_instances = _deregister_terminated
    Group.health_for = _health_for
    Backend.describe_target_health = _describe_target_health
    for field in ("host_header", "path_pattern"):
        setattr(Backend, f"_validate_{field}_condition", _without_value_limit(getattr(Backend, f"_validate_{field}_condition")))


def health_key(group_arn: str, target: Target) -> str:
    return f"{group_arn} {target['Id']}:{target['Port']}"


def _defaults(model: Any, attribute: str, defaults: dict[str, str]) -> None:
    initialise = model.__init__

    def initialised(self: Any, *arguments: Any, **named: Any) -> None:
        initialise(self, *arguments, **named)
        getattr(self, attribute).update(defaults)

    model.__init__ = initialised


def _activate(self: Any) -> None:
    if reported("load-balancer", self.arn):
        self.state = "active"


def _balancers_of(self: Any) -> list[str]:
    """Those with a listener or rule that refers to the group now; moto never forgets one, and learns of none by ModifyRule."""
    backend = models.elbv2_backends[self.account_id][self.region_name]
    return [
        balancer.arn
        for balancer in backend.load_balancers.values()
        if any(
            self.arn in backend._get_target_group_arns_from(action.data)
            for listener in balancer.listeners.values()
            for rule in listener.rules.values()
            for action in rule.actions
        )
    ]


def _deregister(self: Any, targets: list[Target]) -> None:
    # AWS, DeregisterTargets: "If the specified target does not exist, the action returns successfully."
    for target in targets:
        known = self.targets.pop(target["Id"], None)
        if known:
            self.deregistered_targets[target["Id"]] = {**known, "Since": time.monotonic()}


def _deregister_terminated(self: Any, instance_ids: list[str]) -> None:
    _deregister(self, [{"Id": instance_id} for instance_id in instance_ids])


def _drains(self: Any, target: Target) -> bool:
    return time.monotonic() - target["Since"] < int(self.attributes["deregistration_delay.timeout_seconds"])


def _describe_target_health(self: Any, target_group_arn: str, targets: list[Target]) -> list[models.FakeHealthStatus]:
    group = self.describe_target_groups(None, [target_group_arn], None)[0]
    # AWS lists draining targets until the deregistration delay is over; where no balancer uses the group there is nothing to drain.
    draining = [target for target in group.deregistered_targets.values() if group.load_balancer_arns and _drains(group, target)]
    wanted = targets or [*group.targets.values(), *draining]
    return [group.health_for(target, self.ec2_backend) for target in wanted]


def _health_for(self: Any, target: Target, ec2_backend: Any) -> models.FakeHealthStatus:
    known = self.targets.get(target["Id"]) or self.deregistered_targets.get(target["Id"])
    verdict = _verdict(self, target["Id"], ec2_backend)
    port = known["Port"] if known else target.get("Port", self.port)
    check_port = self.health_check_port if self.health_check_port != "traffic-port" else port
    return models.FakeHealthStatus(target["Id"], port, str(check_port), verdict[0], verdict[1] or None, verdict[2] or None)


def _verdict(self: Any, target_id: str, ec2_backend: Any) -> tuple[str, str, str]:
    target = self.targets.get(target_id)
    if target is None:
        gone = self.deregistered_targets.get(target_id)
        return DRAINING if gone and self.load_balancer_arns and _drains(self, gone) else NOT_REGISTERED
    instance = ec2_backend.get_instance_by_id(target_id) if target_id.startswith("i-") else None
    if instance and instance.state in ("stopping", "stopped"):
        return STOPPED
    if not self.load_balancer_arns:
        return NOT_IN_USE
    found: tuple[str, str, str] | None = reported(HEALTH, health_key(self.arn, target))
    return found or REGISTERING


def _without_value_limit(validate: Any) -> Any:
    """AWS takes up to five values in either form; moto takes one in the older form."""

    def validated(self: Any, condition: dict[str, Any]) -> None:
        values = condition.get("Values") or [None]
        for value in values:
            validate(self, {**condition, "Values": [value]} if value is not None else condition)

    return validated
