# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes the proof away, what does not, and what is said of it. The states themselves: test__cluster_states.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_findings import TEXTS, finding
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_judge import coordinator, judge, judge_proof
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import STATES, Expected, PingRow, Probe, Reading, Verdict
from ansible_collections.aiportal.scaling.tests.unit.plugins.module_utils.cluster_readings import (
    CLUSTER_DOWN,
    EXPECTED,
    NODES,
    ROWS,
    WHOLE,
    node,
    reading,
    row,
)


# One thing at a time that takes the proof away, whatever else is right.
@pytest.mark.parametrize(
    "fields",
    [
        {"ready": 503, "checks": CLUSTER_DOWN},
        {"ready": 503, "checks": {}},
        {"ready": None, "metrics": None, "size": None},
        {"ready": None},
        {"metrics": 503},
        {"size": 2},
        {"size": 1},
        {"size": 4},
        {"size": None, "label": ""},
        {"cluster": "other"},
        {"cache_manager": "DefaultCacheManager"},
        {"label": "kc-1-54491"},
        {"inflight": 1},
    ],
    ids=str,
)
def test_nothing_wrong_passes(fields: dict[str, Any]) -> None:
    assert not Verdict(judge(EXPECTED, "kc-1", reading([node(1), node(2), node(3, **fields)]))).one_cluster


def test_allowed_cluster_is_a_note() -> None:
    old = row(9, ip="172.17.0.2:7800", cluster_name="ISPN", coord=True, coordinated_by="uuid://9")
    seen = reading(
        [node(number, cluster="aiportal") for number in (1, 2, 3)],
        (*(row(number, cluster_name="aiportal") for number in (1, 2, 3)), old),
    )

    allowed = judge(Expected(NODES, 3, "aiportal", ("ISPN",)), "kc-1", seen)
    refused = judge(Expected(NODES, 3, "aiportal"), "kc-1", seen)

    assert Verdict(allowed).one_cluster
    assert [each.code for each in allowed] == ["other_cluster"]
    assert Verdict(refused).state == "multiple_clusters"


def test_cluster_of_another_name_is_not_the_one_asked_for() -> None:
    found = judge(Expected(NODES, 3, "aiportal"), "kc-1", reading(WHOLE))

    assert Verdict(found).state == "multiple_clusters"
    assert {each.code for each in found} == {"cluster_name"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"merge_events": 1}, "merging"), ({"label": "kc-3-1"}, "restarted"), ({"merge_events": 0}, None)],
)
def test_movement(fields: dict[str, Any], code: str | None) -> None:
    found = judge(EXPECTED, "kc-1", reading([node(1), node(2), node(3, **fields)]), reading(WHOLE))

    assert [each.code for each in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("rows", "probe", "state"),
    [
        (ROWS, None, "one_cluster"),
        (None, None, "unproven"),
        (None, Probe(pairs=3), "one_cluster"),
        (ROWS, Probe(pairs=3, stale=("kc-1 -> kc-2",)), "split"),
        (ROWS, Probe(error="no such client"), "unproven"),
        (ROWS, Probe(pairs=3, left="1b4e"), "one_cluster"),
        (ROWS, Probe(pairs=3, releases={"kc-1": "26.7.4", "kc-2": "26.7.4", "kc-3": "26.7.4"}), "one_cluster"),
        (ROWS, Probe(pairs=3, releases={"kc-1": "26.7.4", "kc-2": "26.7.4", "kc-3": "26.7.3"}), "mixed_releases"),
    ],
)
def test_proof(rows: Sequence[PingRow] | None, probe: Probe | None, state: str) -> None:
    seen = reading(WHOLE, rows)

    assert Verdict(judge(EXPECTED, "kc-1", seen) + judge_proof(seen, probe)).state == state


def test_stranger_is_found_by_its_row() -> None:
    """As many members as expected, and one of them is none of ours."""
    found = judge(Expected(NODES[:2], 3), "kc-1", Reading(0.0, (node(1), node(2)), (), ROWS))

    assert [each.code for each in found] == ["stranger"]


def test_single_node_is_a_cluster_of_one() -> None:
    alone = Expected(NODES[:1], 1)

    assert Verdict(judge(alone, "kc-1", Reading(0.0, (node(1, size=1),), (), (row(1),)))).one_cluster


def test_coordinator_is_named() -> None:
    assert coordinator(EXPECTED, reading(WHOLE)) == "kc-1"
    assert coordinator(EXPECTED, reading(WHOLE, (row(1), row(2, coord=True)))) is None


def test_every_text_has_a_known_state() -> None:
    assert {state for state, dummy_cause, dummy_fix in TEXTS.values()} - {""} == set(STATES) - {"one_cluster"}


def test_sentences_name_what_they_are_about() -> None:
    said = finding("port_silent", "kc-2", vantage="kc-1", port=57800, purpose="failure detection", address="10.61.1.12")

    assert said.cause == "kc-2 does not answer kc-1 at port 57800 (failure detection)."
