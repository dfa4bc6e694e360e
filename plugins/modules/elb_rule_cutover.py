#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_rule_cutover
short_description: Send all traffic of a listener rule to another target group without failing a login in flight
version_added: 0.1.0
description:
  - Adds the target group to the rule with weight 0, so that the balancer checks its health, waits until enough of its targets are healthy,
    and then moves all of the weight in one call.
    The groups that served before keep weight 0, so that the way back is the same call with the other ARN.
  - A login is several requests, and the half-done ones live in the memory of the node that began them.
    A form opened at the old nodes cannot be submitted to the new ones, and a code issued there cannot be redeemed here.
    So for some seconds around the cut a rule in front holds new logins with a page that asks again every second,
    while those in flight end where they began. Nothing else is held, and the balancer's own nodes have time to agree.
  - Everything happens in one process, which ends the hold whatever happens. A hold left by a machine that died is removed by the next run.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Calls C(DescribeRules), C(DescribeTargetHealth), C(CreateRule), C(ModifyRule) and C(DeleteRule) of Elastic Load Balancing v2.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  listener_arn:
    description: The listener that the rule belongs to.
    type: str
    required: true
  rule_arn:
    description: The rule that routes the service. It must forward.
    type: str
    required: true
  target_group_arn:
    description: The target group that shall serve.
    type: str
    required: true
  healthy_targets:
    description: How many of its targets must be healthy before anything is moved.
    type: int
    default: 1
  hold_priority:
    description: Priority of the rule that holds new logins, a free one before that of the service.
    type: int
    required: true
  hold_path:
    description: Path pattern of what begins a login.
    type: str
    default: /realms/*/protocol/openid-connect/auth
  grace:
    description: Seconds that logins in flight have to end where they began. People who leave a form open for longer begin again, once.
    type: float
    default: 5
  settle:
    description: Seconds after the cut in which new logins stay held, until every node of the balancer has the new rule.
    type: float
    default: 1
  purge:
    description: Take the target groups that serve no more out of the rule. That ends the way back.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for healthy targets.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Send the logins to the new cluster once its three nodes are healthy
  aiportal.scaling.elb_rule_cutover:
    listener_arn: "{{ listener_arn }}"
    rule_arn: "{{ rule_arn }}"
    target_group_arn: "{{ new_target_group_arn }}"
    healthy_targets: 3
    hold_priority: 9
"""

RETURN = r"""
steps:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: str
  sample:
    - check the health of the new target group, weight 0
    - hold new logins
    - send all traffic to the new target group
    - let new logins go on
weights:
  description: Weight of each target group of the rule afterwards.
  returned: success
  type: dict
  sample: {"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/new/0123456789abcdef": 1}
held_seconds:
  description: How long new logins were held.
  returned: success
  type: float
  sample: 6.2
"""

import time
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils._cutover import (
    HELD_PATH,
    CutoverError,
    Plan,
    enough_healthy,
    forward,
    health_text,
    hold_rule,
    plan,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

ARGUMENTS: dict[str, dict[str, Any]] = {
    "listener_arn": {"type": "str", "required": True},
    "rule_arn": {"type": "str", "required": True},
    "target_group_arn": {"type": "str", "required": True},
    "healthy_targets": {"type": "int", "default": 1},
    "hold_priority": {"type": "int", "required": True},
    "hold_path": {"type": "str", "default": HELD_PATH},
    "grace": {"type": "float", "default": 5},
    "settle": {"type": "float", "default": 1},
    "purge": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
}


def read_rules(client: Any, listener_arn: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
    return [rule for page in pages for rule in page["Rules"]]


def wait_healthy(client: Any, target_group_arn: str, wanted: int, timeout: int) -> None:
    """The way back, or the cut itself, must never lead to targets that do not answer."""
    deadline = time.monotonic() + timeout
    while True:
        health = client.describe_target_health(TargetGroupArn=target_group_arn, aws_retry=True)["TargetHealthDescriptions"]
        if enough_healthy(health, wanted):
            return
        if time.monotonic() > deadline:
            raise CutoverError(
                "after %d s %d healthy targets are still wanted of %s, last seen: %s; nothing was moved"
                % (timeout, wanted, target_group_arn, health_text(health))
            )
        time.sleep(1)


def cut(client: Any, given: dict[str, Any], rule: dict[str, Any], groups: Any) -> float:
    """Hold, move, let go. Returns the seconds of the hold."""
    wanted = hold_rule(rule, given["hold_priority"], given["hold_path"])
    start = time.monotonic()
    hold = client.create_rule(ListenerArn=given["listener_arn"], **wanted, aws_retry=True)["Rules"][0]["RuleArn"]
    try:
        time.sleep(given["grace"])
        client.modify_rule(RuleArn=given["rule_arn"], Actions=forward(groups), aws_retry=True)
        time.sleep(given["settle"])
    finally:
        client.delete_rule(RuleArn=hold, aws_retry=True)
    return time.monotonic() - start


def apply(client: Any, given: dict[str, Any], rules: list[dict[str, Any]], wanted: Plan) -> float:
    held = 0.0
    if wanted.leftover_hold:
        client.delete_rule(RuleArn=wanted.leftover_hold, aws_retry=True)
    if wanted.weights_ready:
        client.modify_rule(RuleArn=given["rule_arn"], Actions=forward(wanted.weights_ready), aws_retry=True)
    if wanted.weights_cut:
        wait_healthy(client, given["target_group_arn"], given["healthy_targets"], given["wait_timeout"])
        rule = next(rule for rule in rules if rule["RuleArn"] == given["rule_arn"])
        held = cut(client, given, rule, wanted.weights_cut)
    if wanted.weights_purged:
        client.modify_rule(RuleArn=given["rule_arn"], Actions=forward(wanted.weights_purged), aws_retry=True)
    return held


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    client = module.client("elbv2", retry_decorator=AWSRetry.jittered_backoff())
    given = module.params
    held = 0.0
    try:
        rules = read_rules(client, given["listener_arn"])
        wanted = plan(rules, given["rule_arn"], given["target_group_arn"], given["hold_priority"], given["purge"])
        if not module.check_mode:
            held = apply(client, given, rules, wanted)
    except CutoverError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The rule %s could not be moved" % given["rule_arn"])
    diff = {"before": dict(wanted.before), "after": dict(wanted.after)}
    module.exit_json(changed=bool(wanted.steps), steps=wanted.steps, weights=dict(wanted.after), held_seconds=round(held, 1), diff=diff)


if __name__ == "__main__":
    main()
