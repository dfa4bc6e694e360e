# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps against scripted answers, in the order and form in which Keycloak 26.7.4 gave them; each test also asserts what was asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, Response
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import (
    Client,
    Code,
    Held,
    LoginForm,
    Oidc,
    OidcError,
    Tokens,
    kept_cookies,
)

BACK = "https://chat.example/callback"
CLIENT = Client("r", "web", BACK)
BASE = "/realms/r/protocol/openid-connect/"
ACTION = "/realms/r/login-actions/authenticate?session_code=1"
FORM = LoginForm(ACTION, {"AUTH_SESSION_ID": "x"}, "the-state", "the-verifier")
HOLD = Response(200, [], '<meta http-equiv="refresh" content="1">')


class Scripted(Http):
    """Gives the answers in turn and keeps what was asked."""

    def __init__(self, *answers: Response, base: str = "https://auth.example") -> None:
        super().__init__(base)
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str, str]] = []

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        given = headers or {}
        self.asked.append((method, path, str(body or ""), given.get("Cookie", "") or given.get("Authorization", "")))
        return self.answers.pop(0)


def form_page(session_code: int = 1, *cookies: str, message: str = "") -> Response:
    action = f"https://auth.example/realms/r/login-actions/authenticate?session_code={session_code}"
    html = f'<title>Sign in</title><form id="kc-form-login" action="{action}"><span id="input-error">{message}</span></form>'
    return Response(200, [("Set-Cookie", cookie) for cookie in cookies], html)


def to(location: str, *cookies: str) -> Response:
    return Response(302, [("Location", location), *(("Set-Cookie", cookie) for cookie in cookies)], "")


def oidc(http: Http, client: Client = CLIENT, patience: float = 60.0) -> tuple[Oidc, list[float]]:
    slept: list[float] = []
    return Oidc(http, client, patience=patience, sleep=slept.append), slept


def test_opens_a_login_with_pkce_and_keeps_the_cookies() -> None:
    http = Scripted(form_page(1, "AUTH_SESSION_ID=abc.route;Path=/realms/r/;Secure;HttpOnly", "AWSALB=node-1; Path=/"))
    form = oidc(http)[0].open_login()
    assert (form.action, dict(form.cookies), form.held) == (ACTION, {"AUTH_SESSION_ID": "abc.route"}, Held())
    method, path, body, cookies = http.asked[0]
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    assert (method, urlsplit(path).path, body, cookies) == ("GET", BASE + "auth", "", "")
    assert (query["client_id"], query["redirect_uri"], query["state"]) == ("web", BACK, form.state)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form.verifier.encode()).digest()).decode().rstrip("=")
    assert (query["code_challenge"], query["code_challenge_method"]) == (challenge, "S256")


def test_a_path_before_the_realm_is_not_asked_for_twice() -> None:
    action = "https://auth.example/auth/realms/r/login-actions/authenticate?session_code=1"
    page = Response(200, [], f'<form id="kc-form-login" action="{action}"></form>')
    assert oidc(Scripted(page, base="https://auth.example/auth"))[0].open_login().action == ACTION


def test_a_login_ends_with_a_code() -> None:
    http = Scripted(to(f"{BACK}?state=the-state&code=c1", "KEYCLOAK_IDENTITY=id;Path=/realms/r/", "KC_RESTART=;Max-Age=0"))
    code = oidc(http)[0].submit(FORM, "ada", "pass word")
    assert isinstance(code, Code)
    assert (code.value, code.verifier, dict(code.cookies)) == ("c1", "the-verifier", {"AUTH_SESSION_ID": "x", "KEYCLOAK_IDENTITY": "id"})
    assert http.asked == [("POST", ACTION, "username=ada&password=pass+word&credentialId=", "AUTH_SESSION_ID=x")]


