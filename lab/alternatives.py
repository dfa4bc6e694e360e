# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a lost node is noticed, by the ways there are: python -m lab.alternatives [WAY...]. Writes build/alternatives/report.json.

Each way is set on the nodes of the lab's migrated portal as they run, then struck by the drills freeze and partition_coordinator. What the
role ships is set again in the end.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab import drills, scenario, settings
from lab.scenario import Step, environment, expect
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "alternatives"
DRILLS = ("freeze", "partition_coordinator")
KERNEL_DEFAULT = "sysctl -q -w net.ipv4.tcp_keepalive_time=7200 net.ipv4.tcp_keepalive_intvl=75 net.ipv4.tcp_keepalive_probes=9"
SHIPPED = "sysctl -q -p /etc/sysctl.d/60-keycloak.conf; systemctl start keycloak-watchdog"
WAYS = {
    "keycloak": f"systemctl stop keycloak-watchdog; {KERNEL_DEFAULT}",
    "keepalive": "systemctl stop keycloak-watchdog; sysctl -q -p /etc/sysctl.d/60-keycloak.conf",
    "watchdog": f"systemctl start keycloak-watchdog; {KERNEL_DEFAULT}",
    "shipped": SHIPPED,
}


def on_the_nodes(lab: Lab, command: str) -> None:
    program = str(Path(sys.executable).with_name("ansible"))
    argv = [program, "keycloak_cluster", "--become", "--module-name", "ansible.builtin.shell", "--args", command]
    done = subprocess.run(argv, cwd=settings.ROOT, env=environment(lab), capture_output=True, text=True)
    expect(done.returncode == 0, f"{command}: {done.stdout[-1000:]}")


def way(name: str, lab: Lab) -> None:
    on_the_nodes(lab, WAYS[name])
    try:
        for drill in DRILLS:
            report = FOLDER / f"{name}.{drill}.json"
            report.unlink(missing_ok=True)
            # A threshold that is crossed is a result here.
            command = [scenario.ansible_playbook(), "playbooks/failover.yml", "--extra-vars"]
            given = json.dumps({"keycloak_failover_drills": drill, "keycloak_failover_report": str(report)})
            with (FOLDER / f"{name}.{drill}.log").open("w") as log:
                subprocess.run([*command, given], cwd=settings.ROOT, env=environment(lab), stdout=log, stderr=subprocess.STDOUT)
            expect(report.exists(), f"{name}: {drill} left no figures, see {log.name}")
    finally:
        on_the_nodes(lab, SHIPPED)


def collect() -> list[dict[str, Any]]:
    found = [(name, drill, FOLDER / f"{name}.{drill}.json") for name in WAYS for drill in DRILLS]
    return [{"way": name, **json.loads(path.read_text())["drills"][0], "drill": drill} for name, drill, path in found if path.exists()]


def main(chosen: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Step] = {name: functools.partial(way, name) for name in WAYS}
    status = scenario.run("alternatives", steps, chosen)
    entries = collect()
    (FOLDER / "report.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(drills.table([{**entry, "drill": f"{entry['way']}: {entry['drill']}"} for entry in entries]))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
