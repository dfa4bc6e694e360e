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
CHECK = {"live": 200, "lost": 0, "revived": 0, "users": 50}


def figures(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "proofs": {"verify": VERIFY, "failover": FAILOVER},
        "migration": {"requests": 100, "failed": 0, "longest_gap_s": 0.5, "worst_latency_s": 3.1, "restarted_logins": 0, "held_logins": 3},
        "checks": (CHECK, {**CHECK, "live": 210}),
        "changed": 7,
        "seconds": {"lab": 30.0, "phase3": 100.0},
    }
    return report.figures(**{**given, **changes})


def test_a_good_run() -> None:
    made = figures()
    assert report.good(made)
    assert [node["name"] for node in made["nodes"]] == ["kc-1"]
    assert "130 in all" in report.screen(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"proofs": {"verify": {**VERIFY, "one_cluster": False}, "failover": FAILOVER}},
        {"checks": (CHECK, {**CHECK, "users": 49})},
        {"checks": ({**CHECK, "users": 0}, {**CHECK, "users": 0})},
        {"checks": (CHECK, {**CHECK, "live": 199, "lost": 1})},
        {"checks": (CHECK, {**CHECK, "revived": 1})},
        {"migration": {"requests": 9, "failed": 1, "longest_gap_s": 0.5, "worst_latency_s": 3.1, "restarted_logins": 0, "held_logins": 0}},
        {"proofs": {"verify": VERIFY, "failover": {**FAILOVER, "sessions_lost": 1}}},
        {"proofs": {"verify": VERIFY, "failover": {**FAILOVER, "logins_lost": 1}}},
    ],
)
def test_every_loss_makes_it_a_failure(changes: dict[str, Any]) -> None:
    assert not report.good(figures(**changes))