def test_a_login_that_the_server_forgot_starts_over() -> None:
    again = "https://auth.example/realms/r/login-actions/authenticate?client_id=web"
    http = Scripted(
        to(again, "AUTH_SESSION_ID=y"), form_page(2, message="Your login attempt timed out."), to(f"{BACK}?state=the-state&code=c2")
    )
    client = oidc(http)[0]
    form = client.submit(FORM, "ada", "pw")
    assert isinstance(form, LoginForm)
    assert (form.restarts, form.action, dict(form.cookies)) == (1, ACTION.replace("=1", "=2"), {"AUTH_SESSION_ID": "y"})
    assert isinstance(client.submit(form, "ada", "pw"), Code)
    assert [asked[:2] for asked in http.asked[:2]] == [
        ("POST", ACTION),
        ("GET", again.replace("https://auth.example", "")),
    ]


def test_a_login_that_always_starts_over_is_given_up() -> None:
    restart = [to("https://auth.example/realms/r/login-actions/authenticate"), form_page(2)]
    with pytest.raises(OidcError, match="started over 2 times"):
        oidc(Scripted(form_page(), *restart, *restart))[0].login("ada", "pw", attempts=2)


@pytest.mark.parametrize(
    ("answer", "message", "error"),
    [
        (form_page(2, message="Invalid username or password."), "login: status 200 Sign in Invalid username or password.", ""),
        (
            Response(400, [], "<title>Sign in</title><p class='instruction'>Cookie not found.</p>"),
            "login: status 400 Sign in Cookie not found.",
            "",
        ),
        (Response(502, [], "<h1>Bad Gateway</h1>"), "login: status 502", ""),
        (to(f"{BACK}?state=the-state&error=temporarily_unavailable"), "login: temporarily_unavailable", "temporarily_unavailable"),
        (to(f"{BACK}?state=another&code=c"), "login: the answer belongs to another login (state differs)", ""),
        (to(f"{BACK}?state=the-state"), "login: no code in the redirect to the client", ""),
    ],
)
def test_a_login_that_is_refused(answer: Response, message: str, error: str) -> None:
    with pytest.raises(OidcError) as raised:
        oidc(Scripted(answer))[0].submit(FORM, "ada", "pw")
    assert (str(raised.value), raised.value.error) == (message, error)


def test_a_hold_page_is_waited_for_and_counted() -> None:
    http = Scripted(HOLD, HOLD, form_page())
    client, slept = oidc(http)
    form = client.open_login()
    assert (form.held, slept) == (Held(2, 2.0), [1.0, 1.0])
    assert len({path for dummy, path, *others in http.asked}) == 1


def test_a_form_that_was_held_has_lost_its_password_and_starts_over() -> None:
    http = Scripted(HOLD, form_page(2))
    form = oidc(http)[0].submit(FORM, "ada", "pw")
    assert isinstance(form, LoginForm)
    assert (form.restarts, form.held.times) == (1, 1)
    assert [asked[:2] for asked in http.asked] == [("POST", ACTION), ("GET", ACTION)]


def test_patience_at_a_hold_page_is_bounded_even_if_it_asks_to_be_reloaded_at_once() -> None:
    at_once = Response(503, [], '<meta http-equiv="refresh" content="0">')
    client, slept = oidc(Scripted(*[at_once] * 100), patience=1.0)
    with pytest.raises(OidcError, match="still held after 1 s"):
        client.open_login()
    assert 5 <= len(slept) <= 7


def test_a_circle_of_redirects_is_left() -> None:
    with pytest.raises(OidcError, match="more than 5 redirects"):
        oidc(Scripted(*[to("https://auth.example/realms/r/login-actions/required-action")] * 10))[0].open_login()


