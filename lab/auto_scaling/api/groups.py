# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups: create, update, delete, describe; their capacity and activities."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from lab.auto_scaling.api.attachments import put_tag, target_groups, traffic_sources
from lab.auto_scaling.api.base import Base, instance_document, refuse
from lab.auto_scaling.api.hooks import put_hook
from lab.auto_scaling.model import STORE, Document, Group, identifier, moment
from lab.clock import CLOCK

# AWS: autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
DEFAULTS: Document = {
    "DefaultCooldown": 300,
    "HealthCheckType": "EC2",
    "HealthCheckGracePeriod": 0,
    "NewInstancesProtectedFromScaleIn": False,
    "TerminationPolicies": ["Default"],
    "TargetGroupARNs": [],
    "CapacityRebalance": False,
    "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
}
NOT_SETTINGS = ("Tags", "LifecycleHookSpecificationList", "InstanceId", "TrafficSources", "SkipZonalShiftValidation")
MOST_GROUPS = 500


class Groups(Base):
    def create_auto_scaling_group(self) -> ActionResult:
        given = self.given
        name = given["AutoScalingGroupName"]
        if name in STORE.groups:
            raise refuse("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} already exists")
        settings = DEFAULTS | {key: value for key, value in given.items() if key not in NOT_SETTINGS}
        settings["TargetGroupARNs"] = list(settings["TargetGroupARNs"]) + target_groups(given)
        settings.setdefault("DesiredCapacity", settings["MinSize"])
        check_launch(settings)
        settings["AvailabilityZones"] = self._zones(settings)
        check_sizes(settings)
        now = CLOCK.now()
        group = Group(settings, [], self.arn("autoScalingGroup", identifier(), name), now, scheduled_at=now)
        group.cause = f"a user request created an AutoScalingGroup changing the desired capacity from 0 to {group.desired}."
        for tag in given.get("Tags") or []:
            put_tag(group, tag)
        for hook in given.get("LifecycleHookSpecificationList") or []:
            put_hook(group, hook)
        STORE.groups[name] = group
        return self.nothing()

    def update_auto_scaling_group(self) -> ActionResult:
        group, given = self.group(), self.given
        given.pop("AutoScalingGroupName")
        settings = {**group.settings, **given}
        # One way of saying what to launch replaces the other.
        if given.get("LaunchTemplate"):
            settings.pop("MixedInstancesPolicy", None)
        elif given.get("MixedInstancesPolicy"):
            settings.pop("LaunchTemplate", None)
        check_launch(settings)
        if "VPCZoneIdentifier" in given:
            settings["AvailabilityZones"] = self._zones(settings)
        if "DesiredCapacity" not in given:  # the bounds move it
            settings["DesiredCapacity"] = max(int(settings["MinSize"]), min(int(settings["MaxSize"]), group.desired))
        check_sizes(settings)
        before = group.desired
        group.settings = settings
        if group.desired != before:
            sizes = f"min: {settings['MinSize']}, max: {settings['MaxSize']}, desired: {group.desired}"
            group.cause = (
                f"a user request update of AutoScalingGroup constraints to {sizes} "
                f"changing the desired capacity from {before} to {group.desired}."
            )
        return self.nothing()

    def delete_auto_scaling_group(self) -> ActionResult:
        group = self.group()
        if self.given.get("ForceDelete"):
            group.deleting = True
            self.release_alarms(group.policies.values(), with_group=True)
            return self.nothing()
        if group.refresh or any("EndTime" not in activity for activity in group.activities if group.members):
            raise refuse("ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while activities are in progress.")
        if group.members:
            raise refuse("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances still in the group.")
        if group.warm_pool:
            raise refuse("ResourceInUse", "You cannot delete an AutoScalingGroup with a WarmPool; delete the warm pool first.")
        self.release_alarms(group.policies.values(), with_group=True)
        del STORE.groups[group.name]
        return self.nothing()

    def describe_auto_scaling_groups(self) -> ActionResult:
        names, filters = self.given.get("AutoScalingGroupNames") or [], self.given.get("Filters") or []
        found = [group for group in STORE if not names or group.name in names]
        return self.page("AutoScalingGroups", [group_document(group) for group in found if matches(group, filters)])

    def set_desired_capacity(self) -> ActionResult:
        group, wanted = self.group(), int(self.given["DesiredCapacity"])
        check_sizes({**group.settings, "DesiredCapacity": wanted})
        if self.given.get("HonorCooldown") and group.scaled_at and CLOCK.elapsed(group.scaled_at) < group.settings["DefaultCooldown"]:
            raise refuse("ScalingActivityInProgress", f"The group {group.name} is in its cooldown period.")
        group.resize(wanted, "a user request explicitly set group desired capacity")
        return self.nothing()

    def _zones(self, settings: Document) -> list[str]:
        from moto.ec2.models import ec2_backends

        identifiers = [subnet for subnet in str(settings.get("VPCZoneIdentifier") or "").split(",") if subnet]
        if not identifiers:
            raise ValidationError("At least one Availability Zone or VPC Subnet is required.")
        backend: Any = ec2_backends[self.current_account][self.region]
        known = {subnet.id: subnet.availability_zone for subnet in backend.describe_subnets()}
        if missing := [subnet for subnet in identifiers if subnet not in known]:
            raise ValidationError(f"The subnet ID '{missing[0]}' does not exist")
        return sorted({known[subnet] for subnet in identifiers})

    # Activities

    def describe_scaling_activities(self) -> ActionResult:
        name, wanted = self.given.get("AutoScalingGroupName"), self.given.get("ActivityIds") or []
        groups = [STORE.groups[name]] if name in STORE.groups else ([] if name else list(STORE))
        rows = [activity for group in groups for activity in group.activities]
        return self.page("Activities", [row for row in rows if not wanted or row["ActivityId"] in wanted])

    def describe_account_limits(self) -> ActionResult:
        limits = {"MaxNumberOfAutoScalingGroups": MOST_GROUPS, "MaxNumberOfLaunchConfigurations": 200}
        return ActionResult({**limits, "NumberOfAutoScalingGroups": len(STORE.groups), "NumberOfLaunchConfigurations": 0})

    def describe_launch_configurations(self) -> ActionResult:
        """AWS refuses to make new ones: there are none."""
        return self.page("LaunchConfigurations", [])


