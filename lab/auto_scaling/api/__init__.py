# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of EC2 Auto Scaling: parsed and answered by the service's own model (botocore's), kept in the store, carried out by the ticks."""
