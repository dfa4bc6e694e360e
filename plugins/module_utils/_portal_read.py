# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the API calls of portal_info, all of them reads. What is not there is an empty answer, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._portal_facts import secret_names
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler

SERVICES = ("sts", "ec2", "elbv2", "rds", "secretsmanager")
STATES = ("pending", "running", "stopping", "stopped")


@AWSErrorHandler.common_error_handler("read the portal's state from AWS")
def read_portal(clients: Mapping[str, Any], portal: Mapping[str, Any]) -> dict[str, Any]:
    """Everything portal_info reports, as the API says it; independent questions are asked side by side."""
    ec2, keycloak = clients["ec2"], portal["keycloak"]
    secrets = secret_names(portal).values()
    questions: dict[str, Callable[[], Any]] = {
        "account": lambda: clients["sts"].get_caller_identity(aws_retry=True)["Account"],
        "vpcs": lambda: _by_filter(ec2, "describe_vpcs", "Vpcs", {"tag:Name": [portal["vpc"]]}),
        "subnets": lambda: _by_filter(ec2, "describe_subnets", "Subnets", {"tag:Name": portal["subnets"]}),
        "security_groups": lambda: _security_groups(ec2, portal),
        "images": lambda: ec2.describe_images(Owners=["self"], Filters=_filters({"name": [keycloak["image"]]}), aws_retry=True)["Images"],
        "key_pairs": lambda: ec2.describe_key_pairs(Filters=_filters({"key-name": [portal["ssh"]["key_pair"]]}), aws_retry=True)[
            "KeyPairs"
        ],
        "instance_types": lambda: _instance_type(ec2, keycloak.get("instance_type")),
        "instances": lambda: _instances(ec2),
        "balancing": lambda: _balancing(clients["elbv2"], portal),
        "databases": lambda: _databases(clients["rds"], portal["database"]["instance"]),
        "secrets": lambda: _secrets(clients["secretsmanager"], secrets),
    }
    with ThreadPoolExecutor(max_workers=len(questions)) as pool:
        answers = {name: pool.submit(ask) for name, ask in questions.items()}
        return {name: answer.result() for name, answer in answers.items()}


def _by_filter(ec2: Any, operation: str, key: str, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return getattr(ec2, operation)(Filters=_filters(filters), aws_retry=True)[key]


def _filters(filters: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)} for name, values in filters.items()]


def _security_groups(ec2: Any, portal: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [*portal["keycloak"]["security_groups"], portal["name"] + "-*"]
    return _all_pages(ec2, "describe_security_groups", "SecurityGroups", Filters=_filters({"group-name": names}))


def _instance_type(ec2: Any, name: str | None) -> list[dict[str, Any]]:
    """By filter: asked for by name, a type that the region lacks would be an error."""
    return ec2.describe_instance_types(Filters=_filters({"instance-type": [name]}), aws_retry=True)["InstanceTypes"] if name else []


def _instances(ec2: Any) -> list[dict[str, Any]]:
    wanted = _filters({"tag:Component": ["keycloak"], "instance-state-name": STATES})
    reservations = _all_pages(ec2, "describe_instances", "Reservations", Filters=wanted)
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def _balancing(elbv2: Any, portal: Mapping[str, Any]) -> dict[str, Any]:
    """The balancer with its listeners, the rules of the one in question, and the target groups that are the portal's or in its rules."""
    found = _unless_missing(elbv2, "LoadBalancerNotFoundException", "describe_load_balancers", Names=[portal["load_balancer"]["name"]])
    balancers = found["LoadBalancers"] if found else []
    listeners = _all_pages(elbv2, "describe_listeners", "Listeners", LoadBalancerArn=balancers[0]["LoadBalancerArn"]) if balancers else []
    listener = next((each for each in listeners if each.get("Port") == portal["load_balancer"]["port"]), None)
    rules = _all_pages(elbv2, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]) if listener else []
    used = {balancer["LoadBalancerArn"] for balancer in balancers}
    groups = [
        group
        for group in _all_pages(elbv2, "describe_target_groups", "TargetGroups")
        if group["TargetGroupName"].startswith(portal["name"] + "-") or used & set(group.get("LoadBalancerArns", []))
    ]
    for group in groups:
        health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"], aws_retry=True)
        group["Targets"] = health["TargetHealthDescriptions"]
    return {"balancers": balancers, "listeners": listeners, "listener": listener, "rules": rules, "target_groups": groups}


def _databases(rds: Any, identifier: str) -> list[dict[str, Any]]:
    found = _unless_missing(rds, "DBInstanceNotFoundFault", "describe_db_instances", DBInstanceIdentifier=identifier)
    return found["DBInstances"] if found else []


def _secrets(secretsmanager: Any, names: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """What is known about each secret, never its value; None where there is none of that name."""
    return {name: _unless_missing(secretsmanager, "ResourceNotFoundException", "describe_secret", SecretId=name) for name in names}


def _unless_missing(client: Any, missing: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
    try:
        return getattr(client, operation)(aws_retry=True, **parameters)
    except getattr(client.exceptions, missing):
        return None


def _all_pages(client: Any, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
    return client.get_paginator(operation).paginate(**parameters).build_full_result()[key]
