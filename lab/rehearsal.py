# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may meet after the demo, on the portal that it left: python -m lab.rehearsal [STEP...]."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab import demo, life, settings
from lab.demo import DemoError
from lab.refusals import closed
from lab.settings import Lab

KILL_AFTER = 60.0


def second_run(lab: Lab) -> None:
    expect(demo.playbook(lab, "phase3") == 0, "a second run changed something")


def check_mode(lab: Lab) -> None:
    output = ansible(lab, "phase3", "--check", "--diff")
    expect("changed=0" in output and not any(f"changed={n}" in output for n in range(1, 10)), "check mode announces changes")


def closed_port(lab: Lab) -> None:
    """The failure detector's port is closed between the nodes: nothing else shows it."""
    with closed("-keycloak-cluster", 57800)(lab):
        output = ansible(lab, "verify", fails=True)
    expect("57800" in output, "verify did not name port 57800")
    demo.playbook(lab, "verify")


def negative_control(lab: Lab) -> None:
    output = ansible(lab, "failover", "--extra-vars", "keycloak_failover_kill=all", fails=True)
    expect("Half-done logins lost is" in output, "the drill failed for another reason than lost logins")
    demo.playbook(lab, "verify")


def there_and_back(lab: Lab) -> None:
    """Back to the old node and forth again, killed on the way, with users at work."""
    before = demo.client("check")["live"]
    with demo.traffic() as back:
        demo.playbook(lab, "rollback", phase="3")
    with demo.traffic() as forth:
        killed_run(lab)
        demo.playbook(lab, "phase3")
    after = demo.client("check")
    print({"rollback": back, "phase3": forth, "sessions": after})
    expect(back["failed"] == forth["failed"] == 0, f"requests failed: {back['failures']} {forth['failures']}")
    expect(after["live"] >= before and after["lost"] == after["revived"] == 0, f"sessions were lost or revived: {after}")


def finalize(lab: Lab) -> None:
    demo.playbook(lab, "finalize", phase="3")
    expect(demo.playbook(lab, "finalize", phase="3") == 0, "a second finalize changed something")
    output = ansible(lab, "rollback", "--extra-vars", "phase=3", fails=True)
    expect("no old node to go back to" in output, "rollback after finalize was not refused with the reason")
    expect(demo.playbook(lab, "phase3") == 0, "phase 3 after finalize changed something")
    expect(demo.client("check")["lost"] == 0, "sessions were lost")


def killed_run(lab: Lab) -> None:
    """Kills phase 3 with all of its children, wherever it is by then."""
    process = subprocess.Popen(
        [ansible_playbook(), "playbooks/phase3.yml"],
        cwd=settings.ROOT,
        env=environment(lab),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILL_AFTER)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ansible(lab: Lab, name: str, *words: str, fails: bool = False) -> str:
    done = subprocess.run(
        [ansible_playbook(), f"playbooks/{name}.yml", *words], cwd=settings.ROOT, env=environment(lab), capture_output=True, text=True
    )
    expect(
        (done.returncode != 0) == fails,
        f"playbooks/{name}.yml {' '.join(words)} ended with status {done.returncode}:\n{done.stdout[-3000:]}",
    )
    return done.stdout


def ansible_playbook() -> str:
    return str(Path(sys.executable).with_name("ansible-playbook"))


def environment(lab: Lab) -> dict[str, str]:
    return {**os.environ, **settings.user_environment(lab)}


def expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise DemoError(otherwise)


STEPS: dict[str, Callable[[Lab], None]] = {
    "second-run": second_run,
    "check-mode": check_mode,
    "closed-port": closed_port,
    "negative-control": negative_control,
    "there-and-back": there_and_back,
    "finalize": finalize,
}


def main() -> int:
    lab = settings.load()
    if lab is None or not life.is_up(lab):
        print("the lab is not running; run `make demo` first", file=sys.stderr)
        return 1
    demo.OUT.mkdir(parents=True, exist_ok=True)
    results = []
    for name in sys.argv[1:] or STEPS:
        start = time.monotonic()
        try:
            STEPS[name](lab)
            outcome = "ok"
        except DemoError as error:
            outcome = f"FAILED: {error}"
        results.append(outcome)
        print(f"rehearsal {name}: {outcome} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"rehearsal: {results.count('ok')} passed, {len(results) - results.count('ok')} failed")
    return 0 if set(results) == {"ok"} else 1


if __name__ == "__main__":
    sys.exit(main())
