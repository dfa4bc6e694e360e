# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Database connections on the lab's migrated portal, under traffic: python -m lab.pooling [STEP...]. Writes build/pooling/report.json
and the table in docs/operations.md.

The steps follow one another: without a pooler, with one in session mode, in transaction mode, and back.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from typing import Any

from lab import scenario, settings
from lab.containers import Containers
from lab.figures import keep, markdown, publish
from lab.inside import Node, cluster
from lab.scenario import Step, ansible, expect
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "pooling"
REPORT = FOLDER / "report.json"
POOL, SHARED = 20, 8  # pool_size of the portal definition; what one pooler may open in transaction mode
SESSION = {"keycloak_cluster_database_pooling": "pgbouncer"}
TRANSACTION = {**SESSION, "keycloak_cluster_pooler_mode": "transaction", "keycloak_cluster_pooler_size": SHARED}
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'keycloak' AND application_name <> 'aiportal.scaling'"
MOST_AWAY = 15.0  # seconds that a restart of the database may be felt after it is back


class Health:
    """What the nodes say of themselves, four times a second: asked on the node, because its management port is closed to this machine."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.bad: dict[str, list[float]] = {node.name: [] for node in nodes}

    def __enter__(self) -> Health:
        self.start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            for node in self._nodes:
                if not node.ready():
                    self.bad[node.name].append(round(time.monotonic() - self.start, 1))

    def until(self) -> float:
        """When the last node was last not ready, in seconds since the beginning."""
        return max((moments[-1] for moments in self.bad.values() if moments), default=0.0)


def switched(name: str, most: int, **variables: Any) -> Step:
    """The change is rolled: no request fails, the server counts no more than it may, and a second run changes nothing."""

    def step(lab: Lab) -> None:
        with scenario.traffic() as figures:
            changed = scenario.playbook(lab, "phase3", **variables)
        counted = connections(lab)
        record(name, figures, server_connections=counted, direct=direct(lab))
        expect(changed > 0, "nothing was changed")
        expect(figures["failed"] == 0, f"{figures['failed']} of {figures['requests']} requests failed: {figures['failures']}")
        expect(0 < counted <= most, f"the server counts {counted} connections of Keycloak instead of {most} at most")
        expect(any(direct(lab).values()) == (not variables), f"connections of Java itself to the server, by node: {direct(lab)}")
        expect(scenario.playbook(lab, "phase3", **variables) == 0, "a second run changed something")

    return step


def restarted(name: str, most_failed: int) -> Step:
    """Each pooler is restarted where it is, its node in service, as an upgrade of the package does it."""

    def step(lab: Lab) -> None:
        nodes = cluster(lab)
        with scenario.traffic() as figures, Health(nodes) as health:
            for node in nodes:
                node.run("systemctl", "reload", "pgbouncer")
                time.sleep(2)
            for node in nodes:
                node.run("systemctl", "restart", "pgbouncer")
                time.sleep(15)
        record(name, figures, not_ready=health.bad)
        expect(figures["failed"] <= most_failed, f"{figures['failed']} requests failed: {figures['failures']}")

    return step


def database_restart(name: str) -> Step:
    """The server restarts below. Requests meanwhile fail; afterwards all is well by itself, and soon."""

    def step(lab: Lab) -> None:
        (server,) = Containers(lab).by_kind("database").values()
        with scenario.traffic() as figures, Health(cluster(lab)) as health:
            time.sleep(5)
            Containers.exec(server, ["systemctl", "restart", "rds"])
            back = time.monotonic() - health.start
            time.sleep(40)
        away = round(max(0.0, health.until() - back), 1)
        record(name, figures, ready_again_after=away, back_at=round(back, 1), not_ready=health.bad)
        expect(away <= MOST_AWAY, f"a node was not ready {away} s after the server was back")
        ansible(lab, "verify")

    return step


def failover(name: str, **variables: Any) -> Step:
    def step(lab: Lab) -> None:
        report = FOLDER / "failover.json"
        scenario.playbook(lab, "failover", keycloak_failover_report=str(report), **variables)
        record(name, json.loads(report.read_text()))

    return step


def refused(sentence: str, **variables: Any) -> Step:
    def step(lab: Lab) -> None:
        before = started(lab)
        said = " ".join(ansible(lab, "phase3", "--extra-vars", json.dumps(variables), fails=True).split())
        expect(re.search(sentence, said) is not None, f"it did not say {sentence!r}: {said[-1500:]}")
        expect(started(lab) == before, "a node was restarted")

    return step


def started(lab: Lab) -> list[str]:
    """When the server of each node was last started."""
    asked = ["systemctl", "show", "keycloak", "--property=ExecMainStartTimestampMonotonic", "--value"]
    return [node.run(*asked).strip() for node in cluster(lab)]


def connections(lab: Lab) -> int:
    """Of Keycloak's user, as the server counts them."""
    (server,) = Containers(lab).by_kind("database").values()
    command = ["psql", "-h", "/run/postgresql", "-U", "rdsadmin", "-d", "postgres", "-Atc", COUNT]
    return int(Containers.exec(server, ["runuser", "-u", "postgres", "--", *command]))


