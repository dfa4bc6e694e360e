# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application Load Balancers -> HAProxy: configured from listeners, rules and target groups; target health reported back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import Any

from docker.models.containers import Container

from lab import images, interfaces, pki
from lab.containers import Containers, Spec, archive
from lab.control_plane.patches.elbv2 import HEALTH, health_key
from lab.control_plane.reports import REQUESTS, report, reported
from lab.reconcilers import haproxy, haproxy_state, listener_rules
from lab.reconcilers.haproxy import Group, Listener, Target
from lab.reconcilers.haproxy_state import Health
from lab.reconcilers.instances import instances
from lab.settings import Lab

Balancer = Mapping[str, Any]  # as DescribeLoadBalancers gives it

RELOAD_SECONDS = 10.0
# Checked first: a configuration that HAProxy refuses must leave the running one alone.
RELOAD = f"haproxy -c -q -f {haproxy.CONFIG} && systemctl reload haproxy"


class LoadBalancers:
    kind = "load-balancer"
    watches = True

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers = lab, containers
        self.ec2, self.elbv2 = lab.client("ec2"), lab.client("elbv2")

    def reconcile(self) -> None:
        found = self.elbv2.describe_load_balancers()["LoadBalancers"]
        balancers = {resource(balancer): balancer for balancer in found if balancer["Type"] == "application"}
        for gone in self.containers.by_kind(self.kind).keys() - balancers.keys():
            self.containers.remove(host(gone))
            interfaces.remove(self.ec2, gone)
        for balancer in balancers.values():
            self._balancer(balancer)

    def _balancer(self, balancer: Balancer) -> None:
        listeners = self._listeners(balancer)
        groups = self._groups(listeners)
        attributes = self.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
        config = haproxy.render(listeners, groups, as_dict(attributes))
        container = self._container(balancer, lambda: self._files(config, listeners, groups, ""))
        if not reachable(container):  # it boots
            return
        report(self.kind, balancer["LoadBalancerArn"], True)
        self._reload(container, config, listeners, groups)
        tell(container, haproxy_state.map_changes(ask(container, f"show map {haproxy.FORWARDS}"), haproxy.forwards(listeners)))
        report_health(container, groups)

    def _reload(self, container: Container, config: str, listeners: list[Listener], groups: list[Group]) -> None:
        if running(container) != haproxy.description(config):
            container.put_archive("/", archive(self._files(config, listeners, groups, ask(container, "show servers state"))))
            self.containers.exec(container, ["sh", "-c", RELOAD])
            wait_for(container, haproxy.description(config))

    def _listeners(self, balancer: Balancer) -> list[Listener]:
        result = []
        for listener in self.elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            rules = self.elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            arn = listener["Certificates"][0]["CertificateArn"] if listener["Protocol"] in ("HTTPS", "TLS") else ""
            result.append(Listener(listener["Protocol"], int(listener["Port"]), tuple(rules), arn))
        return result

    def _groups(self, listeners: list[Listener]) -> list[Group]:
        """Those that a rule refers to, be it with weight 0: only they are checked."""
        actions = [action for listener in listeners for rule in listener.rules for action in rule["Actions"]]
        arns = sorted({arn for action in actions if action["Type"] == "forward" for arn in listener_rules.weights(action)})
        found = self.elbv2.describe_target_groups(TargetGroupArns=arns)["TargetGroups"] if arns else []
        return [self._group(description) for description in found]

    def _group(self, description: Mapping[str, Any]) -> Group:
        arn = description["TargetGroupArn"]
        attributes = as_dict(self.elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"])
        states = self.elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        used = [state for state in states if state["TargetHealth"]["State"] != "unused"]
        known = instances(self.lab) if description["TargetType"] == "instance" and used else {}
        targets = []
        for state in used:
            identifier, port = state["Target"]["Id"], int(state["Target"]["Port"])
            address = known.get(identifier, {}).get("PrivateIpAddress") if known else identifier
            if address:  # an instance that is terminated has none
                targets.append(Target(identifier, address, port, state["TargetHealth"]["State"] == "draining"))
        return Group(description, attributes, tuple(targets))

    def _container(self, balancer: Balancer, files: Callable[[], dict[str, tuple[bytes, int]]]) -> Container:
        identifier = resource(balancer)
        subnet = balancer["AvailabilityZones"][0]["SubnetId"]
        spec = Spec(
            name=host(identifier),
            image=images.reference("load-balancer"),
            address=interfaces.ensure(self.ec2, identifier, f"ELB {identifier}", subnet, balancer["SecurityGroups"]),
            resource=identifier,
            kind=self.kind,
            hostname=balancer["LoadBalancerName"],
            files={} if self.containers.find(host(identifier)) else files(),
        )
        return self.containers.ensure_running(spec)

    def _files(self, config: str, listeners: list[Listener], groups: list[Group], state: str) -> dict[str, tuple[bytes, int]]:
        files = {
            haproxy.CONFIG: (config.encode(), 0o644),
            haproxy.FORWARDS: (haproxy.map_file(haproxy.forwards(listeners)).encode(), 0o644),
            haproxy.STATE: (haproxy_state.state_file(state, groups).encode(), 0o644),
        }
        for arn in {listener.certificate for listener in listeners if listener.certificate}:
            certificate = self.lab.client("acm").get_certificate(CertificateArn=arn)["Certificate"]
            pair = pki.authority(self.lab).pair_of(certificate)
            files[haproxy.certificate_file(arn)] = (pair.certificate + pair.key, 0o600)
        return files


def resource(balancer: Balancer) -> str:
    return str(balancer["LoadBalancerArn"]).partition("loadbalancer/")[2]


def host(identifier: str) -> str:
    return "alb-" + identifier.split("/")[1]


def as_dict(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {attribute["Key"]: attribute["Value"] for attribute in attributes}


def report_health(container: Container, groups: list[Group]) -> None:
    found = haproxy_state.rows(ask(container, "show stat"))
    commands = []
    for group in groups:
        backend = found.get((group.name, "BACKEND"), {})
        report(REQUESTS, group.description["TargetGroupArn"], int(backend.get("req_tot") or backend.get("stot") or 0))
        for target in group.targets:
            if target.draining:
                continue
            key = health_key(group.description["TargetGroupArn"], {"Id": target.id, "Port": target.port})
            before = reported(HEALTH, key)
            now = haproxy_state.health(found.get((group.name, target.server)), Health(*before) if before else None, group)
            commands += haproxy_state.corrections(group, target, now, found)
            report(HEALTH, key, astuple(now))
    tell(container, commands)


def running(container: Container) -> str:
    """Digest of the configuration that HAProxy runs with, whatever is in its file."""
    return haproxy.description(ask(container, "show info"))


def wait_for(container: Container, description: str) -> None:
    deadline = time.monotonic() + RELOAD_SECONDS
    while not reachable(container) or running(container) != description:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{container.name} did not take its new configuration within {RELOAD_SECONDS:.0f} s")
        time.sleep(0.05)


def reachable(container: Container) -> bool:
    try:
        ask(container, "show info")
    except OSError:
        return False
    return True


def tell(container: Container, commands: list[str]) -> None:
    for command in commands:
        answer = ask(container, command).strip()
        if answer:
            raise RuntimeError(f"{container.name}: {command}: {answer}")


def ask(container: Container, command: str) -> str:
    """Answer of HAProxy's runtime interface: by its socket, seen through the process, for an exec would cost 50 times as much."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(f"/proc/{Containers.pid(container)}/root{haproxy.SOCKET}")
        connection.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def create(lab: Lab, containers: Containers) -> LoadBalancers:
    return LoadBalancers(lab, containers)
