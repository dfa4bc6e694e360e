# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.settings import ROOT

Steps = Callable[..., tuple[int, str]]


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    (tmp_path / "Makefile").write_text("good:\n\t@echo fine\nbad:\n\t@echo awful; exit 3\n")

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, ROOT / "tools/steps", "test", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


def test_what_passes_is_listed(steps: Steps) -> None:
    status, printed = steps("good", "--", "good")
    assert status == 0
    assert printed.splitlines()[-1].startswith("2 passed, 0 failed in ")


def test_a_failure_ends_nothing_and_is_shown_again_at_the_end(steps: Steps) -> None:
    status, printed = steps("good", "bad", "--", "bad", "--", "good")
    assert status == 1
    assert printed.splitlines()[-1].startswith("2 passed, 2 failed (bad, bad) in ")
    assert printed.count("fine") == 2
    assert printed.count("awful") == 4
    assert printed.index("bad ended so:\nawful") > printed.rindex("<==")


def test_a_stage_is_left_out_where_too_much_time_has_passed(steps: Steps) -> None:
    status, printed = steps("good", "--before=0", "bad", "--before=600", "good")
    assert status == 0
    assert "left out bad: more than 0 s had passed" in printed
    assert "awful" not in printed
    assert printed.count("fine") == 2
