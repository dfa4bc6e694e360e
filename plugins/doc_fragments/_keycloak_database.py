# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: options that name Keycloak's database."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: Name or address of the server, as its certificate has it.
    type: str
    required: true
  port:
    description: Port of the server.
    type: int
    default: 5432
  name:
    description: Name of the database.
    type: str
    required: true
  username:
    description: User that Keycloak uses.
    type: str
    required: true
  password:
    description:
      - Its password. Only SCRAM-SHA-256 is spoken, so that the server never sees it.
    type: str
    required: true
  ssl:
    description:
      - V(verify-full) verifies the certificate and the name in it.
      - V(require) encrypts, whoever the server is.
      - V(disable) does not encrypt.
    type: str
    choices: [verify-full, require, disable]
    default: verify-full
  ca_pem:
    description:
      - Certificates (PEM, not a path) of the authorities that may have signed the server's certificate.
      - Without it those of the system are used.
    type: str
"""
