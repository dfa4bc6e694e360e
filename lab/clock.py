# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clock. Timers of AWS' own (grace, heartbeat, warm-up, periods of metrics) run on it; nothing that hosts do runs faster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

VARIABLE = "LAB_CLOCK"


class Clock:
    """Times are those of the machine, so that what the API shows is true; only how much time has passed since is multiplied."""

    def __init__(self, speed: float = 1.0, now: Callable[[], float] = time.time) -> None:
        self.speed = speed
        self.now = now

    def elapsed(self, since: float) -> float:
        """Seconds on the lab's clock."""
        return (self.now() - since) * self.speed


def speed() -> float:
    """What LAB_CLOCK asks for: with 10 a minute of AWS' takes six seconds."""
    value = os.environ.get(VARIABLE, "1")
    try:
        wanted = float(value)
    except ValueError:
        wanted = 0.0
    if not 1.0 <= wanted <= 100.0:
        raise RuntimeError(f"{VARIABLE} is {value!r}; set it to how many times faster AWS' timers shall run, from 1 to 100")
    return wanted


CLOCK = Clock()  # the server sets its speed
