# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.reconcilers import haproxy_tcp
from lab.reconcilers.haproxy import Group, Listener, Target, description

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
RULES = ({"Priority": "default", "Actions": [{"Type": "forward", "TargetGroupArn": ARN}]},)
SUBNETS = [
    {"CidrBlock": "10.99.0.0/20", "AvailabilityZone": "eu-west-1a"},
    {"CidrBlock": "10.99.16.0/20", "AvailabilityZone": "eu-west-1b"},
]
TARGETS = (Target("i-1", "10.99.0.5", 8080), Target("i-2", "10.99.16.5", 8080))


def group(attributes: dict[str, str] | None = None, targets: tuple[Target, ...] = TARGETS, **fields: Any) -> Group:
    check = {"HealthCheckProtocol": "TCP", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5}
    check |= {"HealthyThresholdCount": 3, "UnhealthyThresholdCount": 2, "HealthCheckPort": "traffic-port"}
    return Group({"TargetGroupArn": ARN, "TargetGroupName": "web", "Protocol": "TCP", **check, **fields}, attributes or {}, targets)


def test_listener_and_targets() -> None:
    text = haproxy_tcp.render([Listener("TCP", 80, RULES)], [group()])
    assert "mode tcp" in text
    assert "mode http" not in text
    assert "bind :80\n    default_backend web" in text
    assert "server i-1_8080 10.99.0.5:8080 source 0.0.0.0 usesrc clientip check on-marked-down shutdown-sessions" in text
    assert "option tcp-check" in text
    assert "inter 10s rise 3 fall 2" in text
    assert description(text)


def test_attributes() -> None:
    attributes = {"proxy_protocol_v2.enabled": "true", "stickiness.enabled": "true", haproxy_tcp.PRESERVES: "false"}
    attributes["target_health_state.unhealthy.connection_termination.enabled"] = "false"
    text = haproxy_tcp.render(
        [Listener("TCP", 80, RULES)], [group(attributes, (Target("i-1", "10.99.0.5", 8080, draining=True), TARGETS[1]))]
    )
    assert "server i-1_8080 10.99.0.5:8080 send-proxy-v2 weight 0\n" in text
    assert "server i-2_8080 10.99.16.5:8080 send-proxy-v2 check check-send-proxy\n" in text
    assert "balance source" in text


@pytest.mark.parametrize(
    ("kind", "attributes", "keeps"),
    [("instance", {}, True), ("ip", {}, False), ("ip", {haproxy_tcp.PRESERVES: "true"}, True)],
)
def test_the_client_s_address_is_kept_for_instances_unless_told_otherwise(kind: str, attributes: dict[str, str], keeps: bool) -> None:
    """edit-target-group-attributes.html: on by default for instances, off for addresses. It takes HAProxy to run as root."""
    text = haproxy_tcp.render([Listener("TCP", 80, RULES)], [group(attributes, TargetType=kind)])
    assert ("usesrc clientip" in text) == keeps
    assert "user haproxy" not in text


def test_http_checks_are_made_as_by_an_alb() -> None:
    text = haproxy_tcp.render([Listener("TCP", 80, RULES)], [group(HealthCheckProtocol="HTTP", HealthCheckPath="/ready")])
    assert 'meth GET uri "/ready"' in text


def test_a_protocol_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know the protocol UDP"):
        haproxy_tcp.render([Listener("UDP", 53, RULES)], [group()])


@pytest.mark.parametrize(
    ("of_group", "of_balancer", "seen"),
    [(None, None, ["i-1"]), (None, "true", ["i-1", "i-2"]), ("true", "false", ["i-1", "i-2"]), ("false", "true", ["i-1"])],
)
def test_cross_zone(of_group: str | None, of_balancer: str | None, seen: list[str]) -> None:
    """Off by default; the group's own setting wins."""
    attributes = {haproxy_tcp.CROSS_ZONE: of_group} if of_group else {}
    balancer = {haproxy_tcp.CROSS_ZONE: of_balancer} if of_balancer else {}
    found = haproxy_tcp.of_zone(group(attributes), "eu-west-1a", balancer, SUBNETS)
    assert [target.id for target in found.targets] == seen
