# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal acknowledged, on disk before it counts: only then can a loss be told from something that never was."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

LIVE, ENDING, ENDED = "live", "ending", "ended"


@dataclass(frozen=True)
class Session:
    id: str
    username: str
    client: str
    refresh: str = field(repr=False)
    # Cookies of a browser login, for single sign-on; empty for a direct grant.
    cookies: dict[str, str] = field(default_factory=dict, repr=False)


class Ledger:
    """Append-only. Every line is one thing that happened to one session; the last one counts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        path.touch(mode=0o600)

    def begun(self, session: Session) -> None:
        self._append({"state": LIVE, **session.__dict__})

    def ending(self, session_id: str) -> None:
        """Written before the logout is asked for: killed in between, nobody knows whether the session lives, and it is not judged."""
        self._append({"state": ENDING, "id": session_id})

    def ended(self, session_id: str) -> None:
        self._append({"state": ENDED, "id": session_id})

    def sessions(self, state: str) -> list[Session]:
        """The sessions whose last known state is this one."""
        states: dict[str, str] = {}
        known: dict[str, Session] = {}
        for line in self._path.read_text().splitlines():
            entry = json.loads(line)
            states[entry["id"]] = entry.pop("state")
            if "refresh" in entry:
                known[entry["id"]] = Session(**entry)
        return [known[session_id] for session_id, last in states.items() if last == state]

    def _append(self, entry: dict[str, object]) -> None:
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
