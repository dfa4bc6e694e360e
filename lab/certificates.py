# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as an operator may have them, good and bad ones: PEM files in a folder, made anew in each scenario."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@dataclass(frozen=True)
class Made:
    certificate: Path
    key: Path

    @property
    def sha256(self) -> str:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()


def authority(folder: Path, name: str) -> Made:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _draft(name, name, key, 365).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _keep(folder, name, builder.sign(key, hashes.SHA256()), key)


def issue(folder: Path, name: str, signer: Made, days: int = 90) -> Made:
    """For both ends of a connection, as nodes of a cluster need it."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer_key = serialization.load_pem_private_key(signer.key.read_bytes(), None)
    assert isinstance(signer_key, ec.EllipticCurvePrivateKey)
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _draft(name, signer.certificate.stem, key, days).add_extension(usages, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return _keep(folder, name, builder.sign(signer_key, hashes.SHA256()), key)


def _draft(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    subject, signer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(signer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - HOUR).not_valid_after(now + days * DAY)


def _keep(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Made:
    made = Made(folder / f"{name}.pem", folder / f"{name}.key")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made.key.touch(mode=0o600)
    made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made
