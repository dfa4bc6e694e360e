#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaled_service
short_description: Manage one scaled component on AWS in one call
version_added: 0.1.0
description:
  - Launch template, target groups, listeners or rules, Auto Scaling group, scaling policies with their alarms, scheduled actions,
    lifecycle hooks, warm pool and notifications of one component, such as a gateway or a web tier.
  - All state is read once and side by side in one process. One plan of API calls serves check mode, diff and the run itself;
    what does not depend on each other runs side by side, too.
  - An option that is left out leaves the setting alone. A list that is given is complete.
  - What the module makes is tagged C(aiportal:autoscaled-service) with the component's name. It changes and removes nothing else,
    and refuses names, ports and priorities that others have.
    Policies, hooks and so on belong to the group, alarms to the component by their names.
  - May be killed at any time and run again, and two runs at once make one component.
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Reads with C(Describe*) of EC2, Auto Scaling, Elastic Load Balancing and CloudWatch, with C(GetInstanceProfile) where a profile
    and C(DescribeCertificate) where a certificate is named.
    C(GetResources) of the Resource Groups Tagging API finds what O(state=absent) has to remove.
    Every call that changes something is in the C(steps) of check mode.
  - Protocol, port and version of a target group, and type and scheme of a load balancer cannot be changed. Give the new one another name.
