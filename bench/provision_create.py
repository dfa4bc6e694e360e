# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component in an empty account: ours beside tasks of amazon.aws and community.aws."""

from __future__ import annotations

import argparse
import sys

from bench import provision, report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.provision_create", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each side, each in a new account (%(default)s)")
    runs = parser.parse_args().runs
    played: dict[str, list[provision.Played]] = {side: [] for side in provision.SIDES}
    for _ in range(runs):
        for side in provision.SIDES:
            with provision.bed() as bed:
                played[side].append(bed.task(side))
    made = provision.entry("provision_create", played, provision.CREATE_CALLS)
    provision.tell("provision_create", made, played)
    report.keep([made])
    return 0


if __name__ == "__main__":
    sys.exit(main())
