# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a component names and AWS must have: image, key pair, profile, subnets, certificate.

Asked for only when something that refers to it would be made or changed, so that a run without changes does not ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Plan
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service

Found = Mapping[str, Any]


def questions(service: Service, plan: Plan) -> dict[str, Any]:
    """What to ask: the kind of referent and its names."""
    steps = {step.call.partition(":")[2]: step.parameters for step in plan.steps}
    asked: dict[str, Any] = {}
    template = service.get("launch_template") or {}
    if steps.keys() & {"CreateLaunchTemplate", "CreateLaunchTemplateVersion"}:
        asked["images"] = [template["image_id"]]
        asked["instance_types"] = instance_types(service)
        asked["key_pairs"] = [template["key_name"]] if template.get("key_name") else []
        asked["security_groups"] = sorted(template.get("security_groups") or [])
        asked["instance_profile"] = template.get("instance_profile") or ""
    group = {**steps.get("UpdateAutoScalingGroup", {}), **steps.get("CreateAutoScalingGroup", {})}
    if "VPCZoneIdentifier" in group or "CreateTargetGroup" in steps:
        asked["subnets"] = sorted(service.get("subnets") or [])
    if steps.keys() & {"CreateListener", "ModifyListener"}:
        asked["certificates"] = sorted({arn for arn, dummy in certificates(service)})
    return {kind: names for kind, names in asked.items() if names}


def instance_types(service: Service) -> list[str]:
    mixed = (service.get("mixed_instances_policy") or {}).get("instance_types", [])
    return sorted({(service.get("launch_template") or {})["instance_type"], *mixed})


def certificates(service: Service) -> list[tuple[str, str]]:
    """ARN and the name that clients call."""
    listeners = [group["listener"] for group in service.target_groups if group.get("listener")]
    return [(each["certificate_arn"], each.get("hostname") or "") for each in listeners if each.get("certificate_arn")]


def problems(service: Service, asked: Api, found: Found) -> list[str]:
    return [
        *_missing(asked, found),
        *_image(service, asked, found),
        *_subnets(service, asked, found),
        *_certificates(service, asked, found),
    ]


def vpc(found: Found) -> str:
    return next((str(subnet["VpcId"]) for subnet in found.get("subnets", [])), "")


# kind: option, key of the answer, noun
NAMED = {
    "images": ("launch_template.image_id", "ImageId", "image"),
    "key_pairs": ("launch_template.key_name", "KeyName", "key pair"),
    "security_groups": ("launch_template.security_groups", "GroupId", "security group"),
    "subnets": ("subnets", "SubnetId", "subnet"),
    "instance_types": ("launch_template.instance_type", "InstanceType", "instance type"),
}


def _missing(asked: Api, found: Found) -> Iterator[str]:
    for kind, (option, key, noun) in NAMED.items():
        have = {each[key] for each in found.get(kind, [])}
        for name in asked.get(kind, []):
            if name not in have:
                yield f"{option}: this region has no {noun} {name}; name one that exists."
    profile = asked.get("instance_profile")
    if profile and not found.get("instance_profile"):
        yield f"launch_template.instance_profile: this account has no instance profile {profile}; name one that exists."
    for arn in asked.get("certificates", []):
        if not found["certificates"].get(arn):
            yield f"target_groups.listener.certificate_arn: there is no certificate {arn} in this region; name one that exists."


def _image(service: Service, asked: Api, found: Found) -> Iterator[str]:
    options = service.get("launch_template") or {}
    for image in found.get("images", []):
        if image.get("State", "available") != "available":
            yield f"launch_template.image_id: image {image['ImageId']} is {image['State']}; wait until it is available."
        for kind in found.get("instance_types", []):
            fits = kind.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
            if fits and image.get("Architecture") and image["Architecture"] not in fits:
                yield (
                    f"launch_template.image_id: image {image['ImageId']} is for {image['Architecture']}, "
                    f"{kind['InstanceType']} runs {', '.join(fits)}; choose an image or an instance type of the same architecture."
                )
        if options.get("hibernation"):
            yield from _hibernation(options, image, found)


def _hibernation(options: Api, image: Api, found: Found) -> Iterator[str]:
    root = image.get("RootDeviceName")
    disk = next((volume for volume in options.get("volumes") or [] if volume["device_name"] == root), None)
    if disk is None:
        yield f"launch_template.volumes: hibernation needs an encrypted root volume; list {root}."
        return
    memory = max([kind.get("MemoryInfo", {}).get("SizeInMiB", 0) for kind in found.get("instance_types", [])], default=0)
    if disk.get("volume_size") and disk["volume_size"] * 1024 < memory:
        size = disk["volume_size"]
        yield f"launch_template.volumes: {root} has {size} GiB, hibernation writes {memory // 1024} GiB of memory to it; enlarge it."


def _subnets(service: Service, asked: Api, found: Found) -> Iterator[str]:
    subnets = found.get("subnets", [])
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    if subnets and len(zones) == 1 and not service.get("single_az"):
        yield f"subnets: all of them are in zone {zones.pop()}, which is down when that is; add one of another zone, or set single_az."
    vpcs = sorted({subnet["VpcId"] for subnet in subnets})
    if len(vpcs) > 1:
        yield f"subnets: they are in several VPCs ({', '.join(vpcs)}); name those of one."


def _certificates(service: Service, asked: Api, found: Found) -> Iterator[str]:
    for arn, hostname in certificates(service) if asked.get("certificates") else []:
        certificate = found["certificates"].get(arn)
        if not certificate:
            continue
        names = {certificate.get("DomainName", ""), *certificate.get("SubjectAlternativeNames", [])}
        if hostname and not any(_matches(hostname.lower(), name.lower()) for name in names):
            yield (
                f"target_groups.listener.certificate_arn: the certificate is for {', '.join(sorted(names))}, "
                f"not for {hostname}; choose one of that name."
            )


def _matches(hostname: str, name: str) -> bool:
    """A wildcard stands for one label."""
    return hostname == name or (name.startswith("*.") and hostname.partition(".")[2] == name[2:])
