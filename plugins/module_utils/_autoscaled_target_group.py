# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the target groups of a component. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_elb_tags as elb_tags
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import (
    Api,
    Change,
    ServiceError,
    Step,
    differing,
    given,
)
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service, claimed

# Option: attribute of Elastic Load Balancing.
ATTRIBUTES = {
    "deregistration_delay_timeout": "deregistration_delay.timeout_seconds",
    "deregistration_connection_termination": "deregistration_delay.connection_termination.enabled",
    "stickiness_enabled": "stickiness.enabled",
    "stickiness_type": "stickiness.type",
    "stickiness_lb_cookie_duration": "stickiness.lb_cookie.duration_seconds",
    "stickiness_app_cookie_name": "stickiness.app_cookie.cookie_name",
    "stickiness_app_cookie_duration": "stickiness.app_cookie.duration_seconds",
    "slow_start_duration": "slow_start.duration_seconds",
    "load_balancing_algorithm_type": "load_balancing.algorithm.type",
    "cross_zone": "load_balancing.cross_zone.enabled",
    "preserve_client_ip_enabled": "preserve_client_ip.enabled",
    "proxy_protocol_v2_enabled": "proxy_protocol_v2.enabled",
    "unhealthy_connection_termination": "target_health_state.unhealthy.connection_termination.enabled",
    "minimum_healthy_targets_dns": "target_group_health.dns_failover.minimum_healthy_targets.count",
    "minimum_healthy_percentage_dns": "target_group_health.dns_failover.minimum_healthy_targets.percentage",
    "minimum_healthy_targets_routing": "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "minimum_healthy_percentage_routing": "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
}
# What cannot be changed, so that another name is needed for another value.
FIXED = ("Protocol", "Port", "ProtocolVersion")


def present(service: Service, seen: Seen, vpc: str) -> list[Change]:
    return [_one(service, seen, group, vpc) for group in service.target_groups]


def absent(service: Service, seen: Seen) -> list[Change]:
    found = []
    for name, group in seen.target_groups.items():
        if elb_tags.ours(service, seen, group["TargetGroupArn"]):
            # Not before the group is gone, which would else register instances with nothing, and no rule refers to it.
            after = (f"delete group {service.name}", f"delete rule for {name}", f"delete listener for {name}")
            step = Step(f"delete target group {name}", "elbv2:DeleteTargetGroup", {"TargetGroupArn": group["TargetGroupArn"]}, after)
            found.append(Change(f"target group {name}", _settings_seen(group), None, (step,)))
    return found


def _one(service: Service, seen: Seen, asked: Api, vpc: str) -> Change:
    name = asked["name"]
    resource, known, checks, attributes = (
        f"target group {name}",
        seen.target_groups.get(name),
        health_check(asked),
        wanted_attributes(asked),
    )
    fixed = given(Protocol=asked["protocol"], Port=asked["port"], ProtocolVersion=asked.get("protocol_version"))
    if known is None:
        after = {**fixed, **checks, **attributes, "tags": tags.wanted(service)}
        return Change(resource, None, after, (_create(service, name, {**fixed, **checks}, vpc), *_set(name, attributes)))
    arn = known["TargetGroupArn"]
    claimed(service, resource, seen.tags.get(arn, {}))
    for key, value in differing(known, fixed).items():
        raise ServiceError(
            f"target_groups: {key} of {resource} is {known.get(key)} and cannot become {value}: give the new one another name"
        )
    # All of the checks at once: path and codes are judged by the protocol that comes with them.
    change = Step(f"change target group {name}", "elbv2:ModifyTargetGroup", {"TargetGroupArn": arn, **checks})
    steps = [change] if differing(known, checks) else []
    steps += _set(name, differing(known["Attributes"], attributes), arn)
    steps += elb_tags.steps(service, seen, resource, arn)
    after = {**_settings_seen(known), **checks, **attributes, "tags": tags.wanted(service, seen.tags.get(arn, {}))}
    before = {**_settings_seen(known), "tags": tags.ours(seen.tags.get(arn, {}))}
    return Change(resource, before, after, tuple(steps))


def health_check(asked: Api) -> dict[str, Any]:
    codes = asked.get("successful_response_codes")
    return given(
        HealthCheckProtocol=asked.get("health_check_protocol"),
        HealthCheckPort=asked.get("health_check_port"),
        HealthCheckPath=asked.get("health_check_path"),
        HealthCheckIntervalSeconds=asked.get("health_check_interval"),
        HealthCheckTimeoutSeconds=asked.get("health_check_timeout"),
        HealthyThresholdCount=asked.get("healthy_threshold_count"),
        UnhealthyThresholdCount=asked.get("unhealthy_threshold_count"),
        Matcher={"HttpCode": codes} if codes else None,
    )


def wanted_attributes(asked: Api) -> dict[str, str]:
    """As Elastic Load Balancing writes them: text, with true and false in small letters."""
    return {key: str(asked[option]).lower() for option, key in ATTRIBUTES.items() if asked.get(option) is not None}


def _create(service: Service, name: str, settings: Api, vpc: str) -> Step:
    parameters = {"Name": name, "VpcId": vpc, "TargetType": "instance", **settings, "Tags": tags.listed(tags.wanted(service))}
    return Step(f"create target group {name}", "elbv2:CreateTargetGroup", parameters)


def _set(name: str, attributes: Api, arn: str = "") -> list[Step]:
    if not attributes:
        return []
    listed = [{"Key": key, "Value": value} for key, value in sorted(attributes.items())]
    target = arn or Seen().target_group_arn(name)
    return [
        Step(
            f"set attributes of target group {name}",
            "elbv2:ModifyTargetGroupAttributes",
            {"TargetGroupArn": target, "Attributes": listed},
        )
    ]


def _settings_seen(known: Api) -> dict[str, Any]:
    plain = ("Protocol", "Port", "ProtocolVersion", "Matcher")
    checks = {key: value for key, value in known.items() if key in plain or key.startswith(("HealthCheck", "HealthyT", "UnhealthyT"))}
    return {**checks, **{key: value for key, value in known["Attributes"].items() if key in ATTRIBUTES.values()}}
