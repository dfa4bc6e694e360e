# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the starting portal in an empty lab; independent steps side by side. `up` calls it once, and clears away what was half done."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError

from lab import interfaces, pki
from lab.life import wait
from lab.portal import HOSTNAME, LANGFUSE_SECRET, definition, node, people, realm, services
from lab.portal.account import Account
from lab.settings import Lab

BOOTSTRAP = "bootstrap"
PATIENCE = 600.0  # machines may be busy


def main(lab: Lab) -> None:
    node.variant()  # refuses a bad value before anything is made
    definition.write(lab)
    made = timed("account", Account, lab)
    administrator = services.administrator(made)
    bootstrap, langfuse_secret = (BOOTSTRAP, people.password()), secrets.token_urlsafe(24)
    made.secret(LANGFUSE_SECRET, client_id="langfuse", client_secret=langfuse_secret)
    with ThreadPoolExecutor() as pool:
        directory = pool.submit(timed, "directory", services.directory, made)
        keycloak = pool.submit(_keycloak, pool, made, bootstrap)
        http = keycloak.result()
        admin = timed("administrator", realm.make_administrator, http, bootstrap, administrator)
        timed("realm", realm.make_realm, admin, langfuse_secret)
        found = timed("federation", realm.federate, admin, directory.result())
    if found != (count := len(people.accounts(lab))):
        raise RuntimeError(f"Keycloak read {found} users from the directory instead of {count}")


def account(lab: Lab) -> None:
    """An account without a portal: a network, security groups and a key pair."""
    definition.write(lab)
    timed("account", Account, lab)


def _keycloak(pool: ThreadPoolExecutor, account: Account, bootstrap: tuple[str, str]) -> Http:
    """The portal's Keycloak, answering under its public name through the balancer."""
    database: Future[str] = pool.submit(timed, "database", services.database, account)
    instance = pool.submit(timed, "instance", node.launch, account)
    group = timed("load balancer", services.load_balancer, account)
    identifier, address = instance.result()
    elbv2 = account.lab.client("elbv2")
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": identifier}])
    endpoint = database.result()
    timed("Keycloak set-up", node.start_keycloak, account.lab, address, endpoint, services.database_password(account), bootstrap)
    balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"].partition("loadbalancer/")[2]
    http = public(account.lab, interfaces.addresses(account.ec2, balancer)[0])
    timed("Keycloak", wait, f"Keycloak to answer at https://{HOSTNAME}", lambda: answers(http), PATIENCE)
    return http


def public(lab: Lab, balancer: str) -> Http:
    return Http(f"https://{HOSTNAME}", connect_to=balancer, ca_pem=pki.authority(lab).ca().certificate.decode(), timeout=30)


def answers(http: Http) -> bool:
    try:
        return http.request("GET", "/realms/master").status == 200
    except HttpError:
        return False


def timed(name: str, action: Callable[..., Any], *arguments: Any) -> Any:
    started = time.monotonic()
    result = action(*arguments)
    print(f"portal: {name} done in {time.monotonic() - started:.1f} s", flush=True)
    return result
