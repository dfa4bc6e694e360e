# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what of Keycloak's state can be read in its database."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import Postgres, PostgresError, Row, Target

DATABASE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "name": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "ssl": {"type": "str", "default": "verify-full", "choices": ["verify-full", "require", "disable"]},
    "ca_pem": {"type": "str"},
}
FIXES = {
    "unreachable": "correct host and port, start the database, or open its port to this host in the security group",
    "tls": "give the authority that signed the database's certificate in ca_pem and the name the certificate is for in host; "
    "ssl=require encrypts without verifying, ssl=disable does not encrypt",
    "auth": "correct username and password, or let this host in in pg_hba.conf",
    "database": "correct name, or create that database",
    "full": "the server has no free connection: lower the pools of its users or raise max_connections",
    "starting": "the server is starting or recovering: try again",
    "protocol": "host and port must be those of a PostgreSQL server",
    "query": "the user in username must own, or be allowed to read, the tables of Keycloak",
}

SERVER_SQL = """
SELECT split_part(current_setting('server_version'), ' ', 1) AS server_version,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
         + coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int
         + coalesce(nullif(current_setting('rds.rds_superuser_reserved_connections', true), ''), '0')::int AS reserved_connections,
       pg_is_in_recovery() AS is_in_recovery
"""
# Who may not read the statistics of others sees whose connections they are, but not that they are client backends.
CONNECTIONS_SQL = """
SELECT usename::text AS username, count(*)::int AS connections FROM pg_stat_activity
WHERE datid IS NOT NULL AND usename IS NOT NULL GROUP BY 1 ORDER BY 1
"""
CLOCK_SQL = "SELECT extract(epoch FROM clock_timestamp())::float8 AS clock"
PRESENT_SQL = "SELECT to_regclass('migration_model') IS NOT NULL AS keycloak, to_regclass('jgroups_ping') IS NOT NULL AS ping"
VERSION_SQL = "SELECT version FROM migration_model ORDER BY update_time DESC LIMIT 1"
REALMS_SQL = """
SELECT r.name AS realm,
       (SELECT count(*) FROM user_entity u WHERE u.realm_id = r.id) AS users,
       (SELECT count(*) FROM user_entity u WHERE u.realm_id = r.id AND u.federation_link IS NOT NULL) AS federated_users,
       (SELECT count(*) FROM offline_user_session s WHERE s.realm_id = r.id AND s.offline_flag = '0') AS sessions,
       (SELECT count(*) FROM offline_user_session s WHERE s.realm_id = r.id AND s.offline_flag = '1') AS offline_sessions
FROM realm r ORDER BY 1
"""
COUNTS = ("users", "federated_users", "sessions", "offline_sessions")
# Read as JSON, because last_update and coordinated_by exist since 26.7 only. Ages are told by the database's clock, not by a host's.
PING_SQL = """
SELECT p.address, p.name, p.cluster_name, p.ip, coalesce(p.coord, false) AS coord, (to_jsonb(p) ->> 'last_update')::bigint AS last_update,
       round(extract(epoch FROM clock_timestamp()) - (to_jsonb(p) ->> 'last_update')::bigint)::int AS age_s,
       to_jsonb(p) ->> 'coordinated_by' AS coordinated_by
FROM jgroups_ping p ORDER BY p.cluster_name, p.address
"""
DISABLED_SQL = "SELECT r.name AS realm, c.client_id FROM client c JOIN realm r ON r.id = c.realm_id WHERE NOT c.enabled ORDER BY 1, 2"
# Which realm a row of table t belongs to. Users, groups and roles of a directory come and go: they are no settings.
OF_REALM = "JOIN realm r ON r.id = t.realm_id"
OF_CLIENT = "JOIN client c ON c.id = t.client_id JOIN realm r ON r.id = c.realm_id"
OF_COMPONENT = "JOIN component k ON k.id = t.component_id JOIN realm r ON r.id = k.realm_id"
OF_PROVIDER = "JOIN identity_provider i ON i.internal_id = t.identity_provider_id JOIN realm r ON r.id = i.realm_id"
SETTINGS = {
    "realm": "JOIN realm r ON r.id = t.id",
    **dict.fromkeys(
        (
            *("realm_attribute", "realm_smtp_config", "realm_events_listeners", "required_action_provider", "component"),
            *("identity_provider", "client_scope", "default_client_scope", "authentication_flow", "authentication_execution"),
        ),
        OF_REALM,
    ),
    "client": "JOIN realm r ON r.id = t.realm_id JOIN client c ON c.id = t.id",
    **dict.fromkeys(("client_attributes", "redirect_uris", "web_origins", "client_scope_client", "protocol_mapper"), OF_CLIENT),
    "component_config": OF_COMPONENT,
    "identity_provider_config": OF_PROVIDER,
}
# lastSync is written at each synchronisation with the directory; a time stamp moves when the same values are saved again.
DIGEST_SQL = """
SELECT r.name AS realm, encode(sha256(convert_to(string_agg(l.line, E'\\n' ORDER BY l.line COLLATE "C"), 'UTF8')), 'hex') AS digest
FROM {table} t {join},
LATERAL (SELECT to_jsonb(t) - ARRAY['secret', 'registration_token', 'last_modified_timestamp'] AS fields) f,
LATERAL (SELECT f.fields::text AS line) l
WHERE coalesce(f.fields ->> 'name', '') !~* '(password|secret|credential|private\\.?key|lastsync)$' {condition}
GROUP BY 1
"""


