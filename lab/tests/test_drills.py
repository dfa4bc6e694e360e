# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import drills
from lab.settings import ROOT

FIGURES = {
    **{"requests": 300, "failed": 2, "hung": 1, "worst_latency_s": 12.5, "longest_gap_s": 1.5, "logins_fail_s": 3.0, "half_done": 5},
    **{"half_done_lost": 1, "sessions": 20, "sessions_lost": 0, "sso_lost": 0, "seconds_until_whole": 9.1},
}
ENTRY: dict[str, Any] = {"drill": "kill", "passed": False, "figures": FIGURES, "thresholds": {"half_done_lost": 0}}


def test_a_drill_that_left_no_figures_did_not_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "FOLDER", tmp_path)
    (tmp_path / "kill.json").write_text(json.dumps({"drills": [ENTRY]}))
    entries = drills.collect(["kill", "freeze"])
    assert [(entry["drill"], entry["passed"]) for entry in entries] == [("kill", False), ("freeze", False)]
    assert drills.table(entries).splitlines()[2:] == [
        "| `kill` **failed** | 2 of 300 | 1, 12.5 s | 1.5 s | 3.0 s | 1 of 5 | 0 of 20 | 9.1 s |"
    ]


def test_every_drill_of_the_book_is_run_but_the_negative_control() -> None:
    book = yaml.safe_load((ROOT / "roles/keycloak_failover/vars/main.yml").read_text())["__keycloak_failover_book"]
    assert sorted(book) == sorted([*drills.DRILLS, "kill_all"])
