# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.containers import ADDRESS_LABEL, KIND_LABEL, Containers
from lab.reconcilers import return_paths

NODES = {"10.99.0.7": "02:42:0a:63:00:07", "10.99.16.9": "02:42:0a:63:10:09"}


def test_a_host_answers_through_the_node_that_a_connection_came_from() -> None:
    text = return_paths.of_host(NODES)
    mark = (1 << 16) + 16 * 256 + 9
    assert f"--mac-source 02:42:0a:63:10:09 -m conntrack --ctstate NEW -j CONNMARK --set-mark {mark}" in text
    assert f"ip route replace default via 10.99.16.9 table {mark}\nip rule add pref 99 fwmark {mark} lookup {mark}" in text
    assert text.count("--restore-mark") == 2


def test_the_name_of_the_chain_tells_what_is_in_place() -> None:
    whole, less = return_paths.of_host(NODES), return_paths.of_host({"10.99.0.7": NODES["10.99.0.7"]})
    assert return_paths.chain_of(whole) == return_paths.chain_of(return_paths.of_host(dict(NODES)))
    assert len({return_paths.chain_of(text) for text in (whole, less, return_paths.of_host({}), return_paths.of_node())}) == 4


def container(kind: str, address: str, hardware: str) -> Any:
    attributes = {"NetworkSettings": {"Networks": {"lab": {"MacAddress": hardware}}}}
    return SimpleNamespace(labels={KIND_LABEL: kind, ADDRESS_LABEL: address}, attrs=attributes)


def test_hardware_addresses_are_those_of_nodes() -> None:
    lab: Any = SimpleNamespace(name="lab")
    found = [container("network-load-balancer", "10.99.0.7", "02:42:0a:63:00:07"), container("instance", "10.99.0.8", "02:42:0a:63:00:08")]
    assert return_paths.hardware_addresses(lab, [*found, container("network-load-balancer", "10.99.0.9", "")]) == {
        "10.99.0.7": "02:42:0a:63:00:07"
    }


@pytest.mark.parametrize(
    ("present", "text", "changes"),
    [
        ("-P PREROUTING ACCEPT", return_paths.of_host({}), False),
        ("-P PREROUTING ACCEPT", return_paths.of_host(NODES), True),
        (f"-N {return_paths.chain_of(return_paths.of_host(NODES))}", return_paths.of_host(NODES), False),
        ("-N path-0123456789abcdef", return_paths.of_host({}), True),
    ],
)
def test_only_what_differs_is_put_in_place(monkeypatch: pytest.MonkeyPatch, present: str, text: str, changes: bool) -> None:
    ran: list[tuple[str, ...]] = []

    def inside(pid: str, *command: str) -> str:
        ran.append(command)
        return present

    monkeypatch.setattr(return_paths, "_in_namespace", inside)
    monkeypatch.setattr(Containers, "pid", lambda _: 1)
    host: Any = SimpleNamespace()
    return_paths.apply(host, text)
    assert (("sh", "-c", text) in ran) == changes
