# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: reading a cluster until it is proven or time is up. Pure: clock and I/O are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_judge import judge, judge_proof
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Expected, Probe, Reading, Verdict


@dataclass(frozen=True)
class Patience:
    """How many good readings in a row, how far apart, over how long after a merge; and how long to wait for the first of them."""

    reads: int
    interval: float
    settle: float
    timeout: float


@dataclass(frozen=True)
class Clock:
    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    reading: Reading
    reads: int
    seconds: float
    probe: Probe | None


class Watch:
    def __init__(self, expected: Expected, vantage: str, patience: Patience, clock: Clock) -> None:
        self._expected = expected
        self._vantage = vantage
        self._patience = patience
        self._clock = clock
        self._good: list[Reading] = []

    def run(self, look: Callable[[], Reading], probe: Callable[[], Probe] | None) -> Outcome:
        """A bad reading ends it once the time is up; a row of good ones, once begun, is always finished."""
        start = self._clock.now()
        reads = 0
        previous: Reading | None = None
        proof: Probe | None = None
        while True:
            reading = look()
            reads += 1
            findings = judge(self._expected, self._vantage, reading, previous)
            previous = reading
            if Verdict(findings).one_cluster:
                self._good.append(reading)
                if not self._enough():
                    proof = self._pause(probe)
                    continue
                proof = proof or (probe() if probe else None)
                findings += judge_proof(reading, proof)
            else:
                proof = None
            verdict = Verdict(tuple(findings))
            elapsed = self._clock.now() - start
            # Waiting mends neither a wrong password of the probe nor a question that was not asked.
            if verdict.state in ("one_cluster", "unproven") or elapsed >= self._patience.timeout:
                return Outcome(verdict, reading, reads, elapsed, proof)
            self._good.clear()
            self._clock.sleep(self._patience.interval)

    def _pause(self, probe: Callable[[], Probe] | None) -> Probe | None:
        """The probe takes the place of the last pause, so that nothing waits by the clock and a reading still follows it."""
        start = self._clock.now()
        proof = probe() if probe and len(self._good) == self._patience.reads - 1 else None
        self._clock.sleep(max(0.0, self._patience.interval - (self._clock.now() - start)))
        return proof

    def _enough(self) -> bool:
        if len(self._good) < self._patience.reads:
            return False
        # A node that becomes a singleton answers ready for 0.3 s, and 12 to 15 s after a merge a former coordinator's late write can make
        # all nodes unready for up to 20 s. So where there ever was a merge, a few quick readings fall into the calm before that.
        merged = any(node.merge_events for node in self._good[-1].nodes)
        return not merged or self._good[-1].at - self._good[0].at >= self._patience.settle
