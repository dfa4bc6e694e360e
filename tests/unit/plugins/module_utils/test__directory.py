# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._directory import (
    STORED_SECRET,
    Bind,
    Directory,
    enabled_federations,
    failures,
    question,
    rebound,
)

URLS = "ldaps://dc1:636  ldaps://dc2:636"
AD: dict[str, Any] = {
    "id": "c1",
    "name": "ad",
    "providerId": "ldap",
    "config": {"connectionUrl": [URLS], "bindDn": ["CN=svc"], "bindCredential": [STORED_SECRET]},
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
    assert enabled_federations([component]) == []


def test_the_secret_stays_with_keycloak() -> None:
    asked = question(AD, "ldaps://dc1:636", "testAuthentication", Bind("CN=svc"), 2000)
    assert asked["componentId"] == "c1"
    assert asked["bindCredential"] == STORED_SECRET
    assert asked["bindDn"] == "CN=svc"


def test_a_refused_bind_is_told() -> None:
    assert failures([], [{"federation": "ad", "authentication": "AuthenticationFailure"}]) == [
        "ad refuses the bind (AuthenticationFailure)"
    ]


def test_an_account_with_its_own_password_needs_no_component() -> None:
    asked = question(AD, "ldaps://dc1:636", "testAuthentication", Bind("CN=other", "geheim"), 2000)
    assert (asked["bindDn"], asked["bindCredential"]) == ("CN=other", "geheim")
    assert "componentId" not in asked


def test_another_account_changes_nothing_else() -> None:
    changed = rebound(AD, Bind("CN=other", "geheim"))
    assert changed["config"] == {**AD["config"], "bindDn": ["CN=other"], "bindCredential": ["geheim"]}
    assert {key: value for key, value in changed.items() if key != "config"} == {key: value for key, value in AD.items() if key != "config"}
    assert AD["config"]["bindDn"] == ["CN=svc"]
