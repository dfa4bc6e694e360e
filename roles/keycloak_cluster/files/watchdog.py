# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a Keycloak that is frozen or cut off, so that the others notice and systemd starts it anew: watchdog.py ADDRESS PORT SECONDS.

Frozen: the kernel of a host whose Java stands still answers for it. Its connections stay open, the other nodes wait for 40 s, and
then the balancer, the database and the cluster each have a view of their own. A process that is dead is noticed in 2 s.

Cut off: a node that reaches none of the others calls itself ready until its own cluster has given up each of them in turn (12 s),
and the logins that the balancer sends there hang. The kernel, which probes these connections anyway, knows sooner: nothing is sent.
Only a node that loses several others at the same moment takes itself for the lost one: alone of three it is not the majority.
"""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

BEAT, PATIENCE = 1.0, 2.0
# 7800: messages of the cluster; 57800: its detector of failures. Between two nodes there is at least one connection to 7800.
PORTS = {7800, 57800}
ESTABLISHED = "01"
# Keepalive probes come each second once a connection was silent for two; a packet is sent again after 0.2, 0.6, 1.4, 3 and 6.2 s.
FIRST_AGAIN = 0.2
# /proc/net/tcp: number, local and remote address, state, queues, timer, retransmissions of the packet, user, probes without an answer.
LINE = re.compile(
    r"\s*\d+: [0-9A-F]+:(?P<here>[0-9A-F]{4}) (?P<peer>[0-9A-F]+):(?P<there>[0-9A-F]{4}) (?P<state>..) \S+ \S+ (?P<packets>[0-9A-F]+)"
    r"\s+\d+\s+(?P<probes>\d+) "
)


def silent_peers(table: str, seconds: int) -> dict[str, bool]:
    """By each node with connections to this one, whether the kernel waits for it on all of them. By address as the kernel writes it."""
    found: dict[str, bool] = {}
    for line in map(LINE.match, table.splitlines()):
        if line and line["state"] == ESTABLISHED and PORTS & {int(line["here"], 16), int(line["there"], 16)}:
            waited = max(int(line["probes"]), FIRST_AGAIN * (2 ** int(line["packets"], 16) - 1))
            found[line["peer"]] = waited >= seconds and found.get(line["peer"], True)
    return found


def cut_off(peers: dict[str, bool]) -> bool:
    return len(peers) > 1 and all(peers.values())


def connections() -> str:
    """Of IPv4 and, for Java takes both kinds in one socket, of IPv6; a kernel without it has no such table."""
    return "".join(path.read_text() for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists())


def answers(address: str, port: int) -> bool | None:
    """Whether it answers; None where nobody listens, which is for systemd to see to."""
    connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/health/live")
        connection.getresponse()
        return True
    except OSError as error:
        return False if isinstance(error, socket.timeout) else None  # until Python 3.10 no TimeoutError
    except http.client.HTTPException:
        return None
    finally:
        connection.close()


def worked() -> int | None:
    """Processor time that Java used so far: one that is short of it, or collects garbage, uses some, and one that is frozen none."""
    found = subprocess.run(["pgrep", "--euid=keycloak", "--exact", "java"], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    try:
        return sum(map(int, Path(f"/proc/{found[0]}/stat").read_text().rpartition(")")[2].split()[11:13]))
    except (IndexError, OSError):
        return None


def kill(why: str) -> None:
    print(f"{why}: killing it", flush=True)
    subprocess.run(["pkill", "--signal=KILL", "--euid=keycloak", "--exact", "java"], check=False)


def watch(address: str, port: int, limit: int) -> None:
    silent, before = 0.0, None
    while True:
        # A second before the kernel gives the connections up: then there is nothing left to see.
        if cut_off(silent_peers(connections(), limit - 3)):
            kill("none of the other nodes answers")
        answer, now = answers(address, port), worked()
        silent = silent + PATIENCE if answer is False and now is not None and now == before else 0.0
        before = now
        if silent >= limit - PATIENCE:
            kill(f"no answer and no work for {limit} s")
            silent = 0.0
        if answer is not False:
            time.sleep(BEAT)


if __name__ == "__main__":
    watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
