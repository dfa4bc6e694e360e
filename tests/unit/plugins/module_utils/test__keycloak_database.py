# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _keycloak_database as keycloak_database
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError


class Database:
    """Answers by the words of a question, and remembers the questions."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def query(self, sql: str) -> list[dict[str, Any]]:
        self.asked.append(sql)
        return next((rows for word, rows in self.answers.items() if word in sql), [])


REALMS = [
    {"realm": "aiportal", "users": 50, "federated_users": 50, "sessions": 200, "offline_sessions": 2},
    {"realm": "master", "users": 1, "federated_users": 0, "sessions": 3, "offline_sessions": 0},
]


def database(client_digest: str = "c1", **answers: Any) -> Any:
    usual: dict[str, list[dict[str, Any]]] = {
        "to_regclass": [{"keycloak": True, "ping": True}],
        "SELECT version": [{"version": "26.7.4"}],
        "federated_users": REALMS,
        "NOT c.enabled": [{"realm": "aiportal", "client_id": "aiportal-scaling"}],
        "FROM client t": [{"realm": "aiportal", "digest": client_digest}],
        "FROM realm t": [{"realm": "aiportal", "digest": "r1"}, {"realm": "master", "digest": "m1"}],
    }
    return Database(**{**usual, **answers})


def test_keycloak() -> None:
    found = keycloak_database.read_keycloak(database())

    assert (found["version"], found["users"], found["sessions"], found["offline_sessions"]) == ("26.7.4", 51, 203, 2)
    assert found["realms"]["aiportal"]["settings"] == {"realm": "r1", "client": "c1"}
    assert found["realms"]["aiportal"]["users"] == 50
    assert found["realms"]["aiportal"]["disabled_clients"] == ["aiportal-scaling"]
    assert found["realms"]["master"]["disabled_clients"] == []


def test_digest_is_of_one_realm_only() -> None:
    before = keycloak_database.read_keycloak(database())["realms"]
    after = keycloak_database.read_keycloak(database("c2"))["realms"]

    assert before["aiportal"]["digest"] != after["aiportal"]["digest"]
    assert before["master"]["digest"] == after["master"]["digest"]


def test_everything_is_of_one_snapshot() -> None:
    asked = database()
    keycloak_database.read_keycloak(asked)

    assert (asked.asked[0], asked.asked[-1]) == ("BEGIN", "ROLLBACK")


def test_database_without_keycloak() -> None:
    assert keycloak_database.read_keycloak(database(to_regclass=[{"keycloak": False, "ping": False}])) == {"present": False}


def test_no_discovery_table() -> None:
    assert keycloak_database.read_ping(database(to_regclass=[{"keycloak": True, "ping": False}])) == []


@pytest.mark.parametrize("table", [table for table, join in keycloak_database.SETTINGS.items() if "JOIN client c" in join])
def test_ignored_client_is_no_setting(table: str) -> None:
    sql = keycloak_database.digest_sql(table, ["aiportal-scaling", "o'hara"])

    assert "c.client_id NOT IN ('aiportal-scaling', 'o''hara')" in sql


def test_nothing_is_ignored_unasked() -> None:
    assert not [table for table in keycloak_database.SETTINGS if "NOT IN" in keycloak_database.digest_sql(table, [])]


def test_clock_offset_is_against_the_middle_of_the_question() -> None:
    answers: dict[str, list[dict[str, Any]]] = {
        "clock_timestamp": [{"clock": 105.0}],
        "pg_stat_activity": [{"username": "keycloak", "connections": 4}],
    }
    times = iter([100.0, 102.0])

    found = keycloak_database.read_server(database("c1", server_version=[{"max_connections": 120}], **answers), lambda: next(times))

    assert found["clock_offset"] == 4.0
    assert found["connections"] == {"total": 4, "by_user": {"keycloak": 4}}


@pytest.mark.parametrize("kind", ["unreachable", "tls", "auth", "database", "full", "starting", "protocol", "query"])
def test_every_failure_has_a_fix(kind: str) -> None:
    assert keycloak_database.explain(PostgresError(kind, "cause")).startswith("cause: ")
