# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of transitions in lab/README.md."""

from __future__ import annotations

import re

from lab import settings, transitions
from lab.auto_scaling.lifecycle import STEPS
from lab.auto_scaling.transitions import DOCUMENTED


def rows() -> list[list[str]]:
    text = transitions.README.read_text().partition(transitions.BEGIN)[2].partition(transitions.END)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]


def test_the_table_has_every_transition_with_its_page_and_tests_that_exist() -> None:
    assert [row[:2] for row in rows()] == [[f"{before} → {after}", f"`{page}`"] for (before, after), page in DOCUMENTED.items()]
    for _, _, tests in rows():
        named = re.findall(r"`(\w+): (\w+)`", tests)
        assert named
        for topic, test in named:
            file = settings.ROOT / "lab" / "tests" / f"test_auto_scaling_{topic}.py"
            assert f"def {test}(" in file.read_text()


def test_every_state_that_has_a_step_is_entered_and_left() -> None:
    assert STEPS.keys() <= {after for _, after in DOCUMENTED}
    assert STEPS.keys() <= {before for before, _ in DOCUMENTED}


def test_many_tests_of_one_transition_are_shortened() -> None:
    taken = {("Pending", "Pending:Proceed"): ["lifecycle: a", "lifecycle: b", "api: c"]}
    assert "`lifecycle: a`; `lifecycle: b` and 1 more" in transitions.table(taken)
