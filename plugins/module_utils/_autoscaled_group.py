# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the Auto Scaling group of a component. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_hook as hooks
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_template as template
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, ServiceError, Step, differing, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Seen, Service, claimed

# Option: parameter of the API that takes its value as it is.
SETTINGS = {
    "min_size": "MinSize",
    "max_size": "MaxSize",
    "desired_capacity": "DesiredCapacity",
    "health_check_type": "HealthCheckType",
    "health_check_period": "HealthCheckGracePeriod",
    "default_instance_warmup": "DefaultInstanceWarmup",
    "default_cooldown": "DefaultCooldown",
    "termination_policies": "TerminationPolicies",
    "capacity_rebalance": "CapacityRebalance",
    "max_instance_lifetime": "MaxInstanceLifetime",
    "protected_from_scale_in": "NewInstancesProtectedFromScaleIn",
}
LAUNCH = ("LaunchTemplate", "MixedInstancesPolicy")


def create_key(service: Service) -> str:
    return f"create group {service.name}"


def present(service: Service, seen: Seen) -> list[Change]:
    resource, wanted = f"group {service.name}", settings(service, seen)
    targets = [seen.target_group_arn(group["name"]) for group in service.target_groups]
    if not seen.group:
        return [_created(service, resource, wanted, targets)]
    claimed(service, resource, seen.group_tags)
    _fits(service, seen.group, wanted)
    wrong = differing(_comparable(seen.group), wanted)
    if "MixedInstancesPolicy" in wrong or "LaunchTemplate" in wrong:
        wrong = {key: value for key, value in wrong.items() if key not in LAUNCH} | {key: wanted[key] for key in LAUNCH if key in wanted}
    steps = [_update(service, wrong)] if wrong else []
    steps += _target_steps(service, seen, targets)
    steps += _tag_steps(service, seen)
    steps += _process_steps(service, seen)
    steps += _metrics_steps(service, seen)
    before = {
        **{key: _comparable(seen.group).get(key) for key in wanted},
        "tags": tags.ours(seen.group_tags),
        **_extras_seen(service, seen),
    }
    after = {**wanted, "tags": tags.wanted(service, seen.group_tags), **_extras(service)}
    return [Change(resource, before, after, tuple(steps))]


