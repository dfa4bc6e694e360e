# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what the answers about a component mean for the person who asks at night. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_template import pinned
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_plan import RUNNING

State = Mapping[str, Any]
STOPS_WORK = {
    "Launch": "no instance is launched",
    "Terminate": "no instance is terminated",
    "HealthCheck": "no instance is found unhealthy",
    "ReplaceUnhealthy": "no unhealthy instance is replaced",
    "AlarmNotification": "no policy scales",
    "AddToLoadBalancer": "new instances get no traffic",
    "ScheduledActions": "no scheduled action runs",
    "InstanceRefresh": "no refresh goes on",
}


def summary(name: str, state: State) -> dict[str, Any]:
    group = state["group"]
    instances = [_instance(each, state) for each in group.get("Instances", [])]
    return {
        "name": name,
        "exists": bool(group),
        "min_size": group.get("MinSize"),
        "max_size": group.get("MaxSize"),
        "desired_capacity": group.get("DesiredCapacity"),
        "in_service": sum(each["lifecycle_state"] == "InService" for each in instances),
        "launch_template_version": str(pinned(group).get("Version", "")),
        "latest_version": str(state["template"].get("LatestVersionNumber", "")),
        "instances": instances,
        "warm_pool": _warm_pool(state),
        "targets": {_name_of(arn): [_target(each) for each in found] for arn, found in state["health"].items()},
        "refresh": _refresh(state),
        "activities": [_activity(each) for each in state["activities"]],
        "alarms": [
            {"name": each["AlarmName"], "state": each["StateValue"], "reason": each.get("StateReason", "")} for each in state["alarms"]
        ],
        "suspended_processes": sorted(process["ProcessName"] for process in group.get("SuspendedProcesses", [])),
    }


def findings(found: Api) -> list[str]:
    """The worst first."""
    if not found["exists"]:
        return [f"there is no Auto Scaling group {found['name']} in this region"]
    told = [*_capacity(found), *_targets(found), *_instances(found), *_failed(found), *_processes(found), *_under_way(found)]
    return told or [f"all {found['in_service']} instances serve, nothing is under way"]


def _capacity(found: Api) -> Iterator[str]:
    desired, serving = found["desired_capacity"], found["in_service"]
    if serving < desired:
        yield f"{serving} of {desired} instances are in service"
    if desired == found["max_size"] and found["max_size"] > found["min_size"]:
        yield f"the group is at its max_size of {desired} and cannot scale out"


def _targets(found: Api) -> Iterator[str]:
    for group, targets in found["targets"].items():
        healthy = sum(target["state"] == "healthy" for target in targets)
        if not healthy:
            yield f"target group {group} has no healthy target of {len(targets)}"
        for target in targets:
            if target["state"] not in ("healthy", "draining"):
                yield f"{target['id']} is {target['state']} in target group {group}: {target['reason']} {target['description']}".rstrip()


def _instances(found: Api) -> Iterator[str]:
    for each in found["instances"]:
        if each["health_status"].lower() != "healthy":
            yield f"{each['id']} is {each['health_status']} ({each['lifecycle_state']})"
        if each["lifecycle_state"].endswith(":Wait"):
            yield f"{each['id']} is {each['lifecycle_state']}: a lifecycle hook waits for its answer"
        if each["lifecycle_state"] == "Standby":
            yield f"{each['id']} is on standby and gets no traffic"
    behind = [each for each in found["instances"] if each["versions_behind"]]
    if behind:
        most = max(each["versions_behind"] for each in behind)
        yield f"{len(behind)} instances are up to {most} versions behind version {found['launch_template_version']}: refresh the component"


def _failed(found: Api) -> Iterator[str]:
    last = found["activities"][0] if found["activities"] else None
    if last and last["status"] in ("Failed", "Cancelled"):
        yield f"the last activity {last['status'].lower()}: {last['description']} {last['message']}".rstrip()
    for alarm in found["alarms"]:
        if alarm["state"] == "ALARM" and "AlarmLow" not in alarm["name"]:
            yield f"alarm {alarm['name']} is on: {alarm['reason']}"


