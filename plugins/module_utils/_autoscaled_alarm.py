# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the CloudWatch alarms that set off step scaling policies; target tracking has its own. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_policy as policies
from ansible_collections.aiportal.scaling.plugins.module_utils import _autoscaled_tags as tags
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_plan import Api, Change, Step, covers, given
from ansible_collections.aiportal.scaling.plugins.module_utils._autoscaled_state import Seen, Service


def prefix(service: Service) -> str:
    """Alarms belong to a component by their names."""
    return service.name + "/"


def present(service: Service, seen: Seen) -> list[Change]:
    if service.get("scaling_policies") is None:
        return []
    wanted = [_one(service, seen, policy) for policy in service.several("scaling_policies") if policy.get("alarm")]
    known = {alarm["AlarmName"]: alarm for alarm in seen.alarms or []}
    names = {alarm["AlarmName"] for alarm in wanted}
    changes = [_put(service, known.get(alarm["AlarmName"]), alarm) for alarm in wanted]
    return changes + _removed(service, [name for name in known if name not in names])


def absent(service: Service, seen: Seen) -> list[Change]:
    return _removed(service, [alarm["AlarmName"] for alarm in seen.alarms or []])


def _one(service: Service, seen: Seen, policy: Api) -> dict[str, Any]:
    asked = policy["alarm"]
    of_group = {"AutoScalingGroupName": service.name}
    return given(
        AlarmName=prefix(service) + policy["name"],
        AlarmActions=[policies.arn(seen, policy["name"])],
        Namespace=asked["namespace"],
        MetricName=asked["metric_name"],
        Dimensions=policies.dimensions(asked.get("dimensions") or of_group),
        Statistic=asked["statistic"],
        Period=asked["period"],
        EvaluationPeriods=asked["evaluation_periods"],
        Threshold=asked["threshold"],
        ComparisonOperator=asked["comparison_operator"],
        TreatMissingData=asked["treat_missing_data"],
    )


def _put(service: Service, seen: Api | None, wanted: Api) -> Change:
    parameters = {**wanted, "Tags": tags.listed(tags.wanted(service))} if seen is None else wanted
    step = Step(f"put alarm {wanted['AlarmName']}", "cloudwatch:PutMetricAlarm", parameters)
    before = {key: seen.get(key) for key in wanted} if seen else None
    return Change(f"alarm {wanted['AlarmName']}", before, wanted, () if seen and covers(seen, wanted) else (step,))


def _removed(service: Service, names: list[str]) -> list[Change]:
    """All in one call, so the first change carries the step."""
    if not names:
        return []
    step = Step(policies.DELETE_ALARMS.format(service.name), "cloudwatch:DeleteAlarms", {"AlarmNames": names})
    return [Change(f"alarm {name}", {"AlarmName": name}, None, (step,) if name == names[0] else ()) for name in names]
