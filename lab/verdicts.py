# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States that the lab made and what was said of them: as a line, and as the table that operators read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.figures import markdown


@dataclass(frozen=True)
class Result:
    state: str
    expected: str
    verdict: str
    findings: Sequence[str]
    causes: Sequence[str]
    seconds: float
    passed: bool


def line(result: Result) -> str:
    said = result.verdict if result.passed else f"{result.verdict}, not {result.expected}"
    return f"{result.state:42} {said:18} {result.seconds:5.0f} s  {', '.join(result.findings)}"


def table(results: Sequence[Result]) -> str:
    """A state that is met again and again is in it once."""
    first = {result.state: result for result in reversed(results)}
    rows = [
        (result.state, f"`{result.verdict}`", ", ".join(f"`{code}`" for code in result.findings), f"{result.seconds:.0f}")
        for result in results
        if result is first[result.state]
    ]
    return markdown(("state", "verdict", "findings", "s"), rows)
