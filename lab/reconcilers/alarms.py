# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms: their state from the metrics that were published; actions of SNS topics. No anomaly detection."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from lab.auto_scaling import alarms, metric_math
from lab.clock import CLOCK
from lab.containers import Containers
from lab.settings import REGION, Lab

log = logging.getLogger(__name__)
ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


class Alarms:
    kind = "alarm"
    watches = True

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def reconcile(self) -> None:
        backend = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
        for alarm in list(backend.alarms.values()):
            if alarm.rule is None and not alarm.threshold_metric_id and self._evaluate(alarm, backend.metric_data):
                self._act(alarm)

    def _evaluate(self, alarm: Alarm, data: list[Any]) -> bool:
        """Whether its state changed. The data of the state are kept current: scaling policies go by the newest value."""
        try:
            points, trouble = points_of(alarm, data), ""
        except metric_math.MathError as error:  # AWS refuses such an alarm when it is put; here others are still to be looked at
            points, trouble = [], f" {error}"
        now = alarms.state(alarm, points, alarm.state_value)
        known = [point for point in points if point is not None]
        details = json.dumps({"recentDatapoints": known, "threshold": alarm.threshold, "period": alarm.period})
        if now == alarm.state_value:
            alarm.state_reason_data = details
            return False
        reason = f"{len(known)} datapoints {known} against the threshold ({alarm.threshold}).{trouble}"
        alarm.update_state(reason, details, now)
        return True

    def _act(self, alarm: Alarm) -> None:
        log.info("alarm %s is %s: %s", alarm.name, alarm.state_value, alarm.state_reason)
        for action in getattr(alarm, ACTIONS[alarm.state_value]) or []:
            if alarm.actions_enabled and ":sns:" in action:
                message = {"AlarmName": alarm.name, "NewStateValue": alarm.state_value, "NewStateReason": alarm.state_reason}
                self.lab.client("sns").publish(TopicArn=action, Message=json.dumps(message))


def points_of(alarm: Alarm, data: Sequence[Any]) -> list[float | None]:
    """The newest last, over the evaluation range: of one metric, or of what metric math makes of several."""
    periods = alarms.evaluation_range(alarm)
    if not alarm.metric_data_queries:
        return series(data, (alarm.namespace, alarm.metric_name), alarm.dimensions, alarm.statistic, float(alarm.period), periods)
    metrics, expressions = {}, {}
    for query in alarm.metric_data_queries:
        if query.metric_stat is None:
            expressions[query.id] = str(query.expression)
            continue
        stat = query.metric_stat
        name = (stat.metric.namespace, stat.metric.metric_name)
        metrics[query.id] = series(data, name, stat.metric.dimensions, stat.stat, float(stat.period), periods)
    returned = next(query.id for query in alarm.metric_data_queries if query.return_data in (None, True, "true"))
    return metric_math.evaluate(expressions, metrics, returned)


def series(
    data: Sequence[Any], name: tuple[str, str], dimensions: Iterable[Any], statistic: str, period: float, periods: int
) -> list[float | None]:
    wanted = {(one.name, one.value) for one in dimensions}
    values = [
        (CLOCK.elapsed(one.timestamp.timestamp()), one.value)
        for one in data
        if (one.namespace, one.name) == name
        and hasattr(one, "value")
        and {(dimension.name, dimension.value) for dimension in one.dimensions} == wanted
    ]
    return alarms.datapoints(statistic, values, period, periods)


def create(lab: Lab, _: Containers) -> Alarms:
    return Alarms(lab)
