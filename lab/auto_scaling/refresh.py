# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance refresh: rolling replacement with checkpoints, alarms, baking and rollback.
AWS: autoscaling/ec2/userguide/{instance-refresh-overview,asg-adding-checkpoints-instance-refresh,instance-refresh-rollback}.html"""

from __future__ import annotations

from collections.abc import Callable

from lab.auto_scaling import capacity, health
from lab.auto_scaling.lifecycle import leave
from lab.auto_scaling.model import IN_SERVICE, STANDBY, WARMED_READY, Document, Group, Member, Refresh, moment
from lab.auto_scaling.turn import Turn

GIVES_UP_SECONDS = 3600.0  # without progress
ROLLING_BACK = "RollbackInProgress"


def step(turn: Turn) -> None:
    refresh = turn.group.refresh
    if refresh is None or not turn.group.runs("InstanceRefresh"):
        return
    if refresh.status == "Pending":
        refresh.document["Status"] = "InProgress"
    if refresh.status == "Cancelling":
        if all(member.state in (IN_SERVICE, STANDBY, *WARMED_READY) for member in turn.group.members):
            end(turn, refresh, "Cancelled")
        return
    old = outdated(turn, refresh)
    _count(turn, refresh, old)
    if why := _failure(turn, refresh):
        fail(turn, refresh, why)
    elif not old and not _unready(turn, refresh):
        _complete(turn, refresh)
    elif not _at_checkpoint(turn, refresh, old):
        _replace(turn, refresh, old)


def outdated(turn: Turn, refresh: Refresh) -> list[Member]:
    """Members that have still to be replaced, warm ones too."""
    target = turn.world.resolve(refresh.template)
    kind = ((refresh.mixed or {}).get("LaunchTemplate", {}).get("Overrides") or [{}])[0].get("InstanceType")
    kept = refresh.preference("SkipMatching", False) or refresh.status == ROLLING_BACK

    def is_old(member: Member) -> bool:
        if member.terminating or member.state == "Detaching":
            return False
        matches = dict(member.template) == dict(target) and kind in (None, member.type)
        return not matches or (not kept and member.launched < refresh.began)

    spared = _spared(refresh)
    return [member for member in turn.group.members if is_old(member) and not spared(member)]


def _spared(refresh: Refresh) -> Callable[[Member], bool]:
    protected, standby = refresh.preference("ScaleInProtectedInstances", "Wait"), refresh.preference("StandbyInstances", "Wait")

    def spared(member: Member) -> bool:
        return (member.protected and protected == "Ignore") or (member.state == STANDBY and standby == "Ignore")

    return spared


def _replaceable(refresh: Refresh, member: Member) -> bool:
    """Protected and standby instances are waited for unless the preferences say to replace them."""
    if member.protected and refresh.preference("ScaleInProtectedInstances", "Wait") == "Wait":
        return False
    return member.state != STANDBY or refresh.preference("StandbyInstances", "Wait") == "Terminate"


def warmup(turn: Turn, refresh: Refresh) -> float:
    given = refresh.preference("InstanceWarmup")
    if given is not None:
        return float(given)
    default = turn.group.settings.get("DefaultInstanceWarmup")
    return float(turn.group.settings["HealthCheckGracePeriod"] if default in (None, -1) else default)


def _unready(turn: Turn, refresh: Refresh) -> bool:
    warm = warmup(turn, refresh)
    waiting = [member for member in turn.group.active if not health.ready(turn, member, warm)]
    return bool(waiting) or len(turn.group.active) != turn.group.desired


def _count(turn: Turn, refresh: Refresh, old: list[Member]) -> None:
    """Progress, as DescribeInstanceRefreshes shows it."""
    live = [member for member in old if not member.warm]
    warm = warmup(turn, refresh)
    total = max(1, turn.group.desired)
    new = [member for member in turn.group.active if member not in old]
    done = sum(health.ready(turn, member, warm) for member in new)
    if done > refresh.updated:
        refresh.progress_at = turn.now
    refresh.updated = done
    percent = min(100, done * 100 // total)
    document = refresh.document
    if document["Status"] == ROLLING_BACK:
        document["RollbackDetails"].update(PercentageCompleteOnRollback=percent, InstancesToUpdateOnRollback=len(live))
    document.update(PercentageComplete=percent, InstancesToUpdate=max(len(live), total - done))
    progress = {"LivePoolProgress": {"PercentageComplete": percent, "InstancesToUpdate": document["InstancesToUpdate"]}}
    if turn.group.warm_pool is not None:
        left = sum(member.warm for member in old)
        pooled = max(1, len(turn.group.warm))
        progress["WarmPoolProgress"] = {"PercentageComplete": 100 - min(100, left * 100 // pooled), "InstancesToUpdate": left}
    document["ProgressDetails"] = progress


def _failure(turn: Turn, refresh: Refresh) -> str:
    if refresh.status != ROLLING_BACK:
        names = (refresh.preference("AlarmSpecification") or {}).get("Alarms") or []
        if alarmed := [name for name in names if turn.facts.alarms.get(name) == "ALARM"]:
            return f"CloudWatch alarm {', '.join(alarmed)} went into ALARM state."
    if refresh.status != "Baking" and not refresh.checkpoint_at and turn.elapsed(refresh.progress_at) >= GIVES_UP_SECONDS:
        return "The instance refresh made no progress for one hour: instances did not become healthy, or could not be replaced."
    return ""


def fail(turn: Turn, refresh: Refresh, why: str) -> None:
    if refresh.status == ROLLING_BACK:
        end(turn, refresh, "RollbackFailed", why)
    elif refresh.preference("AutoRollback", False):
        roll_back(refresh, why, turn.now)
    else:
        end(turn, refresh, "Failed", why)


def roll_back(refresh: Refresh, why: str, now: float) -> None:
    """Back to what the group had before, by the same means."""
    document = refresh.document
    document["RollbackDetails"] = {
        "RollbackReason": why,
        "RollbackStartTime": moment(now),
        "PercentageCompleteOnRollback": 0,
        "InstancesToUpdateOnRollback": document.get("InstancesToUpdate", 0),
    }
    document.update(Status=ROLLING_BACK, StatusReason=why)
    refresh.mixed = refresh.before.get("MixedInstancesPolicy")
    refresh.template = refresh.mixed["LaunchTemplate"]["LaunchTemplateSpecification"] if refresh.mixed else refresh.before["LaunchTemplate"]
    refresh.progress_at, refresh.updated, refresh.checkpoint_at, refresh.baking_since = now, 0, 0.0, 0.0


def can_roll_back(group: Group, desired: Document | None) -> str:
    """Why this refresh could not be rolled back; empty when it could."""
    if not desired:
        return "no DesiredConfiguration was specified"
    mixed = group.settings.get("MixedInstancesPolicy")
    template = mixed["LaunchTemplate"]["LaunchTemplateSpecification"] if mixed else group.settings["LaunchTemplate"]
    version = template.get("Version") or "$Default"
    return f"the Auto Scaling group uses the launch template's {version} version" if version.startswith("$") else ""


def _at_checkpoint(turn: Turn, refresh: Refresh, old: list[Member]) -> bool:
    """Whether it waits: for the delay after a checkpoint, or at one for what has begun. Rolling back knows no checkpoints."""
    percentages = refresh.preference("CheckpointPercentages") or []
    if refresh.status == ROLLING_BACK or refresh.checkpoints_passed >= len(percentages):
        return False
    if refresh.document["PercentageComplete"] < percentages[refresh.checkpoints_passed]:
        return False
    if not old:  # the last one is the end
        return False
    if not refresh.checkpoint_at:
        refresh.checkpoint_at = turn.now
        refresh.document["StatusReason"] = f"Waiting at the checkpoint of {percentages[refresh.checkpoints_passed]} percent."
    if turn.elapsed(refresh.checkpoint_at) < float(refresh.preference("CheckpointDelay", 3600)):
        return True
    refresh.checkpoints_passed, refresh.checkpoint_at, refresh.progress_at = refresh.checkpoints_passed + 1, 0.0, turn.now
    refresh.document.pop("StatusReason", None)
    return False


def _replace(turn: Turn, refresh: Refresh, old: list[Member]) -> None:
    for member in old:
        if member.state in WARMED_READY:
            leave(turn, member, "an instance was taken out of the warm pool in response to an instance refresh.")
    live = [member for member in old if not member.warm and _replaceable(refresh, member)]
    standing = [member for member in live if member.state == STANDBY]
    for member in standing:
        leave(turn, member, "an instance was taken out of service in response to an instance refresh.")
    live = [member for member in live if member not in standing]
    due = _share(turn, refresh, live)
    low, high = _bounds(turn, refresh)
    if due:
        capacity.replace(turn, due, low, high, warmup(turn, refresh))


def _share(turn: Turn, refresh: Refresh, live: list[Member]) -> list[Member]:
    """As many as the next checkpoint still asks for, the oldest first; those on their way count."""
    percentages = refresh.preference("CheckpointPercentages") or []
    if refresh.status == ROLLING_BACK or refresh.checkpoints_passed >= len(percentages):
        return live
    wanted = -(-turn.group.desired * percentages[refresh.checkpoints_passed] // 100)
    replaced = turn.group.desired - len(live)
    return sorted(live, key=lambda member: member.launched)[: max(0, wanted - replaced)]


def _bounds(turn: Turn, refresh: Refresh) -> tuple[int, int]:
    policy = turn.group.settings.get("InstanceMaintenancePolicy") or {}
    default = (90, 100) if policy.get("MinHealthyPercentage", -1) == -1 else capacity.maintenance(turn)
    return (
        int(refresh.preference("MinHealthyPercentage", default[0])),
        int(refresh.preference("MaxHealthyPercentage", default[1])),
    )


def _complete(turn: Turn, refresh: Refresh) -> None:
    if refresh.status == ROLLING_BACK:
        end(turn, refresh, "RollbackSuccessful")
        return
    bake = float(refresh.preference("BakeTime", 0))
    if bake and not refresh.baking_since:
        refresh.baking_since = turn.now
        refresh.document["Status"] = "Baking"
    if not bake or turn.elapsed(refresh.baking_since) >= bake:
        adopt(turn.group, refresh)
        end(turn, refresh, "Successful")


def adopt(group: Group, refresh: Refresh) -> None:
    """The desired configuration becomes the group's."""
    for key in ("LaunchTemplate", "MixedInstancesPolicy"):
        if value := (refresh.document.get("DesiredConfiguration") or {}).get(key):
            group.settings.pop("MixedInstancesPolicy" if key == "LaunchTemplate" else "LaunchTemplate", None)
            group.settings[key] = value


def end(turn: Turn, refresh: Refresh, status: str, why: str = "") -> None:
    refresh.document.update(Status=status, EndTime=moment(turn.now))
    if why:
        refresh.document["StatusReason"] = why
