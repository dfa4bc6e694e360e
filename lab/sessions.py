# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To sticky sessions and back on the migrated portal, under traffic, and what is lost in between: python -m lab.sessions [STEP...]."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import behind_balancer
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin, realm_path
from ansible_collections.aiportal.scaling.plugins.module_utils._oidc import Code, OidcError

from lab import scenario, settings
from lab.clients.access import Access, secret
from lab.figures import keep, short
from lab.inside import Node, cluster
from lab.portal import HOSTNAME, REALM
from lab.portal.definition import change
from lab.scenario import Step, ansible, expect
from lab.settings import Lab

REPORT = settings.ROOT / "build" / "sessions" / "report.json"
PATIENCE = 300.0


def switch(wanted: str) -> Step:
    """There or back, under traffic: no request fails, no session is lost."""

    def step(lab: Lab) -> None:
        before = scenario.client("check")
        change(lab, "portal", {"keycloak": {"sessions": wanted}})
        with scenario.traffic() as figures:
            start = time.monotonic()
            scenario.playbook(lab, "keycloak_sessions")
            seconds = time.monotonic() - start
        after = scenario.client("check")
        record(f"to {wanted}", {**short(figures), "sessions_lost": after["lost"] - before["lost"], "seconds": round(seconds)})
        expect(figures["failed"] == 0, f"{figures['failed']} requests failed: {figures['failures']}")
        expect(after["lost"] == before["lost"] and after["revived"] == 0, f"sessions were lost or revived: {after}")
        expect(scenario.playbook(lab, "keycloak_sessions") == 0, "a second run changed something")
        ansible(lab, "verify")

    return step


def sticky_day(lab: Lab) -> None:
    """What sticky nodes do for users: logins whose code is redeemed without the cookie, a cookie, and a change that others must notice."""
    access = Access(lab)
    page = access.http().request("GET", f"/realms/{REALM}/account/")
    cookies = [value for value in page.all_headers("Set-Cookie") if value.startswith("AWSALB=")]
    expect(bool(cookies), "the balancer set no cookie of its own")
    outcomes = [redeemed(access, user) for user in access.users[:12]]
    figures = {"logins": len(outcomes), "codes_refused": outcomes.count(False), "change_seen_after_s": staleness(lab)}
    record("sticky: code redeemed at another node, change of a client", figures)
    expect(all(outcomes), "a code was refused at another node")


def node_lost(lab: Lab) -> None:
    """Logins half done at a node that dies, completed at the others."""
    access = Access(lab)
    forms = [(access.oidc("open-webui"), user) for user in access.users[:6]]
    opened = [(oidc, oidc.open_login(), user) for oidc, user in forms]
    victim = cluster(lab)[0]
    victim.run("sh", "-c", "systemctl mask --runtime keycloak; pkill --signal=KILL --euid=keycloak --exact java")
    wait_until(lambda: healthy(lab) == len(cluster(lab)) - 1, "the balancer to notice it")
    lost = sum(1 for oidc, form, user in opened if not goes_on(functools.partial(oidc.submit, form, *user)))
    victim.run("systemctl", "unmask", "--runtime", "keycloak")
    victim.run("systemctl", "start", "keycloak")
    after = scenario.client("check")
    record("sticky: a node killed", {"half_done_logins": len(opened), "lost": lost, "sessions_lost": after["lost"]})
    wait_until(victim.ready, "the killed node to be ready")


def healthy(lab: Lab) -> int:
    """How many nodes the balancer finds healthy: no other group has as many targets, and those without traffic are not checked."""
    elb = lab.client("elbv2")
    groups = [group["TargetGroupArn"] for group in elb.describe_target_groups()["TargetGroups"]]
    targets = [elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] for arn in groups]
    return max(sum(target["TargetHealth"]["State"] == "healthy" for target in each) for each in targets)


def goes_on(submit: Callable[[], Any]) -> bool:
    try:
        return isinstance(submit(), Code)
    except OidcError:
        return False


def redeemed(access: Access, user: tuple[str, str]) -> bool:
    """As an application does it: over a connection of its own, without the user's cookies."""
    oidc = access.oidc("open-webui")
    code = oidc.submit(oidc.open_login(), *user)
    if not isinstance(code, Code):
        return False
    try:
        access.oidc("open-webui").redeem(code)
        return True
    except OidcError:
        return False


def staleness(lab: Lab) -> float | None:
    """Seconds until a change of a client on one node is seen on all others; None where it is not within half a minute."""
    account, nodes = secret(lab, "aiportal/keycloak/admin"), cluster(lab)

    def asked(node: Node, method: str, text: str = "") -> Any:
        """At the node itself: what it has in its cache is its own."""
        http = behind_balancer(f"https://{HOSTNAME}", node.address, 8080)
        admin = KeycloakAdmin(http, account["username"], account["password"])
        path = realm_path(REALM, "/clients/" + str(admin.get(realm_path(REALM, "/clients?clientId=aiportal-scaling"))[0]["id"]))
        return admin.call("PUT", path, {"description": text}) if method == "PUT" else admin.get(path).get("description")

    for node in nodes * 2:
        node.call(functools.partial(asked, node, "GET"))
    text = f"seen {time.time()}"
    nodes[0].call(functools.partial(asked, nodes[0], "PUT", text))
    start = time.monotonic()
    while time.monotonic() - start < 30:
        if all(node.call(functools.partial(asked, node, "GET")) == text for node in nodes):
            return round(time.monotonic() - start, 2)
        time.sleep(0.2)
    return None


def wait_until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        expect(time.monotonic() < deadline, f"waited for {what} for {PATIENCE:.0f} s")
        time.sleep(2)


def record(change: str, measured: dict[str, Any]) -> None:
    keep(REPORT, "change", {"change": change, **measured})


STEPS: dict[str, Step] = {
    "sticky": switch("sticky"),
    "sticky-day": sticky_day,
    "node-lost": node_lost,
    "distributed": switch("distributed"),
}


if __name__ == "__main__":
    sys.exit(scenario.run("sessions", STEPS, sys.argv[1:]))
