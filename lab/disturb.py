# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a cluster in the lab, and its undoing, which needs no memory of the run that did it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.containers import Containers
from lab.life import wait
from lab.looks import Member
from lab.portal import NAME
from lab.settings import Lab

PORTS = (7800, 57800)
CUT = "states-cut"
GROUP = "-keycloak-cluster"
PATIENCE = 60.0
Permissions = list[dict[str, Any]]


class Hosts:
    """The nodes' insides, by way of Docker: as an operator on the host would."""

    def __init__(self, lab: Lab) -> None:
        self.containers = Containers(lab)

    def run(self, member: Member, command: str, timeout: float = 0) -> str:
        container = self.containers.find(member.instance)
        if container is None or container.status != "running":
            raise RuntimeError(f"{member.name} does not run")
        return Containers.exec(container, ["sh", "-c", command], timeout)

    def signal_java(self, member: Member, name: str) -> None:
        self.run(member, f"pkill --signal={name} --euid=keycloak --exact java || true")

    def reaches(self, member: Member, address: str, port: int) -> bool:
        with contextlib.suppress(RuntimeError):
            self.run(member, f"timeout 1 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null")
            return True
        return False

    def ready(self, member: Member) -> bool:
        return "200" in self.run(member, f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' http://{member.address}:9000/health/ready || true")

    def filter(self, member: Member, *rules: str, check: bool = True) -> None:
        """iptables in the node's network, beside the chain that the lab keeps there for its security groups."""
        container = self.containers.find(member.instance)
        if container is None or container.status != "running":
            return
        pid = str(Containers.pid(container))
        for rule in rules:
            done = subprocess.run(["nsenter", "--target", pid, "--net", "iptables", *rule.split()], capture_output=True, text=True)
            if check and done.returncode != 0:
                raise RuntimeError(f"iptables {rule} on {member.name}: {done.stderr.strip()}")

    def cut(self, one: Sequence[Member], other: Sequence[Member]) -> None:
        """A partition: packets of the cluster are lost both ways, also those of open connections, which no security group would touch."""
        for here, there in ((one, other), (other, one)):
            for member in here:
                self.filter(member, f"-N {CUT}", f"-I INPUT -j {CUT}")
                for peer in there:
                    # Either end may have opened the connection.
                    ports = [f"-A {CUT} -s {peer.address} -p tcp --{end} {port} -j DROP" for port in PORTS for end in ("dport", "sport")]
                    self.filter(member, *ports)

    def heal(self, members: Sequence[Member]) -> None:
        for member in members:
            self.filter(member, f"-D INPUT -j {CUT}", f"-F {CUT}", f"-X {CUT}", check=False)


class Rules:
    """The cluster's security group. What it was is kept in a file before the first change, so that a later run can put it back."""

    def __init__(self, lab: Lab, memory: Path) -> None:
        self._ec2 = lab.client("ec2")
        self._memory = memory

    def restore(self) -> None:
        if self._memory.exists():
            self._put(json.loads(self._memory.read_text()))
            self._memory.unlink()

    @contextlib.contextmanager
    def changed(self, change: Callable[[Permissions], Permissions]) -> Iterator[None]:
        before = self._get()["IpPermissions"]
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.write_text(json.dumps(before))
        self._put(change(before))
        try:
            yield
        finally:
            self.restore()

    @property
    def group(self) -> str:
        return str(self._get()["GroupId"])

    def _get(self) -> dict[str, Any]:
        groups = self._ec2.describe_security_groups()["SecurityGroups"]
        found: dict[str, Any] = next(group for group in groups if group["GroupName"].endswith(GROUP))
        return found

    def _put(self, permissions: Permissions) -> None:
        found = self._get()
        if found["IpPermissions"]:
            self._ec2.revoke_security_group_ingress(GroupId=found["GroupId"], IpPermissions=found["IpPermissions"])
        self._ec2.authorize_security_group_ingress(GroupId=found["GroupId"], IpPermissions=permissions)


def closed(*ports: int) -> Callable[[Permissions], Permissions]:
    return lambda permissions: [each for each in permissions if each.get("FromPort") not in ports]


def open_from(*members: Member) -> Callable[[Permissions], Permissions]:
    """The cluster's ports are open to these only: the rest is reached, and does not reach."""

    def change(permissions: Permissions) -> Permissions:
        ranges = [{"CidrIp": f"{member.address}/32"} for member in members]
        opened = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges} for port in PORTS]
        return [*closed(*PORTS)(permissions), *opened]

    return change


class Database:
    def __init__(self, lab: Lab) -> None:
        self._rds, self._containers = lab.client("rds"), Containers(lab)

    def stop(self) -> None:
        self._rds.stop_db_instance(DBInstanceIdentifier=NAME)

    def start(self) -> None:
        if self._status() == "stopped":
            self._rds.start_db_instance(DBInstanceIdentifier=NAME)
        wait("the database to be available", lambda: self._status() == "available", PATIENCE)

    def ask(self, query: str) -> str:
        """One value of Keycloak's database, asked on its host."""
        container = next(iter(self._containers.by_kind("database").values()))
        return Containers.exec(container, ["psql", "-At", "-U", "rdsadmin", "-c", query, "keycloak"]).strip()

    def invert(self) -> None:
        """For half a minute the mark of the coordinator is on the wrong row, as a former coordinator leaves it after some merges.

        Over and over, because the true one of 26.7.4 puts it right within 3 s.
        """
        fresh = f"cluster_name = '{NAME}' AND last_update > extract(epoch FROM now()) - 60"
        wrong = f"SELECT max(address) FROM jgroups_ping WHERE {fresh} AND address <> coordinated_by"
        update = f"UPDATE jgroups_ping SET coord = (address = ({wrong})) WHERE {fresh}"
        self.ask(f"DO $$ BEGIN FOR turn IN 1..300 LOOP {update}; COMMIT; PERFORM pg_sleep(0.1); END LOOP; END $$")

    @contextlib.contextmanager
    def startups_held(self) -> Iterator[None]:
        """A server that starts waits until the end of this, at the lock of the schema's changes, its management port already open.

        Otherwise a look may come too late to see it start. Let go after two minutes, whatever becomes of this run.
        """
        hold = "/* held */ BEGIN; SELECT count(*) FROM (SELECT 1 FROM databasechangeloglock FOR UPDATE) AS held; SELECT pg_sleep(120)"
        with ThreadPoolExecutor(1) as pool:
            holding = pool.submit(self._ended, hold)
            try:
                yield
            finally:
                self.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '/* held */%'")
                holding.result()

    def _ended(self, query: str) -> None:
        with contextlib.suppress(RuntimeError):  # it is terminated
            self.ask(query)

    def _status(self) -> str:
        return str(self._rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]["DBInstanceStatus"])
