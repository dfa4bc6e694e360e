# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: whether the nodes call themselves ready, looked at all the while."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError

# Each answer of a node that is not ready is a line in its log.
PERIOD = 1.0
PATIENCE = 2.0


class Readiness:
    """Asks every node once a second until stopped. What matters is the time in which no node is ready: a balancer without
    fail-open takes the whole service down then."""

    def __init__(self, nodes: Sequence[str], port: int) -> None:
        self._nodes = [Http(f"http://{node}:{port}", timeout=PATIENCE) for node in nodes]
        self._stopped = threading.Event()
        self._rows: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> float:
        """Seconds in which no node was ready."""
        self._stopped.set()
        self._thread.join(PERIOD + PATIENCE)
        return none_ready(self._rows)

    def _watch(self) -> None:
        with ThreadPoolExecutor(max(1, len(self._nodes))) as pool:
            while not self._stopped.wait(PERIOD):
                moment = time.monotonic()
                self._rows.append((moment, sum(pool.map(_is_ready, self._nodes))))


def none_ready(rows: Sequence[tuple[float, int]]) -> float:
    """From each look that found no ready node to the look after it."""
    return round(sum(later - moment for (moment, ready), (later, dummy) in zip(rows, rows[1:]) if ready == 0), 1)


def _is_ready(node: Http) -> bool:
    try:
        return node.request("GET", "/health/ready").status == 200
    except HttpError:
        return False
