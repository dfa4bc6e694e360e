# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the launch template of a component, of which the group always uses one version by its number. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import (
    Api,
    Change,
    Ref,
    ServiceError,
    Step,
    covers,
    given,
)
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Seen, Service, claimed, plain

MANAGED = (
    "BlockDeviceMappings",
    "EbsOptimized",
    "HibernationOptions",
    "IamInstanceProfile",
    "ImageId",
    "InstanceType",
    "KeyName",
    "MetadataOptions",
    "Monitoring",
    "SecurityGroupIds",
    "TagSpecifications",
    "UserData",
)


def present(service: Service, seen: Seen) -> list[Change]:
    options = service.get("launch_template")
    if not options or options.get("version"):
        return []
    resource = f"launch template {service.name}"
    wanted = content(service, options)
    if not seen.template:
        return [Change(resource, None, _shown(wanted), (_create(service, wanted),))]
    claimed(service, resource, plain(seen.template.get("Tags", [])))
    steps = _tag_steps(service, seen)
    current, fitting = _current(seen), _fitting(seen, wanted)
    if fitting is None:
        steps += _new_version(service, seen, wanted)
    elif seen.template["DefaultVersionNumber"] != fitting:
        steps += [_default(service, seen, str(fitting))]
    before = {"tags": tags.ours(plain(seen.template.get("Tags", []))), **_shown(_data(seen, current))}
    after = {"tags": tags.wanted(service, plain(seen.template.get("Tags", []))), **_shown(wanted)}
    return [Change(resource, before, after, tuple(steps))]


def absent(service: Service, seen: Seen) -> list[Change]:
    if not seen.template or not _ours(service, seen):
        return []
    key = f"delete launch template {service.name}"
    step = Step(
        key,
        "ec2:DeleteLaunchTemplate",
        {"LaunchTemplateId": seen.template["LaunchTemplateId"]},
        after=(f"delete group {service.name}",),
    )
    return [Change(f"launch template {service.name}", {"name": service.name}, None, (step,))]


def specification(service: Service, seen: Seen) -> dict[str, Any] | None:
    """What the group launches from: the template's id and the number of a version, or None to leave it alone."""
    options = service.get("launch_template")
    if not options:
        return None
    if not seen.template:
        create = f"create launch template {service.name}"
        if options.get("version"):
            raise ServiceError(f"launch_template.version: there is no launch template {service.name} yet; describe it instead")
        return {
            "LaunchTemplateId": Ref(create, ("LaunchTemplate", "LaunchTemplateId")),
            "Version": Ref(create, ("LaunchTemplate", "LatestVersionNumber")),
        }
    return {"LaunchTemplateId": seen.template["LaunchTemplateId"], "Version": _version(service, seen, options)}


def adopted(service: Service, seen: Seen) -> dict[str, Any] | None:
    """What the group is to launch from now: what it does already, if a refresh shall move it, which can then go back."""
    wanted, used = specification(service, seen), pinned(seen.group)
    if wanted and used and service.get("launch_template")["adopt"] == "by_refresh":
        return {key: used[key] for key in wanted}
    return wanted


def _version(service: Service, seen: Seen, options: Api) -> str | Ref:
    pinned = options.get("version")
    if pinned:
        if not any(str(version["VersionNumber"]) == pinned for version in seen.versions):
            numbers = ", ".join(str(version["VersionNumber"]) for version in seen.versions)
            raise ServiceError(f"launch_template.version: launch template {service.name} has no version {pinned}; it has {numbers}")
        return str(pinned)
    fitting = _fitting(seen, content(service, options))
    return str(fitting) if fitting is not None else Ref(_new_key(service), ("LaunchTemplateVersion", "VersionNumber"))


def content(service: Service, options: Api) -> dict[str, Any]:
    """LaunchTemplateData. IMDSv2 is required and volumes are encrypted; tags of instances come from the group."""
    profile, user_data = options.get("instance_profile"), options.get("user_data")
    asked_tags = tags.wanted(service)
    return given(
        ImageId=options["image_id"],
        InstanceType=options["instance_type"],
        KeyName=options.get("key_name"),
        IamInstanceProfile={"Arn" if profile.startswith("arn:") else "Name": profile} if profile else None,
        SecurityGroupIds=sorted(options["security_groups"]) if options.get("security_groups") else None,
        UserData=base64.b64encode(user_data.encode()).decode() if user_data else None,
        MetadataOptions={
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": options["metadata_hop_limit"],
        },
        BlockDeviceMappings=[_volume(volume) for volume in _by_device(options.get("volumes"))] or None,
        EbsOptimized=options.get("ebs_optimized"),
        Monitoring={"Enabled": True} if options.get("detailed_monitoring") else None,
        HibernationOptions={"Configured": True} if options.get("hibernation") else None,
        TagSpecifications=tags.specification("volume", asked_tags),
    )


def _volume(volume: Api) -> dict[str, Any]:
    disk = given(
        VolumeSize=volume.get("volume_size"),
        VolumeType=volume.get("volume_type"),
        Iops=volume.get("iops"),
        Throughput=volume.get("throughput"),
        KmsKeyId=volume.get("kms_key_id"),
        SnapshotId=volume.get("snapshot_id"),
    )
    return {
        "DeviceName": volume["device_name"],
        "Ebs": {"Encrypted": True, "DeleteOnTermination": volume["delete_on_termination"], **disk},
    }


