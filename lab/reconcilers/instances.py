# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 instances -> systemd containers at their private addresses; stop and start keep the disk."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from docker.models.containers import Container

from lab import images
from lab.containers import Containers, Spec
from lab.control_plane.reports import BOOT, SILENT, report, reported
from lab.settings import Lab

# Without the right to call reboot(2), systemd ends so when the guest asked for a reboot (or, which we cannot tell, a power-off).
REBOOTED = 0


def create(lab: Lab, containers: Containers) -> Instances:
    return Instances(lab, containers)


class Instances:
    kind = "instance"
    watches = False

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab = lab
        self.containers = containers

    def reconcile(self) -> None:
        wanted = instances(self.lab)
        found = self.containers.by_kind(self.kind)
        for key, instance in wanted.items():
            report_status(key, instance, found.get(key))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            # Removals first: a new instance may have been given the address of one that is gone.
            for action in ("remove", "stop", "start", "restart"):
                due = [key for key in {**found, **wanted} if decide(wanted.get(key), found.get(key)) == action]
                handler: Callable[[str], None] = getattr(self, f"_{action}")
                for future in [pool.submit(handler, key) for key in due]:
                    future.result()

    def _remove(self, instance_id: str) -> None:
        self._stop(instance_id)  # AWS, too, shuts the system down first
        self.containers.remove(instance_id)

    def _stop(self, instance_id: str) -> None:
        self.containers.stop(instance_id)

    def _restart(self, instance_id: str) -> None:
        self._stop(instance_id)
        self._start(instance_id)

    def _start(self, instance_id: str) -> None:
        instance = instances(self.lab, instance_id)[instance_id]
        image = self.lab.client("ec2").describe_images(ImageIds=[instance["ImageId"]])["Images"][0]
        spec = Spec(
            name=instance_id,
            image=images.reference(image["Name"]),
            address=instance["PrivateIpAddress"],
            resource=instance_id,
            kind=self.kind,
            hostname=instance["PrivateDnsName"].partition(".")[0],
        )
        self.containers.ensure_running(spec)


def instances(lab: Lab, *ids: str) -> dict[str, dict[str, Any]]:
    """Instance id -> instance, all when no id is given."""
    pages = lab.client("ec2").get_paginator("describe_instances").paginate(InstanceIds=list(ids))
    return {i["InstanceId"]: i for page in pages for r in page["Reservations"] for i in r["Instances"]}


def report_status(key: str, instance: dict[str, Any], container: Container | None) -> None:
    """Since when a running instance has not been answering, for its status checks."""
    fails = instance["State"]["Name"] == "running" and container is not None and container.status not in ("running", "created")
    if not fails:
        report(SILENT, key, None)
    elif reported(SILENT, key) is None:
        report(SILENT, key, time.time())


def decide(instance: dict[str, Any] | None, container: Container | None) -> str:
    """remove, stop, start, restart or "" for nothing to do.

    A container that died by itself stays dead, as an instance that fails its status check does, until the API starts it again;
    one that was frozen stays frozen.
    """
    state = instance["State"]["Name"] if instance else "terminated"
    if state in ("terminated", "shutting-down"):
        return "remove" if container else ""
    if state in ("stopped", "stopping"):
        return "stop" if container and container.status == "running" else ""
    if container is None or container.status == "created":
        return "start"
    if container.status == "paused":
        return ""
    boot_asked = reported(BOOT, instance["InstanceId"], 0.0) if instance else 0.0
    docker = container.attrs["State"]
    running = container.status == "running"
    # Against its last start, not its end: a start may be asked for while the stop before it is still under way.
    if boot_asked > seconds(docker["StartedAt"]):
        return "restart" if running else "start"
    return "start" if not running and docker["ExitCode"] == REBOOTED else ""


def seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
