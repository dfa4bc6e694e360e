# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m lab.transitions: which tests take which transition of an instance's life, as a table in lab/README.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lab import settings
from lab.auto_scaling.model import PENDING, PENDING_PROCEED, WARMED, Member
from lab.auto_scaling.transitions import DOCUMENTED, NEW, Transition

README = settings.ROOT / "lab" / "README.md"
BEGIN, END = "<!-- transitions: written by python -m lab.transitions -->", "<!-- transitions: end -->"
TESTS = [
    f"lab/tests/test_auto_scaling_{topic}.py" for topic in ("lifecycle", "capacity", "warm_pool", "refresh", "policies", "api", "api_more")
]
BEGINNINGS = (PENDING, WARMED + PENDING, PENDING_PROCEED)  # what tests make in other states has not come there by itself


class Recorder:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self.taken: dict[Transition, list[str]] = {}
        self.test = ""

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        file, _, name = item.nodeid.partition("::")
        self.test = f"{file.rpartition('test_auto_scaling_')[2].removesuffix('.py')}: {name.partition('[')[0]}"

    def take(self, before: str, after: str) -> None:
        tests = self.taken.setdefault((before, after), [])
        if self.test not in tests:
            tests.append(self.test)


def record(arguments: Sequence[str]) -> tuple[int, Mapping[Transition, list[str]]]:
    recorder, enter, make = Recorder(), Member.enter, Member.__init__

    def entering(self: Member, state: str, now: float) -> None:
        recorder.take(self.state, state)
        enter(self, state, now)

    def made(self: Member, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        if self.state in BEGINNINGS:
            recorder.take(NEW, self.state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Member, "enter", entering)
        patch.setattr(Member, "__init__", made)
        return int(pytest.main(list(arguments), plugins=[recorder])), recorder.taken


def table(taken: Mapping[Transition, list[str]]) -> str:
    rows = ["| transition | AWS | tests |", "|---|---|---|"]
    for transition, page in DOCUMENTED.items():
        tests = taken.get(transition, [])
        # Many tests pass through the common ones: two are enough to see where.
        shown = "; ".join(f"`{test}`" for test in tests[:2]) + (f" and {len(tests) - 2} more" if len(tests) > 2 else "")
        rows.append(f"| {transition[0]} → {transition[1]} | `{page}` | {shown} |")
    return "\n".join(rows)


def put(text: str, rows: str) -> str:
    return re.sub(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})", lambda found: f"{found[1]}\n{rows}\n\n{found[2]}", text, flags=re.DOTALL)


def main() -> int:
    status, taken = record(TESTS)
    unknown, untested = sorted(taken.keys() - DOCUMENTED.keys()), sorted(DOCUMENTED.keys() - taken.keys())
    for before, after in unknown:
        print(f"{before} -> {after} is not documented; taken by {', '.join(taken[before, after])}", file=sys.stderr)
    for before, after in untested:
        print(f"{before} -> {after} is taken by no test", file=sys.stderr)
    README.write_text(put(README.read_text(), table(taken)))
    print(f"{len(DOCUMENTED)} transitions, {len(untested)} without a test, {len(unknown)} not documented")
    return status or int(bool(unknown or untested))


if __name__ == "__main__":
    sys.exit(main())
