# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._node_wait import (
    Clock,
    EndedError,
    Work,
    wait_quiet,
    wait_ready,
    work_of,
)

METRICS = """\
http_server_active_requests{server_port="8080",url_scheme="http"} 2.0
http_server_active_requests{server_port="9000",url_scheme="http"} 1.0
http_server_bytes_written_count{server_port="8080"} 31.0
http_server_bytes_written_count{server_port="9000"} 700.0
"""


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def following(values: list[Work]) -> Callable[[], Work]:
    """One value after the other; the last one stays."""
    rest: Iterator[Work] = iter(values[:-1])
    return lambda: next(rest, values[-1])


def test_the_ports_are_told_apart() -> None:
    assert work_of(METRICS, 8080) == Work(2, 31)
    assert work_of("", 8080) == Work()


@pytest.mark.parametrize(
    ("seen", "reached", "seconds"),
    [
        ([Work(0, 5)], True, 3.0),
        ([Work(1, 5), Work(1, 5), Work(0, 6)], True, 4.0),  # quiet begins when the last answer was given
        ([Work(0, 5), Work(0, 5), Work(0, 6)], True, 4.0),  # one that came and went between two looks
        ([Work(1, 5)], False, 20.0),
        ([Work(0, count) for count in range(100)], False, 20.0),
    ],
)
def test_quiet(seen: list[Work], reached: bool, seconds: float) -> None:
    time = Time()
    assert wait_quiet(following(seen), time.clock(), 3.0, 20.0)[0] is reached
    assert time.at == seconds


def test_without_a_quiet_time_one_look_at_an_idle_node_is_enough() -> None:
    time = Time()
    assert wait_quiet(following([Work(0, 5)]), time.clock(), 0.0, 20.0)[0]
    assert time.at == 0.0


def test_ready() -> None:
    time = Time()
    assert wait_ready(lambda: time.at >= 7, lambda: 4, time.clock(), 20.0)
    assert not wait_ready(lambda: False, lambda: 4, time.clock(), 20.0)


def test_a_server_that_ends_is_not_waited_for() -> None:
    time = Time()
    with pytest.raises(EndedError, match="2 times"):
        wait_ready(lambda: False, lambda: int(time.at // 10), time.clock(), 300.0)
    assert time.at == 20.0
