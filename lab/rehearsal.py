# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may meet after the demo, on the portal that it left: python -m lab.rehearsal [STEP...]."""

from __future__ import annotations

import sys

from lab import scenario
from lab.refusal_cases import closed
from lab.scenario import Step, ansible, expect, killed_run
from lab.settings import Lab

# Tasks in which phase 3 is killed, in its order: launch, install, build, write, start, proof, registration, warming, cut, retirement;
# and how many seconds after each began: a kill in the middle leaves more behind.
KILLED_AT = {
    "Database | Look at the database": 0.0,
    "Provision | Launch the nodes": 1.0,
    "Build | Unpack the distribution": 1.0,
    "Build | Build": 5.0,
    "Configure | Write the files of the server": 0.5,
    "Activate | Switch to the home": 0.0,
    "Up | Wait until it is ready": 5.0,
    "Verify | Look at the cluster": 1.0,
    "Register | Put the node into service and wait until the balancer finds it healthy": 1.0,
    "Warm | Clear the caches and warm the node": 1.0,
    "Switch | Send all traffic to the cluster": 2.0,
    "Retire | Stop the old node": 0.5,
}


def second_run(lab: Lab) -> None:
    expect(scenario.playbook(lab, "phase3") == 0, "a second run changed something")


def check_mode(lab: Lab) -> None:
    output = ansible(lab, "phase3", "--check", "--diff")
    expect("changed=0" in output and not any(f"changed={n}" in output for n in range(1, 10)), "check mode announces changes")


def closed_port(lab: Lab) -> None:
    """The failure detector's port is closed between the nodes: nothing else shows it."""
    with closed("-keycloak-cluster", 57800)(lab):
        output = ansible(lab, "verify", fails=True)
    expect("57800" in output, "verify did not name port 57800")
    scenario.playbook(lab, "verify")


def negative_control(lab: Lab) -> None:
    output = ansible(lab, "failover", "--extra-vars", "keycloak_failover_drills=kill_all", fails=True)
    expect("kill_all: half_done_lost is" in output, "the drill failed for another reason than lost logins")
    scenario.playbook(lab, "verify")


def there_and_back(lab: Lab) -> None:
    """Back to the old node and forth again, killed on the way, with users at work."""
    before = scenario.client("check")["live"]
    with scenario.traffic() as back:
        scenario.playbook(lab, "rollback", phase="3")
    with scenario.traffic() as forth:
        killed_run(lab, "phase3", "Switch | Send all traffic to the cluster", 2)
        scenario.playbook(lab, "phase3")
    after = scenario.client("check")
    print({"rollback": back, "phase3": forth, "sessions": after})
    expect(back["failed"] == forth["failed"] == 0, f"requests failed: {back['failures']} {forth['failures']}")
    expect(after["live"] >= before and after["lost"] == after["revived"] == 0, f"sessions were lost or revived: {after}")


def killed_anywhere(lab: Lab) -> None:
    """From the portal that `make lab-up` leaves: killed again and again, then finished, as if it had never been killed."""
    scenario.client("seed", "--sessions", "40")
    before = scenario.client("check")["live"]
    with scenario.traffic() as figures:
        for task, seconds in KILLED_AT.items():
            killed_run(lab, "phase3", task, seconds)
        scenario.playbook(lab, "phase3")
    after = scenario.client("check")
    print({"traffic": figures, "sessions": after})
    expect(figures["failed"] == 0, f"requests failed: {figures['failures']}")
    expect(after["live"] >= before and after["lost"] == after["revived"] == 0, f"sessions were lost or revived: {after}")
    expect(scenario.playbook(lab, "phase3") == 0, "the run after it changed something")
    scenario.playbook(lab, "verify")


def finalize(lab: Lab) -> None:
    scenario.playbook(lab, "finalize", phase="3")
    expect(scenario.playbook(lab, "finalize", phase="3") == 0, "a second finalize changed something")
    output = ansible(lab, "rollback", "--extra-vars", "phase=3", fails=True)
    expect("no old node to go back to" in output, "rollback after finalize was not refused with the reason")
    expect(scenario.playbook(lab, "phase3") == 0, "phase 3 after finalize changed something")
    expect(scenario.client("check")["lost"] == 0, "sessions were lost")


STEPS: dict[str, Step] = {
    "second-run": second_run,
    "check-mode": check_mode,
    "closed-port": closed_port,
    "negative-control": negative_control,
    "there-and-back": there_and_back,
    "finalize": finalize,
}
FROM_ZERO: dict[str, Step] = {"killed-anywhere": killed_anywhere}


if __name__ == "__main__":
    sys.exit(scenario.run("rehearsal", STEPS | FROM_ZERO, sys.argv[1:] or list(STEPS)))
