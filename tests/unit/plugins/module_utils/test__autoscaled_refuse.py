# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: what is refused before AWS is asked anything, and what is refused before anything changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_referents as referents
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_refuse import refusals
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Service

TEMPLATE = {"image_id": "ami-1", "instance_type": "t3.large", "keep_versions": 10}
TCP = {"name": "tcp", "protocol": "TCP", "port": 80, "health_check_protocol": "HTTP"}
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}
POOL = {"enabled": True, "state": "Stopped"}
HOOK = {"name": "boot", "transition": "launching", "heartbeat_timeout": 60}
TRACK = {"name": "p", "policy_type": "TargetTrackingScaling", "target_value": 50.0}
PREDICT = {"name": "f", "policy_type": "PredictiveScaling", "predefined_metric": "ASGCPUUtilization", "target_value": 60.0}
STEPS = {"name": "s", "policy_type": "StepScaling", "adjustment_type": "ChangeInCapacity"}
SPOT = {"instance_types": ["t3.large"], "instances_distribution": {"on_demand_percentage_above_base_capacity": 50}}
SHARED = {"name": "portal", "create": False}


def step(lower: float | None, upper: float | None) -> dict[str, Any]:
    return {"lower_bound": lower, "upper_bound": upper, "scaling_adjustment": 1}


def query(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "return_data": True, **({} if fields else {"metric_name": "Queue", "namespace": "Portal"}), **fields}


