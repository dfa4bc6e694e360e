# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of an identity cluster on real servers, and what keycloak_cluster_info says of it: python -m lab.states [SCENE...].

Runs on a migrated lab and leaves it as it was. A run that was killed is undone by the next one, before anything else.
Writes build/states/report.json; when all scenes were played, also the table in docs/operations.md."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab import life, settings, spare
from lab.containers import RESOURCE_LABEL
from lab.disturb import PORTS, Database, Hosts, Rules, closed, open_from
from lab.figures import publish
from lab.inside import cluster
from lab.looks import FOLDER, Looker, Member, Verdict
from lab.probe_signals import marked, signalled
from lab.scenario import ScenarioError, expect, outcome
from lab.settings import Lab
from lab.spare import CLUSTER, Spare
from lab.verdicts import Result, line, table

OLDER = "26.7.3"
MIGRATED = ["ISPN"]  # the old node's cluster, whose row may still be there: keycloak_cluster_neighbours
TCPPING = """\
<infinispan xmlns="urn:infinispan:config:16.0">
  <jgroups>
    <stack name="fixed" extends="tcp">
      <TCPPING initial_hosts="{hosts}" port_range="0" stack.combine="REPLACE" stack.position="MPING"/>
    </stack>
  </jgroups>
  <cache-container name="keycloak"><transport stack="fixed" lock-timeout="60000"/></cache-container>
</infinispan>
"""


class World:
    """The lab's cluster, and the spare server once a scene needs one."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.hosts, self.looker = Hosts(lab), Looker(lab, MIGRATED)
        self.rules, self.database = Rules(lab, FOLDER / "rules.json"), Database(lab)
        self.nodes = cluster_nodes(lab)
        self.results: list[Result] = []
        self.last = Verdict({})

    @functools.cached_property
    def spare(self) -> Spare:
        server = Spare(self.lab, self.nodes[0])
        server.launch()
        return server

    def expect(self, state: str, verdict: str, *codes: str, within: float = 180, **look: Any) -> None:
        """Looks until the verdict ("this or that") and these findings are there; until then anything but one cluster may be said."""
        start = time.monotonic()
        members = look.pop("members", self.nodes)
        while True:
            self.last = self.looker.look(members, wait=within if verdict == "one_cluster" else 0, **look)
            fine = self.last.state in verdict.split(" or ") and set(codes) <= set(self.last.codes)
            lied = self.last.state == "one_cluster" != verdict
            seconds = time.monotonic() - start
            if fine or lied or seconds > within:
                break
        found = Result(state, verdict, self.last.state, self.last.codes, self.last.causes, round(seconds, 1), fine)
        self.results.append(found)
        print(line(found), flush=True)
        expect(fine, f"{state}: {self.last.state} {self.last.codes} instead of {verdict} {list(codes)}: {' '.join(self.last.causes)}")

    def restore(self) -> None:
        """Whatever a scene, or a run that was killed, has left: undone without knowing what it was."""
        self.rules.restore()
        self.hosts.heal(self.nodes)
        self.database.start()
        spare.forget(self.lab)
        self.__dict__.pop("spare", None)
        for node in self.nodes:
            self.hosts.signal_java(node, "CONT")
            self.hosts.run(node, "systemctl start keycloak")


def cluster_nodes(lab: Lab) -> list[Member]:
    return [Member(node.name, node.address, node.container.labels[RESOURCE_LABEL]) for node in cluster(lab)]


def whole(world: World) -> None:
    world.expect("one cluster", "one_cluster", within=300)


def ports(world: World) -> None:
    """The links that are open stay so: nothing else shows the port that a node will need when it starts or dies."""
    first, second, third = world.nodes
    for state, port, change in (
        ("57800 closed", 57800, closed(57800)),
        ("7800 closed", 7800, closed(7800)),
        ("both ports closed", 7800, closed(*PORTS)),
        ("closed in one direction", 7800, open_from(first, second)),
    ):
        with world.rules.changed(change):
            life.wait("the port to close", lambda port=port: not world.hosts.reaches(third, first.address, port), 60)  # type: ignore[misc]
            world.expect(state, "ports_closed", "port_silent")
        life.wait("the port to open", lambda port=port: world.hosts.reaches(third, first.address, port), 60)  # type: ignore[misc]


def killed(world: World) -> None:
    """kill -9 of the coordinator, whose row stays; systemd starts it again after ten seconds."""
    victim = next((node for node in world.nodes if node.name == world.last.coordinator), world.nodes[0])
    with world.database.startups_held():
        world.hosts.signal_java(victim, "KILL")
        world.expect("a node killed", "unreachable", "unreachable", "partial")
        world.expect("forming", "forming", "starting")
    world.expect("stale rows after kill -9", "one_cluster", "old_row", within=300)


def probe(world: World) -> None:
    """What the probe changed is put back: at once where it is ended, by the next run where it is killed."""
    expect(not signalled(world.lab, world.nodes, "TERM"), "SIGTERM left the mark of the probe on the client")
    expect(signalled(world.lab, world.nodes, "KILL"), "the mark of a probe that was killed is not there: it was killed too late")
    world.expect("a killed probe's mark", "one_cluster", "mark_left")
    expect(not marked(world.lab), "the mark of the killed probe is still there")


def inverted(world: World) -> None:
    """Written by hand, because a merge brings it about only sometimes; what the servers make of it, and its end, are theirs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(world.database.invert)
        life.wait("all nodes to be unready", lambda: not any(world.hosts.ready(node) for node in world.nodes), 30)
        world.expect("inverted coordinator rows", "forming", "coordinator_rows")
    world.expect("put right by the coordinator", "one_cluster")


