# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: when a node is ready, when it has died instead, and when it has fallen quiet. No input or output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.aiportal.scaling.plugins.module_utils._metrics import parse

PAUSE = 0.5
# Each answer "not ready" is a line in the server's log.
READY_PAUSE = 1.0
# One end can be an accident of the moment (the database just went away); systemd has started the server again by then.
ENDS = 2


@dataclass(frozen=True)
class Work:
    """Requests that a node has at work, and has answered since it started. One that does not answer has none."""

    active: int = 0
    answered: int = 0


@dataclass(frozen=True)
class Clock:
    now: Callable[[], float]
    sleep: Callable[[float], None]


class EndedError(Exception):
    """The server has ended instead of becoming ready."""


def work_of(metrics: str, http_port: int) -> Work:
    """By these two, because they tell the ports apart: the management port answers health checks and this very question."""
    values = {
        sample.name: int(sample.value) for sample in parse(metrics, "http_server_") if sample.labels.get("server_port") == str(http_port)
    }
    return Work(values.get("http_server_active_requests", 0), values.get("http_server_bytes_written_count", 0))


def wait_quiet(read: Callable[[], Work], clock: Clock, quiet: float, timeout: float) -> tuple[bool, Work]:
    """Whether no request was at work and none came for some seconds on end, and the last that was seen."""
    start = clock.now()
    seen, since = read(), start
    while True:
        now = clock.now()
        if not seen.active and now - since >= quiet:
            return True, seen
        if now - start >= timeout:
            return False, seen
        clock.sleep(PAUSE)
        before, seen = seen, read()
        if seen.active or seen.answered != before.answered:
            since = clock.now()


def wait_ready(ready: Callable[[], bool], ends: Callable[[], int], clock: Clock, timeout: float) -> bool:
    """Whether the node became ready; EndedError as soon as it has ended by itself more than once."""
    start, ended_before = clock.now(), ends()
    while not ready():
        ended = ends() - ended_before
        if ended >= ENDS:
            raise EndedError("the server has ended %d times" % ended)
        if clock.now() - start >= timeout:
            return False
        clock.sleep(READY_PAUSE)
    return True
