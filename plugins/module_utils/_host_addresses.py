# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: which addresses are this host's, without gathered facts."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct

SIOCGIFADDR = 0x8915
# Interfaces that container engines and hypervisors make for networks inside this host.
INNER_INTERFACES = ("docker", "br-", "veth", "virbr", "cni", "podman", "lxc")


def is_local(address: str) -> bool:
    """Only an address of this host can be bound. A kernel without IPv6 refuses even the socket."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def inner_interface(address: str) -> str | None:
    """The interface that has this IPv4 address, if it leads to a network inside this host only."""
    for dummy, name in socket.if_nameindex():
        if name.startswith(INNER_INTERFACES) and _ipv4(name) == address:
            return name
    return None


def outer_addresses(shown: str) -> list[str]:
    """What "ip -4 -oneline address show" lists, without loopback and the networks inside this host."""
    lines = [line.split() for line in shown.splitlines()]
    found = [(words[1], words[3].partition("/")[0]) for words in lines if words[2:3] == ["inet"]]
    return [address for name, address in found if name != "lo" and not name.startswith(INNER_INTERFACES)]


def _ipv4(interface: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])