def direct(lab: Lab) -> dict[str, int]:
    """Connections from Keycloak itself to the server's port, by node."""
    return {node.name: node.run("ss", "-Htne", "dport", "=", ":5432").count("/keycloak.service") for node in cluster(lab)}


def record(name: str, figures: dict[str, Any], **more: Any) -> None:
    plain = {key: value for key, value in figures.items() if not isinstance(value, list)}
    keep(REPORT, "name", {"name": name, **plain, **more})


STEPS: dict[str, Step] = {
    "refused-statement": refused(
        "keycloak_cluster_pooler_mode is statement: .*set it to session or transaction", **SESSION, keycloak_cluster_pooler_mode="statement"
    ),
    "refused-session": refused(
        "keycloak_cluster_pooler_size is 8, and in session mode each of the 20", **SESSION, keycloak_cluster_pooler_size=SHARED
    ),
    "refused-properties": refused(
        "keycloak_cluster_options has db-url-properties", **SESSION, keycloak_cluster_options={"db-url-properties": "?prepareThreshold=5"}
    ),
    "refused-budget": refused(
        "keycloak_cluster_pooler_size .* lower keycloak_cluster_pooler_size", **SESSION, keycloak_cluster_pooler_size=500
    ),
    "database-restart": database_restart("database restart, agroal"),
    "session": switched("agroal to pgbouncer, session", 3 * POOL, **SESSION),
    "session-restart": restarted("pgbouncer restarted in service, session", 20),
    "session-database-restart": database_restart("database restart, pgbouncer in session mode"),
    "transaction": switched("session to transaction", 3 * SHARED, **TRANSACTION),
    "transaction-restart": restarted("pgbouncer restarted in service, transaction", 0),
    "transaction-database-restart": database_restart("database restart, pgbouncer in transaction mode"),
    "failover": failover("failover, pgbouncer in transaction mode", **TRANSACTION),
    "agroal": switched("pgbouncer to agroal", 3 * POOL),
    "failover-agroal": failover("failover, agroal"),
}


COLUMNS = ("what happened", "requests", "failed", "slowest", "connections of the server", "said once or more that they were not ready")


def row(entry: dict[str, Any]) -> tuple[Any, ...]:
    slowest = f"{entry['worst_latency_s']} s" if "worst_latency_s" in entry else ""
    unready = f"{sum(map(bool, entry['not_ready'].values()))} of {len(entry['not_ready'])} nodes" if "not_ready" in entry else ""
    if after := entry.get("ready_again_after"):
        unready += f", for the last time {after} s after the server was back"
    return entry["name"], entry["requests"], entry["failed"], slowest, entry.get("server_connections", ""), unready


def main(chosen: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    status = scenario.run("pooling", STEPS, chosen)
    entries = json.loads(REPORT.read_text()) if REPORT.exists() else []
    if len(entries) == sum("refused" not in name for name in STEPS):  # some of them must not take the others from the page
        publish("pooling", markdown(COLUMNS, map(row, entries)))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