seealso:
  - module: aiportal.scaling.autoscaled_service_refresh
  - module: aiportal.scaling.autoscaled_service_info
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: "Name of the component: of its group and launch template, and of its target group unless that has one of its own."
    type: str
    required: true
  state:
    description: "V(present) makes it so, V(absent) removes what this module made for the component, in order, and nothing else."
    type: str
    choices: [present, absent]
    default: present
  launch_template:
    description:
      - What instances are launched from. Each change makes a new version, and the group uses it by its number.
      - Instances that run already stay as they are; M(aiportal.scaling.autoscaled_service_refresh) replaces them.
    type: dict
    suboptions:
      version:
        description: Number of an existing version to use instead of one made from the options below, for a way back. Names such as
          V($Latest) are refused.
        type: str
      image_id:
        description: The AMI.
        type: str
      instance_type:
        description: The instance type.
        type: str
      key_name:
        description: Name of a key pair.
        type: str
      instance_profile:
        description: Name or ARN of an instance profile.
        type: str
      security_groups:
        description: Ids of security groups.
        type: list
        elements: str
      user_data:
        description: User data as plain text. Anybody on the instance can read it, so let it point to secrets, not hold them.
        type: str
      metadata_hop_limit:
        description: Hops that an answer of the metadata service may take. Containers that use the instance's role need V(2). IMDSv2 is
          always required.
        type: int
        default: 1
      volumes:
        description: Volumes besides or instead of those of the image, which are taken as the image says. All that are listed are
          encrypted.
        type: list
        elements: dict
        suboptions:
          device_name:
            description: The device, for example V(/dev/xvda).
            type: str
            required: true
          volume_size:
            description: GiB.
            type: int
          volume_type:
            description: The kind of volume.
            type: str
            choices: [gp2, gp3, io1, io2, st1, sc1]
            default: gp3
          iops:
            description: Operations per second, for kinds that let them be chosen.
            type: int
          throughput:
            description: MiB per second, for V(gp3).
            type: int
          kms_key_id:
            description: Key to encrypt with, instead of the account's default one.
            type: str
          snapshot_id:
            description: Snapshot that the volume begins with.
            type: str
          delete_on_termination:
            description: Delete the volume with its instance.
            type: bool
            default: true
      ebs_optimized:
        description: For instance types where this is a choice.
        type: bool
      detailed_monitoring:
        description: Metrics every minute. Target tracking reacts five times later without.
        type: bool
        default: true
      hibernation:
        description: Instances can hibernate. Needs an encrypted root volume in O(launch_template.volumes) that is large enough for their
          memory.
        type: bool
        default: false
      keep_versions:
        description: When a version is made, older ones beyond this number are deleted, unless the group or one of its instances uses
          them.
        type: int
        default: 10
      adopt:
        description: Whether the group launches from a new version at once, or stays where it is until a refresh has moved it, which can
          then go back.
        type: str
        choices: [at_once, by_refresh]
        default: at_once
  mixed_instances_policy:
    description: Launch from the template with several instance types, and on-demand and Spot instances together.
    type: dict
    suboptions:
      instance_types:
        description: The types, in the order of preference.
        type: list
        elements: str
        required: true
      instances_distribution:
        description: Shares of on-demand and Spot instances.
        type: dict
        suboptions:
          on_demand_allocation_strategy:
            description: How the type of on-demand instances is chosen.
            type: str
          on_demand_base_capacity:
            description: So many are on-demand first.
            type: int
          on_demand_percentage_above_base_capacity:
            description: Share of on-demand instances of the rest.
            type: int
          spot_allocation_strategy:
            description: How the type of Spot instances is chosen.
            type: str
          spot_max_price:
            description: Highest price per hour, in dollars.
            type: str
  subnets:
    description: Ids of subnets, over which the group spreads its instances.
    type: list
    elements: str
    aliases: [vpc_zone_identifier]
  single_az:
    description: Accept subnets that are all in one availability zone.
    type: bool
    default: false
  min_size:
    description: Smallest number of instances.
    type: int
  max_size:
    description: Largest number of instances.
    type: int
  desired_capacity:
    description: Number of instances now. Leave it out, so that the scaling policies have their way.
    type: int
  health_check_type:
    description: Whether target health counts, or only that of the instance.
    type: str
    choices: [EC2, ELB]
  health_check_period:
    description: Seconds after launch before a failed health check counts.
    type: int
  start_time:
    description: Declared seconds that an instance needs from launch until it serves. Nothing is set by it, but what is too short for it
      is refused.
    type: int
  detection_time:
    description: Declared seconds within which a target that fails must be seen. A slower health check is refused.
    type: int
  default_instance_warmup:
    description: Seconds after which the metrics of a new instance count.
    type: int
  default_cooldown:
    description: Seconds between two activities of simple scaling.
    type: int
  instance_maintenance_policy:
    description: How many instances may be missing or in excess while the group replaces some.
    type: dict
    suboptions:
      min_healthy_percentage:
        description: Smallest share of the desired capacity that is in service, 0 to 100.
        type: int
        required: true
      max_healthy_percentage:
        description: Largest, 100 to 200. V(100) and more for the first and V(110) for this one launches before it terminates.
        type: int
        required: true
  availability_zone_distribution:
    description: What the group does when it cannot launch in a zone.
    type: str
    choices: [balanced-best-effort, balanced-only]
  termination_policies:
    description: Which instances go first on scale-in.
    type: list
    elements: str
  capacity_rebalance:
    description: Replace Spot instances when they are at a higher risk of interruption.
    type: bool
  max_instance_lifetime:
    description: Seconds after which an instance is replaced.
    type: int
  protected_from_scale_in:
    description: New instances are protected from scale-in.
    type: bool
  suspend_processes:
    description: All processes that are suspended. An empty list resumes all.
    type: list
    elements: str
  metrics_collection:
    description: Publish the group's own metrics, such as its sizes.
    type: bool
  load_balancer:
    description: The load balancer in front of the component.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      create:
        description: Make it, and change it to be as the options below say. Otherwise it is given and stays as it is.
        type: bool
        default: false
      type:
        description: Application (HTTP) or network (TCP).
        type: str
        choices: [application, network]
        default: application
      scheme:
        description: Reachable from the VPC or from everywhere.
        type: str
        choices: [internal, internet-facing]
        default: internal
      subnets:
        description: Ids of its subnets, by default those of the group.
        type: list
        elements: str
      security_groups:
        description: Ids of its security groups.
        type: list
        elements: str
      cross_zone_load_balancing:
        description: Send traffic to targets of all zones. A network load balancer does not, unless told.
        type: bool
      deletion_protection:
        description: Refuse to delete it. It has to be lifted before O(state=absent).
        type: bool
      idle_timeout:
        description: Seconds without data after which an application load balancer ends a connection. Streams of large models need more
          than the usual 60.
        type: int
      dns_record_client_routing_policy:
        description: Whether clients get addresses of their own zone, for network load balancers.
        type: str
        choices: [any_availability_zone, availability_zone_affinity, partial_availability_zone_affinity]
  target_groups:
    description: "Target groups that the instances register with. The list is complete: the group is detached from others."
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name, by default that of the component. At most 32 characters.
        type: str
      protocol:
        description: Protocol of the targets.
        type: str
        required: true
        choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP]
      port:
        description: Port of the targets.
        type: int
        required: true
      protocol_version:
        description: Version of HTTP.
        type: str
        choices: [HTTP1, HTTP2, GRPC]
      health_check_protocol:
        description: Protocol of the health check.
        type: str
        choices: [HTTP, HTTPS, TCP]
      health_check_port:
        description: Port of the health check, V(traffic-port) is that of the target.
        type: str
      health_check_path:
        description: Path of the health check.
        type: str
      health_check_interval:
        description: Seconds between health checks.
        type: int
      health_check_timeout:
        description: Seconds without an answer after which one has failed.
        type: int
      healthy_threshold_count:
        description: So many successes in a row make a target healthy.
        type: int
      unhealthy_threshold_count:
        description: So many failures in a row make it unhealthy.
        type: int
      successful_response_codes:
        description: HTTP codes that are a success, for example V(200-299).
        type: str
      deregistration_delay_timeout:
        description: Seconds that a target has to finish its requests.
        type: int
      deregistration_connection_termination:
        description: End connections that are left after that, on a network load balancer.
        type: bool
      stickiness_enabled:
        description: Send a client to the same target again.
        type: bool
      stickiness_type:
        description: How a client is known.
        type: str
        choices: [lb_cookie, app_cookie, source_ip]
      stickiness_lb_cookie_duration:
        description: Seconds that the balancer's cookie is valid.
        type: int
      stickiness_app_cookie_name:
        description: Name of the application's cookie.
        type: str
      stickiness_app_cookie_duration:
        description: Seconds that it counts.
        type: int
      slow_start_duration:
        description: Seconds over which a new target gets more and more requests.
        type: int
      load_balancing_algorithm_type:
        description: How an application load balancer chooses a target.
        type: str
        choices: [round_robin, least_outstanding_requests, weighted_random]
      cross_zone:
        description: Send traffic to targets of all zones, or as the balancer says.
        type: str
        choices: ['true', 'false', use_load_balancer_configuration]
      preserve_client_ip_enabled:
        description: Targets of a network load balancer see the client's address.
        type: bool
      proxy_protocol_v2_enabled:
        description: Tell targets of a network load balancer about the client in a header.
        type: bool
      unhealthy_connection_termination:
        description: End connections to a target that becomes unhealthy, on a network load balancer.
        type: bool
      minimum_healthy_targets_dns:
        description: With fewer healthy targets a zone's address leaves the DNS. A number, or V(off).
        type: str
      minimum_healthy_percentage_dns:
        description: The same as a share in percent, or V(off).
        type: str
      minimum_healthy_targets_routing:
        description: With fewer healthy targets all targets get traffic.
        type: str
      minimum_healthy_percentage_routing:
        description: The same as a share in percent, or V(off).
        type: str
      listener:
        description: A listener of O(load_balancer) that is made for this target group.
        type: dict
        suboptions:
          port:
            description: Its port.
            type: int
            required: true
          protocol:
            description: Its protocol.
            type: str
            required: true
            choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP]
          certificate_arn:
            description: Certificate for V(HTTPS) and V(TLS).
            type: str
          hostname:
            description: Name that clients call. A certificate of another name is refused.
            type: str
          ssl_policy:
            description: Protocols and ciphers.
            type: str
      rule:
        description: A rule that is added to a listener of O(load_balancer) which others share.
        type: dict
        suboptions:
          listener_port:
            description: Port of that listener.
            type: int
            required: true
          priority:
            description: Place among its rules. It belongs to this component alone.
            type: int
            required: true
          hosts:
            description: Host names, one of which a request must have.
            type: list
            elements: str
          paths:
            description: Path patterns, one of which a request must have.
            type: list
            elements: str
  scaling_policies:
    description: "Scaling policies. The list is complete: others are deleted, so V([]) leaves none."
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      policy_type:
        description: Hold a metric at a value, scale by steps when an alarm goes off, or predict from the past.
        type: str
        choices: [TargetTrackingScaling, StepScaling, PredictiveScaling]
        default: TargetTrackingScaling
      enabled:
        description: Whether it acts. Not for V(PredictiveScaling).
        type: bool
        default: true
      target_value:
        description: Value at which the metric is held.
        type: float
      predefined_metric:
        description: Name of a metric of AWS, for example V(ASGAverageCPUUtilization), or of a pair of them for V(PredictiveScaling).
        type: str
      target_group:
        description: Name of the target group whose requests are counted. Needed only where there are several.
        type: str
      customized_metric:
        description: A metric of your own.
        type: dict
        suboptions:
          metric_name:
            description: Name of the metric.
            type: str
            required: true
          namespace:
            description: Namespace of the metric.
            type: str
            required: true
          statistic:
            description: Statistic of the metric.
            type: str
            choices: [Average, Minimum, Maximum, SampleCount, Sum]
            default: Average
          dimensions:
            description: Dimensions of the metric, name and value.
            type: dict
          unit:
            description: Unit of the metric.
            type: str
          period:
            description: Seconds of one data point.
            type: int
      metrics:
        description: "Metric math: several metrics, and an expression of them that alone returns data."
        type: list
        elements: dict
        suboptions:
          id:
            description: Its name in expressions.
            type: str
            required: true
          expression:
            description: An expression; without it this is a metric.
            type: str
          label:
            description: Text for people.
            type: str
          return_data:
            description: Whether this is the value that is tracked.
            type: bool
            default: true
          metric_name:
            description: Name of the metric.
            type: str
          namespace:
            description: Namespace of the metric.
            type: str
          dimensions:
            description: Dimensions of the metric, name and value.
            type: dict
          stat:
            description: Statistic of the metric.
            type: str
            default: Average
          unit:
            description: Unit of the metric.
            type: str
          period:
            description: Seconds of one data point.
            type: int
      disable_scale_in:
        description: Only scale out.
        type: bool
        default: false
      estimated_instance_warmup:
        description: Seconds after which metrics of a new instance count, if not O(default_instance_warmup).
        type: int
      adjustment_type:
        description: What the numbers of O(scaling_policies[].step_adjustments) mean.
        type: str
        choices: [ChangeInCapacity, ExactCapacity, PercentChangeInCapacity]
      step_adjustments:
        description: How much to scale, by how far the metric is beyond the alarm's threshold.
        type: list
        elements: dict
        suboptions:
          lower_bound:
            description: From here, none is from below.
            type: float
          upper_bound:
            description: Up to here, none is without end.
            type: float
          scaling_adjustment:
            description: Instances or percent.
            type: int
            required: true
      metric_aggregation:
        description: How the data points of the metric are put together.
        type: str
        choices: [Average, Minimum, Maximum]
      min_adjustment_magnitude:
        description: Smallest number of instances, for V(PercentChangeInCapacity).
        type: int
      alarm:
        description: CloudWatch alarm that sets off a step policy, named after component and policy.
        type: dict
        suboptions:
          metric_name:
            description: Name of the metric.
            type: str
            required: true
          namespace:
            description: Namespace of the metric.
            type: str
            required: true
          dimensions:
            description: Dimensions of the metric, by default the group.
            type: dict
          statistic:
            description: Statistic of the metric.
            type: str
            choices: [Average, Minimum, Maximum, SampleCount, Sum]
            default: Average
          period:
            description: Seconds of one data point.
            type: int
            default: 60
          evaluation_periods:
            description: So many data points in a row.
            type: int
            default: 2
          threshold:
            description: The threshold.
            type: float
            required: true
          comparison_operator:
            description: How the data are compared with it.
            type: str
            choices: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
            default: GreaterThanOrEqualToThreshold
          treat_missing_data:
            description: What no data mean.
            type: str
            choices: [breaching, notBreaching, ignore, missing]
            default: missing
      mode:
        description: Whether a predictive policy acts or only shows.
        type: str
        choices: [ForecastOnly, ForecastAndScale]
        default: ForecastOnly
      scheduling_buffer_time:
        description: Seconds that instances are launched ahead of the forecast.
        type: int
      max_capacity_breach_behavior:
        description: Whether the forecast may go beyond O(max_size).
        type: str
        choices: [HonorMaxCapacity, IncreaseMaxCapacity]
      max_capacity_buffer:
        description: By how many percent.
        type: int
  scheduled_actions:
    description: "Scheduled actions. The list is complete: others are deleted."
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      recurrence:
        description: When, as a cron expression of five fields.
        type: str
      time_zone:
        description: Time zone of the recurrence, UTC by default.
        type: str
      start_time:
        description: First or only time, for example V(2027-01-31T06:00:00Z).
        type: str
      end_time:
        description: No more after this time.
        type: str
      min_size:
        description: Smallest number from then on.
        type: int
      max_size:
        description: Largest number from then on.
        type: int
      desired_capacity:
        description: Number of instances at that time.
        type: int
  lifecycle_hooks:
    description: "Lifecycle hooks. The list is complete: others are deleted. A new group has them before its first instance."
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      transition:
        description: Whether instances wait when they come or when they go.
        type: str
        required: true
        choices: [launching, terminating]
      heartbeat_timeout:
        description: Seconds that an instance waits for an answer.
        type: int
        default: 3600
      default_result:
        description: What happens when none comes.
        type: str
        choices: [ABANDON, CONTINUE]
        default: ABANDON
      notification_meta_data:
        description: Text that comes with each notification.
        type: str
      notification_target_arn:
        description: Topic or queue that is told.
        type: str
      role_arn:
        description: Role that may tell it.
        type: str
  warm_pool:
    description: Instances that have started once and wait. They pass the launching hook twice, on their way into the pool and out of it.
    type: dict
    suboptions:
      enabled:
        description: "V(false) removes the pool."
        type: bool
        default: true
      state:
        description: How they wait. Only V(Running) keeps what is in memory, at the full price; V(Hibernated) writes it to disk.
        type: str
        choices: [Stopped, Running, Hibernated]
        default: Stopped
      min_size:
        description: So many at least.
        type: int
        default: 0
      max_group_prepared_capacity:
        description: Instances of the group and the pool together. By default O(max_size).
        type: int
      reuse_on_scale_in:
        description: Instances return to the pool instead of being terminated.
        type: bool
        default: false
  notifications:
    description: Topics that are told what the group does. The list is complete.
    type: list
    elements: dict
    suboptions:
      topic_arn:
        description: ARN of the topic.
        type: str
        required: true
      types:
        description: Events, for example V(autoscaling:EC2_INSTANCE_LAUNCH_ERROR).
        type: list
        elements: str
        required: true
  tags:
    description: Tags of all resources of the component. Instances and volumes have them too.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Remove other tags, if O(tags) is given.
    type: bool
    default: true
  force_delete:
    description: With O(state=absent), terminate all instances at once, protected ones too, without draining and without their hooks.
    type: bool
    default: false
  wait:
    description: Wait until as many instances are in service and healthy as are desired.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for them, or for one condition while the component is removed.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Have two to four gateways behind an internal network load balancer
  aiportal.scaling.autoscaled_service:
    name: gateway
    subnets: "{{ subnet_ids }}"
    min_size: 2
    max_size: 4
    start_time: 120
    health_check_type: ELB
    health_check_period: 300
    default_instance_warmup: 120
    instance_maintenance_policy:
      min_healthy_percentage: 100
      max_healthy_percentage: 200
    launch_template:
      image_id: "{{ image_id }}"
      instance_type: t3.large
      instance_profile: gateway
      security_groups: ["{{ security_group_id }}"]
      metadata_hop_limit: 2
      volumes:
        - device_name: /dev/xvda
          volume_size: 30
    load_balancer:
      name: gateway
      create: true
      type: network
    target_groups:
      - protocol: TCP
        port: 8080
        health_check_protocol: HTTP
        health_check_path: /health
        health_check_interval: 5
        health_check_timeout: 3
        deregistration_delay_timeout: 60
        cross_zone: "true"
        listener:
          port: 80
          protocol: TCP
    scaling_policies:
      - name: cpu
        predefined_metric: ASGAverageCPUUtilization
        target_value: 70
    tags:
      Portal: aiportal
      Component: gateway

