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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._directory import Directory, failures
from ansible_collections.aiportal.scaling.plugins.module_utils._http import behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import (
    ADMIN_ARGUMENTS,
    NODE_ARGUMENTS,
    AdminError,
    HttpError,
    KeycloakAdmin,
)


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
