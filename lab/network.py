# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: a bridge with the VPC's CIDR, and on it the addresses of the resolver and of instance metadata."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.types import IPAMConfig, IPAMPool

from lab.settings import IMDS, LABEL, Lab

# With the usual 128 the 21st systemd container hangs, and later ones exit.
INOTIFY = {"max_user_instances": 8192, "max_user_watches": 1048576}


def create(lab: Lab) -> None:
    pool = IPAMPool(subnet=lab.cidr, gateway=lab.gateway, aux_addresses={"resolver": lab.resolver})
    docker.from_env().networks.create(
        lab.name,
        driver="bridge",
        options={"com.docker.network.bridge.name": lab.name},
        ipam=IPAMConfig(pool_configs=[pool]),
        labels={LABEL: lab.name},
    )
    for address in (f"{lab.resolver}/32", f"{IMDS}/32"):
        _ip("address", "add", address, "dev", lab.name)
    for name, least in INOTIFY.items():
        setting = Path("/proc/sys/fs/inotify") / name
        if int(setting.read_text()) < least:
            setting.write_text(str(least))


def exists(lab: Lab) -> bool:
    """The bridge is there with all its addresses: after a reboot Docker's network is, but ours are gone."""
    shown = subprocess.run(["ip", "-4", "-oneline", "address", "show", "dev", lab.name], capture_output=True, text=True).stdout
    return all(f" {address}/" in shown for address in (lab.gateway, lab.resolver, IMDS))


def remove(name: str) -> None:
    """Addresses and Docker's firewall rules go with it."""
    with contextlib.suppress(NotFound):
        docker.from_env().networks.get(name).remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
