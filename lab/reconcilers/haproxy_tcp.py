# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node of an NLB as HAProxy 2.6 configuration; pure text.
AWS: elasticloadbalancing/latest/network/{load-balancer-target-groups,edit-target-group-attributes,target-group-health-checks}.html"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.reconcilers import haproxy, listener_rules
from lab.reconcilers.haproxy import Group, Listener

IDLE = "350"  # seconds; a listener's attribute on AWS
CROSS_ZONE = "load_balancing.cross_zone.enabled"
PRESERVES = "preserve_client_ip.enabled"


def render(listeners: Iterable[Listener], groups: Iterable[Group]) -> str:
    """The whole configuration, with its digest as description."""
    head = haproxy.HEAD.replace("@SOCKET@", haproxy.SOCKET).replace("@STATE@", haproxy.STATE).replace("@IDLE@", IDLE)
    head = head.replace("mode http", "mode tcp").replace("option httplog", "option tcplog").replace("    option dontlog-normal\n", "")
    # To connect from a client's address takes the right to, which HAProxy loses with its user.
    head = "".join(line + "\n" for line in head.splitlines() if "timeout http-" not in line and "user haproxy" not in line)
    text = "\n".join([head, *(_frontend(listener) for listener in listeners), *(_backend(group) for group in groups)])
    return text.replace("@DIGEST@", haproxy.digest(text), 1)


def _frontend(listener: Listener) -> str:
    if listener.protocol not in ("TCP", "TLS"):
        raise ValueError(f"the lab's network load balancer does not know the protocol {listener.protocol}")
    tls = f" ssl crt {haproxy.certificate_file(listener.certificate)}" if listener.protocol == "TLS" else ""
    (arn,) = listener_rules.weights(listener.rules[-1]["Actions"][-1])
    return f"frontend port_{listener.port}\n    bind :{listener.port}{tls}\n    default_backend {listener_rules.group_name(arn)}\n"


def _backend(group: Group) -> str:
    # A flow keeps its target, another flow goes anywhere: with source_ip stickiness by the client's address alone.
    sticky = group.attributes.get("stickiness.enabled") == "true"
    lines = ["balance source" if sticky else "balance random", "hash-type consistent", "option allbackups", *_check(group)]
    for target in group.targets:
        place = f"{target.address}:{target.port}{_server_options(group)}"
        if target.draining:
            lines.append(f"server {target.server} {place} weight 0")
        else:
            lines += [
                f"server {target.server} {place} check{_check_options(group)}",
                f"server {target.server}{haproxy.OPEN} {place} backup",
            ]
    return f"backend {group.name}\n" + "".join(f"    {line}\n" for line in lines)


def _server_options(group: Group) -> str:
    options = " ssl verify none" if group.secure else ""
    options += " source 0.0.0.0 usesrc clientip" if preserves(group) else ""  # see return_paths.py
    return options + (" send-proxy-v2" if group.attributes.get("proxy_protocol_v2.enabled") == "true" else "")


def preserves(group: Group) -> bool:
    """On by default for instances, off for addresses."""
    default = "true" if group.description.get("TargetType", "instance") == "instance" else "false"
    return group.attributes.get(PRESERVES, default) == "true"


def _check(group: Group) -> list[str]:
    if group.description["HealthCheckProtocol"] != "TCP":
        return haproxy.health_check(group)
    check = group.description
    thresholds = f"rise {check['HealthyThresholdCount']} fall {check['UnhealthyThresholdCount']}"
    return [
        "option tcp-check",
        f"timeout check {check['HealthCheckTimeoutSeconds']}s",
        f"default-server inter {check['HealthCheckIntervalSeconds']}s {thresholds}",
    ]


def _check_options(group: Group) -> str:
    port = group.description.get("HealthCheckPort", "traffic-port")
    options = "" if port == "traffic-port" else f" port {port}"
    if group.description["HealthCheckProtocol"] == "HTTPS":
        options += " check-ssl verify none"
    if group.attributes.get("proxy_protocol_v2.enabled") == "true":
        options += " check-send-proxy"
    # AWS' default for NLBs: connections to a target that becomes unhealthy are ended.
    ends = group.attributes.get("target_health_state.unhealthy.connection_termination.enabled", "true") == "true"
    return options + (" on-marked-down shutdown-sessions" if ends else "")


def of_zone(group: Group, zone: str, balancer: Mapping[str, str], subnets: Iterable[Mapping[str, Any]]) -> Group:
    """The group as a node sees it: all targets, or without cross-zone balancing those of its own zone."""
    setting = group.attributes.get(CROSS_ZONE, "use_load_balancer_configuration")
    if (balancer.get(CROSS_ZONE, "false") if setting == "use_load_balancer_configuration" else setting) == "true":
        return group
    networks = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in subnets if subnet["AvailabilityZone"] == zone]
    own = tuple(target for target in group.targets if any(ipaddress.ip_address(target.address) in network for network in networks))
    return replace(group, targets=own)
