#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_cluster_info
short_description: Prove that Keycloak nodes are one cluster, or say why not
version_added: 0.1.0
description:
  - Runs on one node and looks at all of them at once. That is readiness, the size of the cluster as each node sees it,
    both cluster ports of its peers, and the discovery table in the database.
  - Several good readings in a row are wanted. Before the last, a change is written on one node and has to be seen on the others (O(probe)).
  - Run it on every node, because a firewall can let one direction pass.
  - Readiness alone finds one of six wrong configurations, which is why everything has to fit together before RV(one_cluster) is true.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
attributes:
  check_mode:
    support: partial
    details:
      - Reads as ever. The probe writes, and is left out.
  diff_mode:
    support: N/A
    details:
      - Nothing that lasts is changed.
  idempotent:
    support: full
    details:
      - The probe marks its client with an attribute of its own and removes it again, also when it fails half-way or is ended by a signal.
        A run that was killed leaves the mark, which the next one recognises, removes and tells of.
      - Each connection to a cluster port leaves a warning (JGRP000006) in the peer's log.
options:
  nodes:
    description: All nodes of the cluster.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node in findings.
        type: str
        required: true
      address:
        description: The IP address at which the other nodes reach it.
        type: str
        required: true
  node:
    description: Which of O(nodes) this host is. Without it, the one whose address is this host's.
    type: str
  expected_size:
    description: Members that the cluster shall have, if not as many as O(nodes).
    type: int
  cluster_name:
    description: Name that the cluster shall have. Without it, any that all nodes have.
    type: str
  sessions:
    description:
      - V(distributed) wants one cluster. V(sticky) wants nodes that are each a cluster of one, of a name of its own, RV(state=apart).
        They share no memory, and cluster ports are not tried. They still have to hear of each other's changes, through the database,
        which O(probe) shows.
    type: str
    choices: [distributed, sticky]
    default: distributed
  allow_clusters:
    description: Names of other clusters that may be alive on the same database, such as that of the old node of a migration.
    type: list
    elements: str
    default: []
  management_port:
    description: Port of health and metrics.
    type: int
    default: 9000
  management_scheme:
    description: How it is spoken to.
    type: str
    choices: [http, https]
    default: http
  management_ca_pem:
    description: Certificates of the authorities that signed the nodes' (V(https) only). They have to name the addresses.
    type: str
  http_port:
    description: Port that the probe uses.
    type: int
    default: 8080
  bind_port:
    description: Port of the cluster.
    type: int
    default: 7800
  fd_port_offset:
    description: How far above it the failure detector listens.
    type: int
    default: 50000
  database:
    description:
      - The database of the nodes, for the discovery table. A node that announces a wrong address is found in no other way.
    type: dict
    suboptions:
      host:
        description: Name or address of the server, as its certificate has it.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      name:
        description: Name of the database.
        type: str
        required: true
      username:
        description: User that Keycloak uses.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      ssl:
        description: Whether the server's certificate is verified, only encryption is required, or neither.
        type: str
        choices: [verify-full, require, disable]
        default: verify-full
      ca_pem:
        description: Certificates (PEM) of the authorities that may have signed the server's certificate.
        type: str
  probe:
    description:
      - An attribute of a client, written on one node and read on the others, and once the other way. The release of each node is read, too.
      - The client is to be one that nobody uses. It is not made by this module.
    type: dict
    suboptions:
      hostname:
        description: Public host name, sent as the balancer would send it.
        type: str
        required: true
      realm:
        description: Realm of the client.
        type: str
        required: true
      client_id:
        description: Client ID of the client.
        type: str
        required: true
      username:
        description: An administrator who may manage clients of that realm.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      admin_realm:
        description: Realm of the administrator.
        type: str
        default: master
  reads:
    description: Good readings in a row that are wanted.
    type: int
    default: 2
  read_interval:
    description: Seconds between readings. A node that has lost all others answers ready for 0.3 s.
    type: float
    default: 0.5
  settle:
    description: Seconds that good readings have to span where a node ever saw a merge. What follows a merge comes after up to 15 s.
    type: float
    default: 20
  wait_timeout:
    description: Seconds to wait for the cluster. V(0) judges what is now.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Prove the cluster, seen from this node
  aiportal.scaling.keycloak_cluster_info:
    nodes:
      - {name: kc-1, address: 10.0.1.11}
      - {name: kc-2, address: 10.0.2.12}
      - {name: kc-3, address: 10.0.3.13}
    cluster_name: aiportal
    allow_clusters: [ISPN]
    database:
      host: aiportal.abcdefghijkl.eu-west-1.rds.amazonaws.com
      name: keycloak
      username: keycloak
      password: "{{ database_password }}"
      ca_pem: "{{ lookup('ansible.builtin.file', 'global-bundle.pem') }}"
    probe:
      hostname: auth.example.com
      realm: aiportal
      client_id: aiportal-scaling
      username: admin
      password: "{{ admin_password }}"
    wait_timeout: 150
  register: cluster
  failed_when: cluster is failed or not cluster.one_cluster
