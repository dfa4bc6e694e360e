# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling groups: ticks of the state machine in lab/auto_scaling."""

from __future__ import annotations

from lab.auto_scaling import machine
from lab.auto_scaling.model import STORE
from lab.auto_scaling.world import Clients
from lab.containers import Containers
from lab.settings import Lab


class AutoScaling:
    kind = "auto-scaling-group"
    watches = True

    def __init__(self, lab: Lab) -> None:
        self.world = Clients(lab.client)

    def reconcile(self) -> None:
        if STORE.groups:
            machine.once(self.world)


def create(lab: Lab, _: Containers) -> AutoScaling:
    return AutoScaling(lab)
