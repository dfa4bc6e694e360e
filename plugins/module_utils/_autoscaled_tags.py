# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the tags of a component's resources. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Service

Tags = Mapping[str, str]


def wanted(service: Service, seen: Tags | None = None) -> dict[str, str]:
    """All tags that a resource shall have. Without `tags` those that it has stay; aws: ones are not ours."""
    own = {OWNER: service.name}
    asked = service.get("tags")
    if asked is None or not service.get("purge_tags"):
        return {**ours(seen or {}), **(asked or {}), **own}
    return {**asked, **own}


def ours(seen: Tags) -> dict[str, str]:
    return {key: value for key, value in seen.items() if not key.startswith("aws:")}


def difference(service: Service, seen: Tags) -> tuple[dict[str, str], list[str]]:
    """Tags to set, and keys to remove."""
    shall = wanted(service, seen)
    changed = {key: value for key, value in shall.items() if seen.get(key) != value}
    return changed, [key for key in ours(seen) if key not in shall]


def listed(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def specification(kind: str, tags: Tags) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": listed(tags)}]
