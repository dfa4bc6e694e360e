# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements side by side: seconds of ours and of the peer in one run, their ratio, and how far the repetitions lie apart.

python -m bench.report puts the table of build/bench/report.json into docs/operations.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import Any

from lab import settings
from lab.figures import markdown, publish

OUT = settings.ROOT / "build" / "bench"
REPORT = OUT / "report.json"


def entry(name: str, ours: Sequence[float], peer: Sequence[float] = ()) -> dict[str, Any]:
    """Medians; the ratio is peer / ours, so that 2.0 means twice as fast. Without a peer there is none to compare with."""
    ours_s = statistics.median(ours)
    peer_s = statistics.median(peer) if peer else None
    return {
        "name": name,
        "ours_s": round(ours_s, 1),
        "peer_s": None if peer_s is None else round(peer_s, 1),
        "ratio": None if peer_s is None else round(peer_s / ours_s, 2),
        "runs": len(ours),
        "spread": {"ours_s": span(ours), "peer_s": span(peer)},
    }


def span(seconds: Sequence[float]) -> list[float]:
    return [round(min(seconds), 1), round(max(seconds), 1)] if seconds else []


def keep(entries: Sequence[dict[str, Any]]) -> None:
    """Replaces the entries of the same names; those of other benchmarks stay."""
    known = json.loads(REPORT.read_text()) if REPORT.exists() else []
    names = {entry["name"] for entry in entries}
    merged = sorted([entry for entry in known if entry["name"] not in names] + list(entries), key=lambda entry: str(entry["name"]))
    OUT.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(merged, indent=1) + "\n")
    for shown in entries:
        print(line(shown), flush=True)


def line(shown: dict[str, Any]) -> str:
    ours, peer = shown["spread"]["ours_s"], shown["spread"]["peer_s"]
    beside = f"   peer {shown['peer_s']:>6} s {peer}   {shown['ratio']} times as fast" if shown["peer_s"] is not None else ""
    return f"{shown['name']:<28} ours {shown['ours_s']:>6} s {ours}{beside}   ({shown['runs']} runs)"


def table(entries: Sequence[dict[str, Any]]) -> str:
    rows = [
        (
            f"`{each['name']}`",
            f"{each['ours_s']} s",
            f"{each['peer_s']} s",
            each["ratio"],
            each["runs"],
            "{ours_s}, {peer_s}".format(**each["spread"]),
        )
        for each in entries
        if each["peer_s"] is not None
    ]
    return markdown(("", "ours", "peer", "ratio", "runs", "from, to"), rows)


if __name__ == "__main__":
    publish("bench", table(json.loads(REPORT.read_text())))
