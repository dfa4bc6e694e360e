# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one instance, state by state.
AWS: autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html, lifecycle-hooks-overview.html, warm-pool-instance-lifecycle.html"""

from __future__ import annotations

from collections.abc import Callable

from lab.auto_scaling.model import (
    DETACHING,
    ENTERING_STANDBY,
    IN_SERVICE,
    LAUNCHING_HOOK,
    PENDING,
    PENDING_PROCEED,
    PENDING_WAIT,
    STANDBY,
    TERMINATING,
    TERMINATING_HOOK,
    TERMINATING_PROCEED,
    TERMINATING_WAIT,
    WARMED,
    Document,
    Group,
    Member,
    Wait,
    identifier,
    stamp,
)
from lab.auto_scaling.turn import Turn

MOST_SECONDS = 172800.0  # 48 hours, or 100 times the heartbeat timeout, whichever is smaller
ENDINGS = {"Stopped": "Warmed:Stopped", "Running": "Warmed:Running", "Hibernated": "Warmed:Hibernated"}


def advance(turn: Turn, member: Member) -> None:
    """As many transitions as are due now."""
    step = STEPS.get(member.state)
    while step and step(turn, member):
        step = STEPS.get(member.state)


def leave(turn: Turn, member: Member, cause: str, kind: str = "Terminating EC2 instance") -> None:
    """The way out begins. AWS: a member that is being put in service when it must go ends that activity first."""
    turn.finish(member, "Cancelled" if member.state != IN_SERVICE else "Successful")
    turn.begin(member, kind, cause)
    member.waits.clear()
    member.enter((WARMED if member.warm else "") + TERMINATING, turn.now)


def return_to_pool(turn: Turn, member: Member, cause: str) -> None:
    """Instance reuse policy: on scale-in the instance goes to the warm pool."""
    turn.begin(member, "Terminating EC2 instance", f"{cause} It returns to the warm pool")
    member.returning = True
    member.enter(WARMED + PENDING, turn.now)


def serve_from_pool(turn: Turn, member: Member, cause: str) -> None:
    turn.begin(member, "Launching a new EC2 instance from warm pool", cause)
    if member.state != "Warmed:Running":
        turn.world.start(member.id)
    member.from_warm_pool = True
    member.enter(PENDING, turn.now)


def detach(turn: Turn, member: Member, cause: str) -> None:
    turn.begin(member, "Detaching EC2 instance", cause)
    member.enter(DETACHING, turn.now)


def stand_by(turn: Turn, member: Member, cause: str) -> None:
    turn.begin(member, "Moving EC2 instance to Standby", cause)
    member.enter(ENTERING_STANDBY, turn.now)


def leave_standby(turn: Turn, member: Member, cause: str) -> None:
    turn.begin(member, "Moving EC2 instance out of Standby", cause)
    member.enter(PENDING_PROCEED, turn.now)


def _pending(turn: Turn, member: Member) -> bool:
    if turn.facts.instances.get(member.id) != "running":
        return False
    member.enter(PENDING_WAIT if _hold(turn, member, LAUNCHING_HOOK) else PENDING_PROCEED, turn.now)
    return True


def _pending_wait(turn: Turn, member: Member) -> bool:
    return _waited(turn, member, PENDING_PROCEED, "out of service in response to a launch lifecycle action")


def _waited(turn: Turn, member: Member, onward: str, left: str) -> bool:
    """An entry that hooks held goes on, or ends where a hook's action was abandoned."""
    if not _released(turn, member):
        return False
    if member.abandoned:
        member.abandoned = False
        turn.finish(member, "Failed", "Lifecycle action was abandoned or timed out with the default result ABANDON")
        leave(turn, member, f"an instance was taken {left} that was abandoned.")
    else:
        member.enter(onward, turn.now)
    return True


def _pending_proceed(turn: Turn, member: Member) -> bool:
    """Registered before it is InService, at which point the grace period starts."""
    match_target_groups(turn, member)
    member.in_service_since, member.healthy, member.why_unhealthy = turn.now, True, ""
    member.enter(IN_SERVICE, turn.now)
    turn.finish(member)
    turn.tell("autoscaling:EC2_INSTANCE_LAUNCH", member, "")
    return True


def match_target_groups(turn: Turn, member: Member) -> None:
    """Members in service are targets of the group's target groups, also of those attached or detached later."""
    wanted = set(turn.group.settings["TargetGroupARNs"])
    if extra := member.registered - wanted:
        turn.world.deregister(sorted(extra), member.id)
    missing = wanted - member.registered if turn.group.runs("AddToLoadBalancer") else set[str]()
    if missing:
        turn.world.register(sorted(missing), member.id)
    member.registered = member.registered & wanted | missing


def _drained(turn: Turn, member: Member) -> bool:
    """Out of the target groups, its requests ended or the deregistration delay over."""
    if member.registered:
        turn.world.deregister(sorted(member.registered), member.id)
        member.registered = set()
        turn.says(member, "WaitingForELBConnectionDraining")
        turn.leaving.add(member.id)
    return member.id not in turn.leaving and "draining" not in turn.target_states(member)


def _terminating(turn: Turn, member: Member) -> bool:
    if not _drained(turn, member):
        return False
    held = _hold(turn, member, TERMINATING_HOOK)
    if held:
        turn.says(member, "MidTerminatingLifecycleAction")
    member.enter(_side(member) + (TERMINATING_WAIT if held else TERMINATING_PROCEED), turn.now)
    return True


