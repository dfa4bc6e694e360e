# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 Auto Scaling: the lab's own state machine (lab/auto_scaling) answers; moto launches at once and never looks again."""

from __future__ import annotations

from typing import Any

from moto.autoscaling import urls

from lab.auto_scaling.api.service import Service
from lab.settings import Lab


def apply(_: Lab) -> None:
    paths: dict[str, Any] = urls.url_paths
    paths["{0}/$"] = Service.dispatch
