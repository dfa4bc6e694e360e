#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_warmup
short_description: Make a Keycloak node fresh and fast before it gets traffic
version_added: 0.1.0
description:
  - Clears the realm, user and key caches of the cluster (a cleared cache is announced to all of its nodes),
    then renders the login page and logs a user in, again and again until an answer is quick.
  - The first requests to a cold node took up to 5.4 s in a rehearsal. A balancer that sends them a user's login makes that user wait.
  - The caches are cleared because nodes that are not of the same cluster do not hear of each other's changes.
    What an administrator changed on the old node since the new ones started would stay unseen on them.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - aiportal.scaling._keycloak_node
  - aiportal.scaling._keycloak_node.admin
attributes:
  check_mode:
    support: full
    details:
      - Nothing is cleared and nobody is logged in.
  diff_mode:
    support: N/A
    details:
      - Nothing that lasts is changed.
  idempotent:
    support: full
    details:
      - A warm-up is never reported as a change. It leaves nothing behind but one ended session for each login.
options:
  username:
    description: An ordinary user of O(realm), who logs in through the directory as others do.
    type: str
    required: true
  password:
    description: Its password.
    type: str
    required: true
  clear_caches:
    description: Clear the caches of the cluster first.
    type: bool
    default: true
  quick:
    description: Milliseconds that a warm answer may take.
    type: int
    default: 1000
  rounds:
    description: How often to try at most. A node that is still slow then is reported, not refused.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Warm the node before the balancer uses it
  aiportal.scaling.keycloak_warmup:
    address: 10.0.1.11
    hostname: auth.example.com
    realm: aiportal
    admin_username: admin
    admin_password: "{{ admin_password }}"
    username: drill
    password: "{{ drill_password }}"
"""

RETURN = r"""
rounds:
  description: Milliseconds of the login page and of the login, round by round.
  returned: when not in check mode
  type: list
  elements: dict
  sample: [{page: 2310, login: 1870}, {page: 41, login: 230}]
warm:
  description: Whether the last round was within O(quick).
  returned: when not in check mode
  type: bool
  sample: true
"""

import random
import time
from typing import Any
from urllib.parse import urlencode

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, Response, behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import (
    ADMIN_ARGUMENTS,
    NODE_ARGUMENTS,
    AdminError,
    HttpError,
    KeycloakAdmin,
    realm_path,
)

CACHES = ("realm", "user", "keys")
# Clients that every realm has from its first day: no client of the portal is borrowed.
PAGE_CLIENT = "account-console"
LOGIN_CLIENT = "admin-cli"


def clear_caches(admin: KeycloakAdmin, realm: str) -> None:
    for cache in CACHES:
        admin.post(realm_path(realm, "/clear-%s-cache" % cache))


def login_page(http: Http, realm: str, hostname: str) -> None:
    query = {
        "client_id": PAGE_CLIENT,
        "redirect_uri": "https://%s/realms/%s/account/" % (hostname, realm),
        "response_type": "code",
        "scope": "openid",
        "code_challenge_method": "S256",
        "code_challenge": "A" * 43,
    }
    _expect(http.request("GET", "/realms/%s/protocol/openid-connect/auth?%s" % (realm, urlencode(query))), 200, "the login page")


def login(http: Http, realm: str, username: str, password: str) -> None:
    path = "/realms/%s/protocol/openid-connect/" % realm
    fields = {"grant_type": "password", "client_id": LOGIN_CLIENT, "username": username, "password": password, "scope": "openid"}
    tokens = _expect(http.form("POST", path + "token", fields), 200, "the login of %s" % username).json()
    _expect(http.form("POST", path + "logout", {"client_id": LOGIN_CLIENT, "refresh_token": tokens["refresh_token"]}), 204, "the logout")


def warm_up(http: Http, given: dict[str, Any]) -> list[dict[str, int]]:
    rounds: list[dict[str, int]] = []
    for left in reversed(range(given["rounds"])):
        start = time.monotonic()
        login_page(http, given["realm"], given["hostname"])
        middle = time.monotonic()
        try:
            login(http, given["realm"], given["username"], given["password"])
        except AdminError:
            # Brute force protection refuses a user who logs in at another node at the same moment.
            if not left:
                raise
            time.sleep(random.uniform(0.1, 1.0))
            continue
        rounds.append({"page": int(1000 * (middle - start)), "login": int(1000 * (time.monotonic() - middle))})
        if is_warm(rounds, given["quick"]):
            break
    return rounds


def is_warm(rounds: list[dict[str, int]], quick: int) -> bool:
    return bool(rounds) and max(rounds[-1].values()) <= quick


def _expect(answer: Response, status: int, what: str) -> Response:
    if answer.status != status:
        raise AdminError("%s was answered with %d: %s" % (what, answer.status, answer.text[:200]))
    return answer


def main() -> None:
    own = {
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "clear_caches": {"type": "bool", "default": True},
        "quick": {"type": "int", "default": 1000},
        "rounds": {"type": "int", "default": 10},
    }
    module = AnsibleModule(argument_spec={**NODE_ARGUMENTS, **ADMIN_ARGUMENTS, **own}, supports_check_mode=True)
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False)
    http = behind_balancer("https://" + given["hostname"], given["address"], given["http_port"], timeout=60.0)
    try:
        if given["clear_caches"]:
            clear_caches(KeycloakAdmin(http, given["admin_username"], given["admin_password"], given["admin_realm"]), given["realm"])
        rounds = warm_up(http, given)
    except (AdminError, HttpError) as error:
        module.fail_json(msg="%s could not be warmed: %s" % (given["address"], error))
    module.exit_json(changed=False, rounds=rounds, warm=is_warm(rounds, given["quick"]))


if __name__ == "__main__":
    main()
