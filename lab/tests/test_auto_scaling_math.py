# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metric math. AWS: AmazonCloudWatch/latest/monitoring/using-metric-math.html"""

from __future__ import annotations

from typing import Any

import pytest

from lab.auto_scaling import metric_math

METRICS: dict[str, metric_math.Series] = {"m1": [100.0, None, 30.0], "m2": [4.0, 2.0, 0.0]}


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ("m1 / m2", [25.0, None, None]),  # by zero: no datapoint
        ("(m1 + 20) * 2 - m2 ^ 2", [224.0, None, 100.0]),
        ("-m2", [-4.0, -2.0, 0.0]),
        ("FILL(m1, 0)", [100.0, 0.0, 30.0]),
        ("FILL(m1, REPEAT)", [100.0, 100.0, 30.0]),
        ("IF(m2 > 2, m2, 1)", [4.0, 1.0, 1.0]),
        ("IF(m2 > 0 AND m2 < 3, m2)", [None, 2.0, None]),
        ("m2 >= 2 || m2 == 0", [1.0, 1.0, 1.0]),
        ("MAX([m1, m2])", [100.0, None, 30.0]),
        ("SUM(METRICS())", [104.0, None, 30.0]),
        ("AVG(m2)", [2.0, 2.0, 2.0]),
        ("CEIL(m2 / 3)", [2.0, 1.0, 0.0]),
        ("e1 * 10", [40.0, 20.0, 0.0]),
    ],
)
def test_expressions(expression: str, series: metric_math.Series) -> None:
    assert metric_math.evaluate({"e1": "ABS(m2)", "wanted": expression}, METRICS, "wanted") == series


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("m1 / m3", "m3 is not defined"),
        ("e1 + 1", "e1 is defined by itself"),
        ("m1 +", "cannot be read"),
        ("[m1, m2]", "several time series"),
        ("ANOMALY_DETECTION_BAND(m1)", "ANOMALY_DETECTION_BAND with 1 arguments is not supported"),
        ("m1.real", "is not supported"),
        ("__import__('os')", "is not supported"),
    ],
)
def test_expressions_that_cannot_be_worked_out(expression: str, words: str) -> None:
    with pytest.raises(metric_math.MathError, match="Error in expression") as raised:
        metric_math.evaluate({"e1": expression}, METRICS, "e1")
    assert words in str(raised.value)


STAT: dict[str, Any] = {"Metric": {"Namespace": "Portal", "MetricName": "Queue"}, "Stat": "Sum"}


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([{"Id": "m1", "MetricStat": STAT}, {"Id": "e1", "Expression": "m1 / 2"}], "Exactly one"),
        ([{"Id": "M1", "MetricStat": STAT}], "lowercase"),
        ([{"Id": "m1"}], "either an Expression or a MetricStat"),
        ([{"Id": "e1", "Expression": "m1 / 2"}], "m1 is not defined"),
    ],
)
def test_queries_that_aws_refuses(queries: list[dict[str, Any]], words: str) -> None:
    """autoscaling/ec2/APIReference/API_TargetTrackingMetricDataQuery.html"""
    with pytest.raises(metric_math.MathError) as raised:
        metric_math.check(queries)
    assert words in str(raised.value)