def told(**options: Any) -> list[str]:
    return refusals(Service("web", options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_size": 3, "max_size": 2}, ["min_size: 3 is more than max_size 2"]),
        ({"min_size": 1, "max_size": 2, "desired_capacity": 3}, ["desired_capacity: 3 is not between"]),
        ({"start_time": 120, "health_check_period": 60}, ["health_check_period: 60 s is shorter than start_time 120 s"]),
        ({"start_time": 120, "lifecycle_hooks": [HOOK]}, ["heartbeat_timeout of boot is 60 s"]),
        ({"launch_template": {"version": "$Latest"}}, ["$Latest may mean another version tomorrow"]),
        ({"launch_template": {"version": "$Default"}}, ["$Default may mean another version tomorrow"]),
        ({"launch_template": {"image_id": "ami-1"}}, ["give image_id and instance_type"]),
        ({"warm_pool": POOL, "mixed_instances_policy": SPOT}, ["Spot instances cannot wait in a warm pool"]),
        ({"warm_pool": {**POOL, "state": "Hibernated"}, "launch_template": TEMPLATE}, ["Hibernated needs launch_template.hibernation"]),
        (
            {"warm_pool": {**POOL, "state": "Hibernated"}, "launch_template": {**TEMPLATE, "hibernation": True}},
            ["must be encrypted and large enough"],
        ),
        ({"target_groups": [TCP], "scaling_policies": [{**TRACK, "predefined_metric": "ALBRequestCountPerTarget"}]}, ["counts requests"]),
        ({"scaling_policies": [TRACK]}, ["p tracks one metric"]),
        ({"scaling_policies": [{"name": "s", "policy_type": "StepScaling"}]}, ["s scales by steps"]),
        ({"scaling_policies": [{**STEPS, "step_adjustments": [step(0, 10), step(20, None)]}]}, ["overlap or leave a gap"]),
        ({"scaling_policies": [{**STEPS, "step_adjustments": [step(0, 10), step(5, None)]}]}, ["overlap or leave a gap"]),
        ({"scaling_policies": [{**STEPS, "step_adjustments": [step(0, 10)]}]}, ["go from 0 to 10"]),
        ({"scaling_policies": [{**STEPS, "step_adjustments": [step(-10, 0)]}]}, ["go from -10 to 0"]),
        ({"scaling_policies": [{**STEPS, "step_adjustments": [step(None, None)]}]}, ["go from -inf to inf"]),
        ({"scaling_policies": [{**TRACK, "metrics": [query("m1"), query("e1", expression="m1 * 2")]}]}, ["one result of its metrics"]),
        ({"scaling_policies": [{**TRACK, "metrics": [{"id": "m1", "return_data": True}]}]}, ["m1 of p is an expression or a metric"]),
        ({"scaling_policies": [{"name": "f", "policy_type": "PredictiveScaling"}]}, ["f predicts"]),
        ({"scaling_policies": [{**PREDICT, "max_capacity_buffer": 10}]}, ["f needs max_capacity_buffer with IncreaseMaxCapacity"]),
        ({"scaling_policies": [{**PREDICT, "max_capacity_breach_behavior": "IncreaseMaxCapacity"}]}, ["f needs max_capacity_buffer"]),
        ({"scaling_policies": [{**PREDICT, "scheduling_buffer_time": 3600}]}, ["scheduling_buffer_time of f must be less"]),
        ({"target_groups": [TCP], "scaling_policies": [{**PREDICT, "predefined_metric": "ALBRequestCount"}]}, ["f counts requests"]),
        ({"lifecycle_hooks": [{**HOOK, "heartbeat_timeout": 10}]}, ["heartbeat_timeout of boot is 10 s; AWS takes 30 to 7200 s"]),
        ({"detection_time": 10, "target_groups": [HTTP]}, ["detects after 60 s, later than detection_time 10 s"]),
        ({"target_groups": [{**TCP, "health_check_interval": 5}]}, ["health_check_timeout of tcp is 6 s, longer than"]),
        ({"instance_maintenance_policy": {"min_healthy_percentage": 50, "max_healthy_percentage": 200}}, ["at most 100 apart"]),
        (
            {"instance_maintenance_policy": {"min_healthy_percentage": 50, "max_healthy_percentage": 90}},
            ["max_healthy_percentage 100 to 200"],
        ),
        ({"target_groups": [{**HTTP, "rule": {"listener_port": 80, "priority": 1, "hosts": ["a"]}}]}, ["there is no load_balancer"]),
        ({"load_balancer": SHARED, "target_groups": [{**HTTP, "rule": {"listener_port": 80, "priority": 1}}]}, ["has no condition"]),
        (
            {"load_balancer": SHARED, "target_groups": [{**HTTP, "listener": {"port": 443, "protocol": "HTTPS"}}]},
            ["HTTPS listener of http needs certificate_arn"],
        ),
        ({"target_groups": [{**HTTP, "name": "x" * 33}]}, ["longer than 32 characters"]),
        ({"target_groups": [HTTP, HTTP]}, ["two are named http"]),
        (
            {"load_balancer": SHARED, "target_groups": [{**TCP, "name": n, "listener": {"port": 80, "protocol": "TCP"}} for n in "ab"]},
            ["two listeners claim port 80"],
        ),
        (
            {
                "load_balancer": SHARED,
                "target_groups": [{**HTTP, "name": n, "rule": {"listener_port": 80, "priority": 1, "hosts": [n]}} for n in "ab"],
            },
            ["two rules claim priority 1 on port 80"],
        ),
        ({"scaling_policies": [{**TRACK, "predefined_metric": "X"}] * 2}, ["scaling_policies: two are named p"]),
    ],
)
def test_bad_input_is_told_in_one_sentence_with_the_option(options: dict[str, Any], words: list[str]) -> None:
    said = told(**options)
    assert len(said) == len(words), said
    assert all(word in sentence for word, sentence in zip(words, said))  # noqa: B905


def test_good_input_is_not_refused() -> None:
    mixed = {**SPOT, "instances_distribution": {"on_demand_percentage_above_base_capacity": 100}}
    group = {**TCP, "health_check_interval": 5, "health_check_timeout": 2, "unhealthy_threshold_count": 2}
    assert told(min_size=1, max_size=2, desired_capacity=2, warm_pool=POOL, mixed_instances_policy=mixed, launch_template=TEMPLATE) == []
    assert told(scaling_policies=[{**PREDICT, "max_capacity_breach_behavior": "IncreaseMaxCapacity", "max_capacity_buffer": 0}]) == []
    assert told(scaling_policies=[{**STEPS, "step_adjustments": [step(None, -10), step(-10, 0)]}]) == []
    metrics = [query("m1", metric_name="Queue", namespace="Portal", return_data=False), query("e1", expression="m1 / 2")]
    assert told(scaling_policies=[{**TRACK, "metrics": metrics}]) == []
    assert told(start_time=60, health_check_period=60, detection_time=10, lifecycle_hooks=[HOOK], target_groups=[group]) == []
    assert told(scaling_policies=[{**TRACK, "predefined_metric": "ALBRequestCountPerTarget"}], target_groups=[HTTP]) == []


