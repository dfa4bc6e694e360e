#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaled_service_info
short_description: Say what one scaled component is doing, and what is wrong with it
version_added: 0.1.0
description:
  - Reads once, side by side and in one process, what Auto Scaling, Elastic Load Balancing and CloudWatch know about one component,
    and says in sentences what a person would look for.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.info_module
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: aiportal.scaling.autoscaled_service
options:
  name:
    description: Name of the component, which is that of its Auto Scaling group. Any group will do.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look at the gateways
  aiportal.scaling.autoscaled_service_info:
    name: gateway
  register: looked

- name: Say what is wrong
  ansible.builtin.debug:
    var: looked.autoscaled_services[0].findings
"""

RETURN = r"""
autoscaled_services:
  description: The component, as a list of one. Without the group only C(exists) and C(findings) say something.
  returned: success
  type: list
  elements: dict
  contains:
    findings:
      description: What is wrong or under way, a sentence each, the worst first.
      returned: always
      type: list
      elements: str
      sample:
        - 1 of 2 instances are in service
        - "i-0123456789abcdef0 is unhealthy in target group gateway: Target.Timeout Request timed out"
    name:
      description: Its name.
      returned: always
      type: str
    exists:
      description: Whether there is a group of that name.
      returned: always
      type: bool
    min_size:
      description: Smallest number of instances.
      returned: always
      type: int
    max_size:
      description: Largest number of instances.
      returned: always
      type: int
    desired_capacity:
      description: Number of instances that there shall be now.
      returned: always
      type: int
    in_service:
      description: Number of instances in service.
      returned: always
      type: int
    launch_template_version:
      description: The version that the group launches from.
      returned: always
      type: str
    latest_version:
      description: The newest version of its launch template.
      returned: always
      type: str
    instances:
      description:
        - Of each C(id), C(lifecycle_state), C(health_status), C(availability_zone), C(instance_type), C(launch_template_version),
          C(versions_behind) the group, C(protected_from_scale_in), and C(why), what the balancer says about it.
      returned: always
      type: list
      elements: dict
    warm_pool:
      description: C(state), sizes and C(instances) of the warm pool, V(none) without one.
      returned: always
      type: dict
    targets:
      description: By target group, of each target C(id), C(port), C(state), C(reason) and C(description).
      returned: always
      type: dict
    refresh:
      description: The last refresh, C(id), C(status), C(percentage_complete), C(instances_to_update) and C(reason), V(none) without one.
      returned: always
      type: dict
    activities:
      description: The last activities, the newest first, C(time), C(status), C(description), C(cause) and C(message).
      returned: always
      type: list
      elements: dict
    alarms:
      description: Alarms of its scaling policies, C(name), C(state) and C(reason).
      returned: always
      type: list
      elements: dict
    suspended_processes:
      description: Processes that are suspended.
      returned: always
      type: list
      elements: str
"""

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_findings import findings, summary
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_look import read_state
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import clients_of
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def main() -> None:
    module = AnsibleAWSModule(argument_spec={"name": {"type": "str", "required": True}}, supports_check_mode=True)
    name = module.params["name"]
    try:
        state = read_state(clients_of(module), name)
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"Component {name} could not be read")
    found = summary(name, state)
    module.exit_json(changed=False, autoscaled_services=[{**found, "findings": findings(found)}])


if __name__ == "__main__":
    main()
