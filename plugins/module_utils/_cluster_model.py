# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what was seen of a cluster of Keycloak nodes, and what it comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CLUSTER_CHECK = "Keycloak cluster health check"
DATABASE_CHECK = "Keycloak database connections async health check"
STARTED_CHECK = "Keycloak Initialized"
SHUTDOWN_CHECK = "Graceful Shutdown"
LOCAL_MANAGER = "DefaultCacheManager"  # what the metrics call the caches with cache=local
STALE_SECONDS = 60  # Keycloak's own limit (KEYCLOAK_JDBC_PING2 staleness_timeout)

# The order decides which of several findings names the state: first where nothing can be known, then what explains the rest, then what is,
# then what a cluster that stands is in danger of.
STATES = (
    "unreachable",
    "frozen",
    "no_metrics",
    "db_error",
    "cache_local",
    "other_stack",
    "address_wrong",
    "forming",
    "singleton",
    "split",
    "partial",
    "ports_closed",
    "multiple_clusters",
    "stale_rows",
    "mixed_releases",
    "unproven",
    "one_cluster",
)


@dataclass(frozen=True)
class Node:
    name: str
    address: str


@dataclass(frozen=True)
class NodeReading:
    """One look at a node. None means that there was no answer, or that it did not say."""

    name: str
    address: str
    ready: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
    metrics: int | None = None
    error: str = ""
    accepts: bool = False  # it took a connection that it did not answer: its kernel lives, its server does not
    size: int | None = None
    label: str = ""
    cache_manager: str = ""
    cluster: str = ""
    merge_events: int = 0
    inflight: int = 0

    @property
    def joined(self) -> bool:
        """Whether it is in a cluster at all, be it one of its own."""
        return self.size is not None and self.cache_manager != LOCAL_MANAGER

    @property
    def other_stack(self) -> bool:
        """In a cluster, ready, and without the check that only jdbc-ping has."""
        return self.joined and self.ready == 200 and CLUSTER_CHECK not in self.checks

    def is_down(self, check: str) -> bool:
        return self.checks.get(check) == "DOWN"


@dataclass(frozen=True)
class PortReading:
    """A connection from the vantage to a peer: open, refused, or silent (no answer)."""

    name: str
    port: int
    result: str
    purpose: str = "cluster"


@dataclass(frozen=True)
class PingRow:
    address: str
    name: str
    cluster_name: str
    ip: str
    coord: bool
    age_s: int | None = None
    coordinated_by: str | None = None

    @property
    def host(self) -> str:
        return self.ip.rpartition(":")[0].strip("[]") or self.ip

    @property
    def fresh(self) -> bool:
        """Without an age (before 26.7) every row has to be believed."""
        return self.age_s is None or self.age_s <= STALE_SECONDS

    @property
    def starting(self) -> bool:
        return self.name == "(starting)"


@dataclass(frozen=True)
class Expected:
    nodes: Sequence[Node]
    size: int
    cluster_name: str = ""
    allow_clusters: Sequence[str] = ()

    @property
    def addresses(self) -> dict[str, str]:
        return {node.address: node.name for node in self.nodes}


@dataclass(frozen=True)
class Reading:
    """Everything that was seen at one moment. rows is None where no database was asked."""

    at: float
    nodes: Sequence[NodeReading]
    ports: Sequence[PortReading] = ()
    rows: Sequence[PingRow] | None = None
    database_error: str = ""


@dataclass(frozen=True)
class Probe:
    """What came of writing on one node and reading on another.

    error: why it could not be done. stale: the pairs that did not see it. left: the mark of a run that was killed, now removed.
    """

    pairs: int = 0
    stale: Sequence[str] = ()
    slowest: float = 0.0
    error: str = ""
    node: str = ""
    left: str = ""
    releases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    code: str
    state: str  # empty: a note, which takes nothing from the proof
    node: str
    cause: str
    fix: str


@dataclass(frozen=True)
class Verdict:
    findings: Sequence[Finding]

    @property
    def state(self) -> str:
        return min((finding.state for finding in self.findings if finding.state), key=STATES.index, default="one_cluster")

    @property
    def one_cluster(self) -> bool:
        return self.state == "one_cluster"
