# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity of this checkout's lab: its name, addresses, ports and credentials."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
import os
import secrets
import socket
import string
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
REGION = "eu-west-1"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
LABEL = "aiportal.lab"
IMDS = "169.254.169.254"
# The lab's own calls carry this key: the recorder leaves its reads out of the record of what the product asked for.
INTERNAL_KEY = "AKIALABRECONCILERS00"
FIRST_OCTET, LAST_OCTET = 60, 250


@dataclass(frozen=True)
class Lab:
    root: Path
    name: str  # name of the bridge and of the Docker network, prefix of container names, value of the label
    octet: int  # the VPC is 10.<octet>.0.0/16
    api_port: int
    access_key: str
    secret_key: str

    @property
    def state(self) -> Path:
        return self.root / "build" / "lab"

    @property
    def cidr(self) -> str:
        return f"10.{self.octet}.0.0/16"

    @property
    def gateway(self) -> str:
        return f"10.{self.octet}.0.1"

    @property
    def resolver(self) -> str:
        return f"10.{self.octet}.0.2"

    @property
    def subnets(self) -> dict[str, str]:
        return {zone: f"10.{self.octet}.{16 * index}.0/20" for index, zone in enumerate(ZONES)}

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def node_api_url(self) -> str:
        return f"http://{self.gateway}:{self.api_port}"

    def client(self, service: str) -> Any:
        """A boto3 client for the lab's own use."""
        return _client(service, self.api_url, self.secret_key)

    def save(self) -> None:
        path = self.state / "lab.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), default=str, indent=1))


@functools.lru_cache
def _client(service: str, url: str, secret: str) -> Any:
    # A session of its own: creating clients from the shared default session is not thread safe.
    return boto3.session.Session().client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=INTERNAL_KEY, aws_secret_access_key=secret
    )


def lab_name(root: Path) -> str:
    return "lab-" + hashlib.sha256(str(root).encode()).hexdigest()[:6]


def load(root: Path = ROOT) -> Lab | None:
    """The lab that the last `up` of this checkout made, if any."""
    try:
        stored = json.loads((root / "build" / "lab" / "lab.json").read_text())
        return Lab(**{**stored, "root": root})
    except (FileNotFoundError, ValueError, TypeError):
        return None


def create(root: Path = ROOT) -> Lab:
    """A fresh lab: a free network and port, and credentials of its own."""
    name = lab_name(root)
    alphabet = string.ascii_letters + string.digits
    lab = Lab(
        root=root,
        name=name,
        octet=choose_octet(name, routed_networks()),
        api_port=free_port(),
        access_key="AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16)),
        # Long and random: a short one would make Ansible mask its letters in every result.
        secret_key="".join(secrets.choice(alphabet) for _ in range(40)),
    )
    lab.save()
    return lab


def choose_octet(name: str, taken: Iterable[str]) -> int:
    """The first N, from a start of the lab's own, whose 10.N.0.0/16 overlaps no route of the machine."""
    networks = [ipaddress.ip_network(network) for network in taken]
    span = LAST_OCTET - FIRST_OCTET + 1
    start = int(hashlib.sha256(name.encode()).hexdigest(), 16)
    for step in range(span):
        octet = FIRST_OCTET + (start + step) % span
        if not any(ipaddress.ip_network(f"10.{octet}.0.0/16").overlaps(network) for network in networks):
            return octet
    raise RuntimeError(f"no free network: every 10.{FIRST_OCTET}-{LAST_OCTET}.0.0/16 overlaps a route of this machine")


def routed_networks() -> list[str]:
    routes = json.loads(subprocess.run(["ip", "-json", "-4", "route"], check=True, capture_output=True, text=True).stdout or "[]")
    return [route["dst"] for route in routes if route["dst"] != "default"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def user_environment(lab: Lab) -> dict[str, str]:
    """What a person or a playbook exports to talk to the lab instead of to AWS."""
    ssh = f"-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={lab.state}/known_hosts -o ControlMaster=auto -o ControlPersist=60s"
    return {
        "AWS_ENDPOINT_URL": lab.api_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": lab.access_key,
        "AWS_SECRET_ACCESS_KEY": lab.secret_key,
        "ANSIBLE_INVENTORY": f"{lab.state}/inventory",
        "ANSIBLE_PRIVATE_KEY_FILE": f"{lab.state}/ssh/id_ed25519",
        "ANSIBLE_SSH_ARGS": ssh,
    }


def write_environment(lab: Lab) -> None:
    lines = [f'export {key}="{value}"\n' for key, value in user_environment(lab).items()]
    path = lab.state / "env"
    path.touch(mode=0o600)
    path.write_text("".join(lines))
    os.chmod(path, 0o600)