"""

RETURN = r"""
one_cluster:
  description: Whether the nodes are proven to be one cluster, and nobody else is in it.
  returned: success
  type: bool
  sample: true
as_wanted:
  description: Whether the nodes are what O(sessions) wants.
  returned: success
  type: bool
  sample: true
state:
  description:
    - V(one_cluster), or V(apart) where that is wanted, or what the most telling finding stands for.
    - In order of precedence, V(unreachable) is a node that does not answer, V(frozen) one that takes connections and does not answer them,
      V(no_metrics) one that does not tell its cluster's size,
      V(db_error) a database that a node or this module cannot read, V(cache_local) a node that is not clustered,
      V(clustered) one that is and should not be,
      V(other_stack) one that finds the others by other means than the database, so that its readiness does not speak of the cluster,
      V(address_wrong) one that announced an address that is not its own,
      V(forming) a cluster in motion, V(singleton) a node that is alone, V(split) nodes that do not hear of each other,
      V(partial) a cluster that lacks members, V(ports_closed) a cluster that stands with a port that this host cannot connect to,
      V(multiple_clusters) strangers, or a cluster of another name, V(stale_rows) rows of the dead
      that keep nodes unready, V(mixed_releases) a cluster whose nodes differ in release (told with O(probe) only),
      and V(unproven) no fault, without a witness who could know of strangers.
  returned: success
  type: str
  sample: one_cluster
findings:
  description: Everything that was found. A finding without a state is a note.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: Name of the finding.
      type: str
    state:
      description: State that it stands for.
      type: str
    node:
      description: Node that it is about, empty where it is about all.
      type: str
    cause:
      description: What is wrong, in one sentence.
      type: str
    fix:
      description: What to do, in one sentence.
      type: str
  sample:
    - code: port_silent
      state: ports_closed
      node: kc-2
      cause: kc-2 does not answer kc-1 at port 57800 (failure detection).
      fix: Open the port between the nodes in the security group.
node:
  description: The node that was looked from.
  returned: success
  type: str
  sample: kc-1
nodes:
  description: What each node said last.
  returned: success
  type: list
  elements: dict
  sample:
    - name: kc-1
      address: 10.0.1.11
      ready: 200
      checks: {Keycloak cluster health check: UP}
      size: 3
      label: kc-1-54491
      cache_manager: keycloak
      cluster: aiportal
      merge_events: 0
      inflight: 0
      error: ''
coordinator:
  description: The node that coordinates the cluster, by the discovery table.
  returned: success
  type: str
  sample: kc-1
size:
  description: Members of the largest cluster that any node sees.
  returned: success
  type: int
  sample: 3
cluster_name:
  description: The cluster's name.
  returned: success
  type: str
  sample: aiportal
reads:
  description: Readings that were made.
  returned: success
  type: int
  sample: 3
duration:
  description: Seconds that it took.
  returned: success
  type: float
  sample: 4.6
probe:
  description: What came of the probe. C(ok) is null where it was not made, and C(skipped) says why.
  returned: success
  type: dict
  sample: {ok: true, pairs: 3, slowest_s: 0.05, skipped: '', releases: {kc-1: 26.7.4, kc-2: 26.7.4, kc-3: 26.7.4}}
