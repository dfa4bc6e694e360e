# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._readiness import none_ready


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        ([], 0.0),
        ([(0.0, 3), (1.0, 1), (2.0, 2)], 0.0),
        ([(0.0, 3), (1.0, 0), (3.5, 0), (4.5, 2)], 3.5),
        ([(0.0, 3), (1.0, 0)], 0.0),  # nothing came after it
    ],
)
def test_seconds_without_any_ready_node(rows: list[tuple[float, int]], seconds: float) -> None:
    assert none_ready(rows) == seconds
