# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: options that name one Keycloak node and its administrator."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  address:
    description: Address of the node that is asked, past the balancer.
    type: str
    required: true
  http_port:
    description: HTTP port of the node.
    type: int
    default: 8080
  hostname:
    description: Public host name, sent as the balancer would send it.
    type: str
    required: true
  realm:
    description: Realm of the portal's users.
    type: str
    required: true
"""

    ADMIN = r"""
options:
  admin_realm:
    description: Realm of the administrator.
    type: str
    default: master
  admin_username:
    description: An administrator of O(realm), usually of the master realm.
    type: str
    required: true
  admin_password:
    description: Its password.
    type: str
    required: true
"""