def target_from(options: Mapping[str, Any], timeout: float = 10.0) -> Target:
    return Target(**{key: options[key] for key in DATABASE_ARGUMENTS}, timeout=timeout)


def explain(error: PostgresError) -> str:
    """One sentence with the fix, in the words of the options above."""
    return f"{error}: {FIXES[error.kind]}"


def read_server(database: Postgres, now: Callable[[], float] = time.time) -> dict[str, Any]:
    server: dict[str, Any] = dict(database.query(SERVER_SQL)[0])
    by_user = {row["username"]: row["connections"] for row in database.query(CONNECTIONS_SQL)}
    server["connections"] = {"total": sum(by_user.values()), "by_user": by_user}
    before = now()
    clock = float(database.query(CLOCK_SQL)[0]["clock"] or 0)
    # Compared with the middle of the question: half a round trip is no difference of the clocks.
    server["clock"] = clock
    server["clock_offset"] = round(clock - (before + now()) / 2, 3)
    return server


def read_ping(database: Postgres) -> list[Row]:
    """The discovery table; empty where Keycloak has none (before 26.1, or never started)."""
    return database.query(PING_SQL) if database.query(PRESENT_SQL)[0]["ping"] else []


def read_keycloak(database: Postgres, ignore_clients: Sequence[str] = ()) -> dict[str, Any]:
    """Everything from one snapshot, so that the counts belong together."""
    database.query("BEGIN")
    try:
        if not database.query(PRESENT_SQL)[0]["keycloak"]:
            return {"present": False}
        versions = database.query(VERSION_SQL)
        rows = database.query(REALMS_SQL)
        disabled = database.query(DISABLED_SQL)
        parts = {table: database.query(digest_sql(table, ignore_clients)) for table in SETTINGS}
    finally:
        database.query("ROLLBACK")
    realms: dict[str, dict[str, Any]] = {str(row["realm"]): {key: row[key] for key in COUNTS} for row in rows}
    for name, realm in realms.items():
        settings = {table: str(row["digest"]) for table, found in parts.items() for row in found if row["realm"] == name}
        realm["disabled_clients"] = [str(row["client_id"]) for row in disabled if row["realm"] == name]
        realm["settings"] = settings
        realm["digest"] = hashlib.sha256("\n".join("{} {}".format(*pair) for pair in sorted(settings.items())).encode()).hexdigest()
    totals = {key: sum(int(row[key] or 0) for row in rows) for key in COUNTS}
    return {"present": True, "version": versions[0]["version"] if versions else None, **totals, "realms": realms}


def digest_sql(table: str, ignore_clients: Sequence[str]) -> str:
    join = SETTINGS[table]
    condition = ""
    if ignore_clients and "JOIN client c" in join:
        condition = "AND c.client_id NOT IN ({})".format(", ".join("'{}'".format(name.replace("'", "''")) for name in ignore_clients))
    return DIGEST_SQL.format(table=table, join=join, condition=condition)