def _processes(found: Api) -> Iterator[str]:
    for process in found["suspended_processes"]:
        yield f"process {process} is suspended: {STOPS_WORK.get(process, 'it does not run')}"


def _under_way(found: Api) -> Iterator[str]:
    refresh = found["refresh"]
    if refresh and refresh["status"] in RUNNING:
        yield f"a refresh is {refresh['status']}, {refresh['percentage_complete']} % complete {refresh['reason']}".rstrip()
    elif refresh and refresh["status"] not in ("Successful", "Cancelled"):
        yield f"the last refresh ended as {refresh['status']}: {refresh['reason']}"


def _instance(instance: Api, state: State) -> dict[str, Any]:
    mine = [each for targets in state["health"].values() for each in targets if each["Target"]["Id"] == instance["InstanceId"]]
    worst = next((each for each in mine if each["TargetHealth"]["State"] != "healthy"), mine[0] if mine else None)
    return {
        "id": instance["InstanceId"],
        "lifecycle_state": instance["LifecycleState"],
        "health_status": instance["HealthStatus"],
        "availability_zone": instance["AvailabilityZone"],
        "instance_type": instance.get("InstanceType", ""),
        "launch_template_version": str(instance.get("LaunchTemplate", {}).get("Version", "")),
        "versions_behind": _behind(instance, state["group"]),
        "protected_from_scale_in": bool(instance.get("ProtectedFromScaleIn")),
        "why": _why(worst),
    }


def _why(target: Api | None) -> str:
    if target is None:
        return ""
    health = target["TargetHealth"]
    return " ".join(filter(None, (health["State"], health.get("Reason"), health.get("Description"))))


def _behind(instance: Api, group: Api) -> int:
    """Against what the group launches now; another template counts as one."""
    have, now = instance.get("LaunchTemplate", {}), pinned(group)
    if have.get("LaunchTemplateId") != now.get("LaunchTemplateId"):
        return 1 if now else 0
    numbers = [str(each.get("Version", "")) for each in (have, now)]
    return max(int(numbers[1]) - int(numbers[0]), 0) if all(number.isdigit() for number in numbers) else 0


def _warm_pool(state: State) -> dict[str, Any] | None:
    pool = state["warm_pool"]
    configuration = pool.get("WarmPoolConfiguration")
    if not configuration:
        return None
    return {
        "state": configuration.get("PoolState"),
        "min_size": configuration.get("MinSize"),
        "max_group_prepared_capacity": configuration.get("MaxGroupPreparedCapacity"),
        "instances": [
            {"id": each["InstanceId"], "lifecycle_state": each["LifecycleState"], "versions_behind": _behind(each, state["group"])}
            for each in pool.get("Instances", [])
        ],
    }


def _target(each: Api) -> dict[str, Any]:
    health = each["TargetHealth"]
    return {
        "id": each["Target"]["Id"],
        "port": each["Target"].get("Port"),
        "state": health["State"],
        "reason": health.get("Reason", ""),
        "description": health.get("Description", ""),
    }


def _refresh(state: State) -> dict[str, Any] | None:
    for each in state["refreshes"]:
        return {
            "id": each["InstanceRefreshId"],
            "status": each["Status"],
            "percentage_complete": each.get("PercentageComplete", 0),
            "instances_to_update": each.get("InstancesToUpdate"),
            "reason": each.get("StatusReason", ""),
        }
    return None


def _activity(each: Api) -> dict[str, Any]:
    return {
        "time": str(each["StartTime"]),
        "status": each["StatusCode"],
        "description": each["Description"],
        "cause": each.get("Cause", ""),
        "message": each.get("StatusMessage", ""),
    }


def _name_of(arn: str) -> str:
    return arn.split("/")[-2]
