# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from lab.reconcilers.security_groups import ALWAYS, CHAIN, carried_groups, members_of, render, switch

MEMBERS = {"sg-nodes": ["10.9.0.5", "10.9.0.4"], "sg-empty": []}


def permission(protocol: str = "tcp", first: int = -1, last: int = -1, **sources: Any) -> dict[str, Any]:
    ports = {"FromPort": first, "ToPort": last} if protocol != "-1" else {}
    ranges = [{"CidrIp": cidr} for cidr in sources.get("cidrs", [])]
    return {"IpProtocol": protocol, **ports, "IpRanges": ranges, "UserIdGroupPairs": [{"GroupId": g} for g in sources.get("groups", [])]}


@pytest.mark.parametrize(
    ("permissions", "opened"),
    [
        pytest.param([], [], id="no rule: closed"),
        pytest.param([permission("tcp", 22, 22, cidrs=["10.9.0.1/32"])], ["-s 10.9.0.1/32 -p tcp --dport 22:22 -j ACCEPT"], id="one port"),
        pytest.param([permission("udp", 5, 7, cidrs=["0.0.0.0/0"])], ["-s 0.0.0.0/0 -p udp --dport 5:7 -j ACCEPT"], id="range"),
        pytest.param([permission("-1", cidrs=["10.9.0.0/16"])], ["-s 10.9.0.0/16 -j ACCEPT"], id="all traffic"),
        pytest.param(
            [permission("tcp", 57800, 57800, groups=["sg-nodes"])],
            ["-s 10.9.0.4/32 -p tcp --dport 57800:57800 -j ACCEPT", "-s 10.9.0.5/32 -p tcp --dport 57800:57800 -j ACCEPT"],
            id="a group is its members, in a fixed order",
        ),
        pytest.param([permission("tcp", 7800, 7800, groups=["sg-empty", "sg-gone"])], [], id="a group without members opens nothing"),
        pytest.param([permission("icmp", cidrs=["10.9.0.0/16"])], ["-s 10.9.0.0/16 -p icmp -j ACCEPT"], id="any ICMP"),
        pytest.param([permission("icmp", 8, -1, cidrs=["1.2.3.4/32"])], ["-s 1.2.3.4/32 -p icmp --icmp-type 8 -j ACCEPT"], id="ICMP type"),
        pytest.param([permission("icmp", 3, 4, cidrs=["1.2.3.4/32"])], ["-s 1.2.3.4/32 -p icmp --icmp-type 3/4 -j ACCEPT"], id="ICMP code"),
        pytest.param(
            [permission("tcp", 1, 1, cidrs=["1.2.3.4/32"]), permission("tcp", 1, 1, cidrs=["1.2.3.4/32"])],
            ["-s 1.2.3.4/32 -p tcp --dport 1:1 -j ACCEPT"],
            id="the same twice",
        ),
    ],
)
def test_rules(permissions: list[dict[str, Any]], opened: list[str]) -> None:
    assert render(permissions, MEMBERS) == [*ALWAYS, *opened, "-j DROP"]


def test_what_comes_through_a_node_of_a_network_load_balancer_comes_from_its_group() -> None:
    """load-balancer-security-groups.html: a rule may name the balancer's group, whether or not the client's address is kept."""
    opened = render([permission("tcp", 80, 80, groups=["sg-nodes"])], MEMBERS, {"10.9.0.5": "02:42:0a:09:00:05"})
    assert "-m mac --mac-source 02:42:0a:09:00:05 -p tcp --dport 80:80 -j ACCEPT" in opened
    assert sum("--mac-source" in rule for rule in opened) == 1


def test_members_are_all_interfaces_that_carry_the_group() -> None:
    interfaces: list[dict[str, Any]] = [
        {"PrivateIpAddress": "10.9.0.4", "Groups": [{"GroupId": "sg-a"}, {"GroupId": "sg-b"}]},
        {"PrivateIpAddress": "10.9.0.5", "Groups": [{"GroupId": "sg-b"}]},
        {"PrivateIpAddress": "10.9.0.6", "Groups": []},
    ]
    assert members_of(carried_groups(interfaces)) == {"sg-a": ["10.9.0.4"], "sg-b": ["10.9.0.4", "10.9.0.5"]}


def test_the_new_chain_is_hooked_in_and_the_old_one_removed_in_one_commit() -> None:
    text = switch("sg-new", ["-j DROP"], ["sg-old"])
    assert text.count("COMMIT") == 1
    lines = text.splitlines()
    assert lines[:4] == ["*filter", ":INPUT DROP [0:0]", ":sg-new - [0:0]", "-A sg-new -j DROP"]
    assert lines.index("-A INPUT -j sg-new") < lines.index("-D INPUT -j sg-old") < lines.index("-X sg-old")


def test_only_our_own_chain_is_recognised() -> None:
    listed = "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.9.0.7/32 -j DROP\n-A INPUT -j sg-0123456789abcdef\n"
    assert CHAIN.findall(listed) == ["sg-0123456789abcdef"]
