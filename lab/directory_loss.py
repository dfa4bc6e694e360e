# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory behind the migrated portal: its controllers lost one after another, its accounts, its secret.

python -m lab.directory_loss [STEP...]; figures in build/directory/report.json
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin
from docker.models.containers import Container

from lab import scenario, settings, silence
from lab.clients.access import Access, secret
from lab.containers import ADDRESS_LABEL
from lab.figures import keep, short
from lab.portal import ADMIN_SECRET, DIRECTORY_SECRET, NEXT_DIRECTORY_SECRET, REALM, people
from lab.scenario import Step, ansible, expect
from lab.settings import Lab
from lab.silence import Login, Logins

REPORT = settings.ROOT / "build/directory/report.json"
LOSS_SECONDS, CALM_SECONDS, LONGEST_STALL = 20.0, 8.0, 5.0
# directory.md: what a person and what the event log are told. The password is right in all but the last case.
ANSWERS = {
    "disabled": "user_disabled",
    "expired": "invalid_user_credentials",
    "locked": "invalid_user_credentials",
    "mustchange": "invalid_user_credentials",
    "nobody": "user_not_found",
}


def first_silent(lab: Lab) -> None:
    losing(lab, "first silent", 0, silence.silent)


def second_silent(lab: Lab) -> None:
    """After the first came back: what was learned of it must not stand in the way."""
    losing(lab, "second silent", 1, silence.silent)


def first_frozen(lab: Lab) -> None:
    losing(lab, "first frozen", 0, silence.frozen)


Loss = Callable[[Container, Sequence[str]], contextlib.AbstractContextManager[None]]


def losing(lab: Lab, name: str, number: int, loss: Loss) -> None:
    """Logins at every node at once, before, during and after the loss: at most one of each node stalls."""
    hosts = nodes(lab)
    controller = silence.controllers(lab)[number]
    with contextlib.ExitStack() as stack:
        logins = [stack.enter_context(silence.logins_at(lab, address)) for address in hosts]
        before = everywhere(logins, CALM_SECONDS)
        with loss(controller, hosts):
            during = everywhere(logins, LOSS_SECONDS)
        after = everywhere(logins, CALM_SECONDS)
    figures = {host: stalls(series) for host, series in zip(hosts, during, strict=True)}
    record(name, {"before": [stalls(series) for series in before], "during": figures, "after": [stalls(series) for series in after]})
    for host, series in [*zip(hosts, during, strict=True)]:
        stalled = [login for login in series if login.stalled]
        expect(len(stalled) <= 1, f"{name}: {len(stalled)} logins stalled at {host}: {stalled}")
        expect(all(login.seconds <= LONGEST_STALL for login in series), f"{name}: a login at {host} took longer than 5 s: {stalled}")
    for phase, every in (("before", before), ("after", after)):
        bad = [login for series in every for login in series if login.stalled]
        expect(not bad, f"{name}: logins stalled {phase} the loss: {bad}")


def everywhere(logins: list[Logins], seconds: float) -> list[list[Login]]:
    with ThreadPoolExecutor(len(logins)) as pool:
        return list(pool.map(lambda one: one.series(seconds), logins))


def stalls(series: list[Login]) -> dict[str, Any]:
    stalled = [login for login in series if login.stalled]
    return {
        "logins": len(series),
        "stalled": len(stalled),
        "failed": sum(login.status != 200 for login in series),
        "longest_s": max(login.seconds for login in series),
    }


def nodes(lab: Lab) -> list[str]:
    return [str(host.labels[ADDRESS_LABEL]) for host in silence.nodes(lab)]


def named(lab: Lab) -> None:
    """verify names the controller that does not answer, and from where."""
    hosts = nodes(lab)
    with silence.silent(silence.controllers(lab)[1], hosts[-1:]):
        time.sleep(LONGEST_STALL)
        output = ansible(lab, "verify", fails=True)
    said = " ".join(output.split())
    expect("is not whole, seen from" in said and "ldaps://dc2" in said, "verify did not name dc2")
    expect("ldaps://dc1" not in said.partition("is not whole")[2].partition("Repair")[0], "verify named dc1 as well")


def answers(lab: Lab) -> None:
    """Who cannot log in is told so, in words that do not tell accounts apart."""
    passwords = {**people.accounts(lab), "nobody": people.password()}
    account = secret(lab, ADMIN_SECRET)
    admin = KeycloakAdmin(Access(lab).http(), account["username"], account["password"])
    told = {}
    with silence.logins_at(lab, nodes(lab)[0]) as logins:
        for name in ANSWERS:
            said = logins.one(name, passwords[name])
            expect(said.status == 400 and "Invalid user credentials" in said.text, f"{name} was answered with {said.status} {said.text}")
            told[name] = newest_error(admin, name)
    record("answers", told)
    expect(told == ANSWERS, f"the events are {told} instead of {ANSWERS}")


def newest_error(admin: KeycloakAdmin, username: str) -> str:
    events = admin.get(f"/{REALM}/events?type=LOGIN_ERROR&max=20")
    return str(next((event["error"] for event in events if event.get("details", {}).get("username") == username), ""))


def rotated(lab: Lab) -> None:
    """From one service account to the other and back, with users at work; a wrong password is refused before anything changes."""
    first, following = secret(lab, DIRECTORY_SECRET), secret(lab, NEXT_DIRECTORY_SECRET)
    try:
        put(lab, {**following, "password": "wrong"})
        refused = " ".join(ansible(lab, "rotate_directory_account", fails=True).split())
        expect("is not taken by ldaps://dc1" in refused and "ldaps://dc2" in refused, "the refusal does not name the controllers")
        with scenario.traffic() as figures:
            for account in (following, first):
                put(lab, account)
                expect(scenario.playbook(lab, "rotate_directory_account") == 1, "the account did not change, or more than that")
                output = ansible(lab, "rotate_directory_account", "--diff", "-vvv")
                expect(account["password"] not in output, "the password is in the output")
                expect(scenario.playbook(lab, "rotate_directory_account") == 0, "a second run changed something")
    finally:
        put(lab, first)
    record("rotated", short(figures))
    expect(figures["failed"] == 0, f"requests failed: {figures['failures']}")


def put(lab: Lab, account: dict[str, str]) -> None:
    lab.client("secretsmanager").put_secret_value(SecretId=DIRECTORY_SECRET, SecretString=json.dumps(account))


def record(name: str, figures: dict[str, Any]) -> None:
    keep(REPORT, "step", {"step": name, **figures})


STEPS: dict[str, Step] = {
    "first-silent": first_silent,
    "second-silent": second_silent,
    "first-frozen": first_frozen,
    "named": named,
    "answers": answers,
    "rotated": rotated,
}


if __name__ == "__main__":
    sys.exit(scenario.run("directory", STEPS, sys.argv[1:]))
