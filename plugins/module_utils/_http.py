# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: one HTTP request, to a place of the caller's choosing, and nothing done behind the caller's back.

urllib follows redirects, keeps the Host header in step with the address and honours proxy variables of the environment;
a module that talks to ONE Keycloak node under the public name of all of them must have none of that.
"""

from __future__ import annotations

import functools
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class HttpError(Exception):
    """No answer could be had: the message names the server and the cause, never what was sent."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all_headers(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        """The body as JSON; HttpError if it is something else (a balancer's error page, for example)."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise HttpError(f"the answer with status {self.status} is not JSON: {self.text[:200]}") from None


class Http:
    """Requests to base_url; each has a connection of its own, so that none inherits a half-dead one.

    connect_to ("host:port", or a function that is asked for it each time) is where the connection goes instead, while Host header
    and TLS server name stay those of base_url. A port in connect_to is needed only if it differs from that of base_url.
    """

    def __init__(
        self,
        base_url: str,
        connect_to: str | Callable[[], str] | None = None,
        ca_pem: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must be http://host or https://host, not {base_url!r}")
        self.base_url = base_url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._netloc = parts.netloc.rpartition("@")[2]
        self.hostname = parts.hostname
        self.prefix = parts.path.rstrip("/")
        self._port = parts.port or (443 if self._secure else 80)
        self._connect_to = connect_to
        self._tls = _tls(ca_pem) if self._secure else None
        self._headers = dict(headers or {})
        self._timeout = timeout

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """One request. A redirect is an answer like any other. timeout bounds each wait on the network."""
        sent = {"Host": self._netloc, "Connection": "close", **self._headers, **(headers or {})}
        data = body.encode() if isinstance(body, str) else body
        address, port = self._address()
        connection = http.client.HTTPConnection(address, port)
        try:
            connection.sock = self._open(address, port, self._timeout if timeout is None else timeout)
            connection.request(method, self.prefix + path, body=data, headers=sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Response(answer.status, answer.getheaders(), text)
        except (OSError, http.client.HTTPException) as error:
            where = f"{address}:{port}" if address == self.hostname else f"{self.hostname} at {address}:{port}"
            raise HttpError(f"{method} {where}: {_cause(error)}") from error
        finally:
            connection.close()

    def form(self, method: str, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Response:
        return self.request(method, path, urlencode(fields), {"Content-Type": FORM, **(headers or {})})

    def json(self, method: str, path: str, value: Any = None, headers: Mapping[str, str] | None = None) -> Response:
        """A request with a JSON body, or without a body where value is None."""
        given = {"Accept": JSON, **(headers or {})}
        if value is None:
            return self.request(method, path, headers=given)
        return self.request(method, path, json.dumps(value), {"Content-Type": JSON, **given})

    def _address(self) -> tuple[str, int]:
        given = self._connect_to() if callable(self._connect_to) else self._connect_to
        if not given:
            return self.hostname, self._port
        host, dummy, port = given.rpartition(":")
        return (host.strip("[]"), int(port)) if host else (given, self._port)

    def _open(self, address: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((address, port), timeout)
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_hostname=self.hostname)
        except BaseException:
            sock.close()
            raise


@functools.lru_cache(maxsize=8)
def _tls(ca_pem: str | None) -> ssl.SSLContext:
    """The system's authorities as well: the directory may be signed by the portal's own, and the balancer by a public one.

    Kept, because reading some 140 authorities took a load of a few requests a second most of its processor time.
    """
    context = ssl.create_default_context()
    # From Python 3.13 on it would refuse authorities without a key usage extension, which those of many directories lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    return context


def behind_balancer(public_url: str, address: str, port: int, timeout: float = 10.0) -> Http:
    """One node over plain HTTP, asked as the balancer in front of it asks: under the public name, with what the client was seen to use."""
    public = urlsplit(public_url)
    forwarded = {
        "X-Forwarded-Proto": public.scheme,
        "X-Forwarded-Host": public.hostname or "",
        "X-Forwarded-Port": str(public.port or (443 if public.scheme == "https" else 80)),
    }
    return Http("http://" + public.netloc + public.path, connect_to=f"{address}:{port}", headers=forwarded, timeout=timeout)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": "Bearer " + token}


def _cause(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "name not found"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return "connection broken off before the answer was complete"
    return str(error) or type(error).__name__
