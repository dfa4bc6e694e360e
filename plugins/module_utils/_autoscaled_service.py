# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: one plan for a component, from what it shall be and what AWS has. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_alarm as alarm
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_balancer as balancer
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_group as group
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_hook as hook
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_listener as listener
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_notification as notification
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_policy as policy
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_rule as rule
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_schedule as schedule
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_target_group as target_group
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_template as template
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_warm_pool as warm_pool
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Change, Plan, shown
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service, plain


def present(service: Service, seen: Seen, vpc: str) -> Plan:
    return _plan(
        [
            *template.present(service, seen),
            *balancer.present(service, seen),
            *target_group.present(service, seen, vpc),
            *listener.present(service, seen),
            *rule.present(service, seen),
            *group.present(service, seen),
            *(each for kind in (hook, policy, alarm, schedule, warm_pool, notification) for each in kind.present(service, seen)),
        ]
    )


def absent(service: Service, seen: Seen) -> Plan:
    """Traffic ends first, then the group with what belongs to it, then what it used."""
    first = [each for kind in (alarm, rule, listener) for each in kind.absent(service, seen)]
    ways = tuple(step.key for change in first for step in change.steps)
    used = [each for kind in (target_group, balancer, template) for each in kind.absent(service, seen)]
    return _plan([*first, *group.absent(service, seen, ways), *used])


def _plan(changes: list[Change]) -> Plan:
    """Only what changes."""
    return Plan(tuple(change for change in changes if change.steps or change.after is None))


def result(service: Service, seen: Seen) -> dict[str, Any]:
    """What a play needs afterwards."""
    have = seen.group
    used, wanted = template.pinned(have), None if service.get("state") == "absent" else template.specification(service, seen)
    return {
        "autoscaled_service": {
            "name": service.name,
            "group_arn": have.get("AutoScalingGroupARN", ""),
            "launch_template_id": used.get("LaunchTemplateId", ""),
            "launch_template_version": str(used.get("Version", "")),
            "wanted_launch_template_version": shown((wanted or used).get("Version", "")),
            "min_size": have.get("MinSize"),
            "max_size": have.get("MaxSize"),
            "desired_capacity": have.get("DesiredCapacity"),
            "instances": [_instance(each) for each in have.get("Instances", [])],
            "target_group_arns": {name: each["TargetGroupArn"] for name, each in seen.target_groups.items()},
            "load_balancer_arn": seen.balancer.get("LoadBalancerArn", ""),
            "load_balancer_dns_name": seen.balancer.get("DNSName", ""),
            "tags": plain(have.get("Tags", [])),
        }
    }


def _instance(instance: Any) -> dict[str, Any]:
    return {
        "id": instance["InstanceId"],
        "lifecycle_state": instance["LifecycleState"],
        "health_status": instance["HealthStatus"],
        "availability_zone": instance["AvailabilityZone"],
        "launch_template_version": str(instance.get("LaunchTemplate", {}).get("Version", "")),
    }
