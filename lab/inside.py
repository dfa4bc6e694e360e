# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of the migrated portal, looked at from where they are: security groups keep this machine out as they would an operator's."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import OK
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError
from docker.models.containers import Container

from lab.containers import ADDRESS_LABEL, Containers
from lab.settings import Lab

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    container: Container

    def run(self, *command: str) -> str:
        return Containers.exec(self.container, command)

    def ready(self) -> bool:
        """Not by a command inside: Docker now and then loses the output of one, and a node seemed unready that was not."""
        return bool(self.call(self._ready))

    def _ready(self) -> bool:
        try:
            return Http(f"http://{self.address}:9000", timeout=5).request("GET", "/health/ready").status == OK
        except HttpError:
            return False

    def call(self, function: Callable[[], Any]) -> Any:
        """What the function returns, called in the network of this node."""
        outcome: list[Any] = []
        thread = threading.Thread(target=lambda: outcome.append(self._entered(function)))
        thread.start()
        thread.join()
        if not outcome:
            raise RuntimeError(f"{self.name}: the call failed")
        return outcome[0]

    def _entered(self, function: Callable[[], Any]) -> Any:
        # os.setns came with Python 3.12. It is the thread's network that changes, and the thread ends with the call.
        with open(f"/proc/{Containers.pid(self.container)}/ns/net", "rb") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return function()


def cluster(lab: Lab) -> list[Node]:
    """The nodes that run, by name."""
    wanted = [{"Name": "tag:Generation", "Values": ["cluster"]}, {"Name": "instance-state-name", "Values": ["running"]}]
    groups = lab.client("ec2").describe_instances(Filters=wanted)["Reservations"]
    containers = {each.labels[ADDRESS_LABEL]: each for each in Containers(lab).all()}
    return sorted(
        (
            Node(next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "Name"), address, containers[address])
            for group in groups
            for each in group["Instances"]
            if (address := each["PrivateIpAddress"]) in containers
        ),
        key=lambda node: node.name,
    )
