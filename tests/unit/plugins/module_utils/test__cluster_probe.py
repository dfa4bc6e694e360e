# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe against an admin API in this process: as many nodes as wanted, each with caches of its own, joined or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _cluster_probe as cluster_probe
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Node
from ansible_collections.aiportal.scaling.plugins.module_utils._http import HttpError, Response

NODES = (Node("a", "10.0.0.1"), Node("b", "10.0.0.2"), Node("c", "10.0.0.3"))
OPTIONS = cluster_probe.ProbeOptions("auth.example", "aiportal", "probe", "admin", "secret")


class Portal:
    """Nodes on one database; a write is told to the nodes that are joined, as JGroups would."""

    def __init__(self, joined: str = "abc", broken: str = "", clients: bool = True) -> None:
        self.database = {"description": "anything"}
        self.caches: dict[str, str] = {}
        self.joined = joined
        self.broken = broken
        self.clients = clients
        self.requests: list[tuple[str, str, str]] = []

    def http(self, public_url: str, address: str, port: int) -> Any:
        return FakeHttp(self, next(node.name for node in NODES if node.address == address))


class FakeHttp:
    def __init__(self, portal: Portal, node: str) -> None:
        self.portal = portal
        self.node = node

    def form(self, method: str, path: str, fields: Mapping[str, str]) -> Response:
        status, answer = (200, {"access_token": "token"}) if fields["password"] == "secret" else (401, {"error": "invalid_grant"})
        return Response(status, [], json.dumps(answer))

    def json(self, method: str, path: str, value: Any, headers: Mapping[str, str]) -> Response:
        portal = self.portal
        portal.requests.append((self.node, method, path))
        if method == "PUT":
            return self.put(value)
        if "clientId=" in path:
            return Response(200, [], json.dumps([{"id": "1"}] if portal.clients else []))
        shown = portal.caches.setdefault(self.node, portal.database["description"])
        return Response(200, [], json.dumps({"description": shown}))

    def put(self, value: dict[str, str]) -> Response:
        portal = self.portal
        if self.node == portal.broken:
            raise HttpError("connection refused")
        portal.database.update(value)
        told = portal.joined if self.node in portal.joined else self.node
        for node in told:
            portal.caches.pop(node, None)
        return Response(204, [], "")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_probe, "SEEN_SECONDS", 0.05)
    monkeypatch.setattr(cluster_probe, "POLL_SECONDS", 0.01)


def run(portal: Portal, monkeypatch: pytest.MonkeyPatch, options: cluster_probe.ProbeOptions = OPTIONS) -> Any:
    monkeypatch.setattr(cluster_probe, "behind_balancer", portal.http)
    return cluster_probe.ClusterProbe(NODES, options).run()


def test_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()

    result = run(portal, monkeypatch)

    assert (result.pairs, result.stale, result.error) == (3, (), "")
    assert portal.database["description"] == cluster_probe.RESTING


@pytest.mark.parametrize(
    ("joined", "stale"),
    [
        ("ab", {"a -> c"}),
        ("bc", {"a -> b", "a -> c", "b -> a"}),
        ("", {"a -> b", "a -> c", "b -> a"}),
    ],
)
def test_nodes_that_do_not_hear_of_it(joined: str, stale: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(joined)

    result = run(portal, monkeypatch)

    assert set(result.stale) == stale
    assert portal.database["description"] == cluster_probe.RESTING


def test_readers_are_warm_before_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold reader would read the database, and pass in any cluster."""
    portal = Portal()
    run(portal, monkeypatch)

    before_first_write = portal.requests[: next(index for index, request in enumerate(portal.requests) if request[1] == "PUT")]

    assert [node for node, dummy, path in before_first_write if "clientId=" not in path] == ["b", "b", "c", "c"]


def test_description_is_restored_when_a_node_fails_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(broken="b")

    result = run(portal, monkeypatch)

    assert "connection refused" in result.error
    assert portal.database["description"] == cluster_probe.RESTING


@pytest.mark.parametrize(
    ("portal", "options", "error"),
    [
        (Portal(clients=False), OPTIONS, "realm aiportal has no client probe"),
        (Portal(), cluster_probe.ProbeOptions("auth.example", "aiportal", "probe", "admin", "wrong"), "cannot log in"),
    ],
    ids=["no client", "wrong password"],
)
def test_probe_that_cannot_be_made(
    portal: Portal, options: cluster_probe.ProbeOptions, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(portal, monkeypatch, options)

    assert error in result.error
    assert "wrong" not in result.error
    assert not [request for request in portal.requests if request[1] == "PUT"]
