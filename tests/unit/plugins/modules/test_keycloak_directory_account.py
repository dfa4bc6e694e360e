# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._directory import STORED_SECRET, Bind, Component
from ansible_collections.aiportal.scaling.plugins.modules.keycloak_directory_account import AccountError, change_account, chosen

AD: Component = {
    "id": "c1",
    "name": "ad",
    "providerId": "ldap",
    "config": {"connectionUrl": ["ldaps://dc1:636 ldaps://dc2:636"], "bindDn": ["CN=svc"], "bindCredential": [STORED_SECRET]},
}
OTHER = Bind("CN=svc-2", "geheim")


class Directory:
    """The directory's side: which accounts each controller takes, and whether it takes what Keycloak holds."""

    def __init__(self, refused: list[str], bound: str = "ok") -> None:
        self._refused, self._bound = refused, bound
        self.rebound: list[Bind] = []

    def refusals(self, component: Component, bind: Bind) -> list[str]:
        return self._refused

    def bound(self, component: Component) -> str:
        return self._bound

    def rebind(self, component: Component, bind: Bind) -> None:
        self.rebound.append(bind)


def change(directory: Directory, bind: Bind, check_mode: bool = False) -> dict[str, Any]:
    return change_account(directory, AD, bind, check_mode)  # type: ignore[arg-type]


def test_another_account_is_put_in_once_every_controller_takes_it() -> None:
    directory = Directory([])
    assert change(directory, OTHER) == {"before": {"bindDn": "CN=svc"}, "after": {"bindDn": "CN=svc-2"}}
    assert directory.rebound == [OTHER]


def test_check_mode_says_the_same_and_changes_nothing() -> None:
    directory = Directory([])
    assert change(directory, OTHER, check_mode=True) == change(Directory([]), OTHER)
    assert directory.rebound == []


def test_a_controller_that_does_not_take_it_yet_is_named_and_nothing_changes() -> None:
    directory = Directory(["ldaps://dc2:636 (AuthenticationFailure)"])
    with pytest.raises(AccountError, match=r"CN=svc-2 is not taken by ldaps://dc2:636 \(AuthenticationFailure\)"):
        change(directory, OTHER)
    assert directory.rebound == []


def test_the_same_account_is_left_alone_while_its_password_is_accepted() -> None:
    directory = Directory([])
    assert change(directory, Bind("cn=SVC", "geheim")) == {}
    assert directory.rebound == []


def test_another_password_of_the_same_account_is_seen_in_the_diff_without_being_shown() -> None:
    diff = change(Directory([], bound="AuthenticationFailure"), Bind("CN=svc", "geheim"))
    assert diff["after"] == {"bindDn": "CN=svc (another password)"}


@pytest.mark.parametrize(
    ("federations", "name", "sentence"),
    [
        ([], None, "are none"),
        ([AD, {**AD, "name": "old"}], None, "are ad, old; name one"),
        ([AD], "hr", "are ad; name one"),
        ([{**AD, "config": {"bindCredential": ["${vault.ad}"]}}], None, "Keycloak's vault"),
    ],
)
def test_which_federation(federations: list[Component], name: str | None, sentence: str) -> None:
    with pytest.raises(AccountError, match=sentence):
        chosen(federations, name)
