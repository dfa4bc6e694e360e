# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenario of states is made of, as far as it needs no server."""

from __future__ import annotations

from typing import Any

import pytest

from lab.disturb import PORTS, closed, open_from
from lab.looks import Member, Verdict
from lab.spare import configuration
from lab.verdicts import Result, line, table

OPEN = [{"FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": "sg-1"}]} for port in (7800, 8080, 57800)]


@pytest.mark.parametrize(("ports", "left"), [((57800,), [7800, 8080]), (PORTS, [8080])])
def test_closed(ports: tuple[int, ...], left: list[int]) -> None:
    assert [each["FromPort"] for each in closed(*ports)(OPEN)] == left


def test_open_from_some_only() -> None:
    changed = open_from(Member("a", "10.0.0.1", "i-1"))(OPEN)

    assert {each["FromPort"]: each.get("IpRanges") for each in changed} == {
        8080: None,
        7800: [{"CidrIp": "10.0.0.1/32"}],
        57800: [{"CidrIp": "10.0.0.1/32"}],
    }


def test_configuration_of_the_spare_server() -> None:
    base = "# as it was\nhttp-port=8080\ncache-embedded-network-bind-address=10.0.0.1\n"

    changed = configuration(base, {"cache-embedded-network-bind-address": "", "cache": "local"})

    assert changed == "# as it was\nhttp-port=8080\ncache=local\n"


def seen(state: str, *codes: tuple[str, str]) -> dict[str, Any]:
    return {"state": state, "coordinator": None, "findings": [{"code": code, "state": fault, "cause": ""} for code, fault in codes]}


def test_worst_of_what_the_nodes_say_counts() -> None:
    verdict = Verdict({"a": seen("one_cluster", ("old_row", "")), "b": seen("ports_closed", ("port_silent", "ports_closed"))})

    assert verdict.state == "ports_closed"
    assert verdict.codes == ["port_silent", "old_row"]


def test_line_says_what_was_expected_instead() -> None:
    assert "split, not singleton" in line(Result("a", "singleton", "split", ["split"], [], 1.0, False))


def test_table_has_each_state_once() -> None:
    again = [Result("one cluster", "one_cluster", "one_cluster", codes, [], 9.4, True) for codes in (["old_row"], [])]

    rows = table([again[0], Result("cut", "split", "split", ["split", "partial"], [], 2.0, True), again[1]]).splitlines()[2:]

    assert rows == ["| one cluster | `one_cluster` | `old_row` | 9 |", "| cut | `split` | `split`, `partial` | 2 |"]
