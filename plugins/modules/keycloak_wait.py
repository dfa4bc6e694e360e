#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_wait
short_description: Wait until a Keycloak node is ready, or until it has no request at work
version_added: 0.1.0
description:
  - Runs on the node. V(ready) waits for readiness, and fails as soon as systemd has seen the server end twice, with the end of its log.
  - V(quiet) waits until no request was at work and none began for some seconds on end.
    That is the moment to stop a node which the balancer does not send to any more. A node that does not answer is quiet.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._attributes.actiongroup
options:
  state:
    description: What to wait for.
    type: str
    choices: [ready, quiet]
    required: true
  address:
    description: Address at which the management port is asked.
    type: str
    required: true
  management_port:
    description: Port of health and metrics.
    type: int
    default: 9000
  http_port:
    description: Port whose requests are meant.
    type: int
    default: 8080
  quiet:
    description: Seconds without a request that count as quiet.
    type: float
    default: 3
  wait_timeout:
    description: Seconds to wait. A node that is not ready by then is a failure. One that is not quiet is not, see RV(reached).
    type: int
    default: 300
  unit:
    description: The server's unit of systemd.
    type: str
    default: keycloak
"""

EXAMPLES = r"""
- name: Wait until the node has nothing left to do
  aiportal.scaling.keycloak_wait:
    state: quiet
    address: 10.0.1.12
    wait_timeout: 30
"""

RETURN = r"""
reached:
  description: Whether the node is as wanted.
  returned: success
  type: bool
active:
  description: Requests at work when the wait ended (V(quiet) only).
  returned: success
  type: int
  sample: 0
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 3.2
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http, HttpError
from ansible_collections.aiportal.scaling.plugins.module_utils._node_wait import (
    Clock,
    EndedError,
    Work,
    wait_quiet,
    wait_ready,
    work_of,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["ready", "quiet"], "required": True},
    "address": {"type": "str", "required": True},
    "management_port": {"type": "int", "default": 9000},
    "http_port": {"type": "int", "default": 8080},
    "quiet": {"type": "float", "default": 3},
    "wait_timeout": {"type": "int", "default": 300},
    "unit": {"type": "str", "default": "keycloak"},
}
LOG_LINES = 15


class Node:
    """What can be asked on the node itself."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        given = module.params
        self._http = Http("http://%s:%d" % (given["address"], given["management_port"]), timeout=5.0)

    def ready(self) -> bool:
        try:
            return self._http.request("GET", "/health/ready").status == 200
        except HttpError:
            return False

    def work(self) -> Work:
        try:
            answer = self._http.request("GET", "/metrics")
        except HttpError:
            return Work()
        return work_of(answer.text, self._module.params["http_port"]) if answer.status == 200 else Work()

    def ends(self) -> int:
        """How often systemd has started the server again."""
        shown = self._run("systemctl", "show", self._module.params["unit"], "--property=NRestarts", "--value")
        return int(shown) if shown.isdigit() else 0

    def log(self) -> str:
        return self._run("journalctl", "--unit=" + self._module.params["unit"], "--lines=%d" % LOG_LINES, "--no-pager", "--output=cat")

    def _run(self, *command: str) -> str:
        return self._module.run_command(list(command))[1].strip()


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given, node, clock = module.params, Node(module), Clock(time.monotonic, time.sleep)
    start = clock.now()
    if given["state"] == "quiet":
        reached, work = wait_quiet(node.work, clock, given["quiet"], given["wait_timeout"])
        module.exit_json(changed=False, reached=reached, active=work.active, seconds=round(clock.now() - start, 1))
    why = "it is not ready after %d s" % given["wait_timeout"]
    try:
        reached = wait_ready(node.ready, node.ends, clock, given["wait_timeout"])
    except EndedError as error:
        reached, why = False, str(error)
    if not reached:
        module.fail_json(msg="Keycloak at %s does not start: %s. The end of its log:\n%s" % (given["address"], why, node.log()))
    module.exit_json(changed=False, reached=True, active=0, seconds=round(clock.now() - start, 1))


if __name__ == "__main__":
    main()
