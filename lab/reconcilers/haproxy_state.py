# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running HAProxy says about its servers, as ALB target health; the commands that make it behave like an ALB.
AWS: elasticloadbalancing/latest/application/target-group-health-checks.html (states and reason codes)"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.reconcilers.haproxy import FORWARDS, OPEN, Group, Target

STATE_FIELDS = 25
RUNNING, STOPPED = 2, 0
FORCED_MAINTENANCE = 1
CHECK_ENABLED = 6
# Anything else that fails is "Health checks failed".
TIMEOUTS = ("L4TOUT", "L6TOUT", "L7TOUT")
PASSED = ("L7OK", "L7OKC", "L6OK", "L4OK")


@dataclass(frozen=True)
class Health:
    state: str
    reason: str = ""
    description: str = ""


HEALTHY = Health("healthy")
INITIAL = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")


def rows(statistics: str) -> dict[tuple[str, str], dict[str, str]]:
    """`show stat` by backend and server."""
    reader = csv.DictReader(io.StringIO(statistics.lstrip("# ")))
    return {(row["pxname"], row["svname"]): row for row in reader}


def health(row: Mapping[str, str] | None, previous: Health | None, group: Group) -> Health:
    """Health of a target by HAProxy's row for it. One passed check makes a new target healthy, whatever the threshold; one that
    passes none is initial until as many as the unhealthy threshold would have failed."""
    if row is None:
        return INITIAL
    check, up = row["check_status"].removeprefix("* "), row["status"].startswith("UP")
    fresh = previous is None or previous == INITIAL
    if up or (fresh and check in PASSED):
        return HEALTHY
    grace = int(group.description["HealthCheckIntervalSeconds"]) * int(group.description["UnhealthyThresholdCount"])
    if fresh and int(row["lastchg"] or 0) < grace:
        return INITIAL
    if check in TIMEOUTS:
        return Health("unhealthy", "Target.Timeout", "Request timed out")
    if check == "L7STS":
        return Health("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{row['check_code']}]")
    return Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def corrections(group: Group, target: Target, now: Health, found: Mapping[tuple[str, str], Mapping[str, str]]) -> list[str]:
    """Runtime commands that bring HAProxy to an ALB's view of one target; none when it is there."""
    row, twin = found.get((group.name, target.server)), found.get((group.name, target.server + OPEN))
    commands = []
    if now == HEALTHY and row and not row["status"].startswith("UP"):
        commands.append(f"set server {group.name}/{target.server} health up")
    # A target that never passed a check gets no traffic, not even when all others are unhealthy.
    if twin and (twin["status"] == "MAINT") != (now == INITIAL):
        commands.append(f"set server {group.name}/{target.server}{OPEN} state {'maint' if now == INITIAL else 'ready'}")
    return commands


def map_changes(shown: str, wanted: Mapping[str, str]) -> list[str]:
    """Runtime commands that make the map of forwards, as `show map` gave it, what it should be."""
    present = dict(line.split()[1:3] for line in shown.strip().splitlines())
    changed = {name: group for name, group in wanted.items() if present.get(name) != group}
    commands = [f"{'set' if name in present else 'add'} map {FORWARDS} {name} {group}" for name, group in changed.items()]
    return commands + [f"del map {FORWARDS} {name}" for name in present.keys() - wanted.keys()]


def state_file(before: str, groups: Iterable[Group]) -> str:
    """`show servers state` for the next HAProxy: without a line of its own a new server would start as healthy."""
    lines = {_server(line): line for line in before.strip().splitlines()[1:] if not line.startswith("#")}
    for group in groups:
        for target in group.targets:
            twin = (group.name, target.server + OPEN)
            # One that was draining has no twin: registered again, it is as new as any.
            if not target.draining and twin not in lines:
                lines[group.name, target.server] = _state(group, target.server, target, STOPPED, 0)
                lines[twin] = _state(group, target.server + OPEN, target, RUNNING, FORCED_MAINTENANCE)
    return "\n".join(["1", *lines.values(), ""])


def _server(line: str) -> tuple[str, str]:
    fields = line.split()
    return fields[1], fields[3]


def _state(group: Group, server: str, target: Target, operational: int, administrative: int) -> str:
    """A line of version 1 of the format (HAProxy's management.txt, "show servers state")."""
    checked = CHECK_ENABLED if operational == STOPPED else 0
    fields = ["1", group.name, "1", server, target.address, operational, administrative, 1, 1, 0, 1, 0, 0, checked]
    # What stands here of TLS overrides the configuration: without it, plain requests went to the TLS port.
    fields += [0, 0, 0, "-", target.port, "-", int(group.secure), 0, "-", "-", 0]
    assert len(fields) == STATE_FIELDS
    return " ".join(str(field) for field in fields)
