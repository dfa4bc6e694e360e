# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a live cluster under constant traffic, and changes that must be refused: python -m lab.rolling [STEP...].

The steps are in an order: the last ones need a lab that began with the release before, as one that is started here does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import yaml

from lab import artifacts, changes, life, scenario, settings
from lab.containers import Containers
from lab.figures import keep, markdown, publish, short
from lab.inside import cluster
from lab.portal.definition import DEFINITION
from lab.scenario import Step, ansible, expect, killed_run
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "rolling"
REPORT, TIMES = FOLDER / "report.json", FOLDER / "times.json"
NODES = 3
BEFORE, AFTER = artifacts.RELEASES
# Tasks of an upgrade, and seconds into them: with the snapshot on its way, before and after all are stopped, and while one migrates alone.
KILLED_AT = {
    "Snapshot | Take one": 1,
    "Start | Stop what still runs": 1,
    "Activate | Switch to the home": 0,
    "Up | Wait until it is ready": 5,
}


def rolled(change: str, **variables: Any) -> Step:
    """The change is rolled: all nodes, the coordinator last, and none of the requests meanwhile fails."""

    def step(lab: Lab) -> None:
        leader = coordinator(lab)
        with scenario.traffic() as figures:
            ansible(lab, "roll_keycloak", *extra(keycloak_cluster_report=str(TIMES), **variables))
        times = json.loads(TIMES.read_text())["nodes"]
        record(change, figures, seconds_per_node=[node["seconds"] for node in times.values()], nodes=times)
        expect(len(times) == NODES, f"{len(times)} nodes were changed instead of {NODES}: {times}")
        expect(figures["failed"] == 0, f"{figures['failed']} of {figures['requests']} requests failed: {figures['failures']}")
        began = starts(lab)
        expect(max(began, key=lambda name: int(began[name])) == leader, f"{leader}, the coordinator, was not the last: {began}")

    return step


def refused(sentence: str, *words: str, playbook: str = "roll_keycloak", **variables: Any) -> Step:
    """The change is refused in a sentence of this pattern, and no node was touched."""

    def step(lab: Lab) -> None:
        before = starts(lab)
        said = " ".join(ansible(lab, playbook, *words, *extra(**variables), fails=True).split())
        expect(re.search(sentence, said) is not None, f"it did not say {sentence!r}: {said[-1500:]}")
        expect(starts(lab) == before, "a node was restarted")

    return step


def theme(lab: Lab) -> None:
    """A theme is an archive, so it takes another home; each node has to know it afterwards."""
    jar = changes.theme(FOLDER / "theme.jar")
    rolled("theme added", keycloak_cluster_providers=[changes.provider(jar)])(lab)
    homes = on_nodes(lab, "ls", "/opt/keycloak/current/providers")
    expect(all("theme.jar" in listed for listed in homes.values()), f"the theme is not everywhere: {homes}")


def broken_provider(lab: Lab) -> None:
    """It does not even build, beside the servers that run."""
    jar = changes.broken_provider(FOLDER / "broken.jar")
    refused(r"rolling\.DoesNotExist|NoSuchFactory|kc\.sh', 'build'", keycloak_cluster_providers=[changes.provider(jar)])(lab)


def broken_start(lab: Lab) -> None:
    """It builds and does not start: the first node stays out, the others as they were; the old configuration mends it."""
    before = starts(lab)
    with scenario.traffic() as figures:
        output = ansible(lab, "roll_keycloak", *extra(keycloak_cluster_java_options=["-XX:+NoSuchOption"]), fails=True)
        touched = [name for name, start in starts(lab).items() if start != before[name]]
        ansible(lab, "roll_keycloak")
    record("one that does not start", figures, nodes_touched=len(touched))
    expect("is out of service and the nodes after it were not touched" in output, f"it did not say how to go on: {output[-1500:]}")
    expect("Unrecognized VM option" in output, "the end of the server's log was not shown")
    expect(len(touched) == 1, f"nodes were touched after the first failure: {touched}")
    expect(figures["failed"] == 0, f"requests failed: {figures['failures']}")


