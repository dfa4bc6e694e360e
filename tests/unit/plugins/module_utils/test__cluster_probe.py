# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe against an admin API in this process: as many nodes as wanted, each with caches of its own, joined or not."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _cluster_probe as cluster_probe
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Node
from ansible_collections.aiportal.scaling.plugins.module_utils._http import HttpError, Response

NODES = (Node("a", "10.0.0.1"), Node("b", "10.0.0.2"), Node("c", "10.0.0.3"))
OPTIONS = cluster_probe.ProbeOptions("auth.example", "aiportal", "probe", "admin", "secret")


OTHERS = {"post.logout.redirect.uris": "+"}  # attributes of the client that are none of the probe's


class Portal:
    """Nodes on one database; a write is told to the nodes that are joined, as JGroups would."""

    def __init__(self, joined: str = "abc", broken: str = "", clients: bool = True) -> None:
        self.database = dict(OTHERS)
        self.caches: dict[str, dict[str, str]] = {}
        self.releases = {"a": "26.7.4", "b": "26.7.4", "c": "26.7.4"}
        self.joined = joined
        self.broken = broken
        self.clients = clients
        self.requests: list[tuple[str, str, str]] = []
        self.log_ins: list[str] = []
        self.volatile = False  # sessions in the memory of the node that made them

    def http(self, public_url: str, address: str, port: int) -> Any:
        return FakeHttp(self, next(node.name for node in NODES if node.address == address))


class FakeHttp:
    def __init__(self, portal: Portal, node: str) -> None:
        self.portal = portal
        self.node = node

    def form(self, method: str, path: str, fields: Mapping[str, str]) -> Response:
        self.portal.log_ins.append(self.node)
        status, answer = (200, {"access_token": self.node}) if fields["password"] == "secret" else (401, {"error": "invalid_grant"})
        return Response(status, [], json.dumps(answer))

    def json(self, method: str, path: str, value: Any, headers: Mapping[str, str]) -> Response:
        portal = self.portal
        if portal.volatile and headers["Authorization"] != f"Bearer {self.node}":
            return Response(401, [], "{}")
        portal.requests.append((self.node, method, path))
        if path == "/admin/serverinfo":
            return Response(200, [], json.dumps({"systemInfo": {"version": portal.releases[self.node]}}))
        if method == "PUT":
            return self.put(value)
        shown = {"id": "1", "attributes": portal.caches.setdefault(self.node, dict(portal.database))}
        if "clientId=" in path:
            return Response(200, [], json.dumps([shown] if portal.clients else []))
        return Response(200, [], json.dumps(shown))

    def put(self, value: dict[str, dict[str, str]]) -> Response:
        """As Keycloak does: what is named is set, or removed where it is empty; the rest stays."""
        portal = self.portal
        if self.node == portal.broken:
            raise HttpError("connection refused")
        merged = {**portal.database, **value["attributes"]}
        portal.database = {key: text for key, text in merged.items() if text}
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
    assert portal.database == OTHERS


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
    assert portal.database == OTHERS


def test_readers_are_warm_before_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold reader would read the database, and pass in any cluster."""
    portal = Portal()
    run(portal, monkeypatch)

    before_first_write = portal.requests[: next(index for index, request in enumerate(portal.requests) if request[1] == "PUT")]

    assert [node for node, dummy, path in before_first_write if path.endswith("/clients/1")] == ["b", "b", "c", "c"]


def test_mark_is_removed_when_a_node_fails_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(broken="b")

    result = run(portal, monkeypatch)

    assert "connection refused" in result.error
    assert portal.database == OTHERS


def test_mark_is_removed_through_another_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node that was written to takes nothing any more."""
    portal = Portal()

    def break_first(self: Any, reader: Node, text: str, written: float) -> None:
        portal.broken = "a"

    monkeypatch.setattr(cluster_probe.ClusterProbe, "_await", break_first)
    run(portal, monkeypatch)

    assert portal.database == OTHERS


def test_mark_of_a_killed_run_is_told_of_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    portal.database[cluster_probe.MARK] = "1b4e"

    result = run(portal, monkeypatch)

    assert (result.left, result.stale, result.error) == ("1b4e", (), "")
    assert portal.database == OTHERS


@pytest.mark.parametrize("number", cluster_probe.SIGNALS)
def test_mark_is_removed_when_a_signal_ends_the_run(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    before = {each: signal.getsignal(each) for each in cluster_probe.SIGNALS}
    monkeypatch.setattr(cluster_probe.ClusterProbe, "_await", lambda *dummy: signal.raise_signal(number))
    cluster_probe.unwind_on_signals()
    try:
        with pytest.raises(SystemExit):
            run(portal, monkeypatch)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert any(method == "PUT" for dummy_node, method, dummy_path in portal.requests)
    assert portal.database == OTHERS


@pytest.mark.parametrize(("volatile", "log_ins"), [(False, ["a"]), (True, ["a", "b", "c"])])
def test_one_log_in_where_one_is_enough(volatile: bool, log_ins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    portal.volatile = volatile

    result = run(portal, monkeypatch)

    assert (result.stale, result.error, portal.log_ins) == ((), "", log_ins)


def test_releases_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    portal.releases = {"a": "26.7.4", "b": "26.7.4", "c": ""}

    assert run(portal, monkeypatch).releases == {"a": "26.7.4", "b": "26.7.4"}


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