ASKED: dict[str, Any] = {"images": ["ami-1"], "instance_types": ["t3.large"]}
IMAGE = {"ImageId": "ami-1", "State": "available", "Architecture": "x86_64", "RootDeviceName": "/dev/xvda"}
TYPE = {"InstanceType": "t3.large", "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]}, "MemoryInfo": {"SizeInMiB": 8192}}
ARM = {**TYPE, "ProcessorInfo": {"SupportedArchitectures": ["arm64"]}}
FOUND: dict[str, Any] = {"images": [IMAGE], "instance_types": [TYPE]}
SUBNETS = [{"SubnetId": f"subnet-{zone}", "AvailabilityZone": zone, "VpcId": "vpc-1"} for zone in "ab"]
CERTIFICATE = {"DomainName": "other.example", "SubjectAlternativeNames": ["*.portal.example"]}
HIBERNATES = {**TEMPLATE, "hibernation": True, "volumes": [{"device_name": "/dev/xvda", "volume_size": 4}]}


def listener(hostname: str) -> dict[str, Any]:
    made = {"port": 443, "protocol": "TLS", "certificate_arn": "arn:c", "hostname": hostname}
    return {"target_groups": [{**TCP, "listener": made}]}


@pytest.mark.parametrize(
    ("options", "asked", "found", "words"),
    [
        ({}, ASKED, {**FOUND, "images": []}, ["this region has no image ami-1"]),
        ({}, {"key_pairs": ["k"]}, {"key_pairs": []}, ["this region has no key pair k"]),
        ({}, {"security_groups": ["sg-1"]}, {"security_groups": []}, ["no security group sg-1"]),
        ({}, {"instance_profile": "p"}, {"instance_profile": None}, ["no instance profile p"]),
        ({}, {"subnets": ["subnet-a", "subnet-b"]}, {"subnets": SUBNETS[:1]}, ["no subnet subnet-b", "all of them are in zone a"]),
        ({"single_az": True}, {"subnets": ["subnet-a"]}, {"subnets": SUBNETS[:1]}, []),
        ({}, {"subnets": ["subnet-a", "subnet-b"]}, {"subnets": [SUBNETS[0], {**SUBNETS[1], "VpcId": "vpc-2"}]}, ["in several VPCs"]),
        ({}, ASKED, {**FOUND, "images": [{**IMAGE, "State": "pending"}]}, ["image ami-1 is pending"]),
        ({}, ASKED, {**FOUND, "instance_types": [ARM]}, ["image ami-1 is for x86_64, t3.large runs arm64"]),
        ({"launch_template": {**HIBERNATES, "volumes": []}}, ASKED, FOUND, ["needs an encrypted root volume; list /dev/xvda"]),
        ({"launch_template": HIBERNATES}, ASKED, FOUND, ["/dev/xvda has 4 GiB, hibernation writes 8 GiB"]),
        ({}, {"certificates": ["arn:c"]}, {"certificates": {"arn:c": None}}, ["there is no certificate arn:c"]),
        (
            listener("api.elsewhere.example"),
            {"certificates": ["arn:c"]},
            {"certificates": {"arn:c": CERTIFICATE}},
            ["not for api.elsewhere.example"],
        ),
        (listener("API.portal.example"), {"certificates": ["arn:c"]}, {"certificates": {"arn:c": CERTIFICATE}}, []),
        (listener("a.b.portal.example"), {"certificates": ["arn:c"]}, {"certificates": {"arn:c": CERTIFICATE}}, ["not for a.b."]),
        (listener(""), {"certificates": ["arn:c"]}, {"certificates": {"arn:c": CERTIFICATE}}, []),
        ({}, ASKED, FOUND, []),
    ],
)
def test_what_aws_does_not_have_is_told(options: dict[str, Any], asked: dict[str, Any], found: dict[str, Any], words: list[str]) -> None:
    said = referents.problems(Service("web", {"launch_template": TEMPLATE, **options}), asked, found)
    assert len(said) == len(words), said
    assert all(word in sentence for word, sentence in zip(words, said))  # noqa: B905
