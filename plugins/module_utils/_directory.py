# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the LDAP federations of a realm, and what its directory answers, asked through one Keycloak node."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin, realm_path

PROVIDER_TYPE = "org.keycloak.storage.UserStorageProvider"
STORED_SECRET = "**********"  # what Keycloak shows for the secret that it holds; sent back to it, it means that one

Component = dict[str, Any]


@dataclass(frozen=True)
class Bind:
    """An account of the directory. Without a password, the one that Keycloak holds for the federation is meant."""

    dn: str
    password: str = STORED_SECRET


def setting(component: Mapping[str, Any], key: str, default: str = "") -> str:
    return str((component.get("config", {}).get(key) or [default])[0])


def urls(component: Mapping[str, Any]) -> list[str]:
    return setting(component, "connectionUrl").split()


def enabled_federations(components: list[Component]) -> list[Component]:
    """The enabled LDAP components that name a server."""
    ldap = [component for component in components if component.get("providerId") == "ldap"]
    return [component for component in ldap if setting(component, "enabled", "true") == "true" and urls(component)]


def question(component: Component, url: str, action: str, bind: Bind, timeout: int) -> dict[str, str]:
    asked = {
        "action": action,
        "connectionUrl": url,
        "authType": setting(component, "authType", "simple"),
        "bindDn": bind.dn,
        "bindCredential": bind.password,
        "useTruststoreSpi": setting(component, "useTruststoreSpi", "always"),
        "connectionTimeout": str(timeout),
        "startTls": setting(component, "startTls", "false"),
    }
    # With its id Keycloak puts the secret that it holds in the place of the mask.
    return {**asked, "componentId": component["id"]} if bind.password == STORED_SECRET else asked


def rebound(component: Component, bind: Bind) -> Component:
    """The component with another account to bind with."""
    changed = copy.deepcopy(component)
    changed["config"].update({"bindDn": [bind.dn], "bindCredential": [bind.password]})
    return changed


class Directory:
    """What one Keycloak node says of the directories of a realm."""

    def __init__(self, admin: KeycloakAdmin, realm: str, timeout: int) -> None:
        self._admin = admin
        self._realm = realm
        self._timeout = timeout
        self.federations = enabled_federations(admin.get(realm_path(realm, "/components?type=" + PROVIDER_TYPE)))

    def controllers(self) -> list[dict[str, str]]:
        return [
            {"federation": one["name"], "url": url, "connection": self._ask(one, url, "testConnection", Bind(setting(one, "bindDn")))}
            for one in self.federations
            for url in urls(one)
        ]

    def binds(self) -> list[dict[str, str]]:
        return [{"federation": one["name"], "authentication": self.bound(one)} for one in self.federations]

    def bound(self, component: Component) -> str:
        """Whether the directory takes what the federation holds. Keycloak lends its secret to the connectionUrl as it is, not to a part."""
        return self._ask(component, setting(component, "connectionUrl"), "testAuthentication", Bind(setting(component, "bindDn")))

    def refusals(self, component: Component, bind: Bind) -> list[str]:
        """Each controller by itself that does not take the account, and why."""
        answers = {url: self._ask(component, url, "testAuthentication", bind) for url in urls(component)}
        return ["%s (%s)" % (url, answer) for url, answer in answers.items() if answer != "ok"]

    def rebind(self, component: Component, bind: Bind) -> None:
        """Account and secret change in one step; Keycloak tells the other nodes of its cluster."""
        self._admin.put(realm_path(self._realm, "/components/" + component["id"]), rebound(component, bind))

    def _ask(self, component: Component, url: str, action: str, bind: Bind) -> str:
        asked = question(component, url, action, bind, self._timeout)
        answer = self._admin.call("POST", realm_path(self._realm, "/testLDAPConnection"), asked)
        return "ok" if answer.status == 204 else str(answer.json().get("errorMessage", answer.status))


def failures(found: list[dict[str, str]], binds: list[dict[str, str]]) -> list[str]:
    dead = ["%(url)s of %(federation)s does not answer (%(connection)s)" % entry for entry in found if entry["connection"] != "ok"]
    refused = ["%(federation)s refuses the bind (%(authentication)s)" % entry for entry in binds if entry["authentication"] != "ok"]
    return dead + refused
