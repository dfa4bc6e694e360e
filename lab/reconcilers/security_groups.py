# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups -> packet filter inside each container's network namespace: stateful, closed unless a rule opens."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from docker.models.containers import Container

from lab.containers import ADDRESS_LABEL, Containers
from lab.reconcilers.return_paths import hardware_addresses
from lab.settings import Lab

# In the description of an interface that is open to all: a Network Load Balancer may have no security groups.
NO_GROUPS = ", no security groups"
EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
CHAIN = re.compile(r"^-A INPUT -j (sg-[0-9a-f]+)$", re.M)
ALWAYS = ("-i lo -j ACCEPT", "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")


def create(lab: Lab, containers: Containers) -> SecurityGroups:
    return SecurityGroups(lab, containers)


class SecurityGroups:
    kind = "security-group"
    watches = False

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab = lab
        self.containers = containers

    def reconcile(self) -> None:
        ec2 = self.lab.client("ec2")
        groups = {group["GroupId"]: group["IpPermissions"] for group in ec2.describe_security_groups()["SecurityGroups"]}
        found = ec2.describe_network_interfaces()["NetworkInterfaces"]
        carried = carried_groups(found)
        unguarded = {one["PrivateIpAddress"] for one in found if one.get("Description", "").endswith(NO_GROUPS)}
        members = members_of(carried)
        hosts = self.containers.all()
        nodes = hardware_addresses(self.lab, [one for one in hosts if one.status == "running"])
        for container in hosts:
            address = container.labels.get(ADDRESS_LABEL, "")
            if container.status == "running" and address in carried:
                permissions = [permission for group in carried[address] for permission in groups.get(group, [])]
                permissions += [EVERYTHING] if address in unguarded else []
                apply(container, render(permissions, members, nodes))


def carried_groups(interfaces: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Private address -> the groups that its interface carries."""
    return {interface["PrivateIpAddress"]: [group["GroupId"] for group in interface["Groups"]] for interface in interfaces}


def members_of(carried: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Group -> addresses of all interfaces that carry it: what the group means as a source."""
    members = defaultdict(list)
    for address, groups in carried.items():
        for group in groups:
            members[group].append(address)
    return members


def render(
    permissions: Iterable[dict[str, Any]], members: Mapping[str, Iterable[str]], nodes: Mapping[str, str] | None = None
) -> list[str]:
    """The rules, without the chain's name; in a fixed order, so that equal permissions give equal text. What comes through a node of a
    Network Load Balancer, which keeps the client's address, comes from the balancer's group all the same: by the hardware address."""
    nodes = nodes or {}
    opened: set[str] = set()
    for permission in permissions:
        sources = {f"-s {cidr['CidrIp']}" for cidr in permission.get("IpRanges", [])}
        for pair in permission.get("UserIdGroupPairs", []):
            for address in members.get(pair["GroupId"], ()):
                sources.add(f"-s {address}/32")
                sources |= {f"-m mac --mac-source {nodes[address]}"} if address in nodes else set()
        opened.update(f"{source} {match(permission)}-j ACCEPT" for source in sources)
    return [*ALWAYS, *sorted(opened), "-j DROP"]


def match(permission: Mapping[str, Any]) -> str:
    """Protocol and ports, ending in a blank unless everything matches."""
    protocol, first, last = permission["IpProtocol"], permission.get("FromPort", -1), permission.get("ToPort", -1)
    if protocol == "-1":
        return ""
    if protocol in ("tcp", "udp") and first != -1:
        return f"-p {protocol} --dport {first}:{last} "
    if protocol == "icmp" and first != -1:
        # For ICMP, AWS keeps the type in FromPort and the code in ToPort.
        return f"-p icmp --icmp-type {first}{'' if last == -1 else f'/{last}'} "
    return f"-p {protocol} "


def apply(container: Container, rules: list[str]) -> None:
    """Puts the rules in place unless they are; the chain's name is a hash of them, so the namespace itself tells."""
    chain = "sg-" + hashlib.sha256("\n".join(rules).encode()).hexdigest()[:16]
    pid = str(Containers.pid(container))
    present = CHAIN.findall(_in_namespace(pid, "iptables", "-S", "INPUT"))
    if present != [chain]:
        _in_namespace(pid, "iptables-restore", "--noflush", stdin=switch(chain, rules, present))


def switch(chain: str, rules: list[str], present: list[str]) -> str:
    """iptables-restore input that fills the new chain and swaps it in; one commit, so never open nor closed in between."""
    old = [name for name in present if name != chain]
    lines = ["*filter", ":INPUT DROP [0:0]", f":{chain} - [0:0]"]
    lines += [f"-A {chain} {rule}" for rule in rules]
    lines += [] if chain in present else [f"-A INPUT -j {chain}"]
    for name in old:
        lines += [f"-D INPUT -j {name}", f"-F {name}", f"-X {name}"]
    return "\n".join([*lines, "COMMIT", ""])


def _in_namespace(pid: str, *command: str, stdin: str | None = None) -> str:
    done = subprocess.run(["nsenter", "--target", pid, "--net", *command], input=stdin, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} in the namespace of {pid}: {done.stderr.strip()}\n{stdin or ''}")
    return done.stdout
