# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people in the directory: 50 ordinary users, some who cannot log in, two groups, and the accounts that Keycloak binds with."""

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
SERVICE_DN, NEXT_SERVICE_DN = (
    f"CN={name},{SERVICE}" for name in ("svc-keycloak", "svc-keycloak-2")
)  # two, to change from one to the other
# Who cannot log in, and the attributes that make it so. Their passwords are right.
TROUBLED = {
    "disabled": {"userAccountControl": "66050"},
    "expired": {"accountExpires": "132000000000000000"},
    "locked": {"lockoutTime": "150000000000000000"},  # from the year 2076 on, so that the lock does not wear off
    "mustchange": {"userAccountControl": "512", "pwdLastSet": "0"},  # 66048 would say that the password never expires
}
ADMINISTRATORS = 3  # the first ones are in portal-admins as well


def password() -> str:
    """One that Active Directory's complexity rule takes: letters of both kinds and a digit are certain."""
    return f"Aa1-{secrets.token_urlsafe(15)}"


def users(lab: Lab) -> dict[str, str]:
    """User name -> password of all ordinary users, for clients of the portal."""
    return {name: secret for name, secret in accounts(lab).items() if name not in TROUBLED}


def accounts(lab: Lab) -> dict[str, str]:
    """User name -> password of all users; made on first use."""
    path = lab.state / "users.json"
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        names = [*(f"user{number:02}" for number in range(1, COUNT + 1)), *TROUBLED]
        draft.write_text(json.dumps({name: password() for name in names}, indent=1))
        draft.rename(path)
    known: dict[str, str] = json.loads(path.read_text())
    return known


def drill_user(lab: Lab) -> tuple[str, str]:
    """The user that failover drills log in as."""
    return list(users(lab).items())[-1]


def directory_ldif(known: dict[str, str], service_passwords: dict[str, str]) -> str:
    """What the operator loads into the new directory; service_passwords by distinguished name."""
    user = functools.partial(ldap.user, domain=DOMAIN)
    members = [person_dn(name) for name in known if name not in TROUBLED]
    return "".join(
        [
            *(ldap.unit(dn) for dn in (PEOPLE, GROUPS, SERVICE)),
            *(user(dn, common_name(dn), password=secret) for dn, secret in service_passwords.items()),
            *(user(person_dn(name), name, password=known[name], **person(name)) for name in known),
            ldap.group(f"CN=portal-users,{GROUPS}", "portal-users", members),
            ldap.group(f"CN=portal-admins,{GROUPS}", "portal-admins", members[:ADMINISTRATORS]),
        ]
    )


def person_dn(name: str) -> str:
    return f"CN={name},{PEOPLE}"


def common_name(dn: str) -> str:
    return dn.partition(",")[0].removeprefix("CN=")


def person(name: str) -> dict[str, str]:
    number = name.removeprefix("user")
    return {"givenName": f"Given{number}", "sn": f"Family{number}", "mail": f"{name}@{DOMAIN}", **TROUBLED.get(name, {})}
