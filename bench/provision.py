# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One component by autoscaled_service, and the same resources by tasks of amazon.aws and community.aws, on the lab's control plane alone.

Both sides make what both can say: a launch template, a network load balancer with listener and target group, a group, a policy, a
scheduled action and a hook. Seconds are those of ansible-playbook, less those of a play without tasks in the same run.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bench import report
from lab import settings
from lab.control_plane.recorder import is_read

SIDES = ("ours", "peer")
FOLDER = settings.ROOT / "bench" / "provision"
ACCESS_KEY, SECRET_KEY = "AKIALABBENCH", "b" * 40
# Without these nobody knows whether something has to be changed: one question for each kind of resource and what belongs to it.
STATE_READS = (
    *("DescribeAutoScalingGroups", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribePolicies"),
    *("DescribeScheduledActions", "DescribeLifecycleHooks", "DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeListeners"),
    *("DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTags"),
)
# What a new account has to be asked, and told.
CREATE_CALLS = (
    *("DescribeAutoScalingGroups", "DescribeLaunchTemplates", "DescribeLoadBalancers", "DescribeTargetGroups"),
    *("CreateLaunchTemplate", "CreateLoadBalancer", "ModifyLoadBalancerAttributes", "CreateTargetGroup", "ModifyTargetGroupAttributes"),
    *("CreateListener", "CreateAutoScalingGroup", "PutScalingPolicy", "PutScheduledUpdateGroupAction"),
)


@dataclass(frozen=True)
class Played:
    seconds: float
    processor: float  # seconds of processor time, of all its processes: other work on the machine does not change it
    calls: list[str]  # actions that it asked for


def processor_seconds() -> float:
    """Of the processes that this one has waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Bed:
    """A control plane of its own, with a network and an image."""

    url: str
    calls: Path
    variables: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": settings.REGION,
            "AWS_DEFAULT_REGION": settings.REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def recorded(self) -> list[str]:
        """Actions that the play asked for."""
        called = [json.loads(line) for line in self.calls.read_text().splitlines()]
        return [str(call["action"]) for call in called if call["access_key"] == ACCESS_KEY]

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "AKIALABTESTER", "aws_secret_access_key": SECRET_KEY}
        return boto3.session.Session().client(service, region_name=settings.REGION, endpoint_url=self.url, **keys)

    def play(self, name: str) -> Played:
        before, used = len(self.recorded()), processor_seconds()
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "--inventory",
            "localhost,",
            str(FOLDER / f"{name}.yml"),
            "--extra-vars",
            json.dumps(self.variables),
        ]
        start = time.monotonic()
        done = subprocess.run(command, cwd=settings.ROOT, env=self.environment, capture_output=True, text=True)
        seconds = time.monotonic() - start
        if done.returncode != 0:
            raise SystemExit(f"{name} ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        return Played(seconds, processor_seconds() - used, self.recorded()[before:])

    def task(self, side: str) -> Played:
        """The playbook of a side, less what a play without tasks takes at the same time."""
        empty, whole = self.play("nothing"), self.play(side)
        return Played(whole.seconds - empty.seconds, whole.processor - empty.processor, whole.calls)


@contextmanager
def bed() -> Iterator[Bed]:
    served = subprocess.Popen(
        [sys.executable, "-m", "lab.control_plane.alone"], cwd=settings.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert served.stdin
    assert served.stdout
    try:
        url, calls = served.stdout.readline().split()
        made = Bed(url, Path(calls), {})
        made.variables = network(made)
        yield made
    finally:
        served.stdin.close()
        served.wait(timeout=30)


def network(made: Bed) -> dict[str, Any]:
    ec2 = made.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.99.{16 * index}.0/20", AvailabilityZone=settings.REGION + zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate("abc")
    ]
    group = ec2.create_security_group(GroupName="gateway", Description="gateway", VpcId=vpc)["GroupId"]
    image = ec2.register_image(Name="gateway", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
    return {"bench_vpc": vpc, "bench_subnets": subnets, "bench_security_group": group, "bench_image": image}


def entry(name: str, played: dict[str, list[Played]], needed: Sequence[str]) -> dict[str, Any]:
    made = report.entry(name, *([each.seconds for each in played[side]] for side in SIDES))
    ours, peer = (statistics.median(each.processor for each in played[side]) for side in SIDES)
    counts = {f"{side}_calls": len(played[side][-1].calls) for side in SIDES}
    return {
        **made,
        "processor": {"ours_s": round(ours, 1), "peer_s": round(peer, 1), "ratio": round(peer / ours, 2)},
        **counts,
        "needed_calls": len(needed),
    }


def tell(name: str, made: dict[str, Any], played: dict[str, list[Played]]) -> None:
    for side in SIDES:
        calls = played[side][-1].calls
        print(f"  {side}: {len(calls)} calls, {sum(not is_read(action) for action in calls)} of them change something", flush=True)
    used = made["processor"]
    print(f"  {name}: processor time ours {used['ours_s']} s, peer {used['peer_s']} s: {used['ratio']} times less", flush=True)
