# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS would report back about the data plane (target health, status checks), kept where the API answers from."""

from __future__ import annotations

import threading
from typing import Any

BOOT = "instance-boot"  # when the API last asked for a (re)start of an instance
SILENT = "instance-silent"  # since when an instance that should run does not
NODE_DOWN = "load-balancer-node-down"  # whether the node at an address has no healthy target
REQUESTS = "target-group-requests"  # how many a target group's targets have had

_reports: dict[tuple[str, str], Any] = {}
_lock = threading.Lock()


def report(kind: str, key: str, value: Any) -> None:
    with _lock:
        _reports[kind, key] = value


def reported(kind: str, key: str, default: Any = None) -> Any:
    with _lock:
        return _reports.get((kind, key), default)
