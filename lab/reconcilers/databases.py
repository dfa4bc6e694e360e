# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS instances -> PostgreSQL, TLS only, at the instance's network interface."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from lab import images, interfaces, pki
from lab.containers import Containers, Spec
from lab.control_plane.patches import rds
from lab.control_plane.reports import REBOOT, report, reported
from lab.settings import Lab

Instance = Mapping[str, Any]  # as DescribeDBInstances gives it

DATA = "/var/lib/postgresql"
# RDS' default is LEAST(DBInstanceClassMemory/9531392, 5000); that memory is what the class has less the operating system's share.
BYTES_PER_CONNECTION, MOST_CONNECTIONS, MEMORY_SHARE = 9531392, 5000, 0.91

# fsync stays on: what was acknowledged must survive a kill, or the lab would prove nothing.
CONFIGURATION = """\
listen_addresses = '*'
port = {port}
max_connections = {max_connections}
ssl = on
ssl_cert_file = '/etc/rds/server.crt'
ssl_key_file = '/var/lib/postgresql/server.key'
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = scram-sha-256
hba_file = '/etc/rds/pg_hba.conf'
ident_file = '/etc/rds/pg_ident.conf'
unix_socket_directories = '/run/postgresql'
shared_buffers = 128MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
HBA = "local all rdsadmin peer map=host\nhostssl all all 0.0.0.0/0 scram-sha-256\n"
IDENT = "host root rdsadmin\nhost postgres rdsadmin\n"


class Databases:
    kind = "database"
    watches = False

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers = lab, containers
        self.ec2, self.rds = lab.client("ec2"), lab.client("rds")

    def reconcile(self) -> None:
        wanted = {instance["DBInstanceIdentifier"]: instance for instance in self.rds.describe_db_instances()["DBInstances"]}
        for gone in self.containers.by_kind(self.kind).keys() - wanted.keys():
            self.containers.remove(host(gone))
            interfaces.remove(self.ec2, gone)
        for identifier, instance in wanted.items():
            report(self.kind, identifier, self._running(identifier, instance))

    def _running(self, identifier: str, instance: Instance) -> bool:
        """Makes the container what the instance should be; whether it takes connections."""
        if instance["DBInstanceStatus"] == "stopped":
            self.containers.stop(host(identifier))
            return False
        subnet = instance["DBSubnetGroup"]["Subnets"][0]["SubnetIdentifier"]
        groups = [group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]]
        address = interfaces.ensure(self.ec2, identifier, "RDSNetworkInterface", subnet, groups)
        container = self.containers.ensure_running(self._spec(identifier, instance, address))
        if started(container) < int(reported(REBOOT, identifier, 0.0)):
            self.containers.exec(container, ["systemctl", "restart", "rds"])
        return accepts(container)

    def _spec(self, identifier: str, instance: Instance, address: str) -> Spec:
        return Spec(
            name=host(identifier),
            image=images.reference("database"),
            address=address,
            resource=identifier,
            kind=self.kind,
            hostname=identifier,
            files={} if self.containers.find(host(identifier)) else self._files(identifier, instance, address),
            volumes=(DATA,),
        )

    def _files(self, identifier: str, instance: Instance, address: str) -> dict[str, tuple[bytes, int]]:
        pair = pki.authority(self.lab).certificate([instance["Endpoint"]["Address"]], [address])
        configuration = CONFIGURATION.format(port=instance["Endpoint"]["Port"], max_connections=self._max_connections(instance))
        return {
            "/etc/rds/postgresql.conf": (configuration.encode(), 0o644),
            "/etc/rds/pg_hba.conf": (HBA.encode(), 0o644),
            "/etc/rds/pg_ident.conf": (IDENT.encode(), 0o644),
            "/etc/rds/server.crt": (pair.certificate, 0o644),
            "/etc/rds/server.key": (pair.key, 0o600),
            "/etc/rds/master.sql": (master_sql(instance, rds.master_password(identifier)).encode(), 0o600),
        }

    def _max_connections(self, instance: Instance) -> int:
        name = instance["DBParameterGroups"][0]["DBParameterGroupName"]
        parameters = [] if name.startswith("default.") else self.rds.describe_db_parameters(DBParameterGroupName=name)["Parameters"]
        for parameter in parameters:
            value = parameter.get("ParameterValue", "")
            if parameter["ParameterName"] == "max_connections" and value.isdigit():
                return int(value)
        family = instance["DBInstanceClass"].removeprefix("db.")
        types = self.ec2.describe_instance_types(InstanceTypes=[family])["InstanceTypes"]
        return default_max_connections(types[0]["MemoryInfo"]["SizeInMiB"])


def host(identifier: str) -> str:
    return f"rds-{identifier}"


def default_max_connections(mebibytes: int) -> int:
    return min(int(mebibytes * 1024 * 1024 * MEMORY_SHARE / BYTES_PER_CONNECTION), MOST_CONNECTIONS)


def master_sql(instance: Instance, password: str) -> str:
    """Statements for single-user mode, where an empty line ends each."""
    user = instance["MasterUsername"]
    statements = [
        f"CREATE ROLE {identifier_of(user)} LOGIN CREATEDB CREATEROLE PASSWORD {literal(password)}",
        f"GRANT pg_monitor, pg_signal_backend TO {identifier_of(user)}",
    ]
    if instance.get("DBName"):
        statements.append(f"CREATE DATABASE {identifier_of(instance['DBName'])} OWNER {identifier_of(user)}")
    return "".join(f"{statement};\n\n" for statement in statements)


def identifier_of(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def accepts(container: Container) -> bool:
    """Whether PostgreSQL takes connections."""
    return lock_file(container)[-1:] == ["ready"]


def started(container: Container) -> float:
    """When PostgreSQL was started, in whole seconds; later than anything while it is on its way."""
    lines = lock_file(container)
    return float(lines[2]) if len(lines) > 2 else math.inf


def lock_file(container: Container) -> list[str]:
    """What pg_ctl looks at, and cheaper than asking: process, directory, start, port, socket, address, memory, state."""
    try:
        return Path(f"/proc/{Containers.pid(container)}/root{DATA}/data/postmaster.pid").read_text().split()
    except FileNotFoundError:
        return []


def create(lab: Lab, containers: Containers) -> Databases:
    return Databases(lab, containers)
