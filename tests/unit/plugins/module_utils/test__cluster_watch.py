# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Expected, Node, NodeReading, Probe, Reading
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_watch import Clock, Outcome, Patience, Watch

NODES = (Node("a", "10.0.0.1"), Node("b", "10.0.0.2"))
CHECKS = {"Keycloak cluster health check": "UP"}
GOOD = {"ready": 200, "checks": CHECKS, "metrics": 200, "size": 2, "cache_manager": "keycloak", "cluster": "ISPN"}
PROVEN = Probe(pairs=2)


@dataclass
class Time:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def seen(time: Time, **fields: Any) -> Reading:
    return Reading(time.now, tuple(NodeReading(node.name, node.address, label=node.name, **{**GOOD, **fields}) for node in NODES))


def watch(plan: list[dict[str, Any]], probe: Probe | None = PROVEN, probe_seconds: float = 0.0, **patience: Any) -> tuple[Outcome, Time]:
    """A run over planned readings, the last of which repeats."""
    time = Time()
    steps: Iterator[dict[str, Any]] = iter(plan)
    last = dict(plan[-1])
    usual: dict[str, Any] = {"reads": 3, "interval": 2.0, "settle": 20.0, "timeout": 0.0}
    runner = Watch(Expected(NODES, 2), "a", Patience(**{**usual, **patience}), Clock(lambda: time.now, time.sleep))

    def look() -> Reading:
        time.done.append("look")
        return seen(time, **next(steps, last))

    def prove() -> Probe:
        assert probe
        time.done.append("probe")
        time.now += probe_seconds
        return probe

    return runner.run(look, prove if probe else None), time


@pytest.mark.parametrize(
    ("plan", "patience", "state", "reads"),
    [
        pytest.param([{}], {}, "one_cluster", 3, id="three good readings"),
        pytest.param([{"size": 1}], {}, "singleton", 1, id="judged now"),
        pytest.param([{}, {}, {"ready": 503}], {}, "forming", 3, id="one bad reading among the three spoils it"),
        pytest.param([{"size": 1}, {"size": 1}, {}], {"timeout": 60}, "one_cluster", 5, id="waits for it"),
        pytest.param([{}, {"ready": 503}, {}], {"timeout": 60}, "one_cluster", 5, id="the row starts again after a flap"),
        pytest.param([{"size": 1}], {"timeout": 5}, "singleton", 4, id="time is up: the last state"),
        pytest.param([{"size": 1}, {"size": 1}, {"size": 1}, {}], {"timeout": 6}, "one_cluster", 6, id="a row begun in time is finished"),
        pytest.param([{"merge_events": 1}], {}, "one_cluster", 11, id="after a merge the row spans 20 s"),
        pytest.param(
            [{"merge_events": 1}] * 8 + [{"merge_events": 1, "ready": 503}], {}, "forming", 9, id="the late write after a merge is caught"
        ),
        pytest.param([{}, {}, {"merge_events": 1}], {}, "forming", 3, id="a merge while reading"),
    ],
)
def test_watch(plan: list[dict[str, Any]], patience: dict[str, Any], state: str, reads: int) -> None:
    outcome, dummy = watch(plan, **patience)

    assert (outcome.verdict.state, outcome.reads) == (state, reads)


def test_probe_decides() -> None:
    outcome, dummy = watch([{}], Probe(pairs=2, stale=("a -> b",)))

    assert outcome.verdict.state == "split"


def test_probe_that_cannot_be_made_is_not_waited_for() -> None:
    outcome, time = watch([{}], Probe(error="wrong password"), timeout=600)

    assert outcome.verdict.state == "unproven"
    assert time.now < 10


def test_probe_is_made_only_after_good_readings() -> None:
    outcome, dummy = watch([{"size": 1}])

    assert outcome.probe is None


@pytest.mark.parametrize(("probe_seconds", "slept"), [(0.5, [2.0, 1.5]), (3.0, [2.0, 0.0])])
def test_probe_takes_the_place_of_the_last_pause(probe_seconds: float, slept: list[float]) -> None:
    dummy, time = watch([{}], probe_seconds=probe_seconds)

    assert time.done == ["look", "look", "probe", "look"]
    assert time.slept == slept


@pytest.mark.parametrize(
    ("plan", "reads", "done"),
    [
        pytest.param([{}], 1, ["look", "probe"], id="one reading has no pause"),
        pytest.param([{}, {"ready": 503}, {}], 2, ["look", "probe", "look", "look", "probe", "look"], id="void after a bad reading"),
        pytest.param([{"merge_events": 1}], 2, ["look", "probe", *["look"] * 10, "probe"], id="made again at the end after a merge"),
    ],
)
def test_probe_stands_between_good_readings(plan: list[dict[str, Any]], reads: int, done: list[str]) -> None:
    outcome, time = watch(plan, reads=reads, timeout=60)

    assert (outcome.verdict.state, time.done) == ("one_cluster", done)


def test_without_a_witness_nothing_is_proven() -> None:
    outcome, dummy = watch([{}], None)

    assert outcome.verdict.state == "unproven"
