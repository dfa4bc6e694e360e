# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: a reading client of PostgreSQL (protocol 3.0) on the standard library alone.

A preflight looks at the database from nodes on which it may install nothing, and an old node has neither psycopg nor psql.
TLS, SCRAM-SHA-256 and simple queries are all that takes.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Union

from ansible_collections.aiportal.scaling.plugins.module_utils._scram import MECHANISM, ScramClient, ScramError

Value = Union[str, int, float, bool, None]
Row = dict[str, Value]

SESSION_SQL = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET statement_timeout = '30s'"
PROTOCOL = 196608
SSL_REQUEST = struct.pack("!II", 8, 80877103)
MAX_MESSAGE = 256 * 1024 * 1024  # an answer of another protocol would be read as a length of gigabytes
# What the text of a value stands for, by its type's OID: bool; int8, int2, int4, oid; float4, float8, numeric.
CONVERTERS: dict[int, Any] = {
    16: lambda text: text == "t",
    **dict.fromkeys((20, 21, 23, 26), int),
    **dict.fromkeys((700, 701, 1700), float),
}
AUTHENTICATION = {3: "cleartext", 5: "md5"}
# 08P01 is what PgBouncer says of every login that it refuses.
SQLSTATE_KINDS = {"28P01": "auth", "28000": "auth", "08P01": "auth", "3D000": "database", "53300": "full", "57P03": "starting"}


