"""Axes of the drawn charts: where values stand, ticks that people count in, days and hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from service.render.numbers import number, quantity
from service.render.svg import LETTER, short, tag, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.domain.reports import Chart
    from service.render.svg import Drawn

__all__ = ["Frame", "TimeAxis", "ValueAxis", "moments_of"]

_HOURS = (1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 1440, 2160, 4320, 8760)
"""Steps between two ticks of time [h]."""
_ROOM = 74
"""Least distance of two labels of time [px]."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart draws inside its picture [px]."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class ValueAxis:
    """Values from `low` to `high`, both at a tick.

    Attributes
    ----------
    step
        From tick to tick: 1, 2 or 5 times a power of ten.
    """

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: Iterable[float], count: int = 4) -> ValueAxis:
        """Return an axis that holds zero and all values."""
        known = [0.0, *values]
        low, high = min(known), max(known)
        if high == low:
            return cls(0.0, 1.0, 1.0)
        raw = (high - low) / count
        unit = 10.0 ** floor(log10(raw))
        step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw * (1 - 1e-9))
        return cls(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step)

    def ticks(self) -> list[float]:
        """Return the values of the ticks, lowest first."""
        first, last = round(self.low / self.step), round(self.high / self.step)
        return [self.step * k for k in range(first, last + 1)]

    def at(self, value: float, frame: Frame) -> float:
        """Return where a value stands [px from the top]."""
        share = (value - self.low) / (self.high - self.low)
        return frame.bottom - share * (frame.bottom - frame.top)

    def draw(self, frame: Frame, unit: str) -> Iterator[Drawn]:
        """Yield grid lines and their figures; the unit stands at the uppermost."""
        for value in self.ticks():
            y = self.at(value, frame)
            kind = "zero" if value == 0 else "grid"
            yield tag(
                "path", d=f"M{short(frame.left)} {short(y)}H{short(frame.right)}", class_=kind
            )
            yield words(frame.left - 6, y + 4, self._figure(value, unit), "end")

    def _figure(self, value: float, unit: str) -> str:
        """Return a tick's figure: all of an axis with as many decimals as their step needs."""
        if max(self.high, -self.low) >= 1e5:
            return number(value, unit)
        return f"{value:,.{max(0, -floor(log10(self.step) + 1e-9))}f}"


@dataclass(frozen=True)
class TimeAxis:
    """Time, or any other number, from `first` to `last`.

    Attributes
    ----------
    zero
        Date-time of 0 where the axis counts hours of it; None: plain numbers in `unit`.
    """

    first: float
    last: float
    unit: str
    zero: datetime | None = None

    def at(self, x: float, frame: Frame) -> float:
        """Return where a moment stands [px from the left]."""
        span = self.last - self.first
        share = 0.0 if span <= 0 else (x - self.first) / span
        return frame.left + share * (frame.right - frame.left)

    def draw(self, frame: Frame) -> Iterator[Drawn]:
        """Yield ticks, their lines and labels below the frame."""
        room = max(1, int((frame.right - frame.left) / _ROOM))
        span = max(self.last - self.first, 1e-9)
        step = next((h for h in _HOURS if span / h <= room), 8760 * ceil(span / 8760 / room))
        offset = 0.0 if self.zero is None else _since_midnight(self.zero)
        k = ceil((self.first + offset) / step - 1e-9)
        while (x := k * step - offset) <= self.last + 1e-9:
            px = self.at(x, frame)
            line = f"M{short(px)} {short(frame.top)}V{short(frame.bottom)}"
            yield tag("path", d=line, class_="grid")
            label, left = self._label(x, step), px + (3 if self.zero else 0)
            if left + len(label) * LETTER <= frame.right + 8:  # one at the end would be cut off
                yield words(left, frame.bottom + 14, label)
            k += 1

    def _label(self, x: float, step: float) -> str:
        if self.zero is None:
            return quantity(x, self.unit)
        moment = self.zero + timedelta(hours=x)
        if step < 24 and moment.hour + moment.minute:
            return f"{moment:%H:%M}"
        return f"{moment:%a} {moment.day} {moment:%b}"

    def said(self, x: float) -> str:
        """Return a moment in words: `Mon 5 Apr 06:00`, or `6 h`."""
        if self.zero is None:
            return quantity(x, self.unit)
        moment = self.zero + timedelta(hours=x)
        return f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def _since_midnight(moment: datetime) -> float:
    return moment.hour + moment.minute / 60 + moment.second / 3600


def moments_of(chart: Chart) -> tuple[list[float], datetime | None]:
    """Return the edges of a chart's positions, one more than these, and the date-time of 0.

    Date-times become hours from the first of them; categories count from 0. What stands at a
    position holds until the next one, and the last as long as the one before it.
    """
    xs, zero = chart.x, None
    if xs and isinstance(xs[0], datetime):
        zero = xs[0].astimezone(UTC)
        edges = [(x - xs[0]).total_seconds() / 3600 for x in xs if isinstance(x, datetime)]
    elif all(isinstance(x, int | float) for x in xs):
        edges = [float(x) for x in xs if isinstance(x, int | float)]
    else:
        edges = [float(i) for i in range(len(xs))]
    last = edges[-1] - edges[-2] if len(edges) > 1 else 1.0
    return [*edges, (edges[-1] if edges else 0.0) + last], zero
