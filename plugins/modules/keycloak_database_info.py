#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_database_info
short_description: Look at the PostgreSQL database that Keycloak nodes share
version_added: 0.1.0
description:
  - Reads the connection budget of the server, its clock, and Keycloak's state in the database.
    That is the release it was migrated to, users, sessions, a digest of each realm's settings, and the discovery table of the cluster.
  - Runs on a node, so that it also proves that this node reaches the database. It needs nothing but Python there.
  - Every transaction is read only.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._keycloak_database
options:
  ignore_clients:
    description:
      - Client IDs that are left out of the digests, because they belong to the tools and not to the portal.
      - The client of the cluster probe is one.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for the server at each step.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Look at the database from the node
  aiportal.scaling.keycloak_database_info:
    host: aiportal.abcdefghijkl.eu-west-1.rds.amazonaws.com
    name: keycloak
    username: keycloak
    password: "{{ database_password }}"
    ca_pem: "{{ lookup('ansible.builtin.file', 'global-bundle.pem') }}"
  register: database

- name: Refuse pools that the database cannot serve
  ansible.builtin.assert:
    that: 3 * 20 <= database.max_connections - database.reserved_connections - 20
"""

RETURN = r"""
server_version:
  description: Version of PostgreSQL.
  returned: success
  type: str
  sample: "15.18"
max_connections:
  description: Connections the server accepts at all.
  returned: success
  type: int
  sample: 120
reserved_connections:
  description: Those of them that an ordinary user never gets (for superusers, and on RDS for its own).
  returned: success
  type: int
  sample: 5
connections:
  description: Connections open now, this module's own included.
  returned: success
  type: dict
  sample: {total: 12, by_user: {keycloak: 11, postgres: 1}}
is_in_recovery:
  description: Whether the server is a replica. Keycloak needs the primary.
  returned: success
  type: bool
  sample: false
clock:
  description: The server's clock in seconds since the epoch.
  returned: success
  type: float
  sample: 1795508927.52
clock_offset:
  description: Seconds by which the server's clock is ahead of this host's.
  returned: success
  type: float
  sample: -0.004
keycloak:
  description: Keycloak's state. Without tables of Keycloak only RV(keycloak.present) is there.
  returned: success
  type: dict
  contains:
    present:
      description: Whether Keycloak ever started on this database.
      type: bool
    version:
      description: Release the database was migrated to last.
      type: str
    users:
      description: Users of all realms, among them those imported from a directory.
      type: int
    federated_users:
      description: Users that were imported from a directory.
      type: int
    sessions:
      description: User sessions, among them ended ones that are not yet deleted.
      type: int
    offline_sessions:
      description: Offline user sessions.
      type: int
    realms:
      description:
        - Each realm by its name, with the same counts.
        - C(disabled_clients) lists the client IDs that nobody can use.
        - C(digest) is equal as long as no setting of the realm changed. Secrets are not part of it.
        - C(settings) has the digest of each table, to tell where a change is.
      type: dict
  sample:
    present: true
    version: 26.7.4
    users: 52
    federated_users: 50
    sessions: 203
    offline_sessions: 0
    realms:
      aiportal:
        users: 50
        federated_users: 50
        sessions: 202
        offline_sessions: 0
        disabled_clients: [aiportal-scaling]
        digest: 1f0c…
        settings: {realm: 9ab1…, client: 77fe…}
jgroups_ping:
  description: Rows of the discovery table, stale ones included.
  returned: success
  type: list
  elements: dict
  sample:
    - address: uuid://00000000-0000-0000-0000-000000000001
      name: kc-1-54491
      cluster_name: aiportal
      ip: 10.0.1.11:7800
      coord: true
      last_update: 1795508927
      age_s: 12
      coordinated_by: uuid://00000000-0000-0000-0000-000000000001
error:
  description: What kind of failure it is.
  returned: failure
  type: str
  sample: auth
sqlstate:
  description: PostgreSQL's code of the failure, where it has one.
  returned: failure
  type: str
  sample: 28P01
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_database import (
    DATABASE_ARGUMENTS,
    explain,
    read_keycloak,
    read_ping,
    read_server,
    target_from,
)
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError, connect


def look(options: dict[str, Any]) -> dict[str, Any]:
    with connect(target_from(options, options["timeout"])) as database:
        return {
            **read_server(database),
            "keycloak": read_keycloak(database, options["ignore_clients"]),
            "jgroups_ping": read_ping(database),
        }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **DATABASE_ARGUMENTS,
            "ignore_clients": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 10.0},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **look(module.params))
    except PostgresError as error:
        module.fail_json(msg=explain(error), error=error.kind, sqlstate=error.sqlstate)


if __name__ == "__main__":
    main()
