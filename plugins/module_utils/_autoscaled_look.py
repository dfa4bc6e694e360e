# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the reads of autoscaled_service_info, each once, side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_read import read_group, read_warm_pool
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_template import pinned
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import Clients, pages, unless_missing

Api = Any
ACTIVITIES = 20


def read_state(clients: Clients, name: str) -> dict[str, Any]:
    """What needs only the name first, then what the group and its policies refer to. Empty where there is no group."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        first = {ask.__name__[1:]: pool.submit(ask, clients, name) for ask in (_activities, _refreshes, _policies)}
        warm = pool.submit(read_warm_pool, clients, name)
        group = read_group(clients, name)
        arns = group.get("TargetGroupARNs", [])
        health = dict(zip(arns, pool.map(lambda arn: _health(clients, arn), arns)))
        template = pool.submit(_template, clients, group)
        found = {kind: future.result() for kind, future in first.items()}
        alarms = _alarms(clients, found["policies"])
        return {**found, "group": group, "warm_pool": warm.result(), "health": health, "template": template.result(), "alarms": alarms}


def _activities(clients: Clients, name: str) -> list[Api]:
    ask = clients["autoscaling"].describe_scaling_activities
    answer = unless_missing(ask, AutoScalingGroupName=name, MaxRecords=ACTIVITIES, aws_retry=True)
    return answer["Activities"] if answer else []


def _refreshes(clients: Clients, name: str) -> list[Api]:
    ask = clients["autoscaling"].describe_instance_refreshes
    answer = unless_missing(ask, AutoScalingGroupName=name, MaxRecords=1, aws_retry=True)
    return answer["InstanceRefreshes"] if answer else []


def _policies(clients: Clients, name: str) -> list[Api]:
    return unless_missing(pages, clients["autoscaling"], "describe_policies", "ScalingPolicies", AutoScalingGroupName=name) or []


def _health(clients: Clients, arn: str) -> list[Api]:
    answer = unless_missing(clients["elbv2"].describe_target_health, TargetGroupArn=arn, aws_retry=True)
    return answer["TargetHealthDescriptions"] if answer else []


def _template(clients: Clients, group: Api) -> Api:
    identifier = pinned(group).get("LaunchTemplateId")
    if not identifier:
        return {}
    answer = unless_missing(clients["ec2"].describe_launch_templates, LaunchTemplateIds=[identifier], aws_retry=True)
    return answer["LaunchTemplates"][0] if answer and answer["LaunchTemplates"] else {}


def _alarms(clients: Clients, policies: list[Api]) -> list[Api]:
    names = sorted({alarm["AlarmName"] for policy in policies for alarm in policy.get("Alarms", [])})
    if not names:
        return []
    return pages(clients["cloudwatch"], "describe_alarms", "MetricAlarms", AlarmNames=names, AlarmTypes=["MetricAlarm"])
