# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of the autoscaled_service modules and of the lab's Auto Scaling, on real instances: a small HTTP service that scales, heals,
is refreshed, goes back, waits warm, shrinks by the clock and leaves nothing. Figures: build/autoscaled/report.json."""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from docker.models.containers import Container

from lab import clock, life, settings
from lab.clients.http_traffic import Traffic
from lab.containers import Containers
from lab.life import wait
from lab.scenario import ScenarioError, Step, expect, run
from lab.service.component import GRACE_SECONDS, MOST, NAME, PATIENCE, Component
from lab.service.serve import UNWELL
from lab.settings import Lab

PROPAGATION = 2.0  # seconds from what the API says of a target to what the balancer does
FIGURES = settings.ROOT / "build" / "autoscaled" / "report.json"
BUSY = "/work?seconds=0.5"
TARGET_CPU = 8.0  # per cent: the machine is shared
ENVIRONMENT = {"LAB_PORTAL": "none", clock.VARIABLE: "30"}


def component(lab: Lab, kind: str = "application") -> Component:
    return Component(lab, life.clock_speed(lab), kind)


def report() -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return known


def keep(name: str, figures: dict[str, Any]) -> None:
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps({**report(), name: figures}, indent=1) + "\n")


def note(name: str, **figures: Any) -> None:
    """Kept at once: what comes after it in the step may fail."""
    short = {key: round(value, 1) if isinstance(value, float) else value for key, value in figures.items()}
    keep(name, {"passed": False, **short})
    print(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in short.items()), flush=True)


def reported(name: str, step: Step) -> Step:
    """What an earlier run said of the step is gone before it begins, and it has passed only when it has come to its end."""

    def whole(lab: Lab) -> None:
        keep(name, {"passed": False})
        step(lab)
        keep(name, {**report()[name], "passed": True})

    return whole


def create(lab: Lab) -> None:
    web = component(lab)
    web.prepare()
    plan = web.module("autoscaled_service", {**web.options("1")})
    expect(bool(plan["changed"]), "nothing was changed by the first run")
    web.await_serving(2)
    again = web.manage(web.options("1"))
    expect(not again["changed"], f"the second run changed {again.get('steps')}")
    answer = Traffic(lab, web.balancer_name()).ask()
    expect((answer.status, answer.version) == (200, "1"), f"the balancer answers {answer}")
    zones = {one["AvailabilityZone"] for one in web.members().values()}
    note("create", instances=2, zones=len(zones), second_run_changed=again["changed"])
    expect(len(zones) == 2, f"the instances are all in {zones}")


def scale_out(lab: Lab) -> None:
    """Real load, measured from the instances' control groups, published, seen by the alarm of target tracking."""
    web, before = component(lab), set(component(lab).members())
    policy = {"name": "cpu", "predefined_metric": "ASGAverageCPUUtilization", "target_value": TARGET_CPU}
    web.manage({**web.options("1"), "scaling_policies": [policy]})
    traffic, began = Traffic(lab, web.balancer_name()), time.time()
    with traffic.steady(rate=4.0, workers=4, path=BUSY):
        web.await_serving(MOST)
    (new,) = set(web.members()) - before
    note(
        "scale_out",
        load_to_decision_s=web.launched_at(new) - began,
        cold_s=time.time() - web.launched_at(new),
        failed=len(traffic.failed()),
    )
    # From here on the size is held: the faults below are to be told from scale-in.
    web.manage({**web.options("1"), "scaling_policies": [], "desired_capacity": 2})
    web.await_serving(2)


def oldest(web: Component) -> tuple[str, Container]:
    """Once its grace period is over, within which nothing that it does is held against it."""
    victim = min(web.serving(), key=web.launched_at)
    over = web.in_service_at(victim) + GRACE_SECONDS + 5.0
    wait(f"the grace period of {victim} to end", lambda: time.time() >= over, GRACE_SECONDS + 60.0)
    container = Containers(web.lab).find(victim)
    if container is None:
        raise ScenarioError(f"{victim} has no container")
    return victim, container


