# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that are each to be a cluster of one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_judge import judge
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Expected, Node, NodeReading, Reading

EXPECTED = Expected((Node("kc-1", "10.61.1.11"), Node("kc-2", "10.61.1.12")), 2, sticky=True)
CLUSTER = {"Keycloak cluster health check": "UP"}
UP = {**CLUSTER, "Graceful Shutdown": "UP", "Keycloak Initialized": "UP", "Keycloak database connections async health check": "UP"}


def node(number: int, **fields: Any) -> NodeReading:
    alone: dict[str, Any] = {"ready": 200, "checks": UP, "metrics": 200, "size": 1, "cache_manager": "keycloak"}
    own = {"label": f"node_{number}", "cluster": f"aiportal-kc-{number}"}
    return NodeReading(f"kc-{number}", f"10.61.1.1{number}", **{**alone, **own, **fields})


@pytest.mark.parametrize(
    ("second", "codes"),
    [
        (node(2), []),
        (node(2, size=2), ["clustered"]),
        (node(2, cache_manager="DefaultCacheManager"), ["cache_local"]),
        (node(2, ready=503, checks={**UP, "Keycloak database connections async health check": "DOWN"}), ["database_down"]),
        (node(2, ready=503, checks={**CLUSTER, "Other": "DOWN"}), ["not_ready"]),
        (NodeReading("kc-2", "10.61.1.12", error="connection refused"), ["unreachable"]),
    ],
)
def test_nodes_on_their_own(second: NodeReading, codes: list[str]) -> None:
    found = judge(EXPECTED, "kc-1", Reading(0.0, (node(1), second)))
    assert [problem.code for problem in found] == codes


def test_a_row_of_a_cluster_that_was_says_nothing() -> None:
    assert judge(EXPECTED, "kc-1", Reading(0.0, (node(1), node(2)), rows=())) == []


def test_two_of_one_name_are_no_clusters_of_their_own() -> None:
    found = judge(EXPECTED, "kc-1", Reading(0.0, (node(1), node(2, cluster="aiportal-kc-1"))))
    assert [problem.code for problem in found] == ["clustered", "clustered"]
