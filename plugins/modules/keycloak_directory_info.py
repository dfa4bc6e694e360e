#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_directory_info
short_description: Prove from a Keycloak node that every controller of an LDAP directory answers and that it accepts the bind
version_added: 0.1.0
description:
  - Asks one Keycloak node to connect and to bind to each URL of each LDAP federation of a realm, with the secret that Keycloak holds.
  - Each URL is tried by itself.
    Asked for two at once, Keycloak answers well as long as one of them does, so a dead controller stays unseen.
  - Nothing is installed on the node and the bind secret never leaves Keycloak.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._keycloak_node
  - aiportal.scaling._keycloak_node.admin
options:
  connection_timeout:
    description: Milliseconds that Keycloak waits for a connection to one controller.
    type: int
    default: 2000
"""

EXAMPLES = r"""
- name: Bind to each domain controller from the node that serves today
  aiportal.scaling.keycloak_directory_info:
    address: 10.0.1.10
    hostname: auth.example.com
    realm: aiportal
    admin_username: admin
    admin_password: "{{ admin_password }}"
  register: directory

- name: Refuse a directory that does not answer
  ansible.builtin.assert:
    that: directory.failures | length == 0
"""

RETURN = r"""
controllers:
  description: One entry for each URL of each enabled LDAP federation of the realm, and what connecting to it gave.
  returned: success
  type: list
  elements: dict
  sample:
    - {federation: corp-ad, url: "ldaps://dc1.corp.example.com:636", connection: ok}
    - {federation: corp-ad, url: "ldaps://dc2.corp.example.com:636", connection: CommunicationError}
binds:
  description: One entry for each federation, and what binding with its own secret gave.
  returned: success
  type: list
  elements: dict
  sample:
    - {federation: corp-ad, authentication: ok}
failures:
  description: One sentence for each controller that does not answer and each federation whose bind is refused. Empty when all is well.
  returned: success
  type: list
  elements: str
  sample: ["ldaps://dc2.corp.example.com:636 of corp-ad does not answer (CommunicationError)"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._http import behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import (
    ADMIN_ARGUMENTS,
    NODE_ARGUMENTS,
    AdminError,
    HttpError,
    KeycloakAdmin,
    realm_path,
)

PROVIDER_TYPE = "org.keycloak.storage.UserStorageProvider"
STORED_SECRET = "**********"  # with componentId Keycloak puts the secret that it holds in its place


def federations(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The enabled LDAP components that name a server."""
    ldap = [component for component in components if component.get("providerId") == "ldap"]
    return [component for component in ldap if _setting(component, "enabled", "true") == "true" and _setting(component, "connectionUrl")]


def question(component: dict[str, Any], url: str, action: str, timeout: int) -> dict[str, str]:
    return {
        "action": action,
        "connectionUrl": url,
        "authType": _setting(component, "authType", "simple"),
        "bindDn": _setting(component, "bindDn"),
        "bindCredential": STORED_SECRET,
        "useTruststoreSpi": _setting(component, "useTruststoreSpi", "always"),
        "connectionTimeout": str(timeout),
        "startTls": _setting(component, "startTls", "false"),
        "componentId": component["id"],
    }


def failures(found: list[dict[str, str]], binds: list[dict[str, str]]) -> list[str]:
    dead = ["%(url)s of %(federation)s does not answer (%(connection)s)" % entry for entry in found if entry["connection"] != "ok"]
    refused = ["%(federation)s refuses the bind (%(authentication)s)" % entry for entry in binds if entry["authentication"] != "ok"]
    return dead + refused


def _setting(component: dict[str, Any], key: str, default: str = "") -> str:
    return str((component.get("config", {}).get(key) or [default])[0])


class Directory:
    """What one Keycloak node says of the directories of a realm."""

    def __init__(self, admin: KeycloakAdmin, realm: str, timeout: int) -> None:
        self._admin = admin
        self._realm = realm
        self._timeout = timeout
        self._federations = federations(admin.get(realm_path(realm, "/components?type=" + PROVIDER_TYPE)))

    def controllers(self) -> list[dict[str, str]]:
        return [
            {"federation": component["name"], "url": url, "connection": self._ask(component, url, "testConnection")}
            for component in self._federations
            for url in _setting(component, "connectionUrl").split()
        ]

    def binds(self) -> list[dict[str, str]]:
        return [
            {"federation": one["name"], "authentication": self._ask(one, _setting(one, "connectionUrl"), "testAuthentication")}
            for one in self._federations
        ]

    def _ask(self, component: dict[str, Any], url: str, action: str) -> str:
        answer = self._admin.call("POST", realm_path(self._realm, "/testLDAPConnection"), question(component, url, action, self._timeout))
        return "ok" if answer.status == 204 else str(answer.json().get("errorMessage", answer.status))


def main() -> None:
    arguments = {**NODE_ARGUMENTS, **ADMIN_ARGUMENTS, "connection_timeout": {"type": "int", "default": 2000}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    given = module.params
    try:
        http = behind_balancer("https://" + given["hostname"], given["address"], given["http_port"], timeout=30.0)
        admin = KeycloakAdmin(http, given["admin_username"], given["admin_password"], given["admin_realm"])
        directory = Directory(admin, given["realm"], given["connection_timeout"])
        found, binds = directory.controllers(), directory.binds()
    except (AdminError, HttpError) as error:
        module.fail_json(msg="The directory could not be tried through %s: %s" % (given["address"], error))
    module.exit_json(changed=False, controllers=found, binds=binds, failures=failures(found, binds))


if __name__ == "__main__":
    main()
