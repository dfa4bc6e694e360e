# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dnslib import RCODE, DNSRecord

from lab.control_plane.names import FRESH_SECONDS, Records, Resolver, add_directory, add_zone, reverse, upstreams


@pytest.fixture
def records() -> Records:
    known = Records(zones={"eu-west-1.compute.internal"})
    known.add("ip-10-9-0-4.eu-west-1.compute.internal", ["10.9.0.4"])
    known.add(reverse("10.9.0.4"), ["ip-10-9-0-4.eu-west-1.compute.internal"])
    known.add("Portal-1.eu-west-1.elb.amazonaws.com", ["10.9.0.7", "10.9.16.7"])
    add_directory(known, "corp.example", ["10.9.0.8", "10.9.16.8"])
    add_zone(
        known,
        "portal.example.",
        [
            {"Name": "portal.example.", "Type": "NS", "ResourceRecords": [{"Value": "ns-1.example"}]},
            {"Name": "auth.portal.example.", "Type": "A", "AliasTarget": {"DNSName": "dualstack.portal-1.eu-west-1.elb.amazonaws.com."}},
            {"Name": "plain.portal.example.", "Type": "A", "ResourceRecords": [{"Value": "10.9.0.9"}]},
            {"Name": "www.portal.example.", "Type": "CNAME", "ResourceRecords": [{"Value": "plain.portal.example"}]},
        ],
    )
    return known


def ask(records: Records, name: str, kind: str = "A") -> tuple[int, list[str]]:
    reply = Resolver(lambda: records, []).resolve(DNSRecord.question(name, kind), SimpleNamespace(protocol="udp"))
    return reply.header.rcode, [str(answer.rdata) for answer in reply.rr]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("ip-10-9-0-4.eu-west-1.compute.internal", "A", ["10.9.0.4"]),
        ("PORTAL-1.eu-west-1.elb.amazonaws.com.", "A", ["10.9.0.7", "10.9.16.7"]),
        ("auth.portal.example", "A", ["10.9.0.7", "10.9.16.7"]),
        ("plain.portal.example", "A", ["10.9.0.9"]),
        ("www.portal.example", "A", ["10.9.0.9"]),
        ("corp.example", "A", ["10.9.0.8", "10.9.16.8"]),
        ("dc2.corp.example", "A", ["10.9.16.8"]),
        ("4.0.9.10.in-addr.arpa", "PTR", ["ip-10-9-0-4.eu-west-1.compute.internal."]),
        ("plain.portal.example", "AAAA", []),
    ],
)
def test_known_names(records: Records, name: str, kind: str, expected: list[str]) -> None:
    assert ask(records, name, kind) == (RCODE.NOERROR, expected)


@pytest.mark.parametrize("name", ["ip-10-9-9-9.eu-west-1.compute.internal", "nobody.portal.example", "_ldap._tcp.corp.example"])
def test_an_unknown_name_of_our_own_zones_does_not_exist(records: Records, name: str) -> None:
    assert ask(records, name) == (RCODE.NXDOMAIN, [])


def test_a_foreign_name_is_forwarded_and_fails_as_such_without_forwarders(records: Records) -> None:
    assert ask(records, "deb.example.org") == (RCODE.SERVFAIL, [])


def test_answers_follow_the_control_plane(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr("lab.control_plane.names.time", SimpleNamespace(monotonic=lambda: clock))
    resolver = Resolver(lambda: records, [])

    def address() -> list[Any]:
        reply = resolver.resolve(DNSRecord.question("plain.portal.example"), SimpleNamespace(protocol="udp"))
        return [str(answer.rdata) for answer in reply.rr]

    assert address() == ["10.9.0.9"]
    records = Records()
    records.add("plain.portal.example", ["10.9.0.10"])
    assert address() == ["10.9.0.9"]
    resolver.forget()
    assert address() == ["10.9.0.10"]
    records = Records()
    records.add("plain.portal.example", ["10.9.0.11"])
    clock += 5.1
    assert address() == ["10.9.0.11"]


@pytest.mark.parametrize(("changed_meanwhile", "readings"), [(False, 1), (True, 2)])
def test_a_reading_that_takes_long_is_still_fresh(
    records: Records, monkeypatch: pytest.MonkeyPatch, changed_meanwhile: bool, readings: int
) -> None:
    clock, read = 100.0, 0
    monkeypatch.setattr("lab.control_plane.names.time", SimpleNamespace(monotonic=lambda: clock))

    def slowly() -> Records:
        nonlocal clock, read
        clock, read = clock + 2 * FRESH_SECONDS, read + 1
        if changed_meanwhile and read == 1:
            resolver.forget()
        return records

    resolver = Resolver(slowly, [])
    for _ in range(3):
        resolver.resolve(DNSRecord.question("plain.portal.example"), SimpleNamespace(protocol="udp"))

    assert read == readings


def test_forwarders_are_the_machine_s_own() -> None:
    assert upstreams("# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.53\nnameserver fd00::1\n nameserver 127.0.0.53\n") == [
        "10.0.0.53",
        "127.0.0.53",
    ]
