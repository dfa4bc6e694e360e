# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people in the directory: 50 ordinary users, two groups, and the account that Keycloak binds with."""

from __future__ import annotations

import functools
import json
import secrets

from lab import ldap
from lab.portal import DOMAIN
from lab.settings import Lab

COUNT = 50
WORKGROUP = "CORP"
TOP = f"OU={WORKGROUP},{ldap.base_dn(DOMAIN)}"
PEOPLE, GROUPS, SERVICE = (f"OU={name},{TOP}" for name in ("People", "Groups", "Service"))
SERVICE_ACCOUNT = "svc-keycloak"
SERVICE_DN = f"CN={SERVICE_ACCOUNT},{SERVICE}"
ADMINISTRATORS = 3  # the first ones are in portal-admins as well


def password() -> str:
    """One that Active Directory's complexity rule takes: letters of both kinds and a digit are certain."""
    return f"Aa1-{secrets.token_urlsafe(15)}"


def users(lab: Lab) -> dict[str, str]:
    """User name -> password of all ordinary users, for clients of the portal; made on first use."""
    path = lab.state / "users.json"
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({f"user{number:02}": password() for number in range(1, COUNT + 1)}, indent=1))
        draft.rename(path)
    known: dict[str, str] = json.loads(path.read_text())
    return known


def drill_user(lab: Lab) -> tuple[str, str]:
    """The user that failover drills log in as."""
    return list(users(lab).items())[-1]


def directory_ldif(known: dict[str, str], service_password: str) -> str:
    """What the operator loads into the new directory."""
    user = functools.partial(ldap.user, domain=DOMAIN)
    names = list(known)
    members = [person_dn(name) for name in names]
    return "".join(
        [
            *(ldap.unit(dn) for dn in (PEOPLE, GROUPS, SERVICE)),
            user(SERVICE_DN, SERVICE_ACCOUNT, password=service_password, displayName="Keycloak"),
            *(user(person_dn(name), name, password=known[name], **person(name)) for name in names),
            ldap.group(f"CN=portal-users,{GROUPS}", "portal-users", members),
            ldap.group(f"CN=portal-admins,{GROUPS}", "portal-admins", members[:ADMINISTRATORS]),
        ]
    )


def person_dn(name: str) -> str:
    return f"CN={name},{PEOPLE}"


def person(name: str) -> dict[str, str]:
    number = name.removeprefix("user")
    return {"givenName": f"Given{number}", "sn": f"Family{number}", "mail": f"{name}@{DOMAIN}"}