def _terminating_wait(turn: Turn, member: Member) -> bool:
    """Whatever the result: an instance on its way out is terminated."""
    if not _released(turn, member):
        return False
    member.enter(_side(member) + TERMINATING_PROCEED, turn.now)
    return True


def _terminating_proceed(turn: Turn, member: Member) -> bool:
    turn.world.terminate(member.id)
    turn.finish(member)
    turn.tell("autoscaling:EC2_INSTANCE_TERMINATE", member, "")
    turn.group.members.remove(member)
    member.enter(_side(member) + "Terminated", turn.now)
    return False


def _warmed_pending(turn: Turn, member: Member) -> bool:
    """Launch hooks hold one that comes new, termination hooks one that returns from service."""
    if member.returning and not _drained(turn, member):
        return False
    if turn.facts.instances.get(member.id) != "running":
        return False
    held = _hold(turn, member, TERMINATING_HOOK if member.returning else LAUNCHING_HOOK)
    member.enter(WARMED + (PENDING_WAIT if held else PENDING_PROCEED), turn.now)
    return True


def _warmed_pending_wait(turn: Turn, member: Member) -> bool:
    return _waited(turn, member, WARMED + PENDING_PROCEED, "out of the warm pool in response to a lifecycle action")


def _warmed_pending_proceed(turn: Turn, member: Member) -> bool:
    """Stopped as soon as its hooks let it: user data that still runs is cut short."""
    kind = (turn.group.warm_pool or {}).get("PoolState") or "Stopped"
    if kind != "Running":
        turn.world.stop(member.id, kind == "Hibernated")
    member.returning = False
    member.enter(ENDINGS[kind], turn.now)
    turn.finish(member)
    return False


def _entering_standby(turn: Turn, member: Member) -> bool:
    if not _drained(turn, member):
        return False
    member.enter(STANDBY, turn.now)
    turn.finish(member)
    return False


def _detaching(turn: Turn, member: Member) -> bool:
    if not _drained(turn, member):
        return False
    turn.world.detach(turn.group, member.id)
    turn.finish(member)
    turn.group.members.remove(member)
    member.enter("Detached", turn.now)
    return False


def _side(member: Member) -> str:
    return WARMED if member.warm else ""


def _hold(turn: Turn, member: Member, transition: str) -> bool:
    """Begins an action for each hook of the transition, and tells whom the hook names."""
    for name, hook in turn.group.hooks.items():
        if hook["LifecycleTransition"] == transition:
            wait = Wait(identifier(), turn.now, turn.now)
            member.waits[name] = wait
            if target := hook.get("NotificationTargetARN"):
                turn.world.notify(target, hook_message(turn.group, member, hook, wait))
    if member.waits and transition == LAUNCHING_HOOK:
        turn.says(member, "MidLifecycleAction")
    return bool(member.waits)


def hook_message(group: Group, member: Member, hook: Document, wait: Wait) -> Document:
    origin, destination = _ends(member, hook["LifecycleTransition"])
    message = {
        "Service": "AWS Auto Scaling",
        "Time": stamp(wait.begun),
        "AutoScalingGroupName": group.name,
        "EC2InstanceId": member.id,
        "LifecycleHookName": hook["LifecycleHookName"],
        "LifecycleActionToken": wait.token,
        "LifecycleTransition": hook["LifecycleTransition"],
        "Origin": origin,
        "Destination": destination,
    }
    return message | ({"NotificationMetadata": hook["NotificationMetadata"]} if hook.get("NotificationMetadata") else {})


def _ends(member: Member, transition: str) -> tuple[str, str]:
    """AWS: autoscaling/ec2/userguide/warm-pools-eventbridge-events.html"""
    if transition == LAUNCHING_HOOK:
        return ("EC2", "WarmPool") if member.warm else ("WarmPool" if member.from_warm_pool else "EC2", "AutoScalingGroup")
    if member.returning:
        return "AutoScalingGroup", "WarmPool"
    return ("WarmPool" if member.warm else "AutoScalingGroup"), "EC2"


def complete(member: Member, hook: str, result: str) -> None:
    """CompleteLifecycleAction: ABANDON ends the other hooks' actions too."""
    member.waits.pop(hook, None)
    if result == "ABANDON":
        member.abandoned = True
        member.waits.clear()


def _released(turn: Turn, member: Member) -> bool:
    """Whether no hook holds the instance any more; one that is silent for too long gets its default result."""
    for name, wait in list(member.waits.items()):
        hook = turn.group.hooks.get(name)
        timeout = float(hook["HeartbeatTimeout"]) if hook else 0.0
        if turn.elapsed(wait.heartbeat) >= timeout or turn.elapsed(wait.begun) >= min(MOST_SECONDS, 100 * timeout):
            complete(member, name, hook["DefaultResult"] if hook else "CONTINUE")
    return not member.waits


STEPS: dict[str, Callable[[Turn, Member], bool]] = {
    PENDING: _pending,
    PENDING_WAIT: _pending_wait,
    PENDING_PROCEED: _pending_proceed,
    TERMINATING: _terminating,
    TERMINATING_WAIT: _terminating_wait,
    TERMINATING_PROCEED: _terminating_proceed,
    WARMED + PENDING: _warmed_pending,
    WARMED + PENDING_WAIT: _warmed_pending_wait,
    WARMED + PENDING_PROCEED: _warmed_pending_proceed,
    WARMED + TERMINATING: _terminating,
    WARMED + TERMINATING_WAIT: _terminating_wait,
    WARMED + TERMINATING_PROCEED: _terminating_proceed,
    ENTERING_STANDBY: _entering_standby,
    DETACHING: _detaching,
}