- name: Keep warm instances, and fewer of all at night
  aiportal.scaling.autoscaled_service:
    name: pipelines
    warm_pool:
      state: Stopped
      min_size: 1
    lifecycle_hooks:
      - name: models-loaded
        transition: launching
        heartbeat_timeout: 600
    scheduled_actions:
      - name: night
        recurrence: 0 20 * * *
        time_zone: Europe/London
        min_size: 1
        desired_capacity: 1

- name: Remove it with everything that it has
  aiportal.scaling.autoscaled_service:
    name: gateway
    state: absent
"""

RETURN = r"""
steps:
  description: The API calls that were made, or would be in check mode, each with what it does, in order.
  returned: success
  type: list
  elements: dict
  contains:
    does:
      description: What the call does to which resource.
      returned: always
      type: str
    call:
      description: Service and action.
      returned: always
      type: str
  sample:
    - {does: create target group gateway, call: "elbv2:CreateTargetGroup"}
autoscaled_service:
  description: The component afterwards; in check mode as it is now.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
    group_arn:
      description: ARN of the group, empty where there is none.
      returned: always
      type: str
    launch_template_id:
      description: Id of the launch template.
      returned: always
      type: str
    launch_template_version:
      description: Number of the version that the group uses.
      returned: always
      type: str
    wanted_launch_template_version:
      description: Number of the version that O(launch_template) describes, for M(aiportal.scaling.autoscaled_service_refresh).
      returned: always
      type: str
    min_size:
      description: Smallest number of instances.
      returned: always
      type: int
    max_size:
      description: Largest number of instances.
      returned: always
      type: int
    desired_capacity:
      description: Number of instances now.
      returned: always
      type: int
    instances:
      description:
        - Of each instance C(id), C(lifecycle_state), C(health_status), C(availability_zone) and C(launch_template_version).
      returned: always
      type: list
      elements: dict
    target_group_arns:
      description: ARNs of the target groups by name.
      returned: always
      type: dict
    load_balancer_arn:
      description: ARN of the load balancer.
      returned: always
      type: str
    load_balancer_dns_name:
      description: DNS name of the load balancer.
      returned: always
      type: str
    tags:
      description: Tags of the group.
      returned: always
      type: dict
"""

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_service as plans
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_arguments import ARGUMENTS
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import ServiceError
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_run import Run
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_wait import Clock
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import clients_of
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    service = Service(given["name"], given)
    clock = Clock(given["wait_timeout"]) if given["wait"] else None
    run = Run(clients_of(module), service, given["state"] == "absent", module.check_mode, clock)
    try:
        outcome = run.to_the_end()
    except ServiceError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"Component {service.name} could not be read")
    steps = outcome.plan.told if module.check_mode else [{"does": step.key, "call": step.call} for step in outcome.done]
    module.exit_json(changed=bool(steps), steps=steps, diff=outcome.plan.diff, **plans.result(service, outcome.seen))


if __name__ == "__main__":
    main()
