"""Sizes and durations of generated jobs: heavy tails, scaled to the load that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from instances.demand import Demand
    from instances.fleet import FleetPool

__all__ = ["LONGEST_REST", "Draft", "draw_drafts"]

LARGEST_SCALE = 1e9
"""At this scale every gang has the size that its limits allow."""

LARGEST_GANG = 0.45
"""No gang takes more than this share of its pool, so that large jobs can share it."""

WHOLE_SLICES = 0.65
"""Share of the gangs of several domains that take them whole; the others take large slices."""

SECOND_TO_LARGEST = 0.8
"""No other job has more chip-hours than this share of the smallest large one."""

LONGEST_REST, LONGEST_LARGE = 0.55, 0.6
"""Longest jobs, as shares of the horizon."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A job's size: a gang of `slices` x `slice_chips` in its home pool for so many hours.

    One that does not grow stays a single slice, smaller than a domain.
    """

    kind: Literal["running", "large", "rest"]
    pool: FleetPool
    slice_chips: int
    slices: int
    hours: float
    grows: bool = True

    @property
    def chips(self) -> int:
        """Chips of the gang."""
        return self.slice_chips * self.slices

    @property
    def chip_hours(self) -> float:
        """Chip-hours of the whole run."""
        return self.chips * self.hours


def draw_drafts(
    rng: np.random.Generator, demand: Demand, fleet: Sequence[FleetPool], horizon_hours: float
) -> list[Draft]:
    """Return drafts of all jobs: running ones, large ones, the rest."""
    chips = sum(pool.chips for pool in fleet)
    total = demand.load * chips * horizon_hours
    running = _running(rng, demand, fleet, horizon_hours)
    large = _large(rng, demand, fleet, total * demand.largest_share, horizon_hours)
    left = total - sum(d.chip_hours for d in running + large)
    count = demand.jobs - len(running) - len(large)
    most = SECOND_TO_LARGEST * min((d.chip_hours for d in large), default=total)
    drafts = [_one(rng, demand, _pick(rng, fleet)) for _ in range(count)]
    hours, tail = _hours_and_sizes(rng, demand, count, LONGEST_REST * horizon_hours)
    rest = [replace(d, hours=h) for d, h in zip(drafts, hours.tolist(), strict=True)]
    shares = rng.uniform(*demand.largest_rest, count)
    return running + large + _scaled(_Scale(rest, tail, shares, most, "chip_hours"), left)


def _pick(rng: np.random.Generator, fleet: Sequence[FleetPool], least: float = 0.0) -> FleetPool:
    """Return a pool, drawn by its chips, among those that hold a gang of `least` chips."""
    able = [p for p in fleet if p.chips * LARGEST_GANG >= least]
    able = able or [max(fleet, key=lambda p: p.chips)]
    weights = np.array([p.chips for p in able], float)
    return able[int(rng.choice(len(able), p=weights / weights.sum()))]


def _hours_and_sizes(
    rng: np.random.Generator, demand: Demand, count: int, longest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return durations [h], at least an hour and a half, and sizes of median 1, both log-normal."""
    long = _planned(rng, demand, count)
    together = demand.hours_with_size
    wide = together * long + (1 - together**2) ** 0.5 * rng.standard_normal(count)
    # exp of math, not of numpy: the same on every processor
    hours = [demand.hours * exp(x) for x in (demand.hours_spread * long).tolist()]
    hours = [round(min(max(h, 1.5), longest), 1) for h in hours]
    sizes = [exp(x) for x in (demand.size_spread * wide).tolist()]
    return np.array(hours, np.float64), np.array(sizes, np.float64)


def _planned(rng: np.random.Generator, demand: Demand, count: int) -> NDArray[np.float64]:
    """Return logarithms of durations, as deviations from that of the median; planned jobs only."""
    if not demand.planned_hours:
        return rng.standard_normal(count)
    least = log(demand.planned_hours / demand.hours) / demand.hours_spread
    drawn = np.zeros(0)
    while len(drawn) < count:
        some = rng.standard_normal(8 * count)
        drawn = np.append(drawn, some[some >= least])
    return drawn[:count]


def _one(rng: np.random.Generator, demand: Demand, pool: FleetPool) -> Draft:
    """Return a draft of one slice; those of a whole or a large slice are multiplied later."""
    partial = [s for s in pool.sizes if s < pool.domain_chips]
    if partial and rng.random() < demand.small:
        return Draft("rest", pool, int(rng.choice(partial)), 1, 1.0, grows=False)
    large = [s for s in partial if 2 * s >= pool.domain_chips > 16]
    large = [] if pool.domain in demand.whole_domains else large
    if large and rng.random() > WHOLE_SLICES:
        return Draft("rest", pool, int(rng.choice(large)), 1, 1.0)
    return Draft("rest", pool, pool.domain_chips, 1, 1.0)


