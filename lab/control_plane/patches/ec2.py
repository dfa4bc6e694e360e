# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: what AWS documents and moto 5.2.5 does not do. Bound to moto's internals, so moto is pinned and each patch has a test."""

from __future__ import annotations

import random
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.instances import InstanceResponse

from lab.clock import CLOCK
from lab.control_plane.reports import BOOT, SILENT, report, reported
from lab.settings import Lab

FAILED_CHECKS_SECONDS = 120.0


def apply(lab: Lab) -> None:
    _boots()
    _groups()
    _images()
    _addresses()
    _interfaces()
    _status_checks()


def _boots() -> None:
    """StartInstances and RebootInstances boot the operating system; moto only sets the state, which may not even change."""
    start, reboot = Instance.start, Instance.reboot

    def started(self: Instance) -> Any:
        # AWS, DescribeInstances, LaunchTime: "The time that the instance was last launched"; a start is a launch.
        self.launch_time = type(self.launch_time).now(self.launch_time.tzinfo)
        report(BOOT, self.id, time.time())
        return start(self)

    def rebooted(self: Instance) -> None:
        report(BOOT, self.id, time.time())
        reboot(self)

    Instance.start, Instance.reboot = started, rebooted  # type: ignore[method-assign]


def _groups() -> None:
    """AWS, ModifyInstanceAttribute, Groups: replaces the groups; of the instance and of its primary interface alike.

    In moto each keeps its own list, and the interface shows the union of both, so that a group once given is never lost.
    """
    of_instance, of_interface = EC2Backend.modify_instance_security_groups, EC2Backend.modify_network_interface_attribute

    def modify_instance(self: EC2Backend, instance_id: str, new_group_id_list: list[str]) -> Instance:
        instance = of_instance(self, instance_id, new_group_id_list)
        instance.nics[0]._group_set = list(instance.security_groups)
        return instance

    def modify_interface(self: EC2Backend, eni_id: str, group_ids: list[str], *rest: Any, **named: Any) -> None:
        of_interface(self, eni_id, group_ids, *rest, **named)
        interface = self.get_network_interface(eni_id)
        if group_ids and interface.instance and interface.instance.nics.get(0) is interface:
            interface.instance.security_groups = list(interface._group_set)

    EC2Backend.modify_instance_security_groups = modify_instance  # type: ignore[method-assign, assignment]
    EC2Backend.modify_network_interface_attribute = modify_interface  # type: ignore[method-assign, assignment]


def _images() -> None:
    """RegisterImage keeps what callers choose images by; moto drops it and leaves fields empty that AWS always answers."""
    register = EC2Backend.register_image

    def registered(self: EC2Backend, name: str | None = None, description: str | None = None) -> Ami:
        image = register(self, name, description)
        image.architecture, image.virtualization_type = "x86_64", "hvm"
        image.hypervisor, image.root_device_type = "xen", "ebs"
        image.image_location = f"{self.account_id}/{name}"
        return image

    EC2Backend.register_image = registered  # type: ignore[method-assign, assignment]


def _addresses() -> None:
    """EC2 picks a new address at random among a subnet's free ones; moto gives the one that was freed last, at once.

    SSH would then meet another host key under an address that it knows, so a freed address is not given again.
    """

    def free(self: Subnet, ip: str) -> None:
        self._subnet_ips.pop(ip, None)

    Subnet.del_subnet_ip = free  # type: ignore[method-assign]


def _interfaces() -> None:
    """An interface made without an address gets a free one of its subnet, never one of those that AWS reserves.

    Moto draws any: now and then the subnet's own, its router's or that of an instance, at which the balancer's container could not start
    (Docker: Address already in use) and the portal never answered.
    """
    create, delete = EC2Backend.create_network_interface, EC2Backend.delete_network_interface

    def created(
        self: EC2Backend, subnet: Any, private_ip_address: Any, private_ip_addresses: Any = None, *rest: Any, **named: Any
    ) -> NetworkInterface:
        where: Any = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        if private_ip_address or private_ip_addresses:
            return create(self, where, private_ip_address, private_ip_addresses, *rest, **named)
        chosen = free_address(where, {str(each.private_ip_address) for each in self.enis.values()})
        made = create(self, where, chosen, private_ip_addresses, *rest, **named)
        where._subnet_ips[chosen] = made  # not for an instance, either
        return made

    def deleted(self: EC2Backend, eni_id: str) -> None:
        gone = self.get_network_interface(eni_id)
        delete(self, eni_id)
        gone.subnet._subnet_ips.pop(gone.private_ip_address, None)

    EC2Backend.create_network_interface = created  # type: ignore[method-assign, assignment]
    EC2Backend.delete_network_interface = deleted  # type: ignore[method-assign, assignment]


def free_address(subnet: Any, used: set[str]) -> str:
    """AWS, Subnet sizing: the first four addresses of a subnet and the last are reserved."""
    usable = {str(address) for address in list(subnet.cidr)[4:-1]}
    return random.choice(sorted(usable - used - set(subnet._subnet_ips)))


def _status_checks() -> None:
    """DescribeInstanceStatus: an instance that does not answer is impaired when two checks, one a minute, have failed."""
    answer: Any = InstanceResponse.describe_instance_status

    def described(self: Any) -> ActionResult:
        filters = {one["Name"]: one["Values"] for one in self._get_param("Filters", [])}
        wanted = filters.pop("instance-status.status", None)
        self.params["Filters"] = [{"Name": name, "Values": values} for name, values in filters.items()]
        rows = [_status(instance) for instance in answer(self).result["InstanceStatuses"]]
        return ActionResult({"InstanceStatuses": [row for row in rows if not wanted or row["InstanceStatus"]["Status"] in wanted]})

    InstanceResponse.describe_instance_status = described  # type: ignore[method-assign]


def _status(instance: Any) -> dict[str, Any]:
    since = reported(SILENT, instance.id)
    failed = since is not None and CLOCK.elapsed(since) >= FAILED_CHECKS_SECONDS
    check = {"Status": "impaired", "Details": [{"Name": "reachability", "Status": "failed"}]}
    good = {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.placement.zone,
        "InstanceState": {"Code": instance._state.code, "Name": instance._state.name},
        "InstanceStatus": check if failed else good,
        "SystemStatus": good,
    }
