# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lab import ldap
from lab.pki import Authority
from lab.portal import people
from lab.reconcilers import directories


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (bytes.fromhex("300c02010161070a010004000400"), 0),
        # Samba writes lengths with four bytes; 49 is "invalid credentials".
        (bytes.fromhex("308400000010020101618400000007") + b"\x0a\x01\x31\x04\x00\x04\x00", 49),
        (b"", -1),
        (bytes.fromhex("300c02010178070a010204000400"), -1),  # not a bind response
    ],
)
def test_result_of_a_bind(response: bytes, code: int) -> None:
    assert ldap.result_code(response) == code


def test_bind_request_of_a_long_password() -> None:
    request = ldap.bind_request("a", "p" * 200)
    assert request[:4] == b"\x30\x82" + (len(request) - 4).to_bytes(2, "big")
    assert request.endswith(b"\x80\x82\x00\xc8" + b"p" * 200)


def test_a_server_that_is_not_there_takes_no_bind(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ca()
    assert not ldap.binds("127.0.0.1", "dc1.x", authority.ca_file, "u", "p")


def test_a_password_goes_quoted_and_in_utf_16() -> None:
    line = ldap.user("CN=a,DC=x", "a", "x.local", "geheim").strip().splitlines()[-1]
    name, _, value = line.partition(":: ")
    assert name == "unicodePwd"
    assert base64.b64decode(value).decode("utf-16-le") == '"geheim"'


@pytest.mark.parametrize(("value", "line"), [("plain", "sn: plain"), ("Zoë", "sn:: Wm/Dqw=="), (" a", "sn:: IGE="), (":a", "sn:: OmE=")])
def test_values_that_ldif_cannot_write_plainly(value: str, line: str) -> None:
    assert ldap.entry("CN=a", {"sn": value}).splitlines()[2] == line


DIRECTORY = {"DirectoryId": "d-1", "Name": "corp.aiportal.local", "ShortName": "CORP", "DnsIpAddrs": ["10.0.0.5", "10.0.16.5"]}


def test_settings_of_a_controller() -> None:
    assert directories.settings(DIRECTORY, 2, "10.0.0.2") == (
        "REALM=CORP.AIPORTAL.LOCAL\nWORKGROUP=CORP\nADDRESS=10.0.16.5\nCONTROLLERS='10.0.0.5 10.0.16.5'\nFORWARDER=10.0.0.2\n"
    )


def test_a_new_domain_has_the_delegated_administrator_below_its_own_unit() -> None:
    text = directories.domain_ldif(DIRECTORY, "secret")
    entries = [block.splitlines()[0] for block in text.strip().split("\n\n")]
    admin = "CN=Admin,OU=Users,OU=CORP,DC=corp,DC=aiportal,DC=local"
    assert entries.index("dn: OU=CORP,DC=corp,DC=aiportal,DC=local") < entries.index(f"dn: {admin}")
    assert f"member: {admin}" in text
    assert "secret" not in text


def test_the_portals_people() -> None:
    known = dict.fromkeys([*(f"user{number:02}" for number in range(1, people.COUNT + 1)), *people.TROUBLED], "x")
    blocks = people.directory_ldif(known, {people.SERVICE_DN: "y", people.NEXT_SERVICE_DN: "z"}).strip().split("\n\n")
    groups = {block.splitlines()[0]: block.count("\nmember: ") for block in blocks if "objectClass: group" in block}
    assert groups == {f"dn: CN=portal-users,{people.GROUPS}": 50, f"dn: CN=portal-admins,{people.GROUPS}": people.ADMINISTRATORS}
    users = {block.splitlines()[0].removeprefix("dn: CN=").partition(",")[0]: block for block in blocks if "objectClass: user" in block}
    assert len(users) == people.COUNT + len(people.TROUBLED) + 2
    unfit = {name for name, block in users.items() if block.count("userAccountControl: ") != 1 or "userAccountControl: 66048" not in block}
    assert unfit == {"disabled", "mustchange"}
