# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/phase3.yml on a portal that is migrated already, beside the second run of the public role on three hosts of its own.

The peer does the smaller part: no balancer, no database, no directory, no proof of the cluster. No public play does all of it.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench import report
from bench.keycloak_converge import SIDES, ansible, environment_of_hosts, hosts, install_peer
from lab import life, scenario


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.phase3_noop", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each side (%(default)s)")
    runs = parser.parse_args().runs
    lab = life.up()
    scenario.OUT.mkdir(parents=True, exist_ok=True)
    scenario.playbook(lab, "phase3")
    environment, (peer, _) = environment_of_hosts(), SIDES["peer"]
    install_peer()
    ours_s: list[float] = []
    peer_s: list[float] = []
    with hosts(environment):
        ansible(peer, environment)
        for _ in range(runs):  # turn by turn, so that both meet the same machine
            start = time.monotonic()
            changed = scenario.playbook(lab, "phase3")
            ours_s.append(time.monotonic() - start)
            if changed:
                raise SystemExit(f"phase3.yml changed {changed} tasks in a run that had nothing to change")
            start = time.monotonic()
            ansible(peer, environment)
            peer_s.append(time.monotonic() - start)
    report.keep([report.entry("phase3_noop", ours_s, peer_s)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
