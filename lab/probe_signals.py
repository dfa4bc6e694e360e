# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of keycloak_cluster_info, ended by a signal in the moment in which its mark is on the client."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_probe import MARK

from lab.containers import Containers
from lab.disturb import Database
from lab.looks import Looker, Member
from lab.scenario import ScenarioError
from lab.settings import Lab

SQL = f"SELECT count(*) FROM client_attributes WHERE name = '{MARK}'"
TRIES = 5
PATIENCE = 120.0


def marked(lab: Lab) -> bool:
    return Database(lab).ask(SQL) != "0"


def signalled(lab: Lab, nodes: Sequence[Member], name: str) -> bool:
    """Whether the mark is still there after a run that got the signal while it was."""
    looker = Looker(lab, environment={"ANSIBLE_PIPELINING": "0"})  # from a file, whose name tells the process
    for dummy in range(TRIES):
        look = looker.begin(nodes)
        try:
            stopped = _stop_at_mark(lab, nodes[0])
            if stopped:
                _send(stopped, getattr(signal, f"SIG{name}"))
                _send(stopped, signal.SIGCONT)  # or SIGTERM would wait; SIGKILL ended it stopped as it was
        finally:
            look.communicate()
        if stopped:
            return marked(lab)
    raise ScenarioError(f"the probe was over before it could be stopped, {TRIES} times")


def _stop_at_mark(lab: Lab, node: Member) -> int:
    """Stops the module's process once its mark is seen; 0 if it was too quick."""
    deadline = time.monotonic() + PATIENCE
    process = 0
    while time.monotonic() < deadline:
        process = process or _module_on(lab, node)
        if process and not Path(f"/proc/{process}").exists():
            return 0
        if process and marked(lab):
            _send(process, signal.SIGSTOP)
            if marked(lab):
                return process
            _send(process, signal.SIGCONT)
            return 0
    raise ScenarioError("the module was not started")


def _send(process: int, number: signal.Signals) -> None:
    """A process that is over by now needs no signal: whoever sent one looks at the mark next."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _module_on(lab: Lab, node: Member) -> int:
    """Process id, on this machine, of the module that runs on the node."""
    container = Containers(lab).find(node.instance)
    assert container is not None
    space = os.readlink(f"/proc/{Containers.pid(container)}/ns/pid")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            named = b"python" in words[0] and b"keycloak_cluster_info" in words[1]
            if named and os.readlink(folder / "ns/pid") == space:
                return int(folder.name)
        except (OSError, IndexError):
            continue
    return 0
