# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a run of requests says about a service: failures, longest gap, latency. Pure, the clock is given."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

# A user has left by then: a request that takes as long has failed, whatever its answer.
HANG_SECONDS = 10.0
SHOWN_FAILURES = 10

Result = TypeVar("Result")


@dataclass(frozen=True)
class Sample:
    """One request: when it began, how long it took, and what was wrong with it (empty: nothing)."""

    start: float
    seconds: float
    step: str
    error: str = ""
    patience: float = HANG_SECONDS

    @property
    def end(self) -> float:
        return self.start + self.seconds

    @property
    def hung(self) -> bool:
        return self.seconds >= self.patience

    @property
    def good(self) -> bool:
        return not self.error and not self.hung


class Meter:
    """Collects samples from several threads. Time spent at a hold page (pause) is waiting, and no part of a request's latency."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = HANG_SECONDS,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._paused = threading.local()
        self._samples: list[Sample] = []
        self._begin = clock()
        self.held = 0

    def measure(self, step: str, call: Callable[[], Result]) -> Result:
        """The call's result; whatever it raises is recorded and raised again."""
        self._paused.seconds = 0.0
        start = self._clock()
        try:
            result = call()
        except Exception as error:
            self._add(start, step, str(error) or type(error).__name__)
            raise
        self._add(start, step, "")
        return result

    def pause(self, seconds: float) -> None:
        """To be used as the sleep of whoever waits at a hold page inside a measured call."""
        self._sleep(seconds)
        self._paused.seconds = getattr(self._paused, "seconds", 0.0) + seconds
        with self._lock:
            self.held += 1

    def summary(self) -> dict[str, Any]:
        with self._lock:
            return summarise(self._samples, self._begin, self._clock())

    def failed_since(self, moment: float, *steps: str) -> list[float]:
        """When each failed request of these steps (of all, when none is named) was begun, in seconds after the moment."""
        with self._lock:
            return [
                each.start - moment
                for each in self._samples
                if each.start >= moment and not each.good and (not steps or each.step in steps)
            ]

    def _add(self, start: float, step: str, error: str) -> None:
        seconds = max(0.0, self._clock() - start - self._paused.seconds)
        with self._lock:
            self._samples.append(Sample(start, seconds, step, error, self._patience))


def summarise(samples: Sequence[Sample], begin: float, end: float) -> dict[str, Any]:
    latencies = sorted(sample.seconds for sample in samples)
    failures = [sample for sample in samples if not sample.good]
    return {
        "requests": len(samples),
        "failed": len(failures),
        "hung": sum(sample.hung for sample in samples),
        "longest_gap_s": round(longest_gap((sample.end for sample in samples if sample.good), begin, end), 2),
        "worst_latency_s": round(latencies[-1], 2) if latencies else 0.0,
        "p99_latency_s": round(percentile(latencies, 99), 2),
        "seconds": round(end - begin, 1),
        "failed_steps": dict(Counter(sample.step for sample in failures)),
        "failures": [_describe(sample, begin) for sample in failures[:SHOWN_FAILURES]],
    }


def longest_gap(answers: Iterable[float], begin: float, end: float) -> float:
    """The longest time from begin to end in which no good answer came."""
    times = [begin, *sorted(at for at in answers if begin <= at <= end), end]
    return max(later - earlier for earlier, later in zip(times, times[1:]))


def percentile(ascending: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile: a value that was really measured."""
    if not ascending:
        return 0.0
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]


def _describe(sample: Sample, begin: float) -> dict[str, Any]:
    detail = sample.error or f"answered after {sample.seconds:.1f} s"
    return {"at_s": round(sample.start - begin, 1), "step": sample.step, "seconds": round(sample.seconds, 1), "detail": detail}
