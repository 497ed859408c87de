"""Moments, series and rounding of MODEL section 6, for the stranger."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil, floor
from typing import Any

Data = dict[str, Any]


def hours_at(moment: float | str, horizon: Data) -> float:
    """Return a moment as hours from the start of the horizon [h]."""
    if isinstance(moment, str):
        return (_instant(moment) - _instant(horizon["start"])).total_seconds() / 3600
    return float(moment)


def _instant(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def up(moment: float | str, horizon: Data) -> int:
    """Return the first period boundary not before a moment."""
    hours: float = horizon.get("period_hours", 1.0)
    return ceil(hours_at(moment, horizon) / hours - 1e-9)


def down(moment: float | str, horizon: Data) -> int:
    """Return the last period boundary not after a moment."""
    hours: float = horizon.get("period_hours", 1.0)
    return floor(hours_at(moment, horizon) / hours + 1e-9)


def series(given: Any, horizon: Data, how: str) -> list[float]:
    """Return a quantity for every period; `how` (min, max, mean) settles a step inside a period."""
    periods, hours = horizon["periods"], horizon.get("period_hours", 1.0)
    if not isinstance(given, list):
        return [float(given)] * periods
    if not isinstance(given[0], dict):
        return [float(x) for x in given]
    begins = [0.0] + [hours_at(step["from"], horizon) / hours for step in given[1:]]
    ends = [*begins[1:], max(float(periods), begins[-1])]
    out = []
    for t in range(periods):
        seen = []
        for step, begin, end in zip(given, begins, ends, strict=True):
            share = min(end, t + 1) - max(begin, t)
            if share > 1e-9:
                seen.append((share, float(step["value"])))
        values = [value for _, value in seen]
        mean = sum(share * value for share, value in seen)
        out.append({"min": min(values), "max": max(values), "mean": mean}[how])
    return out


def nano(usd: float) -> int:
    """Return money in nano-USD."""
    return round(usd * 1e9)


def demand_w(kw: float) -> int:
    """Return a demand in whole watts, rounded up."""
    return ceil(kw * 1000 - 1e-6)
