# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network Load Balancers -> one HAProxy in each zone, with an address of its own; target health reported back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab import images, interfaces
from lab.containers import KIND_LABEL, RESOURCE_LABEL, Containers, Spec
from lab.control_plane.patches.elbv2 import HEALTH, health_key
from lab.control_plane.reports import NODE_DOWN, report, reported
from lab.reconcilers import haproxy_tcp
from lab.reconcilers.haproxy import Group, Listener
from lab.reconcilers.load_balancers import Balancer, LoadBalancers, as_dict, reachable, report_health, resource
from lab.reconcilers.security_groups import NO_GROUPS
from lab.settings import Lab

Zone = Mapping[str, Any]  # as DescribeLoadBalancers gives it


class NetworkLoadBalancers(LoadBalancers):
    kind = "network-load-balancer"

    def reconcile(self) -> None:
        found = [one for one in self.elbv2.describe_load_balancers()["LoadBalancers"] if one["Type"] == "network"]
        wanted = {self.containers.full_name(node(balancer, zone)) for balancer in found for zone in balancer["AvailabilityZones"]}
        kept = {resource(balancer) for balancer in found}
        for container in self.containers.all(**{KIND_LABEL: self.kind}):
            if container.name not in wanted:
                self.containers.discard(container)
                if container.labels[RESOURCE_LABEL] not in kept:
                    interfaces.remove(self.ec2, container.labels[RESOURCE_LABEL])
        for balancer in found:
            self._balancer(balancer)

    def _balancer(self, balancer: Balancer) -> None:
        listeners = self._listeners(balancer)
        groups = self._groups(listeners)
        arn = balancer["LoadBalancerArn"]
        attributes = as_dict(self.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"])
        subnets = self.ec2.describe_subnets()["Subnets"]
        answers = []
        for zone in balancer["AvailabilityZones"]:
            own = [haproxy_tcp.of_zone(group, zone["ZoneName"], attributes, subnets) for group in groups]
            answers.append(self._node(balancer, zone, listeners, own))
        if all(answers):
            report("load-balancer", arn, True)

    def _node(self, balancer: Balancer, zone: Zone, listeners: list[Listener], groups: list[Group]) -> bool:
        """Whether the node of a zone takes connections."""
        config = haproxy_tcp.render(listeners, groups)
        spec = self._spec(balancer, zone)
        files = {} if self.containers.find(spec.name) else self._files(config, listeners, groups, "")
        container = self.containers.ensure_running(Spec(**{**vars(spec), "files": files}))
        if not reachable(container):
            return False
        self._reload(container, config, listeners, groups)
        report_health(container, groups)
        report(NODE_DOWN, spec.address, not any(serves(group) for group in groups))
        return True

    def _spec(self, balancer: Balancer, zone: Zone) -> Spec:
        identifier, groups = resource(balancer), balancer.get("SecurityGroups") or []
        description = f"ELB {identifier}" + ("" if groups else NO_GROUPS)
        name = node(balancer, zone)
        return Spec(
            name=name,
            image=images.reference("load-balancer"),
            address=interfaces.ensure(self.ec2, identifier, description, zone["SubnetId"], groups),
            resource=identifier,
            kind=self.kind,
            hostname=name,
        )


def node(balancer: Balancer, zone: Zone) -> str:
    return f"nlb-{balancer['LoadBalancerName']}-{zone['ZoneName'][-1]}"


def serves(group: Group) -> bool:
    """AWS takes a zone without a healthy target out of the balancer's name."""
    for target in group.targets:
        key = health_key(group.description["TargetGroupArn"], {"Id": target.id, "Port": target.port})
        if not target.draining and (reported(HEALTH, key) or [""])[0] == "healthy":
            return True
    return False


def create(lab: Lab, containers: Containers) -> NetworkLoadBalancers:
    return NetworkLoadBalancers(lab, containers)
