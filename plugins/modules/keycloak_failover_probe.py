#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_failover_probe
short_description: Measure what users of a Keycloak cluster notice while something fails
version_added: 0.1.0
description:
  - Begins sessions through the balancer, and logins directly at the node that is about to fail. Then keeps up a steady load of refreshes,
    single sign-ons, logins and logouts, with new logins of browsers beside it, completes the half-done logins at other nodes once
    the node has failed, and in the end asks for every session again.
  - Runs for as long as the failure takes, so it is started with C(async) and C(poll=0) on a host that stays up, and told what happens
    by files in O(run_directory).
  - It writes V(ready) there when sessions and half-done logins stand. Whoever strikes makes V(striking) right before, V(struck) right
    after, V(healed) when the cause is gone (left out where nothing has to be put right), and V(stop) when the cluster is whole again.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
attributes:
  check_mode:
    support: none
    details:
      - It logs in, which cannot be predicted. The module is skipped in check mode.
  diff_mode:
    support: N/A
    details:
      - Nothing that lasts is changed.
  idempotent:
    support: N/A
    details:
      - It measures. The sessions that it begins end with the realm's idle time.
options:
  base_url:
    description: Public address of Keycloak, through the balancer.
    type: str
    required: true
  connect_to:
    description: Address to connect to instead of the one that the name in O(base_url) resolves to.
    type: str
  ca_pem:
    description: Certificates (PEM, not a path) of authorities to trust for the balancer's certificate, beside those of the system.
    type: str
  realm:
    description: Realm of the user.
    type: str
    required: true
  username:
    description: An ordinary user of the realm.
    type: str
    required: true
  password:
    description: Its password.
    type: str
    required: true
  sessions:
    description: Sessions to begin, every other one in the way of a browser.
    type: int
    default: 20
  rate:
    description: Jobs a second, each of one or two requests.
    type: float
    default: 5
  login_rate:
    description: New logins a second, each of three requests.
    type: float
    default: 1
  nodes:
    description: Addresses of all nodes, whose readiness is looked at all the while. Empty, none.
    type: list
    elements: str
    default: []
  management_port:
    description: Port of the nodes for O(nodes).
    type: int
    default: 9000
  half_done:
    description: Logins that are begun at the node that fails and completed at others.
    type: dict
    suboptions:
      victim:
        description: Address of the node that fails.
        type: str
        required: true
      others:
        description: Addresses of the others.
        type: list
        elements: str
        required: true
      logins:
        description: How many logins.
        type: int
        default: 5
      http_port:
        description: HTTP port of the nodes.
        type: int
        default: 8080
  run_directory:
    description: An existing directory that only this user may write to.
    type: path
    required: true
  duration:
    description: Seconds after which it ends, whether it was told to or not.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Start the load
  aiportal.scaling.keycloak_failover_probe:
    base_url: https://auth.example.com
    realm: aiportal
    username: drill
    password: "{{ drill_password }}"
    half_done:
      victim: 10.0.1.11
      others: [10.0.2.11, 10.0.3.11]
    run_directory: /tmp/aiportal-drill.x1y2
  async: 400
  poll: 0
  register: probe
"""

RETURN = r"""
figures:
  description:
    - C(requests), C(failed) (an error answer, or a hang of ten seconds or more), C(hung), C(longest_gap_s) without a good answer,
      C(worst_latency_s), C(p99_latency_s), C(seconds) of load, C(failed_steps), and the first C(failures) with time, step and cause.
    - C(logins_fail_s), the seconds from the strike to the last new login that was begun and failed; C(failed_after_heal), requests that
      failed after that; C(none_ready_s), the seconds in which no node called itself ready.
    - C(sessions) and C(sessions_lost) by refresh token, C(sso_sessions) and C(sso_lost) by cookie, C(half_done) and C(half_done_lost).
  returned: success
  type: dict
  sample:
    requests: 312
    failed: 2
    hung: 0
    longest_gap_s: 2.1
    worst_latency_s: 2.0
    p99_latency_s: 0.4
    seconds: 62.0
    failed_steps: {refresh: 2}
    logins_fail_s: 0.0
    failed_after_heal: 0
    none_ready_s: 0.0
    failures: [{at_s: 12.1, step: refresh, seconds: 0.0, detail: "status 502"}]
    sessions: 20
    sessions_lost: 0
    sso_sessions: 10
    sso_lost: 0
    half_done: 5
    half_done_lost: 0
