# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of a cluster of three nodes as real servers showed them, to be varied by the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import (
    Expected,
    Node,
    NodeReading,
    PingRow,
    PortReading,
    Reading,
)

UP = {
    "Graceful Shutdown": "UP",
    "Keycloak Initialized": "UP",
    "Keycloak database connections async health check": "UP",
    "Keycloak cluster health check": "UP",
}
CLUSTER_DOWN = {**UP, "Keycloak cluster health check": "DOWN"}
NO_CLUSTER_CHECK = {key: "UP" for key in UP if "cluster" not in key}
NODES = tuple(Node(f"kc-{number}", f"10.61.1.1{number}") for number in (1, 2, 3))
EXPECTED = Expected(NODES, 3)


def node(number: int, **fields: Any) -> NodeReading:
    usual: dict[str, Any] = {
        "ready": 200,
        "checks": UP,
        "metrics": 200,
        "size": 3,
        "label": f"kc-{number}-5449{number}",
        "cache_manager": "keycloak",
        "cluster": "ISPN",
    }
    return NodeReading(f"kc-{number}", f"10.61.1.1{number}", **{**usual, **fields})


def row(number: int, **fields: Any) -> PingRow:
    usual: dict[str, Any] = {
        "address": f"uuid://{number}",
        "name": f"kc-{number}-5449{number}",
        "cluster_name": "ISPN",
        "ip": f"10.61.1.1{number}:7800",
        "coord": number == 1,
        "age_s": 20,
        "coordinated_by": "uuid://1",
    }
    return PingRow(**{**usual, **fields})


DOWN = node(3, ready=None, metrics=None, checks={}, size=None, label="", cache_manager="", cluster="", error="connection refused")
ROWS = (row(1), row(2), row(3))
PORTS = tuple(PortReading(f"kc-{number}", port, "open") for number in (2, 3) for port in (7800, 57800))


def ports(**results: str) -> tuple[PortReading, ...]:
    return tuple(replace(port, result=results.get(f"{port.name.replace('-', '')}_{port.port}", "open")) for port in PORTS)


def reading(nodes: Sequence[NodeReading], rows: Sequence[PingRow] | None = ROWS, **fields: Any) -> Reading:
    return Reading(0.0, tuple(nodes), fields.pop("ports", PORTS), rows, **fields)


def with_third(*rows: PingRow, **fields: Any) -> Reading:
    """Two good nodes that see each other, and a third with these fields."""
    return reading([node(1, size=2), node(2, size=2), node(3, **fields)], rows or (row(1), row(2)))


WHOLE = [node(1), node(2), node(3)]
