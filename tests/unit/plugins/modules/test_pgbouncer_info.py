# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError, Target
from ansible_collections.aiportal.scaling.plugins.modules import pgbouncer_info

SERVER = {"version": "15.18", "tls": "TLSv1.3", "is_in_recovery": False}
TLS = "TLSv1.3/TLS_AES_256_GCM_SHA384/ECDH=prime256v1"
POOL = {
    **{
        "database": "keycloak",
        "user": "keycloak",
        "cl_active": 20,
        "cl_waiting": 0,
        "sv_active": 6,
        "sv_idle": 1,
        "sv_used": 1,
        "sv_tested": 0,
    },
    **{"maxwait": 0, "pool_mode": "transaction"},
}


class Pooler:
    """Answers by statement; the console refuses who may not look."""

    def __init__(self, console: bool, mode: str = "transaction", servers: Sequence[str] = ()) -> None:
        self.console, self.mode, self.servers = console, mode, servers
        self.said: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def connect(self, target: Target, session_sql: str) -> Iterator[Any]:
        assert session_sql == "", "what is set in a session stays in a connection of others"
        if target.name == "pgbouncer" and not self.console:
            raise PostgresError("auth", "not allowed", "08P01")
        pooler = self

        class Session:
            def query(self, sql: str) -> list[dict[str, Any]]:
                pooler.said.append((target.name, sql.strip().split("\n")[0]))
                answers: dict[str, list[dict[str, Any]]] = {
                    "SHOW VERSION": [{"version": "PgBouncer 1.18.0"}],
                    "SHOW POOLS": [{**POOL, "database": "other"}, {**POOL, "pool_mode": pooler.mode}],
                    "SHOW DATABASES": [{"name": "keycloak", "pool_size": 2, "max_connections": 2}],
                    "SHOW SERVERS": [{"database": "keycloak", "state": "active", "tls": tls} for tls in pooler.servers],
                }
                return answers.get(sql, [SERVER])

        yield Session()


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pooler: Pooler) -> dict[str, Any]:
    monkeypatch.setattr(pgbouncer_info, "connect", pooler.connect)
    options = {"host": "localhost", "port": 6432, "name": "keycloak", "username": "keycloak", "password": "secret-word"}
    with patch_module_args(options), pytest.raises(SystemExit):
        pgbouncer_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_the_server_and_the_pools(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pooler = Pooler(console=True)

    result = run(monkeypatch, capsys, pooler)

    assert result["server"] == SERVER
    assert (result["version"], result["pool_mode"]) == ("1.18.0", "transaction")
    assert result["pools"] == [
        {"user": "keycloak", "clients_active": 20, "clients_waiting": 0, "servers_active": 6, "servers_idle": 2, "longest_wait": 0}
    ]
    assert [said for said in pooler.said if said[0] == "keycloak"] == [("keycloak", "BEGIN READ ONLY;"), ("keycloak", "ROLLBACK")]


def test_a_user_who_may_not_look_at_the_console(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(monkeypatch, capsys, Pooler(console=False))

    assert result["server"] == SERVER
    assert "pools" not in result
    assert "failed" not in result


@pytest.mark.parametrize(
    ("mode", "servers", "through", "tls"),
    [
        pytest.param("session", [TLS, TLS], False, "TLSv1.3", id="all taken"),
        pytest.param("session", [TLS, ""], False, "", id="one of them without TLS"),
        pytest.param("session", [TLS], True, "TLSv1.3", id="one left"),
        pytest.param("transaction", [TLS, TLS], True, "TLSv1.3", id="taken for a transaction"),
    ],
)
def test_a_pool_that_its_clients_hold_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, servers: list[str], through: bool, tls: str
) -> None:
    pooler = Pooler(console=True, mode=mode, servers=servers)

    result = run(monkeypatch, capsys, pooler)

    assert any(name == "keycloak" for name, dummy in pooler.said) == through
    assert result["server"]["tls"] == tls
    assert result["pool_mode"] == mode
