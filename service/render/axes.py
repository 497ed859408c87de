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
_YEAR = 8766.0
"""Hours of a year."""
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

    @classmethod
    def about(cls, values: Iterable[float], count: int = 4) -> ValueAxis:
        """Return an axis that holds all values, without zero where that is far from them."""
        known = list(values)
        low, high = min(known, default=0.0), max(known, default=1.0)
        if high <= low or low < (high - low):
            return cls.over(known, count)
        step = cls.over([high - low], count).step
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
        for x, label in self._ticks(max(1, int((frame.right - frame.left) / _ROOM))):
            px = self.at(x, frame)
            line = f"M{short(px)} {short(frame.top)}V{short(frame.bottom)}"
            yield tag("path", d=line, class_="grid")
            left = px + (3 if self.zero else 0)
            if left + len(label) * LETTER <= frame.right + 8:  # one at the end would be cut off
                yield words(left, frame.bottom + 14, label)

    def _ticks(self, room: int) -> Iterator[tuple[float, str]]:
        """Yield where ticks stand and what they say: months over years, hours, plain numbers."""
        span = max(self.last - self.first, 1e-9)
        if self.zero is None and self.unit != "h":
            step = ValueAxis.over([span], room).step
            k = ceil(self.first / step - 1e-9)
            while (x := k * step) <= self.last + 1e-9 * span:
                yield x, quantity(x, self.unit)
                k += 1
            return
        if self.is_years:
            yield from self._months(room)
            return
        step = next((h for h in _HOURS if span / h <= room), 8760 * ceil(span / 8760 / room))
        offset = 0.0 if self.zero is None else _since_midnight(self.zero)
        k = ceil((self.first + offset) / step - 1e-9)
        while (x := k * step - offset) <= self.last + 1e-9:
            yield x, self._label(x, step)
            k += 1

    @property
    def is_years(self) -> bool:
        """Whether dates need their year to be told apart."""
        return self.zero is not None and self.last - self.first > _YEAR

    def _months(self, room: int) -> Iterator[tuple[float, str]]:
        """Yield first days of months, every so many that their names have room."""
        if self.zero is None:
            return
        count = (self.last - self.first) / _YEAR * 12
        step = next((m for m in (1, 2, 3, 6) if count / m <= room), 12 * ceil(count / 12 / room))
        first = self.zero + timedelta(hours=self.first)
        k = ceil((first.year * 12 + first.month - 1) / step)
        while True:
            year, month = divmod(k * step, 12)
            moment = datetime(year, month + 1, 1, tzinfo=UTC)
            x = (moment - self.zero).total_seconds() / 3600
            if x > self.last:
                return
            if x >= self.first:
                yield x, f"{year}" if month == 0 else f"{moment:%b %Y}"
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
        if self.is_years:
            return f"{moment.day} {moment:%b %Y}"
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
