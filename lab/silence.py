# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers of the directory that fall silent, and what logins at a node make of it."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.aiportal.scaling.plugins.module_utils._http import HttpError, behind_balancer
from docker.models.containers import Container

from lab.containers import ADDRESS_LABEL, KIND_LABEL, Containers
from lab.life import wait
from lab.portal import HOSTNAME, REALM, node, people
from lab.settings import Lab

STALLED = 2.0  # seconds: an undisturbed login takes a tenth of this, on a busy machine half
PAUSE = 0.3


@dataclass(frozen=True)
class Login:
    at: float  # seconds after the start of the series
    seconds: float
    status: int  # 0: no answer at all
    text: str = ""

    @property
    def stalled(self) -> bool:
        return self.status != 200 or self.seconds > STALLED


class Logins:
    """Logins at one node, past the balancer, one after another and each as another user: brute force protection looks at one user."""

    def __init__(self, lab: Lab, port: int) -> None:
        self._http = behind_balancer(f"https://{HOSTNAME}", "127.0.0.1", port, timeout=30.0)
        self._users = itertools.cycle(people.users(lab).items())

    def one(self, username: str = "", password: str = "", since: float | None = None) -> Login:
        name, secret = (username, password) if username else next(self._users)
        fields = {"grant_type": "password", "client_id": "open-webui", "scope": "openid", "username": name, "password": secret}
        start = time.monotonic()
        try:
            answer = self._http.form("POST", f"/realms/{REALM}/protocol/openid-connect/token", fields)
            status, text = answer.status, "" if answer.status == 200 else answer.text[:200]
        except HttpError as error:
            status, text = 0, str(error)
        return Login(round(start - (start if since is None else since), 2), round(time.monotonic() - start, 2), status, text)

    def series(self, seconds: float) -> list[Login]:
        start, done = time.monotonic(), []
        while time.monotonic() - start < seconds:
            done.append(self.one(since=start))
            time.sleep(PAUSE)
        return done


@contextlib.contextmanager
def logins_at(lab: Lab, address: str) -> Iterator[Logins]:
    """Through SSH: the node takes HTTP from the balancer only."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    tunnel = subprocess.Popen(node.ssh(lab, address, "-N", "-L", f"127.0.0.1:{port}:{address}:8080"), stdin=subprocess.DEVNULL)
    try:
        wait(f"SSH to {address}", lambda: _listens(port), timeout=30.0)
        yield Logins(lab, port)
    finally:
        tunnel.terminate()
        tunnel.wait()


def nodes(lab: Lab) -> list[Container]:
    """Those that run, by address."""
    running = [host for host in Containers(lab).all(**{KIND_LABEL: "instance"}) if host.status == "running"]
    return sorted(running, key=lambda host: str(host.labels[ADDRESS_LABEL]))


def controllers(lab: Lab) -> list[Container]:
    """dc1, dc2: in the order in which the realm's connectionUrl names them."""
    found = Containers(lab).all(**{KIND_LABEL: "directory"})
    return sorted(found, key=lambda container: str(container.name))


@contextlib.contextmanager
def silent(controller: Container, nodes: Sequence[str]) -> Iterator[None]:
    """Packets from the nodes are dropped, also those of open connections. Nobody is told."""
    rules = [["INPUT", "--source", node, "--jump", "DROP"] for node in nodes]
    for rule in rules:
        _iptables(controller, "--insert", *rule)
    try:
        yield
    finally:
        for rule in rules:
            _iptables(controller, "--delete", *rule)


@contextlib.contextmanager
def frozen(controller: Container, nodes: Sequence[str]) -> Iterator[None]:
    """The server's processes stand still, while its kernel goes on taking connections and acknowledging packets."""
    Containers.exec(controller, ["pkill", "--signal=STOP", "--full", "^samba: "])
    try:
        yield
    finally:
        Containers.exec(controller, ["pkill", "--signal=CONT", "--full", "^samba: "])


def connections(host: Container, controller: Container, port: int = 636) -> int:
    """Established connections from the host to the controller, counted at the controller's address: through a proxy or not."""
    listed = Containers.exec(host, ["ss", "--no-header", "--tcp", "--numeric", "state", "established", f"dport = :{port}"])
    return len(re.findall(rf"\s{re.escape(controller.labels[ADDRESS_LABEL])}:{port}\b", listed))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def _iptables(container: Container, *words: str) -> None:
    subprocess.run(["nsenter", "--target", str(Containers.pid(container)), "--net", "iptables", *words], check=True, timeout=30)
