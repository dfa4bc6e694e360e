# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account in this process, with the lab's patches of what Auto Scaling needs."""

from __future__ import annotations

from collections.abc import Iterator

import moto
import pytest

from lab.auto_scaling.model import STORE
from lab.control_plane.patches import autoscaling, elbv2, launch_templates
from lab.tests.account import LAB, Aws


@pytest.fixture(scope="module")
def auto_scaling_patches() -> None:
    for patch in (autoscaling, elbv2, launch_templates):
        patch.apply(LAB)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, auto_scaling_patches: None) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    STORE.reset()
    with moto.mock_aws():
        yield Aws()
