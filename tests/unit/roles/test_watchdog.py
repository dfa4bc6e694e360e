# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

WATCHDOG = Path(__file__).parents[3] / "roles" / "keycloak_cluster" / "files" / "watchdog.py"
FIRST, SECOND = "0005F70A", "0010F70A"
FIRST_V6 = "0000000000000000FFFF0000" + FIRST
SECONDS = 3


@pytest.fixture(scope="module")
def watchdog() -> ModuleType:
    spec = importlib.util.spec_from_file_location("watchdog", WATCHDOG)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def line(peer: str, *, here: int = 41234, there: int = 7800, state: str = "01", packets: int = 0, probes: int = 0) -> str:
    """As Linux 6.1 wrote it."""
    return (
        f"   3: 0020F70A:{here:04X} {peer}:{there:04X} {state} 00000000:00000000 02:00000046 {packets:08X}  "
        f" 998        {probes} 13784190 2 00000000d9f3d4a5 20 4 30 10 -1"
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param([], {}, id="alone"),
        pytest.param([line(FIRST), line(SECOND, there=57800)], {FIRST: False, SECOND: False}, id="all-answer"),
        pytest.param([line(FIRST, probes=2)], {FIRST: False}, id="two-probes"),
        pytest.param([line(FIRST, probes=3)], {FIRST: True}, id="three-probes"),
        pytest.param([line(FIRST, packets=3)], {FIRST: False}, id="sent-again-for-1.4s"),
        pytest.param([line(FIRST, packets=4)], {FIRST: True}, id="sent-again-for-3s"),
        pytest.param([line(FIRST, packets=10)], {FIRST: True}, id="hexadecimal"),
        pytest.param([line(FIRST, probes=3), line(FIRST, there=57800)], {FIRST: False}, id="answers-on-one"),
        pytest.param([line(FIRST), line(FIRST, there=57800, probes=3)], {FIRST: False}, id="answers-on-one-in-the-other-order"),
        pytest.param([line(FIRST, here=7800, there=40000, probes=3)], {FIRST: True}, id="accepted-from-it"),
        pytest.param([line(FIRST, there=5432, probes=3)], {}, id="database"),
        pytest.param([line(FIRST, state="02", packets=5)], {}, id="not-yet-connected"),
        pytest.param([line(FIRST_V6, probes=3)], {FIRST_V6: True}, id="java-with-ipv6"),
    ],
)
def test_silent_peers(watchdog: ModuleType, table: list[str], expected: dict[str, bool]) -> None:
    assert watchdog.silent_peers("\n".join(["  sl  local_address rem_address   st tx_queue", *table]), SECONDS) == expected


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param({}, False, id="alone"),
        pytest.param({FIRST: True}, False, id="the-only-other-one"),
        pytest.param({FIRST: True, SECOND: False}, False, id="one-of-two"),
        pytest.param({FIRST: True, SECOND: True}, True, id="both"),
    ],
)
def test_cut_off(watchdog: ModuleType, peers: dict[str, bool], expected: bool) -> None:
    assert watchdog.cut_off(peers) is expected


def test_the_table_of_this_kernel_is_read(watchdog: ModuleType) -> None:
    """A line that is not understood would mean that nobody is ever cut off."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        lines = [each for each in watchdog.connections().splitlines() if "local_address" not in each]
    assert lines
    assert all(watchdog.LINE.match(each) for each in lines)
