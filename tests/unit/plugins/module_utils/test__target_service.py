# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._target_service import (
    IN_SERVICE,
    OUT_OF_SERVICE,
    action,
    health_of,
    reached,
)


@pytest.mark.parametrize(
    ("state", "reason", "to_serve", "serves", "to_rest", "rests"),
    [
        ("healthy", "", "", True, "deregister", False),
        ("initial", "Elb.RegistrationInProgress", "", False, "deregister", False),
        ("unhealthy", "Target.Timeout", "", False, "deregister", False),
        ("draining", "Target.DeregistrationInProgress", "register", False, "", True),
        ("unused", "Target.NotRegistered", "register", False, "", True),
        ("unused", "Target.NotInUse", "", True, "deregister", False),
        ("unused", "Target.InvalidState", "", False, "deregister", False),
    ],
)
def test_what_is_due(state: str, reason: str, to_serve: str, serves: bool, to_rest: str, rests: bool) -> None:
    health = health_of({"TargetHealth": {"State": state, "Reason": reason} if reason else {"State": state}})
    assert (action(health, IN_SERVICE), reached(health, IN_SERVICE)) == (to_serve, serves)
    assert (action(health, OUT_OF_SERVICE), reached(health, OUT_OF_SERVICE)) == (to_rest, rests)
