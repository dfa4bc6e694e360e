# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

from lab import figures


def test_the_table_takes_the_place_of_the_one_before() -> None:
    begin, end = figures.marks("drills")
    once = figures.put(f"before\n{begin}\n{end}\nafter\n", "drills", "| a |")
    assert once == f"before\n{begin}\n\n| a |\n\n{end}\nafter\n"
    assert figures.put(once, "drills", "| b |") == once.replace("a |", "b |")


def test_an_entry_takes_the_place_of_the_one_of_its_name(tmp_path: Path) -> None:
    report = tmp_path / "new" / "report.json"
    for failed, name in ((1, "heap"), (2, "pool"), (0, "heap")):
        figures.keep(report, "change", {"change": name, "failed": failed})
    assert json.loads(report.read_text()) == [{"change": "pool", "failed": 2}, {"change": "heap", "failed": 0}]
