# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much LDAP as the lab needs: whether a server takes a simple bind over TLS (RFC 4511 §4.2), and entries as LDIF (RFC 2849)."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

SUCCESS = 0
BIND_RESPONSE = 0x61


def binds(address: str, name: str, ca_file: Path, user: str, password: str, timeout: float = 2) -> bool:
    """Whether the server, called by this name, accepts the password. False also when it does not answer."""
    context = ssl.create_default_context(cafile=str(ca_file))
    try:
        with (
            socket.create_connection((address, 636), timeout) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            secure.sendall(bind_request(user, password))
            return result_code(secure.recv(4096)) == SUCCESS
    except OSError:
        return False


def bind_request(user: str, password: str) -> bytes:
    request = _element(0x02, b"\x03") + _element(0x04, user.encode()) + _element(0x80, password.encode())
    return _element(0x30, _element(0x02, b"\x01") + _element(0x60, request))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def result_code(response: bytes) -> int:
    """Of a bind response; -1 for anything else."""
    start = response.find(BIND_RESPONSE, 2)
    code = response.find(b"\x0a\x01", start)
    return response[code + 2] if start > 0 and code > 0 else -1


def entry(dn: str, attributes: Mapping[str, str | Sequence[str]]) -> str:
    """LDIF that adds one entry."""
    lines = [_line("dn", dn), "changetype: add"]
    for name, values in attributes.items():
        lines += [_line(name, value) for value in ([values] if isinstance(values, str) else values)]
    return "\n".join([*lines, ""]) + "\n"


def change(dn: str, operation: str, attribute: str, values: Sequence[str]) -> str:
    """LDIF that adds to or replaces one attribute."""
    lines = [_line("dn", dn), "changetype: modify", f"{operation}: {attribute}", *(_line(attribute, value) for value in values)]
    return "\n".join([*lines, "-", ""]) + "\n"


def user(dn: str, account: str, domain: str, password: str, **attributes: str) -> str:
    """LDIF of an enabled Active Directory user; the directory takes passwords only quoted and in UTF-16."""
    text = entry(
        dn,
        {
            "objectClass": ["top", "person", "organizationalPerson", "user"],
            "sAMAccountName": account,
            "userPrincipalName": f"{account}@{domain}",
            "userAccountControl": "66048",  # an ordinary account whose password never expires
            **attributes,
        },
    )
    secret = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    return text.rstrip("\n") + f"\nunicodePwd:: {secret}\n\n"


def group(dn: str, account: str, members: Sequence[str] = ()) -> str:
    """LDIF of a global security group."""
    attributes: dict[str, str | Sequence[str]] = {"objectClass": ["top", "group"], "sAMAccountName": account, "groupType": "-2147483646"}
    return entry(dn, {**attributes, **({"member": members} if members else {})})


def unit(dn: str) -> str:
    return entry(dn, {"objectClass": ["top", "organizationalUnit"]})


def base_dn(domain: str) -> str:
    return ",".join(f"DC={label}" for label in domain.split("."))


def _line(name: str, value: str) -> str:
    plain = value.isascii() and value.isprintable() and not value.startswith((" ", ":", "<")) and not value.endswith(" ")
    return f"{name}: {value}" if plain else f"{name}:: {base64.b64encode(value.encode()).decode()}"
