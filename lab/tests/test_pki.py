# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from lab import pki
from lab.pki import Authority


def test_files_are_made_once_and_private(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    pair = authority.certificate(["db.example"], ["127.0.0.1"])
    assert authority.certificate(["db.example"], ["127.0.0.1"]) == pair
    assert authority.certificate(["db.example"], ["127.0.0.2"]) != pair
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "pki").iterdir()} == {0o600}


def test_an_expiring_authority_is_replaced_with_all_that_it_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    old_ca, old = authority.ca(), authority.certificate(["a.example"])
    later = pki._now() + pki.LIFETIME * 0.6
    monkeypatch.setattr(pki, "_now", lambda: later)
    assert authority.ca() != old_ca
    assert authority.certificate(["a.example"]) != old


def test_a_certificate_of_another_authority_is_not_reused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    old = authority.certificate(["a.example"])
    (tmp_path / "ca.pem").unlink()
    assert authority.certificate(["a.example"]) != old


def test_pair_of_a_certificate_given_away(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(["auth.example"])
    assert authority.pair_of("\n" + pair.certificate.decode()) == pair
    with pytest.raises(LookupError, match=r"pki\.py"):
        authority.pair_of("another")


def test_long_names_are_names_of_the_certificate(tmp_path: Path) -> None:
    name = "a" * 50 + ".b23456789012.eu-west-1.rds.amazonaws.com"
    certificate = x509.load_pem_x509_certificate(Authority(tmp_path).certificate([name]).certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [name]
    assert certificate.not_valid_before_utc < datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize(("asked", "accepted"), [("db.example", True), ("other.example", False)])
def test_strict_clients_accept_it_for_its_name_only(tmp_path: Path, asked: str, accepted: bool) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(["db.example"])
    (tmp_path / "both.pem").write_bytes(pair.certificate + pair.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "both.pem")
    client = ssl.create_default_context(cafile=str(authority.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert _shake_hands(client, server, asked) == accepted


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(here, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        here.close()
        thread.join()
    return True
