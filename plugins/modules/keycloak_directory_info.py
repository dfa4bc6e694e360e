#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_directory_info
short_description: Prove from a Keycloak node that every controller of every LDAP directory answers and accepts the bind
version_added: 0.1.0
description:
  - Asks one Keycloak node to connect and to bind to each URL of each LDAP federation of a realm, with the secret that Keycloak holds.
  - Each URL is tried by itself. Asked for two at once, Keycloak answers well as long as one of them does, so a dead controller stays unseen.
  - Nothing is installed on the node and the bind secret never leaves Keycloak.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
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
  description: One entry for each URL of each enabled LDAP federation of the realm.
  returned: success
  type: list
  elements: dict
  sample:
    - {federation: corp-ad, url: "ldaps://dc1.corp.example.com:636", connection: ok, authentication: ok}
    - {federation: corp-ad, url: "ldaps://dc2.corp.example.com:636", connection: CommunicationError, authentication: not tried}
failures:
  description: One sentence for each controller that does not answer or refuses the bind. Empty when all is well.
  returned: success
  type: list
  elements: str
  sample: ["ldaps://dc2.corp.example.com:636 of corp-ad does not answer (CommunicationError)"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import (
    ADMIN_ARGUMENTS,
    NODE_ARGUMENTS,
    AdminError,
    HttpError,
    KeycloakAdmin,
    node_http,
    realm_path,
)

PROVIDER_TYPE = "org.keycloak.storage.UserStorageProvider"
STORED_SECRET = "**********"  # with componentId Keycloak puts the secret that it holds in its place


def controllers(components: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Each enabled LDAP component with each of its URLs: connectionUrl holds them separated by spaces."""
    ldap = [c for c in components if c.get("providerId") == "ldap" and _setting(c, "enabled", "true") == "true"]
    return [(component, url) for component in ldap for url in _setting(component, "connectionUrl").split()]


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


def failure(entry: dict[str, str]) -> str | None:
    name = "%s of %s" % (entry["url"], entry["federation"])
    if entry["connection"] != "ok":
        return "%s does not answer (%s)" % (name, entry["connection"])
    if entry["authentication"] != "ok":
        return "%s refuses the bind (%s)" % (name, entry["authentication"])
    return None


def _setting(component: dict[str, Any], key: str, default: str = "") -> str:
    return str((component.get("config", {}).get(key) or [default])[0])


def _ask(admin: KeycloakAdmin, realm: str, component: dict[str, Any], url: str, timeout: int) -> dict[str, str]:
    entry = {"federation": component["name"], "url": url, "connection": "not tried", "authentication": "not tried"}
    for key, action in (("connection", "testConnection"), ("authentication", "testAuthentication")):
        answer = admin.call("POST", realm_path(realm, "/testLDAPConnection"), question(component, url, action, timeout))
        entry[key] = "ok" if answer.status == 204 else str(answer.json().get("errorMessage", answer.status))
        if entry[key] != "ok":
            break
    return entry


def main() -> None:
    arguments = {**NODE_ARGUMENTS, **ADMIN_ARGUMENTS, "connection_timeout": {"type": "int", "default": 2000}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    given = module.params
    try:
        http = node_http(given["address"], given["http_port"], given["hostname"], timeout=30.0)
        admin = KeycloakAdmin(http, given["admin_username"], given["admin_password"], given["admin_realm"])
        components = admin.get(realm_path(given["realm"], "/components?type=" + PROVIDER_TYPE))
        found = [_ask(admin, given["realm"], c, url, given["connection_timeout"]) for c, url in controllers(components)]
    except (AdminError, HttpError) as error:
        module.fail_json(msg="The directory could not be tried through %s: %s" % (given["address"], error))
    module.exit_json(changed=False, controllers=found, failures=[text for text in map(failure, found) if text])


if __name__ == "__main__":
    main()
