"""Charts of studies: points of a frontier, bars about a middle (tornado), bars in parts (stack)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.render.axes import Frame, ValueAxis
from service.render.numbers import number, quantity
from service.render.svg import BOLD, LETTER, Drawn, picture, short, tag, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.domain.reports import Chart, ChartSeries

    Color = Callable[[ChartSeries], str]

__all__ = ["draw_points", "draw_stack", "draw_tornado"]

_LEFT, _TOP, _FOOT, _THICK = 56.0, 12.0, 24.0, 18.0
"""Room for figures, above the frame, below it, and thickness of a bar [px]."""
_ROOM = 90.0
"""Least distance of two figures of the horizontal axis [px]."""


def draw_points(chart: Chart, width: float, color: Color) -> Drawn:
    """Draw each series as points in order of x, joined; x is a number."""
    frame = Frame(_LEFT, _TOP, width - 14, _TOP + (260 if width > 600 else 210))
    xs = [float(x) for x in chart.x if isinstance(x, int | float)]
    count = max(2, int((frame.right - frame.left) / _ROOM))
    across = ValueAxis.about(xs, count)
    up = ValueAxis.about(v for s in chart.series for v in s.values if v is not None)
    parts = [*up.draw(frame, chart.y_unit), *_across(across, frame, chart.x_unit)]
    for series in chart.series:
        known = [(x, v) for x, v in zip(xs, series.values, strict=True) if v is not None]
        known.sort()
        at = [(_x(across, x, frame), up.at(v, frame)) for x, v in known]
        path = "L".join(f"{short(px)} {short(py)}" for px, py in at)
        if at:
            parts.append(tag("path", d=f"M{path}", class_=f"line {color(series)}"))
        for (x, v), (px, py) in zip(known, at, strict=True):
            said = f"{series.name}\n{quantity(x, chart.x_unit)}: {quantity(v, chart.y_unit)}"
            dot = tag("circle", tag("title", said), cx=px, cy=py, r=3.5)
            parts.append(tag("g", dot, class_=f"fill {color(series)}"))
    return picture(width, frame.bottom + _FOOT, f"{chart.title} [{chart.y_unit}]", parts)


def _x(axis: ValueAxis, value: float, frame: Frame) -> float:
    share = (value - axis.low) / (axis.high - axis.low)
    return frame.left + share * (frame.right - frame.left)


def _across(axis: ValueAxis, frame: Frame, unit: str) -> Iterator[Drawn]:
    """Yield lines and figures of an axis below the frame; the unit stands at the last."""
    ticks = axis.ticks()
    for value in ticks:
        px = _x(axis, value, frame)
        line = f"M{short(px)} {short(frame.top)}V{short(frame.bottom)}"
        yield tag("path", d=line, class_="zero" if value == 0 else "grid")
        text = quantity(value, unit) if value == ticks[-1] else number(value, unit)
        anchor = "end" if value == ticks[-1] else "middle"
        yield words(px, frame.bottom + 15, text, anchor)


def draw_tornado(chart: Chart, width: float, color: Color) -> Drawn:
    """Draw what the two ends of each input do, to both sides of what holds without them."""
    names = [str(x) for x in chart.x]
    left = min(max(map(len, names), default=0) * BOLD + 12, 0.38 * width)
    values = [v for s in chart.series for v in s.values if v is not None]
    axis, told = ValueAxis.over(values), 9 * LETTER
    frame = Frame(left + told, 4, width - 8 - told, 0)
    parts, y = list[Drawn](), frame.top
    for i, name in enumerate(names):
        parts.append(words(left - 8, y + _THICK - 5, _cut(name, left - 8), "end", "name"))
        for series in sorted(chart.series, key=lambda s: -abs(s.values[i] or 0.0)):
            value = series.values[i]  # the shorter of two to one side lies upon the longer
            if value is None:
                continue
            a, b = sorted((_x(axis, 0.0, frame), _x(axis, value, frame)))
            said = tag("title", f"{name}, {series.name}: {quantity(value, chart.y_unit)}")
            parts.append(
                tag("rect", said, x=a, y=y, width=max(b - a, 0.5), height=_THICK - 3,
                    class_=f"fill {color(series)}")
            )  # fmt: skip
        parts += _ends(chart, i, axis, frame, y)
        y += _THICK + 4
    middle = _x(axis, 0.0, frame)
    parts.append(tag("path", d=f"M{short(middle)} 0V{short(y)}", class_="zero"))
    return picture(width, y, f"{chart.title} [{chart.y_unit}]", parts)


def _ends(chart: Chart, i: int, axis: ValueAxis, frame: Frame, y: float) -> Iterator[Drawn]:
    """Yield the figures at the ends of a bar to both sides."""
    known = [v for s in chart.series if (v := s.values[i]) is not None]
    both = (min([0.0, *known]), max([0.0, *known]))
    for value in (v for v in both if v):
        px, anchor = _x(axis, value, frame), "start" if value > 0 else "end"
        text = number(value, chart.y_unit)
        yield words(px + (5 if value > 0 else -5), y + _THICK - 6, text, anchor)


def draw_stack(chart: Chart, width: float, color: Color) -> Drawn:
    """Draw a bar in parts for each name: one part for each series."""
    names = [str(x) for x in chart.x]
    left = min(max(map(len, names), default=0) * BOLD + 12, 0.4 * width)
    totals = [sum(s.values[i] or 0.0 for s in chart.series) for i in range(len(names))]
    told = max((len(number(t, chart.y_unit)) for t in totals), default=0) * LETTER + 12
    scale = (width - 8 - left - told) / (max(totals, default=0.0) or 1.0)
    parts, y = list[Drawn](), 4.0
    for i, name in enumerate(names):
        parts.append(words(left - 8, y + _THICK - 5, _cut(name, left - 8), "end", "name"))
        x = left
        for series in chart.series:
            size = (series.values[i] or 0.0) * scale
            if size <= 0:
                continue
            figure = quantity(series.values[i], chart.y_unit)
            said = tag("title", f"{name}, {series.name}: {figure}")
            kind = f"fill {color(series)}"
            parts.append(tag("rect", said, x=x, y=y, width=size, height=_THICK - 3, class_=kind))
            x += size
        parts.append(words(x + 6, y + _THICK - 6, number(totals[i], chart.y_unit)))
        y += _THICK + 4
    parts.append(tag("path", d=f"M{short(left)} 0V{short(y)}", class_="zero"))
    return picture(width, y, f"{chart.title} [{chart.y_unit}]", parts)


def _cut(text: str, room: float) -> str:
    """Return a text that fits into a width [px]."""
    most = max(3, int(room / BOLD))
    return text if len(text) <= most else f"{text[: most - 1]}…"