def _large(
    rng: np.random.Generator,
    demand: Demand,
    fleet: Sequence[FleetPool],
    chip_hours: float,
    horizon_hours: float,
) -> list[Draft]:
    """Return the large jobs: long runs on whole domains, of about equal chip-hours."""
    shares = rng.uniform(0.8, 1.2, demand.largest)
    found = []
    for wanted in (chip_hours * shares / max(shares.sum(), 1e-9)).tolist():
        hours = horizon_hours * rng.uniform(0.35, LONGEST_LARGE)
        pool = _pick(rng, fleet, wanted / hours)
        slices = round(wanted / hours / pool.domain_chips)
        slices = max(1, min(slices, int(LARGEST_GANG * pool.domains)))
        hours = min(wanted / (slices * pool.domain_chips), 0.9 * horizon_hours)
        found.append(Draft("large", pool, pool.domain_chips, slices, round(hours, 1)))
    return found


def _running(
    rng: np.random.Generator, demand: Demand, fleet: Sequence[FleetPool], horizon_hours: float
) -> list[Draft]:
    """Return what runs already; hours are those that are left."""
    drafts: list[Draft] = []
    for pool in fleet if demand.running else ():
        count = round(demand.running * pool.chips / sum(p.chips for p in fleet))
        some = [replace(_one(rng, demand, pool), kind="running") for _ in range(count)]
        few = demand.least_running - sum(d.grows for d in some)
        some += [Draft("running", pool, pool.domain_chips, 1, 1.0)] * few
        count = len(some)
        hours, tail = _hours_and_sizes(rng, demand, count, horizon_hours / 2)
        some = [replace(d, hours=float(np.ceil(h))) for d, h in zip(some, hours, strict=True)]
        chips = demand.running_share * pool.chips
        shares = np.full(count, demand.largest_rest[1])
        scale = _Scale(some, tail, shares, chips / 3, "chips")
        # too few to fill their share: they are as large as they may be
        are_few = not demand.least_running and scale.sum_at(LARGEST_SCALE) <= chips
        drafts += scale.at(LARGEST_SCALE) if are_few else _scaled(scale, chips)
    return drafts


@dataclass(frozen=True)
class _Scale:
    """Drafts whose slices are in proportion to their tail, within limits.

    Attributes
    ----------
    tail : (N,) float64
        Size of each gang in domains at scale 1.
    shares : (N,) float64
        Largest share of its pool that each may take.
    most, what
        None has more than `most` chips or chip-hours.
    """

    drafts: Sequence[Draft]
    tail: NDArray[np.float64]
    shares: NDArray[np.float64]
    most: float
    what: Literal["chips", "chip_hours"]

    def at(self, scale: float) -> list[Draft]:
        """Return the drafts at a scale."""
        slices = self._slices(scale).tolist()
        return [replace(d, slices=n) for d, n in zip(self.drafts, slices, strict=True)]

    def sum_at(self, scale: float) -> float:
        """Return the chips or chip-hours of all drafts at a scale."""
        held: NDArray[Any] = self._slices(scale) * self._slice_chips
        if self.what == "chip_hours":
            held = held * self._hours
        return float(np.cumsum(held)[-1]) if len(held) else 0.0  # one by one: the same everywhere

    def _slices(self, scale: float) -> NDArray[np.int64]:
        """Return the slices of every draft at a scale, (N,)."""
        grown = np.maximum(1, np.minimum(scale * self.tail, self._limit).astype(np.int64))
        return np.where(self._grows, grown, self._own)

    @cached_property
    def _own(self) -> NDArray[np.int64]:
        return np.array([d.slices for d in self.drafts], np.int64)

    @cached_property
    def _grows(self) -> NDArray[np.bool_]:
        return np.array([d.grows for d in self.drafts], bool)

    @cached_property
    def _slice_chips(self) -> NDArray[np.int64]:
        return np.array([d.slice_chips for d in self.drafts], np.int64)

    @cached_property
    def _hours(self) -> NDArray[np.float64]:
        return np.array([d.hours for d in self.drafts], np.float64)

    @cached_property
    def _limit(self) -> NDArray[np.float64]:
        limit = self.most / np.array([getattr(d, self.what) for d in self.drafts], np.float64)
        return np.minimum(limit, self.shares * [d.pool.domains for d in self.drafts])


def _scaled(scale: _Scale, total: float) -> list[Draft]:
    """Return drafts at the scale that reaches `total`.

    Where the shares of their pools do not allow it, they may take larger ones.

    Raises
    ------
    InstanceError
        If they cannot reach `total`.
    """
    while scale.sum_at(LARGEST_SCALE) < total and scale.shares.min(initial=1.0) < LARGEST_GANG:
        scale = replace(scale, shares=np.minimum(1.25 * scale.shares, LARGEST_GANG))
    if scale.sum_at(LARGEST_SCALE) < 0.97 * total:
        few = f"{len(scale.drafts)} jobs are too few for {total:,.0f} {scale.what}"
        raise InstanceError([f"demand: {few}; give more jobs or less load"])
    low, high = 1e-3, LARGEST_SCALE
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if scale.sum_at(middle) < total else (low, middle)
    return scale.at(high)
