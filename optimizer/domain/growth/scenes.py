"""Futures as whole numbers: those that are named, and those that are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import erfc, exp, floor, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.growth.prices import MILLION, Row, ppm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.growth.builds import Delay
    from optimizer.domain.growth.calendar import Calendar
    from optimizer.domain.growth.contracts import Customer
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.growth.futures import Driver

__all__ = [
    "BILLION", "JOINT", "NO_NEWS", "FutureImage", "as_planned", "drawn_futures", "futures_of",
]  # fmt: skip

BILLION = 1_000_000_000

JOINT = " / "
"""What joins the labels of what has been learnt to the name of a node of the tree."""

NO_NEWS = "no news"
"""The label of those futures of a node of which nothing is learnt when it is of others."""

TENTH = 1.2815515655446004
"""The normal quantile at nine tenths."""


@dataclass(frozen=True, slots=True)
class FutureImage:
    """A future: its probability [billionths], factors by driver [millionths], delays, defaults.

    Attributes
    ----------
    factors
        Drivers that are not at 1 throughout.
    delays
        Periods by build.
    defaults
        First period without pay by contract; T where the customer pays to the end.
    nodes
        Since which period it is at which node of the tree: the labels of all that has been learnt,
        `NO_NEWS` where something was learnt of other futures at its node, and not of it.
    """

    name: str
    ppb: int
    factors: dict[str, Row] = field(hash=False)
    delays: Row
    defaults: Row
    nodes: tuple[tuple[int, str], ...] = ()

    def node(self, t: int) -> str:
        """Return the name of its node in a period; empty while nothing has been learnt."""
        return next((name for since, name in reversed(self.nodes) if since <= t), "")

    def factor(self, driver: str | None, t: int) -> int:
        """Return a driver's factor in a period [millionths]."""
        row = None if driver is None else self.factors.get(driver)
        return MILLION if row is None else row[t]


def futures_of(expand: Expand, calendar: Calendar) -> tuple[FutureImage, ...]:
    """Return the named futures; where there are none, the one in which all goes as planned."""
    if not expand.futures:
        return (as_planned(len(expand.builds), len(expand.contracts), calendar.periods),)
    odds = [round(f.probability * BILLION) for f in expand.futures.values()]
    odds[-1] = BILLION - sum(odds[:-1])
    told = [[(calendar.up(r.at), r.label) for r in f.reveals] for f in expand.futures.values()]
    return tuple(
        FutureImage(
            name,
            p,
            {
                driver: tuple(ppm(x) for x in series.over(calendar, "mean"))
                for driver, series in future.drivers.items()
            },
            tuple(future.delays.get(build, 0) for build in expand.builds),
            tuple(
                max(0, min(calendar.periods, calendar.down(future.defaults[c])))
                if c in future.defaults
                else calendar.periods
                for c in expand.contracts
            ),
            nodes,
        )
        for (name, future), p, nodes in zip(
            expand.futures.items(), odds, _nodes_of(told), strict=True
        )
    )


def _nodes_of(told: Sequence[Sequence[tuple[int, str]]]) -> list[tuple[tuple[int, str], ...]]:
    """Return the nodes of every future, given since when it has which labels.

    Whenever something is learnt at a node, all its futures go to nodes below it: so every leaf has
    a name, and what is decided in its futures alone can be said.
    """
    found: list[list[tuple[int, str]]] = [[] for _ in told]
    left = [("", 0, list(range(len(told))))]
    while left:
        name, count, futures = left.pop()
        coming = {f: told[f][count] for f in futures if count < len(told[f])}
        if not coming:
            continue
        since = min(t for t, _ in coming.values())
        parts: dict[str, list[int]] = {}
        for f in futures:
            is_told = f in coming and coming[f][0] == since
            parts.setdefault(coming[f][1] if is_told else NO_NEWS, []).append(f)
        for label, part in parts.items():
            node = f"{name}{JOINT}{label}" if name else label
            for f in part:
                found[f].append((since, node))
            left.append((node, count + (label != NO_NEWS), part))
    return [tuple(nodes) for nodes in found]


def as_planned(builds: int, contracts: int, periods: int) -> FutureImage:
    """Return the future in which nothing is late, nobody defaults and no driver moves."""
    return FutureImage("as planned", BILLION, {}, (0,) * builds, (periods,) * contracts)


def drawn_futures(
    expand: Expand, calendar: Calendar, count: int, seed: int
) -> tuple[FutureImage, ...]:
    """Return futures drawn from the ranges of drivers, delays of builds and credit of customers.

    A driver's factor goes from 1 at the start to what is drawn for the end of the horizon, by the
    same ratio in every period. Same count and seed: same futures.

    Parameters
    ----------
    count
        How many, all equally likely up to a billionth.

    References
    ----------
    Defaults by one normal factor: Li 2000, On Default Correlation: A Copula Function Approach.
    """
    rng = np.random.default_rng(seed)
    builds, contracts = list(expand.builds.values()), list(expand.contracts.values())
    market = rng.standard_normal(count)
    own = rng.standard_normal((count, len(expand.drivers)))
    luck = rng.random((count, len(builds)))
    credit = rng.standard_normal((count, len(expand.customers)))
    found = []
    for i in range(count):
        factors = {
            name: _path(driver, float(market[i]), float(own[i, d]), calendar)
            for d, (name, driver) in enumerate(expand.drivers.items())
        }
        delays = tuple(_delay(b.delays, float(luck[i, j])) for j, b in enumerate(builds))
        ends = {
            name: _default(customer, float(market[i]), float(credit[i, c]), calendar)
            for c, (name, customer) in enumerate(expand.customers.items())
        }
        stops = tuple(ends.get(x.customer or "", calendar.periods) for x in contracts)
        p = BILLION * (i + 1) // count - BILLION * i // count
        found.append(FutureImage(f"drawn-{seed}-{i}", p, factors, delays, stops))
    return tuple(found)


def _path(driver: Driver, market: float, own: float, calendar: Calendar) -> Row:
    """Return the factors of a driver [millionths]."""
    z = (driver.market * market + (1 - driver.market**2) ** 0.5 * own) / TENTH
    end = z * (log(driver.high) if z > 0 else -log(driver.low))
    steps = range(1, calendar.periods + 1)
    return tuple(ppm(exp(end * t / calendar.periods)) for t in steps)


def _default(customer: Customer, market: float, own: float, calendar: Calendar) -> int:
    """Return the first period without pay: the earlier the worse the draws; T for none."""
    z = customer.market * market + sqrt(1 - customer.market**2) * own
    lasts = erfc(z / sqrt(2)) / 2  # the probability that it pays longer
    if customer.default_per_year == 0 or lasts == 0:
        return calendar.periods
    years = log(lasts) / log(1 - customer.default_per_year)
    return min(calendar.periods, floor(years * 12 / calendar.months))


def _delay(delays: tuple[Delay, ...], luck: float) -> int:
    """Return the delay that a number from 0 to 1 stands for."""
    for each in delays:
        luck -= each.probability
        if luck < 0:
            return each.periods
    return 0
