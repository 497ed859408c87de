"""Charts in a line of text: eighths of a block, one line for each series."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.render.gantt import lanes_of
from service.render.numbers import DASH, quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optimizer.domain.reports import Chart, Span

__all__ = ["draw"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 56
"""Characters of a line's picture: with name and figures a line stays below 100 columns."""
_NAME = 18
_LANES = 12
"""Lanes of a gantt chart that a terminal shows."""


def draw(chart: Chart) -> Iterator[str]:
    """Return the lines that show a chart; none for a chart without values."""
    if chart.kind == "gantt":
        yield from _lanes(chart)
    elif chart.kind == "bar":
        yield from _bars(chart)
    elif chart.kind in ("points", "tornado", "stack", "heat"):
        return  # the table beside it says it better than a line of text can
    else:
        for series in chart.series:
            yield _line(series.name, series.values, chart.y_unit, _top(chart), series.is_limit)
        if chart.series and chart.x:
            yield " " * (_NAME + 1) + _axis(chart.x[0], chart.x[-1], chart.x_unit)


def _top(chart: Chart) -> float:
    """Return the largest value of all series: one scale for all lines."""
    return max((v for s in chart.series for v in s.values if v is not None), default=0.0)


def _line(
    name: str, values: Sequence[float | None], unit: str, top: float, is_limit: bool = False
) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return f"{name[:_NAME]:<{_NAME}} {DASH}"
    pick = min if is_limit else max
    picture = "".join(_block(v, top) for v in _buckets(values, pick))
    said = f"{pick.__name__} {quantity(pick(known), unit)}"
    return f"{name[:_NAME]:<{_NAME}} {picture:<{_WIDTH}} {said}"


def _buckets(
    values: Sequence[float | None], pick: Callable[[list[float]], float]
) -> Iterator[float | None]:
    """Return at most _WIDTH values: of each stretch the one that binds, peak or lowest limit."""
    count = min(_WIDTH, len(values))
    for i in range(count):
        part = values[i * len(values) // count : (i + 1) * len(values) // count]
        known = [v for v in part if v is not None]
        yield pick(known) if known else None


def _block(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if top <= 0:
        return _BLOCKS[0]
    return _BLOCKS[max(0, min(7, round(value / top * 8) - 1))]


def _axis(first: object, last: object, unit: str) -> str:
    low, high = _place(first, unit), _place(last, unit)
    return f"{low}{high:>{max(len(high) + 1, _WIDTH - len(low))}}"


def _place(x: object, unit: str) -> str:
    if isinstance(x, datetime | float | int | str):
        return quantity(x, unit)
    return DASH


def _bars(chart: Chart) -> Iterator[str]:
    top = max((abs(v) for s in chart.series for v in s.values if v is not None), default=0.0)
    for series in chart.series:
        if len(chart.series) > 1:
            yield series.name
        for x, value in zip(chart.x, series.values, strict=True):
            share = 0.0 if value is None or top == 0 else abs(value) / top
            bar = "█" * round(share * _WIDTH)
            name = _place(x, chart.x_unit)[:_NAME]
            yield f"{name:<{_NAME}} {bar} {quantity(value, chart.y_unit)}"


def _lanes(chart: Chart) -> Iterator[str]:
    """Show how full each lane of a gantt chart gets over time, of what it can hold."""
    lanes = lanes_of(chart)
    end = max([chart.end, *(span.end for span in chart.spans)])
    for lane in lanes[:_LANES]:
        here = [s for s in chart.spans if s.lane == lane.name]
        fill = [_most(here, end * i / _WIDTH, end * (i + 1) / _WIDTH) for i in range(_WIDTH)]
        yield _line(lane.name, fill, chart.y_unit, lane.most(max(fill)))
    if len(lanes) > _LANES:
        yield f"and {len(lanes) - _LANES} more lanes"
    if lanes and chart.begin is not None:
        last = chart.begin + timedelta(hours=end)
        yield " " * (_NAME + 1) + _axis(chart.begin, last, "UTC")
    elif lanes:
        yield " " * (_NAME + 1) + _axis(0, end, chart.x_unit)


def _most(spans: Sequence[Span], begin: float, end: float) -> float:
    """Return the most that runs at once in a stretch: it changes only where a run starts."""
    here = [s for s in spans if s.start < end and s.end > begin]
    moments = {begin, *(s.start for s in here if s.start > begin)}
    return max(
        sum(1.0 if s.height is None else s.height for s in here if s.start <= t < s.end)
        for t in moments
    )
