# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: input that cannot be right, told before AWS is asked anything. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_refuse_policy import ALB_PROTOCOLS, policies
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service

HEARTBEAT = (30, 7200)  # AWS, PutLifecycleHook


def refusals(service: Service) -> list[str]:
    """One sentence each, with the option and what to do."""
    return [
        *_sizes(service),
        *_template(service),
        *_times(service),
        *_maintenance(service),
        *_warm_pool(service),
        *policies(service),
        *_balancing(service),
        *_names(service),
    ]


def _sizes(service: Service) -> Iterator[str]:
    low, high, desired = (service.get(option) for option in ("min_size", "max_size", "desired_capacity"))
    if low is not None and high is not None and low > high:
        yield f"min_size: {low} is more than max_size {high}; raise max_size or lower min_size."
    if desired is not None and ((low is not None and desired < low) or (high is not None and desired > high)):
        yield f"desired_capacity: {desired} is not between min_size {low} and max_size {high}; leave it to the policies or correct it."


def _template(service: Service) -> Iterator[str]:
    options = service.get("launch_template") or {}
    version = options.get("version")
    if version and not str(version).isdigit():
        yield f"launch_template.version: {version} may mean another version tomorrow; name the number of one, or leave it out."
    if options and not version and not (options.get("image_id") and options.get("instance_type")):
        yield "launch_template: give image_id and instance_type, or the number of an existing version."


def _times(service: Service) -> Iterator[str]:
    start, grace = service.get("start_time"), service.get("health_check_period")
    if start is not None and grace is not None and grace < start:
        yield f"health_check_period: {grace} s is shorter than start_time {start} s, instances would be replaced while starting; raise it."
    for hook in service.several("lifecycle_hooks"):
        if not HEARTBEAT[0] <= hook["heartbeat_timeout"] <= HEARTBEAT[1]:
            yield (
                f"lifecycle_hooks: heartbeat_timeout of {hook['name']} is {hook['heartbeat_timeout']} s; "
                f"AWS takes {HEARTBEAT[0]} to {HEARTBEAT[1]} s, and a heartbeat while it takes longer."
            )
    for hook in service.hooks_launch:
        if start is not None and hook["heartbeat_timeout"] < start:
            yield (
                f"lifecycle_hooks: heartbeat_timeout of {hook['name']} is {hook['heartbeat_timeout']} s, less than start_time {start} s, "
                "instances would be given up while they start; raise it."
            )
    bound = service.get("detection_time")
    for group in service.target_groups:
        interval, threshold = group.get("health_check_interval") or 30, group.get("unhealthy_threshold_count") or 2
        if bound is not None and interval * threshold > bound:
            yield (
                f"target_groups: health_check_interval {interval} s times unhealthy_threshold_count {threshold} of {group['name']} detects "
                f"after {interval * threshold} s, later than detection_time {bound} s; lower one of them."
            )
        timeout = group.get("health_check_timeout") or _usual_timeout(group)
        if timeout > interval:
            yield (
                f"target_groups: health_check_timeout of {group['name']} is {timeout} s, longer than health_check_interval {interval} s; "
                "give a shorter one."
            )


def _usual_timeout(group: Api) -> int:
    """AWS, CreateTargetGroup, HealthCheckTimeoutSeconds: 5 for HTTP and HTTPS target groups, else 6 for HTTP checks and 10 for others."""
    if group["protocol"] in ALB_PROTOCOLS:
        return 5
    return 6 if group.get("health_check_protocol") == "HTTP" else 10


def _maintenance(service: Service) -> Iterator[str]:
    policy = service.get("instance_maintenance_policy")
    if not policy:
        return
    low, high = policy["min_healthy_percentage"], policy["max_healthy_percentage"]
    if not (0 <= low <= 100 <= high <= 200 and high - low <= 100):
        yield (
            f"instance_maintenance_policy: {low} and {high} percent would be refused; min_healthy_percentage is 0 to 100, "
            "max_healthy_percentage 100 to 200, and they are at most 100 apart."
        )


def _warm_pool(service: Service) -> Iterator[str]:
    pool, options = service.get("warm_pool") or {}, service.get("launch_template") or {}
    if not pool.get("enabled"):
        return
    if uses_spot(service):
        yield "warm_pool: Spot instances cannot wait in a warm pool; set on_demand_percentage_above_base_capacity to 100 or leave one out."
    if pool["state"] == "Hibernated" and not options.get("version"):
        if not options.get("hibernation"):
            yield "warm_pool.state: Hibernated needs launch_template.hibernation; set it, or choose Stopped."
        elif not options.get("volumes"):
            yield (
                "launch_template.volumes: hibernation writes memory to the root volume, which must be encrypted and large enough; list it."
            )


def uses_spot(service: Service) -> bool:
    mixed = service.get("mixed_instances_policy")
    if not mixed:
        return False
    share = (mixed.get("instances_distribution") or {}).get("on_demand_percentage_above_base_capacity")
    return share is not None and share < 100


def _balancing(service: Service) -> Iterator[str]:
    for group in service.target_groups:
        name, listener, rule = group["name"], group.get("listener"), group.get("rule")
        if (listener or rule) and not service.balancer:
            yield f"target_groups: {name} has a listener or rule but there is no load_balancer; name one."
        if listener and rule:
            yield f"target_groups: {name} has a listener and a rule; a group is reached by one of them, leave one out."
        if rule and not (rule.get("hosts") or rule.get("paths")):
            yield f"target_groups: the rule of {name} has no condition and would take all traffic; give hosts or paths."
        if listener and listener["protocol"] in ("HTTPS", "TLS") and not listener.get("certificate_arn"):
            yield f"target_groups: the {listener['protocol']} listener of {name} needs certificate_arn."
        if len(name) > 32:
            yield f"target_groups: the name {name} is longer than 32 characters; give a shorter one."


def _names(service: Service) -> Iterator[str]:
    yield from _twice("target_groups: two are named {}; give each a name of its own.", [each["name"] for each in service.target_groups])
    for option in ("scaling_policies", "scheduled_actions", "lifecycle_hooks"):
        yield from _twice(option + ": two are named {}; give each a name of its own.", [each["name"] for each in service.several(option)])
    ports = [group["listener"]["port"] for group in service.target_groups if group.get("listener")]
    yield from _twice("target_groups: two listeners claim port {}; give each its own.", ports)
    priorities = [_place(group["rule"]) for group in service.target_groups if group.get("rule")]
    yield from _twice("target_groups: two rules claim {}; give each a priority of its own.", priorities)


def _place(rule: Api) -> str:
    return f"priority {rule['priority']} on port {rule['listener_port']}"


def _twice(sentence: str, values: list[Any]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield sentence.format(value)
