# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority: it stands for ACM's, RDS' and the directory's."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.settings import Lab

LIFETIME = datetime.timedelta(days=30)
# Clocks of controller and nodes are one clock in the lab, but a certificate must not start "in the future" by rounding.
SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Pair:
    certificate: bytes  # PEM
    key: bytes  # PEM


class Authority:
    """Its files are the state: `ca.pem` and one <name>.pem and .key for each certificate, made once and found again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    def ca(self) -> Pair:
        return self._stored("ca") or self._keep("ca", _self_signed("aiportal lab CA"))

    def certificate(self, names: Sequence[str], addresses: Sequence[str] = ()) -> Pair:
        """A server certificate for these names; asked again, the same one."""
        stored = self._stored(names[0])
        if stored and _subjects(stored) == {*names, *addresses} and _issued_by(stored, self.ca()):
            return stored
        return self._keep(names[0], _issue(self.ca(), names, addresses))

    def pair_of(self, certificate: str) -> Pair:
        """The pair behind a certificate that this authority gave away: ACM hands out certificates, never keys."""
        for path in self.directory.glob("*.pem"):
            if path.read_text().strip() == certificate.strip() and path.with_suffix(".key").exists():
                return Pair(path.read_bytes(), path.with_suffix(".key").read_bytes())
        raise LookupError("the lab's balancer serves only certificates of the lab's authority (lab/pki.py): it never sees another's key")

    def _stored(self, name: str) -> Pair | None:
        # Not Path.with_suffix: it would take the last label of a host name for a suffix.
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        if not (certificate.exists() and key.exists()):
            return None
        pair = Pair(certificate.read_bytes(), key.read_bytes())
        ends = x509.load_pem_x509_certificate(pair.certificate).not_valid_after_utc
        return pair if ends - _now() > LIFETIME / 2 else None

    def _keep(self, name: str, pair: Pair) -> Pair:
        # The certificate last, by rename: a run killed in between leaves no certificate without its key.
        for suffix, content in (("key", pair.key), ("pem", pair.certificate)):
            draft = self.directory / f".{name}.{suffix}"
            draft.touch(mode=0o600)
            draft.write_bytes(content)
            os.replace(draft, self.directory / f"{name}.{suffix}")
        return pair


def authority(lab: Lab) -> Authority:
    return Authority(lab.state / "pki")


def _subjects(pair: Pair) -> set[str]:
    names = x509.load_pem_x509_certificate(pair.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*names.get_values_for_type(x509.DNSName), *(str(ip) for ip in names.get_values_for_type(x509.IPAddress))}


def _issued_by(pair: Pair, ca: Pair) -> bool:
    try:
        x509.load_pem_x509_certificate(pair.certificate).verify_directly_issued_by(x509.load_pem_x509_certificate(ca.certificate))
    except InvalidSignature:
        return False
    return True


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _self_signed(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _draft(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def _issue(ca: Pair, names: Sequence[str], addresses: Sequence[str]) -> Pair:
    issuer = x509.load_pem_x509_certificate(ca.certificate)
    issuer_key = serialization.load_pem_private_key(ca.key, None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    # X.509 allows 64 characters in a common name and endpoint names are longer: clients look at the alternative names.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    alternatives = [*(x509.DNSName(name) for name in names), *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses)]
    certificate = (
        _draft(subject, issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        # Python's strict verification wants the chain's key identifiers.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = _now()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - SKEW).not_valid_after(now + LIFETIME)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
