# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the traffic client against a portal in memory, and its ledger on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Code, LoginForm, OidcError, Tokens

from lab.clients import traffic
from lab.clients.ledger import ENDED, ENDING, LIVE, Ledger, Session


class FakePortal:
    """Stands for Access and for the client of each conversation: knows which sessions live, and can be told to forget or to fail."""

    def __init__(self) -> None:
        self.users = [(f"user{number}", f"pw-{number}") for number in range(10)]
        self.alive: set[str] = set()
        self.made = 0
        self.forgets = 0
        self.broken = ""

    def oidc(self, application: str, sleep: Any = None) -> FakePortal:
        return self

    def open_login(self) -> LoginForm:
        return LoginForm("/form", {}, "state", "verifier")

    def submit(self, form: LoginForm, username: str, password: str) -> Code | LoginForm:
        if self.forgets:
            self.forgets -= 1
            return replace(form, restarts=form.restarts + 1)
        return Code("code", {"KEYCLOAK_IDENTITY": username}, "verifier")

    def redeem(self, code: Code) -> Tokens:
        return self._begin()

    def password_grant(self, username: str, password: str) -> Tokens:
        return self._begin()

    def refresh(self, tokens: Tokens) -> Tokens:
        if self.broken:
            raise OidcError("refresh", self.broken)
        if tokens.session not in self.alive:
            raise OidcError("refresh", "Session not active", "invalid_grant")
        return tokens

    def userinfo(self, tokens: Tokens) -> dict[str, Any]:
        return {}

    def logout(self, tokens: Tokens) -> None:
        if self.broken:
            raise OidcError("logout", self.broken)
        self.alive.remove(tokens.session)

    def _begin(self) -> Tokens:
        self.made += 1
        self.alive.add(f"s{self.made}")
        return Tokens("access", f"r{self.made}", f"s{self.made}")


@pytest.fixture(name="ledger")
def fixture_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(traffic, "THINK_SECONDS", (0.0, 0.0))
    return Ledger(tmp_path / "ledger.jsonl")


def portal(fake: FakePortal, ledger: Ledger) -> traffic.Portal:
    return traffic.Portal(fake, ledger)  # type: ignore[arg-type]


def test_seed_begins_what_is_missing_and_no_more(ledger: Ledger) -> None:
    fake: Any = FakePortal()
    assert traffic.seed(fake, ledger, 8) == {"live": 8, "begun": 8}
    assert traffic.seed(fake, ledger, 8) == {"live": 8, "begun": 0}
    assert sum(bool(session.cookies) for session in ledger.sessions(LIVE)) == 2


@pytest.mark.parametrize("forgets", [0, 1, 2])
def test_a_login_that_starts_over_and_succeeds_is_counted_and_no_failure(ledger: Ledger, forgets: int) -> None:
    fake = FakePortal()
    fake.forgets = forgets
    made = portal(fake, ledger)
    made.browser_login()
    assert (made.restarted, made.meter.summary()["failed"], len(ledger.sessions(LIVE))) == (forgets, 0, 1)


def test_a_login_that_never_ends_begins_no_session(ledger: Ledger) -> None:
    fake = FakePortal()
    fake.forgets = 99
    with pytest.raises(OidcError, match="started over 3 times"):
        portal(fake, ledger).browser_login()
    assert ledger.sessions(LIVE) == []


def test_only_sessions_of_this_run_are_ended(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 2)
    made = portal(fake, ledger)
    made.logout()
    assert len(ledger.sessions(LIVE)) == 2
    monkeypatch.setattr("random.choice", lambda options: options[-1])  # the new one is one to be ended
    made.direct_grant()
    made.logout()
    assert [session.id for session in ledger.sessions(ENDED)] == ["s3"]
    assert fake.alive == {"s1", "s2"}


def test_a_logout_without_an_answer_is_not_judged(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePortal()
    made = portal(fake, ledger)
    monkeypatch.setattr("random.choice", lambda options: options[-1])
    made.direct_grant()
    fake.broken = "status 502"
    with pytest.raises(OidcError):
        made.logout()
    assert ([session.id for session in ledger.sessions(ENDING)], ledger.sessions(ENDED)) == (["s1"], [])


def test_what_a_job_meets_is_measured_and_does_not_end_the_load(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 1)
    made = portal(fake, ledger)
    fake.broken = "status 502"
    monkeypatch.setattr(traffic, "MIX", {"refresh": 1})
    made.job()
    summary = made.meter.summary()
    assert (summary["failed"], summary["failures"][0]["detail"]) == (1, "refresh: status 502")


def test_check_tells_what_was_lost_and_what_came_back(ledger: Ledger) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 3)
    ledger.begun(Session("gone", "ada", "open-webui", "r"))
    for session_id in ("s1", "s2"):
        ledger.ending(session_id)
        ledger.ended(session_id)
    fake.alive = {"s1", "s3"}
    assert traffic.check(fake, ledger) == {"live": 1, "lost": 1, "ended": 2, "revived": 1}


def test_what_a_restored_database_has_changed_is_not_judged(ledger: Ledger) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 3)
    for session_id in ("s1", "s2"):
        ledger.ending(session_id)
        ledger.ended(session_id)
    ledger.begun(Session("since", "ada", "open-webui", "r"))
    fake.alive = {"s1", "s3"}
    assert traffic.forget(fake, ledger) == {"live": 1, "gone": 1, "back": 1}
    assert traffic.check(fake, ledger) == {"live": 1, "lost": 0, "ended": 1, "revived": 0}


def test_check_does_not_take_an_outage_for_a_loss(ledger: Ledger) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 1)
    fake.broken = "status 503"
    with pytest.raises(OidcError, match="503"):
        traffic.check(fake, ledger)


def test_no_password_is_in_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    fake: Any = FakePortal()
    traffic.seed(fake, ledger, 4)
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines] == [LIVE] * 4
    assert not any("pw-" in line for line in lines)