def absent(service: Service, seen: Seen, ways: tuple[str, ...]) -> list[Change]:
    """To zero first, so that instances drain and their hooks run; a group that is forced loses them all at once.

    `ways` are the steps that end its traffic: they come before.
    """
    if not seen.group or seen.group_tags.get(OWNER) != service.name:
        return []
    group, steps = {"AutoScalingGroupName": service.name}, []
    force = bool(service.get("force_delete"))
    if seen.group.get("WarmPoolConfiguration"):
        steps.append(
            Step(
                f"delete warm pool of {service.name}",
                "autoscaling:DeleteWarmPool",
                {**group, "ForceDelete": force},
                ways,
                "no_warm_pool",
            )
        )
    after = (*ways, *(step.key for step in steps))
    if not force and (seen.group.get("Instances") or seen.group["MaxSize"]):
        zero = {**group, "MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}
        steps.append(Step(f"scale group {service.name} to zero", "autoscaling:UpdateAutoScalingGroup", zero, after, "no_instances"))
    delete = {**group, "ForceDelete": force}
    after = (*ways, *(step.key for step in steps))
    steps.append(Step(f"delete group {service.name}", "autoscaling:DeleteAutoScalingGroup", delete, after, "no_group"))
    return [Change(f"group {service.name}", {"MaxSize": seen.group["MaxSize"], "tags": tags.ours(seen.group_tags)}, None, tuple(steps))]


def _fits(service: Service, group: Api, wanted: Api) -> None:
    """What is given beside what is left alone; what is given by itself was checked before anything was read."""
    low, high = (wanted.get(key, group[key]) for key in ("MinSize", "MaxSize"))
    desired = wanted.get("DesiredCapacity")
    if low > high:
        raise ServiceError(f"min_size, max_size: group {service.name} would have {low} to {high} instances; give both")
    if desired is not None and not low <= desired <= high:
        raise ServiceError(
            f"desired_capacity: {desired} is not between {low} and {high}, the sizes of group {service.name}; change those too"
        )
    pool = service.get("warm_pool") or {}
    pooled = bool(group.get("WarmPoolConfiguration")) if service.get("warm_pool") is None else pool["enabled"]
    shares = (wanted.get("MixedInstancesPolicy") or group.get("MixedInstancesPolicy") or {}).get("InstancesDistribution") or {}
    if pooled and "LaunchTemplate" not in wanted and shares.get("OnDemandPercentageAboveBaseCapacity", 100) < 100:
        raise ServiceError(
            f"warm_pool: group {service.name} has Spot instances, which cannot wait in a warm pool; "
            "set on_demand_percentage_above_base_capacity to 100, or warm_pool.enabled to false"
        )


def settings(service: Service, seen: Seen) -> dict[str, Any]:
    """Parameters that creation and update share."""
    found = {key: service.get(option) for option, key in SETTINGS.items() if service.get(option) is not None}
    if service.get("subnets"):
        found["VPCZoneIdentifier"] = ",".join(sorted(service.get("subnets")))
    maintenance = service.get("instance_maintenance_policy")
    if maintenance:
        found["InstanceMaintenancePolicy"] = {
            "MinHealthyPercentage": maintenance["min_healthy_percentage"],
            "MaxHealthyPercentage": maintenance["max_healthy_percentage"],
        }
    if service.get("availability_zone_distribution"):
        found["AvailabilityZoneDistribution"] = {"CapacityDistributionStrategy": service.get("availability_zone_distribution")}
    launch = template.adopted(service, seen)
    mixed = service.get("mixed_instances_policy")
    if mixed and not launch:
        raise ServiceError("mixed_instances_policy: it launches from launch_template: give that option as well")
    if launch:
        found.update({"MixedInstancesPolicy": _mixed(mixed, launch)} if mixed else {"LaunchTemplate": launch})
    return found


def _mixed(asked: Api, launch: Api) -> dict[str, Any]:
    shares = asked.get("instances_distribution") or {}
    distribution = given(
        OnDemandAllocationStrategy=shares.get("on_demand_allocation_strategy"),
        OnDemandBaseCapacity=shares.get("on_demand_base_capacity"),
        OnDemandPercentageAboveBaseCapacity=shares.get("on_demand_percentage_above_base_capacity"),
        SpotAllocationStrategy=shares.get("spot_allocation_strategy"),
        SpotMaxPrice=shares.get("spot_max_price"),
    )
    overrides = [{"InstanceType": kind} for kind in asked["instance_types"]]
    policy: dict[str, Any] = {"LaunchTemplate": {"LaunchTemplateSpecification": launch, "Overrides": overrides}}
    return {**policy, "InstancesDistribution": distribution} if distribution else policy


def _created(service: Service, resource: str, wanted: dict[str, Any], targets: list[Any]) -> Change:
    missing = [option for option in ("launch_template", "subnets", "min_size", "max_size") if service.get(option) is None]
    if missing:
        raise ServiceError(f"{', '.join(missing)}: {resource} does not exist yet and cannot be made without: give these options")
    group = {"AutoScalingGroupName": service.name}
    parameters: dict[str, Any] = {**group, **wanted, "Tags": _listed(service, tags.wanted(service))}
    if targets:
        parameters["TargetGroupARNs"] = targets
    # With the group, or its first instances would pass the hook by.
    asked_hooks = hooks.specifications(service)
    if asked_hooks:
        parameters["LifecycleHookSpecificationList"] = asked_hooks
    create = Step(create_key(service), "autoscaling:CreateAutoScalingGroup", parameters, _ready(service))
    steps = [create, *_process_steps(service, Seen()), *_metrics_steps(service, Seen())]
    beside = {"TargetGroups": [each["name"] for each in service.target_groups], "LifecycleHooks": asked_hooks}
    after = {**wanted, **{key: value for key, value in beside.items() if value}, "tags": tags.wanted(service), **_extras(service)}
    return Change(resource, None, after, tuple(steps))


def _ready(service: Service) -> tuple[str, ...]:
    """What must be so before an instance is launched: it would be judged by the wrong health check, or get no traffic."""
    groups = service.target_groups
    keys = [f"set attributes of target group {group['name']}" for group in groups]
    keys += [f"create listener {service.balancer['name']}:{group['listener']['port']}" for group in groups if group.get("listener")]
    return tuple(keys)


def _comparable(group: Api) -> dict[str, Any]:
    return {**group, "VPCZoneIdentifier": ",".join(sorted(group.get("VPCZoneIdentifier", "").split(",")))}


def _update(service: Service, wrong: Api) -> Step:
    return Step(f"change group {service.name}", "autoscaling:UpdateAutoScalingGroup", {"AutoScalingGroupName": service.name, **wrong})


def _target_steps(service: Service, seen: Seen, wanted: list[Any]) -> list[Step]:
    if service.get("target_groups") is None:
        return []
    have, group = seen.group.get("TargetGroupARNs", []), {"AutoScalingGroupName": service.name}
    added, gone = [arn for arn in wanted if arn not in have], [arn for arn in have if arn not in wanted]
    attach = Step(
        f"attach target groups to {service.name}",
        "autoscaling:AttachLoadBalancerTargetGroups",
        {**group, "TargetGroupARNs": added},
    )
    detach = Step(
        f"detach target groups from {service.name}",
        "autoscaling:DetachLoadBalancerTargetGroups",
        {**group, "TargetGroupARNs": gone},
        after=(attach.key,),
    )
    return ([attach] if added else []) + ([detach] if gone else [])


def _tag_steps(service: Service, seen: Seen) -> list[Step]:
    set_tags, removed = tags.difference(service, seen.group_tags)
    gone = [{"ResourceId": service.name, "ResourceType": "auto-scaling-group", "Key": key} for key in removed]
    steps = [Step(f"tag group {service.name}", "autoscaling:CreateOrUpdateTags", {"Tags": _listed(service, set_tags)})] if set_tags else []
    return steps + ([Step(f"untag group {service.name}", "autoscaling:DeleteTags", {"Tags": gone})] if gone else [])


def _listed(service: Service, wanted: Any) -> list[dict[str, Any]]:
    return [
        {"ResourceId": service.name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True, **tag} for tag in tags.listed(wanted)
    ]


def _process_steps(service: Service, seen: Seen) -> list[Step]:
    asked = service.get("suspend_processes")
    if asked is None:
        return []
    have = {process["ProcessName"] for process in seen.group.get("SuspendedProcesses", [])}
    group, after = {"AutoScalingGroupName": service.name}, (create_key(service),)
    suspend, resume = sorted(set(asked) - have), sorted(have - set(asked))
    steps = []
    if suspend:
        steps.append(
            Step(
                f"suspend processes of {service.name}",
                "autoscaling:SuspendProcesses",
                {**group, "ScalingProcesses": suspend},
                after,
            )
        )
    if resume:
        steps.append(
            Step(
                f"resume processes of {service.name}",
                "autoscaling:ResumeProcesses",
                {**group, "ScalingProcesses": resume},
                after,
            )
        )
    return steps


def _metrics_steps(service: Service, seen: Seen) -> list[Step]:
    asked = service.get("metrics_collection")
    if asked is None or asked == bool(seen.group.get("EnabledMetrics")):
        return []
    group, after = {"AutoScalingGroupName": service.name}, (create_key(service),)
    if not asked:
        return [Step(f"end group metrics of {service.name}", "autoscaling:DisableMetricsCollection", group, after)]
    parameters = {**group, "Granularity": "1Minute"}
    return [Step(f"collect group metrics of {service.name}", "autoscaling:EnableMetricsCollection", parameters, after)]


def _extras(service: Service) -> dict[str, Any]:
    return {option: service.get(option) for option in ("suspend_processes", "metrics_collection") if service.get(option) is not None}


def _extras_seen(service: Service, seen: Seen) -> dict[str, Any]:
    have = {
        "suspend_processes": sorted(process["ProcessName"] for process in seen.group.get("SuspendedProcesses", [])),
        "metrics_collection": bool(seen.group.get("EnabledMetrics")),
    }
    return {option: value for option, value in have.items() if service.get(option) is not None}
