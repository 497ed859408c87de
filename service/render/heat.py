"""A table as colours: a row for each name, a column for each series, the darker the larger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.render.numbers import number, quantity
from service.render.svg import BOLD, LETTER, Drawn, picture, tag, words

if TYPE_CHECKING:
    from optimizer.domain.reports import Chart

__all__ = ["draw_heat"]

_TALL, _HEAD = 24.0, 20.0
"""Height of a row, and of the names above [px]."""
_DARK = 0.55
"""From that share of the largest value on, figures are light."""


def draw_heat(chart: Chart, width: float) -> Drawn:
    """Draw every value as a cell whose colour is its share of the largest; nothing is white."""
    names = [str(x) for x in chart.x]
    left = min(max(map(len, names), default=0) * BOLD + 12, 0.34 * width)
    wide = (width - left - 2) / max(1, len(chart.series))
    top = max((abs(v) for s in chart.series for v in s.values if v is not None), default=0.0)
    parts = list[Drawn]()
    for k, series in enumerate(chart.series):
        x = left + k * wide
        full = tag("title", series.name)
        text = _cut(series.name, wide - 4)
        parts.append(tag("text", text, full, x=x + wide / 2, y=_HEAD - 7, text_anchor="middle",
                         class_="name"))  # fmt: skip
    for i, name in enumerate(names):
        y = _HEAD + i * _TALL
        parts.append(words(left - 8, y + _TALL - 8, _cut(name, left - 8), "end", "name"))
        for k, series in enumerate(chart.series):
            value = series.values[i]
            share = 0.0 if value is None or top == 0 else abs(value) / top
            x = left + k * wide
            said = tag("title", f"{name}, {series.name}: {quantity(value, chart.y_unit)}")
            dark = f"{0.04 + 0.96 * share:.3f}"
            parts.append(
                tag("rect", said, x=x + 1, y=y, width=wide - 2, height=_TALL - 2,
                    fill_opacity=dark, class_="fill s0")
            )  # fmt: skip
            kind = "inside" if share >= _DARK else "cell"
            figure = number(value, chart.y_unit)
            if len(figure) * LETTER <= wide:
                parts.append(words(x + wide / 2, y + _TALL - 9, figure, "middle", kind))
    height = _HEAD + len(names) * _TALL
    return picture(width, height, f"{chart.title} [{chart.y_unit}]", parts)


def _cut(text: str, room: float) -> str:
    """Return a text that fits into a width [px]."""
    most = max(3, int(room / BOLD))
    return text if len(text) <= most else f"{text[: most - 1]}…"
