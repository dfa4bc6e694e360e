# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.aiportal.scaling.plugins.modules.keycloak_directory_info import controllers, failure, question

AD = {
    "id": "c1",
    "name": "corp-ad",
    "providerId": "ldap",
    "config": {"connectionUrl": ["ldaps://dc1:636  ldaps://dc2:636"], "bindDn": ["CN=svc"], "bindCredential": ["**********"]},
}


def test_each_url_is_tried_by_itself() -> None:
    assert [url for _component, url in controllers([AD])] == ["ldaps://dc1:636", "ldaps://dc2:636"]


@pytest.mark.parametrize(
    "component",
    [{**AD, "providerId": "kerberos"}, {**AD, "config": {**AD["config"], "enabled": ["false"]}}, {**AD, "config": {}}],  # type: ignore[dict-item]
)
def test_what_is_no_enabled_directory_is_left_out(component: dict[str, object]) -> None:
    assert controllers([component]) == []


def test_the_secret_stays_with_keycloak() -> None:
    asked = question(AD, "ldaps://dc1:636", "testAuthentication", 2000)
    assert asked["componentId"] == "c1"
    assert asked["bindCredential"] == "**********"
    assert asked["bindDn"] == "CN=svc"


@pytest.mark.parametrize(
    ("connection", "authentication", "sentence"),
    [
        ("ok", "ok", None),
        ("UnknownHost", "not tried", "ldaps://dc1 of ad does not answer (UnknownHost)"),
        ("ok", "AuthenticationFailure", "ldaps://dc1 of ad refuses the bind (AuthenticationFailure)"),
    ],
)
def test_failure(connection: str, authentication: str, sentence: str | None) -> None:
    entry = {"federation": "ad", "url": "ldaps://dc1", "connection": connection, "authentication": authentication}
    assert failure(entry) == sentence
