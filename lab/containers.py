# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systemd containers as hosts: unprivileged, at a fixed address of the lab's network."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from lab import execution
from lab.settings import LABEL, Lab

ENTRYPOINT = "/usr/local/sbin/lab-init"
KIND_LABEL, RESOURCE_LABEL, ADDRESS_LABEL = f"{LABEL}.kind", f"{LABEL}.resource", f"{LABEL}.address"
STOP_SECONDS = 30


@dataclass(frozen=True)
class Spec:
    name: str  # without the lab's prefix
    image: str
    address: str
    resource: str  # its id in the control plane
    kind: str  # "instance", "load-balancer", "database" or "directory"
    hostname: str
    environment: Mapping[str, str] = field(default_factory=dict)  # seen by lab-init only: systemd starts services without it
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)  # path -> (content, mode), there before the first start
    volumes: tuple[str, ...] = ()  # paths on the engine's disk instead of the overlay; they go with the container


class Containers:
    """The containers of one lab; every lasting fact about them is in Docker's labels."""

    def __init__(self, lab: Lab, changed: Callable[[], None] = lambda: None) -> None:
        self.lab = lab
        self.changed = changed  # called after a container was started, stopped or removed
        self.docker = docker.from_env(timeout=120)

    def ensure_running(self, spec: Spec) -> Container:
        container = self.find(spec.name) or self._create(spec)
        if container.status != "running":
            container.start()
            container.reload()
            self.changed()
        return container

    def find(self, name: str) -> Container | None:
        try:
            return self.docker.containers.get(self.full_name(name))
        except NotFound:
            return None

    def full_name(self, name: str) -> str:
        return f"{self.lab.name}-{name}"

    def stop(self, name: str) -> None:
        container = self.find(name)
        if container and container.status == "running":
            container.stop(timeout=STOP_SECONDS)
            self.changed()

    def remove(self, name: str) -> None:
        container = self.find(name)
        if container:
            self.discard(container)
            self.changed()

    def by_kind(self, kind: str) -> dict[str, Container]:
        """Resource id -> container, running or not."""
        found = self.all(**{KIND_LABEL: kind})
        return {container.labels[RESOURCE_LABEL]: container for container in found}

    def all(self, **labels: str) -> list[Container]:
        wanted = [f"{LABEL}={self.lab.name}", *(f"{key}={value}" for key, value in labels.items())]
        return list(self.docker.containers.list(all=True, filters={"label": wanted}, ignore_removed=True))

    @staticmethod
    def discard(container: Container) -> None:
        """Remove with its volumes, also while another removal of it is under way."""
        try:
            container.remove(force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if "already in progress" not in str(error):
                raise

    @staticmethod
    def pid(container: Container) -> int:
        """Process id of its init on this machine: the way into its network namespace."""
        return int(container.attrs["State"].get("Pid") or 0) or int(container.client.api.inspect_container(container.id)["State"]["Pid"])

    @staticmethod
    def exec(container: Container, argv: Sequence[str], timeout: float = 0) -> str:
        """Output of a command inside; retried until `timeout` seconds have passed, then its output is the error."""
        deadline = time.monotonic() + timeout
        while True:
            code, output = execution.run(container, argv)
            text = output.decode(errors="replace")
            if code == 0:
                return text
            if time.monotonic() >= deadline:
                raise RuntimeError(f"{container.name}: {' '.join(argv)} ended with {code}: {text.strip()[-500:]}")
            time.sleep(0.3)

    def _create(self, spec: Spec) -> Container:
        container = self.docker.containers.create(
            spec.image,
            name=self.full_name(spec.name),
            hostname=spec.hostname,
            entrypoint=[ENTRYPOINT],
            environment={**spec.environment, "LAB_KIND": spec.kind},
            labels={LABEL: self.lab.name, KIND_LABEL: spec.kind, RESOURCE_LABEL: spec.resource, ADDRESS_LABEL: spec.address},
            network=self.lab.name,
            networking_config={self.lab.name: self.docker.api.create_endpoint_config(ipv4_address=spec.address)},
            volumes=list(spec.volumes),
            **unprivileged_systemd(),
        )
        if spec.files:
            container.put_archive("/", archive(spec.files))
        return container


def unprivileged_systemd() -> dict[str, Any]:
    """Options under which systemd runs as PID 1 without privileged mode, on cgroup v1 and v2 (with lab-init as entrypoint)."""
    return {
        "cgroupns": "private",
        "cap_add": ["SYS_ADMIN", "NET_ADMIN"],
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        # Without exec on /tmp Java cannot load the native libraries that it unpacks there.
        "tmpfs": {"/run": "mode=755", "/tmp": "exec,mode=1777"},
        "stop_signal": "SIGRTMIN+3",
        "shm_size": "256m",
    }


def archive(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """A tar of absolute paths; directories above a file are made by Docker's unpacking."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, (content, mode) in sorted(files.items()):
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode, member.mtime = len(content), mode, int(time.time())
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
