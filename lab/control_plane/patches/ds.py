# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory Service: a directory is Active when its controllers answer, and its security group is open as AWS makes it.
AWS: directoryservice/latest/admin-guide/ms_ad_getting_started_what_gets_created.html"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ds import models
from moto.ec2.models import ec2_backends

from lab.control_plane.reports import reported
from lab.interfaces import RESOURCE_TAG
from lab.settings import REGION, Lab

Directory: Any = models.Directory
PORTS = {
    "tcp": [(53, 53), (88, 88), (135, 135), (389, 389), (445, 445), (464, 464), (636, 636), (1024, 65535)],
    "udp": [(53, 53), (88, 88), (123, 123), (138, 138), (389, 389), (445, 445), (464, 464)],
}


def apply(lab: Lab) -> None:
    make_group = Directory.create_security_group

    def create_security_group(self: Any, vpc_id: str) -> str:
        group: str = make_group(self, vpc_id)
        _open(group, lab.cidr)
        return group

    Directory.create_security_group = create_security_group
    Directory.create_eni = _create_eni
    # moto sets it to Active at once.
    Directory.stage = property(_stage, lambda self, value: None)


def _stage(self: Any) -> str:
    return "Active" if reported("directory", self.directory_id) else "Creating"


def _create_eni(self: Any, group: str, subnets: list[str]) -> tuple[list[str], list[str]]:
    """As moto does it, but findable by resource, and in the order in which the resolver calls them dc1, dc2."""
    ec2: Any = ec2_backends[self.account_id][self.region]
    made = [
        ec2.create_network_interface(
            subnet=subnet,
            private_ip_address=None,
            group_ids=[group],
            description=f"AWS created network interface for {self.directory_id}",
            tags={RESOURCE_TAG: self.directory_id},
        )
        for subnet in subnets
    ]
    made.sort(key=lambda interface: ipaddress.ip_address(interface.private_ip_address))
    return [interface.id for interface in made], [interface.private_ip_address for interface in made]


def _open(group: str, cidr: str) -> None:
    ec2: Any = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    for protocol, ranges in PORTS.items():
        for first, last in ranges:
            ec2.authorize_security_group_ingress(group, protocol, first, last, [{"CidrIp": cidr}])
    # Between the controllers everything is open.
    ec2.authorize_security_group_ingress(group, "-1", None, None, [], source_groups=[{"GroupId": group}])


def admin_password(directory: str) -> str:
    """What only the directory itself knows: the API never gives it away."""
    password: str = models.ds_backends[DEFAULT_ACCOUNT_ID][REGION].directories[directory].password
    return password
