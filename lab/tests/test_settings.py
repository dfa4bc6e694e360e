# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab import settings
from lab.settings import FIRST_OCTET, LAST_OCTET, Lab, choose_octet

LAB = Lab(root=Path("/x"), name="lab-abc123", octet=77, api_port=5000, access_key="AKIATEST", secret_key="s" * 40)


def test_a_network_is_the_same_at_every_call_and_differs_between_checkouts() -> None:
    assert choose_octet("lab-a", []) == choose_octet("lab-a", [])
    assert len({choose_octet(f"lab-{number}", []) for number in range(20)}) > 10


@pytest.mark.parametrize("route", ["10.{}.0.0/16", "10.{}.4.0/24", "10.{}.0.9"], ids=["same", "inside", "one host"])
def test_a_network_that_a_route_covers_is_passed_over(route: str) -> None:
    first = choose_octet("lab-a", [])
    second = choose_octet("lab-a", [route.format(first)])
    assert second != first
    assert FIRST_OCTET <= second <= LAST_OCTET


def test_no_free_network_is_an_error_that_says_so() -> None:
    with pytest.raises(RuntimeError, match="no free network"):
        choose_octet("lab-a", ["10.0.0.0/8"])


def test_subnets_are_inside_the_vpc_one_per_zone() -> None:
    assert LAB.subnets == {"eu-west-1a": "10.77.0.0/20", "eu-west-1b": "10.77.16.0/20", "eu-west-1c": "10.77.32.0/20"}


def test_a_bridge_name_fits_the_kernel() -> None:
    assert len(settings.lab_name(Path("/a/very/long/path" * 20))) <= 15


def test_what_is_saved_is_loaded_and_rubbish_is_no_lab(tmp_path: Path) -> None:
    lab = Lab(root=tmp_path, name="lab-abc123", octet=77, api_port=5000, access_key="AKIATEST", secret_key="s" * 40)
    assert settings.load(tmp_path) is None
    lab.save()
    assert settings.load(tmp_path) == lab
    assert (lab.state / "lab.json").stat().st_mode & 0o077 == 0
    (lab.state / "lab.json").write_text("{")
    assert settings.load(tmp_path) is None
