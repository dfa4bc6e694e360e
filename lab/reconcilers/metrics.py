# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that AWS' services publish, into the control plane's CloudWatch: the processor time of instances and the bytes that they
send and receive, as EC2 publishes them with detailed monitoring (once a minute, per instance and per Auto Scaling group), and requests
per target, as an ALB does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.models.containers import Container
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from lab.auto_scaling import scaling
from lab.auto_scaling.model import IN_SERVICE, STORE
from lab.clock import CLOCK
from lab.containers import Containers
from lab.control_plane.reports import REQUESTS, report, reported
from lab.reconcilers.instances import instances
from lab.settings import REGION, Lab

PERIOD = 60.0  # seconds on the lab's clock
KEPT = 20_000
USED, PUBLISHED, COUNTED = "used", "metrics-published", "requests-counted"
Datum = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Since the host was started."""

    processor: float  # seconds
    received: int  # bytes
    sent: int


class Metrics:
    kind = "metrics"
    watches = True

    def __init__(self, lab: Lab, containers: Containers) -> None:
        self.lab, self.containers = lab, containers

    def reconcile(self) -> None:
        if not STORE.groups or CLOCK.elapsed(reported(PUBLISHED, "", 0.0)) < PERIOD:
            return
        report(PUBLISHED, "", CLOCK.now())
        hosts, backend = self.containers.by_kind("instance"), cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
        data = [one for key, instance in instances(self.lab).items() if key in hosts for one in self._instance(instance, hosts[key])]
        if data:
            backend.put_metric_data("AWS/EC2", data)
        if requests := self._requests():
            backend.put_metric_data("AWS/ApplicationELB", requests)
        del backend.metric_data[:-KEPT]

    def _instance(self, instance: Mapping[str, Any], container: Container) -> list[Datum]:
        key, now = instance["InstanceId"], CLOCK.now()
        used = usage(Containers.pid(container)) if container.status == "running" else None
        before = reported(USED, key)
        report(USED, key, (now, used) if used is not None else None)
        if used is None or before is None or used.processor < before[1].processor:  # one that was started anew counts from zero
            return []
        values = measured(before[1], used, now - before[0], processors(instance))
        dimensions = [("InstanceId", key)] + ([("AutoScalingGroupName", name)] if (name := counts_for(key)) else [])
        return [datum(metric, value, unit, *dimension) for metric, (value, unit) in values.items() for dimension in dimensions]

    def _requests(self) -> list[Datum]:
        elbv2, data = self.lab.client("elbv2"), []
        for group in elbv2.describe_target_groups()["TargetGroups"]:
            arn = group["TargetGroupArn"]
            total, before = reported(REQUESTS, arn), reported(COUNTED, arn)
            report(COUNTED, arn, total)
            if total is None or before is None:
                continue
            states = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            healthy = sum(one["TargetHealth"]["State"] == "healthy" for one in states)
            new = total - before if total >= before else total  # a balancer that began anew counts from zero
            if healthy:
                data.append(datum("RequestCountPerTarget", new / healthy, "Count", "TargetGroup", arn.rpartition(":")[2]))
        return data


def counts_for(instance: str) -> str:
    """Name of the group whose metrics it is part of: only when it has warmed up, or its boot would look like load.
    AWS: autoscaling/ec2/userguide/ec2-auto-scaling-default-instance-warmup.html"""
    found = STORE.find(instance)
    if found is None or found[1].state != IN_SERVICE:
        return ""
    return found[0].name if CLOCK.elapsed(found[1].in_service_since) >= scaling.warmup(found[0]) else ""


def datum(name: str, value: float, unit: str, dimension: str, of: str) -> Datum:
    return {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": [{"Name": dimension, "Value": of}]}


def measured(before: Usage, now: Usage, passed: float, count: int) -> dict[str, tuple[float, str]]:
    """Value and unit by metric."""
    minutes = max(passed, 0.001) / PERIOD
    return {
        "CPUUtilization": (utilization(now.processor - before.processor, passed, count), "Percent"),
        # Bytes in a minute, at the rate of the real time that has passed: traffic is not sped up either.
        "NetworkIn": ((now.received - before.received) / minutes, "Bytes"),
        "NetworkOut": ((now.sent - before.sent) / minutes, "Bytes"),
    }


def utilization(used: float, passed: float, count: int) -> float:
    """Per cent of the instance type's processors, over real time: work is never sped up."""
    return min(100.0, 100.0 * used / max(passed, 0.001) / count)


def processors(instance: Mapping[str, Any]) -> int:
    """vCPUs of the type."""
    options = instance.get("CpuOptions") or {}
    return max(1, int(options.get("CoreCount") or 1) * int(options.get("ThreadsPerCore") or 1))


def usage(pid: int) -> Usage | None:
    processor, moved = processor_seconds(pid), traffic(pid)
    return Usage(processor, *moved) if processor is not None and moved is not None else None


def traffic(pid: int) -> tuple[int, int] | None:
    """Bytes received and sent by the interfaces of the process' network namespace, but for loopback."""
    try:
        lines = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    except OSError:
        return None
    counters = {name.strip(): fields.split() for name, _, fields in (line.partition(":") for line in lines)}
    outside = [fields for name, fields in counters.items() if name.startswith("eth")]
    return sum(int(fields[0]) for fields in outside), sum(int(fields[8]) for fields in outside)


def processor_seconds(pid: int) -> float | None:
    """What the container has used since it was started, by its control group."""
    try:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            folder = path.removesuffix("/init.scope").lstrip("/")
            if "cpuacct" in controllers.split(","):
                return int((Path("/sys/fs/cgroup") / controllers / folder / "cpuacct.usage").read_text()) / 1e9
            if not controllers and (Path("/sys/fs/cgroup") / folder / "cpu.stat").exists():
                stat = dict(row.split() for row in (Path("/sys/fs/cgroup") / folder / "cpu.stat").read_text().splitlines())
                return int(stat["usage_usec"]) / 1e6
    except (OSError, KeyError):
        pass
    return None


def create(lab: Lab, containers: Containers) -> Metrics:
    return Metrics(lab, containers)
