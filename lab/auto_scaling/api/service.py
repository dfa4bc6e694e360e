# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole API, in moto's place."""

from __future__ import annotations

from lab.auto_scaling.api.attachments import Attachments
from lab.auto_scaling.api.groups import Groups
from lab.auto_scaling.api.hooks import Hooks
from lab.auto_scaling.api.instances import Instances
from lab.auto_scaling.api.policies import Policies
from lab.auto_scaling.api.refreshes import Refreshes


class Service(Groups, Attachments, Instances, Hooks, Policies, Refreshes):
    """Actions that are not here are answered with status 500, as by moto."""
