# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: a steady, bounded load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Enough for a service that lets every request hang for 20 seconds at one or two a second.
MAX_WORKERS = 32


class SteadyLoad:
    """Starts job() rate times a second on a few threads until stopped.

    When all workers are busy (a service that hangs), starts are left out and not made up for later: a burst after an outage would
    measure the burst. What the outage cost is in the gap and in the latency of the requests that hung.
    """

    def __init__(self, job: Callable[[], None], rate: float, workers: int = 8) -> None:
        self._job = job
        self._interval = 1.0 / rate
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._next = time.monotonic()
        self._broken: BaseException | None = None
        self._threads = [threading.Thread(target=self._work, daemon=True) for _unused in range(min(workers, MAX_WORKERS))]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float) -> None:
        """End after the jobs under way, at the latest after timeout seconds; raises what a job raised, if one did."""
        self._stopped.set()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.check()

    def check(self) -> None:
        """Raise what a job raised: jobs handle what servers do to them, so that anything else is a defect and must be seen."""
        if self._broken is not None:
            raise self._broken

    def _work(self) -> None:
        while self._broken is None and not self._stopped.wait(self._turn()):
            try:
                self._job()
            except BaseException as error:
                self._broken = error

    def _turn(self) -> float:
        """Seconds until this worker's next start."""
        with self._lock:
            now = time.monotonic()
            start = max(self._next, now)
            self._next = start + self._interval
            return start - now
