# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a live cluster under constant traffic, and changes that must be refused: python -m lab.rolling [STEP...]."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from lab import scenario, settings
from lab.containers import Containers
from lab.reconcilers.instances import instances
from lab.scenario import Step, ansible, expect
from lab.settings import Lab

REPORT = settings.ROOT / "build" / "rolling" / "report.json"
TIMES = settings.ROOT / "build" / "rolling" / "times.json"
NODES = 3


def rolled(change: str, **variables: Any) -> Step:
    """The change is rolled: all nodes, none of the requests meanwhile fails, and a second run finds nothing to do."""

    def step(lab: Lab) -> None:
        with scenario.traffic() as figures:
            ansible(lab, "roll_keycloak", *extra(keycloak_cluster_report=str(TIMES), **variables))
        times = json.loads(TIMES.read_text())["nodes"]
        record(change, figures, seconds_per_node=[node["seconds"] for node in times.values()], nodes=times)
        expect(len(times) == NODES, f"{len(times)} nodes were changed instead of {NODES}: {times}")
        expect(figures["failed"] == 0, f"{figures['failed']} of {figures['requests']} requests failed: {figures['failures']}")

    return step


def refused(sentence: str, *words: str, **variables: Any) -> Step:
    """The change is refused in a sentence of this pattern, and no node was touched."""

    def step(lab: Lab) -> None:
        before = starts(lab)
        output = ansible(lab, "roll_keycloak", *words, *extra(**variables), fails=True)
        said = " ".join(output.split())
        expect(re.search(sentence, said) is not None, f"it did not say {sentence!r}: {said[-1500:]}")
        expect(starts(lab) == before, "a node was restarted")

    return step


def extra(**variables: Any) -> list[str]:
    return ["--extra-vars", json.dumps(variables)]


def starts(lab: Lab) -> dict[str, str]:
    """When the server of each node was started."""
    return on_nodes(lab, "systemctl", "show", "keycloak", "--property=ActiveEnterTimestampMonotonic", "--value")


def on_nodes(lab: Lab, *command: str) -> dict[str, str]:
    """The output of a command on each node of the cluster, by the node's name."""
    containers = Containers(lab).by_kind("instance")
    found = {}
    for identifier, instance in instances(lab).items():
        tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
        if tags.get("Generation") == "cluster" and instance["State"]["Name"] == "running":
            found[tags["Name"]] = Containers.exec(containers[identifier], command).strip()
    expect(len(found) == NODES, f"there are not {NODES} nodes: {found}")
    return found


def record(change: str, figures: dict[str, Any], **more: Any) -> None:
    """One entry a change; that of an earlier run is replaced."""
    entries = json.loads(REPORT.read_text()) if REPORT.exists() else []
    entry = {
        "change": change,
        **more,
        "requests": figures["requests"],
        "failed": figures["failed"],
        "worst_latency_s": figures["worst_latency_s"],
        "longest_gap_s": figures["longest_gap_s"],
    }
    print(entry, flush=True)
    REPORT.write_text(json.dumps([each for each in entries if each["change"] != change] + [entry], indent=1) + "\n")


STEPS: dict[str, Step] = {
    "nothing": refused(r"There is nothing to roll, all nodes run what is wanted: change the portal definition or"),
    "restart": rolled("restart", keycloak_cluster_restart=True),
    "heap": rolled("heap 512m to 448m", keycloak_cluster_heap_max="448m"),
}


def main() -> int:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    return scenario.run("rolling", STEPS, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
