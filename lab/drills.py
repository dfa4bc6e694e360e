# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill book on the lab's migrated portal: python -m lab.drills [DRILL...].

Writes build/drills/report.json and the table in docs/operations.md."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import scenario, settings
from lab.figures import markdown, publish
from lab.scenario import Step
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "drills"
DRILLS = (
    *("kill", "kill_coordinator", "freeze", "partition", "partition_coordinator"),
    *("directory", "database", "rolling_restart", "stop_all", "replace"),
)
COLUMNS = (
    "drill",
    "failed",
    "hung, longest",
    "longest gap",
    "new logins fail",
    "half-done logins lost",
    "sessions lost",
    "one cluster again",
)


def drill(name: str, lab: Lab) -> None:
    """A run of its own for each, so that one that fails does not keep the others from being tried."""
    result = FOLDER / f"{name}.json"
    result.unlink(missing_ok=True)
    scenario.playbook(lab, "failover", keycloak_failover_drills=name, keycloak_failover_report=str(result))


def collect(names: Sequence[str]) -> list[dict[str, Any]]:
    """What each drill left; one that left nothing did not pass."""
    return [entry for name in names for entry in _entries(FOLDER / f"{name}.json", name)]


def _entries(path: Path, name: str) -> list[dict[str, Any]]:
    if not path.exists():
        return [{"drill": name, "passed": False, "figures": {}, "thresholds": {}}]
    entries: list[dict[str, Any]] = json.loads(path.read_text())["drills"]
    return entries


def table(entries: Sequence[dict[str, Any]]) -> str:
    return markdown(COLUMNS, (row(entry) for entry in entries if entry["figures"]))


def row(entry: dict[str, Any]) -> tuple[str, ...]:
    figures = entry["figures"]
    return (
        f"`{entry['drill']}`" + ("" if entry["passed"] else " **failed**"),
        f"{figures['failed']} of {figures['requests']}",
        f"{figures['hung']}, {figures['worst_latency_s']} s",
        f"{figures['longest_gap_s']} s",
        f"{figures['logins_fail_s']} s",
        f"{figures['half_done_lost']} of {figures['half_done']}",
        f"{figures['sessions_lost'] + figures['sso_lost']} of {figures['sessions']}",
        f"{figures['seconds_until_whole']} s",
    )


def main(chosen: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Step] = {name: functools.partial(drill, name) for name in DRILLS}
    status = scenario.run("drills", steps, chosen)
    entries = collect(DRILLS)
    (FOLDER / "report.json").write_text(json.dumps(entries, indent=1) + "\n")
    if all(entry["figures"] for entry in entries):  # one drill alone must not take the others from the page
        publish("drills", table(entries))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
