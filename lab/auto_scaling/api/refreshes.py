# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance refreshes and warm pools."""

from __future__ import annotations

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from lab.auto_scaling import refresh as refreshing
from lab.auto_scaling.api.base import Base, instance_document, refuse
from lab.auto_scaling.api.groups import check_launch
from lab.auto_scaling.model import Document, Group, Refresh, identifier, moment
from lab.clock import CLOCK

# AWS: autoscaling/ec2/APIReference/API_RefreshPreferences.html
BOUNDS = {"MinHealthyPercentage": (0, 100), "MaxHealthyPercentage": (100, 200), "CheckpointDelay": (0, 172800), "BakeTime": (0, 172800)}
POOL_STATES = ("Stopped", "Running", "Hibernated")


class Refreshes(Base):
    def start_instance_refresh(self) -> ActionResult:
        group, given = self.group(), self.given
        if group.refresh:
            raise refuse("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this one.")
        preferences, desired = given.get("Preferences") or {}, given.get("DesiredConfiguration")
        check_preferences(preferences)
        if desired:
            check_launch(desired)
        if preferences.get("AutoRollback") and (why := refreshing.can_roll_back(group, desired)):
            raise ValidationError(f"AutoRollback cannot be used: {why}.")
        started = new_refresh(group, given.get("Strategy") or "Rolling", preferences, desired)
        group.refreshes.insert(0, started)
        return ActionResult({"InstanceRefreshId": started.document["InstanceRefreshId"]})

    def describe_instance_refreshes(self) -> ActionResult:
        wanted = self.given.get("InstanceRefreshIds") or []
        documents = [refresh.document for refresh in self.group().refreshes]
        return self.page("InstanceRefreshes", [one for one in documents if not wanted or one["InstanceRefreshId"] in wanted])

    def cancel_instance_refresh(self) -> ActionResult:
        refresh = self._active()
        refresh.document["Status"] = "Cancelling"
        return ActionResult({"InstanceRefreshId": refresh.document["InstanceRefreshId"]})

    def rollback_instance_refresh(self) -> ActionResult:
        refresh = self._active()
        if why := refreshing.can_roll_back(self.group(), refresh.document.get("DesiredConfiguration")):
            raise refuse("IrreversibleInstanceRefresh", f"The instance refresh cannot be rolled back: {why}.")
        refreshing.roll_back(refresh, "A user request", CLOCK.now())
        return ActionResult({"InstanceRefreshId": refresh.document["InstanceRefreshId"]})

    def _active(self) -> Refresh:
        refresh = self.group().refresh
        if refresh is None or refresh.status in ("Cancelling", refreshing.ROLLING_BACK):
            raise refuse("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
        return refresh

    # Warm pool

    def put_warm_pool(self) -> ActionResult:
        group, given = self.group(), self.given
        if uses_spot(group.settings.get("MixedInstancesPolicy") or {}):
            raise ValidationError("You can't add a warm pool to an Auto Scaling group that requests Spot Instances.")
        if group.warm_pool and group.warm_pool.get("Status"):
            raise ValidationError("The warm pool is being deleted.")
        given.pop("AutoScalingGroupName")
        if given.get("PoolState", "Stopped") not in POOL_STATES:
            raise ValidationError(f"PoolState must be one of {', '.join(POOL_STATES)}")
        prepared = given.get("MaxGroupPreparedCapacity")
        if prepared not in (None, -1) and int(prepared) < int(group.settings["MinSize"]):
            raise ValidationError("MaxGroupPreparedCapacity must not be less than the group's MinSize.")
        known = group.warm_pool or {"MinSize": 0, "PoolState": "Stopped"}
        group.warm_pool = {**known, **{key: value for key, value in given.items() if value != -1}}
        if prepared == -1:
            group.warm_pool.pop("MaxGroupPreparedCapacity", None)
        return self.nothing()

    def describe_warm_pool(self) -> ActionResult:
        group = self.group()
        answer: Document = {"Instances": [instance_document(member) for member in group.warm]}
        if group.warm_pool is not None:
            answer["WarmPoolConfiguration"] = group.warm_pool
        return ActionResult(answer)

    def delete_warm_pool(self) -> ActionResult:
        group = self.group()
        if group.warm_pool is None:
            raise ValidationError(f"No warm pool found for Auto Scaling group {group.name}.")
        if any(member.state.startswith("Warmed:Pending") for member in group.warm) and not self.given.get("ForceDelete"):
            raise refuse("ScalingActivityInProgress", "Activities are in progress in the warm pool; use ForceDelete or wait.")
        group.warm_pool["Status"] = "PendingDelete"
        return self.nothing()


def uses_spot(mixed: Document) -> bool:
    share = (mixed.get("InstancesDistribution") or {}).get("OnDemandPercentageAboveBaseCapacity")
    return share is not None and int(share) < 100


def check_preferences(preferences: Document) -> None:
    for name, (low, high) in BOUNDS.items():
        value = preferences.get(name)
        if value is not None and not low <= int(value) <= high:
            raise ValidationError(f"{name} must be between {low} and {high}.")
    least, most = preferences.get("MinHealthyPercentage"), preferences.get("MaxHealthyPercentage")
    if most is not None and (least is None or most - least > 100):
        raise ValidationError("MaxHealthyPercentage needs MinHealthyPercentage, and their difference must not be greater than 100.")
    percentages = preferences.get("CheckpointPercentages") or []
    if percentages != sorted(set(percentages)) or not all(1 <= one <= 100 for one in percentages):
        raise ValidationError("CheckpointPercentages must be unique, between 1 and 100, and in ascending order.")
    if preferences.get("CheckpointDelay") is not None and not percentages:
        raise ValidationError("CheckpointDelay needs CheckpointPercentages.")


def new_refresh(group: Group, strategy: str, preferences: Document, desired: Document | None) -> Refresh:
    now = CLOCK.now()
    before = {key: group.settings[key] for key in ("LaunchTemplate", "MixedInstancesPolicy") if group.settings.get(key)}
    wanted = desired or before
    mixed = wanted.get("MixedInstancesPolicy")
    document: Document = {
        "InstanceRefreshId": identifier(),
        "AutoScalingGroupName": group.name,
        "Status": "Pending",
        "Strategy": strategy,
        "StartTime": moment(now),
        "PercentageComplete": 0,
        "InstancesToUpdate": group.desired,
        "Preferences": preferences,
    }
    if desired:
        document["DesiredConfiguration"] = desired
    template = mixed["LaunchTemplate"]["LaunchTemplateSpecification"] if mixed else wanted["LaunchTemplate"]
    return Refresh(document, template, mixed, before, began=now, progress_at=now)
