# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to bear the silent loss of a domain controller, side by side on one node of the migrated portal.

python -m bench.directory_loss [WAY...]; figures in build/bench/directory.json, the table in docs/operations.md

Each way: Keycloak starts anew, its pool is warmed on the first controller, which then falls silent; later the second does instead.
Ends with an error when a pool is larger than it was told to be, or when the shipped way lets more than one login stall.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin
from docker.models.containers import Container

from lab import settings, silence
from lab.clients.access import Access, secret
from lab.containers import ADDRESS_LABEL, Containers
from lab.figures import markdown, publish
from lab.life import wait
from lab.portal import ADMIN_SECRET, REALM
from lab.settings import Lab
from lab.silence import Login, Logins

REPORT = settings.ROOT / "build/bench/directory.json"
DROP_IN = "/run/systemd/system/keycloak.service.d/bench.conf"
ENVIRONMENT = "/run/keycloak-bench.env"
TYPE = "org.keycloak.storage.UserStorageProvider"
LOSSES, LONGEST, SHIPPED = ("first", "second", "frozen"), 5.0, "proxy, no pool"
FIRST_LOSS, RECOVERY, SECOND_LOSS = 25.0, 5.0, 12.0


@dataclass(frozen=True)
class Way:
    name: str
    pool: int = 50  # connections that are kept; 0: none
    retries: int = 15  # net.ipv4.tcp_retries2; 15 is the kernel's own
    proxy: bool = False
    federation: dict[str, str] = field(default_factory=dict)

    def java(self) -> str:
        prefix = "-Dcom.sun.jndi.ldap.connect.pool"
        return f'{prefix}.protocol="plain ssl" {prefix}.maxsize={self.pool}' if self.pool else f"{prefix}.protocol=none"


SHORT = {"connectionTimeout": "500", "readTimeout": "3000"}
WAYS = [
    Way("pool"),
    Way("pool of 3", pool=3),
    Way("pool, tcp_retries2 5", retries=5),
    Way("pool, tcp_retries2 3", retries=3),
    Way("pool, 500/3000 ms", federation=SHORT),
    Way("no pool", pool=0),
    Way("no pool, 500/3000 ms", pool=0, federation=SHORT),
    Way("proxy, pool", proxy=True),
    Way("proxy, no pool", pool=0, proxy=True),
]


