# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of the portal's users: python -m lab.clients.traffic seed | run | check | users. The last line printed is JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import HttpError
from ansible_collections.aiportal.scaling.plugins.module_utils._load import SteadyLoad
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Code, LoginForm, Oidc, OidcError, Tokens
from ansible_collections.aiportal.scaling.plugins.module_utils._probe import Meter

from lab import settings
from lab.clients.access import PATIENCE, Access, count_users
from lab.clients.ledger import ENDED, LIVE, Ledger, Session
from lab.portal.realm import REDIRECTS

WORKERS = 6
LONGEST_RUN = 3600.0
THINK_SECONDS = (0.5, 2.0)
MOST_RESTARTS = 2
# Of a hundred jobs: each makes one to four requests.
MIX = {"browser_login": 15, "direct_grant": 15, "refresh": 40, "userinfo": 20, "logout": 10}
TROUBLE = (OidcError, HttpError)


class Portal:
    """The jobs of the portal's users. Each request is measured; what was acknowledged is in the ledger before it counts."""

    def __init__(self, access: Access, ledger: Ledger) -> None:
        self._access = access
        self._ledger = ledger
        self._idle = list(access.users)
        # Two sets apart: a session that is refreshed by one thread while another ends it would be a failure of the client's own making.
        self._kept = ledger.sessions(LIVE)
        self._to_end: list[Session] = []
        self._lock = threading.Lock()
        self.meter = Meter(patience=PATIENCE)
        self.restarted = 0

    def job(self) -> None:
        name = random.choices(list(MIX), weights=list(MIX.values()))[0]
        with contextlib.suppress(*TROUBLE):  # measured, and told in the summary
            getattr(self, name)()

    @contextlib.contextmanager
    def _somebody(self) -> Iterator[tuple[str, str]]:
        """A user who is not just logging in: brute force protection refuses a second login of the same user at the same moment."""
        with self._lock:
            user = self._idle.pop(random.randrange(len(self._idle)))
        try:
            yield user
        finally:
            with self._lock:
                self._idle.append(user)

    def browser_login(self) -> None:
        with self._somebody() as user:
            self._browser_login(user, random.choice(list(REDIRECTS)))

    def _browser_login(self, user: tuple[str, str], application: str) -> None:
        oidc = self._access.oidc(application, self.meter.pause)
        form: LoginForm = self.meter.measure("login page", oidc.open_login)
        code = self._fill_in(oidc, form, user)
        # The application redeems it over a connection of its own.
        backchannel = self._access.oidc(application)
        tokens = self.meter.measure("code to token", lambda: backchannel.redeem(code))
        self._begun(user, application, tokens, dict(code.cookies))

    def _fill_in(self, oidc: Oidc, form: LoginForm, user: tuple[str, str]) -> Code:
        """Again where the login starts over, as a person does."""
        time.sleep(random.uniform(*THINK_SECONDS))
        outcome: Code | LoginForm = self.meter.measure("login", lambda: oidc.submit(form, *user))
        if isinstance(outcome, Code):
            return outcome
        if outcome.restarts > MOST_RESTARTS:
            raise OidcError("login", f"the login started over {outcome.restarts} times")
        with self._lock:
            self.restarted += 1
        return self._fill_in(oidc, outcome, user)

    def direct_grant(self) -> None:
        oidc = self._access.oidc("open-webui")
        with self._somebody() as user:
            tokens = self.meter.measure("direct grant", lambda: oidc.password_grant(*user))
        self._begun(user, "open-webui", tokens, {})

    def refresh(self) -> None:
        session = self._pick()
        if session:
            self.meter.measure("refresh", lambda: self._access.oidc(session.client).refresh(_tokens(session)))

    def userinfo(self) -> None:
        session = self._pick()
        if session:
            oidc = self._access.oidc(session.client)
            tokens = self.meter.measure("refresh", lambda: oidc.refresh(_tokens(session)))
            self.meter.measure("userinfo", lambda: oidc.userinfo(tokens))

    def logout(self) -> None:
        with self._lock:
            session = self._to_end.pop(0) if self._to_end else None
        if session:
            self._ledger.ending(session.id)
            self.meter.measure("logout", lambda: self._access.oidc(session.client).logout(_tokens(session)))
            self._ledger.ended(session.id)

    def _begun(self, user: tuple[str, str], client: str, tokens: Tokens, cookies: dict[str, str]) -> None:
        session = Session(tokens.session, user[0], client, tokens.refresh, cookies)
        self._ledger.begun(session)
        with self._lock:
            random.choice((self._kept, self._to_end)).append(session)

    def _pick(self) -> Session | None:
        with self._lock:
            return random.choice(self._kept) if self._kept else None


