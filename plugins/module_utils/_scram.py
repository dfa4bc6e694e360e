# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), without any I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata

MECHANISM = "SCRAM-SHA-256"
GS2_HEADER = "n,,"  # no channel binding: the certificate was verified already
MAX_ITERATIONS = 1_000_000  # a server that asks for more would keep this client busy for minutes


class ScramError(Exception):
    """The server's half does not fit: it does not know the password either, or speaks something else."""


class ScramClient:
    """One login: first(), then final(what the server said first), then verify(what it said last)."""

    def __init__(self, password: str, nonce: str | None = None) -> None:
        # PostgreSQL prepares the password by SASLprep; NFKC is its part that changes what people type.
        self._password = unicodedata.normalize("NFKC", password).encode("utf-8")
        self._nonce = nonce or secrets.token_urlsafe(24)
        # PostgreSQL takes the user from the start-up message and ignores the name here.
        self._first_bare = "n=,r=" + self._nonce
        self._server_signature = b""

    def first(self) -> str:
        return GS2_HEADER + self._first_bare

    def final(self, server_first: str) -> str:
        fields = _fields(server_first)
        try:
            nonce, salt, iterations = fields["r"], base64.b64decode(fields["s"], validate=True), int(fields["i"])
        except (KeyError, ValueError, binascii.Error):
            raise ScramError("the server's first SCRAM message cannot be read") from None
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ScramError("the server's SCRAM nonce does not continue ours")
        if not 1 <= iterations <= MAX_ITERATIONS:
            raise ScramError(f"the server asks for {iterations} SCRAM iterations")
        without_proof = f"c={base64.b64encode(GS2_HEADER.encode()).decode()},r={nonce}"
        signed = ",".join((self._first_bare, server_first, without_proof)).encode()
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        client_key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def verify(self, server_final: str) -> None:
        """A server that cannot sign does not know the password: it only pretends to be the database."""
        try:
            signature = base64.b64decode(_fields(server_final)["v"], validate=True)
        except (KeyError, ValueError, binascii.Error):
            raise ScramError("the server did not sign its last SCRAM message") from None
        if not self._server_signature or not hmac.compare_digest(signature, self._server_signature):
            raise ScramError("the server's SCRAM signature is wrong: it does not know the password")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _fields(message: str) -> dict[str, str]:
    return {part[0]: part[2:] for part in message.split(",") if part[1:2] == "="}
