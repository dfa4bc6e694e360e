# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from end to end: a live portal in the lab, phase 3 under traffic, proof, failover, and one screen of figures."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import life, report, settings
from lab.settings import Lab

OUT = settings.ROOT / "build" / "demo"
CLIENT = [sys.executable, "-m", "lab.clients.traffic"]
SESSIONS = 200


class DemoError(Exception):
    """A step of the demo failed."""


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    try:
        figures = run(seconds)
    except (DemoError, RuntimeError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    (OUT / "report.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(report.screen(figures))
    return 0 if report.good(figures) else 1


def run(seconds: dict[str, float]) -> dict[str, Any]:
    with step("lab", seconds):
        lab = life.up()
    with step("seed", seconds):
        client("seed", "--sessions", str(SESSIONS))
        before = client("check")
        users_before = client("users")
    with step("phase3", seconds), traffic() as migration:
        changed = playbook(lab, "phase3")
    with step("check", seconds):
        after = client("check")
        users_after = client("users")
    with step("verify", seconds):
        playbook(lab, "verify", keycloak_migration_report=str(OUT / "verify.json"))
    with step("failover", seconds):
        playbook(lab, "failover", keycloak_failover_report=str(OUT / "failover.json"))
    return report.figures(
        proofs={"verify": read("verify.json"), "failover": read("failover.json")},
        migration=migration,
        checks=(before | users_before, after | users_after),
        changed=changed,
        seconds=seconds,
    )


@contextlib.contextmanager
def step(name: str, seconds: dict[str, float]) -> Iterator[None]:
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - start, 1)
    print(f"=== {name}: {seconds[name]} s", flush=True)


@contextlib.contextmanager
def traffic() -> Iterator[dict[str, Any]]:
    """The traffic client, from before the first task until after the last; its figures are in the dictionary afterwards."""
    figures: dict[str, Any] = {}
    process = subprocess.Popen([*CLIENT, "run"], cwd=settings.ROOT)
    try:
        yield figures
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
    if status != 0:
        raise DemoError(f"the traffic client ended with status {status}")
    figures.update(read("traffic.json"))


def playbook(lab: Lab, name: str, **variables: str) -> int:
    """Runs a playbook as a user would; returns how many tasks changed something."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{name}.yml", "--extra-vars", json.dumps(variables)]
    environment = {**os.environ, **settings.user_environment(lab)}
    changed = 0
    with (OUT / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=settings.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
            recap = re.search(r" : ok=\d+ +changed=(\d+) ", line)
            changed += int(recap.group(1)) if recap else 0
    if process.wait() != 0:
        raise DemoError(f"playbooks/{name}.yml ended with status {process.returncode}, see {log.name}")
    return changed


def client(*words: str) -> dict[str, Any]:
    done = subprocess.run([*CLIENT, *words], cwd=settings.ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise DemoError(f"the traffic client's {words[0]} ended with status {done.returncode}: {done.stdout}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((OUT / name).read_text())
    return content


if __name__ == "__main__":
    sys.exit(main())
