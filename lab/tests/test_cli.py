# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab import cli, settings, status


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "images", "serve"])
def test_commands(command: str) -> None:
    assert callable(cli.parser().parse_args([command]).run)


@pytest.mark.parametrize("arguments", [[], ["shell"], ["up", "now"], ["dance"]])
def test_nonsense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args(arguments)


def test_a_lab_that_is_down_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "load", lambda: None)
    assert cli.main(["status"]) == 1
    assert capsys.readouterr().err == "lab: the lab is not running; start it by `python -m lab up`\n"


def test_what_is_not_implemented_comes_first() -> None:
    calls = [
        {"service": "ec2", "action": "RunInstances", "status": 200},
        {"service": "ec2", "action": "RunInstances", "status": 400},
        {"service": "ec2", "action": "DescribePlacementGroups", "status": 500},
    ]
    lines = cli.call_summary(calls).splitlines()
    assert lines[0] == "not implemented or broken: ec2 DescribePlacementGroups"
    assert [line.split() for line in lines[1:]] == [
        ["1", "1", "refused", "ec2", "DescribePlacementGroups"],
        ["2", "1", "refused", "ec2", "RunInstances"],
    ]


def test_status_table() -> None:
    hosts = [
        ("instance", "i-2", "10.9.0.5", "exited"),
        ("directory", "d-1", "10.9.0.8", "running"),
        ("directory", "d-1", "10.9.16.8", "running"),
    ]
    states = {
        "i-1": ("node-1", "running", "10.9.0.4"),
        "i-2": ("node-2", "running", "10.9.0.5"),
        "i-3": ("node-3", "terminated", ""),
        "d-1": ("corp.example", "Active", ""),
    }
    assert [line.split() for line in status.table(status.merge(hosts, states)).splitlines()] == [
        ["KIND", "RESOURCE", "NAME", "ADDRESS", "STATE", "CONTAINER"],
        ["directory", "d-1", "corp.example", "10.9.0.8", "Active", "running"],
        ["directory", "d-1", "corp.example", "10.9.16.8", "Active", "running"],
        ["instance", "i-1", "node-1", "10.9.0.4", "running", "none"],
        ["instance", "i-2", "node-2", "10.9.0.5", "running", "exited"],
    ]