def check_sizes(settings: Document) -> None:
    low, high, desired = (int(settings[key]) for key in ("MinSize", "MaxSize", "DesiredCapacity"))
    if low > high:
        raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    if desired > high:
        raise ValidationError(f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}")
    if desired < low:
        raise ValidationError(f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}")
    policy = settings.get("InstanceMaintenancePolicy") or {}
    levels = [policy.get(key, -1) for key in ("MinHealthyPercentage", "MaxHealthyPercentage")]
    if (-1 in levels) != (levels == [-1, -1]):
        raise ValidationError("You must specify both MinHealthyPercentage and MaxHealthyPercentage, or -1 for both.")
    if -1 not in levels and (not 0 <= levels[0] <= 100 <= levels[1] <= 200 or levels[1] - levels[0] > 100):
        raise ValidationError(
            "MinHealthyPercentage must be from 0 to 100, MaxHealthyPercentage from 100 to 200, and the difference at most 100."
        )


def check_launch(settings: Document) -> None:
    if bool(settings.get("LaunchTemplate")) + bool(settings.get("MixedInstancesPolicy")) != 1:
        raise ValidationError(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter."
        )
    if settings.get("MixedInstancesPolicy"):
        template = settings["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    else:
        template = settings["LaunchTemplate"]
    if not template.get("LaunchTemplateId") and not template.get("LaunchTemplateName"):
        raise ValidationError("Valid requests must contain either launchTemplateId or LaunchTemplateName")
    complete_template(template)


def complete_template(template: Document) -> None:
    """Both names of the template; that it exists."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.ec2.models import ec2_backends

    from lab.settings import REGION

    backend: Any = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    for known in backend.launch_templates.values():
        if template.get("LaunchTemplateId") == known.id or template.get("LaunchTemplateName") == known.name:
            template.update(LaunchTemplateId=known.id, LaunchTemplateName=known.name)
            version = template.get("Version") or "$Default"
            if not version.startswith("$") and version not in {str(one.number) for one in known.versions}:
                raise ValidationError(
                    f"You must use a valid fully-formed launch template. Could not find launch template version {version} "
                    f"for launch template {known.id}"
                )
            return
    name = template.get("LaunchTemplateId") or template.get("LaunchTemplateName")
    raise ValidationError(f"You must use a valid fully-formed launch template. The specified launch template, {name}, does not exist.")


def matches(group: Group, filters: list[Document]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in group.tags}
    for one in filters:
        name, values = one["Name"], one["Values"]
        if name == "tag-key":
            passed = any(key in values for key in tags)
        elif name == "tag-value":
            passed = any(value in values for value in tags.values())
        else:
            passed = tags.get(name.removeprefix("tag:")) in values
        if not passed:
            return False
    return True


def group_document(group: Group) -> Document:
    document = {
        **group.settings,
        "AutoScalingGroupARN": group.arn,
        "CreatedTime": moment(group.created),
        "Instances": [instance_document(member) for member in group.members if not member.warm],
        "Tags": group.tags,
        "SuspendedProcesses": [{"ProcessName": name, "SuspensionReason": why} for name, why in group.suspended.items()],
        "EnabledMetrics": [{"Metric": name, "Granularity": "1Minute"} for name in sorted(group.metrics)],
        "LoadBalancerNames": [],
        "TrafficSources": traffic_sources(group),
        "ServiceLinkedRoleARN": f"arn:aws:iam::{group.arn.split(':')[4]}:role/aws-service-role/autoscaling.amazonaws.com/"
        "AWSServiceRoleForAutoScaling",
    }
    if group.deleting:
        document["Status"] = "Delete in progress"
    if group.warm_pool is not None:
        document.update(WarmPoolConfiguration=group.warm_pool, WarmPoolSize=len(group.warm))
    return document
