# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: which files a service has not read since they were written.

By the time of the file and not by what this run wrote: a run that was killed between the two left the old text in effect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence

from ansible.module_utils.basic import AnsibleModule


def outdated(module: AnsibleModule, unit: str, files: Sequence[str], changed: Collection[str]) -> list[str]:
    """Those of the files that were written after the unit last changed its state, or just now, or would be in check mode."""
    moment = _last_change(module, unit)
    return [path for path in files if path in changed or _written_since(moment, path)]


def _written_since(moment: float, path: str) -> bool:
    """A clock that was put back leaves files of the future: they would be new for ever."""
    return os.path.exists(path) and moment < os.stat(path).st_mtime <= time.time()


def _last_change(module: AnsibleModule, unit: str) -> float:
    """When it last was started, stopped or reloaded, by the clock as it is set now; 0 for a unit that never was."""
    systemctl = module.get_bin_path("systemctl", required=True)
    command = [systemctl, "show", "--property=StateChangeTimestampMonotonic", "--value", unit]
    microseconds = int(module.run_command(command, check_rc=True)[1])
    return time.time() - time.monotonic() + microseconds / 1e6 if microseconds else 0.0
