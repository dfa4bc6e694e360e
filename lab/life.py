# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing the lab up and down; both start from whatever an earlier run, a kill or a reboot left."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from lab import artifacts, clock, images, network, settings
from lab.containers import Containers
from lab.settings import LABEL, ROOT, Lab

HEALTH = "/_lab/health"
START_SECONDS = 60.0


def up() -> Lab:
    """The running lab; untouched when it is up, else everything is cleared away first, because its state died with the server."""
    portal = wants_portal()
    clock.speed()  # refuses a bad value before anything is made
    _engine()
    with _locked():
        lab = settings.load()
        if lab and is_up(lab):
            print(f"lab {lab.name} is up at {lab.api_url}")
            return lab
        _clear()
        with ThreadPoolExecutor() as pool:
            archive = pool.submit(artifacts.fetch, artifacts.KEYCLOAK)
            images.ensure_all()
            archive.result()
        lab = settings.create()
        network.create(lab)
        _start_server(lab)
        _publish(lab)
        from lab.portal import start  # last: the portal is made of everything above

        start.main(lab) if portal else start.account(lab)
        settings.write_environment(lab)  # its presence says that `up` came to its end
        print(f"lab {lab.name} is up at {lab.api_url}; its environment: . {(lab.state / 'env').relative_to(ROOT)}")
        return lab


def wants_portal() -> bool:
    """Whether the lab begins with a portal, or (LAB_PORTAL=none) as an account with a network alone."""
    value = os.environ.get("LAB_PORTAL", "single")
    if value not in ("single", "none"):
        raise RuntimeError(f"LAB_PORTAL is {value!r}; set it to single or none")
    return value == "single"


def down() -> None:
    _engine()
    with _locked():
        _clear()
        print("the lab is down")


def is_up(lab: Lab) -> bool:
    """Complete, its server answers, and its network is there. Hosts that died are the lab's own business."""
    return (lab.state / "env").exists() and network.exists(lab) and server_pid(lab) is not None


def server_pid(lab: Lab) -> int | None:
    """Process id of the server of this very lab, if it answers."""
    try:
        with urllib.request.urlopen(lab.api_url + HEALTH, timeout=5) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return None
    return int(answer["pid"]) if answer.get("lab") == lab.name else None


def clock_speed(lab: Lab) -> float:
    """How fast the lab's clock runs, whatever this process was told."""
    with urllib.request.urlopen(lab.api_url + HEALTH, timeout=5) as response:
        return float(json.load(response)["clock"])


def wait(what: str, done: Callable[[], bool], timeout: float, pause: float = 0.2) -> None:
    """Waits for a predicate; says so when it takes long, and what it waited for when it takes too long."""
    started, told = time.monotonic(), False
    while not done():
        waited = time.monotonic() - started
        if waited > timeout:
            raise RuntimeError(f"gave up after {timeout:.0f} s waiting for {what}{_troubles()}")
        if waited > 2 and not told:
            print(f"waiting for {what}", flush=True)
            told = True
        time.sleep(pause)


def _troubles(most: int = 3) -> str:
    """What the lab's server could not do of late: it tries again without a word, and what is waited for may depend on it."""
    lab = settings.load()
    log = lab.state / "server.log" if lab else None
    lines = [line for line in log.read_text().splitlines() if " ERROR " in line] if log and log.exists() else []
    return f"; the lab's server said: {'; '.join(lines[-most:])}" if lines else ""


def _engine() -> None:
    try:
        docker.from_env().ping()
    except docker.errors.DockerException as error:
        raise RuntimeError(f"no Docker engine answers ({error}); `make demo` installs and starts one") from error


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    state = ROOT / "build" / "lab"
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear() -> None:
    """Ends and removes whatever carries this lab's name. The server goes first, or it would start its hosts anew."""
    name, state = settings.lab_name(ROOT), ROOT / "build" / "lab"
    for pid in _server_processes():
        os.kill(pid, signal.SIGTERM)
        wait(f"process {pid} of the lab to end", lambda pid=pid: not _alive(pid), timeout=10)  # type: ignore[misc]
    with ThreadPoolExecutor(8) as pool:
        # Again until none is left: Docker may still be making one that the server asked for.
        while leftovers := docker.from_env().containers.list(all=True, filters={"label": f"{LABEL}={name}"}, ignore_removed=True):
            list(pool.map(Containers.discard, leftovers))
    network.remove(name)
    # What users were told by a portal that is gone says nothing of the next one.
    for file in ("env", "lab.json", "known_hosts", "users.json", "ledger.jsonl"):
        (state / file).unlink(missing_ok=True)
    shutil.rmtree(state / "snapshots", ignore_errors=True)


def _server_processes() -> list[int]:
    """Servers of this checkout, also those of an `up` that was killed before it could note anything."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if command[1:4] == [b"-m", b"lab", b"serve"] and (folder / "cwd").resolve() == ROOT:
                found.append(int(folder.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _start_server(lab: Lab) -> None:
    with (lab.state / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "lab", "serve"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def answers() -> bool:
        if server.poll() is not None:
            tail = (lab.state / "server.log").read_text().strip()[-1500:]
            raise RuntimeError(f"the lab's server ended with {server.returncode}: {tail}")
        return server_pid(lab) is not None

    wait("the lab's server to answer", answers, START_SECONDS)


def _publish(lab: Lab) -> None:
    """What an account has before a portal is built in it: machine images and archives."""
    ec2, s3 = lab.client("ec2"), lab.client("s3")
    for name in images.AMIS:
        ec2.register_image(Name=name, Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm")
    s3.create_bucket(Bucket=artifacts.BUCKET, CreateBucketConfiguration={"LocationConstraint": settings.REGION})
    s3.upload_file(str(artifacts.fetch(artifacts.KEYCLOAK)), artifacts.BUCKET, artifacts.KEYCLOAK.file)
