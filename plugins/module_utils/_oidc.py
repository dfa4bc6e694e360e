# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what a user's browser and an application do at Keycloak, one step at a time.

Cookies are carried by hand: Keycloak marks them Secure, so that a cookie jar would keep them from a node that is asked over plain HTTP.
The balancer's stickiness cookies are never kept: what is measured here must not lean on them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError, Response, bearer
from ansible_collections.aiportal.scaling.plugins.module_utils._login_page import Page, read_page

MAX_REDIRECTS = 5
STICKINESS = ("AWSALB", "SERVERID")


class OidcError(Exception):
    """An answer other than the one hoped for. error is OAuth's own name for it where there is one (invalid_grant, login_required ...)."""

    def __init__(self, step: str, detail: str, error: str = "") -> None:
        super().__init__(f"{step}: {detail}")
        self.step = step
        self.error = error


@dataclass(frozen=True)
class Held:
    """How often and how long a hold page (HTML that reloads itself) kept the user waiting."""

    times: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class LoginForm:
    action: str = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    state: str
    verifier: str = field(repr=False)
    held: Held = Held()
    restarts: int = 0


@dataclass(frozen=True)
class Code:
    value: str = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    verifier: str = field(repr=False)
    held: Held = Held()
    restarts: int = 0


@dataclass(frozen=True)
class Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    session: str = ""


@dataclass(frozen=True)
class Client:
    """A client of the realm, as registered there."""

    realm: str
    client_id: str
    redirect_uri: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class _Visit:
    """Where a browser stands: the last answer, its address, the cookies kept, the patience spent."""

    path: str
    answer: Response
    cookies: Mapping[str, str]
    held: Held


