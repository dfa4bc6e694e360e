# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances are unhealthy, and why.
AWS: autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html, health-check-grace-period.html"""

from __future__ import annotations

from lab.auto_scaling.model import IN_SERVICE, WARMED_READY, Member
from lab.auto_scaling.turn import Turn

GONE = "an EC2 health check indicating it has been terminated or stopped."
IMPAIRED = "an EC2 instance status checks failure."
ELB = "an ELB system health check failure."
USER = "a user health-check."


def check(turn: Turn) -> None:
    if not turn.group.runs("HealthCheck"):
        return
    for member in turn.group.members:
        if member.healthy and (why := verdict(turn, member)):
            member.healthy, member.why_unhealthy = False, why


def verdict(turn: Turn, member: Member) -> str:
    """Why the instance is unhealthy; empty while it is not."""
    state = turn.facts.instances.get(member.id)
    if member.state in WARMED_READY:
        return GONE if state in (None, "terminated", "shutting-down") else ""
    if member.state != IN_SERVICE:
        return ""
    if state not in ("pending", "running"):
        return GONE  # the grace period does not cover it
    if in_grace(turn, member):
        return ""
    if member.id in turn.facts.impaired:
        return IMPAIRED
    return ELB if "ELB" in checks(turn) and "unhealthy" in turn.target_states(member) else ""


def checks(turn: Turn) -> list[str]:
    return str(turn.group.settings["HealthCheckType"]).split(",")


def in_grace(turn: Turn, member: Member) -> bool:
    return turn.elapsed(member.in_service_since) < float(turn.group.settings["HealthCheckGracePeriod"])


def ready(turn: Turn, member: Member, warmup: float) -> bool:
    """In service, healthy by every check that the group makes, and warmed up: what a replacement has to be."""
    if member.state != IN_SERVICE or not member.healthy or turn.elapsed(member.in_service_since) < warmup:
        return False
    if "ELB" not in checks(turn):
        return True
    # No listener uses the group: Elastic Load Balancing has nothing to say.
    return all(state in ("healthy", "unused") for state in turn.target_states(member))
