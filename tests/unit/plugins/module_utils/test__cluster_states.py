# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every wrong configuration that was tried on real servers, as they showed themselves there, and the state it has to be called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_judge import judge
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Reading, Verdict
from ansible_collections.aiportal.scaling.tests.unit.plugins.module_utils.cluster_readings import (
    CLUSTER_DOWN,
    DOWN,
    EXPECTED,
    NO_CLUSTER_CHECK,
    ROWS,
    UP,
    WHOLE,
    node,
    ports,
    reading,
    row,
    with_third,
)

# name: (reading, state, codes of the faults, whom they are about)
CASES: dict[str, tuple[Reading, str, set[str]]] = {
    "one cluster": (reading(WHOLE), "one_cluster", set()),
    "nothing answers on 9000: not booted, dead or closed": (
        reading([node(1, size=2), node(2, size=2), DOWN]),
        "unreachable",
        {"unreachable", "partial"},
    ),
    "health not built in": (reading([node(1), node(2), node(3, ready=404, checks={})]), "no_metrics", {"health_missing"}),
    "metrics not built in": (with_third(metrics=404, size=None, label="", cache_manager=""), "no_metrics", {"metrics_missing", "partial"}),
    "ready, and metrics without a cluster": (
        with_third(size=None, label="", cache_manager=""),
        "no_metrics",
        {"cache_metrics_missing", "partial"},
    ),
    # 8.4: one node of three wrong
    "bind LOOPBACK: joins outbound and says 3, the others 2, row absent": (
        reading([node(1, size=2), node(2, size=2), node(3)], (row(1), row(2)), ports=ports(kc3_7800="refused", kc3_57800="refused")),
        "address_wrong",
        {"row_missing", "port_refused", "split"},
    ),
    "bind LOOPBACK: with its row": (
        reading(WHOLE, (row(1), row(2), row(3, ip="127.0.0.1:7800"))),
        "address_wrong",
        {"row_loopback"},
    ),
    "external-address of nobody: works, all 200, size 3": (
        reading(WHOLE, (row(1), row(2), row(3, ip="10.61.1.99:7800"))),
        "address_wrong",
        {"row_elsewhere"},
    ),
    "other cluster name on the same database": (
        with_third(row(1), row(2), row(3, cluster_name="envb", coord=True, coordinated_by="uuid://3"), size=1, cluster="envb"),
        "singleton",
        {"singleton", "cluster_name", "partial"},
    ),
    "cache=local: 200, no cluster check, no row": (
        with_third(size=1, cluster="", cache_manager="DefaultCacheManager", checks=NO_CLUSTER_CHECK),
        "cache_local",
        {"cache_local", "partial"},
    ),
    "mTLS off on one: 503 there, a second coordinator": (
        with_third(row(1), row(2), row(3, coord=True, coordinated_by="uuid://3"), size=1, ready=503, checks=CLUSTER_DOWN),
        "singleton",
        {"singleton", "coordinators", "partial"},
    ),
    "57800 closed everywhere: all green": (
        reading(WHOLE, ports=ports(kc2_57800="silent", kc3_57800="silent")),
        "ports_closed",
        {"port_silent"},
    ),
    "only 7800 closed from the start: three singletons": (
        reading(
            [node(1, size=1), node(2, size=1, ready=503, checks=CLUSTER_DOWN), node(3, size=1, ready=503, checks=CLUSTER_DOWN)],
            [row(number, coord=True, coordinated_by=f"uuid://{number}") for number in (1, 2, 3)],
            ports=ports(kc2_7800="silent", kc3_7800="silent"),
        ),
        "singleton",
        {"port_silent", "singleton", "coordinators"},
    ),
    "a singleton blips 200 for 0.3 s": (
        reading([node(1, size=1), node(2, size=1), node(3, size=1)], None),
        "singleton",
        {"singleton"},
    ),
    # booting, in the order in which it is seen from outside
    "booting: live, metrics without vendor_": (
        with_third(
            row(1),
            row(2),
            row(3, name="(starting)", ip="127.0.0.1:0", coordinated_by=None),
            ready=503,
            size=None,
            label="",
            cache_manager="",
            checks={"Keycloak Initialized": "DOWN"},
        ),
        "forming",
        {"starting", "row_starting", "partial"},
    ),
    "booting: in the view, not yet initialised": (
        reading([node(1), node(2), node(3, ready=503, checks={"Keycloak Initialized": "DOWN"})]),
        "forming",
        {"starting"},
    ),
    "state transfer under way": (reading([node(1), node(2), node(3, inflight=297)]), "forming", {"moving"}),
    # 1.4: the discovery table
    "a killed coordinator's row stays for ever": (
        reading(WHOLE, (*ROWS, row(9, ip="10.61.1.13:7800", coord=True, age_s=4000, coordinated_by="uuid://9"))),
        "one_cluster",
        set(),
    ),
    "its row while it is fresh, beside the new process's": (
        reading(WHOLE, (row(3, address="uuid://0", name="kc-3-1", coord=True, coordinated_by="uuid://0"), *ROWS)),
        "one_cluster",
        set(),
    ),
    "the same where the name is a given one": (
        reading(WHOLE, (row(3, address="uuid://0", coord=True, coordinated_by="uuid://0"), *ROWS)),
        "one_cluster",
        set(),
    ),
    "its row while the host is down": (
        reading([node(1, size=2), node(2, size=2), DOWN], (row(1), row(2), row(3, coord=True, coordinated_by="uuid://3"))),
        "unreachable",
        {"unreachable", "partial"},
    ),
    "rows of a dead cluster name stay for ever": (
        reading(WHOLE, (*ROWS, row(9, ip="10.9.9.9:7800", cluster_name="gone", coord=True, age_s=90000))),
        "one_cluster",
        set(),
    ),
    "the inverted coordinator rows after a merge: all 503": (
        reading(
            [node(number, ready=503, checks=CLUSTER_DOWN, merge_events=1) for number in (1, 2, 3)],
            (row(1, coord=False), row(2, coord=True), row(3)),
        ),
        "forming",
        {"coordinator_rows"},
    ),
    "no row is marked": (reading(WHOLE, (row(1, coord=False), row(2), row(3))), "forming", {"coordinator_rows"}),
    "two marked rows are a split even if sizes and health look right": (
        reading(WHOLE, (row(1), row(2, coord=True), row(3))),
        "split",
        {"coordinators"},
    ),
    "unready because of a dead row": (
        reading([node(1), node(2), node(3, ready=503, checks=CLUSTER_DOWN)], (*ROWS, row(9, ip="10.61.1.14:7800", age_s=300))),
        "stale_rows",
        {"stale_rows"},
    ),
    "unready for no known reason must not pass": (
        reading([node(1), node(2), node(3, ready=503, checks={**UP, "Something new": "DOWN"})]),
        "forming",
        {"not_ready"},
    ),
    "before 26.7 there are neither ages nor coordinated_by": (
        reading(WHOLE, [replace(each, age_s=None, coordinated_by=None) for each in ROWS]),
        "one_cluster",
        set(),
    ),
    # others
    "the pair and the cut-off coordinator": (
        reading([node(1, size=1, ready=503, checks=CLUSTER_DOWN), node(2, size=2), node(3, size=2)], (row(1), row(2, coord=True), row(3))),
        "singleton",
        {"singleton", "partial", "coordinators"},
    ),
    "two clusters of equal size": (
        Reading(0.0, (node(1, size=2), node(2, size=2), node(3, size=2), replace(node(3, size=2), name="kc-4", label="kc-4-1")), (), None),
        "split",
        {"split"},
    ),
    "one member gone, its host not asked": (reading([node(1, size=2), node(2, size=2)], (row(1), row(2))), "partial", {"partial"}),
    "two names for one process": (reading([node(1), node(2), node(3, label="kc-1-54491")]), "address_wrong", {"same_process"}),
    "a stranger more than expected": (
        reading([node(number, size=4) for number in (1, 2, 3)], (*ROWS, row(4))),
        "multiple_clusters",
        {"too_many", "stranger"},
    ),
    "another environment on the same database": (
        reading(WHOLE, (*ROWS, row(9, ip="10.99.1.1:7800", cluster_name="staging", coord=True, coordinated_by="uuid://9"))),
        "multiple_clusters",
        {"foreign_cluster"},
    ),
    "frozen by SIGSTOP: the kernel takes connections, nobody answers": (
        reading([node(1), node(2), replace(DOWN, accepts=True, error="no answer in time")]),
        "frozen",
        {"frozen"},
    ),
    "frozen for 48 s: the others have given it up": (
        reading([node(1, size=2), node(2, size=2), replace(DOWN, accepts=True)], (row(1), row(2))),
        "frozen",
        {"frozen", "partial"},
    ),
    "TCPPING instead of jdbc-ping, no row: size 3, all 200": (
        reading([node(1), node(2), node(3, checks=NO_CLUSTER_CHECK)], (row(1), row(2))),
        "other_stack",
        {"no_cluster_check"},
    ),
    "TCPPING instead of jdbc-ping, the coordinator wrote a row for it": (
        reading([node(1), node(2), node(3, checks=NO_CLUSTER_CHECK)]),
        "other_stack",
        {"no_cluster_check"},
    ),
    "container bridge: joined through its own outgoing connections": (
        reading(WHOLE, (row(1), row(2), row(3, ip="172.17.0.2:7800"))),
        "address_wrong",
        {"row_bridge"},
    ),
    "another environment of the same name that is not reached": (
        reading(WHOLE, (*ROWS, row(9, ip="10.99.1.1:7800", coord=True, coordinated_by="uuid://9"))),
        "multiple_clusters",
        {"stranger"},
    ),
    "another environment of another name on a node's own host": (
        reading(WHOLE, (*ROWS, row(9, ip="10.61.1.13:7801", cluster_name="staging", coord=True, coordinated_by="uuid://9"))),
        "multiple_clusters",
        {"foreign_cluster"},
    ),
    "the row of a node that was restarted under the right name": (
        reading(WHOLE, (*ROWS, row(9, ip="10.61.1.13:7800", cluster_name="staging", coord=True, coordinated_by="uuid://9"))),
        "one_cluster",
        set(),
    ),
    "shutting down": (reading([node(1), node(2), node(3, ready=503, checks={**UP, "Graceful Shutdown": "DOWN"})]), "partial", {"stopping"}),
    "the node has lost the database": (
        reading([node(1), node(2), node(3, ready=503, checks={**UP, "Keycloak database connections async health check": "DOWN"})]),
        "db_error",
        {"database_down"},
    ),
    "the database is away for longer: readiness hangs, metrics come": (
        reading([node(number, ready=None, checks={}) for number in (1, 2, 3)], None, database_error="no"),
        "db_error",
        {"health_silent", "database_unreadable"},
    ),
    "the table cannot be read": (reading(WHOLE, None, database_error="no"), "db_error", {"database_unreadable"}),
    "a port of a node that is down is its least trouble": (
        reading([node(1, size=2), node(2, size=2), DOWN], ports=ports(kc3_7800="refused")),
        "unreachable",
        {"unreachable", "partial"},
    ),
}


@pytest.mark.parametrize(("seen", "state", "codes"), CASES.values(), ids=CASES)
def test_state(seen: Reading, state: str, codes: set[str]) -> None:
    verdict = Verdict(judge(EXPECTED, "kc-1", seen))

    assert verdict.state == state
    assert {each.code for each in verdict.findings if each.state} == codes
    assert verdict.one_cluster == (state == "one_cluster")
