# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: from one look at all nodes, ports and rows to what is wrong. Pure.

Nothing alone proves one cluster, as real servers showed: health calls five of six wrong configurations well, the size calls a node under an
unreachable address well, and nothing but a connection finds a closed failure-detection port. So everything has to fit together.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_findings import finding
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import (
    CLUSTER_CHECK,
    DATABASE_CHECK,
    LOCAL_MANAGER,
    SHUTDOWN_CHECK,
    STARTED_CHECK,
    Expected,
    Finding,
    NodeReading,
    PingRow,
    Probe,
    Reading,
)

# Where Docker and Podman put containers, unless told otherwise.
BRIDGES = tuple(ipaddress.ip_network(network) for network in ("172.17.0.0/16", "10.88.0.0/16"))


def judge(expected: Expected, vantage: str, reading: Reading, previous: Reading | None = None) -> list[Finding]:
    """What is wrong in this reading, or moved since the previous one. No fault: everything that was looked at fits one cluster."""
    name = cluster_name(expected, reading)
    found = [
        *(problem for node in reading.nodes for problem in _node(node)),
        *_sizes(expected, reading),
        *_names(name, reading),
        *_ports(expected, vantage, reading),
        *_movement(reading, previous),
        *_table(expected, name, reading),
    ]
    if not any(problem.state for problem in found):
        found += _unready(name, reading)
    return found


def judge_proof(reading: Reading, probe: Probe | None) -> list[Finding]:
    """What is wrong with the proof as a whole, once the readings were good."""
    if probe is None:
        return [] if reading.rows is not None else [finding("no_witness")]
    found = [finding("mark_left", mark=probe.left)] if probe.left else []
    if probe.error:
        return [*found, finding("probe_failed", probe.node, detail=probe.error)]
    if probe.stale:
        found.append(finding("probe_stale", pairs=", ".join(probe.stale)))
    if len(set(probe.releases.values())) > 1:
        found.append(finding("mixed_releases", releases=", ".join(f"{name} {release}" for name, release in probe.releases.items())))
    return found


def cluster_name(expected: Expected, reading: Reading) -> str:
    """The name asked for, or the one that most nodes have."""
    names = Counter(node.cluster for node in reading.nodes if node.joined and node.cluster)
    return expected.cluster_name or (names.most_common(1)[0][0] if names else "")


def coordinator(expected: Expected, reading: Reading) -> str | None:
    name = cluster_name(expected, reading)
    hosts = [row.host for row in reading.rows or () if row.fresh and row.coord and row.cluster_name == name]
    return expected.addresses.get(hosts[0]) if len(hosts) == 1 else None


def _node(node: NodeReading) -> Iterator[Finding]:
    if node.ready is None and node.metrics is None:
        yield finding("frozen", node.name) if node.accepts else finding("unreachable", node.name, detail=node.error)
        return
    yield from _health(node)
    if node.metrics != 200:
        yield finding("metrics_missing", node.name, status=node.metrics or "nothing")
    elif node.cache_manager == LOCAL_MANAGER:
        yield finding("cache_local", node.name)
    elif node.size is None and node.ready == 200:
        yield finding("cache_metrics_missing", node.name)
    elif node.size is None or node.is_down(STARTED_CHECK):
        yield finding("starting", node.name)


def _health(node: NodeReading) -> Iterator[Finding]:
    if node.ready is None:
        yield finding("health_silent", node.name)
    elif node.ready not in (200, 503):
        yield finding("health_missing", node.name, status=node.ready)
    if node.is_down(DATABASE_CHECK):
        yield finding("database_down", node.name)
    if node.is_down(SHUTDOWN_CHECK):
        yield finding("stopping", node.name)
    if node.other_stack:
        yield finding("no_cluster_check", node.name)


def _sizes(expected: Expected, reading: Reading) -> Iterator[Finding]:
    joined = [node for node in reading.nodes if node.joined]
    labels: dict[str, str] = {}
    for node in joined:
        if node.label in labels:
            yield finding("same_process", node.name, other=labels[node.label], label=node.label)
        labels[node.label] = node.name
    alone = [node for node in joined if node.size == 1 and expected.size > 1 and len(joined) > 1]
    for node in alone:
        yield finding("singleton", node.name, name=" " + node.cluster if node.cluster else "")
    sizes = Counter(node.size or 0 for node in joined if node not in alone)
    if not sizes:
        return
    largest = max(sizes)
    if largest > expected.size:
        yield finding("too_many", size=largest, expected=expected.size)
    elif len(sizes) > 1 or sizes[largest] > largest:
        yield finding("split", sizes=", ".join(f"{node.name} {node.size}" for node in joined))
    elif largest < expected.size:
        yield finding("partial", size=largest, expected=expected.size)


def _names(name: str, reading: Reading) -> Iterator[Finding]:
    for node in reading.nodes:
        if node.joined and node.cluster and node.cluster != name:
            yield finding("cluster_name", node.name, name=node.cluster, expected=name)


def _ports(expected: Expected, vantage: str, reading: Reading) -> Iterator[Finding]:
    """A node that is down or not yet in a cluster has closed ports, and a finding that says why."""
    joined = {node.name: node.address for node in reading.nodes if node.joined}
    for port in reading.ports:
        if port.name in joined and port.result != "open":
            code = "port_refused" if port.result == "refused" else "port_silent"
            yield finding(code, port.name, vantage=vantage, port=port.port, purpose=port.purpose, address=joined[port.name])


