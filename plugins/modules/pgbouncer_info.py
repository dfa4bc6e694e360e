#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_info
short_description: Look at a PgBouncer and at a database through it
version_added: 0.1.0
description:
  - Logs in at a PgBouncer as a client does, asks the database behind it who it is, and reads the pools.
  - Unlike other clients it sets nothing in the session, which in transaction mode belongs to others, too.
  - Where all connections of a pool in session mode are taken, one more client would wait until another leaves, which those of an
    application's pool never do. Then the pooler is asked for its connections to the server, instead of the server.
  - It needs nothing but Python on the host. The pools are read only where the user is one of PgBouncer's C(stats_users).
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._keycloak_database
options:
  timeout:
    description: Seconds to wait for the pooler at each step.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Look at the pooler of this node
  aiportal.scaling.pgbouncer_info:
    host: localhost
    port: 6432
    name: keycloak
    username: keycloak
    password: "{{ database_password }}"
    ca_pem: "{{ lookup('ansible.builtin.file', 'pooler.pem') }}"
  register: pooler
"""

RETURN = r"""
version:
  description: Version of PgBouncer.
  returned: when the user may look at the console
  type: str
  sample: 1.18.0
server:
  description: The connection behind the pooler.
  returned: success
  type: dict
  contains:
    version:
      description: Version of PostgreSQL. Not there when all connections of a pool in session mode are taken.
      type: str
    tls:
      description: Protocol between the pooler and the server. Empty when it, or one of the connections that are taken, is not encrypted.
      type: str
    is_in_recovery:
      description: Whether the server is a replica. Not there when all connections of a pool in session mode are taken.
      type: bool
  sample: {version: "15.18", tls: TLSv1.3, is_in_recovery: false}
pool_mode:
  description: How the database is pooled.
  returned: when the user may look at the console
  type: str
  sample: session
pools:
  description: Connections of this database by user, the clients' and the server's.
  returned: when the user may look at the console
  type: list
  elements: dict
  sample:
    - {user: keycloak, clients_active: 20, clients_waiting: 0, servers_active: 20, servers_idle: 0, longest_wait: 0}
error:
  description: What kind of failure it is.
  returned: failure
  type: str
  sample: auth
sqlstate:
  description: PostgreSQL's code of the failure, where it has one.
  returned: failure
  type: str
  sample: 08P01
"""

from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_database import DATABASE_ARGUMENTS, explain, target_from
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError, Row, Target, connect

# One transaction in one message: nothing of it stays in a connection that others use.
SERVER_SQL = """
BEGIN READ ONLY;
SELECT split_part(current_setting('server_version'), ' ', 1) AS version, coalesce(s.version, '') AS tls,
       pg_is_in_recovery() AS is_in_recovery
FROM (SELECT 1) one LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid() AND s.ssl;
"""


def look(target: Target) -> dict[str, Any]:
    if taken := taken_connections(target):
        return {"server": {"tls": min(protocol(row) for row in taken)}, **look_at_pools(target)}
    with connect(target, session_sql="") as database:
        server = database.query(SERVER_SQL)[0]
        database.query("ROLLBACK")
        # The console, while the pool is in use: it is not listed before.
        return {"server": server, **look_at_pools(target)}


def taken_connections(target: Target) -> list[Row]:
    """Those to the server, where none is left for another client before one of the present clients leaves."""
    pools, databases, servers = ask_console(target, "SHOW POOLS", "SHOW DATABASES", "SHOW SERVERS")
    settings = next((row for row in databases if row["name"] == target.name), {})
    most = int(settings.get("max_connections") or settings.get("pool_size") or 0)
    held = any(row["pool_mode"] == "session" for row in of_database(target, pools))
    active = [row for row in of_database(target, servers) if row["state"] == "active"]
    return active if held and len(active) >= most > 0 else []


def protocol(connection: Row) -> str:
    """Of "TLSv1.3/TLS_AES_256_GCM_SHA384/ECDH=prime256v1"."""
    return str(connection["tls"] or "").partition("/")[0]


def look_at_pools(target: Target) -> dict[str, Any]:
    version, pools = ask_console(target, "SHOW VERSION", "SHOW POOLS")
    if not version:
        return {}
    rows = of_database(target, pools)
    return {"version": str(version[0]["version"]).split()[-1], "pool_mode": rows[0]["pool_mode"], "pools": [pool(row) for row in rows]}


def ask_console(target: Target, *statements: str) -> list[list[Row]]:
    """The rows of each; none where who may use the database is not let in at the console."""
    try:
        with connect(replace(target, name="pgbouncer"), session_sql="") as console:
            return [console.query(statement) for statement in statements]
    except PostgresError as error:
        if error.kind == "auth":
            return [[] for dummy in statements]
        raise


def of_database(target: Target, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["database"] == target.name]


def pool(row: Row) -> dict[str, Any]:
    return {
        "user": row["user"],
        "clients_active": row["cl_active"],
        "clients_waiting": row["cl_waiting"],
        "servers_active": row["sv_active"],
        "servers_idle": int(row["sv_idle"] or 0) + int(row["sv_used"] or 0) + int(row["sv_tested"] or 0),
        "longest_wait": row["maxwait"],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={**DATABASE_ARGUMENTS, "timeout": {"type": "float", "default": 10.0}},
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **look(target_from(module.params, module.params["timeout"])))
    except PostgresError as error:
        module.fail_json(msg=explain(error), error=error.kind, sqlstate=error.sqlstate)


if __name__ == "__main__":
    main()
