# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: one Keycloak node, spoken to directly under the public name, and its admin REST API."""

from __future__ import annotations

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


class AdminError(Exception):
    """The admin API refused: the message says what was asked and what was answered."""


class KeycloakAdmin:
    """The admin REST API of one node. A token lives a minute and a run takes seconds: it is fetched once."""

    def __init__(self, http: Http, username: str, password: str, realm: str = "master") -> None:
        self._http = http
        self._headers = bearer(_token(http, username, password, realm))

    def get(self, path: str) -> Any:
        return self._ok("GET", path, None).json()

    def post(self, path: str, value: Mapping[str, Any] | None = None) -> Response:
        return self._ok("POST", path, value)

    def call(self, method: str, path: str, value: Mapping[str, Any] | None = None) -> Response:
        """A request whose refusal is an answer to be looked at."""
        return self._http.json(method, "/admin/realms" + path, value, self._headers)

    def release(self) -> str:
        """The node's own release; empty where it may not be seen, or is not told in time: a cold node collects it slowly."""
        try:
            answer = self._http.json("GET", "/admin/serverinfo", None, self._headers)
            return str(answer.json().get("systemInfo", {}).get("version", "")) if answer.status == 200 else ""
        except HttpError:
            return ""

    def _ok(self, method: str, path: str, value: Mapping[str, Any] | None) -> Response:
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
