# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import images


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(images.HOSTS, tmp_path / "hosts")
    monkeypatch.setattr(images, "HOSTS", tmp_path / "hosts")
    images.reference.cache_clear()
    yield tmp_path / "hosts"
    images.reference.cache_clear()


def references() -> dict[str, str]:
    images.reference.cache_clear()
    return {name: images.reference(name) for name in images.IMAGES}


def test_a_change_makes_another_image_of_it_and_of_all_that_stand_on_it(hosts: Path) -> None:
    before = references()
    assert references() == before
    with (hosts / "aiportal-node" / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("# changed\n")
    after = references()
    assert {name for name in before if before[name] != after[name]} == {"aiportal-node", "aiportal-keycloak-single"}


def test_every_image_has_its_inputs_and_comes_after_its_base() -> None:
    seen: set[str | None] = {None}
    for image in images.IMAGES.values():
        assert image.base in seen
        assert (images.HOSTS / image.name / ("Dockerfile" if image.base else "build")).is_file()
        seen.add(image.name)
    assert set(images.AMIS) <= set(images.IMAGES)
