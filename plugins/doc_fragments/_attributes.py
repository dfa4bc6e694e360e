# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: what every module states about check mode, diff and idempotence."""

from __future__ import annotations


class ModuleDocFragment:
    # Every module states C(support) of these three itself, with C(details) where it is not full.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that what the module manages has not changed in between in a way that its arguments concern.
"""

    # For modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: full
    details:
      - This module does not modify state.
"""

    # The collection's action group, for module_defaults.
    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/aiportal.scaling.scaling) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - aiportal.scaling.scaling
"""