def heals(name: str, fault: Callable[[Container], object]) -> Step:
    def step(lab: Lab) -> None:
        web, traffic = component(lab), Traffic(lab, component(lab).balancer_name())
        victim, container = oldest(web)
        with traffic.steady():
            time.sleep(2)
            at = time.time()
            fault(container)
            wait(f"{victim} to be seen as unhealthy", lambda: web.targets().get(victim) != "healthy", 60, pause=0.2)
            detected = time.time()
            found = web.module("autoscaled_service_info", {"name": NAME})["autoscaled_services"][0]["findings"]
            wait(f"{victim} to be replaced", lambda: victim not in web.members(), PATIENCE, pause=0.5)
            web.await_serving(2)
            healed = time.time()
        late = traffic.failed(since=detected + PROPAGATION)
        note(
            name,
            detected_s=detected - at,
            replaced_s=healed - at,
            requests=len(traffic.requests),
            failed=len(traffic.failed()),
            failed_after_detection=len(late),
            info_says=found,
        )
        expect(any(victim in each or "in service" in each for each in found), f"autoscaled_service_info saw nothing wrong: {found}")
        expect(not late, f"{len(late)} requests failed after the fault was detected: {late[:3]}")

    return step


def refresh(lab: Lab) -> None:
    web, traffic = component(lab), Traffic(lab, component(lab).balancer_name())
    options = web.options("2")
    options["launch_template"]["adopt"] = "by_refresh"
    version = web.manage(options)["autoscaled_service"]["wanted_launch_template_version"]
    with traffic.steady():
        began = time.time()
        done = web.module("autoscaled_service_refresh", {"name": NAME, "launch_template_version": version, "auto_rollback": True})
        seconds = time.time() - began
    versions, failed = {request.version for request in traffic.requests if request.status == 200}, traffic.failed()
    status = done["instance_refresh"]["status"]
    note("refresh", status=status, seconds=seconds, requests=len(traffic.requests), failed=len(failed))
    expect(not failed, f"{len(failed)} requests failed during the refresh: {failed[:3]}")
    expect(versions == {"1", "2"}, f"versions {versions} answered")
    expect(traffic.ask().version == "2", "the old version still answers")


def rollback(lab: Lab) -> None:
    """A version that never gets healthy: given up after an hour of AWS' without progress, undone by itself, nobody noticed."""
    web, traffic = component(lab), Traffic(lab, component(lab).balancer_name())
    before = traffic.ask().version
    options = web.options("broken", broken=True)
    options["launch_template"]["adopt"] = "by_refresh"
    version = web.manage(options)["autoscaled_service"]["wanted_launch_template_version"]
    with traffic.steady():
        began = time.time()
        task = {"name": NAME, "launch_template_version": version, "auto_rollback": True}
        said = web.module("autoscaled_service_refresh", task, fails=True)
        seconds = time.time() - began
    status = web.asg.describe_instance_refreshes(AutoScalingGroupName=NAME)["InstanceRefreshes"][0]["Status"]
    note("rollback", status=status, seconds=seconds, requests=len(traffic.requests), failed=len(traffic.failed()), said=said["msg"][:160])
    expect(status == "RollbackSuccessful", f"the refresh ended as {status}")
    expect(not traffic.failed(), f"{len(traffic.failed())} requests failed: {traffic.failed()[:3]}")
    expect({request.version for request in traffic.requests} == {before}, f"another version than {before} answered")


def grow(web: Component, options: dict[str, Any]) -> tuple[str, float]:
    """The instance that one more is, and its seconds from the decision until it serves."""
    before = set(web.members())
    web.manage({**options, "desired_capacity": MOST})
    web.await_serving(MOST)
    served = time.time()
    (new,) = set(web.members()) - before
    return new, served - web.launched_at(new)


