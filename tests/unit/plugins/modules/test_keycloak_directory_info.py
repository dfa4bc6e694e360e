# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.modules.keycloak_directory_info import Directory, failures, federations, question

URLS = "ldaps://dc1:636  ldaps://dc2:636"
AD: dict[str, Any] = {
    "id": "c1",
    "name": "ad",
    "providerId": "ldap",
    "config": {"connectionUrl": [URLS], "bindDn": ["CN=svc"], "bindCredential": ["**********"]},
}


class Answer:
    def __init__(self, status: int, error: str = "") -> None:
        self.status = status
        self._error = error

    def json(self) -> dict[str, str]:
        return {"errorMessage": self._error}


class Admin:
    """Keycloak's side: dc2 is dead, and the secret is lent only to the URLs as they are configured."""

    def get(self, path: str) -> list[dict[str, Any]]:
        assert path.startswith("/aiportal/components")
        return [AD]

    def call(self, method: str, path: str, value: dict[str, str]) -> Answer:
        assert (method, path) == ("POST", "/aiportal/testLDAPConnection")
        if value["action"] == "testAuthentication":
            return Answer(204) if value["connectionUrl"] == URLS else Answer(400, "AuthenticationFailure")
        return Answer(400, "CommunicationError") if value["connectionUrl"] == "ldaps://dc2:636" else Answer(204)


def test_each_controller_by_itself_and_the_bind_as_configured() -> None:
    directory = Directory(Admin(), "aiportal", 2000)  # type: ignore[arg-type]
    assert [(entry["url"], entry["connection"]) for entry in directory.controllers()] == [
        ("ldaps://dc1:636", "ok"),
        ("ldaps://dc2:636", "CommunicationError"),
    ]
    assert directory.binds() == [{"federation": "ad", "authentication": "ok"}]
    assert failures(directory.controllers(), directory.binds()) == ["ldaps://dc2:636 of ad does not answer (CommunicationError)"]


@pytest.mark.parametrize(
    "component",
    [{**AD, "providerId": "kerberos"}, {**AD, "config": {**AD["config"], "enabled": ["false"]}}, {**AD, "config": {}}],
)
def test_what_is_no_enabled_directory_is_left_out(component: dict[str, Any]) -> None:
    assert federations([component]) == []


def test_the_secret_stays_with_keycloak() -> None:
    asked = question(AD, "ldaps://dc1:636", "testAuthentication", 2000)
    assert asked["componentId"] == "c1"
    assert asked["bindCredential"] == "**********"
    assert asked["bindDn"] == "CN=svc"


def test_a_refused_bind_is_told() -> None:
    assert failures([], [{"federation": "ad", "authentication": "AuthenticationFailure"}]) == [
        "ad refuses the bind (AuthenticationFailure)"
    ]
