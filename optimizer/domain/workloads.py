"""Training workload classes and their measured rates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import ChipCount, Entity, Id, Share, Text

__all__ = ["Goodput", "Rate", "RateAt", "Workload"]

WorkPerHour = Annotated[float, Field(gt=0, le=1e15)]


class Rate(Entity):
    """One measured rate: this many chips of this kind do this much work in an hour.

    Attributes
    ----------
    domain, slice_chips
        The scale-up domain and the slice of it that the measurement used; domain None for pools
        that are only a chip count.
    chips
        Gang size [chips].
    work_per_hour
        Work of the whole gang in an hour, in the workload's unit.
    precision, software
        As measured; software is a release or its date.
    is_assumed
        The value is an estimate; listed in the report.
    """

    chip: Id
    domain: Id | None = None
    slice_chips: ChipCount
    chips: ChipCount
    work_per_hour: WorkPerHour
    precision: Text = ""
    software: Text = ""
    is_assumed: bool = False


class Goodput(Entity):
    """The share of work that survives failures in gangs of at least so many chips."""

    chips: ChipCount
    share: Share


@dataclass(frozen=True, slots=True)
class RateAt:
    """A rate and whether it lies outside the measured rows (or rests on an assumed one)."""

    work_per_hour: float
    is_assumed: bool


class Workload(Entity):
    """A class of training work with its rates.

    Attributes
    ----------
    unit
        What work is counted in, such as billions of tokens.
    min_hbm_gb
        Memory that a chip must have [GB].
    scaling_exponent
        Rate ~ chips ** exponent outside the measured gang sizes.
    rates
        Measured rows; between gang sizes of one (chip, domain, slice) log-log.
    goodput
        Steps by gang size; none means 1.
    """

    name: Text = ""
    unit: Text
    min_hbm_gb: Annotated[float, Field(ge=0, le=100_000)] = 0.0
    scaling_exponent: Annotated[float, Field(gt=0, le=1.2)] = 0.9
    rates: tuple[Rate, ...]
    goodput: tuple[Goodput, ...] = ()

    def rate(self, chip: str, domain: str | None, slice_chips: int, chips: int) -> RateAt | None:
        """Return the work per hour of a gang at full power, goodput included, or None.

        Between two measured gang sizes the logarithm of the rate is linear in that of the size;
        outside it grows with `scaling_exponent` from the nearest row and counts as assumed.
        """
        key = chip, domain, slice_chips, chips
        if key not in self._known:  # every job of the class asks for the same few
            self._known[key] = self._rate(*key)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, str | None, int, int], RateAt | None]:
        return {}

    def _rate(self, chip: str, domain: str | None, slice_chips: int, chips: int) -> RateAt | None:
        rows = sorted(
            (r.chips, r.work_per_hour, r.is_assumed)
            for r in self.rates
            if (r.chip, r.domain, r.slice_chips) == (chip, domain, slice_chips)
        )
        if not rows:
            return None
        below = [r for r in rows if r[0] <= chips]
        above = [r for r in rows if r[0] >= chips]
        if below and above:
            (n0, w0, a0), (n1, w1, a1) = below[-1], above[0]
            share = 0.0 if n0 == n1 else log(chips / n0) / log(n1 / n0)
            found = w0 if n0 == n1 else exp(log(w0) + share * log(w1 / w0))
            is_assumed = a0 or a1
        else:
            n0, w0, _ = below[-1] if below else above[0]
            found, is_assumed = w0 * (chips / n0) ** self.scaling_exponent, True
        kept = [g for g in sorted(self.goodput, key=lambda g: g.chips) if g.chips <= chips]
        return RateAt(found * (kept[-1].share if kept else 1.0), is_assumed)