"""

import time
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_judge import cluster_name, coordinator
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_model import Expected, Node, Probe
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_observe import Observer, Places
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_probe import ClusterProbe, ProbeOptions, unwind_on_signals
from ansible_collections.aiportal.scaling.plugins.module_utils._cluster_watch import Clock, Outcome, Patience, Watch
from ansible_collections.aiportal.scaling.plugins.module_utils._host_addresses import is_local
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_database import DATABASE_ARGUMENTS, target_from

ARGUMENTS: dict[str, dict[str, Any]] = {
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "node": {"type": "str"},
    "expected_size": {"type": "int"},
    "cluster_name": {"type": "str"},
    "sessions": {"type": "str", "choices": ["distributed", "sticky"], "default": "distributed"},
    "allow_clusters": {"type": "list", "elements": "str", "default": []},
    "management_port": {"type": "int", "default": 9000},
    "management_scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "management_ca_pem": {"type": "str"},
    "http_port": {"type": "int", "default": 8080},
    "bind_port": {"type": "int", "default": 7800},
    "fd_port_offset": {"type": "int", "default": 50000},
    "database": {"type": "dict", "options": DATABASE_ARGUMENTS},
    "probe": {
        "type": "dict",
        "options": {
            **{key: {"type": "str", "required": True} for key in ("hostname", "realm", "client_id", "username")},
            "password": {"type": "str", "required": True, "no_log": True},
            "admin_realm": {"type": "str", "default": "master"},
        },
    },
    "reads": {"type": "int", "default": 2},
    "read_interval": {"type": "float", "default": 0.5},
    "settle": {"type": "float", "default": 20.0},
    "wait_timeout": {"type": "float", "default": 0.0},
}


class OptionError(Exception):
    """The message names the option and the fix."""


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    nodes = tuple(Node(node["name"], node["address"]) for node in params["nodes"])
    check(nodes, params)
    vantage = find_vantage(nodes, params["node"])
    sticky = params["sessions"] == "sticky"
    expected = Expected(nodes, params["expected_size"] or len(nodes), params["cluster_name"] or "", params["allow_clusters"], sticky)
    observer = Observer(places(nodes, vantage, params))
    patience = Patience(params["reads"], params["read_interval"], params["settle"], params["wait_timeout"])
    # One node has nobody to read on.
    wanted = params["probe"] and len(nodes) > 1
    probe = ClusterProbe(nodes, ProbeOptions(**params["probe"], http_port=params["http_port"])).run if wanted and not check_mode else None
    outcome = Watch(expected, vantage, patience, Clock(time.monotonic, time.sleep)).run(observer.look, probe)
    skipped = (
        "" if outcome.probe else "check mode" if wanted and check_mode else "not asked for" if not wanted else "the readings were not good"
    )
    return {"node": vantage, **result(expected, outcome), "probe": probe_result(outcome.probe, skipped)}


def check(nodes: tuple[Node, ...], params: dict[str, Any]) -> None:
    if not nodes:
        raise OptionError("nodes must not be empty: name all nodes of the cluster")
    for key in ("name", "address"):
        if len({getattr(node, key) for node in nodes}) < len(nodes):
            raise OptionError(f"nodes has one {key} twice: give each node its own")
    if params["expected_size"] is not None and params["expected_size"] < 1:
        raise OptionError("expected_size must be at least 1")
    if params["reads"] < 1:
        raise OptionError("reads must be at least 1")


def find_vantage(nodes: tuple[Node, ...], name: str | None) -> str:
    if name and name not in [node.name for node in nodes]:
        raise OptionError(f"node={name} is none of nodes: correct it, or leave it out")
    try:
        found = name or next((node.name for node in nodes if is_local(node.address)), None)
    except ValueError as error:
        raise OptionError(f"nodes must have IP addresses: {error}") from None
    if not found:
        raise OptionError("no address in nodes is this host's: run this on one of the nodes, or say which it is in node")
    return found


def places(nodes: tuple[Node, ...], vantage: str, params: dict[str, Any]) -> Places:
    return Places(
        nodes=nodes,
        vantage=vantage,
        management="{}://{{}}:{}".format(params["management_scheme"], params["management_port"]),
        management_ca_pem=params["management_ca_pem"],
        ports=() if params["sessions"] == "sticky" else cluster_ports(params["bind_port"], params["fd_port_offset"]),
        database=target_from(params["database"]) if params["database"] else None,
    )


def cluster_ports(bind_port: int, offset: int) -> tuple[tuple[int, str], ...]:
    return (bind_port, "cluster traffic"), (bind_port + offset, "failure detection")


def result(expected: Expected, outcome: Outcome) -> dict[str, Any]:
    return {
        "one_cluster": outcome.verdict.one_cluster and not expected.sticky,
        "as_wanted": outcome.verdict.one_cluster,
        "state": "apart" if expected.sticky and outcome.verdict.one_cluster else outcome.verdict.state,
        "findings": [asdict(finding) for finding in outcome.verdict.findings],
        "nodes": [{**asdict(node), "checks": dict(node.checks)} for node in outcome.reading.nodes],
        "coordinator": coordinator(expected, outcome.reading),
        "size": max((node.size or 0 for node in outcome.reading.nodes), default=0),
        "cluster_name": cluster_name(expected, outcome.reading),
        "reads": outcome.reads,
        "duration": round(outcome.seconds, 1),
    }


def probe_result(probe: Probe | None, skipped: str) -> dict[str, Any]:
    if probe is None:
        return {"ok": None, "pairs": 0, "slowest_s": None, "skipped": skipped, "releases": {}}
    ok = not (probe.error or probe.stale)
    return {"ok": ok, "pairs": probe.pairs, "slowest_s": probe.slowest, "skipped": "", "releases": dict(probe.releases)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    unwind_on_signals()
    try:
        module.exit_json(changed=False, **run(module.params, module.check_mode))
    except OptionError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
