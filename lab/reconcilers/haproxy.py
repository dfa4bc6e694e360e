# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ALB as HAProxy 2.6 configuration; pure text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.reconcilers import listener_rules
from lab.reconcilers.listener_rules import quoted

CONFIG = "/etc/haproxy/haproxy.cfg"
STATE = "/var/lib/haproxy/servers.state"
SOCKET = "/run/haproxy/admin.sock"
CERTIFICATES = "/etc/haproxy/certs"
FORWARDS = "/etc/haproxy/forwards.map"
# Twin of each server: where requests go when every target of the group is unhealthy (AWS: "fail open").
OPEN = "_open"

HEAD = """\
global
    log stdout format raw daemon
    user haproxy
    group haproxy
    maxconn 2000
    stats socket @SOCKET@ mode 600 level admin expose-fd listeners
    server-state-file @STATE@
    # The first check of a new target comes at once, as on AWS, not somewhere within its interval.
    max-spread-checks 500ms
    ssl-default-bind-options ssl-min-ver TLSv1.2
    # How long a reload lets requests of the time before it go on.
    hard-stop-after 120s
    description @DIGEST@

defaults
    mode http
    log global
    option httplog
    option dontlog-normal
    load-server-state-from-file global
    # An ALB does not try another target: a failing one must be seen.
    retries 0
    timeout connect 10s
    timeout queue 10s
    timeout client @IDLE@s
    timeout server @IDLE@s
    timeout http-request @IDLE@s
    timeout http-keep-alive @IDLE@s
"""

FORWARDED = """\
    http-request set-header X-Forwarded-For "%[req.fhdr(X-Forwarded-For)], %[src]" if { req.fhdr(X-Forwarded-For) -m found }
    http-request set-header X-Forwarded-For %[src] if !{ req.fhdr(X-Forwarded-For) -m found }
"""


@dataclass(frozen=True)
class Target:
    id: str
    address: str
    port: int
    draining: bool = False

    @property
    def server(self) -> str:
        return f"{self.id}_{self.port}"


@dataclass(frozen=True)
class Group:
    description: Mapping[str, Any]  # as DescribeTargetGroups gives it
    attributes: Mapping[str, str]
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        return str(self.description["TargetGroupName"])

    @property
    def secure(self) -> bool:
        """Whether its targets are spoken to in TLS: of an ALB's group HTTPS, of an NLB's TLS."""
        return self.description["Protocol"] in ("HTTPS", "TLS")


@dataclass(frozen=True)
class Listener:
    protocol: str
    port: int
    rules: tuple[Mapping[str, Any], ...]  # as DescribeRules gives them
    certificate: str = ""  # its ARN


def render(listeners: Iterable[Listener], groups: Iterable[Group], attributes: Mapping[str, str]) -> str:
    """The whole configuration; its description is the digest of the rest, so that a running HAProxy tells what it runs."""
    idle = attributes.get("idle_timeout.timeout_seconds", "60")
    head = HEAD.replace("@SOCKET@", SOCKET).replace("@STATE@", STATE).replace("@IDLE@", idle)
    text = "\n".join([head, *(_frontend(listener) for listener in listeners), *(_backend(group) for group in groups)])
    return text.replace("@DIGEST@", digest(text), 1)


def certificate_file(arn: str) -> str:
    """Where the certificate and its key are; another certificate is another path, so that a change of it is one of the configuration."""
    return f"{CERTIFICATES}/{arn.rpartition('/')[2]}.pem"


def description(text: str) -> str:
    """Digest of the configuration that a text is about: the configuration itself, or the answer to `show info`."""
    match = re.search(r"^\s*description:? (\w+)$", text, re.M)
    return match[1] if match else ""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def forwards(listeners: Iterable[Listener]) -> dict[str, str]:
    return {name: group for listener in listeners for name, group in listener_rules.forwards(listener.rules, listener.port).items()}


def map_file(wanted: Mapping[str, str]) -> str:
    return "".join(f"{name} {group}\n" for name, group in sorted(wanted.items()))


def _frontend(listener: Listener) -> str:
    tls = f" ssl crt {certificate_file(listener.certificate)} alpn h2,http/1.1" if listener.protocol == "HTTPS" else ""
    rules = listener_rules.lines(listener.rules, listener.protocol, listener.port)
    return (
        # An underscore cannot be part of a target group's name, so the two never collide.
        f"frontend port_{listener.port}\n    bind :{listener.port}{tls}\n{FORWARDED}"
        f"    http-request set-header X-Forwarded-Proto {listener.protocol.lower()}\n"
        f"    http-request set-header X-Forwarded-Port {listener.port}\n"
        + "".join(f"    {line}\n" for line in rules)
        + f"    use_backend %[var(txn.rule),map({FORWARDS})] if {{ var(txn.rule),map({FORWARDS}) -m found }}\n"
    )


def _backend(group: Group) -> str:
    lines = [f"balance {_algorithm(group)}", "option allbackups", *_stickiness(group), *health_check(group)]
    for target in group.targets:
        lines += _servers(group, target)
    return f"backend {group.name}\n" + "".join(f"    {line}\n" for line in lines)


def _algorithm(group: Group) -> str:
    return "leastconn" if group.attributes.get("load_balancing.algorithm.type") == "least_outstanding_requests" else "roundrobin"


def _sticky(group: Group) -> bool:
    return group.attributes.get("stickiness.enabled") == "true" and group.attributes.get("stickiness.type") == "lb_cookie"


def _stickiness(group: Group) -> list[str]:
    duration = group.attributes.get("stickiness.lb_cookie.duration_seconds", "86400")
    # maxidle, as every answer of an ALB prolongs the cookie.
    return [f"cookie AWSALB insert indirect nocache maxidle {duration}s"] if _sticky(group) else []


def health_check(group: Group) -> list[str]:
    check = group.description
    thresholds = f"rise {check['HealthyThresholdCount']} fall {check['UnhealthyThresholdCount']}"
    return [
        "option httpchk",
        f"http-check send meth GET uri {quoted(check.get('HealthCheckPath') or '/')} ver HTTP/1.1 hdr Host {group.name}"
        " hdr User-Agent ELB-HealthChecker/2.0 hdr Connection close",
        f"http-check expect status {(check.get('Matcher') or {}).get('HttpCode', '200')}",
        f"timeout check {check['HealthCheckTimeoutSeconds']}s",
        f"default-server inter {check['HealthCheckIntervalSeconds']}s {thresholds}",
    ]


def _servers(group: Group, target: Target) -> list[str]:
    tls = " ssl verify none" if group.secure else ""
    server = f"server {target.server} {target.address}:{target.port}{tls}"
    if _sticky(group):
        server += f" cookie {digest(group.name + target.server)}"
    if target.draining:  # no checks any more; sticky sessions still reach it
        return [f"{server} weight 0"]
    return [f"{server} check{_check_options(group)}", f"server {target.server}{OPEN} {target.address}:{target.port}{tls} backup"]


def _check_options(group: Group) -> str:
    port = group.description.get("HealthCheckPort", "traffic-port")
    options = "" if port == "traffic-port" else f" port {port}"
    secure = group.description.get("HealthCheckProtocol") == "HTTPS"
    if secure != group.secure:
        options += " check-ssl verify none" if secure else " no-check-ssl"
    return options
