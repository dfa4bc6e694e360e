# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory Service: a directory is Active when its controllers answer, and its security group is open as AWS makes it.
AWS: directoryservice/latest/admin-guide/ms_ad_getting_started_what_gets_created.html"""
from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ds.models import Directory, ds_backends
from moto.ec2.models import ec2_backends

from lab.control_plane.reports import reported
from lab.settings import REGION, Lab

PORTS = {
    "tcp": [(53, 53), (88, 88), (135, 135), (389, 389), (445, 445), (464, 464), (636, 636), (1024, 65535)],
    "udp": [(53, 53), (88, 88), (123, 123), (138, 138), (389, 389), (445, 445), (464, 464)],
}


def apply(lab: Lab) -> None:
    original_group = Directory.create_security_group

    def create_security_group(self: Directory, vpc_id: str) -> str:
        group: str = original_group(self, vpc_id)
        _open(group, lab.cidr)
        return group

    def stage(self: Directory) -> str:
        return "Active" if reported("directory", self.directory_id) else "Creating"

    Directory.create_security_group = create_security_group
    Directory.stage = property(stage, lambda self, value: None)


def _open(group: str, cidr: str) -> None:
    ec2: Any = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    for protocol, ranges in PORTS.items():
        for first, last in ranges:
            ec2.authorize_security_group_ingress(group, protocol, first, last, [{"CidrIp": cidr}])
    # Between the controllers everything is open.
    ec2.authorize_security_group_ingress(group, "-1", None, None, [], [{"GroupId": group}])


def admin_password(directory: str) -> str:
    """What only the directory itself knows: the API never gives it away."""
    password: str = ds_backends[DEFAULT_ACCOUNT_ID][REGION].directories[directory].password
    return password