class Bench:
    def __init__(self, lab: Lab, node: Container, logins: Logins) -> None:
        self.node, self.logins = node, logins
        self.address = self.node.labels[ADDRESS_LABEL]
        self.first, self.second = silence.controllers(lab)
        account = secret(lab, ADMIN_SECRET)
        self._access, self._account = Access(lab), (account["username"], account["password"])

    def measure(self, way: Way) -> dict[str, Any]:
        with self._in_effect(way):
            self._warm()
            calm = [login.seconds for login in self.logins.series(6.0)]
            pooled = silence.connections(self.node, self.first)
            figures: dict[str, Any] = {
                "name": way.name,
                "median_ms": round(statistics.median(calm) * 1000),
                "kept": pooled,
                "pool": way.pool,
            }
            losses = [
                (self.first, silence.silent, FIRST_LOSS),
                (self.second, silence.silent, SECOND_LOSS),
                (self.first, silence.frozen, SECOND_LOSS),
            ]
            for name, (controller, loss, seconds) in zip(LOSSES, losses, strict=True):
                with loss(controller, [self.address]):
                    during = self.logins.series(seconds)
                figures[name] = verdict(during)
                figures[f"after_{name}"] = verdict(self.logins.series(RECOVERY))
            return figures

    def _warm(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.logins.one(), range(24)))

    @contextlib.contextmanager
    def _in_effect(self, way: Way) -> Iterator[None]:
        before, retries = self._federation(way.federation), self._run(["sysctl", "-n", "net.ipv4.tcp_retries2"]).strip()
        self._restart(way)
        try:
            yield
        finally:
            self._federation({key: before[key] for key in way.federation})
            self._run(["rm", "-f", DROP_IN])
            self._run(["sysctl", "-q", f"net.ipv4.tcp_retries2={retries}"])
            self._run(["systemctl", "daemon-reload"])

    def _restart(self, way: Way) -> None:
        lines = ["[Service]", f"EnvironmentFile={ENVIRONMENT}", "BindReadOnlyPaths="]
        lines += ["BindReadOnlyPaths=/etc/directory-proxy/hosts:/etc/hosts"] if way.proxy else []
        files = {DROP_IN: "\n".join(lines), ENVIRONMENT: f"JAVA_OPTS_APPEND='-XX:TieredStopAtLevel=1 {way.java()}'"}
        self._run(["mkdir", "-p", DROP_IN.rpartition("/")[0]])
        for path, content in files.items():
            # Docker's archives do not reach the tmpfs of /run.
            self._run(["sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sh", content, path])
        self._run(["sysctl", "-q", f"net.ipv4.tcp_retries2={way.retries}"])
        self._run(["systemctl", "daemon-reload"])
        self._run(["systemctl", "restart", "keycloak"])
        wait(f"Keycloak to start ({way.name})", lambda: self.logins.one().status == 200, 180.0, pause=1.0)

    def _federation(self, changes: dict[str, str]) -> dict[str, str]:
        """Puts settings into the federation; its settings before."""
        admin = KeycloakAdmin(self._access.http(), *self._account)
        component = next(one for one in admin.get(f"/{REALM}/components?type={TYPE}") if one["providerId"] == "ldap")
        before = {key: values[0] for key, values in component["config"].items()}
        if changes:
            component["config"].update({key: [value] for key, value in changes.items()})
            admin.put(f"/{REALM}/components/{component['id']}", component)
        return before

    def restore(self) -> None:
        """Back to what the role set up."""
        self._run(["systemctl", "restart", "keycloak"])

    def _run(self, argv: list[str]) -> str:
        return Containers.exec(self.node, argv)


def verdict(series: list[Login]) -> dict[str, Any]:
    stalled = [login for login in series if login.stalled]
    return {
        "logins": len(series),
        "failed": sum(login.status != 200 for login in series),
        "stalled": len(stalled),
        "longest_s": max(login.seconds for login in series),
        "last_stalled_ended_s": max((round(login.at + login.seconds, 1) for login in stalled), default=0.0),
        "answers": sorted({f"{login.status} {login.text}" for login in series if login.status != 200}),
    }


def table(ways: list[dict[str, Any]]) -> str:
    columns = ("way", "login", "kept", "first silent", "second silent", "first frozen")
    return markdown(columns, ([way["name"], f"{way['median_ms']} ms", way["kept"], *(said(way[loss]) for loss in LOSSES)] for way in ways))


def said(figures: dict[str, Any]) -> str:
    return f"{figures['stalled']} of {figures['logins']}, {figures['failed']} failed, ≤ {figures['longest_s']:.1f} s"


def main(names: list[str]) -> int:
    lab = settings.load()
    if lab is None:
        print("the lab is not running; start it by `make lab-up`", file=sys.stderr)
        return 1
    node, rows = silence.nodes(lab)[0], []
    with silence.logins_at(lab, node.labels[ADDRESS_LABEL]) as logins:
        bench = Bench(lab, node, logins)
        for way in [way for way in WAYS if not names or way.name in names]:
            rows.append(bench.measure(way))
            print(json.dumps(rows[-1]), flush=True)
        bench.restore()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    if len(rows) == len(WAYS):  # some of them must not take the others from the page
        publish("bench-directory", table(rows))
    wrong = violations(rows)
    print("\n".join(wrong))
    return 1 if wrong else 0


def violations(rows: list[dict[str, Any]]) -> list[str]:
    """One connection more than the pool has may be a health check under way."""
    told = [f"{row['name']}: {row['kept']} connections were kept" for row in rows if row["kept"] > row["pool"] + 1]
    shipped = [row for row in rows if row["name"] == SHIPPED]
    told += [
        f"{SHIPPED}: {row[loss]}" for row in shipped for loss in LOSSES if row[loss]["stalled"] > 1 or row[loss]["longest_s"] > LONGEST
    ]
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
