#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_target_service
short_description: Take a target of a load balancer out of service, or put it back and wait until it is healthy
version_added: 0.1.0
description:
  - V(out_of_service) deregisters the target and returns when the balancer says that it sends it nothing new.
    It does not wait for the state V(unused). The balancer shows a target as draining until its deregistration delay is over,
    also one that had no request left and was let go at once. Ask the target itself whether it still works on something
    (M(aiportal.scaling.keycloak_wait)).
  - V(in_service) registers it, also while it is still shown as draining, and returns when the balancer finds it healthy.
    M(community.aws.elb_target) leaves a draining target as it is, and has no check mode.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Calls C(DescribeTargetHealth), C(RegisterTargets) and C(DeregisterTargets) of Elastic Load Balancing v2.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  target_group_arn:
    description: The target group.
    type: str
    required: true
  target_id:
    description: The target, by its instance ID or its address.
    type: str
    required: true
  state:
    description: What the target shall be.
    type: str
    choices: [in_service, out_of_service]
    default: in_service
  wait_timeout:
    description: Seconds to wait for it.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Take a node out of the balancer
  aiportal.scaling.elb_target_service:
    target_group_arn: "{{ target_group_arn }}"
    target_id: i-0123456789abcdef0
    state: out_of_service
"""

RETURN = r"""
health:
  description: State of the target as the balancer says it, with its reason.
  returned: success
  type: str
  sample: draining (Target.DeregistrationInProgress)
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 1.3
"""

import time
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils._target_service import (
    IN_SERVICE,
    OUT_OF_SERVICE,
    Health,
    action,
    health_of,
    reached,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

ARGUMENTS: dict[str, dict[str, Any]] = {
    "target_group_arn": {"type": "str", "required": True},
    "target_id": {"type": "str", "required": True},
    "state": {"type": "str", "choices": [IN_SERVICE, OUT_OF_SERVICE], "default": IN_SERVICE},
    "wait_timeout": {"type": "int", "default": 120},
}


class NotReachedError(Exception):
    """The target did not become what it should within the time."""


def read(client: Any, target: dict[str, Any]) -> Health:
    return health_of(client.describe_target_health(**target, aws_retry=True)["TargetHealthDescriptions"][0])


def wait(client: Any, target: dict[str, Any], wanted: str, timeout: int) -> Health:
    deadline = time.monotonic() + timeout
    while True:
        health = read(client, target)
        if reached(health, wanted):
            return health
        if time.monotonic() > deadline:
            raise NotReachedError("%s is not %s after %d s: %s" % (target["Targets"][0]["Id"], wanted, timeout, health))
        time.sleep(0.5)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    client = module.client("elbv2", retry_decorator=AWSRetry.jittered_backoff())
    wanted, start = module.params["state"], time.monotonic()
    target = {"TargetGroupArn": module.params["target_group_arn"], "Targets": [{"Id": module.params["target_id"]}]}
    try:
        before = health = read(client, target)
        due = action(before, wanted)
        if not module.check_mode:
            if due:
                getattr(client, due + "_targets")(**target, aws_retry=True)
            health = wait(client, target, wanted, module.params["wait_timeout"])
    except NotReachedError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The target %s could not be made %s" % (module.params["target_id"], wanted))
    diff = {"before": {"registered": before.registered}, "after": {"registered": wanted == IN_SERVICE}}
    module.exit_json(changed=bool(due), health=str(health), seconds=round(time.monotonic() - start, 1), diff=diff)


if __name__ == "__main__":
    main()
