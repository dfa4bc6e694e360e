# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario in the lab is made of: playbooks run as a user would, traffic beside them, expectations, and a runner of steps."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab import life, settings
from lab.settings import Lab

OUT = settings.ROOT / "build" / "demo"
CLIENT = [sys.executable, "-m", "lab.clients.traffic"]
Step = Callable[[Lab], None]


class ScenarioError(Exception):
    """A step did not end as expected."""


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
        raise ScenarioError(f"the traffic client ended with status {status}")
    figures.update(read("traffic.json"))


def playbook(lab: Lab, name: str, **variables: str) -> int:
    """Runs a playbook as a user would; returns how many tasks changed something."""
    command = [ansible_playbook(), f"playbooks/{name}.yml", "--extra-vars", json.dumps(variables)]
    changed = 0
    with (OUT / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=settings.ROOT, env=environment(lab), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
            recap = re.search(r" : ok=\d+ +changed=(\d+) ", line)
            changed += int(recap.group(1)) if recap else 0
    if process.wait() != 0:
        raise ScenarioError(f"playbooks/{name}.yml ended with status {process.returncode}, see {log.name}")
    return changed


def ansible(lab: Lab, name: str, *words: str, fails: bool = False) -> str:
    done = subprocess.run(
        [ansible_playbook(), f"playbooks/{name}.yml", *words], cwd=settings.ROOT, env=environment(lab), capture_output=True, text=True
    )
    expect(
        (done.returncode != 0) == fails,
        f"playbooks/{name}.yml {' '.join(words)} ended with status {done.returncode}:\n{done.stdout[-3000:]}",
    )
    return done.stdout


def killed_run(lab: Lab, name: str, task: str, seconds: float, *words: str) -> None:
    """Kills a playbook with all of its children, so many seconds into the task."""
    process = subprocess.Popen(
        [ansible_playbook(), f"playbooks/{name}.yml", *words],
        cwd=settings.ROOT,
        # While skipped hosts are hidden, a task is announced by its first result only.
        env=environment(lab) | {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    reached = any(line.startswith("TASK [") and f"{task}]" in line for line in process.stdout)
    if reached:
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    status = process.wait()
    expect(reached, f"playbooks/{name}.yml ended with status {status} and did not come to: {task}")
    print(f"{name} killed {seconds} s into: {task}", flush=True)


def ansible_playbook() -> str:
    return str(Path(sys.executable).with_name("ansible-playbook"))


def environment(lab: Lab) -> dict[str, str]:
    # Unbuffered: Ansible leaves flushing to the system, and into a pipe that is every 8 kB, long after a task has begun.
    return {**os.environ, **settings.user_environment(lab), "PYTHONUNBUFFERED": "1"}


def expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise ScenarioError(otherwise)


def client(*words: str) -> dict[str, Any]:
    done = subprocess.run([*CLIENT, *words], cwd=settings.ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise ScenarioError(f"the traffic client's {words[0]} ended with status {done.returncode}: {done.stdout}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((OUT / name).read_text())
    return content


def run(title: str, steps: dict[str, Step], chosen: list[str]) -> int:
    """Runs the chosen steps (all, when none is named) against the running lab, says how each ended, and goes on after a failure."""
    lab = settings.load()
    if lab is None or not life.is_up(lab):
        print("the lab is not running; run `make demo` first", file=sys.stderr)
        return 1
    if unknown := sorted(set(chosen) - set(steps)):
        print(f"{title}: no step {', '.join(unknown)}; there are {', '.join(steps)}", file=sys.stderr)
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    results = [outcome(title, name, steps[name], lab) for name in chosen or steps]
    failures = list(filter(None, results))
    print(f"{title}: {len(results) - len(failures)} passed, {len(failures)} failed", *failures, sep="\n")
    return 1 if failures else 0


def outcome(title: str, name: str, step: Step, lab: Lab) -> str:
    """Why it failed, to be said again at the end: of a long log, a reader often has just that. Nothing where it passed."""
    start = time.monotonic()
    try:
        step(lab)
        failure = ""
    except (ScenarioError, RuntimeError) as error:  # the second from waits
        failure = f"{title} {name}: FAILED: {error}"
    print(failure or f"{title} {name}: ok", f"({time.monotonic() - start:.0f} s)", flush=True)
    return failure
