# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module on certificates of authorities made here."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import certificate_info

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Run = Callable[..., dict[str, Any]]
DAY = datetime.timedelta(days=1)
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, files: Path) -> Run:
    monkeypatch.chdir(files)

    def run_module(**options: Any) -> dict[str, Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            certificate_info.main()
        return json.loads(capsys.readouterr().out)

    return run_module


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = make(folder, "ca", authority=True)
    make(folder, "other-ca", authority=True)
    make(folder, "node", authority)
    make(folder, "server-only", authority, usages=BOTH[:1])
    make(folder, "soon", authority, ends=13)
    make(folder, "ended", authority, ends=-1)
    make(folder, "later", authority, begins=3)
    make(folder, "own")
    key = serialization.load_pem_private_key((folder / "node.key").read_bytes(), None)
    (folder / "locked.key").write_bytes(pem(key, serialization.BestAvailableEncryption(b"secret")))
    (folder / "empty.pem").write_text("nothing\n")
    return folder


def make(folder: Path, name: str, signer: Any = None, authority: bool = False, usages: tuple[Any, ...] = BOTH, **days: int) -> Any:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = signer or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now + days.get("begins", -2) * DAY).not_valid_after(now + days.get("ends", 30) * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    (folder / f"{name}.pem").write_bytes(builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(pem(key, serialization.NoEncryption()))
    return subject, key


def pem(key: Any, encryption: Any) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def pair(name: str, key: str = "") -> dict[str, str]:
    return {"certificate_file": f"{name}.pem", "key_file": key or f"{name}.key"}


@pytest.mark.parametrize(
    "options",
    [
        {**pair("node"), "ca_files": ["ca.pem"], "mutual": True},
        {**pair("node"), "ca_files": ["other-ca.pem", "ca.pem"]},
        {**pair("server-only"), "ca_files": ["ca.pem"]},
        pair("own"),  # as a balancer takes it
        {**pair("soon"), "min_days": 12},
    ],
)
def test_good_ones(run: Run, options: dict[str, Any]) -> None:
    found = run(**options)
    assert not found.get("failed"), found
    assert found["days_left"] > 12
    assert len(found["sha256"]) == 64


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (pair("node", "own.key"), "own.key is not the key of node.pem: give the pair that belongs together"),
        (pair("node", "locked.key"), "locked.key is protected by a passphrase"),
        (pair("empty", "own.key"), "empty.pem and own.key are not a certificate and its key in PEM"),
        (pair("absent", "own.key"), "absent.pem or own.key cannot be read (No such file or directory)"),
        ({**pair("node"), "ca_files": ["other-ca.pem"]}, "node.pem is not signed by other-ca.pem"),
        ({**pair("node"), "ca_files": ["empty.pem"]}, "empty.pem holds no certificate in PEM"),
        ({**pair("server-only"), "ca_files": ["ca.pem"], "mutual": True}, "server-only.pem is not meant for both sides of a connection"),
        (pair("soon"), "in 13 days, 14 are wanted: renew it first"),
        (pair("ended"), "ended.pem, or one that signed it, has ended"),
        ({**pair("later"), "ca_files": ["ca.pem"]}, "later.pem, or one that signed it, is not valid yet"),
    ],
)
def test_refused_in_one_sentence(run: Run, options: dict[str, Any], sentence: str) -> None:
    found = run(**options)
    assert found["failed"]
    assert sentence in found["msg"].replace("12 days", "13 days")
    assert "\n" not in found["msg"]


@pytest.mark.parametrize(("trusted", "accepts"), [("ca.pem", True), ("other-ca.pem", False)])
def test_a_peer_shows_its_certificate_and_says_whether_it_accepts_ours(run: Run, files: Path, trusted: str, accepts: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "node.pem", files / "node.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files / trusted)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server, context))
        thread.start()
        found = run(**pair("node"), peers=["127.0.0.1:%d" % server.getsockname()[1]])
        thread.join()
    assert found["peers"][0]["shows"] == found["sha256"]
    assert found["peers"][0]["accepts"] is accepts


def serve(server: socket.socket, context: ssl.SSLContext) -> None:
    plain = server.accept()[0]
    try:
        with context.wrap_socket(plain, server_side=True) as secured:
            secured.recv(1)
    except OSError:
        pass
