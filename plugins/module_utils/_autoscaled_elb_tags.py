# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: tags of what Elastic Load Balancing has, by ARN. Pure."""

from __future__ import annotations

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Step
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Seen, Service


def ours(service: Service, seen: Seen, arn: str) -> bool:
    return seen.tags.get(arn, {}).get(OWNER) == service.name


def steps(service: Service, seen: Seen, resource: str, arn: str) -> list[Step]:
    set_tags, removed = tags.difference(service, seen.tags.get(arn, {}))
    added = Step(f"tag {resource}", "elbv2:AddTags", {"ResourceArns": [arn], "Tags": tags.listed(set_tags)})
    gone = Step(f"untag {resource}", "elbv2:RemoveTags", {"ResourceArns": [arn], "TagKeys": removed})
    return ([added] if set_tags else []) + ([gone] if removed else [])
