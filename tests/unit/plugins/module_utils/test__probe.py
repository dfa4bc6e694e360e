# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._probe import Meter, Sample, longest_gap, percentile, summarise


@pytest.mark.parametrize(
    ("answers", "gap"),
    [
        ([], 100.0),
        ([10.0], 90.0),  # silence up to the end counts
        ([90.0], 90.0),  # and from the beginning
        ([5.0, 95.0, 50.0, 48.0], 45.0),  # whatever their order
        ([50.0, 500.0, -5.0], 50.0),  # what lies outside is no answer within
    ],
)
def test_longest_gap(answers: list[float], gap: float) -> None:
    assert longest_gap(answers, 0.0, 100.0) == gap


@pytest.mark.parametrize(
    ("count", "percent", "value"),
    [(0, 99, 0.0), (1, 99, 1.0), (10, 50, 5.0), (100, 99, 99.0), (101, 99, 100.0), (10, 100, 10.0)],
)
def test_percentile(count: int, percent: float, value: float) -> None:
    assert percentile([float(each) for each in range(1, count + 1)], percent) == value


def test_summary_counts_errors_and_hangs_as_failures_and_a_gap_ends_with_a_good_answer_only() -> None:
    samples = [
        Sample(0.0, 1.0, "refresh"),
        Sample(2.0, 0.5, "refresh", "status 502"),
        Sample(3.0, 10.0, "login page"),
        Sample(14.0, 1.0, "userinfo"),
    ]
    assert summarise(samples, 0.0, 16.0) == {
        "requests": 4,
        "failed": 2,
        "hung": 1,
        "longest_gap_s": 14.0,
        "worst_latency_s": 10.0,
        "p99_latency_s": 10.0,
        "seconds": 16.0,
        "failed_steps": {"refresh": 1, "login page": 1},
        "failures": [
            {"at_s": 2.0, "step": "refresh", "seconds": 0.5, "detail": "status 502"},
            {"at_s": 3.0, "step": "login page", "seconds": 10.0, "detail": "answered after 10.0 s"},
        ],
    }


def test_only_the_first_ten_failures_are_told() -> None:
    summary = summarise([Sample(float(at), 0.1, "refresh", "no") for at in range(12)], 0.0, 12.0)
    assert (summary["failed"], len(summary["failures"])) == (12, 10)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_meter_measures_raises_on_and_leaves_out_the_time_at_a_hold_page() -> None:
    time = Time()
    meter = Meter(time.clock, time.sleep)

    def held() -> str:
        time.sleep(0.5)
        meter.pause(20.0)
        return "form"

    def broken() -> None:
        time.sleep(2.0)
        raise ValueError("status 500")

    assert meter.measure("login page", held) == "form"
    with pytest.raises(ValueError, match="status 500"):
        meter.measure("refresh", broken)
    summary = meter.summary()
    assert (summary["requests"], summary["failed"], summary["hung"], summary["worst_latency_s"]) == (2, 1, 0, 2.0)
    assert (meter.held, summary["seconds"], summary["failures"][0]["detail"]) == (1, 22.5, "status 500")


def test_failures_are_told_from_a_moment_on_and_by_step() -> None:
    clock = iter([0.0, 1.0, 1.5, 5.0, 5.5, 8.0, 8.5])
    meter = Meter(clock=lambda: next(clock))
    for step in ("login page", "login page", "refresh"):
        with pytest.raises(ValueError, match="gone"):
            meter.measure(step, _fail)
    assert meter.failed_since(3.0) == [2.0, 5.0]
    assert meter.failed_since(3.0, "login page") == [2.0]


def _fail() -> None:
    raise ValueError("gone")


def test_who_is_patient_takes_a_late_answer() -> None:
    time = Time()
    meter = Meter(time.clock, time.sleep, patience=30.0)
    for seconds in (29.0, 30.0):
        meter.measure("refresh", functools.partial(time.sleep, seconds))
    assert (meter.summary()["failed"], meter.summary()["hung"]) == (1, 1)
