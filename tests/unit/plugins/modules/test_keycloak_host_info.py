# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import keycloak_host_info

Run = Callable[..., dict[str, Any]]
# As systemd 252 wrote it; the second unit does not exist.
SHOWN = "Id=keycloak.service\nActiveState=active\nUnitFileState=enabled\n\nId=pgbouncer.socket\nActiveState=inactive\nUnitFileState=\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_module(**options: Any) -> dict[str, Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            keycloak_host_info.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return run_module


def test_units() -> None:
    assert keycloak_host_info.units(SHOWN) == {
        "keycloak.service": {"active": "active", "enabled": "enabled"},
        "pgbouncer.socket": {"active": "inactive", "enabled": ""},
    }


def test_memory() -> None:
    assert keycloak_host_info.memory_mib("MemTotal:        4021248 kB\nMemFree: 1 kB\n") == 3927


def test_account() -> None:
    me = pwd.getpwuid(os.getuid())
    assert keycloak_host_info.account(me.pw_name) == f"{me.pw_dir}:{me.pw_shell}"
    assert keycloak_host_info.account("no-such-user") == ""


@pytest.mark.parametrize(
    ("os_release", "package"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n', "java-17"),
        ('NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n', "corretto"),
        ("ID=arch\n", "any"),
    ],
)
def test_package_of_the_distribution(os_release: str, package: str) -> None:
    packages = {"debian 12": "java-17", "amzn 2023": "corretto", "default": "any"}

    assert keycloak_host_info.of_distribution(packages, os_release) == package
    assert keycloak_host_info.of_distribution({}, os_release) == ""


def test_a_host_with_nothing(run: Run, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    seen = run(
        packages={"default": "no-such-package"},
        user="no-such-user",
        home=missing,
        current=missing,
        certificate=missing,
        compare=[{"wanted": missing, "active": missing}],
    )
    assert (seen["package"], seen["installed"]) == ("no-such-package", False)
    assert not seen["home_exists"]
    assert not seen["certificate_good"]
    assert (seen["account"], seen["current"], seen["home"]) == ("", "", missing)
    assert seen["differ"] == [missing]


def test_home_link_and_files(run: Run, tmp_path: Path) -> None:
    home, current = tmp_path / "home", tmp_path / "current"
    home.mkdir()
    current.symlink_to(home)
    for name, text in {"a": "1", "b": "1", "c": "2"}.items():
        (tmp_path / name).write_text(text)
    pairs = [{"wanted": str(tmp_path / "a"), "active": str(tmp_path / other)} for other in ("b", "c", "d")]

    seen = run(home=str(home), current=str(current), compare=pairs)

    assert seen["home_exists"]
    assert (seen["home"], run()["home"]) == (str(home), "")
    assert seen["current"] == str(home)
    assert seen["differ"] == [str(tmp_path / "a")] * 2
