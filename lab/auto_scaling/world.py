# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that Auto Scaling makes, by the clients that it is given: to EC2, Elastic Load Balancing, SNS and SQS, in their public APIs."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from lab.auto_scaling.model import Document, Group, Store, Template
from lab.auto_scaling.turn import Facts

log = logging.getLogger(__name__)
TAKEN_OVER = [
    *("ImageId", "InstanceType", "KeyName", "IamInstanceProfile", "MetadataOptions", "BlockDeviceMappings", "Monitoring"),
    *("EbsOptimized", "InstanceInitiatedShutdownBehavior", "HibernationOptions", "InstanceMarketOptions"),
]
MOST_LAUNCHES, LAUNCH_SECONDS = 12, 300.0  # of real time
GROUP_TAG = "aws:autoscaling:groupName"


class Clients:
    """A World of boto3 clients."""

    def __init__(self, client: Callable[[str], Any], most_launches: int = MOST_LAUNCHES) -> None:
        self.client = client
        self._launches: deque[float] = deque(maxlen=most_launches)

    def facts(self, store: Store) -> Facts:
        """What EC2, Elastic Load Balancing and CloudWatch say about everything that belongs to a group."""
        groups = list(store)
        ids = [member.id for group in groups for member in group.members]
        arns = {arn for group in groups for arn in group.settings["TargetGroupARNs"]}
        alarms = self._alarms() if any(group.policies or group.refresh for group in groups) else []
        return Facts(
            instances=self._instances(ids),
            impaired=self._impaired(ids),
            targets={arn: self._targets(arn) for arn in arns},
            alarms={alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms},
            values={alarm["AlarmName"]: value for alarm in alarms if (value := last_value(alarm)) is not None}
            | {f"{alarm['AlarmName']} threshold": alarm["Threshold"] for alarm in alarms if "Threshold" in alarm},
        )

    def _instances(self, ids: list[str]) -> dict[str, str]:
        if not ids:
            return {}
        filters = [{"Name": "instance-id", "Values": ids}]
        pages = self.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        return {i["InstanceId"]: i["State"]["Name"] for page in pages for r in page["Reservations"] for i in r["Instances"]}

    def _impaired(self, ids: list[str]) -> frozenset[str]:
        if not ids:
            return frozenset()
        filters = [{"Name": "instance-status.status", "Values": ["impaired"]}]
        found = self.client("ec2").describe_instance_status(Filters=filters)["InstanceStatuses"]
        return frozenset(status["InstanceId"] for status in found if status["InstanceStatus"]["Status"] == "impaired")

    def _targets(self, arn: str) -> dict[str, str]:
        elbv2 = self.client("elbv2")
        try:
            found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        except elbv2.exceptions.TargetGroupNotFoundException:
            return {}
        return {health["Target"]["Id"]: health["TargetHealth"]["State"] for health in found}

    def _alarms(self) -> list[Document]:
        pages = self.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def resolve(self, specification: Document) -> Template:
        version = self._version(specification)
        return {
            "LaunchTemplateId": version["LaunchTemplateId"],
            "LaunchTemplateName": version["LaunchTemplateName"],
            "Version": str(version["VersionNumber"]),
        }

    def _version(self, specification: Document) -> Document:
        found = self.client("ec2").describe_launch_template_versions(
            LaunchTemplateId=specification["LaunchTemplateId"], Versions=[specification.get("Version") or "$Default"]
        )
        version: Document = found["LaunchTemplateVersions"][0]
        return version

    def launch(self, group: Group, template: Template, subnet: str, instance_type: str | None) -> Document:
        self._mind_the_machine()
        data = self._version(dict(template))["LaunchTemplateData"]
        request = {key: data[key] for key in TAKEN_OVER if data.get(key)}
        if instance_type:
            request["InstanceType"] = instance_type
        security_groups = data.get("SecurityGroupIds") or [
            one for interface in data.get("NetworkInterfaces", []) for one in interface.get("Groups", [])
        ]
        if data.get("UserData"):
            request["UserData"] = base64.b64decode(data["UserData"])  # the client encodes it again
        made = self.client("ec2").run_instances(
            **request,
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=security_groups,
            TagSpecifications=tag_specifications(group, template, data.get("TagSpecifications", [])),
        )
        instance: Document = made["Instances"][0]
        return instance

    def _mind_the_machine(self) -> None:
        """A group whose instances never pass their checks in time is given new ones for ever; here they are all hosts of one machine."""
        if len(self._launches) == self._launches.maxlen and time.monotonic() - self._launches[0] < LAUNCH_SECONDS:
            raise RuntimeError(f"RequestLimitExceeded: the lab launches {self._launches.maxlen} instances in {LAUNCH_SECONDS:.0f} s")
        self._launches.append(time.monotonic())

    def start(self, instance: str) -> None:
        self.client("ec2").start_instances(InstanceIds=[instance])

    def stop(self, instance: str, hibernate: bool) -> None:
        self.client("ec2").stop_instances(InstanceIds=[instance], Hibernate=hibernate)

    def terminate(self, instance: str) -> None:
        with contextlib.suppress(self.client("ec2").exceptions.ClientError):  # somebody else did
            self.client("ec2").terminate_instances(InstanceIds=[instance])

    def detach(self, group: Group, instance: str) -> None:
        self.client("ec2").delete_tags(Resources=[instance], Tags=[{"Key": GROUP_TAG}])

    def register(self, groups: list[str], instance: str) -> None:
        for arn in groups:
            self.client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])

    def deregister(self, groups: list[str], instance: str) -> None:
        elbv2 = self.client("elbv2")
        for arn in groups:
            with contextlib.suppress(elbv2.exceptions.TargetGroupNotFoundException):
                elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])

    def zones(self, subnets: list[str]) -> dict[str, str]:
        found = self.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
        zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in found}
        return {subnet: zones[subnet] for subnet in subnets}

    def notify(self, target: str, message: Document) -> None:
        try:
            if ":sqs:" in target:
                queue = self.client("sqs").get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
                self.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))
            else:
                self.client("sns").publish(TopicArn=target, Message=json.dumps(message))
        except Exception:  # AWS, too, goes on when a notification cannot be delivered
            log.exception("no notification to %s", target)


class _Passive:
    """The world of the API's own transitions, which call nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the API itself does not call {name}: that is for the next tick")


passive: Any = _Passive()


def tag_specifications(group: Group, template: Template, given: Iterable[Document]) -> list[Document]:
    """Tags of the template and of the group (those that propagate win), and AWS' own."""
    kinds = {one["ResourceType"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in given}
    instance = kinds.setdefault("instance", {})
    instance.update({tag["Key"]: tag["Value"] for tag in group.tags if tag["PropagateAtLaunch"]})
    instance.update(
        {
            GROUP_TAG: group.name,
            "aws:ec2launchtemplate:id": template["LaunchTemplateId"],
            "aws:ec2launchtemplate:version": template["Version"],
        }
    )
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for kind, tags in kinds.items()
        if kind in ("instance", "volume", "network-interface")
    ]


def last_value(alarm: Document) -> float | None:
    """The newest datapoint that the alarm was evaluated with, from what CloudWatch says of its state."""
    try:
        points = json.loads(alarm.get("StateReasonData") or "{}").get("recentDatapoints") or []
    except ValueError:
        return None
    return float(points[-1]) if points else None
