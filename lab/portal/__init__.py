# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal the lab starts with: one Keycloak node, as somebody set it up by hand, before the collection takes over."""

from __future__ import annotations

NAME = "aiportal"
ZONE = "aiportal.example"
HOSTNAME = f"auth.{ZONE}"
DOMAIN = "corp.aiportal.local"
REALM = "aiportal"

DATABASE_SECRET = "aiportal/keycloak/database"
ADMIN_SECRET = "aiportal/keycloak/admin"
DRILL_SECRET = "aiportal/keycloak/drill"
DIRECTORY_SECRET = "aiportal/directory/keycloak"
NEXT_DIRECTORY_SECRET = "aiportal/directory/keycloak-2"  # of the account that a rotation goes to
LANGFUSE_SECRET = "aiportal/langfuse/oidc"
