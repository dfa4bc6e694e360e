# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client IP preservation of Network Load Balancers: how answers find the way back through the balancer.
AWS: elasticloadbalancing/latest/network/edit-target-group-attributes.html#client-ip-preservation

A node connects to targets from the client's address. To a target it looks as if the client had connected, so its answers would go
there directly, and the client would not know them. Hence a host marks each connection by the hardware address that it came from, and
routes what belongs to a marked connection to that node; the node takes packets of its own connections, whatever their address."""

from __future__ import annotations

import hashlib
import ipaddress
import subprocess
from collections.abc import Iterable, Mapping

from docker.models.containers import Container

from lab.containers import ADDRESS_LABEL, KIND_LABEL, Containers
from lab.settings import Lab

NODES, HOSTS = "network-load-balancer", "instance"
PREFERENCE = 99  # of our routing rules, by which they are told from others
MARK = 1 << 16  # above it the last two octets of the node's address; also the number of the routing table


class ReturnPaths:
    kind = "return-path"
    watches = True  # nodes come and go with their balancers

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers = lab, containers

    def reconcile(self) -> None:
        running = [one for one in self.containers.all() if one.status == "running" and one.labels[KIND_LABEL] in (NODES, HOSTS)]
        nodes = hardware_addresses(self.lab, running)
        for container in running:
            apply(container, of_node() if container.labels[KIND_LABEL] == NODES else of_host(nodes))


def hardware_addresses(lab: Lab, containers: Iterable[Container]) -> dict[str, str]:
    """Of the balancers' nodes: private address -> MAC address."""
    nodes = [one for one in containers if one.labels[KIND_LABEL] == NODES]
    found = {one.labels[ADDRESS_LABEL]: one.attrs["NetworkSettings"]["Networks"].get(lab.name, {}).get("MacAddress", "") for one in nodes}
    return {address: hardware for address, hardware in sorted(found.items()) if hardware}


def of_node() -> str:
    """Answers to the clients' addresses are its own."""
    return script(["-A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1"], {1: "local 0.0.0.0/0 dev lo"})


def of_host(nodes: Mapping[str, str]) -> str:
    """Nothing, where there is no balancer."""
    marks = {MARK + int(ipaddress.ip_address(address)) % MARK: (address, hardware) for address, hardware in nodes.items()}
    rules = [
        f"-A PREROUTING -m mac --mac-source {hardware} -m conntrack --ctstate NEW -j CONNMARK --set-mark {mark}"
        for mark, (_, hardware) in marks.items()
    ]
    # What the host itself answers, and what comes from containers inside it.
    rules += [f"-A {chain} -m connmark ! --mark 0 -j CONNMARK --restore-mark" for chain in ("PREROUTING", "OUTPUT")] if rules else []
    return script(rules, {mark: f"default via {address}" for mark, (address, _) in marks.items()})


def script(rules: Iterable[str], routes: Mapping[int, str]) -> str:
    """Shell, for inside the network namespace. The last thing that it makes is a chain named by the digest of the rest."""
    lines = [f"while ip rule del pref {PREFERENCE} 2>/dev/null; do :; done"]
    for mark, route in routes.items():
        lines += [f"ip route replace {route} table {mark}", f"ip rule add pref {PREFERENCE} fwmark {mark} lookup {mark}"]
    chain = "path-" + hashlib.sha256("\n".join([*lines, *rules]).encode()).hexdigest()[:16]
    return "\n".join(["set -e", *lines, "iptables-restore <<EOF", "*mangle", f":{chain} - [0:0]", *rules, "COMMIT", "EOF", ""])


def chain_of(text: str) -> str:
    return text.partition("*mangle\n:")[2].partition(" ")[0]


def apply(container: Container, text: str) -> None:
    """Unless it is in place, which the name of the chain tells. A host that never had a balancer is left alone."""
    pid = str(Containers.pid(container))
    present = _in_namespace(pid, "iptables", "-t", "mangle", "-S")
    if f"-N {chain_of(text)}" in present or ("-N path-" not in present and "MARK" not in text):
        return
    _in_namespace(pid, "sh", "-c", text)


def _in_namespace(pid: str, *command: str) -> str:
    done = subprocess.run(["nsenter", "--target", pid, "--net", *command], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)[:200]} in the namespace of {pid}: {done.stderr.strip()}")
    return done.stdout


def create(lab: Lab, containers: Containers) -> ReturnPaths:
    return ReturnPaths(lab, containers)
