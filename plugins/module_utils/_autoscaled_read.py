# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the reads of a component's state, each once, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_alarm import prefix
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_listener import only_target
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import OWNER, Seen, Service, plain
from ansible_collections.aiportal.scaling.plugins.module_utils._aws_read import Clients, chunks, pages, unless_missing

Api = Any
Children = dict[str, Future[Any]]


def read(clients: Clients, service: Service, removal: bool = False) -> Seen:
    """What is left alone is not read. The chain from balancer to rules to tags is the longest; all else runs beside it."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        group = pool.submit(_group, clients, service.name)
        template = pool.submit(_template, clients, service.name)
        children = {} if removal else _children(pool, clients, service)
        if removal:
            children["alarms"] = pool.submit(_alarms, clients, service)
            arns = pool.submit(_tagged, clients, service.name)
            balancing = _Balancing(pool, clients).to_remove(group.result(), arns.result())
        else:
            children["versions"] = pool.submit(_versions, clients, service.name)
            balancing = _Balancing(pool, clients).of(service)
        found = {name: future.result() for name, future in children.items()}
        if not removal and alarms_matter(service, found.get("policies") or []):
            found["alarms"] = _alarms(clients, service)
        return Seen(group=group.result() or {}, template=template.result() or {}, **found, **balancing)


def read_outcome(clients: Clients, service: Service) -> Seen:
    """Only what a play is told of a component that was just made or changed."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        group, template = pool.submit(_group, clients, service.name), pool.submit(_template, clients, service.name)
        versions = pool.submit(_versions, clients, service.name)
        balancing = _Balancing(pool, clients)
        targets = pool.submit(balancing.named, service)
        balancers = balancing.balancers(service)
        return Seen(
            group=group.result() or {},
            template=template.result() or {},
            versions=versions.result(),
            target_groups={each["TargetGroupName"]: each for each in targets.result()},
            balancer=balancers[0] if balancers else {},
        )


def read_group(clients: Clients, name: str) -> Api:
    return _group(clients, name)


