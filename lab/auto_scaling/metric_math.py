# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metric math over datapoints that are aligned by periods; pure. A datapoint that is missing makes the result missing.
AWS: AmazonCloudWatch/latest/monitoring/using-metric-math.html"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Series = list[float | None]
Operand = Any  # a number, a series, or an array: a tuple of these
OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda *values: all(values),
    ast.Or: lambda *values: any(values),
}
OF_ONE: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor, "LOG10": math.log10, "LOG": math.log}
OF_MANY: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
SPELT = ((r"\^", "**"), (r"&&|\bAND\b", " and "), (r"\|\||\bOR\b", " or "))


class MathError(ValueError):
    """The expression cannot be worked out, whatever the metrics say."""


def evaluate(expressions: Mapping[str, str], metrics: Mapping[str, Series], wanted: str) -> Series:
    """The series of the id that is wanted: a metric, or an expression over metrics and other expressions."""
    return _Math(expressions, metrics).series(wanted)


def check(queries: Iterable[Mapping[str, Any]]) -> None:
    """AWS refuses queries of which not one, or more than one, is the result, and expressions that it cannot read."""
    queries = list(queries)
    returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
    ids = [query["Id"] for query in queries]
    if len(returned) != 1:
        raise MathError("Exactly one element of the metrics list should return data.")
    if len(set(ids)) != len(ids) or not all(re.fullmatch("[a-z][a-zA-Z0-9_]*", each) for each in ids):
        raise MathError("Ids of metric queries are unique, of letters, digits and underscores, and begin with a lowercase letter.")
    if any(bool(query.get("Expression")) == bool(query.get("MetricStat")) for query in queries):
        raise MathError("Each metric query has either an Expression or a MetricStat.")
    expressions = {query["Id"]: query["Expression"] for query in queries if query.get("Expression")}
    metrics: dict[str, Series] = {query["Id"]: [1.0] for query in queries if query["Id"] not in expressions}
    for each in ids:
        evaluate(expressions, metrics, each)


class _Math:
    def __init__(self, expressions: Mapping[str, str], metrics: Mapping[str, Series]) -> None:
        self.expressions, self.metrics = expressions, metrics
        self.length = max(map(len, metrics.values()), default=0)
        self.under_way: list[str] = []

    def series(self, name: str) -> Series:
        if name in self.metrics:
            return self.metrics[name]
        if name not in self.expressions or name in self.under_way:
            raise MathError(f"Error in expression: {name} is {'defined by itself' if name in self.under_way else 'not defined'}.")
        self.under_way.append(name)
        found = self._broadcast(self._value(_parsed(self.expressions[name])))
        self.under_way.remove(name)
        return found

    def _broadcast(self, value: Operand) -> Series:
        if isinstance(value, tuple):
            raise MathError("Error in expression: the result is several time series.")
        return value if isinstance(value, list) else [value] * self.length

    def _value(self, node: ast.AST) -> Operand:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id="REPEAT"):
                return "REPEAT"
            case ast.Name(id=name):
                return self.series(name)
            case ast.List(elts=elements):
                return tuple(map(self._value, elements))
            case ast.UnaryOp(op=kind, operand=operand):
                return self._each(_operator(kind), [self._value(operand)])
            case ast.BinOp(left=left, op=kind, right=right) | ast.Compare(left=left, ops=[kind], comparators=[right]):
                return self._each(_operator(kind), [self._value(left), self._value(right)])
            case ast.BoolOp(op=kind, values=values):
                return self._each(_operator(kind), list(map(self._value, values)))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, [self._value(each) for each in arguments])
        raise MathError(f"Error in expression: {ast.unparse(node)} is not supported.")

    def _call(self, name: str, given: list[Operand]) -> Operand:
        if name == "METRICS" and not given:
            return tuple(self.metrics.values())
        if name in OF_ONE and len(given) == 1:
            return self._each(OF_ONE[name], given)
        if name in OF_MANY and len(given) == 1:
            return self._of_many(OF_MANY[name], given[0])
        if name == "IF" and len(given) in (2, 3):
            return self._if(*map(self._broadcast, given))
        if name == "FILL" and len(given) == 2:
            return _fill(self._broadcast(given[0]), given[1])
        raise MathError(f"Error in expression: {name} with {len(given)} arguments is not supported.")

    def _of_many(self, function: Callable[[Sequence[float]], float], given: Operand) -> Operand:
        """Of an array, datapoint by datapoint; of one series, over time."""
        if isinstance(given, tuple):
            return self._each(lambda *values: function(values), list(given))
        known = [value for value in self._broadcast(given) if value is not None]
        return [function(known) if known else None] * self.length

    def _if(self, condition: Series, yes: Series, no: Series | None = None) -> Series:
        otherwise = no or [None] * self.length
        return [None if c is None else (a if c else b) for c, a, b in zip(condition, yes, otherwise, strict=True)]

    def _each(self, function: Callable[..., float], operands: list[Operand]) -> Operand:
        rows = zip(*map(self._broadcast, operands), strict=True)
        return [_applied(function, row) for row in rows]


def _applied(function: Callable[..., float], row: Sequence[float | None]) -> float | None:
    if None in row:
        return None
    try:
        return float(function(*row))
    except (ArithmeticError, ValueError):  # e.g. divided by zero: CloudWatch has no datapoint then
        return None


def _fill(series: Series, by: Operand) -> Series:
    filled: Series = []
    for value in series:
        before = filled[-1] if filled else None
        filled.append(value if value is not None else before if by == "REPEAT" else by)
    return filled


def _operator(kind: ast.AST) -> Callable[..., float]:
    if type(kind) not in OPERATORS:
        raise MathError(f"Error in expression: the operator {type(kind).__name__} is not supported.")
    return OPERATORS[type(kind)]


def _parsed(expression: str) -> ast.AST:
    for pattern, python in SPELT:
        expression = re.sub(pattern, python, expression)
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise MathError(f"Error in expression: {expression} cannot be read.") from error
