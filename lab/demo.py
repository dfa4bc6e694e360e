# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from end to end: a live portal in the lab, phase 3 under traffic, proof, failover, and one screen of figures."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from lab import life, report
from lab.scenario import OUT, ScenarioError, client, playbook, read, traffic

SESSIONS = 200


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    try:
        figures = run(seconds)
    except (ScenarioError, RuntimeError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    (OUT / "report.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(report.screen(figures))
    return 1 if report.faults(figures) else 0


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


if __name__ == "__main__":
    sys.exit(main())