def patch(lab: Lab) -> None:
    define(lab, AFTER)
    rolled(f"{BEFORE} to {AFTER}")(lab)
    expect_release(lab, AFTER)


def upgrade(lab: Lab) -> None:
    """As for a minor release: all stop, the first migrates alone. What users have must survive."""
    expect_release(lab, BEFORE)
    define(lab, AFTER)
    refused("This change can be rolled without an interruption", playbook="upgrade_keycloak")(lab)
    before = {**scenario.client("users"), **scenario.client("check")}
    with scenario.traffic() as figures:
        ansible(lab, "upgrade_keycloak", *extra(keycloak_cluster_recreate=True, keycloak_cluster_report=str(TIMES)))
    after = {**scenario.client("users"), **scenario.client("check")}
    away = json.loads(TIMES.read_text())["away_seconds"]
    record("upgrade, all stopped", figures, away_seconds=away, before=before, after=after)
    expect_release(lab, AFTER)
    expect(before["users"] == after["users"] and after["lost"] == after["revived"] == 0, f"users or sessions were lost: {before} {after}")


def downgrade(lab: Lab) -> None:
    """Back to the snapshot, in an instance of its own; sessions begun since the snapshot are gone, those before are not."""
    define(lab, BEFORE)
    users = scenario.client("users")
    with scenario.traffic() as figures:
        ansible(lab, "downgrade_keycloak", *extra(keycloak_cluster_report=str(TIMES)))
    away = json.loads(TIMES.read_text())["away_seconds"]
    sessions = scenario.client("forget")
    record("back to the snapshot", figures, away_seconds=away, before=users, after={**scenario.client("users"), **sessions})
    expect(sessions["live"] > 0, f"none of the sessions from before the snapshot lives: {sessions}")
    write_down(lab)
    expect_release(lab, BEFORE)
    expect(scenario.playbook(lab, "phase3") == 0, "phase 3 with what the downgrade said to write down changed something")


def killed(lab: Lab) -> None:
    """An upgrade and the way back, killed again and again and then finished: the same end as if they had never been killed."""
    consent = extra(keycloak_cluster_recreate=True)
    define(lab, AFTER)
    before = scenario.client("users")
    for task, seconds in KILLED_AT.items():
        killed_run(lab, "upgrade_keycloak", task, seconds, *consent)
    ansible(lab, "upgrade_keycloak", *consent)
    expect_release(lab, AFTER)
    define(lab, BEFORE)
    for task, seconds in (("Restore | Restore into a new instance", 1), ("Activate | Copy the unit", 1)):
        killed_run(lab, "downgrade_keycloak", task, seconds)
    ansible(lab, "downgrade_keycloak")
    write_down(lab)
    expect_release(lab, BEFORE)
    ansible(lab, "verify")
    expect(scenario.client("users") == before, f"there were {before}")
    scenario.client("forget")


def write_down(lab: Lab) -> None:
    """What a downgrade says to write down: the instance that it has restored, which is the last of them."""
    instances = [each["DBInstanceIdentifier"] for each in lab.client("rds").describe_db_instances()["DBInstances"]]
    define(lab, BEFORE, max(name for name in instances if "-keycloak-" in name))


def define(lab: Lab, release: str, instance: str = "") -> None:
    """What an operator writes into the portal definition; the archive of the release is there as on GitHub."""
    archive = artifacts.keycloak(release)
    lab.client("s3").upload_file(str(artifacts.fetch(archive)), artifacts.BUCKET, archive.file)
    definition = defined(lab)
    definition["portal"]["keycloak"].update(release=release, archive=f"{lab.node_api_url}/{artifacts.BUCKET}/{archive.file}")
    if instance:
        definition["portal"]["database"]["instance"] = instance
    (lab.state / "inventory" / DEFINITION).write_text("---\n" + yaml.safe_dump(definition, sort_keys=False))


def defined(lab: Lab) -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load((lab.state / "inventory" / DEFINITION).read_text())
    return definition


