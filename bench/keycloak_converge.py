# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role keycloak_cluster and the most used public role, on the same three hosts and database: fresh, a second run, one changed setting.

BENCH_PEER names the peer for ansible-galaxy (default: the release on Galaxy); in a closed network, sources such as git+file:///... instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import report
from lab import artifacts, images, settings

PEER = "middleware_automation.keycloak:3.0.11 middleware_automation.common:1.2.3"  # the second is its only dependency beyond what .venv has
HOSTS = report.OUT / "hosts"
COLLECTIONS = report.OUT / "collections"
OURS = "molecule/keycloak_cluster/converge.yml"
# playbook, extra variables of the changed setting
SIDES = {"ours": (OURS, "keycloak_cluster_heap_max=400m"), "peer": ("bench/peer.yml", "bench_heap_max=400m")}
Seconds = dict[str, list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.keycloak_converge", description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="repetitions of each side on new hosts (%(default)s)")
    runs = parser.parse_args().runs
    environment = environment_of_hosts()
    install_peer()
    seconds: dict[str, Seconds] = {side: {"fresh": [], "no-op": [], "changed": []} for side in SIDES}
    for run in range(runs):
        for side in SIDES:
            print(f"run {run + 1} of {runs}: {side}", flush=True)
            with hosts(environment):
                measure(side, seconds[side], environment)
    report.keep([report.entry(f"keycloak_converge {case}", seconds["ours"][case], seconds["peer"][case]) for case in seconds["ours"]])
    return 0


def measure(side: str, seconds: Seconds, environment: dict[str, str]) -> None:
    playbook, change = SIDES[side]
    for case, extra in {"fresh": "", "no-op": "", "changed": change}.items():
        settled()
        start = time.monotonic()
        output = ansible(playbook, environment, *(["--extra-vars", extra] if extra else []), log=f"{side}-{case}")
        seconds[case].append(time.monotonic() - start)
        changed = sum(int(count) for count in re.findall(r" changed=(\d+) ", output))
        print(f"  {side} {case}: {seconds[case][-1]:.1f} s, {changed} tasks changed", flush=True)


def settled(busy: float = 0.2, patience: float = 60) -> None:
    """A server goes on compiling after its start; nobody runs the next play in that moment, and either side would pay for it."""
    end = time.monotonic() + patience
    while processor_use(2) > busy and time.monotonic() < end:
        pass


def processor_use(seconds: float) -> float:
    """The part of the machine's processor time that was used in so many seconds."""
    before = processor_times()
    time.sleep(seconds)
    idle, total = (now - then for now, then in zip(processor_times(), before, strict=True))
    return 1 - idle / total


def processor_times() -> tuple[int, int]:
    """Idle (with waiting for disks) and all, in ticks: proc_stat(5)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


@contextmanager
def hosts(environment: dict[str, str]) -> Iterator[None]:
    """Three hosts without Java and a database server, new for each side."""
    ansible("molecule/destroy.yml", environment)
    try:
        ansible("molecule/create.yml", environment)
        ansible("molecule/keycloak_cluster/prepare.yml", environment)
        yield
    finally:
        ansible("molecule/destroy.yml", environment)


def ansible(playbook: str, environment: dict[str, str], *words: str, log: str = "") -> str:
    inventories = ["--inventory", "molecule/inventory.yml", "--inventory", "bench/inventory.yml", "--extra-vars", "@bench/hosts.yml"]
    command = [str(tool("ansible-playbook")), playbook, *inventories, "--extra-vars", json.dumps(hosts_as_made()), *words]
    done = subprocess.run(command, cwd=settings.ROOT, env=environment, capture_output=True, text=True)
    (report.OUT / f"{log or Path(playbook).stem}.log").write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        raise SystemExit(f"{playbook} ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def environment_of_hosts() -> dict[str, str]:
    HOSTS.mkdir(parents=True, exist_ok=True)
    images.ensure_all()
    return {
        **os.environ,
        "MOLECULE_PROJECT_DIRECTORY": str(settings.ROOT),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(HOSTS),
        "MOLECULE_IMAGE": images.reference("base"),
        "AIPORTAL_KEYCLOAK_ARCHIVE": str(artifacts.fetch(artifacts.KEYCLOAK)),
        "ANSIBLE_INJECT_FACT_VARS": "true",  # the peer reads facts as variables
        "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",  # where the time goes, in build/bench/SIDE-CASE.log
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}{os.pathsep}{os.environ.get('ANSIBLE_COLLECTIONS_PATH', '')}",
    }


def hosts_as_made() -> dict[str, Any]:
    """Hosts of their own beside Molecule's. As values, like an inventory's: Molecule's are computed, by either side for each task."""
    addresses = HOSTS / "addresses.json"
    network = f"bench-{hashlib.sha256(str(HOSTS).encode()).hexdigest()[:6]}"
    return {"molecule_network": network, **({"molecule_addresses": json.loads(addresses.read_text())} if addresses.exists() else {})}


def install_peer() -> None:
    if (COLLECTIONS / "ansible_collections" / "middleware_automation" / "keycloak").exists():
        return
    sources = os.environ.get("BENCH_PEER", PEER).split()
    subprocess.run(
        [str(tool("ansible-galaxy")), "collection", "install", "--no-deps", "--collections-path", str(COLLECTIONS), *sources], check=True
    )


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


if __name__ == "__main__":
    sys.exit(main())
