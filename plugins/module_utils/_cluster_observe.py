# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: looking at Keycloak nodes, at the ports between them and at their discovery table."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.aiportal.scaling.plugins.module_utils import _metrics
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Node, NodeReading, PingRow, PortReading, Reading
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_database import explain, read_ping
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError, Target, connect

MANAGER = "keycloak"
INFLIGHT = (
    "vendor_state_transfer_manager_inflight_segment_transfer_count",
    "vendor_state_transfer_manager_inflight_transactional_segment_count",
)
MERGES = "vendor_jgroups_merge3_get_num_merge_events"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Places:
    """Where to look."""

    nodes: Sequence[Node]
    vantage: str
    management: str  # URL with the place of the address: http://{}:9000
    management_ca_pem: str | None
    ports: Sequence[tuple[int, str]]
    database: Target | None


class Observer:
    def __init__(self, places: Places, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._ports: list[PortReading] = []

    def look(self) -> Reading:
        """Everything at once: a reading is to be of one moment."""
        places = self._places
        peers = [(node, *port) for node in places.nodes if node.name != places.vantage for port in places.ports]
        with ThreadPoolExecutor(max_workers=len(places.nodes) + len(peers) + 1) as pool:
            nodes = [pool.submit(self._node, node) for node in places.nodes]
            table = pool.submit(read_rows, places.database) if places.database else None
            # A port that was found open stays so for the seconds of a run, and each connection costs JGroups a failed handshake.
            if not self._ports or any(port.result != "open" for port in self._ports):
                self._ports = [found.result() for found in [pool.submit(try_port, *peer) for peer in peers]]
            rows, error = table.result() if table else (None, "")
            return Reading(self._clock(), tuple(found.result() for found in nodes), tuple(self._ports), rows, error)

    def _node(self, node: Node) -> NodeReading:
        host = f"[{node.address}]" if ":" in node.address else node.address
        http = Http(self._places.management.format(host), ca_pem=self._places.management_ca_pem, timeout=ANSWER_SECONDS)
        reading = NodeReading(node.name, node.address)
        try:
            health = http.request("GET", "/health/ready")
            reading = replace(reading, ready=health.status, checks=read_checks(health.text))
        except HttpError as error:
            # While the database is away this answer takes until it is back, and metrics come at once.
            if not timed_out(error):
                return replace(reading, error=str(error))
        try:
            metrics = http.request("GET", "/metrics")
        except HttpError as error:
            return replace(reading, error=str(error), accepts=timed_out(error) and self._accepts(node))
        return read_metrics(replace(reading, metrics=metrics.status), metrics.text if metrics.status == 200 else "")

    def _accepts(self, node: Node) -> bool:
        port = urlsplit(self._places.management.format("host")).port or 0
        return try_port(node, port, "management").result == "open"


def timed_out(error: HttpError) -> bool:
    return isinstance(error.__cause__, (TimeoutError, socket.timeout))


def read_checks(text: str) -> dict[str, str]:
    try:
        return {str(check["name"]): str(check["status"]) for check in json.loads(text)["checks"]}
    except (ValueError, KeyError, TypeError):
        return {}


def read_metrics(reading: NodeReading, text: str) -> NodeReading:
    samples = list(_metrics.parse(text, "vendor_"))
    sizes = {sample.labels.get("cache_manager", ""): sample for sample in samples if sample.name == "vendor_cluster_size"}
    size = sizes.get(MANAGER) or next(iter(sizes.values()), None)
    clusters = [
        sample.labels["cluster"] for sample in samples if sample.labels.get("cluster") and sample.labels.get("cache_manager") == MANAGER
    ]
    return replace(
        reading,
        size=int(size.value) if size else None,
        # JGroups' own metrics add the release to the name: vm-54491(v=16.0.14)
        label=size.labels.get("node", "").partition("(")[0] if size else "",
        cache_manager=size.labels.get("cache_manager", "") if size else "",
        cluster=clusters[0] if clusters else "",
        merge_events=int(sum(sample.value for sample in samples if sample.name == MERGES)),
        inflight=int(sum(sample.value for sample in samples if sample.name in INFLIGHT)),
    )


def try_port(node: Node, port: int, purpose: str) -> PortReading:
    try:
        socket.create_connection((node.address, port), timeout=CONNECT_SECONDS).close()
        result = "open"
    except ConnectionRefusedError:
        result = "refused"
    except OSError:
        result = "silent"
    return PortReading(node.name, port, result, purpose)


def read_rows(target: Target) -> tuple[tuple[PingRow, ...] | None, str]:
    try:
        with connect(target) as database:
            return tuple(_ping_row(row) for row in read_ping(database)), ""
    except PostgresError as error:
        return None, explain(error)


def _ping_row(row: dict[str, Any]) -> PingRow:
    return PingRow(
        address=row["address"],
        name=row["name"] or "",
        cluster_name=row["cluster_name"],
        ip=row["ip"],
        coord=row["coord"],
        age_s=row["age_s"],
        coordinated_by=row["coordinated_by"],
    )
