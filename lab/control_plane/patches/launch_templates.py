# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 launch templates: versions as AWS documents them. AWS: AWSEC2/latest/APIReference/API_{Create,Delete}LaunchTemplateVersion(s).html"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models import launch_templates as models
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import parse_user_data

from lab.settings import Lab

Template: Any = models.LaunchTemplate
Responses: Any = LaunchTemplates
Backend: Any = models.LaunchTemplateBackend


def apply(_: Lab) -> None:
    # moto keeps the tags that a template was created with, whatever CreateTags and DeleteTags did later.
    Template.tags = property(lambda self: self.get_tags(), lambda self, value: None)
    Template.create_version = _create_version
    Template.get_version = _get_version
    Template.default_version = lambda self: _get_version(self, self.default_version_number)
    if not hasattr(Responses, "delete_launch_template_versions"):
        _inherit_from_source()
    Responses.delete_launch_template_versions = _delete_versions
    Backend.describe_launch_template_versions = _describe_versions


def _create_version(self: Any, data: dict[str, Any], description: str) -> Any:
    """A number is never given twice, also after the deletion of the newest; tags of the template itself are no part of its data."""
    user_data = data.get("UserData")
    if user_data is not None and not isinstance(user_data, Base64EncodedString):
        data["UserData"] = parse_user_data(user_data)
    if "TagSpecifications" in data:
        data["TagSpecifications"] = [one for one in data["TagSpecifications"] if one["ResourceType"] != "launch-template"]
    self.newest_number = getattr(self, "newest_number", 0) + 1
    version = models.LaunchTemplateVersion(self, self.newest_number, data, description)
    self.versions.append(version)
    return version


def _get_version(self: Any, number: Any) -> Any:
    wanted = str(number).lower()
    if wanted == "$latest":
        return self.versions[-1]
    if wanted == "$default":
        number = self.default_version_number
    for version in self.versions:
        if str(version.number) == str(number):
            return version
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=number)


def _inherit_from_source() -> None:
    """SourceVersion: the new version has the source's parameters, except those that are given."""
    create = Responses.create_launch_template_version

    def created(self: Any) -> ActionResult:
        tokens = _template(self).__dict__.setdefault("client_tokens", {})
        token = self._get_param("ClientToken")
        if token in tokens:  # AWS: "Ensuring idempotency": the same answer, no other version
            return tokens[token]
        source = self._get_param("SourceVersion")
        if source:
            given = self.params.setdefault("LaunchTemplateData", {})
            self.params["LaunchTemplateData"] = {**_template(self).get_version(source).data, **given}
        result: ActionResult = create(self)
        if token:
            tokens[token] = result
        return result

    Responses.create_launch_template_version = created


def _template(self: Any) -> Any:
    name, identifier = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
    return self.ec2_backend.get_launch_template(identifier) if identifier else self.ec2_backend.get_launch_template_by_name(name)


def _delete_versions(self: Any) -> ActionResult:
    template = _template(self)
    done, failed = [], []
    for number in self._get_param("Versions", []):
        row = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(number)}
        known = [version for version in template.versions if str(version.number) == str(number)]
        if not known:
            error = {"Code": "launchTemplateVersionDoesNotExist", "Message": f"Launch template version {number} does not exist."}
            failed.append({**row, "ResponseError": error})
        elif template.is_default(known[0]):
            error = {"Code": "unexpectedError", "Message": "The default version cannot be deleted."}
            failed.append({**row, "ResponseError": error})
        else:
            template.versions.remove(known[0])
            done.append(row)
    return ActionResult({"SuccessfullyDeletedLaunchTemplateVersions": done, "UnsuccessfullyDeletedLaunchTemplateVersions": failed})


def _describe_versions(self: Any, template_name: str, template_id: str, versions: list[str], **limits: Any) -> list[tuple[Any, Any]]:
    """All that match, up to AWS' limit of 200; moto stops at 15 without a token, and counts positions for numbers."""
    if not template_name and not template_id:
        return [(template, template.get_version(one)) for template in self.launch_templates.values() for one in versions]
    template = self.get_launch_template_by_name(template_name) if template_name else self.get_launch_template(template_id)
    if versions:
        return [(template, template.get_version(one)) for one in versions]
    least, most = int(limits.get("min_version") or 0), int(limits.get("max_version") or 1 << 30)
    return [(template, version) for version in template.versions if least <= version.number <= most][:200]
