#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: portal_info
short_description: Read from AWS everything that a portal definition names
version_added: 0.1.0
description:
  - Reads once, side by side and in one process, the network, image, balancer, database, secrets and Keycloak instances of a portal.
  - Reports everything that is missing or ambiguous at once, so that a definition is corrected in one go.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
options:
  portal:
    description:
      - The portal definition, as role P(aiportal.scaling.portal#role) validates it.
      - Used are C(name), C(vpc), C(subnets), C(ssh.key_pair), C(load_balancer.name), C(load_balancer.port), C(database.instance),
        C(database.secret), of C(keycloak) the keys C(hostname), C(image), C(security_groups), C(admin_secret) and C(drill_secret),
        and C(directory.secret) where it is there.
    type: dict
    required: true
  fail_on_problems:
    description: Fail, with all sentences of RV(problems), when there are any.
    type: bool
    default: false
notes:
  - Only reads, and never the value of a secret. The IAM actions are C(sts:GetCallerIdentity), C(ec2:DescribeVpcs), C(ec2:DescribeSubnets),
    C(ec2:DescribeSecurityGroups), C(ec2:DescribeImages), C(ec2:DescribeKeyPairs), C(ec2:DescribeInstances), C(rds:DescribeDBInstances),
    C(secretsmanager:DescribeSecret), and of C(elasticloadbalancing) C(DescribeLoadBalancers), C(DescribeListeners), C(DescribeRules),
    C(DescribeTargetGroups) and C(DescribeTargetHealth).
"""

EXAMPLES = r"""
- name: Read what AWS knows of the portal
  aiportal.scaling.portal_info:
    portal: "{{ portal }}"
    region: "{{ portal.region }}"
    fail_on_problems: true
  register: read

- name: Show which target groups serve the login page
  ansible.builtin.debug:
    msg: "{{ read.portal.keycloak_rule.forwards }}"
"""

RETURN = r"""
portal:
  description: What there is. Single things that are missing are V(none), lists and dictionaries are empty.
  returned: always
  type: dict
  contains:
    name:
      description: Name of the portal.
      returned: always
      type: str
    account:
      description: AWS account.
      returned: always
      type: str
    vpc:
      description: C(id) and C(cidr).
      returned: always
      type: dict
    subnets:
      description: C(id), C(name), C(az) and C(cidr), in the order of the definition.
      returned: always
      type: list
      elements: dict
    security_groups:
      description: Ids by name, of the groups that the definition names and of those whose name begins with the portal's.
      returned: always
      type: dict
    image:
      description: C(id) and C(architecture).
      returned: always
      type: dict
    instance_type:
      description: C(name) and C(memory_mib) of the nodes' instance type.
      returned: always
      type: dict
    key_pair:
      description: Whether the key pair exists.
      returned: always
      type: bool
    load_balancer:
      description:
        - C(arn), C(dns_name), C(vpc_id), C(security_groups), C(listener_arn) of the port, and C(rules) of that listener.
        - Of each rule C(arn), C(priority), C(hosts), C(paths), C(actions) and C(forwards).
      returned: always
      type: dict
    keycloak_rule:
      description:
        - The rule that forwards the public host name, C(arn), C(priority) and C(forwards).
        - Of each forward C(target_group_arn), C(name) and C(weight).
      returned: always
      type: dict
    keycloak_target_group:
      description: Name of the target group that the definition wants the cluster to serve through.
      returned: always
      type: str
    target_groups:
      description:
        - By name, C(arn), C(port), C(protocol), C(load_balancer_arns) and C(targets).
        - Of each target C(id), C(port), C(health) and C(reason).
      returned: always
      type: dict
    database:
      description: C(endpoint), C(port), C(status), C(class) and C(multi_az).
      returned: always
      type: dict
    secrets:
      description: ARN of each secret by its name, V(none) where there is none.
      returned: always
      type: dict
    instances:
      description:
        - The portal's Keycloak instances, those terminated excepted.
        - Of each C(id), C(name), C(address), C(az), C(subnet_id), C(state), C(generation) and C(launch_time).
      returned: always
      type: list
      elements: dict
    foreign_instances:
      description: Keycloak instances of other portals, C(id) and C(portal).
      returned: always
      type: list
      elements: dict
problems:
  description: What is missing or ambiguous, a sentence each, with the key of the definition and what to do.
  returned: always
  type: list
  elements: str
  sample:
    - "portal.ssh.key_pair: there is no key pair named aiportal in this region; import the public key under that name."
"""

from ansible_collections.aiportal.scaling.plugins.module_utils._portal_facts import facts
from ansible_collections.aiportal.scaling.plugins.module_utils._portal_problems import missing_keys, problems
from ansible_collections.aiportal.scaling.plugins.module_utils._portal_read import SERVICES, read_portal
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

ARGUMENTS = {
    "portal": {"type": "dict", "required": True},
    "fail_on_problems": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    portal = module.params["portal"]
    missing = missing_keys(portal)
    if missing:
        module.fail_json(msg=f"The portal definition misses {', '.join('portal.' + key for key in missing)}: add what is missing.")
    # Clients are made one after the other: making one is not thread-safe in boto3, using one is.
    clients = {service: module.client(service, retry_decorator=AWSRetry.jittered_backoff()) for service in SERVICES}
    try:
        raw = read_portal(clients, portal)
    except AnsibleAWSError as error:
        module.fail_json_aws_error(error)
    found = facts(portal, raw)
    told = problems(portal, raw, found)
    if told and module.params["fail_on_problems"]:
        module.fail_json(msg="The portal definition does not fit what AWS has. " + " ".join(told), problems=told, portal=found)
    module.exit_json(changed=False, portal=found, problems=told)


if __name__ == "__main__":
    main()
