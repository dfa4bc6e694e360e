# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module over readings made up for it; what it reads and judges is tested with those parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import NodeReading, PingRow, Probe, Reading
from ansible_collections.aiportal.scaling.plugins.modules import keycloak_cluster_info

Run = Callable[..., dict[str, Any]]
NODES = [{"name": "a", "address": "127.0.0.1"}, {"name": "b", "address": "192.0.2.77"}]
PROBE = {"hostname": "auth.example", "realm": "aiportal", "client_id": "probe", "username": "admin", "password": "secret-word"}
DATABASE = {"host": "db.example", "name": "keycloak", "username": "keycloak", "password": "secret-word"}


class FakeObserver:
    size = 2

    def __init__(self, places: Any) -> None:
        self.places = places

    def look(self) -> Reading:
        nodes = [
            NodeReading(
                **{"name": node.name, "address": node.address, "ready": 200, "checks": {"Keycloak cluster health check": "UP"}},
                **{"metrics": 200, "size": self.size, "label": node.name, "cache_manager": "keycloak", "cluster": "x"},
            )
            for node in self.places.nodes
        ]
        rows = [PingRow(f"uuid://{n.name}", n.name, "x", f"{n.address}:7800", n.name == "a", 5, "uuid://a") for n in self.places.nodes]
        return Reading(0.0, nodes, (), rows if self.places.database else None)


class FakeProbe:
    def __init__(self, nodes: Any, options: Any) -> None:
        assert options.password == "secret-word"

    def run(self) -> Probe:
        return Probe(pairs=2, slowest=0.05, releases={"a": "26.7.4"})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(keycloak_cluster_info, "Observer", FakeObserver)
    monkeypatch.setattr(keycloak_cluster_info, "ClusterProbe", FakeProbe)

    def run_module(check: bool = False, **options: Any) -> dict[str, Any]:
        usual = {"nodes": NODES, "read_interval": 0, "_ansible_check_mode": check}
        with patch_module_args({**usual, **options}), pytest.raises(SystemExit):
            keycloak_cluster_info.main()
        return json.loads(capsys.readouterr().out)

    return run_module


def test_one_cluster(run: Run) -> None:
    result = run(database=DATABASE, probe=PROBE)

    assert (result["one_cluster"], result["state"], result["size"], result["coordinator"]) == (True, "one_cluster", 2, "a")
    assert (result["node"], result["cluster_name"], result["reads"]) == ("a", "x", 2)
    assert result["probe"] == {"ok": True, "pairs": 2, "slowest_s": 0.05, "skipped": "", "releases": {"a": "26.7.4"}}
    assert not result["changed"]
    assert [node["name"] for node in result["nodes"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "state", "skipped"),
    [
        ({"database": DATABASE, "probe": PROBE, "check": True}, "one_cluster", "check mode"),
        ({"probe": PROBE, "check": True}, "unproven", "check mode"),
        ({"database": DATABASE}, "one_cluster", "not asked for"),
        ({"database": DATABASE, "probe": PROBE, "expected_size": 3}, "partial", "the readings were not good"),
        ({"database": DATABASE, "probe": PROBE, "cluster_name": "y"}, "multiple_clusters", "the readings were not good"),
    ],
    ids=["check mode", "check mode without database", "without probe", "bad size", "bad name"],
)
def test_probe_that_is_not_made(run: Run, options: dict[str, Any], state: str, skipped: str) -> None:
    result = run(**options)

    assert (result["state"], result["probe"]["skipped"], result["probe"]["ok"]) == (state, skipped, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nodes": []}, "nodes must not be empty"),
        ({"nodes": [NODES[0], NODES[0]]}, "one name twice"),
        ({"nodes": [NODES[0], {**NODES[0], "name": "b"}]}, "one address twice"),
        ({"nodes": [{"name": "a", "address": "kc-1.example"}]}, "nodes must have IP addresses"),
        ({"nodes": [NODES[1]]}, "no address in nodes is this host's"),
        ({"node": "c"}, "node=c is none of nodes"),
        ({"reads": 0}, "reads"),
        ({"expected_size": 0}, "expected_size"),
    ],
)
def test_refused(run: Run, options: dict[str, Any], words: str) -> None:
    result = run(**options)

    assert result["failed"]
    assert words in result["msg"]


def test_vantage_can_be_named(run: Run) -> None:
    assert run(node="b", database=DATABASE)["node"] == "b"


def test_arguments_are_those_of_the_documentation() -> None:
    documented = yaml.safe_load(keycloak_cluster_info.DOCUMENTATION)["options"]

    assert set(documented) == set(keycloak_cluster_info.ARGUMENTS)
    for name in ("database", "probe"):
        assert set(documented[name]["suboptions"]) == set(keycloak_cluster_info.ARGUMENTS[name]["options"])
