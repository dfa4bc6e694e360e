# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: which certificate a server shows, and whether it accepts ours of a client."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass

from ansible_collections.aiportal.scaling.plugins.module_utils._certificate import Files

SECONDS = 3.0
# In TLS 1.3 a server refuses a client's certificate after the client has finished: the refusal comes with the first read.
REFUSAL_SECONDS = 0.5


@dataclass(frozen=True)
class Peer:
    peer: str
    shows: str = ""
    accepts: bool = False
    error: str = ""


def ask(peer: str, files: Files) -> Peer:
    host, dummy, port = peer.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Not whether it is to be trusted is asked here, but which one it is.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(files.certificate, files.key)
    shows = ""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), SECONDS) as plain, context.wrap_socket(plain) as secured:
            shows = hashlib.sha256(secured.getpeercert(True) or b"").hexdigest()
            secured.settimeout(REFUSAL_SECONDS)
            secured.recv(1)
    except (TimeoutError, socket.timeout):
        return Peer(peer, shows, accepts=bool(shows), error="" if shows else "no answer in time")
    except ssl.SSLError as error:
        return Peer(peer, shows, error=error.reason or str(error))
    except (OSError, ValueError) as error:
        return Peer(peer, shows, error=str(error))
    return Peer(peer, shows, accepts=True)