"""

import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._failover import LOGIN_STEPS, TROUBLE, Account, HalfDone, Users
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http
from ansible_collections.aiportal.scaling.plugins.module_utils._load import MAX_WORKERS, SteadyLoad
from ansible_collections.aiportal.scaling.plugins.module_utils._readiness import Readiness

ARGUMENTS: dict[str, dict[str, Any]] = {
    "base_url": {"type": "str", "required": True},
    "connect_to": {"type": "str"},
    "ca_pem": {"type": "str"},
    "realm": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "sessions": {"type": "int", "default": 20},
    "rate": {"type": "float", "default": 5},
    "login_rate": {"type": "float", "default": 1},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "management_port": {"type": "int", "default": 9000},
    "half_done": {
        "type": "dict",
        "options": {
            "victim": {"type": "str", "required": True},
            "others": {"type": "list", "elements": "str", "required": True},
            "logins": {"type": "int", "default": 5},
            "http_port": {"type": "int", "default": 8080},
        },
    },
    "run_directory": {"type": "path", "required": True},
    "duration": {"type": "int", "default": 300},
}


class AbandonedError(Exception):
    """Whoever struck is gone."""


class Signals:
    """What happens outside, as files: the only way to talk to a module that runs."""

    def __init__(self, directory: str, duration: int) -> None:
        self._directory = directory
        self._deadline = time.monotonic() + duration

    def give(self, name: str) -> None:
        with open(os.path.join(self._directory, name), "w", encoding="ascii"):
            pass

    def wait(self, name: str, *loads: SteadyLoad) -> bool:
        """Whether it came before the time was over."""
        while not os.path.exists(os.path.join(self._directory, name)):
            if time.monotonic() > self._deadline:
                return False
            # Without this the load of a playbook that failed goes on until the time is over.
            if not os.path.isdir(self._directory):
                raise AbandonedError("run_directory is gone, so that nobody waits for the figures")
            for load in loads:
                load.check()
            time.sleep(0.05)
        return True

    def moment(self, name: str) -> float | None:
        """When it came, by the clock of the measurements."""
        try:
            age = time.time() - os.stat(os.path.join(self._directory, name)).st_mtime
        except FileNotFoundError:
            return None
        return time.monotonic() - age


def drill(users: Users, given: dict[str, Any]) -> dict[str, Any]:
    half_done = HalfDone(**given["half_done"]) if given["half_done"] else None
    users.prepare(given["sessions"], half_done)
    signals = Signals(given["run_directory"], given["duration"])
    loads = [SteadyLoad(job, rate, MAX_WORKERS) for job, rate in ((users.job, given["rate"]), (users.new_login, given["login_rate"]))]
    readiness = Readiness(given["nodes"], given["management_port"])
    readiness.start()
    for load in loads:
        load.start()
    signals.give("ready")
    lost = len(users.forms)
    if signals.wait("struck", *loads) and half_done:
        lost = users.complete(half_done)
    signals.wait("stop", *loads)
    for load in loads:
        load.stop(timeout=30.0)
    figures = {**users.meter.summary(), **phases(users, signals), "none_ready_s": readiness.stop()}
    return {**figures, **users.lost(), "half_done": len(users.forms), "half_done_lost": lost}


def phases(users: Users, signals: Signals) -> dict[str, Any]:
    """What failed from the strike on, and after what was broken had been put right."""
    striking, healed = signals.moment("striking"), signals.moment("healed")
    logins = users.meter.failed_since(striking, *LOGIN_STEPS) if striking else []
    return {
        "logins_fail_s": round(max(logins, default=0.0), 1),
        "failed_after_heal": len(users.meter.failed_since(healed)) if healed else 0,
    }


def resolved(base_url: str) -> Callable[[], str]:
    """Any of the balancer's addresses, asked for once as a browser does: a name server that is slow is not what is measured."""
    parts = urlsplit(base_url)
    try:
        found = socket.getaddrinfo(parts.hostname, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return lambda: ""
    return lambda: str(random.choice(found)[4][0])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS)
    given = module.params
    http = Http(given["base_url"], connect_to=given["connect_to"] or resolved(given["base_url"]), ca_pem=given["ca_pem"], timeout=20.0)
    users = Users(http, Account(given["realm"], given["username"], given["password"]))
    try:
        figures = drill(users, given)
    except AbandonedError as error:
        module.fail_json(msg=str(error))
    except TROUBLE as error:
        module.fail_json(msg="The load could not be prepared, so that nothing was measured: %s" % error)
    module.exit_json(changed=False, figures=figures)


if __name__ == "__main__":
    main()
