# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: one Keycloak node, spoken to directly under the public name, and its admin REST API."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError, Response, bearer

NODE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "address": {"type": "str", "required": True},
    "http_port": {"type": "int", "default": 8080},
    "hostname": {"type": "str", "required": True},
    "realm": {"type": "str", "required": True},
}
ADMIN_ARGUMENTS: dict[str, dict[str, Any]] = {
    "admin_realm": {"type": "str", "default": "master"},
    "admin_username": {"type": "str", "required": True},
    "admin_password": {"type": "str", "required": True, "no_log": True},
}

TOKEN_SECONDS = 30.0


class AdminError(Exception):
    """The admin API refused: the message says what was asked and what was answered."""


class KeycloakAdmin:
    """The admin REST API as one administrator. A token lives a minute, and each costs the server a slow hash of the password."""

    def __init__(self, http: Http, username: str, password: str, realm: str = "master") -> None:
        self._http = http
        self._account = (username, password, realm)
        self._log_in()

    def at(self, http: Http) -> KeycloakAdmin:
        """The same administrator with the same token, at another node of the same database."""
        other = copy.copy(self)
        other._http = http
        return other

    def _log_in(self) -> None:
        self._headers = bearer(_token(self._http, *self._account))
        self._since = time.monotonic()

    def get(self, path: str) -> Any:
        return self._ok("GET", path, None).json()

    def post(self, path: str, value: Any = None) -> Response:
        return self._ok("POST", path, value)

    def put(self, path: str, value: Any) -> Response:
        return self._ok("PUT", path, value)

    def delete(self, path: str) -> Response:
        return self._ok("DELETE", path, None)

    def create(self, path: str, value: Mapping[str, Any]) -> str:
        """The id of what was created."""
        return str(self.post(path, value).header("Location")).rpartition("/")[2]

    def call(self, method: str, path: str, value: Any = None) -> Response:
        """A request whose refusal is an answer to be looked at."""
        return self._ask(method, "/admin/realms" + path, value)

    def release(self) -> str:
        """The node's own release; empty where it may not be seen, or is not told in time: a cold node collects it slowly."""
        try:
            answer = self._ask("GET", "/admin/serverinfo", None)
            return str(answer.json().get("systemInfo", {}).get("version", "")) if answer.status == 200 else ""
        except HttpError:
            return ""

    def _ask(self, method: str, path: str, value: Any) -> Response:
        if time.monotonic() - self._since > TOKEN_SECONDS:
            self._log_in()
        answer = self._http.json(method, path, value, self._headers)
        # Nodes that keep their sessions in memory, and hear nothing of one another, do not know each other's tokens.
        if answer.status == 401:
            self._log_in()
            answer = self._http.json(method, path, value, self._headers)
        return answer

    def _ok(self, method: str, path: str, value: Any) -> Response:
        answer = self.call(method, path, value)
        if answer.status >= 300:
            raise AdminError("%s /admin/realms%s was answered with %d: %s" % (method, path, answer.status, answer.text[:200]))
        return answer


def realm_path(realm: str, rest: str = "") -> str:
    return "/" + quote(realm, safe="") + rest


def _token(http: Http, username: str, password: str, realm: str) -> str:
    fields = {"grant_type": "password", "client_id": "admin-cli", "username": username, "password": password}
    answer = http.form("POST", "/realms/%s/protocol/openid-connect/token" % quote(realm, safe=""), fields)
    if answer.status != 200:
        error = answer.json() if answer.text.startswith("{") else {}
        raise AdminError(
            "the administrator %s cannot log in to realm %s (%d %s): "
            "correct admin_username and admin_password, the account must have no required action"
            % (username, realm, answer.status, error.get("error_description", error.get("error", "")))
        )
    return str(answer.json()["access_token"])


__all__ = ["ADMIN_ARGUMENTS", "NODE_ARGUMENTS", "AdminError", "HttpError", "KeycloakAdmin", "realm_path"]
