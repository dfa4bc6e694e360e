# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module on real files."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.module_utils import _host_addresses
from ansible_collections.aiportal.scaling.plugins.modules import keycloak_jgroups

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_module(check: bool = False, **options: Any) -> dict[str, Any]:
        with patch_module_args({**options, "_ansible_check_mode": check, "_ansible_diff": True}), pytest.raises(SystemExit):
            keycloak_jgroups.main()
        return json.loads(capsys.readouterr().out)

    return run_module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "cache-ispn.xml").write_text("<infinispan/>")
    (tmp_path / "version.txt").write_text("Keycloak - Version 26.7.4\n")
    return tmp_path


CONF = "db=postgres\ndb-password=secret\ncache-stack=jdbc-ping\n"


def test_file_is_changed_once(run: Run, home: Path) -> None:
    conf = home / "conf" / "keycloak.conf"
    conf.write_text(CONF)
    conf.chmod(0o640)
    options = {"home": str(home), "cluster_name": "aiportal", "site_name": "eu-west-1a"}

    predicted = run(check=True, **options)
    untouched = conf.read_text()
    first = run(**options)
    second = run(**options)

    assert untouched == CONF
    assert {**first, "invocation": None} == {**predicted, "invocation": None}
    assert first["changed"]
    assert first["version"] == "26.7.4"
    assert first["removed"] == ["cache-stack"]
    assert first["update_policy"] == "recreate"
    assert first["effective"]["spi-cache-embedded--default--cluster-name"] == "aiportal"
    assert "secret" not in json.dumps(first)
    assert conf.read_text().startswith("db=postgres\ndb-password=secret\n# BEGIN")
    assert conf.stat().st_mode & 0o777 == 0o640
    assert not second["changed"]
    assert second["update_policy"] == "none"
    assert second["diff"]["before"] == second["diff"]["after"]


def test_from_zero(run: Run, tmp_path: Path) -> None:
    conf = tmp_path / "keycloak.conf"
    options = {"conf_file": str(conf), "version": "26.7.4", "cluster_name": "aiportal"}

    predicted = run(check=True, **options)
    existed = conf.exists()
    made = run(**options)

    assert not existed
    assert predicted["changed"] is made["changed"] is True
    assert made["update_policy"] == "none"
    assert conf.stat().st_mode & 0o777 == 0o600


def test_mode_alone_is_a_change(run: Run, home: Path) -> None:
    options = {"home": str(home), "mode": "0640"}
    run(**options)
    (home / "conf" / "keycloak.conf").chmod(0o644)

    assert run(check=True, **options)["changed"]
    assert run(**options)["changed"]
    assert not run(**options)["changed"]


@pytest.mark.parametrize(
    ("active", "policy", "rebuild"),
    [
        ({"keycloak.conf": ""}, "none", False),
        ({"keycloak.conf": "", "cache-ispn.xml": "<infinispan/>"}, "none", False),
        ({"keycloak.conf": "cache=local\n", "cache-ispn.xml": "<infinispan/>"}, "recreate", False),
        ({"keycloak.conf": "", "cache-ispn.xml": "<infinispan><!-- other --></infinispan>"}, "recreate", False),
        ({"keycloak.conf": "features=docker\n"}, "rolling", True),
        ({}, "none", False),
    ],
)
def test_staged_file_against_the_one_in_force(run: Run, home: Path, active: dict[str, str], policy: str, rebuild: bool) -> None:
    in_force = home / "active"
    in_force.mkdir()
    for name, text in active.items():
        (in_force / name).write_text(text)

    result = run(home=str(home), compare_to=str(in_force / "keycloak.conf"))

    assert result["update_policy"] == policy
    assert result["rebuild_required"] is rebuild


def test_version_by_the_name_of_the_library(run: Run, home: Path) -> None:
    (home / "version.txt").unlink()
    libraries = home / "lib" / "lib" / "main"
    libraries.mkdir(parents=True)
    (libraries / "org.keycloak.keycloak-quarkus-server-26.8.1.jar").touch()

    result = run(home=str(home), cluster_name="aiportal")

    assert result["version"] == "26.8.1"
    assert result["effective"] == {"cache-embedded-cluster-name": "aiportal"}


def test_single_node_again(run: Run, home: Path) -> None:
    run(home=str(home), cluster_name="aiportal")

    result = run(home=str(home), state="absent")

    assert result["effective"] == {"cache": "local"}
    assert result["update_policy"] == "recreate"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"discovery": "udp"}, "discovery=udp is refused"),
        ({"bind_address": "127.0.0.1"}, "loopback"),
        ({"bind_address": "192.0.2.77"}, "on no interface of this host"),
        ({"max_counts": {"users": "many"}}, "max_counts"),
        ({"version": "26.2.0"}, "26.4 or later"),
        ({"home": "/nowhere"}, "no Keycloak is in home=/nowhere"),
        ({"home": None, "conf_file": "/nowhere/keycloak.conf"}, "version=auto"),
    ],
)
def test_refused(run: Run, home: Path, options: dict[str, Any], words: str) -> None:
    given = {key: value for key, value in {"home": str(home), **options}.items() if value is not None}

    result = run(**given)

    assert result["failed"]
    assert words in result["msg"]
    assert not (home / "conf" / "keycloak.conf").exists()


def test_container_bridge_is_refused(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keycloak_jgroups, "is_local", lambda address: True)
    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo"), (2, "docker0")])
    monkeypatch.setattr(_host_addresses, "_ipv4", {"lo": "127.0.0.1", "docker0": "172.17.0.1"}.get)

    assert "docker0" in run(home=str(home), bind_address="172.17.0.1")["msg"]
    assert "changed" in run(home=str(home), bind_address="172.17.0.1", external_address="10.0.0.1")


def test_address_of_another_host_can_be_staged(run: Run, home: Path) -> None:
    assert run(home=str(home), bind_address="192.0.2.77", check_address=False)["changed"]


def test_leftovers_are_warned_of(run: Run, home: Path) -> None:
    result = run(home=str(home), java_opts="-Djgroups.bind.address=10.0.0.1")

    assert "-Djgroups.bind.address" in json.dumps(result["warnings"])


# The kernel's list: a container may have no IPv6, and then ::1 is nobody's.
IPV6 = Path("/proc/net/if_inet6")
LOOPBACK6 = IPV6.exists() and f"{1:032x} " in IPV6.read_text()


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", True), ("192.0.2.77", False), ("::1", LOOPBACK6)])
def test_is_local(address: str, expected: bool) -> None:
    assert _host_addresses.is_local(address) is expected


def test_is_local_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr("socket.socket", refused)
    assert _host_addresses.is_local("::1") is False


def test_inner_interface_of_loopback() -> None:
    assert _host_addresses.inner_interface("127.0.0.1") is None


# As iproute2 6.1 wrote it, on a host with a second address and Docker.
SHOWN = r"""1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
2: ens5    inet 10.0.1.11/24 metric 512 brd 10.0.1.255 scope global dynamic ens5\       valid_lft 3162sec preferred_lft 3162sec
2: ens5    inet 10.0.1.12/24 scope global secondary ens5\       valid_lft forever preferred_lft forever
3: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\       valid_lft forever preferred_lft forever
"""


def test_outer_addresses() -> None:
    assert _host_addresses.outer_addresses(SHOWN) == ["10.0.1.11", "10.0.1.12"]
    assert _host_addresses.outer_addresses("") == []