def _movement(reading: Reading, previous: Reading | None) -> Iterator[Finding]:
    before = {node.name: node for node in previous.nodes} if previous else {}
    for node in reading.nodes:
        if node.inflight:
            yield finding("moving", node.name, inflight=node.inflight)
        last = before.get(node.name)
        if not last or not last.label or not node.label:
            continue
        if last.label != node.label:
            yield finding("restarted", node.name)
        elif node.merge_events > last.merge_events:
            yield finding("merging", node.name)


def _table(expected: Expected, name: str, reading: Reading) -> Iterator[Finding]:
    """The discovery table against the nodes. Only fresh rows count: those of the dead may stay for ever."""
    if reading.database_error:
        yield finding("database_unreadable", detail=reading.database_error)
        return
    rows = [row for row in reading.rows or () if row.fresh]
    yield from _other_clusters(expected, name, reading, rows)
    own = [row for row in rows if row.cluster_name == name]
    for row in reading.rows or ():
        if row.cluster_name == name and not row.fresh:
            yield finding("old_row", row=row.name, ip=row.ip, age=row.age_s)
    settled = [row for row in own if not row.starting]
    if len(settled) < len(own):
        yield finding("row_starting")
    live = _live(reading, settled)
    for row in settled:
        if row not in live:
            yield finding("old_row", row=row.name, ip=row.ip, age=row.age_s)
    if reading.rows is not None:
        yield from _addresses(expected, name, reading, live)
    yield from _coordinators(expected, reading, live)


def _live(reading: Reading, rows: Sequence[PingRow]) -> list[PingRow]:
    """One row for each address and port: a killed coordinator's row stays when the next process there adds its own, one can listen.

    That one has the name that the node says and, where names are given ones, the higher address: Keycloak counts them up.
    """
    labels = {node.label for node in reading.nodes}
    newest: dict[str, PingRow] = {}
    for row in sorted(rows, key=lambda row: (row.name in labels, row.address)):
        newest[row.ip] = row
    return list(newest.values())


def _other_clusters(expected: Expected, name: str, reading: Reading, rows: Sequence[PingRow]) -> Iterator[Finding]:
    clusters = {node.address: node.cluster for node in reading.nodes}
    taken = {row.ip for row in rows if row.cluster_name == clusters.get(row.host)}
    for row in rows:
        if row.cluster_name in (name, clusters.get(row.host)) or row.starting:
            continue  # where it is the node's own cluster, there is a finding about its name
        if row.cluster_name in expected.allow_clusters:
            yield finding("other_cluster", row=row.name, ip=row.ip, name=row.cluster_name)
        elif row.ip in taken:  # by the node that is there now: one process can listen at an address and port
            yield finding("old_row", expected.addresses[row.host], row=row.name, ip=row.ip, age=row.age_s)
        else:
            yield finding("foreign_cluster", row=row.name, ip=row.ip, name=row.cluster_name)


def _addresses(expected: Expected, name: str, reading: Reading, rows: Sequence[PingRow]) -> Iterator[Finding]:
    hosts = {row.host for row in rows}
    own = [node for node in reading.nodes if node.joined and node.cluster in ("", name) and not node.other_stack]
    missing = [node.name for node in own if node.address not in hosts]
    if any(row.starting for row in reading.rows or ()):
        missing = []  # a row of theirs may be the one that is starting
    outside = [row for row in rows if row.host not in expected.addresses]
    for row in outside:
        if _is_loopback(row.host):
            yield finding("row_loopback", row=row.name, ip=row.ip)
        elif missing:
            yield finding("row_bridge" if _is_bridge(row.host) else "row_elsewhere", row=row.name, ip=row.ip, missing=" and ".join(missing))
        else:
            yield finding("stranger", row=row.name, ip=row.ip)
    if not outside:
        for node in missing:
            yield finding("row_missing", node)


def _coordinators(expected: Expected, reading: Reading, live: Sequence[PingRow]) -> Iterator[Finding]:
    # What a node that is down or booting has left behind says nothing about the cluster of the others.
    out = {node.address for node in reading.nodes if not node.joined}
    rows = [row for row in live if row.host not in out]
    # One that is marked at an address that is none of nodes has a finding that says more.
    if not rows or any(row.coord and row.host not in expected.addresses for row in rows):
        return
    marked = [row for row in rows if row.coord]
    named = {row.coordinated_by for row in rows if row.coordinated_by}
    if len(marked) > 1:
        yield finding("coordinators", count=len(marked), detail=", ".join(f"{row.name} at {row.ip}" for row in marked))
    elif not marked:
        yield finding("coordinator_rows", detail="none is marked")
    elif named - {marked[0].address}:
        # Seen after every merge: a former coordinator writes once more, and all nodes answer not ready.
        yield finding("coordinator_rows", marked[0].name, detail=f"{marked[0].name} is marked and {len(named)} named by the rows")


def _unready(name: str, reading: Reading) -> Iterator[Finding]:
    """A node that is not ready for no reason found so far must not pass."""
    stale = [row for row in reading.rows or () if row.cluster_name == name and not row.fresh]
    for node in reading.nodes:
        if node.ready == 200:
            continue
        if stale and node.is_down(CLUSTER_CHECK):
            yield finding("stale_rows", node.name, row=stale[0].name, ip=stale[0].ip, age=stale[0].age_s)
        else:
            checks = ", ".join(check for check in node.checks if node.is_down(check))
            yield finding("not_ready", node.name, checks=checks or "no check says why")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_bridge(host: str) -> bool:
    try:
        return any(ipaddress.ip_address(host) in network for network in BRIDGES)
    except ValueError:
        return False
