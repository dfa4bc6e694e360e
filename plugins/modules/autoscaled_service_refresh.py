#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaled_service_refresh
short_description: Replace the instances of an Auto Scaling group, step by step, with a way back
version_added: 0.1.0
description:
  - Starts an instance refresh, waits for its end and reports how it went.
    A refresh that fails or is rolled back fails the task, with AWS' reason.
  - A second start while one runs attaches to it, so that the module may be killed and run again. One to another version is refused.
  - With O(state=cancelled) or O(state=rolled_back) ends the refresh that is running.
  - Check mode says which instances would go.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: aiportal.scaling.autoscaled_service
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(skip_matching=false) each run replaces all instances.
options:
  name:
    description: Name of the component, which is that of its group.
    type: str
    required: true
  state:
    description: V(refreshed) has all instances run O(launch_template_version), the others end a refresh that is running.
    type: str
    choices: [refreshed, cancelled, rolled_back]
    default: refreshed
  launch_template_version:
    description:
      - Number of the version of the group's launch template to move to, by default the one that the group uses.
      - The group moves to it when the refresh succeeds. A rollback returns to the one that it used before, so there is none if that is
        the same; M(aiportal.scaling.autoscaled_service) makes versions without moving the group with C(launch_template.adopt=by_refresh).
    type: str
  min_healthy_percentage:
    description: Share of the desired capacity that stays in service. By default as the group's maintenance policy says, or 90.
    type: int
  max_healthy_percentage:
    description: Share that may be in service together. V(100) and more for the first and V(200) for this one launches before it terminates.
    type: int
  instance_warmup:
    description: Seconds until a new instance counts. By default the group's warm-up.
    type: int
  checkpoint_percentages:
    description: Wait at these shares of replaced instances.
    type: list
    elements: int
  checkpoint_delay:
    description: Seconds to wait at each. AWS waits an hour by default.
    type: int
  bake_time:
    description: Seconds to watch the alarms after the last replacement.
    type: int
  alarms:
    description: Names of CloudWatch alarms. When one goes off the refresh fails.
    type: list
    elements: str
  auto_rollback:
    description: Go back by itself when the refresh fails.
    type: bool
    default: false
  skip_matching:
    description: Keep instances that are from the version already. When all are, nothing is started.
    type: bool
    default: true
  standby_instances:
    description: What happens to instances on standby.
    type: str
    choices: [Ignore, Terminate, Wait]
    default: Wait
  scale_in_protected_instances:
    description: What happens to instances that are protected from scale-in.
    type: str
    choices: [Ignore, Refresh, Wait]
    default: Wait
  wait:
    description: Wait for the end.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait. The refresh goes on when they are over, and another run waits on.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Move the gateways to their newest version, two thirds after an hour without alarms, and back by itself if it fails
  aiportal.scaling.autoscaled_service_refresh:
    name: gateway
    launch_template_version: "{{ made.autoscaled_service.wanted_launch_template_version }}"
    min_healthy_percentage: 100
    max_healthy_percentage: 200
    checkpoint_percentages: [34, 100]
    checkpoint_delay: 3600
    alarms: [gateway-errors]
    auto_rollback: true

- name: Take back what is going on
  aiportal.scaling.autoscaled_service_refresh:
    name: gateway
    state: rolled_back
"""

RETURN = r"""
replaces:
  description: Ids of the instances, warm ones too, that this run set out to replace, or would in check mode.
  returned: success
  type: list
  elements: str
steps:
  description: The API call that was made, or would be in check mode. Empty if a refresh was running already, or there was nothing to do.
  returned: success
  type: list
  elements: dict
  sample:
    - {does: start the refresh of gateway, call: "autoscaling:StartInstanceRefresh"}
progress:
  description: How it went, a line for each move, with C(seconds) since the run began, C(status) and C(percentage_complete).
  returned: always
  type: list
  elements: dict
instance_refresh:
  description: The group's last refresh, with C(instance_refresh_id), C(status), C(percentage_complete), C(status_reason) and so on.
  returned: success
  type: dict
"""

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_arguments import flag, number, text, texts
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import clients_of
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_plan import GOAL, RUNNING
from ansible_collections.aiportal.scaling.plugins.module_utils._refresh_run import Refresh, told
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

ARGUMENTS = {
    "name": text(required=True),
    "state": text(default="refreshed", choices=list(GOAL)),
    "launch_template_version": text(),
    "min_healthy_percentage": number(),
    "max_healthy_percentage": number(),
    "instance_warmup": number(),
    "checkpoint_percentages": {"type": "list", "elements": "int"},
    "checkpoint_delay": number(),
    "bake_time": number(),
    "alarms": texts(),
    "auto_rollback": flag(default=False),
    "skip_matching": flag(default=True),
    "standby_instances": text(default="Wait", choices=["Ignore", "Terminate", "Wait"]),
    "scale_in_protected_instances": text(default="Wait", choices=["Ignore", "Refresh", "Wait"]),
    "wait": flag(default=True),
    "wait_timeout": number(default=3600),
}
VERBS = {"StartInstanceRefresh": "start", "CancelInstanceRefresh": "cancel", "RollbackInstanceRefresh": "roll back"}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    refresh = Refresh(clients_of(module), given, module.check_mode)
    try:
        decided = refresh.act()
        last = refresh.last()
    except ServiceError as error:
        module.fail_json(msg=str(error), progress=refresh.progress)
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"The refresh of {given['name']} could not be read", progress=refresh.progress)
    followed = not module.check_mode and bool(decided.call or decided.follow)
    if followed and last.get("Status") not in (GOAL[given["state"]], *(() if given["wait"] else RUNNING)):
        module.fail_json(msg=f"The refresh of {given['name']} did not succeed: {told(last)}", progress=refresh.progress)
    for warning in decided.warnings:
        module.warn(warning)
    steps = (
        [{"does": f"{VERBS[decided.call]} the refresh of {given['name']}", "call": f"autoscaling:{decided.call}"}] if decided.call else []
    )
    replaces = list(decided.replaces)
    module.exit_json(
        changed=bool(decided.call),
        steps=steps,
        replaces=replaces,
        progress=refresh.progress,
        instance_refresh=camel_dict_to_snake_dict(last),
        diff={"before": {"instances": replaces}, "after": {"instances": [] if decided.call else replaces}},
    )


if __name__ == "__main__":
    main()
