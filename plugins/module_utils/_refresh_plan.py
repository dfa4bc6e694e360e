# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what an instance refresh would replace, and which call brings the group to the asked state. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, ServiceError, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_template import pinned

# AWS, API_InstanceRefresh, Status.
RUNNING = ("Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress")
GOAL = {"refreshed": "Successful", "cancelled": "Cancelled", "rolled_back": "RollbackSuccessful"}
PREFERENCES = {
    "min_healthy_percentage": "MinHealthyPercentage",
    "max_healthy_percentage": "MaxHealthyPercentage",
    "instance_warmup": "InstanceWarmup",
    "checkpoint_percentages": "CheckpointPercentages",
    "checkpoint_delay": "CheckpointDelay",
    "bake_time": "BakeTime",
    "auto_rollback": "AutoRollback",
    "skip_matching": "SkipMatching",
    "standby_instances": "StandbyInstances",
    "scale_in_protected_instances": "ScaleInProtectedInstances",
}


@dataclass(frozen=True)
class RefreshPlan:
    """At most one call, then perhaps a wait for the refresh `follow`, which may already run."""

    call: str  # the action, empty if there is nothing to do
    parameters: Api
    replaces: tuple[str, ...]  # instances that go
    follow: str  # id of the running refresh; empty before one is started
    warnings: tuple[str, ...] = ()


def plan(options: Api, group: Api, warm: Sequence[Api], refreshes: Sequence[Api]) -> RefreshPlan:
    if not group:
        raise ServiceError(f"name: there is no Auto Scaling group {options['name']} in this region; name one that exists")
    running = next((refresh for refresh in refreshes if refresh["Status"] in RUNNING), None)
    if options["state"] == "refreshed":
        return _refreshed(options, group, warm, running)
    return _ended(options, refreshes, running)


def _refreshed(options: Api, group: Api, warm: Sequence[Api], running: Api | None) -> RefreshPlan:
    _refuse(options, group)
    target = _target(options, group)
    goes = tuple(replaced(options, target, [*group.get("Instances", []), *warm]))
    if running:
        _same(running, target)
        return RefreshPlan("", {}, goes, running["InstanceRefreshId"])
    moves = str(pinned(group).get("Version")) != target["Version"]
    if not goes and not moves and options["skip_matching"]:
        return RefreshPlan("", {}, (), "")
    warnings = []
    if options["auto_rollback"] and not moves:
        warnings.append(
            f"auto_rollback: the group already launches from version {target['Version']}, so there is nothing to go back to; "
            "make new versions with launch_template.adopt=by_refresh."
        )
    parameters = {
        "AutoScalingGroupName": options["name"],
        "Strategy": "Rolling",
        "DesiredConfiguration": _configuration(group, target),
        "Preferences": preferences(options),
    }
    return RefreshPlan("StartInstanceRefresh", parameters, goes, "", tuple(warnings))


def _ended(options: Api, refreshes: Sequence[Api], running: Api | None) -> RefreshPlan:
    goal, group = GOAL[options["state"]], {"AutoScalingGroupName": options["name"]}
    if running:
        under_way = {"cancelled": "Cancelling", "rolled_back": "RollbackInProgress"}[options["state"]]
        action = {"cancelled": "CancelInstanceRefresh", "rolled_back": "RollbackInstanceRefresh"}[options["state"]]
        call = "" if running["Status"] == under_way else action
        return RefreshPlan(call, group if call else {}, (), running["InstanceRefreshId"])
    last = refreshes[0]["Status"] if refreshes else "none"
    if options["state"] == "cancelled" or last == goal:
        return RefreshPlan("", {}, (), "")
    raise ServiceError(
        f"state: no refresh of {options['name']} is running that could be rolled back (the last one: {last}); "
        "set launch_template_version to the version to go back to and state to refreshed"
    )


def replaced(options: Api, target: Api, instances: Sequence[Api]) -> list[str]:
    """Instances that go. Those on standby or protected are waited for, unless they are ignored."""
    ignored = {
        "Standby": options["standby_instances"] == "Ignore",
        "protected": options["scale_in_protected_instances"] == "Ignore",
    }
    found = []
    for each in instances:
        if each["LifecycleState"] == "Standby" and ignored["Standby"]:
            continue
        if each.get("ProtectedFromScaleIn") and ignored["protected"]:
            continue
        if options["skip_matching"] and _matches(each, target):
            continue
        found.append(str(each["InstanceId"]))
    return sorted(found)


def preferences(options: Api) -> dict[str, Any]:
    wanted = {key: options.get(option) for option, key in PREFERENCES.items()}
    if options.get("alarms"):
        wanted["AlarmSpecification"] = {"Alarms": options["alarms"]}
    return given(**wanted)


def _target(options: Api, group: Api) -> dict[str, str]:
    used = pinned(group)
    if not used:
        raise ServiceError(f"name: group {options['name']} has no launch template, so there are no versions to move between; give it one")
    return {"LaunchTemplateId": used["LaunchTemplateId"], "Version": str(options.get("launch_template_version") or used["Version"])}


def _refuse(options: Api, group: Api) -> None:
    version, checkpoints = options.get("launch_template_version"), options.get("checkpoint_percentages") or []
    if version and not str(version).isdigit():
        raise ServiceError(f"launch_template_version: {version} may mean another version tomorrow; give a number")
    used = str(pinned(group).get("Version", ""))
    if not version and used and not used.isdigit():
        raise ServiceError(f"name: the group launches from version {used}, from which there is no way back; pin it to a number first")
    low, high = options.get("min_healthy_percentage"), options.get("max_healthy_percentage")
    if high is not None and (low is None or not (0 <= low <= 100 <= high <= 200 and high - low <= 100)):
        raise ServiceError(
            f"max_healthy_percentage: {low} and {high} percent would be refused; min_healthy_percentage is 0 to 100, "
            "max_healthy_percentage 100 to 200, and they are at most 100 apart"
        )
    if low is not None and not 0 <= low <= 100:
        raise ServiceError(f"min_healthy_percentage: {low} is not between 0 and 100")
    if checkpoints != sorted(set(checkpoints)) or any(not 0 < percentage <= 100 for percentage in checkpoints):
        raise ServiceError(f"checkpoint_percentages: {checkpoints} are not percentages from 1 to 100, each larger than the one before")


def _same(running: Api, target: Api) -> None:
    """Two starts are one; but nobody is to wait for a refresh to something else."""
    going_to = pinned(running.get("DesiredConfiguration", {})).get("Version")
    if going_to and str(going_to) != target["Version"]:
        raise ServiceError(
            f"launch_template_version: refresh {running['InstanceRefreshId']} to version {going_to} is running ({running['Status']}), "
            f"not to {target['Version']}; wait for it, or cancel it with state=cancelled"
        )


def _matches(instance: Api, target: Api) -> bool:
    have = instance.get("LaunchTemplate", {})
    return have.get("LaunchTemplateId") == target["LaunchTemplateId"] and str(have.get("Version")) == target["Version"]


def _configuration(group: Api, target: Api) -> dict[str, Any]:
    mixed = group.get("MixedInstancesPolicy")
    if not mixed:
        return {"LaunchTemplate": target}
    template = {**mixed["LaunchTemplate"], "LaunchTemplateSpecification": target}
    return {"MixedInstancesPolicy": {**mixed, "LaunchTemplate": template}}
