# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How reconcilers run: level-triggered, each in a thread of its own, told of changes, never remembering anything."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
import time
from typing import TYPE_CHECKING, Protocol

from lab import reconcilers

if TYPE_CHECKING:
    from lab.containers import Containers
    from lab.settings import Lab

log = logging.getLogger(__name__)
PERIOD = 2.0
# A lab in which nobody changes anything looks less often: five labs side by side took half a core for looking.
QUIET_AFTER, QUIET_PERIOD = 60.0, 10.0


class Reconciler(Protocol):
    kind: str
    watches: bool  # what it reads changes by itself, as the health of targets does

    def reconcile(self) -> None:
        """Read the desired state from the API, make the containers match; idempotent; raises on trouble."""


class Loop(threading.Thread):
    """Runs one reconciler at once after `wake`, then every PERIOD seconds, and less often when nothing has happened for a while."""

    def __init__(self, reconciler: Reconciler) -> None:
        super().__init__(name=f"reconcile-{reconciler.kind}", daemon=True)
        self.reconciler = reconciler
        self._wake = threading.Event()
        self._woken = time.monotonic()
        self._trouble = ""

    def wake(self) -> None:
        self._woken = time.monotonic()
        self._wake.set()

    def run(self) -> None:
        while True:
            self._wake.clear()  # before reading, so that a change during the run starts another one
            self.step()
            quiet = not self.reconciler.watches and time.monotonic() - self._woken > QUIET_AFTER
            self._wake.wait(QUIET_PERIOD if quiet else PERIOD)

    def step(self) -> None:
        try:
            self.reconciler.reconcile()
        except Exception as error:  # the loop must outlive any trouble of one round
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self._trouble:
                log.exception("%s: %s", self.reconciler.kind, trouble)
            self._trouble = trouble
        else:
            if self._trouble:
                log.info("%s: well again", self.reconciler.kind)
            self._trouble = ""


def create_all(lab: Lab, containers: Containers) -> list[Reconciler]:
    """One reconciler of every module of the package that has a `create`."""
    names = [module.name for module in pkgutil.iter_modules(reconcilers.__path__)]
    modules = [importlib.import_module(f"{reconcilers.__name__}.{name}") for name in names]
    return [module.create(lab, containers) for module in modules if hasattr(module, "create")]
