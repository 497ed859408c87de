"""A quantity over the horizon: one number, T numbers, or dated steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations of SeriesData
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from optimizer.domain.fields import shown
from optimizer.domain.horizon import Span, iso, parse_moment

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Series", "SeriesData", "constant", "within"]

How = Literal["min", "max", "mean"]
_FORM = "must be a number, a list of T numbers, or steps [{'from': date, 'value': number}, ...]"


@dataclass(frozen=True, slots=True)
class SeriesData:
    """One number, T numbers, or steps.

    Attributes
    ----------
    numbers
        The values: one, T of them, or one for each step.
    moments
        When each step begins; None before the first. Empty unless given as steps.
    """

    numbers: tuple[float, ...]
    moments: tuple[float | datetime | None, ...] = ()
    is_constant: bool = False

    def over(self, horizon: Span, how: How) -> NDArray[np.float64]:
        """Return the value in every period, shape (T,).

        A step inside a period counts by `how`: ``min`` for caps and counts, ``max`` for loads,
        ``mean`` (over time) for prices. Call only after `finding` has returned None.
        """
        if self.is_constant:
            return np.full(horizon.periods, self.numbers[0])
        if not self.moments:
            return np.array(self.numbers)
        edges = [0.0] + [horizon.position(m) for m in self.moments[1:] if m is not None]
        edges.append(float(max(horizon.periods, edges[-1])))
        out = np.full(horizon.periods, {"min": np.inf, "max": -np.inf, "mean": 0.0}[how])
        for (begin, end), value in zip(pairwise(edges), self.numbers, strict=True):
            for t in range(max(0, int(begin + 1e-9)), min(horizon.periods, -int(-end // 1))):
                share = min(end, t + 1) - max(begin, t)
                if share <= 1e-9:
                    continue
                if how == "mean":
                    out[t] += share * value
                else:
                    out[t] = min(out[t], value) if how == "min" else max(out[t], value)
        return out

    def raised(self, by: float) -> Any:
        """Return it so much higher throughout, never below 0, as it stands in a file."""
        return _dump(replace(self, numbers=tuple(max(0.0, round(x + by, 9)) for x in self.numbers)))

    def finding(self, horizon: Span) -> str | None:
        """Return what is wrong with this series on a horizon, or None."""
        if not self.moments:
            if not self.is_constant and len(self.numbers) != horizon.periods:
                return (
                    f"must have one number for each of {horizon.periods} periods, "
                    f"got {len(self.numbers)}"
                )
            return None
        begins = [horizon.position(m) for m in self.moments if m is not None]
        if self.moments[0] is not None and begins[0] > 0:
            return "first step begins after the horizon starts; leave its 'from' out"
        if any(b <= a for a, b in pairwise(begins)):
            return "steps must be in order of time"
        return None


def constant(value: float) -> SeriesData:
    """Return a series that is one number throughout."""
    return SeriesData((float(value),), is_constant=True)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where}{_FORM}, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{where}must be a number of today's world, got {shown(value)}") from None
    if not np.isfinite(number):
        raise ValueError(f"{where}must be finite, got {value}")
    return number


def _parse(value: Any) -> SeriesData:
    if isinstance(value, SeriesData):
        return value
    if not isinstance(value, list | tuple):
        return constant(_number(value, ""))
    if not value:
        raise ValueError(f"{_FORM}, got an empty list")
    if not isinstance(value[0], dict):
        return SeriesData(tuple(_number(v, f"[{i}] ") for i, v in enumerate(value)))
    numbers: list[float] = []
    moments: list[float | datetime | None] = []
    for i, step in enumerate(value):
        unknown = set(step) - {"from", "value"} if isinstance(step, dict) else {"?"}
        if unknown or "value" not in step or ("from" not in step and i > 0):
            raise ValueError(f"[{i}] must be {{'from': date, 'value': number}}, got {shown(step)}")
        numbers.append(_number(step["value"], f"[{i}].value "))
        moments.append(parse_moment(step["from"]) if step.get("from") is not None else None)
    if any(m is None for m in moments[1:]):
        raise ValueError("only the first step may leave 'from' out")
    return SeriesData(tuple(numbers), tuple(moments))


def _dump(series: SeriesData) -> Any:
    if series.is_constant:
        return series.numbers[0]
    if not series.moments:
        return list(series.numbers)
    return [
        {"value": v} if m is None else {"from": iso(m), "value": v}
        for m, v in zip(series.moments, series.numbers, strict=True)
    ]


_STEP = {
    "type": "object",
    "properties": {"from": {"type": ["string", "number"]}, "value": {"type": "number"}},
    "required": ["value"],
    "additionalProperties": False,
}
Series = Annotated[
    SeriesData,
    PlainValidator(_parse),
    PlainSerializer(_dump, when_used="always"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "array", "items": {"type": "number"}, "minItems": 1},
                {"type": "array", "items": _STEP, "minItems": 1},
            ]
        }
    ),
]


def within(low: float, high: float, unit: str) -> AfterValidator:
    """Return a validator: every value of the series lies in [low, high] `unit`."""

    def check(series: SeriesData) -> SeriesData:
        for i, value in enumerate(series.numbers):
            if not low <= value <= high:
                where = "" if series.is_constant else f"[{i}] "
                what = (
                    "must not be negative" if value < 0 == low else f"must be in {low:g}..{high:g}"
                )
                raise ValueError(f"{where}{what}, got {value:g} {unit}".rstrip())
        return series

    return AfterValidator(check)
