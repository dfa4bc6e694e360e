# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab runs, as a table: resource, address, state as the API tells it, and as the container is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.containers import ADDRESS_LABEL, KIND_LABEL, RESOURCE_LABEL, Containers
from lab.reconcilers.instances import instances
from lab.settings import Lab


@dataclass(frozen=True)
class Row:
    kind: str
    resource: str
    name: str
    state: str
    address: str
    container: str


def rows(lab: Lab) -> list[Row]:
    """Every instance and every host of a service."""
    hosts = [(c.labels[KIND_LABEL], c.labels[RESOURCE_LABEL], c.labels[ADDRESS_LABEL], c.status) for c in Containers(lab).all()]
    return merge(hosts, _states(lab))


def merge(hosts: Iterable[tuple[str, str, str, str]], states: dict[str, tuple[str, str, str]]) -> list[Row]:
    """Hosts (kind, resource, address, status) with what the API says of their resources, and instances that have no host."""
    hosts = list(hosts)
    hosted = {resource for _, resource, _, _ in hosts}
    found = [Row(kind, resource, *states.get(resource, ("", "unknown"))[:2], address, status) for kind, resource, address, status in hosts]
    found += [
        Row("instance", resource, name, state, address, "none")
        for resource, (name, state, address) in states.items()
        if address and resource not in hosted
    ]
    return sorted(found, key=lambda row: (row.kind, row.name, row.address))


def table(found: Iterable[Row]) -> str:
    lines = [("KIND", "RESOURCE", "NAME", "ADDRESS", "STATE", "CONTAINER")]
    lines += [(row.kind, row.resource, row.name or "-", row.address, row.state, row.container) for row in found]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def container_of(lab: Lab, wanted: str) -> str:
    """Name of the container that is meant by a Name tag, a resource's id, an address or a container's name."""
    containers = Containers(lab)
    ids = {wanted} | {row.resource for row in rows(lab) if row.name == wanted}
    for container in containers.all():
        labels = container.labels
        if labels[RESOURCE_LABEL] in ids or wanted in (labels[ADDRESS_LABEL], container.name):
            return str(container.name)
    raise RuntimeError(f"the lab has no host {wanted}; `python -m lab status` lists them")


def _states(lab: Lab) -> dict[str, tuple[str, str, str]]:
    """Resource id -> name, state, and for instances the address."""
    states = {}
    for key, instance in instances(lab).items():
        name = next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), "")
        state = instance["State"]["Name"]
        states[key] = (name, state, "" if state == "terminated" else instance["PrivateIpAddress"])
    for balancer in lab.client("elbv2").describe_load_balancers()["LoadBalancers"]:
        states[balancer["LoadBalancerArn"].partition("loadbalancer/")[2]] = (balancer["LoadBalancerName"], balancer["State"]["Code"], "")
    for database in lab.client("rds").describe_db_instances()["DBInstances"]:
        states[database["DBInstanceIdentifier"]] = (database["DBInstanceIdentifier"], database["DBInstanceStatus"], "")
    for directory in lab.client("ds").describe_directories()["DirectoryDescriptions"]:
        states[directory["DirectoryId"]] = (directory["Name"], directory["Stage"], "")
    return states
