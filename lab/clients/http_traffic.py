# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady requests to a balancer, each over a connection of its own; every one is kept with when it began and how it ended."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dnslib import A, DNSRecord

from lab import network
from lab.settings import Lab

PATIENCE = 10.0
FRESH_SECONDS = 2.0  # how long an answer of the resolver is used
LOOKUPS = 2  # as a host's own resolver does: a datagram that is lost is no failed request


@dataclass(frozen=True)
class Request:
    began: float
    seconds: float
    status: int  # 0: none came
    version: str = ""
    host: str = ""
    client: str = ""  # by whom the service says it was asked


@dataclass
class Traffic:
    lab: Lab
    name: str  # of the balancer
    port: int = 80
    requests: list[Request] = field(default_factory=list)
    _resolved: tuple[float, list[str]] = (0.0, [])

    def addresses(self) -> list[str]:
        """By the lab's resolver; only the lab's own: anything else would leave this machine."""
        at, found = self._resolved
        if time.monotonic() - at > FRESH_SECONDS or not found:
            answer = DNSRecord.parse(self._lookup())
            found = [str(record.rdata) for record in answer.rr if isinstance(record.rdata, A)]
            strangers = [one for one in found if ipaddress.ip_address(one) not in ipaddress.ip_network(self.lab.cidr)]
            if strangers or not network.exists(self.lab):
                raise RuntimeError(f"{self.name} resolves to {strangers or found}, which is not in the lab")
            self._resolved = (time.monotonic(), found)
        return found

    def _lookup(self) -> bytes:
        for _ in range(LOOKUPS - 1):
            with contextlib.suppress(TimeoutError):
                return bytes(DNSRecord.question(self.name).send(self.lab.resolver, 53, timeout=5))
        return bytes(DNSRecord.question(self.name).send(self.lab.resolver, 53, timeout=5))

    def ask(self, path: str = "/", patience: float = PATIENCE) -> Request:
        began = time.time()
        try:
            connection = http.client.HTTPConnection(random.choice(self.addresses()), self.port, timeout=patience)
            with contextlib.closing(connection):
                connection.request("GET", path)
                response = connection.getresponse()
                content: dict[str, Any] = json.loads(response.read() or b"{}") if response.status == 200 else {}
            said = {key: str(content.get(key, "")) for key in ("version", "host", "client")}
            return Request(began, time.time() - began, response.status, **said)
        except (OSError, http.client.HTTPException, ValueError, IndexError):
            return Request(began, time.time() - began, 0)

    @contextlib.contextmanager
    def steady(self, rate: float = 8.0, workers: int = 8, path: str = "/") -> Iterator[None]:
        """Requests at a rate, as long as the block lasts; those under way at its end are waited for."""
        stop = threading.Event()

        def work(offset: float) -> None:
            due = time.monotonic() + offset
            while not stop.wait(max(0.0, due - time.monotonic())):
                self.requests.append(self.ask(path))
                due = max(due + workers / rate, time.monotonic())

        threads = [threading.Thread(target=work, args=(index / rate,), daemon=True) for index in range(workers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE + 5)

    def failed(self, since: float = 0.0) -> list[Request]:
        return [request for request in self.requests if request.began >= since and request.status != 200]
