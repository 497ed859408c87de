"""The calendar of an expansion: whole months or quarters with their own hours."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import ceil, floor
from typing import TYPE_CHECKING

from optimizer.units import MONTH_HOURS

if TYPE_CHECKING:
    from optimizer.domain.horizon import Horizon

__all__ = ["YEAR_DAYS", "Calendar"]

YEAR_DAYS = 365
"""Days by which a yearly rate is shared out [d]."""

_NOISE = 1e-9


@dataclass(frozen=True)
class Calendar:
    """Calendar months, or three of them at a time, from the first day of a month on.

    Attributes
    ----------
    start
        First day (UTC).
    months
        Months in a period.
    periods
        How many periods, T.
    """

    start: datetime
    months: int
    periods: int

    @classmethod
    def of(cls, horizon: Horizon, months: int) -> Calendar:
        """Return the calendar over a horizon in months of 730 h; call after `finding`."""
        return cls(horizon.start, months, round(horizon.hours / (MONTH_HOURS * months)))

    @staticmethod
    def finding(horizon: Horizon, months: int) -> str | None:
        """Return what is wrong with a horizon that is to have a calendar, or None."""
        first = horizon.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if horizon.start != first:
            return f"start: must be the first day of a month, got {horizon.start:%Y-%m-%d %H:%M}"
        count = horizon.hours / (MONTH_HOURS * months)
        if abs(count - round(count)) > _NOISE or count < 1:
            return (
                f"periods: must make whole periods of {months} months of {MONTH_HOURS:g} h, got "
                f"{horizon.hours:g} h, which are {count:g}; give a multiple of {months} such months"
            )
        return None

    @cached_property
    def edges(self) -> tuple[datetime, ...]:
        """Boundaries of the periods, T + 1 of them."""
        first = self.start.year * 12 + self.start.month - 1
        out = []
        for t in range(self.periods + 1):
            year, month = divmod(first + t * self.months, 12)
            out.append(self.start.replace(year=year, month=month + 1))
        return tuple(out)

    @cached_property
    def days(self) -> tuple[int, ...]:
        """Days of every period."""
        return tuple((b - a).days for a, b in zip(self.edges[:-1], self.edges[1:], strict=True))

    @cached_property
    def hours(self) -> tuple[int, ...]:
        """Hours of every period [h]."""
        return tuple(24 * d for d in self.days)

    def days_to_end(self, t: int) -> int:
        """Return the days from the start to the end of a period."""
        return (self.edges[t + 1] - self.start).days

    def year(self, t: int) -> int:
        """Return the year of a period, counted from the start in steps of twelve months."""
        return t * self.months // 12

    def position(self, moment: float | datetime) -> float:
        """Return a moment in periods from the start; 2.5 is the middle of period 2."""
        at = moment if isinstance(moment, datetime) else self.start + timedelta(hours=moment)
        if at < self.start:
            return (at - self.start) / (self.edges[1] - self.edges[0])
        if at >= self.edges[-1]:
            return self.periods + (at - self.edges[-1]) / (self.edges[-1] - self.edges[-2])
        t = bisect_right(self.edges, at) - 1
        return t + (at - self.edges[t]) / (self.edges[t + 1] - self.edges[t])

    def up(self, moment: float | datetime) -> int:
        """Return the first period boundary not before a moment."""
        return ceil(self.position(moment) - _NOISE)

    def down(self, moment: float | datetime) -> int:
        """Return the period in which a moment lies."""
        return floor(self.position(moment) + _NOISE)

    def label(self, t: int) -> str:
        """Return a period as people say it: 2027-Q1, or 2027-01."""
        at = self.edges[t]
        is_quarter = self.months == 3 and at.month % 3 == 1
        return f"{at.year}-Q{at.month // 3 + 1}" if is_quarter else f"{at:%Y-%m}"
