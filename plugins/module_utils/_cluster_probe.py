# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: does a change made on one Keycloak node reach the others?

Each node caches a realm's settings and drops them when another node says that they changed. So a value that was read on B before it was
changed on A is seen new on B only if the two are of one cluster: in all variants tried on real servers this was right, in both directions.
"""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Node, Probe
from ansible_collections.aiportal.scaling.plugins.module_utils._http import HttpError, behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import AdminError, KeycloakAdmin, realm_path

# An attribute that nothing else has: where it is found, a run was killed half-way, and to remove it is to put back what was there.
MARK = "aiportal.scaling.probe"
# What a controller that is interrupted or loses its connection sends.
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
SEEN_SECONDS = 3.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class ProbeOptions:
    hostname: str
    realm: str
    client_id: str
    username: str
    password: str = field(repr=False)
    admin_realm: str = "master"
    http_port: int = 8080


class ClusterProbe:
    """Every other node is read after a write on the first, and the first after a write on the second."""

    def __init__(self, nodes: Sequence[Node], options: ProbeOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._nodes = nodes
        self._options = options
        self._clock = clock
        self._admins: dict[str, KeycloakAdmin] = {}
        self._path = ""
        self._left = ""
        self._releases: dict[str, str] = {}

    def run(self) -> Probe:
        where = self._nodes[0]
        try:
            for where in self._nodes:
                self._log_in(where)
            where = self._nodes[0]
            found = self._find()
            if not found:
                return Probe(error=f"realm {self._options.realm} has no client {self._options.client_id}", node=where.name)
            self._path = realm_path(self._options.realm, "/clients/" + str(found["id"]))
            self._left = mark_of(found)
            return self._write_and_read()
        except (AdminError, HttpError) as error:
            return Probe(error=f"at {where.name}: {error}", node=where.name, left=self._left)

    def _log_in(self, node: Node) -> None:
        """Once for all nodes: each log-in costs a slow hash and a session."""
        options = self._options
        http = behind_balancer("https://" + options.hostname, node.address, options.http_port)
        first = self._admins.get(self._nodes[0].name)
        self._admins[node.name] = first.at(http) if first else KeycloakAdmin(http, options.username, options.password, options.admin_realm)
        if release := self._admins[node.name].release():
            self._releases[node.name] = release

    def _find(self) -> Mapping[str, Any] | None:
        query = "/clients?" + urlencode({"clientId": self._options.client_id})
        clients: list[dict[str, Any]] = self._admins[self._nodes[0].name].get(realm_path(self._options.realm, query))
        return clients[0] if clients else None

    def _write_and_read(self) -> Probe:
        first, others = self._nodes[0], self._nodes[1:]
        results: dict[str, float | None] = {}
        try:
            for node in others:
                self._warm(node)
            self._write(first, others, results)
            for node in others[:1]:
                self._warm(first)
                self._write(node, [first], results)
        finally:
            self._restore()
        seen = [seconds for seconds in results.values() if seconds is not None]
        stale = tuple(pair for pair, seconds in results.items() if seconds is None)
        slowest = round(max(seen, default=0.0), 3)
        return Probe(pairs=len(results), stale=stale, slowest=slowest, left=self._left, releases=self._releases)

    def _warm(self, node: Node) -> None:
        """A node that has not cached the value reads it from the database, and would pass in any cluster."""
        for dummy in range(2):
            self._read(node)

    def _write(self, writer: Node, readers: Sequence[Node], results: dict[str, float | None]) -> None:
        text = str(uuid.uuid4())
        self._put(writer, text)
        written = self._clock()
        for reader in readers:
            results[f"{writer.name} -> {reader.name}"] = self._await(reader, text, written)

    def _await(self, reader: Node, text: str, written: float) -> float | None:
        """Seconds after which the text was seen, or None. Each reader is looked at at least once."""
        while True:
            if self._read(reader) == text:
                return self._clock() - written
            if self._clock() - written >= SEEN_SECONDS:
                return None
            time.sleep(POLL_SECONDS)

    def _read(self, node: Node) -> str:
        return mark_of(self._admins[node.name].get(self._path))

    def _put(self, node: Node, text: str) -> None:
        """Other attributes stay: Keycloak takes an empty one as its removal, and leaves alone what is not named."""
        answer = self._admins[node.name].call("PUT", self._path, {"attributes": {MARK: text}})
        if answer.status >= 300:
            raise AdminError(f"the mark cannot be written to the client ({answer.status} {answer.text[:100]})")

    def _restore(self) -> None:
        """Through any node that takes it: the one that was written to may be the one that fails."""
        reasons = []
        for node in self._nodes:
            try:
                return self._put(node, "")
            except (AdminError, HttpError) as error:
                reasons.append(f"{node.name}: {error}")
        raise AdminError("the mark cannot be removed from the client, the next run will: " + "; ".join(reasons))


def mark_of(client: Mapping[str, Any]) -> str:
    return str((client.get("attributes") or {}).get(MARK, ""))


def unwind_on_signals() -> None:
    """A signal ends the run as an exception does, so that the probe removes its mark; a second one does not disturb that."""

    def unwind(number: int, dummy: Any) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in SIGNALS:
        signal.signal(each, unwind)
