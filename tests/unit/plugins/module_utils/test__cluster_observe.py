# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node answers, read by the real client from a server in this process."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _cluster_observe as observe
from ansible_collections.aiportal.scaling.plugins.module_utils import _metrics
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Node, NodeReading
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import Target

# Lines of Keycloak 26.7.4 and 26.7.3.
CLUSTERED = """\
# TYPE vendor_cluster_size gauge
# HELP vendor_cluster_size Size of the cluster in number of nodes
vendor_cluster_size{cache_manager="keycloak",node="vm-54491"} 3.0
vendor_jgroups_merge3_get_num_merge_events{cache_manager="keycloak",cluster="ISPN",node="vm-54491(v=16.0.14)"} 2.0
vendor_jgroups_tcp_get_different_cluster_messages{cache_manager="keycloak",cluster="ISPN",node="vm-54491(v=16.0.14)"} 0.0
vendor_state_transfer_manager_inflight_segment_transfer_count{cache="sessions",cache_manager="keycloak",node="vm-54491"} 290.0
vendor_state_transfer_manager_inflight_transactional_segment_count{cache="work",cache_manager="keycloak",node="vm-54491"} 7.0
vendor_statistics_evictions{cache="users",cache_manager="keycloak",node="vm-54491"} 1.2E2
"""
LOCAL = 'vendor_cluster_size{cache_manager="DefaultCacheManager",node="kc-1-56897"} 1.0\n'
OLDER = 'vendor_cluster_size{cache_manager="keycloak",cluster="ISPN",node="kc-1-1(v=16.0.8)"} 2.0\n'
BOOTING = "jvm_threads_live_threads 40.0\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLUSTERED, {"size": 3, "label": "vm-54491", "cache_manager": "keycloak", "cluster": "ISPN", "merge_events": 2, "inflight": 297}),
        (LOCAL, {"size": 1, "label": "kc-1-56897", "cache_manager": "DefaultCacheManager", "cluster": ""}),
        (OLDER, {"size": 2, "label": "kc-1-1", "cluster": "ISPN"}),
        (BOOTING, {"size": None, "label": "", "cluster": "", "inflight": 0}),
        ("", {"size": None}),
    ],
    ids=["clustered", "cache=local", "older", "booting", "nothing"],
)
def test_read_metrics(text: str, expected: dict[str, Any]) -> None:
    reading = observe.read_metrics(NodeReading("a", "10.0.0.1"), text)

    assert {key: getattr(reading, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up 1", [("up", {}, 1.0)]),
        ("up 1.5e3 1700000000", [("up", {}, 1500.0)]),
        ('a{b="c",d="e}f"} 2', [("a", {"b": "c", "d": "e}f"}, 2.0)]),
        (r'a{b="say \"x\" \\ \n"} 2', [("a", {"b": 'say "x" \\ \n'}, 2.0)]),
        ("# HELP up whether", []),
        ("up", []),
        ("up one", []),
        ("<html>", []),
    ],
)
def test_parse_metrics(line: str, expected: list[tuple[str, dict[str, str], float]]) -> None:
    assert [(sample.name, sample.labels, sample.value) for sample in _metrics.parse(line)] == expected


def test_parse_metrics_by_prefix() -> None:
    assert [sample.name for sample in _metrics.parse("a_1 1\nb_1 1", "b_")] == ["b_1"]


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"status": "UP"}', '{"checks": [1]}', "null"])
def test_health_that_cannot_be_read_has_no_checks(text: str) -> None:
    assert observe.read_checks(text) == {}


Answers = dict[str, tuple[int, str]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], int]]:
    servers: list[HTTPServer] = []

    def start(answers: Answers) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = answers.get(self.path, (404, ""))
                if not status:
                    time.sleep(0.3)
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def places(port: int, **fields: Any) -> observe.Places:
    usual: dict[str, Any] = {
        "nodes": (Node("a", "127.0.0.1"), Node("b", "127.0.0.1")),
        "vantage": "a",
        "management": f"http://{{}}:{port}",
        "management_ca_pem": None,
        "ports": (),
        "database": None,
    }
    return observe.Places(**{**usual, **fields})


def test_look(serve: Callable[[Answers], int]) -> None:
    health = json.dumps({"status": "DOWN", "checks": [{"name": "Keycloak cluster health check", "status": "DOWN"}]})
    port = serve({"/health/ready": (503, health), "/metrics": (200, CLUSTERED)})
    closed = free_port()

    seen = observe.Observer(places(port, ports=((port, "cluster traffic"), (closed, "failure detection")))).look()

    assert [(node.name, node.ready, node.metrics, node.size) for node in seen.nodes] == [("a", 503, 200, 3), ("b", 503, 200, 3)]
    assert seen.nodes[0].is_down("Keycloak cluster health check")
    assert [(each.name, each.port, each.result) for each in seen.ports] == [("b", port, "open"), ("b", closed, "refused")]
    assert seen.rows is None


def test_node_that_does_not_answer() -> None:
    seen = observe.Observer(places(free_port())).look()

    assert [(node.ready, node.metrics) for node in seen.nodes] == [(None, None)] * 2
    assert "refused" in seen.nodes[0].error


def test_node_that_takes_connections_and_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stopped process looks: its kernel goes on taking connections."""
    monkeypatch.setattr(observe, "ANSWER_SECONDS", 0.05)
    with socket.socket() as frozen:
        frozen.bind(("127.0.0.1", 0))
        frozen.listen()
        seen = observe.Observer(places(int(frozen.getsockname()[1]))).look()

    assert [(node.ready, node.accepts) for node in seen.nodes] == [(None, True)] * 2
    assert not observe.Observer(places(free_port())).look().nodes[0].accepts


def test_readiness_that_hangs_does_not_hide_the_metrics(serve: Callable[[Answers], int], monkeypatch: pytest.MonkeyPatch) -> None:
    """As Keycloak 26.7 does while its database is away."""
    monkeypatch.setattr(observe, "ANSWER_SECONDS", 0.1)

    seen = observe.Observer(places(serve({"/health/ready": (0, ""), "/metrics": (200, CLUSTERED)}))).look()

    assert (seen.nodes[0].ready, seen.nodes[0].metrics, seen.nodes[0].size) == (None, 200, 3)


def test_error_page_is_no_metrics(serve: Callable[[Answers], int]) -> None:
    seen = observe.Observer(places(serve({"/health/ready": (200, "{}"), "/metrics": (503, CLUSTERED)}))).look()

    assert (seen.nodes[0].metrics, seen.nodes[0].size) == (503, None)


def test_database_that_does_not_answer(serve: Callable[[Answers], int]) -> None:
    target = Target("127.0.0.1", "keycloak", "keycloak", "secret", port=free_port())

    seen = observe.Observer(places(serve({}), database=target)).look()

    assert seen.rows is None
    assert "cannot be reached" in seen.database_error
    assert "secret" not in seen.database_error
