# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._load import MAX_WORKERS, SteadyLoad


def test_keeps_its_rate_and_stops() -> None:
    starts: list[float] = []
    load = SteadyLoad(lambda: starts.append(time.monotonic()), rate=50.0)
    load.start()
    time.sleep(0.5)
    load.stop(timeout=5.0)
    made = len(starts)
    assert 5 <= made <= 27  # 25 on an idle machine; never more than the rate allows
    time.sleep(0.1)
    assert len(starts) == made


def test_a_service_that_hangs_gets_no_burst_afterwards() -> None:
    gate, starts = threading.Event(), []

    def job() -> None:
        starts.append(time.monotonic())
        gate.wait(5.0)

    load = SteadyLoad(job, rate=100.0, workers=100)
    load.start()
    time.sleep(0.5)
    waiting = len(starts)
    gate.set()
    opened = time.monotonic()
    time.sleep(0.2)
    load.stop(timeout=5.0)
    assert waiting == MAX_WORKERS
    assert len([start for start in starts if opened <= start <= opened + 0.2]) <= 24  # 20, and not the 18 that were left out as well


def test_a_defect_in_a_job_is_raised() -> None:
    def job() -> None:
        raise IndexError

    load = SteadyLoad(job, rate=50.0)
    load.start()
    time.sleep(0.1)
    with pytest.raises(IndexError):
        load.check()
    with pytest.raises(IndexError):
        load.stop(timeout=5.0)