def environments(world: World) -> None:
    """Another server on the same database, of another cluster name and of the same; apart, and merged; then two and two."""
    server, nodes = world.spare, world.nodes
    server.start({CLUSTER: "staging"})
    life.wait("the other environment to be up", server.announced, 300)
    world.expect("two environments, two names", "multiple_clusters", "foreign_cluster")
    server.stop()
    world.hosts.cut(nodes, [server.member])
    server.start()
    life.wait("the other environment to be up", server.announced, 300)
    world.expect("two environments, one name, apart", "multiple_clusters", "stranger")
    world.hosts.heal([*nodes, server.member])
    world.expect("two environments, one name, merged", "multiple_clusters", "too_many", "stranger")
    four = [*nodes, server.member]
    world.hosts.cut(nodes[:2], [nodes[2], server.member])
    world.expect("two clusters of equal size, ports closed", "split", "split", "coordinators", "port_silent", members=four)
    world.hosts.heal(four)
    world.expect("two clusters of equal size", "split", "split", "coordinators", members=four)
    world.hosts.run(nodes[2], "systemctl stop keycloak")
    server.kill()


def misconfigured(world: World) -> None:
    """The spare server takes the third node's place, wrong in one thing at a time."""
    world.hosts.run(world.nodes[2], "systemctl stop keycloak")
    server, pair = world.spare, world.nodes[:2]
    three = [*pair, server.member]
    hosts = ",".join(f"{node.address}[7800]" for node in three)
    for state, options, verdict, code in (
        ("cache=local", {"cache": "local", "cache-embedded-network-bind-address": ""}, "cache_local", "cache_local"),
        ("singleton, by its name", {CLUSTER: "elsewhere"}, "singleton", "cluster_name"),
        ("mTLS off on one", {"cache-embedded-mtls-enabled": "false"}, "singleton", "coordinators"),
        ("address: loopback", {"cache-embedded-network-bind-address": "LOOPBACK"}, "address_wrong", ""),
        ("address: container bridge", {"cache-embedded-network-external-address": "172.17.0.2"}, "address_wrong", "row_bridge"),
        ("another stack (TCPPING)", {"cache-config-file": "fixed.xml"}, "other_stack", "no_cluster_check"),
    ):
        server.start(options, {"fixed.xml": TCPPING.format(hosts=hosts)})
        life.wait("the spare server to be up", server.clustered, 300)
        world.expect(state, verdict, *filter(None, [code]), members=three)
        server.kill()
    # With one direction open it is a matter of chance who connects first, and so whether it joins.
    for state, change, verdict in (
        ("7800 closed at its start", closed(7800), "singleton"),
        ("one direction closed at its start", open_from(*pair), "singleton or ports_closed"),
    ):
        with world.rules.changed(change):
            life.wait("the port to close", lambda: not world.hosts.reaches(server.member, pair[0].address, 7800), 60)
            server.start()
            life.wait("the spare server to be up", server.clustered, 300)
            world.expect(state, verdict, "port_silent", members=three)
            server.kill()