def warm_pool(lab: Lab) -> None:
    """One more instance without a warm pool and from it, one after the other, with nothing else to do."""
    web = component(lab)
    _, cold = grow(web, web.options("2"))
    pool = {"state": "Stopped", "min_size": 1, "max_group_prepared_capacity": MOST}
    web.manage({**web.options("2"), "warm_pool": pool, "desired_capacity": MOST - 1})
    web.await_serving(MOST - 1)
    wait("an instance in the warm pool", lambda: list(web.warm().values()) == ["Warmed:Stopped"], PATIENCE, pause=0.5)
    (waiting,) = web.warm()
    new, warm = grow(web, {**web.options("2"), "warm_pool": {**pool, "min_size": 0}})
    expect(new == waiting, f"{waiting} was warm, but {new} serves")
    note("warm_pool", cold_s=cold, warm_s=warm, ratio=cold / warm)
    expect(cold > warm, f"from the warm pool it took {warm:.1f} s, without {cold:.1f} s")


def scheduled(lab: Lab) -> None:
    # Late enough for the module to have put it on a busy machine: AWS refuses a time that is past.
    web, at = component(lab), datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=45)
    action = {"name": "night", "start_time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "min_size": 1, "desired_capacity": 1}
    options = {**web.options("2"), "warm_pool": {"enabled": False}, "scheduled_actions": [action]}
    del options["min_size"]
    web.manage(options)
    expect(len(web.serving()) > 1, "it shrank before its time")
    wait("the scheduled action", lambda: web.group()["DesiredCapacity"] == 1, 60)
    delay = time.time() - at.timestamp()
    web.await_serving(1)
    note("scheduled", late_s=delay, shrunk_s=time.time() - at.timestamp())


def absent(lab: Lab) -> None:
    steps = gone(lab)
    note("absent", steps=steps, left=[])


def gone(lab: Lab) -> int:
    """Removes the component; how many calls that took."""
    web = component(lab)
    removed = web.module("autoscaled_service", {"name": NAME, "state": "absent", "load_balancer": {"name": NAME, "create": True}})
    left = leftovers(lab)
    expect(not left, f"left over: {left}")
    again = web.module("autoscaled_service", {"name": NAME, "state": "absent", "load_balancer": {"name": NAME, "create": True}})
    expect(not again["changed"], "a second absent changed something")
    return len(removed["steps"])


def leftovers(lab: Lab) -> list[str]:
    web = component(lab)
    states = [one for page in web.ec2.get_paginator("describe_instances").paginate() for one in page["Reservations"]]
    left = [i["InstanceId"] for r in states for i in r["Instances"] if i["State"]["Name"] not in ("terminated", "shutting-down")]
    left += [one["LaunchTemplateName"] for one in web.ec2.describe_launch_templates()["LaunchTemplates"]]
    left += [one["TargetGroupName"] for one in web.elbv2.describe_target_groups()["TargetGroups"]]
    left += [one["LoadBalancerName"] for one in web.elbv2.describe_load_balancers()["LoadBalancers"]]
    left += [one["AlarmName"] for one in lab.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    left += [NAME] if web.group() else []
    wait("the hosts to go", lambda: bool(left) or not Containers(lab).all(), 60)
    return left


def network(lab: Lab) -> None:
    """The same behind a network load balancer: targets see the client's address, a lost instance is replaced, nothing is left."""
    web = component(lab, "network")
    web.prepare()
    web.manage(web.options("1"))
    web.await_serving(2)
    traffic = Traffic(lab, web.balancer_name())
    clients = {(answer.host, answer.client) for answer in (traffic.ask() for _ in range(20)) if answer.status == 200}
    expect({client for _, client in clients} == {lab.gateway}, f"the targets were asked by {clients}, not by {lab.gateway}")
    expect(len(clients) == 2, f"of two targets behind both nodes {len(clients)} answered")
    heals("network", lambda container: container.kill())(lab)
    gone(lab)


STEPS: dict[str, Step] = {
    "create": create,
    "scale_out": scale_out,
    # Here, because meanwhile the grace period of the first instances ends, which the faults have to wait for.
    "rollback": rollback,
    "kill": heals("kill", lambda container: container.kill()),
    "freeze": heals("freeze", lambda container: container.pause()),
    "unwell": heals("unwell", lambda container: Containers.exec(container, ["touch", UNWELL])),
    "refresh": refresh,
    "warm_pool": warm_pool,
    "scheduled": scheduled,
    "absent": absent,
    "network": network,
}


def main() -> int:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    life.up()
    return run("autoscaled", {name: reported(name, step) for name, step in STEPS.items()}, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
