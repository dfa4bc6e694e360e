# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab.reconcilers import haproxy_state
from lab.reconcilers.haproxy import Group, Target
from lab.reconcilers.haproxy_state import HEALTHY, INITIAL, Health

TARGET = Target("i-1", "10.0.0.5", 8080)
DESCRIPTION = {"TargetGroupName": "a", "Protocol": "HTTP", "HealthCheckIntervalSeconds": 5, "UnhealthyThresholdCount": 2}
GROUP = Group(DESCRIPTION, {}, (TARGET,))
REFUSED = Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def row(status: str, check: str = "", lastchg: int = 0, code: str = "") -> dict[str, str]:
    return {"status": status, "check_status": check, "lastchg": str(lastchg), "check_code": code}


@pytest.mark.parametrize(
    ("found", "previous", "expected"),
    [
        (None, None, INITIAL),
        (row("DOWN", "INI"), None, INITIAL),
        (row("DOWN", "* L7OK", 1), None, HEALTHY),  # one passed check is enough for a new target
        (row("DOWN 1/3", "L7OK", 1), INITIAL, HEALTHY),
        (row("DOWN 1/3", "L7OK", 1), REFUSED, REFUSED),  # but not for one that was unhealthy
        (row("UP", "L7OK"), REFUSED, HEALTHY),
        (row("UP 1/2", "L4CON"), HEALTHY, HEALTHY),  # one failure below the threshold
        (row("DOWN", "L4CON", 9), INITIAL, INITIAL),
        (row("DOWN", "L4CON", 10), INITIAL, REFUSED),  # as long as two checks at 5 s take
        (row("DOWN", "L4CON", 1), HEALTHY, REFUSED),
        (row("DOWN", "L4TOUT"), HEALTHY, Health("unhealthy", "Target.Timeout", "Request timed out")),
        (
            row("DOWN", "L7STS", code="503"),
            HEALTHY,
            Health("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        ),
    ],
)
def test_health(found: dict[str, str] | None, previous: Health | None, expected: Health) -> None:
    assert haproxy_state.health(found, previous, GROUP) == expected


@pytest.mark.parametrize(
    ("now", "server", "twin", "commands"),
    [
        (INITIAL, "DOWN", "MAINT", []),
        (INITIAL, "DOWN", "no check", ["set server a/i-1_8080_open state maint"]),
        (HEALTHY, "DOWN 1/3", "MAINT", ["set server a/i-1_8080 health up", "set server a/i-1_8080_open state ready"]),
        (HEALTHY, "UP", "no check", []),
        (REFUSED, "DOWN", "MAINT", ["set server a/i-1_8080_open state ready"]),
    ],
)
def test_corrections(now: Health, server: str, twin: str, commands: list[str]) -> None:
    found = {("a", "i-1_8080"): row(server), ("a", "i-1_8080_open"): row(twin)}
    assert haproxy_state.corrections(GROUP, TARGET, now, found) == commands


KEPT = "3 a 1 i-1_8080 10.0.0.5 2 0 1 1 0 15 3 4 6 0 0 0 - 8080 - 0 0 - - 0"
TWIN = "3 a 2 i-1_8080_open 10.0.0.5 2 0 1 1 0 1 0 0 0 0 0 0 - 8080 - 0 0 - - 0"


def states(before: str) -> dict[str, tuple[str, str]]:
    """Server -> operational and administrative state in the file for the next HAProxy."""
    fields = [line.split() for line in haproxy_state.state_file(before, [GROUP]).splitlines()[1:]]
    return {line[3]: (line[5], line[6]) for line in fields}


def test_a_new_target_starts_as_down_and_its_twin_in_maintenance() -> None:
    assert states("") == {"i-1_8080": ("0", "0"), "i-1_8080_open": ("2", "1")}


@pytest.mark.parametrize(("protocol", "tls"), [("HTTP", "0"), ("HTTPS", "1"), ("TCP", "0"), ("TLS", "1")])
def test_a_new_target_is_spoken_to_as_its_group_says(protocol: str, tls: str) -> None:
    """What the file says of TLS (srv_use_ssl) overrides the configuration."""
    group = Group({**DESCRIPTION, "Protocol": protocol}, {}, (TARGET,))
    assert [line.split()[20] for line in haproxy_state.state_file("", [group]).splitlines()[1:]] == [tls, tls]


def test_what_runs_keeps_its_state() -> None:
    assert states(f"1\n# be_id be_name\n{KEPT}\n{TWIN}\n") == {"i-1_8080": ("2", "0"), "i-1_8080_open": ("2", "0")}


def test_a_target_that_was_draining_starts_anew() -> None:
    assert states(f"1\n# be_id be_name\n{KEPT}\n") == {"i-1_8080": ("0", "0"), "i-1_8080_open": ("2", "1")}


def test_statistics_by_backend_and_server() -> None:
    found = haproxy_state.rows("# pxname,svname,status,\na,i-1_8080,UP,\na,BACKEND,UP,\n")
    assert found["a", "i-1_8080"]["status"] == "UP"


def test_map_changes() -> None:
    shown = "0x55d0 443_10 old\n0x55d1 443_9 gone\n\n"
    assert haproxy_state.map_changes(shown, {"443_10": "new", "443_20": "b"}) == [
        "set map /etc/haproxy/forwards.map 443_10 new",
        "add map /etc/haproxy/forwards.map 443_20 b",
        "del map /etc/haproxy/forwards.map 443_9",
    ]
    assert haproxy_state.map_changes("0x55d0 443_10 old\n", {"443_10": "old"}) == []