def _by_device(volumes: Any) -> list[Api]:
    return sorted(volumes or [], key=lambda volume: str(volume["device_name"]))


def same(seen: Api, wanted: Api) -> bool:
    """What is left out must not be there either, as a version is whole and not merged into another."""
    for key in MANAGED:
        have, shall = seen.get(key), wanted.get(key)
        if key == "SecurityGroupIds":
            have = sorted(have or [])
        if key == "BlockDeviceMappings":
            have = sorted(have or [], key=lambda mapping: str(mapping["DeviceName"]))
        if not (covers(have, shall) if shall else not have) or (key == "BlockDeviceMappings" and shall and not covers(shall, have)):
            return False
    return True


def pinned(group: Api) -> Api:
    """The launch template that a group uses, alone or in a mixed instances policy."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
    found: Api = group.get("LaunchTemplate") or mixed
    return found


def _current(seen: Seen) -> int:
    used = pinned(seen.group)
    if used.get("LaunchTemplateId") == seen.template["LaunchTemplateId"] and str(used.get("Version", "")).isdigit():
        return int(used["Version"])
    return int(seen.template["LatestVersionNumber"])


def _fitting(seen: Seen, wanted: Api) -> int | None:
    """The version that says what is wanted: the one in use, else the newest, so that a run that was killed or a way back makes none."""
    current = _current(seen)
    numbers = [int(version["VersionNumber"]) for version in seen.versions if same(version["LaunchTemplateData"], wanted)]
    if not numbers:
        return None
    return current if current in numbers else max(numbers)


def _data(seen: Seen, number: int) -> Api:
    found = [version["LaunchTemplateData"] for version in seen.versions if int(version["VersionNumber"]) == number]
    return {key: value for key, value in found[0].items() if key in MANAGED and value} if found else {}


def _shown(data: Api) -> dict[str, Any]:
    """User data is told by its hash: it is long, and nobody's to read in a log."""
    text = data.get("UserData")
    return {**data, "UserData": "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]} if text else dict(data)


def _create(service: Service, wanted: Api) -> Step:
    return Step(
        f"create launch template {service.name}",
        "ec2:CreateLaunchTemplate",
        {
            "LaunchTemplateName": service.name,
            "LaunchTemplateData": wanted,
            "TagSpecifications": tags.specification("launch-template", tags.wanted(service)),
        },
    )


def _new_version(service: Service, seen: Seen, wanted: Api) -> list[Step]:
    template = seen.template["LaunchTemplateId"]
    # Two runs at once make one version: with the same token EC2 answers the second with what the first made.
    said = json.dumps([template, seen.template["LatestVersionNumber"], wanted], sort_keys=True)
    create = Step(
        _new_key(service),
        "ec2:CreateLaunchTemplateVersion",
        {"LaunchTemplateId": template, "LaunchTemplateData": wanted, "ClientToken": hashlib.sha256(said.encode()).hexdigest()},
    )
    default = _default(service, seen, Ref(create.key, ("LaunchTemplateVersion", "VersionNumber")))
    old = _unused(service, seen)
    prune = Step(
        f"delete {len(old)} old versions of launch template {service.name}",
        "ec2:DeleteLaunchTemplateVersions",
        {"LaunchTemplateId": template, "Versions": [str(number) for number in old]},
        after=(default.key,),
    )
    return [create, default] + ([prune] if old else [])


def _new_key(service: Service) -> str:
    return f"create version of launch template {service.name}"


def _default(service: Service, seen: Seen, number: str | Ref) -> Step:
    """Also so that old versions can go: EC2 does not delete the default one."""
    return Step(
        f"make it the default version of launch template {service.name}",
        "ec2:ModifyLaunchTemplate",
        {"LaunchTemplateId": seen.template["LaunchTemplateId"], "DefaultVersion": number},
    )


def _unused(service: Service, seen: Seen) -> list[int]:
    """Versions beyond keep_versions that neither the group nor one of its instances, warm ones too, was launched from."""
    instances = [*seen.group.get("Instances", []), *(seen.warm_pool or {}).get("Instances", [])]
    if seen.group.get("WarmPoolConfiguration") and seen.warm_pool is None:
        return []  # its instances were not asked for
    used = {str(_current(seen)), *(str(instance.get("LaunchTemplate", {}).get("Version")) for instance in instances)}
    keep = int(service.get("launch_template")["keep_versions"])
    numbers = sorted((int(version["VersionNumber"]) for version in seen.versions), reverse=True)
    return sorted(number for number in numbers[max(keep - 1, 0) :] if str(number) not in used)


def _tag_steps(service: Service, seen: Seen) -> list[Step]:
    template = seen.template["LaunchTemplateId"]
    set_tags, removed = tags.difference(service, plain(seen.template.get("Tags", [])))
    steps = []
    if set_tags:
        parameters: Mapping[str, Any] = {"Resources": [template], "Tags": tags.listed(set_tags)}
        steps.append(Step(f"tag launch template {service.name}", "ec2:CreateTags", parameters))
    if removed:
        parameters = {"Resources": [template], "Tags": [{"Key": key} for key in removed]}
        steps.append(Step(f"untag launch template {service.name}", "ec2:DeleteTags", parameters))
    return steps


def _ours(service: Service, seen: Seen) -> bool:
    return plain(seen.template.get("Tags", [])).get(OWNER) == service.name