class Oidc:
    """One client of one realm, through one server: a balancer or a single node. Keeps nothing between two calls."""

    def __init__(self, http: Http, client: Client, patience: float = 60.0, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._client = client
        self._base = f"/realms/{client.realm}/protocol/openid-connect/"
        self._patience = patience
        self._sleep = sleep

    # The browser's steps

    def open_login(self) -> LoginForm:
        """The login page of an authorization request with PKCE."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        visit = self._browse("login page", "GET", self._authorize_path(verifier, state), {})
        page = read_page(visit.answer.text)
        if visit.answer.status != 200 or not page.login_action:
            raise OidcError("login page", _refusal(visit.answer, page))
        return LoginForm(self._path(page.login_action), visit.cookies, state, verifier, visit.held)

    def submit(self, form: LoginForm, username: str, password: str) -> Code | LoginForm:
        """Send the login form. A LoginForm is returned where the server forgot the login it belonged to and starts it again."""
        fields = {"username": username, "password": password, "credentialId": ""}
        visit = self._browse("login", "POST", form.action, form.cookies, fields, form.held)
        if self._is_back_at_client(visit.answer):
            value = self._code("login", visit.answer, form.state)
            return Code(value, visit.cookies, form.verifier, visit.held, form.restarts)
        page = read_page(visit.answer.text)
        moved_on = visit.path != form.action or visit.held.times > form.held.times
        if visit.answer.status != 200 or not page.login_action or not moved_on:
            raise OidcError("login", _refusal(visit.answer, page))
        action = self._path(page.login_action)
        return replace(form, action=action, cookies=visit.cookies, held=visit.held, restarts=form.restarts + 1)

    def login(self, username: str, password: str, attempts: int = 3) -> Code:
        """open_login and submit, the form filled in again when the login starts over."""
        outcome: Code | LoginForm = self.open_login()
        while isinstance(outcome, LoginForm):
            if outcome.restarts >= attempts:
                raise OidcError("login", f"the login started over {attempts} times")
            outcome = self.submit(outcome, username, password)
        return outcome

    def sso(self, cookies: Mapping[str, str]) -> Code:
        """A new code without any form, by the cookies of an earlier login; OidcError with login_required where the session is gone."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        visit = self._browse("single sign-on", "GET", self._authorize_path(verifier, state) + "&prompt=none", cookies)
        if not self._is_back_at_client(visit.answer):
            raise OidcError("single sign-on", _refusal(visit.answer, read_page(visit.answer.text)))
        return Code(self._code("single sign-on", visit.answer, state), visit.cookies, verifier, visit.held)

    # The application's steps

    def redeem(self, code: Code) -> Tokens:
        fields = {"code": code.value, "redirect_uri": self._client.redirect_uri, "code_verifier": code.verifier}
        return self._token("code to token", {"grant_type": "authorization_code", **fields})

    def password_grant(self, username: str, password: str) -> Tokens:
        return self._token("direct grant", {"grant_type": "password", "username": username, "password": password, "scope": "openid"})

    def refresh(self, tokens: Tokens) -> Tokens:
        return self._token("refresh", {"grant_type": "refresh_token", "refresh_token": tokens.refresh})

    def userinfo(self, tokens: Tokens) -> dict[str, Any]:
        answer = self._http.request("GET", self._base + "userinfo", headers=bearer(tokens.access))
        return _json_object("userinfo", answer)

    def logout(self, tokens: Tokens) -> None:
        answer = self._http.form("POST", self._base + "logout", {**self._credentials(), "refresh_token": tokens.refresh})
        if answer.status != 204:
            _json_object("logout", answer)
            raise OidcError("logout", f"status {answer.status}")

    def _token(self, step: str, fields: Mapping[str, str]) -> Tokens:
        got = _json_object(step, self._http.form("POST", self._base + "token", {**self._credentials(), **fields}))
        if not got.get("access_token") or not got.get("refresh_token"):
            raise OidcError(step, "the answer holds no tokens")
        return Tokens(got["access_token"], got["refresh_token"], got.get("session_state", ""))

    def _credentials(self) -> dict[str, str]:
        secret = {"client_secret": self._client.secret} if self._client.secret else {}
        return {"client_id": self._client.client_id, **secret}

    # A browser, as far as it is needed

    def _authorize_path(self, verifier: str, state: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return self._base + "auth?" + urlencode(query)

    def _browse(
        self,
        step: str,
        method: str,
        path: str,
        cookies: Mapping[str, str],
        fields: Mapping[str, str] | None = None,
        held: Held = Held(),
    ) -> _Visit:
        """Go there, follow Keycloak's own redirects, and sit out hold pages; end at a page, or at a redirect to the client."""
        visit = self._go(method, path, cookies, fields, held)
        redirects = 0
        while True:
            page = read_page(visit.answer.text)
            location = visit.answer.header("Location")
            if visit.answer.status in (301, 302, 303, 307) and location and not self._is_back_at_client(visit.answer):
                redirects += 1
                if redirects > MAX_REDIRECTS:
                    raise OidcError(step, f"more than {MAX_REDIRECTS} redirects")
                visit = self._go("GET", self._path(location), visit.cookies, None, visit.held)
            elif page.reload_after is not None and not page.login_action:
                visit = self._wait(step, visit, page)
            else:
                return visit

    def _go(self, method: str, path: str, cookies: Mapping[str, str], fields: Mapping[str, str] | None, held: Held) -> _Visit:
        headers = {
            "Accept": "text/html",
            **({"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}),
        }
        answer = self._http.request(method, path, headers=headers) if fields is None else self._http.form(method, path, fields, headers)
        return _Visit(path, answer, kept_cookies(cookies, answer.all_headers("Set-Cookie")), held)

    def _wait(self, step: str, visit: _Visit, page: Page) -> _Visit:
        pause = page.reload_after or 0.0
        if visit.held.seconds + pause > self._patience:
            raise OidcError(step, f"still held after {visit.held.seconds:.0f} s")
        # A page that asks to be reloaded at once must not make this a loop without a pause.
        pause = max(pause, 0.2)
        self._sleep(pause)
        target = self._path(urljoin(visit.path, page.reload_url)) if page.reload_url else visit.path
        return self._go("GET", target, visit.cookies, None, Held(visit.held.times + 1, visit.held.seconds + pause))

    def _path(self, url: str) -> str:
        """Path and query of one of Keycloak's URLs: it names the public host, while this server is the one to be asked."""
        parts = urlsplit(url)
        path = parts.path[len(self._http.prefix) :] if parts.netloc and parts.path.startswith(self._http.prefix) else parts.path
        return path + ("?" + parts.query if parts.query else "")

    def _is_back_at_client(self, answer: Response) -> bool:
        location = answer.header("Location") or ""
        return answer.status in (302, 303) and location.split("?")[0].split("#")[0] == self._client.redirect_uri

    def _code(self, step: str, answer: Response, state: str) -> str:
        query = parse_qs(urlsplit(answer.header("Location") or "").query)
        error = query.get("error", [""])[0]
        if error:
            raise OidcError(step, " ".join([error, *query.get("error_description", [])]), error)
        if query.get("state") != [state]:
            raise OidcError(step, "the answer belongs to another login (state differs)")
        if "code" not in query:
            raise OidcError(step, "no code in the redirect to the client")
        return query["code"][0]


def kept_cookies(before: Mapping[str, str], set_cookie: list[str]) -> dict[str, str]:
    """The cookies after an answer: new ones kept, expired ones dropped, the balancer's ignored."""
    cookies = dict(before)
    for header in set_cookie:
        pair, *attributes = (part.strip() for part in header.split(";"))
        name, dummy, value = pair.partition("=")
        expired = any(attribute.lower() == "max-age=0" for attribute in attributes)
        if expired or not value:
            cookies.pop(name, None)
        elif not name.startswith(STICKINESS):
            cookies[name] = value
    return cookies


def _json_object(step: str, answer: Response) -> dict[str, Any]:
    """The JSON object of a good answer; OidcError naming OAuth's error, or the title of the page that came instead."""
    try:
        body = answer.json()
    except HttpError:
        raise OidcError(step, _refusal(answer, read_page(answer.text))) from None
    if not isinstance(body, dict):
        raise OidcError(step, f"status {answer.status}, not an object")
    if answer.status != 200:
        error = str(body.get("error", ""))
        raise OidcError(step, f"status {answer.status} {error} {body.get('error_description', '')}", error)
    return body


def _refusal(answer: Response, page: Page) -> str:
    return " ".join(part for part in (f"status {answer.status}", page.title, page.message) if part)
