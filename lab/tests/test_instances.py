# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.control_plane import reports
from lab.reconcilers.instances import decide, report_status, seconds

START, END = "2026-01-01T10:00:00.123456789Z", "2026-01-01T11:00:00.5Z"
BEFORE_START, BETWEEN, AFTER_END = (seconds(f"2026-01-01T{hour}:30:00Z") for hour in ("09", "10", "11"))


def container(status: str, code: int = 0) -> Any:
    return SimpleNamespace(status=status, attrs={"State": {"StartedAt": START, "FinishedAt": END, "ExitCode": code}})


@pytest.mark.parametrize(
    ("state", "host", "boot_asked", "action"),
    [
        pytest.param("running", None, 0.0, "start", id="new"),
        pytest.param("pending", None, 0.0, "start", id="pending"),
        pytest.param("running", container("created"), 0.0, "start", id="made, never started"),
        pytest.param("running", container("running"), BEFORE_START, "", id="as wanted"),
        pytest.param("running", container("running"), BETWEEN, "restart", id="reboot, or a stop and start quicker than we look"),
        pytest.param("running", container("exited", 137), BEFORE_START, "", id="died by itself: stays dead"),
        pytest.param("running", container("exited", 137), AFTER_END, "start", id="died, then started by the API"),
        pytest.param("running", container("exited", 0), BETWEEN, "start", id="started while its stop was under way"),
        pytest.param("running", container("exited", 0), 0.0, "start", id="the guest rebooted"),
        pytest.param("running", container("paused"), AFTER_END, "", id="frozen: stays frozen"),
        pytest.param("stopped", container("running"), 0.0, "stop", id="stop"),
        pytest.param("stopped", container("exited"), 0.0, "", id="is stopped"),
        pytest.param("stopped", None, 0.0, "", id="stopped and never seen"),
        pytest.param("terminated", container("exited"), 0.0, "remove", id="terminate"),
        pytest.param("terminated", None, 0.0, "", id="is gone"),
        pytest.param(None, container("running"), 0.0, "remove", id="of nobody"),
    ],
)
def test_decision(state: str | None, host: Any, boot_asked: float, action: str) -> None:
    reports.report(reports.BOOT, "i-1", boot_asked)
    assert decide({"InstanceId": "i-1", "State": {"Name": state}} if state else None, host) == action


def test_a_container_that_never_ran_has_a_time_too() -> None:
    assert seconds("0001-01-01T00:00:00Z") < 0


@pytest.mark.parametrize(("status", "silent"), [("running", False), ("created", False), ("exited", True), ("paused", True)])
def test_silence_is_reported_from_when_it_began_and_until_it_ends(status: str, silent: bool) -> None:
    instance = {"InstanceId": "i-9", "State": {"Name": "running"}}
    reports.report(reports.SILENT, "i-9", None)
    report_status("i-9", instance, container(status))
    since = reports.reported(reports.SILENT, "i-9")
    assert (since is not None) == silent
    report_status("i-9", instance, container(status))
    assert reports.reported(reports.SILENT, "i-9") == since
    report_status("i-9", {**instance, "State": {"Name": "stopped"}}, container(status))
    assert reports.reported(reports.SILENT, "i-9") is None