def test_single_sign_on_by_cookies() -> None:
    class Signed(Scripted):
        """Sends the state back, which is a new one each time."""

        def request(self, method: str, path: str, *others: object, **named: object) -> Response:
            state = parse_qs(urlsplit(path).query)["state"][0]
            self.answers.append(to(f"{BACK}?state={state}&code=c3"))
            return super().request(method, path, *others, **named)  # type: ignore[arg-type]

    http = Signed()
    assert oidc(http)[0].sso({"KEYCLOAK_IDENTITY": "id"}).value == "c3"
    assert http.asked[0][3] == "KEYCLOAK_IDENTITY=id"
    assert "&prompt=none" in http.asked[0][1]


def test_single_sign_on_of_a_session_that_is_gone() -> None:
    with pytest.raises(OidcError) as raised:
        oidc(Scripted(to(f"{BACK}?error=login_required&state=any")))[0].sso({})
    assert raised.value.error == "login_required"


def test_the_applications_steps() -> None:
    tokens = '{"access_token": "at", "refresh_token": "rt", "session_state": "sid"}'
    http = Scripted(*[Response(200, [], tokens)] * 3, Response(200, [], '{"sub": "1"}'), Response(204, [], ""))
    client = oidc(http, Client("r", "web", BACK, "hush"))[0]
    assert client.redeem(Code("c1", {}, "the-verifier")) == Tokens("at", "rt", "sid")
    assert client.password_grant("ada", "pw") == Tokens("at", "rt", "sid")
    got = client.refresh(Tokens("", "old"))
    assert client.userinfo(got) == {"sub": "1"}
    client.logout(got)
    who = "client_id=web&client_secret=hush&"
    redirect = "redirect_uri=https%3A%2F%2Fchat.example%2Fcallback"
    assert http.asked == [
        ("POST", BASE + "token", f"{who}grant_type=authorization_code&code=c1&{redirect}&code_verifier=the-verifier", ""),
        ("POST", BASE + "token", f"{who}grant_type=password&username=ada&password=pw&scope=openid", ""),
        ("POST", BASE + "token", f"{who}grant_type=refresh_token&refresh_token=old", ""),
        ("GET", BASE + "userinfo", "", "Bearer at"),
        ("POST", BASE + "logout", f"{who}refresh_token=rt", ""),
    ]


@pytest.mark.parametrize(
    ("answer", "message", "error"),
    [
        (
            Response(400, [], '{"error": "invalid_grant", "error_description": "Session not active"}'),
            "refresh: status 400 invalid_grant Session not active",
            "invalid_grant",
        ),
        (Response(503, [], "<title>503</title>"), "refresh: status 503 503", ""),
        # A page to wait at is no answer to an application.
        (HOLD, "refresh: status 200", ""),
        (Response(200, [], "[]"), "refresh: status 200, not an object", ""),
        (Response(200, [], "{}"), "refresh: the answer holds no tokens", ""),
    ],
)
def test_a_refresh_that_is_refused(answer: Response, message: str, error: str) -> None:
    with pytest.raises(OidcError) as raised:
        oidc(Scripted(answer))[0].refresh(Tokens("at", "rt"))
    assert (str(raised.value), raised.value.error) == (message, error)


@pytest.mark.parametrize(
    ("before", "headers", "after"),
    [
        ({}, ["a=1; Path=/", "b=x=y"], {"a": "1", "b": "x=y"}),
        ({"a": "1", "b": "2"}, ["a=3"], {"a": "3", "b": "2"}),
        ({"a": "1", "b": "2"}, ["a=gone; Max-Age=0", "b=;Path=/"], {}),
        ({}, ["AWSALB=x", "AWSALBCORS=y", "SERVERID=z"], {}),
    ],
)
def test_kept_cookies(before: dict[str, str], headers: list[str], after: dict[str, str]) -> None:
    assert kept_cookies(before, headers) == after


def test_nothing_secret_is_in_what_is_printed() -> None:
    for thing in (FORM, Code("s3cret", {"c": "s3cret"}, "s3cret"), Tokens("s3cret", "s3cret"), Client("r", "web", BACK, "s3cret")):
        assert "s3cret" not in repr(thing)
        assert "the-verifier" not in repr(thing)
