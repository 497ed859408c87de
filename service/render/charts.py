"""Charts drawn as SVG: stacked areas against a limit, lines, bars; drawn once for every width."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from service.render.axes import Frame, TimeAxis, ValueAxis, moments_of
from service.render.gantt import draw_gantt, groups_of
from service.render.heat import draw_heat
from service.render.numbers import number, quantity
from service.render.spread import draw_points, draw_stack, draw_tornado
from service.render.svg import BOLD, LETTER, Drawn, picture, short, steps, tag, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.reports import Chart, ChartSeries

__all__ = ["COLORS", "draw", "is_empty", "legend", "remark"]

COLORS = 8
"""Colours of the page, named s0 to s7; more series than these begin anew."""
_HOVERS = 336
"""Most positions of a chart that tell their figures when pointed at."""
_LEFT, _TOP, _FOOT = 56.0, 10.0, 22.0
"""Room for figures, above the uppermost line, and for the labels of time [px]."""


def is_empty(chart: Chart) -> bool:
    """Return whether there is nothing to draw."""
    values = (v for s in chart.series for v in s.values)
    if chart.kind == "gantt":
        return not chart.spans and not chart.lanes
    return all(v is None for v in values)


def legend(chart: Chart) -> list[tuple[str, str]]:
    """Return (colour, name) of what a chart shows; none where there is no choice."""
    if chart.kind == "gantt":
        return [(f"s{i % COLORS}", name) for i, name in enumerate(groups_of(chart)) if name]
    if len(chart.series) < 2 or chart.kind == "heat":
        return []
    return [(_color(chart, s), s.name) for s in chart.series]


def remark(chart: Chart) -> str:
    """Return what a reader has to know of the way a chart is drawn."""
    if chart.kind == "gantt" and any(s.height is not None for s in chart.spans):
        what = chart.y_unit or "height"
        return (
            f"Thickness is {what}, to scale within a row; what stays empty below the dashed line "
            f"is {what} that could be used and are not. Where in its row a gang stands, and "
            "whether in one piece, has no meaning; the smallest are too thin to be seen."
        )
    return ""


def draw(chart: Chart, width: float) -> Drawn:
    """Return a chart as an SVG picture.

    Parameters
    ----------
    width
        How wide it is drawn [px]; type has 11 px at this width.
    """
    if chart.kind == "gantt":
        return draw_gantt(chart, width)
    if chart.kind == "bar":
        return _bars(chart, width)
    if chart.kind == "heat":
        return draw_heat(chart, width)
    studies = {"points": draw_points, "tornado": draw_tornado, "stack": draw_stack}
    if chart.kind in studies:
        return studies[chart.kind](chart, width, lambda series: _color(chart, series))
    return _over_time(chart, width)


def _color(chart: Chart, series: ChartSeries) -> str:
    if series.is_limit:
        limits = [s for s in chart.series if s.is_limit]
        return "limit" if limits.index(series) % 2 == 0 else "limit other"
    drawn = [s for s in chart.series if not s.is_limit]
    return f"s{drawn.index(series) % COLORS}"


def _over_time(chart: Chart, width: float) -> Drawn:
    """Draw areas and lines: values are held from a position to the next, so they are steps."""
    frame = Frame(_LEFT, _TOP, width - 8, _TOP + (220 if width > 600 else 180))
    edges, zero = moments_of(chart)
    across = TimeAxis(edges[0], edges[-1], chart.x_unit, zero)
    xs = [across.at(x, frame) for x in edges]
    up = (ValueAxis.about if chart.kind == "line" else ValueAxis.over)(_extent(chart))
    parts = [*up.draw(frame, chart.y_unit), *across.draw(frame)]
    if chart.kind == "area":
        parts += _stack(chart, xs, up, frame)
    for series in chart.series:
        if chart.kind == "line" or series.is_limit:
            ys = [None if v is None else up.at(v, frame) for v in series.values]
            parts.append(tag("path", d=steps(xs, ys), class_=f"line {_color(chart, series)}"))
    parts += _hovers(chart, edges, across, frame)
    return picture(width, frame.bottom + _FOOT, f"{chart.title} [{chart.y_unit}]", parts)


def _parts_of(chart: Chart) -> list[ChartSeries]:
    return [s for s in chart.series if not s.is_limit]


def _extent(chart: Chart) -> Iterator[float]:
    """Yield the values that an axis has to hold: tops and feet of stacks, lines, limits."""
    for series in chart.series:
        if chart.kind != "area" or series.is_limit:
            yield from (v for v in series.values if v is not None)
    if chart.kind == "area":
        for i in range(len(chart.x)):
            values = [s.values[i] or 0.0 for s in _parts_of(chart)]
            yield sum(v for v in values if v > 0)
            yield sum(v for v in values if v < 0)


def _stack(chart: Chart, xs: list[float], up: ValueAxis, frame: Frame) -> Iterator[Drawn]:
    """Yield each series upon those before it; what is negative hangs below zero."""
    above, below = [0.0] * len(chart.x), [0.0] * len(chart.x)
    for series in _parts_of(chart):
        feet, tops = list[float](), list[float]()
        for i, given in enumerate(series.values):
            pile, value = (above if (given or 0) >= 0 else below), given or 0.0
            feet.append(up.at(pile[i], frame))
            pile[i] += value
            tops.append(up.at(pile[i], frame))
        back = "".join(
            f"L{short(right)} {short(y)}H{short(left)}"
            for (left, right), y in zip(reversed(list(pairwise(xs))), reversed(feet), strict=True)
        )
        yield tag("path", d=f"{steps(xs, tops)}{back}Z", class_=f"fill {_color(chart, series)}")


def _hovers(
    chart: Chart, edges: Sequence[float], across: TimeAxis, frame: Frame
) -> Iterator[Drawn]:
    """Yield strips that tell the figures of a position; without any script."""
    each = ceil(len(chart.x) / _HOVERS) if chart.x else 1
    for i in range(0, len(chart.x), each):
        until = min(i + each, len(chart.x))
        said = [f"{across.said(edges[i])} to {across.said(edges[until])}"]
        for series in chart.series:
            known = [v for v in series.values[i:until] if v is not None]
            pick = min if series.is_limit else max
            said.append(f"{series.name}: {quantity(pick(known) if known else None, chart.y_unit)}")
        left, right = across.at(edges[i], frame), across.at(edges[until], frame)
        yield tag(
            "rect", tag("title", "\n".join(said)), x=left, y=frame.top, width=right - left,
            height=frame.bottom - frame.top, class_="hover",
        )  # fmt: skip


def _bars(chart: Chart, width: float) -> Drawn:
    """Draw bars that lie, so that names can be read; several series side by side."""
    names = [x if isinstance(x, str) else quantity(x, chart.x_unit) for x in chart.x]
    left = min(max(map(len, names), default=0) * BOLD + 12, 0.4 * width)
    frame = Frame(left, 4, width - 8, 0)
    up = ValueAxis.over(v for s in chart.series for v in s.values if v is not None)
    told = max(len(number(v, chart.y_unit)) for s in chart.series for v in s.values) * LETTER + 10
    scale = (frame.right - frame.left - told) / (up.high - up.low)
    thick = 18.0 if len(chart.series) == 1 else 13.0
    parts, y = list[Drawn](), frame.top
    for i, name in enumerate(names):
        tall = thick * len(chart.series)
        parts.append(words(left - 8, y + tall / 2 + 4, _cut(name, left - 8), "end", "name"))
        for series in chart.series:
            value = series.values[i]
            said = tag("title", f"{name}, {series.name}: {quantity(value, chart.y_unit)}")
            at, size = left - up.low * scale, abs(value or 0.0) * scale
            x = at - size if (value or 0) < 0 else at
            kind = f"fill {_color(chart, series)}"
            parts.append(
                tag("rect", said, x=x, y=y, width=max(size, 0.5), height=thick - 2, class_=kind)
            )
            parts.append(words(max(x + size, at) + 6, y + thick - 5, number(value, chart.y_unit)))
            y += thick
        y += 8
    parts.append(tag("path", d=f"M{short(left - up.low * scale)} 0V{short(y)}", class_="zero"))
    return picture(width, y, f"{chart.title} [{chart.y_unit}]", parts)


def _cut(text: str, room: float) -> str:
    """Return a text that fits into a width [px]."""
    most = max(3, int(room / BOLD))
    return text if len(text) <= most else f"{text[: most - 1]}…"
