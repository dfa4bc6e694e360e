# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component that is as it shall be: ours beside tasks of amazon.aws and community.aws; then in an account that fills with instances."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import provision, report
from lab import settings

SIZES = (10, 100, 1000)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.provision_noop", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each side (%(default)s)")
    runs = parser.parse_args().runs
    played: dict[str, list[provision.Played]] = {side: [] for side in provision.SIDES}
    with ExitStack() as stack:
        beds = {side: stack.enter_context(provision.bed()) for side in provision.SIDES}
        for side, bed in beds.items():
            bed.play(side)
            bed.play(side)  # the peer's first repetition still changes tags
        for _ in range(runs):  # turn by turn, so that both meet the same machine
            for side, bed in beds.items():
                played[side].append(bed.task(side))
        grown = growth(beds["ours"])
    made = provision.entry("provision_noop", played, provision.STATE_READS)
    provision.tell("provision_noop", made, played)
    report.keep([made, *grown])
    return 0


def growth(bed: provision.Bed) -> list[dict[str, Any]]:
    """The inventory and a run without changes, as the account fills."""
    ec2, there, entries = bed.client("ec2"), 0, []
    for size in SIZES:
        for _ in range((size - there + 99) // 100):
            count = min(size - there, 100)
            tags = [
                {"ResourceType": "instance", "Tags": [{"Key": "Portal", "Value": "aiportal"}, {"Key": "Component", "Value": "keycloak"}]}
            ]
            subnet = bed.variables["bench_subnets"][0]
            ec2.run_instances(ImageId=bed.variables["bench_image"], MinCount=count, MaxCount=count, SubnetId=subnet, TagSpecifications=tags)
            there += count
        before = len(bed.recorded())
        listed = inventory(bed)
        asked = len(bed.recorded()) - before
        whole = bed.play("ours")
        made = report.entry(f"provision_noop inventory, {size} instances", [listed])
        entries.append({**made, "ours_calls": asked, "peer_calls": None, "needed_calls": 1})
        made = report.entry(f"provision_noop whole play, {size} instances", [whole.seconds])
        entries.append({**made, "ours_calls": len(whole.calls), "peer_calls": None, "needed_calls": len(provision.STATE_READS)})
    return entries


def inventory(bed: provision.Bed) -> float:
    source = settings.ROOT / "inventory" / "portal.aws_ec2.yml"
    start = time.monotonic()
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "--inventory", str(source), "--list"]
    subprocess.run(command, cwd=settings.ROOT, env=bed.environment, check=True, capture_output=True)
    return time.monotonic() - start


if __name__ == "__main__":
    sys.exit(main())
