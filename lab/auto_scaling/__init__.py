# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 Auto Scaling as a state machine: what a group is (model), what changes it (the other modules), what it does elsewhere (world).

Each tick gives every group a turn: it reads what EC2 and Elastic Load Balancing say (Facts) and takes the transitions
that AWS documents.
"""
