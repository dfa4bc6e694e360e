# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._scram import ScramClient, ScramError

# The example of RFC 7677; PostgreSQL's clients leave the name empty, so it is put in here.
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.fixture
def client() -> ScramClient:
    found = ScramClient("pencil", NONCE)
    found._first_bare = "n=user,r=" + NONCE
    return found


def test_example_of_the_standard(client: ScramClient) -> None:
    assert client.first() == "n,,n=user,r=" + NONCE
    assert client.final(SERVER_FIRST) == PROOF
    client.verify(SERVER_FINAL)


def test_password_is_normalised(client: ScramClient) -> None:
    proofs = set()
    for password in ("\u2168", "IX"):  # one sign and two letters that are the same to SASLprep
        proofs.add(ScramClient(password, NONCE).final(SERVER_FIRST))

    assert len(proofs) == 1


def test_nonces_differ() -> None:
    assert ScramClient("x").first() != ScramClient("x").first()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        f"r={NONCE}x,s=***,i=4096",
        f"r={NONCE}x,s=W22Z,i=0",
        f"r={NONCE}x,s=W22Z,i=99999999",
        f"r={NONCE}x,s=W22Z,i=many",
        f"r={NONCE}x,s=W22Z",
    ],
)
def test_first_message_that_does_not_fit(client: ScramClient, message: str) -> None:
    with pytest.raises(ScramError):
        client.final(message)


@pytest.mark.parametrize("message", ["", "v=", "v=***", "e=invalid-proof", "v=" + base64.b64encode(b"x" * 32).decode()])
def test_server_that_does_not_know_the_password(client: ScramClient, message: str) -> None:
    client.final(SERVER_FIRST)

    with pytest.raises(ScramError):
        client.verify(message)


def test_signature_before_the_proof_is_refused(client: ScramClient) -> None:
    with pytest.raises(ScramError):
        client.verify("v=")
