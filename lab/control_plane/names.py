# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPC's resolver: every answer is computed from the control plane, so that a failover is a record that changes."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnslib import PTR, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from lab import interfaces
from lab.control_plane.reports import NODE_DOWN, reported
from lab.settings import REGION, Lab

log = logging.getLogger(__name__)
TTL = 5  # as the names of RDS and of load balancers
FRESH_SECONDS = 5.0  # for changes that no API call made; calls make us read again at once


@dataclass
class Records:
    addresses: dict[str, list[str]] = field(default_factory=dict)  # name -> addresses
    zones: set[str] = field(default_factory=set)  # names below these are ours alone, known or not

    def add(self, name: str, addresses: Iterable[str]) -> None:
        self.addresses[name.rstrip(".").lower()] = list(addresses)

    def owns(self, name: str) -> bool:
        return any(name == zone or name.endswith(f".{zone}") for zone in self.zones)


def start(lab: Lab) -> Resolver:
    resolver = Resolver(lambda: read(lab), upstreams(Path("/etc/resolv.conf").read_text()))
    for tcp in (False, True):
        DNSServer(resolver, address=lab.resolver, port=53, tcp=tcp, logger=DNSLogger(logf=lambda _: None)).start_thread()
    return resolver


class Resolver(BaseResolver):
    def __init__(self, read_records: Callable[[], Records], forwarders: list[str]) -> None:
        self._read = read_records
        self._forwarders = forwarders
        self._lock = threading.Lock()
        self._records = Records()
        self._read_at = float("-inf")
        self._changes = self._changes_read = 0

    def forget(self) -> None:
        """Something may have changed: read again for the next question."""
        self._changes += 1

    def resolve(self, request: DNSRecord, handler: Any) -> DNSRecord:
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        try:
            records = self._fresh()
        except Exception:
            log.exception("no records to answer %s from", name)
            return _failure(request, RCODE.SERVFAIL)
        if name in records.addresses or records.owns(name):
            return local_answer(request, name, kind, records)
        return self._forward(request, handler.protocol == "tcp")

    def _fresh(self) -> Records:
        """One reading is for all who wait: while builds leave the lab little processor time, one each was longer than a client waits."""
        with self._lock:
            changes = self._changes
            if changes != self._changes_read or time.monotonic() - self._read_at > FRESH_SECONDS:
                self._records = self._read()
                self._changes_read, self._read_at = changes, time.monotonic()  # a change meanwhile is not in it, and is not forgotten
            return self._records

    def _forward(self, request: DNSRecord, tcp: bool) -> DNSRecord:
        for server in self._forwarders:
            try:
                return DNSRecord.parse(request.send(server, 53, tcp=tcp, timeout=2))
            except OSError:
                continue
        return _failure(request, RCODE.SERVFAIL)


def local_answer(request: DNSRecord, name: str, kind: str, records: Records) -> DNSRecord:
    reply = request.reply()
    found = records.addresses.get(name)
    if found is None:
        reply.header.rcode = RCODE.NXDOMAIN
    elif kind == "PTR":
        reply.add_answer(*(RR(request.q.qname, QTYPE.PTR, rdata=PTR(target), ttl=TTL) for target in found))
    elif kind in ("A", "ANY"):
        reply.add_answer(*(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=TTL) for address in found))
    return reply


def _failure(request: DNSRecord, code: int) -> DNSRecord:
    reply = request.reply()
    reply.header.rcode = code
    return reply


def read(lab: Lab) -> Records:
    records = Records(zones={f"{REGION}.compute.internal", f"{lab.octet}.10.in-addr.arpa"})
    ec2 = lab.client("ec2")
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated" and "PrivateIpAddress" in instance:
                name, address = instance["PrivateDnsName"], instance["PrivateIpAddress"]
                records.add(name, [address])
                records.add(reverse(address), [name])
    for balancer in lab.client("elbv2").describe_load_balancers()["LoadBalancers"]:
        nodes = interfaces.addresses(ec2, balancer["LoadBalancerArn"].partition("loadbalancer/")[2])
        # Zones without a healthy target are left out, unless that would leave none.
        records.add(balancer["DNSName"], [node for node in nodes if not reported(NODE_DOWN, node)] or nodes)
    for database in lab.client("rds").describe_db_instances()["DBInstances"]:
        records.add(database["Endpoint"]["Address"], interfaces.addresses(ec2, database["DBInstanceIdentifier"]))
    for directory in lab.client("ds").describe_directories()["DirectoryDescriptions"]:
        add_directory(records, directory["Name"], interfaces.addresses(ec2, directory["DirectoryId"]))
    route53 = lab.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        add_zone(records, zone["Name"], route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"])
    return records


def reverse(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def add_directory(records: Records, domain: str, addresses: list[str]) -> None:
    """The domain and its controllers dc1, dc2, … in the order of their addresses; no SRV records."""
    records.zones.add(domain.lower())
    records.add(domain, addresses)
    for number, address in enumerate(addresses, start=1):
        records.add(f"dc{number}.{domain}", [address])


def add_zone(records: Records, zone: str, record_sets: list[dict[str, Any]]) -> None:
    """A Route 53 zone: A records, and aliases and CNAMEs of names that are already known."""
    records.zones.add(zone.rstrip(".").lower())
    for record_set in record_sets:
        values = [record["Value"] for record in record_set.get("ResourceRecords", [])]
        target = record_set.get("AliasTarget", {}).get("DNSName") or (values[0] if record_set["Type"] == "CNAME" and values else "")
        if target:
            values = records.addresses.get(target.rstrip(".").removeprefix("dualstack.").lower(), [])
        if record_set["Type"] in ("A", "CNAME"):
            records.add(record_set["Name"], values)


def upstreams(resolv_conf: str) -> list[str]:
    return re.findall(r"^\s*nameserver\s+([0-9.]+)\s*$", resolv_conf, re.M)