def _group(clients: Clients, name: str) -> Api:
    found = clients["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[name], aws_retry=True)["AutoScalingGroups"]
    # A group that is being deleted still answers, with a status.
    return next((group for group in found if not group.get("Status")), {})


def _template(clients: Clients, name: str) -> Api:
    found = unless_missing(clients["ec2"].describe_launch_templates, LaunchTemplateNames=[name], aws_retry=True)
    return found["LaunchTemplates"][0] if found and found["LaunchTemplates"] else {}


def _versions(clients: Clients, name: str) -> list[Api]:
    parameters = {"LaunchTemplateName": name, "MaxResults": 200}
    return unless_missing(pages, clients["ec2"], "describe_launch_template_versions", "LaunchTemplateVersions", **parameters) or []


def _children(pool: ThreadPoolExecutor, clients: Clients, service: Service) -> Children:
    """What belongs to the group, as far as the component has a say in it."""
    name = service.name
    questions: dict[str, tuple[str, Callable[[Clients, str], Any]]] = {
        "policies": ("scaling_policies", _policies),
        "schedules": ("scheduled_actions", _schedules),
        "notifications": ("notifications", _notifications),
        "hooks": ("lifecycle_hooks", _hooks),
        "warm_pool": ("warm_pool", read_warm_pool),
    }
    return {field: pool.submit(ask, clients, name) for field, (option, ask) in questions.items() if service.get(option) is not None}


def alarms_matter(service: Service, policies: Iterable[Api]) -> bool:
    """Whether there are alarms of ours, or shall be: each is the action of a policy, which names it. CloudWatch is not asked else."""
    ours = prefix(service)
    named = [alarm["AlarmName"] for policy in policies for alarm in policy.get("Alarms", [])]
    return any(policy.get("alarm") for policy in service.several("scaling_policies")) or any(name.startswith(ours) for name in named)


def _policies(clients: Clients, name: str) -> list[Api]:
    return unless_missing(pages, clients["autoscaling"], "describe_policies", "ScalingPolicies", AutoScalingGroupName=name) or []


def _schedules(clients: Clients, name: str) -> list[Api]:
    operation, key = "describe_scheduled_actions", "ScheduledUpdateGroupActions"
    return unless_missing(pages, clients["autoscaling"], operation, key, AutoScalingGroupName=name) or []


def _notifications(clients: Clients, name: str) -> list[Api]:
    parameters = {"AutoScalingGroupNames": [name]}
    operation, key = "describe_notification_configurations", "NotificationConfigurations"
    return unless_missing(pages, clients["autoscaling"], operation, key, **parameters) or []


def _hooks(clients: Clients, name: str) -> list[Api]:
    answer = unless_missing(clients["autoscaling"].describe_lifecycle_hooks, AutoScalingGroupName=name, aws_retry=True)
    return answer["LifecycleHooks"] if answer else []


def read_warm_pool(clients: Clients, name: str) -> Api:
    answer = unless_missing(clients["autoscaling"].describe_warm_pool, AutoScalingGroupName=name, aws_retry=True)
    return answer or {}


def _alarms(clients: Clients, service: Service) -> list[Api]:
    return pages(clients["cloudwatch"], "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix(service), AlarmTypes=["MetricAlarm"])


def _tagged(clients: Clients, name: str) -> list[str]:
    """What a run left that was killed while it removed: nothing refers to it any more, but it is tagged."""
    kinds = ["elasticloadbalancing:targetgroup", "elasticloadbalancing:loadbalancer"]
    asked = {"TagFilters": [{"Key": OWNER, "Values": [name]}], "ResourceTypeFilters": kinds}
    found = pages(clients["resourcegroupstaggingapi"], "get_resources", "ResourceTagMappingList", **asked)
    return [each["ResourceARN"] for each in found]


class _Balancing:
    """The fields of Seen that Elastic Load Balancing answers."""

    def __init__(self, pool: ThreadPoolExecutor, clients: Clients) -> None:
        self.pool = pool
        self.client = clients["elbv2"]

    def of(self, service: Service) -> dict[str, Any]:
        asked = self.pool.submit(self.named, service)
        balancers = self.balancers(service)
        groups = asked.result()
        wanted = {group["name"]: group for group in service.target_groups}
        ports = {group["rule"]["listener_port"] for group in service.target_groups if group.get("rule")}
        # One that nothing asked for leads to may have a rule that was asked for once.
        lost = any(group["LoadBalancerArns"] and not _reached(wanted[group["TargetGroupName"]]) for group in groups)
        priorities = {str(group["rule"]["priority"]) for group in service.target_groups if group.get("rule")}
        return self._whole(groups, balancers, None if lost else ports, priorities, bool(service.balancer.get("create")))

    def to_remove(self, group: Api, tagged: Iterable[str]) -> dict[str, Any]:
        arns = {*tagged, *(group or {}).get("TargetGroupARNs", [])}
        groups = self._groups("TargetGroupArns", sorted(arn for arn in arns if ":targetgroup/" in arn))
        balancers = {arn for arn in arns if ":loadbalancer/" in arn} | {arn for each in groups for arn in each["LoadBalancerArns"]}
        return self._whole(groups, self._balancers("LoadBalancerArns", sorted(balancers)), None, set(), False)

    def _whole(self, groups: list[Api], balancers: list[Api], ports: set[int] | None, priorities: set[str], own: bool) -> dict[str, Any]:
        attributes = [self.pool.submit(self._attributes, group["TargetGroupArn"]) for group in groups]
        more = self.pool.submit(self._balancer_attributes, balancers[0]["LoadBalancerArn"]) if own and balancers else None
        listeners = [each for balancer in balancers for each in self._listeners(balancer["LoadBalancerArn"])]
        read = [each["ListenerArn"] for each in listeners if ports is None or each["Port"] in ports]
        arns = {group["TargetGroupArn"] for group in groups}
        rules = {
            arn: [rule for rule in rules if rule["Priority"] in priorities or only_target(rule["Actions"]) in arns]
            for arn, rules in zip(read, self.pool.map(self._rules, read))
        }
        balancer = {**balancers[0], "Attributes": more.result() if more else {}} if balancers else {}
        concerned = [*arns, *(each["ListenerArn"] for each in listeners), *(rule["RuleArn"] for found in rules.values() for rule in found)]
        tags = self._tags(concerned + ([balancer["LoadBalancerArn"]] if balancer else []))
        named = {group["TargetGroupName"]: {**group, "Attributes": found.result()} for group, found in zip(groups, attributes)}
        return {"target_groups": named, "balancer": balancer, "listeners": listeners, "rules": rules, "tags": tags}

    def balancers(self, service: Service) -> list[Api]:
        return self._balancers("Names", [service.balancer["name"]]) if service.balancer else []

    def named(self, service: Service) -> list[Api]:
        """One question, unless one of several is missing, which AWS answers as if all were."""
        names = [group["name"] for group in service.target_groups]
        found = self._groups("Names", names)
        if found or len(names) < 2:
            return found
        return [group for each in self.pool.map(lambda name: self._groups("Names", [name]), names) for group in each]

    def _groups(self, by: str, values: list[str]) -> list[Api]:
        if not values:
            return []
        return unless_missing(pages, self.client, "describe_target_groups", "TargetGroups", **{by: values}) or []

    def _balancers(self, by: str, values: list[str]) -> list[Api]:
        if not values:
            return []
        return unless_missing(pages, self.client, "describe_load_balancers", "LoadBalancers", **{by: values}) or []

    def _attributes(self, arn: str) -> dict[str, str]:
        return plain(self.client.describe_target_group_attributes(TargetGroupArn=arn, aws_retry=True)["Attributes"])

    def _balancer_attributes(self, arn: str) -> dict[str, str]:
        return plain(self.client.describe_load_balancer_attributes(LoadBalancerArn=arn, aws_retry=True)["Attributes"])

    def _listeners(self, arn: str) -> list[Api]:
        return pages(self.client, "describe_listeners", "Listeners", LoadBalancerArn=arn)

    def _rules(self, arn: str) -> list[Api]:
        return pages(self.client, "describe_rules", "Rules", ListenerArn=arn)

    def _tags(self, arns: list[str]) -> dict[str, dict[str, str]]:
        answers = [self.client.describe_tags(ResourceArns=chunk, aws_retry=True) for chunk in chunks(sorted(arns), 20)]
        return {each["ResourceArn"]: plain(each["Tags"]) for answer in answers for each in answer["TagDescriptions"]}


def _reached(group: Api) -> bool:
    return bool(group.get("listener") or group.get("rule"))
