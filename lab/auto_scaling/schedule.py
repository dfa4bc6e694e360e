# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled actions: sizes at a time, or again and again by a cron expression; in real time, for users name real times.
AWS: autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lab.auto_scaling.model import Document, moment
from lab.auto_scaling.turn import Turn

MINUTE = timedelta(minutes=1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES = {
    **{name: index for index, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)},
    **{name: index for index, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))},
}
FARTHEST = timedelta(days=366 * 4)


def step(turn: Turn) -> None:
    """Carries out what has come due since the last look, in the order of time."""
    group = turn.group
    since, group.scheduled_at = group.scheduled_at, turn.now
    if not group.runs("ScheduledActions"):
        return
    due = [(at, name) for name, action in group.scheduled.items() if (at := next_time(action, moment(since))) and at <= moment(turn.now)]
    for _, name in sorted(due):
        action = group.scheduled[name]
        for key in ("MinSize", "MaxSize"):
            if action.get(key) is not None:
                group.settings[key] = int(action[key])
        wanted = action.get("DesiredCapacity")
        group.resize(group.desired if wanted is None else int(wanted), f"a scheduled action {name} was executed")
        if not action.get("Recurrence"):
            del group.scheduled[name]  # AWS deletes an action that has run its last time


def next_time(action: Document, after: datetime) -> datetime | None:
    """The first time after a moment at which the action runs."""
    start, end = action.get("StartTime"), action.get("EndTime")
    if not action.get("Recurrence"):
        return start if start and start > after else None
    at = next_match(str(action["Recurrence"]), max(after, start - MINUTE) if start else after, str(action.get("TimeZone") or "UTC"))
    return at if at and (not end or at <= end) else None


def next_match(expression: str, after: datetime, zone: str = "UTC") -> datetime | None:
    """The first minute after a moment that a cron expression (minute hour day month weekday) names."""
    minutes, hours, days, months, weekdays = parse(expression)
    restricted = [field != "*" for field in expression.split()]
    at = after.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0) + MINUTE
    last = at + FARTHEST
    while at < last:
        by_day, by_weekday = at.day in days, at.isoweekday() % 7 in weekdays
        # cron: with both fields restricted either of them is enough
        day = (by_day or by_weekday) if restricted[2] and restricted[4] else (by_day and by_weekday)
        if at.month not in months or not day:
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif at.hour not in hours:
            at = at.replace(minute=0) + timedelta(hours=1)
        elif at.minute not in minutes:
            at += MINUTE
        else:
            return at.astimezone(after.tzinfo)
    return None


def parse(expression: str) -> tuple[set[int], ...]:
    fields = expression.split()
    if len(fields) != len(BOUNDS):
        raise ValueError(f"{expression!r} has not five fields")
    parsed = tuple(_field(field.lower(), *bounds) for field, bounds in zip(fields, BOUNDS, strict=True))
    return (*parsed[:4], {day % 7 for day in parsed[4]})


def _field(text: str, low: int, high: int) -> set[int]:
    found = set[int]()
    for part in text.split(","):
        span, _, stride = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            begin, _, end = span.partition("-")
            first = _number(begin)
            last = _number(end) if end else high if stride else first
        if not low <= first <= last <= high:
            raise ValueError(f"{part!r} is not within {low} to {high}")
        found.update(range(first, last + 1, int(stride or 1)))
    return found


def _number(text: str) -> int:
    return NAMES[text] if text in NAMES else int(text)
