# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab import clock, life


def test_only_what_has_passed_is_multiplied() -> None:
    made = clock.Clock(10.0, lambda: 1000.0)
    assert (made.now(), made.elapsed(994.0)) == (1000.0, 60.0)


@pytest.mark.parametrize(("value", "speed"), [(None, 1.0), ("20", 20.0)])
def test_speed(monkeypatch: pytest.MonkeyPatch, value: str | None, speed: float) -> None:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    if value:
        monkeypatch.setenv(clock.VARIABLE, value)
    assert clock.speed() == speed


@pytest.mark.parametrize("value", ["fast", "0.5", "1000"])
def test_a_bad_speed_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(clock.VARIABLE, value)
    with pytest.raises(RuntimeError, match="LAB_CLOCK is"):
        clock.speed()


def test_a_portal_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORTAL", "both")
    with pytest.raises(RuntimeError, match="LAB_PORTAL is 'both'; set it to single or none"):
        life.wants_portal()