def expect_release(lab: Lab, release: str) -> None:
    homes = on_nodes(lab, "readlink", "/opt/keycloak/current")
    expect(all(f"/{release}-" in home for home in homes.values()), f"not all nodes run {release} (make lab-down, make rolling): {homes}")


def starts(lab: Lab) -> dict[str, str]:
    """When the server of each node was last told to start."""
    return on_nodes(lab, "systemctl", "show", "keycloak", "--property=InactiveExitTimestampMonotonic", "--value")


def coordinator(lab: Lab) -> str:
    """The name of the node that leads, by Keycloak's own table."""
    database = Containers(lab).find(f"rds-{defined(lab)['portal']['database']['instance']}")
    assert database is not None
    query = "SELECT split_part(ip, ':', 1) FROM jgroups_ping WHERE coord"
    address = Containers.exec(database, ["psql", "-At", "-U", "rdsadmin", "-c", query, "keycloak"]).strip()
    names = [node.name for node in cluster(lab) if node.address == address]
    expect(len(names) == 1, f"there is not one coordinator: {address!r}")
    return names[0]


def on_nodes(lab: Lab, *command: str) -> dict[str, str]:
    """The output of a command on each node of the cluster, by the node's name."""
    found = {node.name: node.run(*command).strip() for node in cluster(lab)}
    expect(len(found) == NODES, f"there are not {NODES} nodes: {found}")
    return found


def extra(**variables: Any) -> list[str]:
    return ["--extra-vars", json.dumps(variables)]


def record(change: str, figures: dict[str, Any], **more: Any) -> None:
    keep(REPORT, "change", {"change": change, **more, **short(figures)})


def begin() -> None:
    """A lab that begins with the release before, so that there is one to go to."""
    scenario.OUT.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=settings.ROOT, env={**os.environ, "LAB_RELEASE": BEFORE}, check=True)
    lab = settings.load()
    assert lab is not None
    scenario.playbook(lab, "phase3")
    scenario.client("seed", "--sessions", "60")


STEPS: dict[str, Step] = {
    "nothing": refused("There is nothing to change, all nodes run what is wanted: change the portal definition or"),
    "restart": rolled("restart", keycloak_cluster_restart=True),
    "heap": rolled("heap 512m to 448m", keycloak_cluster_heap_max="448m"),
    "pool": rolled("pool 20 to 15", keycloak_cluster_pool_size=15),
    "theme": theme,
    "cluster-name": refused(r"cannot run beside nodes without it \(cluster name: \S+ -> other\)", keycloak_cluster_name="other"),
    "minor": refused(
        r"\(release 26\.7\.\d -> 26\.8\.0 is more than a patch\), so that all nodes have to be stopped",
        "--check",
        keycloak_cluster_release="26.8.0",
        keycloak_cluster_archive_checksum="0" * 64,
    ),
    "wrong-option": refused(r"refuses the wanted configuration.*no-such-level", keycloak_cluster_options={"log-level": "no-such-level"}),
    "broken-provider": broken_provider,
    "broken-start": broken_start,
    "upgrade": upgrade,
    "downgrade": downgrade,
    "killed": killed,
    "patch": patch,
}


def table(entries: list[dict[str, Any]]) -> str:
    return markdown(("change", "seconds per node", "nobody served", "requests", "failed", "worst latency"), map(row, entries))


def row(entry: dict[str, Any]) -> tuple[Any, ...]:
    nodes = ", ".join(f"{seconds:.0f}" for seconds in entry.get("seconds_per_node", []))
    away = f"{entry['away_seconds']:.0f} s" if "away_seconds" in entry else ""
    return entry["change"], nodes, away, entry["requests"], entry["failed"], f"{entry['worst_latency_s']} s"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab = settings.load()
    if lab is None or not life.is_up(lab):
        begin()
    status = scenario.run("rolling", STEPS, sys.argv[1:])
    publish("rolling", table(json.loads(REPORT.read_text()) if REPORT.exists() else []))
    return status


if __name__ == "__main__":
    sys.exit(main())
