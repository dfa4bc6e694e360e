# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what users do around the death of a node, and what became of it."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError, behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Client, Code, LoginForm, Oidc, OidcError, Tokens
from ansible_collections.aiportal.scaling.plugins.module_utils._probe import Meter

# Clients that every realm has from its first day: no client of the portal is borrowed.
GRANT_CLIENT, BROWSER_CLIENT = "admin-cli", "account-console"
# Half-done logins are completed at once and after the survivors have agreed on a new view (1.8 s after a kill).
COMPLETE_AFTER = (0.0, 2.0, 6.0)
TROUBLE = (OidcError, HttpError)
# The steps of a new login: what needs an entry in the memory of two nodes, and so suffers first when nodes lose each other.
LOGIN_STEPS = ("login page", "login", "code to token")


@dataclass(frozen=True)
class Session:
    tokens: Tokens = field(repr=False)
    client: Client
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class HalfDone:
    """Logins that are begun at one node and shall be completed at others."""

    victim: str
    others: Sequence[str]
    logins: int
    http_port: int = 8080


@dataclass(frozen=True)
class Account:
    realm: str
    username: str
    password: str = field(repr=False)


class Users:
    """Their requests go through the balancer without any cookie of its own: what is measured must not lean on stickiness."""

    def __init__(self, http: Http, account: Account) -> None:
        self._http = http
        self._account = account
        self._grant = Client(account.realm, GRANT_CLIENT)
        self._browser = Client(account.realm, BROWSER_CLIENT, f"{http.base_url}/realms/{account.realm}/account/")
        # One user, one login at a time: brute force protection refuses two of the same user at the same moment.
        self._login = threading.Lock()
        self.meter = Meter()
        self.sessions: list[Session] = []
        self.forms: list[LoginForm] = []

    def prepare(self, sessions: int, half_done: HalfDone | None) -> None:
        """Sessions that must survive, every other one with the cookies of a browser; and logins begun at the node that will die."""
        self.sessions = [self._begin(browser=number % 2 == 1) for number in range(sessions)]
        if half_done:
            victim = self._at(half_done.victim, half_done.http_port)
            self.forms = [victim.open_login() for dummy in range(half_done.logins)]
        # Measured from here on: the seconds of preparation, in which no answer is counted, would be the longest gap of a good drill.
        self.meter = Meter()

    def job(self) -> None:
        """One thing that a user does; what goes wrong is measured."""
        actions: list[Callable[[Session], Any]] = [self._refresh, self._refresh, self._sso, self._fresh_login]
        with contextlib.suppress(*TROUBLE):
            random.choice(actions)(random.choice(self.sessions))

    def new_login(self) -> None:
        """A browser's login from its page to the application's tokens; what goes wrong is measured."""
        oidc = self._oidc(self._browser)
        with contextlib.suppress(*TROUBLE):
            form = self.meter.measure("login page", oidc.open_login)
            with self._turn() as mine:
                if mine:
                    code = self.meter.measure("login", lambda: self._submit(oidc, form))
                    self.meter.measure("code to token", lambda: oidc.redeem(code))

    def complete(self, half_done: HalfDone) -> int:
        """Submit each form at another node than the one it came from and redeem the code at yet another; how many did not get through."""
        begin = time.monotonic()
        lost = 0
        for number, form in enumerate(self.forms):
            time.sleep(max(0.0, begin + COMPLETE_AFTER[number % len(COMPLETE_AFTER)] - time.monotonic()))
            lost += not self._complete(form, half_done, number)
        return lost

    def lost(self) -> dict[str, int]:
        """Sessions that are gone, by both ways in which they live: the refresh token of an application and the cookies of a browser."""
        by_browser = [session for session in self.sessions if session.cookies]
        return {
            "sessions": len(self.sessions),
            "sessions_lost": sum(map(self._refresh_fails, self.sessions)),
            "sso_sessions": len(by_browser),
            "sso_lost": sum(map(self._sso_fails, by_browser)),
        }

    def _begin(self, browser: bool) -> Session:
        client = self._browser if browser else self._grant
        oidc = self._oidc(client)
        with self._login:
            if not browser:
                return Session(oidc.password_grant(self._account.username, self._account.password), client)
            code = oidc.login(self._account.username, self._account.password)
            return Session(oidc.redeem(code), client, code.cookies)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Whether nobody is logging in just now. Nobody of the load waits for it: where logins are slow, a queue of them would keep the
        half-done ones from being completed at all."""
        mine = self._login.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._login.release()

    def _submit(self, oidc: Oidc, form: LoginForm) -> Code:
        outcome = oidc.submit(form, self._account.username, self._account.password)
        if isinstance(outcome, LoginForm):
            raise OidcError("login", "the login started over")
        return outcome

    def _complete(self, form: LoginForm, half_done: HalfDone, number: int) -> bool:
        first, second = (half_done.others[(number + step) % len(half_done.others)] for step in (0, 1))
        try:
            with self._login:
                outcome = self._at(first, half_done.http_port).submit(form, self._account.username, self._account.password)
            # A form that starts over means that the half-done login is gone.
            return isinstance(outcome, Code) and bool(self._at(second, half_done.http_port).redeem(outcome))
        except TROUBLE:
            return False

    def _refresh_fails(self, session: Session) -> bool:
        return _fails(lambda: self._oidc(session.client).refresh(session.tokens))

    def _sso_fails(self, session: Session) -> bool:
        return _fails(lambda: self._oidc(session.client).sso(session.cookies))

    def _refresh(self, session: Session) -> Tokens:
        return self.meter.measure("refresh", lambda: self._oidc(session.client).refresh(session.tokens))

    def _sso(self, session: Session) -> None:
        if session.cookies:
            self.meter.measure("single sign-on", lambda: self._oidc(session.client).sso(session.cookies))

    def _fresh_login(self, dummy: Session) -> None:
        oidc = self._oidc(self._grant)
        with self._turn() as mine:
            if mine:
                tokens = self.meter.measure("direct grant", lambda: oidc.password_grant(self._account.username, self._account.password))
                self.meter.measure("logout", lambda: oidc.logout(tokens))

    def _oidc(self, client: Client) -> Oidc:
        return Oidc(self._http, client, patience=10.0)

    def _at(self, address: str, port: int) -> Oidc:
        return Oidc(behind_balancer(self._http.base_url, address, port, timeout=20.0), self._browser)


def _fails(call: Callable[[], object]) -> bool:
    try:
        call()
        return False
    except TROUBLE:
        return True
