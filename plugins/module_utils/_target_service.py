# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what the health of a target means for taking it out of service and putting it back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IN_SERVICE, OUT_OF_SERVICE = "in_service", "out_of_service"


@dataclass(frozen=True)
class Health:
    """TargetHealth of DescribeTargetHealth."""

    state: str
    reason: str

    @property
    def registered(self) -> bool:
        return self.state != "draining" and self.reason != "Target.NotRegistered"

    @property
    def serves(self) -> bool:
        """Healthy, or as good as it can be said of a group that gets no traffic, whose targets nobody checks."""
        return self.state == "healthy" or self.reason == "Target.NotInUse"

    def __str__(self) -> str:
        return "%s (%s)" % (self.state, self.reason) if self.reason else self.state


def health_of(description: Mapping[str, Any]) -> Health:
    health = description["TargetHealth"]
    return Health(health["State"], health.get("Reason", ""))


def action(health: Health, wanted: str) -> str:
    """The call that is due: register, deregister or none. A target that drains can be registered again at once."""
    if wanted == IN_SERVICE:
        return "" if health.registered else "register"
    return "deregister" if health.registered else ""


def reached(health: Health, wanted: str) -> bool:
    """Out of service is not "unused": an idle target has been let go long before, and is shown as draining until the delay is over."""
    return health.serves if wanted == IN_SERVICE else not health.registered
