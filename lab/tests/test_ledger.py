# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from lab.clients.ledger import ENDED, ENDING, LIVE, Ledger, Session


def session(name: str) -> Session:
    return Session(id=name, username="user01", client="open-webui", refresh="r-" + name)


def ids(ledger: Ledger, state: str) -> list[str]:
    return [found.id for found in ledger.sessions(state)]


def test_the_last_word_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for name in ("a", "b", "c"):
        ledger.begun(session(name))
    ledger.ending("b")
    ledger.ending("c")
    ledger.ended("c")
    assert (ids(ledger, LIVE), ids(ledger, ENDING), ids(ledger, ENDED)) == (["a"], ["b"], ["c"])


def test_it_is_there_for_the_next_process_and_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).begun(session("a"))
    assert Ledger(path).sessions(LIVE) == [session("a")]
    assert path.stat().st_mode & 0o077 == 0
