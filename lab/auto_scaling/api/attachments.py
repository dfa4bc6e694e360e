# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is attached to groups: tags, target groups, suspended processes, metrics, notifications."""

from __future__ import annotations

from moto.core.responses import ActionResult

from lab.auto_scaling.api.base import Base
from lab.auto_scaling.model import STORE, Document, Group, stamp
from lab.clock import CLOCK

PROCESSES = [
    *("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh"),
    *("ReplaceUnhealthy", "ScheduledActions"),
]
METRICS = [
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"),
    *("GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances"),
]


class Attachments(Base):
    # Tags

    def create_or_update_tags(self) -> ActionResult:
        for tag in self.given["Tags"]:
            put_tag(self.group(tag["ResourceId"]), tag)
        return self.nothing()

    def delete_tags(self) -> ActionResult:
        for tag in self.given["Tags"]:
            group = self.group(tag["ResourceId"])
            group.tags = [known for known in group.tags if known["Key"] != tag["Key"]]
        return self.nothing()

    def describe_tags(self) -> ActionResult:
        tags = [tag for group in STORE for tag in group.tags]
        fields = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value"}
        for one in self.given.get("Filters") or []:
            tags = [tag for tag in tags if str(tag.get(fields.get(one["Name"], ""), "")) in one["Values"]]
        return self.page("Tags", tags)

    # Target groups

    def attach_load_balancer_target_groups(self) -> ActionResult:
        return self._attach(self.given["TargetGroupARNs"])

    def attach_traffic_sources(self) -> ActionResult:
        return self._attach(target_groups(self.given))

    def detach_load_balancer_target_groups(self) -> ActionResult:
        return self._detach(self.given["TargetGroupARNs"])

    def detach_traffic_sources(self) -> ActionResult:
        return self._detach(target_groups(self.given))

    def _attach(self, arns: list[str]) -> ActionResult:
        settings = self.group().settings
        settings["TargetGroupARNs"] = settings["TargetGroupARNs"] + [arn for arn in arns if arn not in settings["TargetGroupARNs"]]
        return self.nothing()

    def _detach(self, arns: list[str]) -> ActionResult:
        group = self.group()
        group.settings["TargetGroupARNs"] = [arn for arn in group.settings["TargetGroupARNs"] if arn not in arns]
        return self.nothing()

    def describe_load_balancer_target_groups(self) -> ActionResult:
        arns = self.group().settings["TargetGroupARNs"]
        return self.page("LoadBalancerTargetGroups", [{"LoadBalancerTargetGroupARN": arn, "State": "InService"} for arn in arns])

    def describe_traffic_sources(self) -> ActionResult:
        return self.page("TrafficSources", [{**source, "State": "InService"} for source in traffic_sources(self.group())])

    def describe_load_balancers(self) -> ActionResult:
        return self.page("LoadBalancers", [])

    # Processes, metrics, notifications

    def suspend_processes(self) -> ActionResult:
        for process in self.given.get("ScalingProcesses") or PROCESSES:
            self.group().suspended[process] = f"User suspended at {stamp(CLOCK.now())}"
        return self.nothing()

    def resume_processes(self) -> ActionResult:
        for process in self.given.get("ScalingProcesses") or PROCESSES:
            self.group().suspended.pop(process, None)
        return self.nothing()

    def enable_metrics_collection(self) -> ActionResult:
        self.group().metrics.update(self.given.get("Metrics") or METRICS)
        return self.nothing()

    def disable_metrics_collection(self) -> ActionResult:
        self.group().metrics.difference_update(self.given.get("Metrics") or METRICS)
        return self.nothing()

    def put_notification_configuration(self) -> ActionResult:
        self.group().notifications[self.given["TopicARN"]] = list(self.given["NotificationTypes"])
        return self.nothing()

    def delete_notification_configuration(self) -> ActionResult:
        self.group().notifications.pop(self.given["TopicARN"], None)
        return self.nothing()

    def describe_notification_configurations(self) -> ActionResult:
        names = self.given.get("AutoScalingGroupNames") or []
        rows = [
            {"AutoScalingGroupName": group.name, "TopicARN": topic, "NotificationType": kind}
            for group in STORE
            if not names or group.name in names
            for topic, kinds in group.notifications.items()
            for kind in kinds
        ]
        return self.page("NotificationConfigurations", rows)


def put_tag(group: Group, tag: Document) -> None:
    document = {
        "ResourceId": group.name,
        "ResourceType": "auto-scaling-group",
        "Key": tag["Key"],
        "Value": tag.get("Value", ""),
        "PropagateAtLaunch": bool(tag.get("PropagateAtLaunch")),
    }
    group.tags = sorted([*(known for known in group.tags if known["Key"] != tag["Key"]), document], key=lambda one: str(one["Key"]))


def traffic_sources(group: Group) -> list[Document]:
    return [{"Identifier": arn, "Type": "elbv2"} for arn in group.settings["TargetGroupARNs"]]


def target_groups(given: Document) -> list[str]:
    return [source["Identifier"] for source in given.get("TrafficSources") or []]