class PostgresError(Exception):
    """kind is one of unreachable, tls, auth, database, full, starting, protocol, query; the message never holds the password."""

    def __init__(self, kind: str, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.sqlstate = sqlstate


@dataclass(frozen=True)
class Target:
    host: str
    name: str
    username: str
    password: str = field(repr=False)
    port: int = 5432
    ssl: str = "verify-full"
    ca_pem: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Postgres:
    """One connection; use connect()."""

    def __init__(self, sock: socket.socket, target: Target) -> None:
        self._sock = sock
        self._target = target
        self._buffer = b""

    def login(self) -> None:
        target = self._target
        settings = {"user": target.username, "database": target.name, "application_name": "aiportal.scaling", "client_encoding": "UTF8"}
        body = struct.pack("!I", PROTOCOL) + b"".join(_text(part) for pair in settings.items() for part in pair) + b"\0"
        self._sock.sendall(struct.pack("!I", len(body) + 4) + body)
        scram = ScramClient(self._target.password)
        try:
            while True:
                kind, body = self._receive()
                if kind == b"R":
                    self._authenticate(scram, body)
                elif kind == b"Z":
                    return
        except ScramError as error:
            raise PostgresError("auth", f"SCRAM login at {self._target} failed: {error}") from None

    def query(self, sql: str) -> list[Row]:
        """The rows of the last statement in sql."""
        self._send(b"Q", _text(sql))
        columns: list[tuple[str, int]] = []
        rows: list[Row] = []
        failure: PostgresError | None = None
        while True:
            try:
                kind, body = self._receive()
            except PostgresError as error:
                if error.kind != "query":
                    raise
                failure = error  # the server says "ready" after it: read on, so that the connection stays usable
                continue
            if kind == b"T":
                columns, rows = _columns(body), []
            elif kind == b"D":
                rows.append(_row(columns, body))
            elif kind == b"Z":
                break
        if failure:
            raise failure
        return rows

    def close(self) -> None:
        try:
            self._send(b"X", b"")
        except OSError:
            pass
        finally:
            self._sock.close()

    def _authenticate(self, scram: ScramClient, body: bytes) -> None:
        (code,) = struct.unpack("!I", body[:4])
        if code == 0:
            return
        if code == 10:
            if MECHANISM.encode() not in body[4:].split(b"\0"):
                raise PostgresError("auth", f"the database server {self._target} offers no {MECHANISM}")
            first = scram.first().encode()
            self._send(b"p", _text(MECHANISM) + struct.pack("!I", len(first)) + first)
        elif code == 11:
            self._send(b"p", scram.final(body[4:].decode()).encode())
        elif code == 12:
            scram.verify(body[4:].decode())
        else:
            # Either would show the password, or what is as good as it, to whoever answers.
            asked = AUTHENTICATION.get(code, f"type {code}")
            raise PostgresError(
                "auth",
                f"the database server {self._target} asks for {asked} authentication, which is refused: set password_encryption = "
                f"scram-sha-256 there and give user {self._target.username} its password again",
            )

    def _send(self, kind: bytes, body: bytes) -> None:
        self._sock.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        """The next message; an ErrorResponse is raised."""
        head = self._read(5)
        (length,) = struct.unpack("!I", head[1:])
        if not 4 <= length <= MAX_MESSAGE:
            raise PostgresError("protocol", f"what answers at {self._target} is not PostgreSQL")
        body = self._read(length - 4)
        if head[:1] == b"E":
            fields = {part[:1].decode("ascii", "replace"): part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
            sqlstate = fields.get("C", "")
            raise PostgresError(SQLSTATE_KINDS.get(sqlstate, "query"), fields.get("M", "unknown error"), sqlstate)
        return head[:1], body

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            chunk = self._sock.recv(65536)
            if not chunk:
                raise PostgresError("unreachable", f"the database server {self._target} closed the connection")
            self._buffer += chunk
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


@contextmanager
def connect(target: Target, session_sql: str = SESSION_SQL) -> Iterator[Postgres]:
    """A connection that is logged in and, as session_sql is, cannot write; every failure is a PostgresError."""
    try:
        sock = socket.create_connection((target.host, target.port), timeout=target.timeout)
    except OSError as error:
        raise PostgresError("unreachable", f"the database server {target} cannot be reached: {error}") from None
    session = None
    try:
        sock = _secure(sock, target)
        session = Postgres(sock, target)
        session.login()
        if session_sql:
            session.query(session_sql)
        yield session
    except OSError as error:
        raise PostgresError("unreachable", f"the connection to {target} broke: {error}") from None
    finally:
        if session:
            session.close()
        sock.close()


def _secure(sock: socket.socket, target: Target) -> socket.socket:
    if target.ssl == "disable":
        return sock
    sock.sendall(SSL_REQUEST)
    # One byte and no more: what follows it in plain text would be somebody else's (CVE-2021-23222).
    if sock.recv(1) != b"S":
        raise PostgresError("tls", f"the database server {target} speaks no TLS")
    try:
        return _tls_context(target).wrap_socket(sock, server_hostname=target.host)
    except ssl.SSLCertVerificationError as error:
        raise PostgresError("tls", f"the certificate of {target} is not accepted: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise PostgresError("tls", f"TLS with {target} fails: {error.reason or error}") from None


def _tls_context(target: Target) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=target.ca_pem or None)
    except ssl.SSLError as error:
        raise PostgresError("tls", "ca_pem holds no certificate that can be read: %s" % (error.reason or error)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 demands key extensions that authorities of databases do not all have; neither libpq nor Java does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if target.ssl == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _text(value: str) -> bytes:
    if "\0" in value:
        raise PostgresError("protocol", "a NUL character cannot be sent to PostgreSQL")
    return value.encode("utf-8") + b"\0"


def _columns(body: bytes) -> list[tuple[str, int]]:
    (count,) = struct.unpack("!H", body[:2])
    columns, at = [], 2
    for dummy in range(count):
        end = body.index(b"\0", at)
        (oid,) = struct.unpack("!I", body[end + 7 : end + 11])
        columns.append((body[at:end].decode("utf-8"), oid))
        at = end + 19
    return columns


def _row(columns: list[tuple[str, int]], body: bytes) -> Row:
    row: Row = {}
    at = 2
    for name, oid in columns:
        (size,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        if size < 0:
            row[name] = None
            continue
        text = body[at : at + size].decode("utf-8")
        row[name] = CONVERTERS[oid](text) if oid in CONVERTERS else text
        at += size
    return row
