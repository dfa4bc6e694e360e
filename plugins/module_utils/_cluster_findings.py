# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what can be wrong with a cluster of Keycloak nodes: the state it stands for, its cause and its fix. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Finding

# code: (state, cause, fix). Without a state it is a note. The facts in braces come with the finding.
TEXTS = {
    "unreachable": (
        "unreachable",
        "{node} does not answer at its management port: {detail}.",
        "Start Keycloak there, wait until it has booted, or open the management port to this host in the security group.",
    ),
    "frozen": (
        "frozen",
        "{node} takes connections at its management port and does not answer: its process is frozen, or starved of CPU or memory.",
        "Look at its host (top, dmesg); if it stays so for a minute, kill Java there: systemd starts it again.",
    ),
    "health_missing": (
        "no_metrics",
        "{node} answers /health/ready with {status}.",
        "Build it with health-enabled=true; correct management_port and management_scheme.",
    ),
    "metrics_missing": (
        "no_metrics",
        "{node} answers /metrics with {status}, so that the size of its cluster is not known.",
        "Build it with metrics-enabled=true.",
    ),
    "cache_metrics_missing": (
        "no_metrics",
        "{node} is ready and its metrics say nothing about a cluster.",
        "Use a release that has vendor_cluster_size (26.1 or later), and look for errors of JGroups in its log.",
    ),
    "database_unreadable": ("db_error", "The discovery table cannot be read: {detail}.", "Correct the option database."),
    "health_silent": (
        "db_error",
        "{node} answers /metrics and not /health/ready: its checks wait for the database.",
        "Look at the database and at the way to it; the node comes back by itself.",
    ),
    "database_down": ("db_error", "{node} has no connection to its database.", "Look at the database and at the node's pool."),
    "cache_local": (
        "cache_local",
        "{node} runs with cache=local: it knows of no other node.",
        "Remove cache=local from its configuration and restart it.",
    ),
    "no_cluster_check": (
        "other_stack",
        "{node} has no cluster health check: it does not find the others by jdbc-ping, and its readiness says nothing about the cluster.",
        "Remove cache-stack and cache-config-file from its configuration and restart it: only jdbc-ping has the check.",
    ),
    "clustered": (
        "clustered",
        "{node} is in the cluster{name} of {size}, and with sticky sessions each node is to be a cluster of its own.",
        "Run playbooks/keycloak_sessions.yml, or set portal.keycloak.sessions to distributed.",
    ),
    "same_process": (
        "address_wrong",
        "{node} and {other} are one process, {label}.",
        "Correct the addresses in nodes.",
    ),
    "row_loopback": (
        "address_wrong",
        "{row} has announced {ip} in the discovery table, where no other node reaches it.",
        "Set bind_address to the host's address in the VPC.",
    ),
    "row_bridge": (
        "address_wrong",
        "{row} has announced {ip}, an address between containers of one host, while {missing} has no row of its own.",
        "Give the container the host's network, or publish 7800 and 57800 and set external_address to the host's address in the VPC.",
    ),
    "row_elsewhere": (
        "address_wrong",
        "{row} has announced {ip}, which is no address of nodes, while {missing} has no row of its own.",
        "Set bind_address or external_address of {missing} to its address.",
    ),
    "row_missing": (
        "address_wrong",
        "{node} has no fresh row in the discovery table.",
        "Check that its bind_address is its own and that it uses the same database.",
    ),
    "port_refused": (
        "ports_closed",
        "{node} refuses connections of {vantage} to port {port} ({purpose}).",
        "Let it bind to {address}: it listens elsewhere, or a firewall rejects; or another had the port when it started: restart it.",
    ),
    "port_silent": (
        "ports_closed",
        "{node} does not answer {vantage} at port {port} ({purpose}).",
        "Open the port between the nodes in the security group.",
    ),
    "starting": ("forming", "{node} is starting.", "Wait."),
    "row_starting": ("forming", "A node that is starting has put its row into the discovery table.", "Wait."),
    "moving": ("forming", "{node} still takes over {inflight} segments of cache entries.", "Wait; a frozen peer keeps it from ending."),
    "merging": ("forming", "{node} has seen a merge since the reading before.", "Wait until the readings are quiet."),
    "restarted": ("forming", "{node} was restarted between two readings.", "Wait until the readings are quiet."),
    "coordinator_rows": (
        "forming",
        "The fresh rows of the discovery table do not agree on one coordinator ({detail}); nodes answer not ready meanwhile.",
        "Wait 45 s: the true coordinator's next write puts it right.",
    ),
    "not_ready": ("forming", "{node} answers not ready ({checks}), though it sees the whole cluster.", "Wait 45 s, then look at its log."),
    "singleton": (
        "singleton",
        "{node} is alone in its cluster{name}.",
        "Compare cluster name, TLS between nodes (mtls), ports and database with the other nodes', and restart it.",
    ),
    "split": (
        "split",
        "The nodes see clusters of different sizes or parts of one: {sizes}.",
        "Open both ports in both directions between all nodes; they merge within a minute.",
    ),
    "coordinators": (
        "split",
        "There are {count} coordinators: {detail}.",
        "Open both ports in both directions between all nodes; they merge within a minute.",
    ),
    "probe_stale": (
        "split",
        "A change was not seen from node to node within the time: {pairs}.",
        "These nodes do not hear of each other's changes: restart them one by one and look for errors of JGroups in the log.",
    ),
    "partial": ("partial", "The cluster has {size} of {expected} members.", "Start the missing node, or correct expected_size."),
    "stopping": ("partial", "{node} is shutting down.", "Wait, or start it again."),
    "too_many": (
        "multiple_clusters",
        "The cluster has {size} members and {expected} are expected.",
        "Find the stranger by its row in the discovery table; give each environment a database and a cluster name of its own.",
    ),
    "stranger": (
        "multiple_clusters",
        "{row} at {ip} is in the same cluster and is none of nodes.",
        "Stop it, add it to nodes, or give each environment a database and a cluster name of its own.",
    ),
    "cluster_name": (
        "multiple_clusters",
        "{node} is in the cluster {name}, not in {expected}.",
        "Set its cluster_name to {expected} and restart it.",
    ),
    "foreign_cluster": (
        "multiple_clusters",
        "{row} at {ip} is in a cluster {name} on the same database.",
        "Stop it, or name its cluster in allow_clusters while both are meant to be there.",
    ),
    "stale_rows": (
        "stale_rows",
        "{node} answers not ready, and {row} at {ip} has not been renewed for {age} s.",
        "Delete that row once its host is known to be dead.",
    ),
    "mixed_releases": (
        "mixed_releases",
        "The nodes run different releases: {releases}.",
        "End the rolling change that was begun, or install the same release on all of them.",
    ),
    "no_witness": (
        "unproven",
        "The sizes are right, and without database and probe the members could still be strangers.",
        "Give database, or probe outside check mode.",
    ),
    "probe_failed": ("unproven", "The functional probe could not be made, {detail}.", "Correct the option probe, or make its client."),
    "old_row": ("", "{row} at {ip} left its row in the discovery table {age} s ago.", "Nothing: it does not count."),
    "other_cluster": (
        "",
        "{row} at {ip} is in the cluster {name} on the same database, as allowed.",
        "Stop it when it is not needed any more.",
    ),
    "mark_left": ("", "A probe that was killed had left its mark ({mark}) on the client.", "Nothing: it is removed."),
}


def finding(code: str, node: str = "", **facts: Any) -> Finding:
    state, cause, fix = TEXTS[code]
    words = {"node": node, **facts}
    return Finding(code, state, node, cause.format(**words), fix.format(**words))