def third(world: World) -> None:
    """A third node that joins, freezes, and comes back with another release."""
    world.hosts.run(world.nodes[2], "systemctl stop keycloak")
    server, pair = world.spare, world.nodes[:2]
    three = [*pair, server.member]
    server.start()
    world.expect("one cluster, with the spare server", "one_cluster", members=three, within=300)
    world.hosts.signal_java(server.member, "STOP")
    world.expect("a frozen node", "frozen", "frozen", members=three)
    home = server.build(OLDER)
    world.expect("a frozen node, given up", "frozen", "frozen", "partial", members=three)
    server.kill()
    server.start(home=home)
    world.expect("a node of another release", "mixed_releases", "mixed_releases", members=three)


def database(world: World) -> None:
    world.database.stop()
    world.expect("database unreachable", "db_error", "database_unreadable", "health_silent")
    world.database.start()
    world.expect("database back", "one_cluster", within=300)


def undone(world: World) -> None:
    """A run of this very program is killed with a port closed; what it has left is enough to open it again."""
    run = subprocess.Popen([sys.executable, "-m", "lab.states", "ports"], cwd=settings.ROOT, start_new_session=True)
    first, third = world.nodes[0], world.nodes[2]
    try:
        life.wait("the port to close", lambda: not world.hosts.reaches(third, first.address, 57800), 300)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    world.restore()
    life.wait("the port to open", lambda: world.hosts.reaches(third, first.address, 57800), 60)


SCENES: dict[str, Callable[[World], None]] = {
    "whole": whole,
    "ports": ports,
    "database": database,
    "killed": killed,
    "probe": probe,
    "inverted": inverted,
    "environments": environments,
    "misconfigured": misconfigured,
    "third": third,
    "undone": undone,
}


def play(scene: Callable[[World], None], world: World, lab: Lab) -> None:
    """A scene that fails must not spoil the next."""
    try:
        scene(world)
    except (ScenarioError, RuntimeError) as error:
        world.restore()
        raise ScenarioError(str(error)) from error


def main(chosen: list[str]) -> int:
    lab = settings.load()
    if lab is None or not life.is_up(lab) or len(cluster_nodes(lab)) != 3:
        print("the lab has no migrated cluster of three nodes; run `make demo` first", file=sys.stderr)
        return 1
    if unknown := sorted(set(chosen) - set(SCENES)):
        print(f"states: no scene {', '.join(unknown)}; there are {', '.join(SCENES)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    world = World(lab)
    scenes = {name: functools.partial(play, SCENES[name], world) for name in chosen or SCENES}
    try:
        world.restore()
        results = [outcome("states", name, scene, lab) for name, scene in scenes.items()]
    finally:
        world.restore()
    results.append(outcome("states", "restored", lambda dummy: world.expect("one cluster again", "one_cluster", within=300), lab))
    (FOLDER / "report.json").write_text(json.dumps([dataclasses.asdict(result) for result in world.results], indent=1) + "\n")
    print("", *map(line, world.results), sep="\n")
    if not chosen:
        publish("states", table(world.results))
    failures = list(filter(None, results))
    print(f"states: {sum(result.passed for result in world.results)} of {len(world.results)} as expected", *failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
