# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol against a server in this process that says what PostgreSQL says; phase 3 in the lab logs in to a real one."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._postgres import PostgresError, Target, connect

OK = b"R" + struct.pack("!II", 8, 0)
READY = b"Z" + struct.pack("!I", 5) + b"I"
Script = Sequence[bytes]


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def error(sqlstate: str, text: str) -> bytes:
    return message(b"E", b"SFATAL\0C" + sqlstate.encode() + b"\0M" + text.encode() + b"\0\0")


def authentication(code: int, rest: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!I", code) + rest)


def table(columns: dict[str, int], *rows: Sequence[str | None]) -> bytes:
    described = b"".join(name.encode() + b"\0" + struct.pack("!IHIhih", 0, 0, oid, -1, -1, 0) for name, oid in columns.items())
    answer = message(b"T", struct.pack("!H", len(columns)) + described)
    for row in rows:
        values = b"".join(
            struct.pack("!i", -1) if value is None else struct.pack("!i", len(value.encode())) + value.encode() for value in row
        )
        answer += message(b"D", struct.pack("!H", len(row)) + values)
    return answer + message(b"C", b"SELECT\0")


@pytest.fixture
def server() -> Iterator[Callable[[Script], Target]]:
    """Answers each thing that the client sends with the next of the script, then closes; at once where that is empty."""
    listeners: list[socket.socket] = []

    def start(script: Script, **fields: Any) -> Target:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def talk() -> None:
            connection, dummy = listener.accept()
            with connection, suppress(ConnectionError):
                for answer in script:
                    connection.recv(65536)
                    if not answer:
                        return
                    connection.sendall(answer)
                connection.recv(65536)

        threading.Thread(target=talk, daemon=True).start()
        usual: dict[str, Any] = {"port": listener.getsockname()[1], "ssl": "disable", "timeout": 5.0}
        return Target("127.0.0.1", "keycloak", "keycloak", "the-password", **{**usual, **fields})

    yield start
    for listener in listeners:
        listener.close()


def failure(target: Target) -> PostgresError:
    with pytest.raises(PostgresError) as caught, connect(target):
        pass
    assert "the-password" not in str(caught.value) + repr(target)
    return caught.value


def test_rows_have_types(server: Callable[[Script], Target]) -> None:
    columns = {"a": 23, "b": 16, "c": 25, "d": 1700, "e": 701, "f": 20}
    answer = table(columns, ["1", "t", "é", "1.5", "2.5", "9000000000"], [None, "f", "", None, None, None])

    with connect(server([OK + READY, READY, answer + READY])) as database:
        rows = database.query("SELECT")

    assert rows == [
        {"a": 1, "b": True, "c": "é", "d": 1.5, "e": 2.5, "f": 9000000000},
        {"a": None, "b": False, "c": "", "d": None, "e": None, "f": None},
    ]


def test_connection_stays_usable_after_an_error(server: Callable[[Script], Target]) -> None:
    with connect(server([OK + READY, READY, error("42P01", "no such table") + READY, table({"a": 23}, ["2"]) + READY])) as database:
        with pytest.raises(PostgresError, match="no such table"):
            database.query("SELECT 1")

        assert database.query("SELECT 2") == [{"a": 2}]


def test_notices_are_passed_over(server: Callable[[Script], Target]) -> None:
    notice = message(b"N", b"SNOTICE\0\0") + message(b"S", b"a\0b\0")

    with connect(server([OK + notice + READY, READY, notice + table({"a": 23}, ["2"]) + READY])) as database:
        assert database.query("SELECT") == [{"a": 2}]


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ([error("28P01", "password authentication failed")], "auth", "password authentication failed"),
        ([error("3D000", 'database "keycloak" does not exist')], "database", "does not exist"),
        ([error("53300", "too many clients already")], "full", "too many"),
        ([error("57P03", "the database system is starting up")], "starting", "starting up"),
        ([authentication(3)], "auth", "cleartext"),
        ([authentication(5, b"salt")], "auth", "md5"),
        ([authentication(7)], "auth", "type 7"),
        ([authentication(10, b"SCRAM-SHA-1\0\0")], "auth", "SCRAM-SHA-256"),
        ([authentication(10, b"SCRAM-SHA-256\0\0"), authentication(11, b"r=x,s=AA==,i=1")], "auth", "nonce"),
        ([b""], "unreachable", "closed the connection"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "protocol", "not PostgreSQL"),
    ],
)
def test_login_that_fails(server: Callable[[Script], Target], script: Script, kind: str, words: str) -> None:
    found = failure(server(script))

    assert found.kind == kind
    assert words in str(found)


@pytest.mark.parametrize("answer", [b"N", b"H", b""])
def test_server_without_tls_is_refused(server: Callable[..., Target], answer: bytes) -> None:
    assert failure(server([answer], ssl="verify-full")).kind == "tls"


def test_server_with_broken_tls_is_refused(server: Callable[..., Target]) -> None:
    assert failure(server([b"S", b"no handshake at all"], ssl="require")).kind == "tls"


def test_authority_that_cannot_be_read(server: Callable[..., Target]) -> None:
    assert "ca_pem" in str(failure(server([b"S"], ssl="verify-full", ca_pem="garbage")))


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert failure(Target("127.0.0.1", "keycloak", "keycloak", "the-password", port=port)).kind == "unreachable"


def test_silent_server_is_given_up(server: Callable[..., Target]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target("127.0.0.1", "keycloak", "keycloak", "the-password", port=listener.getsockname()[1], ssl="disable", timeout=0.2)

        assert failure(target).kind == "unreachable"
