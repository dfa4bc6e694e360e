# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what is wrong with a certificate, found out by using it.

The standard library cannot parse X.509, but it can shake hands: two ends in memory, one with the certificate, the other with the
authorities. What fails there would fail between the servers, for the same reason. No socket is opened.
"""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN: a certificate may be trusted by itself, be it self-signed or not
EXPIRED, NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID


class CertificateError(Exception):
    """One sentence that names the file and the fix."""


@dataclass(frozen=True)
class Files:
    """PEM files. Without authorities the certificate has only itself to answer for. mutual: it is shown as a client, too."""

    certificate: str
    key: str
    authorities: Sequence[str] = ()
    mutual: bool = False


@dataclass(frozen=True)
class Certificate:
    sha256: str
    ends: datetime.datetime

    def days_left(self, now: datetime.datetime) -> float:
        return (self.ends - now).total_seconds() / 86400


def examine(files: Files) -> Certificate:
    """The certificate, if it belongs to its key, is within its time, and is signed by the authorities; else CertificateError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_pair(server, files)
    itself = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    itself.check_hostname = False
    itself.verify_flags |= PARTIAL_CHAIN
    itself.load_verify_locations(files.certificate)
    shown = _shake_hands(server, itself, files, files.certificate)
    if files.authorities:
        _check_authorities(files)
    return shown


def _check_authorities(files: Files) -> None:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    _load_pair(server, files)
    for context in (server, client):
        for authority in files.authorities:
            _read(authority, context.load_verify_locations)
    if files.mutual:
        _load_pair(client, files)
        server.verify_mode = ssl.CERT_REQUIRED
    _shake_hands(server, client, files, " and ".join(files.authorities))


def _load_pair(context: ssl.SSLContext, files: Files) -> None:
    def refuse() -> str:
        raise CertificateError(f"{files.key} is protected by a passphrase, which a server cannot be asked for: give the key without")

    try:
        context.load_cert_chain(files.certificate, files.key, password=refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(f"{files.key} is not the key of {files.certificate}: give the pair that belongs together") from None
        raise CertificateError(f"{files.certificate} and {files.key} are not a certificate and its key in PEM: give both in PEM") from None
    except OSError as error:
        raise CertificateError(f"{files.certificate} or {files.key} cannot be read ({error.strerror}): correct the path") from None


def _read(path: str, load: Callable[[str], None]) -> None:
    try:
        load(path)
    except ssl.SSLError:
        raise CertificateError(f"{path} holds no certificate in PEM: give the authority's certificate") from None
    except OSError as error:
        raise CertificateError(f"{path} cannot be read ({error.strerror}): correct the path") from None


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, files: Files, trusted: str) -> Certificate:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server)]
    try:
        for dummy in range(6):
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    pass
        # A server that refuses its client says so after the client has finished.
        for end in ends:
            try:
                end.read(1)
            except ssl.SSLWantReadError:
                pass
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(_refusal(error, files, trusted)) from None
    except ssl.SSLError as error:
        raise CertificateError(f"{files.certificate} cannot be used for TLS ({error.reason}): give another certificate") from None
    shown = ends[1].getpeercert()
    raw = ends[1].getpeercert(True)
    if not shown or not raw:  # a peer that shows none does not get through the handshake
        raise CertificateError(f"{files.certificate} was not shown in a handshake: give another certificate")
    ends_at = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), datetime.timezone.utc)
    return Certificate(hashlib.sha256(raw).hexdigest(), ends_at)


def _refusal(error: ssl.SSLCertVerificationError, files: Files, trusted: str) -> str:
    if error.verify_code == EXPIRED:
        return f"{files.certificate}, or one that signed it, has ended: give one that is valid"
    if error.verify_code == NOT_YET:
        return f"{files.certificate}, or one that signed it, is not valid yet: give one that is, or correct this host's clock"
    if error.verify_message.startswith(("unsuitable", "unsupported")):
        return f"{files.certificate} is not meant for both sides of a connection: issue it for serverAuth and clientAuth"
    return f"{files.certificate} is not signed by {trusted} ({error.verify_message}): give the authority that did, or another certificate"
