# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces that AWS makes in the VPC for its services: the addresses of balancers, databases and directories."""

from __future__ import annotations

from typing import Any

# AWS describes them ("ELB app/...", "RDSNetworkInterface") but does not say whose they are; this tag does.
RESOURCE_TAG = "lab:resource"


def ensure(ec2: Any, resource: str, description: str, subnet: str, groups: list[str]) -> str:
    """The private address of the resource in that subnet; the interface is made when absent, its groups follow."""
    for interface in find(ec2, resource):
        if interface["SubnetId"] == subnet:
            if groups and {group["GroupId"] for group in interface["Groups"]} != set(groups):
                ec2.modify_network_interface_attribute(NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=groups)
            return str(interface["PrivateIpAddress"])
    made = ec2.create_network_interface(
        SubnetId=subnet,
        Description=description,
        Groups=groups,
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": RESOURCE_TAG, "Value": resource}]}],
    )
    return str(made["NetworkInterface"]["PrivateIpAddress"])


def find(ec2: Any, resource: str) -> list[dict[str, Any]]:
    """The interfaces of one resource, by address."""
    found = ec2.describe_network_interfaces(Filters=[{"Name": f"tag:{RESOURCE_TAG}", "Values": [resource]}])["NetworkInterfaces"]
    return sorted(found, key=lambda interface: tuple(int(part) for part in interface["PrivateIpAddress"].split(".")))


def addresses(ec2: Any, resource: str) -> list[str]:
    return [interface["PrivateIpAddress"] for interface in find(ec2, resource)]


def remove(ec2: Any, resource: str) -> None:
    for interface in find(ec2, resource):
        ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
