# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every transition that an instance may take, with the page of AWS that it follows (below autoscaling/ec2/userguide/ or APIReference/).

python -m lab.transitions runs the tests, notes which of them take which transition, and writes the table in lab/README.md; it fails
when one is taken that is not listed here, or one is listed that no test takes.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.auto_scaling.model import (
    DETACHING,
    ENTERING_STANDBY,
    IN_SERVICE,
    PENDING,
    PENDING_PROCEED,
    PENDING_WAIT,
    STANDBY,
    TERMINATING,
    TERMINATING_PROCEED,
    TERMINATING_WAIT,
    WARMED,
    WARMED_READY,
)

Transition = tuple[str, str]
NEW = "(new)"
LIFECYCLE, HOOKS = "ec2-auto-scaling-lifecycle.html", "lifecycle-hooks-overview.html"
WARM, STAND_BY = "warm-pool-instance-lifecycle.html", "as-enter-exit-standby.html"
MOVED = "ec2-auto-scaling-detach-attach-instances.html"
REFRESHED, BY_FORCE = "API_RefreshPreferences.html", "API_DeleteAutoScalingGroup.html"

DOCUMENTED: Mapping[Transition, str] = {
    (NEW, PENDING): LIFECYCLE,
    (PENDING, PENDING_PROCEED): LIFECYCLE,
    (PENDING, PENDING_WAIT): HOOKS,
    (PENDING_WAIT, PENDING_PROCEED): HOOKS,
    (PENDING_WAIT, TERMINATING): HOOKS,
    (PENDING_PROCEED, IN_SERVICE): LIFECYCLE,
    (IN_SERVICE, TERMINATING): LIFECYCLE,
    (TERMINATING, TERMINATING_PROCEED): LIFECYCLE,
    (TERMINATING, TERMINATING_WAIT): HOOKS,
    (TERMINATING_WAIT, TERMINATING_PROCEED): HOOKS,
    (TERMINATING_PROCEED, "Terminated"): LIFECYCLE,
    (IN_SERVICE, ENTERING_STANDBY): STAND_BY,
    (ENTERING_STANDBY, STANDBY): STAND_BY,
    (STANDBY, PENDING_PROCEED): STAND_BY,
    (STANDBY, TERMINATING): REFRESHED,
    (NEW, PENDING_PROCEED): MOVED,
    (IN_SERVICE, DETACHING): MOVED,
    (DETACHING, "Detached"): MOVED,
    (IN_SERVICE, TERMINATING_PROCEED): BY_FORCE,
    (PENDING_WAIT, TERMINATING_PROCEED): BY_FORCE,
    (NEW, WARMED + PENDING): WARM,
    (WARMED + PENDING, WARMED + PENDING_PROCEED): WARM,
    (WARMED + PENDING, WARMED + PENDING_WAIT): WARM,
    (WARMED + PENDING_WAIT, WARMED + PENDING_PROCEED): WARM,
    (WARMED + PENDING_WAIT, WARMED + TERMINATING): WARM,
    **{(WARMED + PENDING_PROCEED, ready): WARM for ready in WARMED_READY},
    **{(ready, PENDING): WARM for ready in WARMED_READY},
    **{(ready, WARMED + TERMINATING): WARM for ready in WARMED_READY},
    (IN_SERVICE, WARMED + PENDING): WARM,
    (WARMED + TERMINATING, WARMED + TERMINATING_PROCEED): WARM,
    (WARMED + TERMINATING, WARMED + TERMINATING_WAIT): WARM,
    (WARMED + TERMINATING_WAIT, WARMED + TERMINATING_PROCEED): WARM,
    (WARMED + TERMINATING_PROCEED, WARMED + "Terminated"): WARM,
}
