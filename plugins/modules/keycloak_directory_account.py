#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_directory_account
short_description: Let Keycloak bind to its LDAP directory with another account, without a failed login
version_added: 0.1.0
description:
  - Puts another account, distinguished name and password together, into an LDAP federation of a realm, after every controller took it.
  - Active Directory refuses the old password of an account in LDAP from the moment it is changed.
    A new password of the same account therefore breaks logins until Keycloak has it.
    Go from one account to another instead, and back the next time.
  - Everything else of the federation stays as it is. The other nodes of the cluster learn of it from Keycloak.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._keycloak_node
  - aiportal.scaling._keycloak_node.admin
attributes:
  check_mode:
    support: full
    details: The controllers are asked in check mode as well.
  diff_mode:
    support: full
    details: Shows the distinguished names, and a word where only the password changes.
  idempotent:
    support: full
    details: Keycloak does not show the password that it holds. It is taken as the right one while the directory accepts it.
options:
  federation:
    description: Name of the federation. May be left out when the realm has one enabled LDAP federation.
    type: str
  bind_dn:
    description: Distinguished name of the account that Keycloak is to bind with.
    type: str
    required: true
  bind_password:
    description: Its password.
    type: str
    required: true
  connection_timeout:
    description: Milliseconds that Keycloak waits for a connection to one controller.
    type: int
    default: 2000
"""

EXAMPLES = r"""
- name: Bind with the other service account
  aiportal.scaling.keycloak_directory_account:
    address: 10.0.1.10
    hostname: auth.example.com
    realm: aiportal
    admin_username: admin
    admin_password: "{{ admin_password }}"
    bind_dn: CN=svc-keycloak-2,OU=Service,OU=CORP,DC=corp,DC=example,DC=com
    bind_password: "{{ new_password }}"
"""

RETURN = r"""
federation:
  description: Name of the federation.
  returned: success
  type: str
  sample: corp-ad
controllers:
  description: The URLs that took the account, each by itself.
  returned: success
  type: list
  elements: str
  sample: ["ldaps://dc1.corp.example.com:636", "ldaps://dc2.corp.example.com:636"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._directory import Bind, Component, Directory, setting, urls
from ansible_collections.aiportal.scaling.plugins.module_utils._http import behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import (
    ADMIN_ARGUMENTS,
    NODE_ARGUMENTS,
    AdminError,
    HttpError,
    KeycloakAdmin,
)


class AccountError(Exception):
    """The account cannot be taken: the message says why and what to do."""


def chosen(federations: list[Component], name: str | None) -> Component:
    found = [one for one in federations if name in (None, one["name"])]
    if len(found) != 1:
        names = ", ".join(one["name"] for one in federations) or "none"
        raise AccountError("federation: the realm's enabled LDAP federations are %s; name one of them" % names)
    if setting(found[0], "bindCredential").startswith("${vault."):
        raise AccountError("federation: %s takes its secret from Keycloak's vault; change it there" % found[0]["name"])
    return found[0]


def change_account(directory: Directory, component: Component, bind: Bind, check_mode: bool) -> dict[str, Any]:
    """What is changed, as a diff; empty if nothing."""
    refused = directory.refusals(component, bind)
    if refused:
        raise AccountError(
            "bind_dn, bind_password: %s is not taken by %s; create the account, or wait until the directory has replicated it"
            % (bind.dn, ", ".join(refused))
        )
    before = setting(component, "bindDn")
    other_account = before.lower() != bind.dn.lower()
    if not other_account and directory.bound(component) == "ok":
        return {}
    if not check_mode:
        directory.rebind(component, bind)
    word = "" if other_account else " (another password)"
    return {"before": {"bindDn": before}, "after": {"bindDn": bind.dn + word}}


def run(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    http = behind_balancer("https://" + given["hostname"], given["address"], given["http_port"], timeout=30.0)
    admin = KeycloakAdmin(http, given["admin_username"], given["admin_password"], given["admin_realm"])
    directory = Directory(admin, given["realm"], given["connection_timeout"])
    component = chosen(directory.federations, given["federation"])
    diff = change_account(directory, component, Bind(given["bind_dn"], given["bind_password"]), check_mode)
    return {"changed": bool(diff), "diff": diff, "federation": component["name"], "controllers": urls(component)}


def main() -> None:
    arguments = {
        **NODE_ARGUMENTS,
        **ADMIN_ARGUMENTS,
        "federation": {"type": "str"},
        "bind_dn": {"type": "str", "required": True},
        "bind_password": {"type": "str", "required": True, "no_log": True},
        "connection_timeout": {"type": "int", "default": 2000},
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except AccountError as error:
        module.fail_json(msg=str(error))
    except (AdminError, HttpError) as error:
        module.fail_json(msg="The federation could not be changed through %s: %s" % (module.params["address"], error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
