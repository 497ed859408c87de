"""Phases: runs of periods in which nothing that a fleet depends on changes.

A plan of `mix` says one thing for each phase, so a horizon of 60 months in which nothing changes
costs no more than one month.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.domain.fleet.mix import Mix
    from optimizer.domain.instance import Instance

__all__ = ["YEAR_HOURS", "Phase", "discount_at", "phases"]

YEAR_HOURS = 8760.0
"""Length of a year of cash and of discounting [h]."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Periods [first, end) that are alike.

    Attributes
    ----------
    hours
        Their length [h].
    year
        The year of the horizon (0, 1, ...) in which the phase begins.
    discount
        Mean weight of money in it, at most 1.
    """

    first: int
    end: int
    hours: float
    year: int
    discount: float


def discount_at(rate_per_year: float, hours: float) -> float:
    """Return the weight of money paid so many hours after the start."""
    return float((1 + rate_per_year) ** (-hours / YEAR_HOURS))


def phases(instance: Instance, mix: Mix) -> tuple[Phase, ...]:
    """Return the phases of an instance, in order of time."""
    h = instance.horizon
    length = h.period_hours
    edges = {0, h.periods}
    for offer in mix.offers.values():
        edges |= {t for t in offer.periods(h) if t < h.periods}
    for row in _rows(instance, mix):
        edges |= {int(t) + 1 for t in np.flatnonzero(np.diff(row))}
    out = []
    for first, end in pairwise(sorted(edges)):
        middles = ((t + 0.5) * length for t in range(first, end))
        weights = [discount_at(mix.discount_rate_per_year, x) for x in middles]
        hours, mean = (end - first) * length, sum(weights) / (end - first)
        out.append(Phase(first, end, hours, year_of(first * length), mean))
    return tuple(out)


def year_of(hours: float) -> int:
    """Return the year of the horizon in which a moment lies [h from the start]."""
    return int(hours / YEAR_HOURS + 1e-9)


def _rows(instance: Instance, mix: Mix) -> Iterator[NDArray[np.float64] | NDArray[np.int64]]:
    """Yield everything that may change over time, shape (T,)."""
    h = instance.horizon
    if mix.yearly_cash_usd is not None:
        yield np.array([year_of(t * h.period_hours) for t in range(h.periods)], np.int64)
    for site in instance.sites.values():
        yield site.pue_milli(h)
        yield site.other_w(h)
        for supply in site.supplies.values():
            yield supply.cap_w(h)
            yield supply.cost_nano(h, instance.carbon_usd_per_kg)
    for pool in instance.pools.values():
        yield pool.present(h)
    for demand in mix.demand.values():
        if demand.work_per_month is not None:
            yield demand.work_per_month.over(h, "mean")
    if mix.power_mw is not None:
        yield mix.power_mw.over(h, "min")
    for series in mix.supply_chips.values():
        yield series.over(h, "min")
