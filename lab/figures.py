# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of scenarios: as JSON below build/, and as tables in the page that operators read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import settings

PAGE = settings.ROOT / "docs" / "operations.md"
OF_TRAFFIC = ("requests", "failed", "worst_latency_s", "longest_gap_s", "restarted_logins", "held_logins")


def short(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What a report keeps of the traffic client's figures."""
    return {key: figures[key] for key in OF_TRAFFIC if key in figures}


def keep(report: Path, key: str, entry: Mapping[str, Any]) -> None:
    """One entry for each value of the key; that of an earlier run is replaced."""
    print(dict(entry), flush=True)
    known = json.loads(report.read_text()) if report.exists() else []
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps([*(each for each in known if each[key] != entry[key]), entry], indent=1) + "\n")


def markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in (columns, ["---"] * len(columns), *rows))


def publish(name: str, table: str) -> None:
    PAGE.write_text(put(PAGE.read_text(), name, table))


def put(page: str, name: str, table: str) -> str:
    """The page with the table between the marks of `make NAME`."""
    begin, end = map(re.escape, marks(name))
    return re.sub(f"({begin}\n).*?({end})", lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page, flags=re.DOTALL)


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: written by make {name} -->", f"<!-- {name}: end -->"