def seed(access: Access, ledger: Ledger, wanted: int) -> dict[str, Any]:
    """Sessions up to the wanted number, every fourth by browser, which is as they are begun in life."""
    portal = Portal(access, ledger)
    missing = max(0, wanted - len(ledger.sessions(LIVE)))
    jobs = [portal.browser_login if number % 4 == 0 else portal.direct_grant for number in range(missing)]
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    return {"live": len(ledger.sessions(LIVE)), "begun": missing}


def run(access: Access, ledger: Ledger, rate: float, summary: Path) -> dict[str, Any]:
    """A steady load until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    portal = Portal(access, ledger)
    load = SteadyLoad(portal.job, rate, WORKERS)
    load.start()
    deadline = time.monotonic() + LONGEST_RUN
    while not stop.wait(1.0) and time.monotonic() < deadline:
        load.check()
    load.stop(timeout=40.0)
    figures = {**portal.meter.summary(), "restarted_logins": portal.restarted, "held_logins": portal.meter.held}
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def check(access: Access, ledger: Ledger) -> dict[str, Any]:
    """The ledger against the servers: what lives must be refreshed, what was ended must be refused."""
    live, ended = ledger.sessions(LIVE), ledger.sessions(ENDED)
    with ThreadPoolExecutor(WORKERS) as pool:
        lives = list(pool.map(lambda session: _is_alive(access, session), [*live, *ended]))
    alive, revived = sum(lives[: len(live)]), sum(lives[len(live) :])
    return {"live": alive, "lost": len(live) - alive, "ended": len(ended), "revived": revived}


def forget(access: Access, ledger: Ledger) -> dict[str, Any]:
    """After a database was put back: sessions begun since are gone and those ended since are back. Neither is judged any more."""
    live, ended = ledger.sessions(LIVE), ledger.sessions(ENDED)
    with ThreadPoolExecutor(WORKERS) as pool:
        lives = list(pool.map(lambda session: _is_alive(access, session), [*live, *ended]))
    gone = [session for session, alive in zip(live, lives, strict=False) if not alive]
    back = [session for session, alive in zip(ended, lives[len(live) :], strict=True) if alive]
    for session in [*gone, *back]:
        ledger.ending(session.id)
    return {"live": len(live) - len(gone), "gone": len(gone), "back": len(back)}


def _is_alive(access: Access, session: Session) -> bool:
    """Only a clear answer counts: anything but the token or invalid_grant is an error of the check itself."""
    try:
        access.oidc(session.client).refresh(_tokens(session))
        return True
    except OidcError as error:
        if error.error != "invalid_grant":
            raise
        return False


def _tokens(session: Session) -> Tokens:
    return Tokens("", session.refresh, session.id)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.clients.traffic", description=__doc__)
    parser.add_argument("verb", choices=["seed", "run", "check", "forget", "users"])
    parser.add_argument("--sessions", type=int, default=200, help="seed: how many must live")
    parser.add_argument("--rate", type=float, default=4.0, help="run: jobs a second")
    parser.add_argument("--summary", type=Path, default=settings.ROOT / "build/demo/traffic.json", help="run: file for the figures")
    given = parser.parse_args(argv)
    lab = settings.load()
    if lab is None:
        print("the lab is not running", file=sys.stderr)
        return 1
    access, ledger = Access(lab), Ledger(lab.state / "ledger.jsonl")
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "seed": lambda: seed(access, ledger, given.sessions),
        "run": lambda: run(access, ledger, given.rate, given.summary),
        "check": lambda: check(access, ledger),
        "forget": lambda: forget(access, ledger),
        "users": lambda: {"users": count_users(lab)},
    }
    print(json.dumps(verbs[given.verb]()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
