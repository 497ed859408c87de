"""The horizon: T equal periods, half-open, in UTC; and moments on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from optimizer.domain.fields import Entity, Text, shown
from optimizer.units import periods_down, periods_up

__all__ = ["Horizon", "Moment", "Span", "Timestamp", "iso", "parse_moment"]

MAX_HOURS = 1_000_000.0
"""Moments lie within about a century of the start: beyond it a unit has been mixed up."""

YEARS = range(1900, 2200)
"""In which years dates lie: sums of dates and hours stay dates."""


def _parse_timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be an ISO date or date-time such as 2026-02-11T06:00Z") from None
    else:
        raise ValueError("must be an ISO date or date-time such as 2026-02-11T06:00Z")
    if moment.year not in YEARS:
        raise ValueError(f"must lie in the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_moment(value: Any) -> float | datetime:
    """Return a moment: hours from the horizon's start (a number) or a UTC date-time."""
    if isinstance(value, bool):
        raise ValueError("must be hours from the start, or an ISO date-time")
    if isinstance(value, int | float):
        if not -MAX_HOURS <= value <= MAX_HOURS:
            raise ValueError(f"must lie within {MAX_HOURS:,.0f} hours of the start")
        return float(value)
    try:
        return _parse_timestamp(value)
    except ValueError:
        raise ValueError(
            f"must be hours from the start, or an ISO date-time, got {shown(value)}"
        ) from None


def iso(value: float | datetime) -> float | str:
    """Return a moment as it is written in a file."""
    return value if isinstance(value, float) else value.strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[
    datetime,
    PlainValidator(_parse_timestamp),
    PlainSerializer(iso, when_used="always"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Moment = Annotated[
    float | datetime,
    PlainValidator(parse_moment),
    PlainSerializer(iso, when_used="always"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}),
]
"""Hours from the horizon's start, or a date-time (UTC where no zone is given)."""


class Span(Protocol):
    """Periods on which a series can be laid: those of a horizon, or of a calendar."""

    @property
    def periods(self) -> int: ...

    def position(self, moment: float | datetime) -> float:
        """Return a moment in periods from the start."""
        ...


class Horizon(Entity):
    """The time span of an instance.

    Attributes
    ----------
    start
        Beginning of period 0 (UTC).
    periods
        How many periods, T.
    period_hours
        Length of each [h].
    zone
        Time zone for printing only.
    """

    start: Timestamp
    periods: Annotated[int, Field(ge=1, le=8784)]
    period_hours: Annotated[float, Field(gt=0, le=744)] = 1.0
    zone: Text = "UTC"

    @property
    def hours(self) -> float:
        """Length of the whole horizon [h]."""
        return self.periods * self.period_hours

    def hours_at(self, moment: float | datetime) -> float:
        """Return a moment as hours from the start [h]; negative before it."""
        if isinstance(moment, datetime):
            return (moment - self.start).total_seconds() / 3600
        return moment

    def position(self, moment: float | datetime) -> float:
        """Return a moment in periods from the start; 2.5 is the middle of period 2."""
        return self.hours_at(moment) / self.period_hours

    def up(self, moment: float | datetime) -> int:
        """Return the first period boundary not before a moment."""
        return periods_up(self.hours_at(moment), self.period_hours)

    def down(self, moment: float | datetime) -> int:
        """Return the last period boundary not after a moment."""
        return periods_down(self.hours_at(moment), self.period_hours)

    def time_of(self, boundary: int) -> datetime:
        """Return the date-time (UTC) of a period boundary."""
        return self.start + timedelta(hours=boundary * self.period_hours)
