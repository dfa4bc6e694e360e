# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab import report

NODE = {"name": "kc-1", "address": "10.0.0.4", "az": "a", "generation": "cluster", "state": "running"}
OLD = {**NODE, "name": "kc", "generation": "single", "state": "stopped"}
VERIFY = {"nodes": [OLD, NODE], "one_cluster": True}
FAILOVER = {"requests": 9, "failed": 1, "sessions_lost": 0, "logins_lost": 0, "longest_gap_s": 2.0, "drills": []}
MIGRATION = {"requests": 100, "failed": 0, "longest_gap_s": 0.5, "worst_latency_s": 3.1, "restarted_logins": 0, "held_logins": 3}
CHECK = {"live": 200, "lost": 0, "revived": 0, "users": 50}


def figures(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "proofs": {"verify": VERIFY, "failover": FAILOVER},
        "migration": MIGRATION,
        "checks": (CHECK, {**CHECK, "live": 210}),
        "changed": 7,
        "seconds": {"lab": 30.0, "phase3": 100.0},
    }
    return report.figures(**{**given, **changes})


def test_a_good_run() -> None:
    made = figures()
    assert report.faults(made) == []
    assert [node["name"] for node in made["nodes"]] == ["kc-1"]
    assert "130 in all" in report.screen(made)
    assert report.screen(made).splitlines()[-2].split() == ["verdict", "ok"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"proofs": {"verify": {**VERIFY, "one_cluster": False}, "failover": FAILOVER}}, "the nodes are not one cluster"),
        ({"checks": (CHECK, {**CHECK, "users": 49})}, "users are missing"),
        ({"checks": ({**CHECK, "users": 0}, {**CHECK, "users": 0})}, "users are missing"),
        ({"checks": (CHECK, {**CHECK, "live": 199})}, "sessions are missing"),
        ({"checks": (CHECK, {**CHECK, "lost": 1})}, "sessions were lost in the migration"),
        ({"checks": (CHECK, {**CHECK, "revived": 1})}, "sessions that had ended came back"),
        ({"migration": {**MIGRATION, "failed": 1}}, "requests failed in the migration"),
        ({"proofs": {"verify": VERIFY, "failover": {**FAILOVER, "sessions_lost": 1}}}, "sessions were lost in the failover"),
        ({"proofs": {"verify": VERIFY, "failover": {**FAILOVER, "logins_lost": 1}}}, "half-done logins were lost in the failover"),
    ],
)
def test_every_loss_makes_it_a_failure_and_is_named(changes: dict[str, Any], fault: str) -> None:
    made = figures(**changes)
    assert report.faults(made) == [fault]
    assert report.screen(made).splitlines()[-2].endswith(f"FAILED: {fault}")
