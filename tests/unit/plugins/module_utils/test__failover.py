# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _failover as failover
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Code, LoginForm, OidcError, Tokens
from ansible_collections.aiportal.scaling.plugins.module_utils._probe import Meter

FORM = LoginForm(action="/a", cookies={}, state="s", verifier="v")
HALF_DONE = failover.HalfDone(victim="10.0.0.1", others=["10.0.0.2", "10.0.0.3"], logins=3)


class FakeOidc:
    """A Keycloak with the sessions and half-done logins it was given; place is the node that was asked, empty for the balancer."""

    def __init__(self, world: dict[str, Any], place: str) -> None:
        self.world = world
        self.place = place

    def _alive(self) -> None:
        if self.place in self.world.get("dead", []):
            raise HttpError("connection refused")

    def open_login(self) -> LoginForm:
        self._alive()
        self.world.setdefault("opened", []).append(self.place)
        return FORM

    def submit(self, form: LoginForm, username: str, password: str) -> Code | LoginForm:
        self._alive()
        self.world.setdefault("submitted", []).append(self.place)
        return Code("c", {}, "v") if self.world.get("remembers", True) else FORM

    def login(self, username: str, password: str) -> Code:
        return Code("c", {"KEYCLOAK_IDENTITY": "x"}, "v")

    def redeem(self, code: Code) -> Tokens:
        self._alive()
        self.world.setdefault("redeemed", []).append(self.place)
        return Tokens("a", "r")

    def password_grant(self, username: str, password: str) -> Tokens:
        return Tokens("a", "r")

    def refresh(self, tokens: Tokens) -> Tokens:
        if self.world.get("sessions_gone"):
            raise OidcError("refresh", "gone", "invalid_grant")
        return tokens

    def sso(self, cookies: dict[str, str]) -> Code:
        if self.world.get("cookies_gone"):
            raise OidcError("single sign-on", "gone", "login_required")
        return Code("c", {}, "v")


def users(world: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> failover.Users:
    made = failover.Users(Http("https://auth.example"), failover.Account("aiportal", "drill", "secret"))
    monkeypatch.setattr(made, "_oidc", lambda client: FakeOidc(world, ""))
    monkeypatch.setattr(made, "_at", lambda address, port: FakeOidc(world, address))
    monkeypatch.setattr(failover, "COMPLETE_AFTER", (0.0,))
    made.prepare(4, HALF_DONE)
    return made


def test_half_done_logins_begin_at_the_victim_and_end_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    world: dict[str, Any] = {}
    made = users(world, monkeypatch)
    world["dead"] = ["10.0.0.1"]
    assert made.complete(HALF_DONE) == 0
    assert world["opened"] == ["10.0.0.1"] * 3
    assert world["submitted"] == ["10.0.0.2", "10.0.0.3", "10.0.0.2"]
    assert world["redeemed"][-3:] == ["10.0.0.3", "10.0.0.2", "10.0.0.3"]


@pytest.mark.parametrize("change", [{"remembers": False}, {"dead": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}])
def test_a_login_that_starts_over_or_gets_no_answer_is_lost(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world: dict[str, Any] = {}
    made = users(world, monkeypatch)
    world.update(change)
    assert made.complete(HALF_DONE) == 3


@pytest.mark.parametrize(
    ("change", "sessions_lost", "sso_lost"),
    [({}, 0, 0), ({"sessions_gone": True}, 4, 0), ({"cookies_gone": True}, 0, 2)],
)
def test_sessions_are_asked_for_in_both_ways(
    change: dict[str, Any], sessions_lost: int, sso_lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world: dict[str, Any] = {}
    made = users(world, monkeypatch)
    world.update(change)
    assert made.lost() == {"sessions": 4, "sessions_lost": sessions_lost, "sso_sessions": 2, "sso_lost": sso_lost}


def test_what_goes_wrong_under_load_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    world: dict[str, Any] = {"sessions_gone": True, "cookies_gone": True}
    made = users(world, monkeypatch)
    monkeypatch.setattr("random.choice", lambda options: options[0])
    made.job()
    assert made.meter.summary()["failed"] == 1


def test_the_preparation_is_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(failover, "Meter", lambda: Meter(clock=lambda: next(clock, 60.0)))
    assert users({}, monkeypatch).meter.summary()["longest_gap_s"] == 0.0


@pytest.mark.parametrize(("change", "failed"), [({}, 0), ({"remembers": False}, 1), ({"dead": [""]}, 1)])
def test_a_new_login_fails_where_its_page_or_its_form_does(change: dict[str, Any], failed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world: dict[str, Any] = {}
    made = users(world, monkeypatch)
    world.update(change)
    made.new_login()
    assert made.meter.summary()["failed"] == failed
