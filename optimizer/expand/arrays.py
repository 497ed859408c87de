"""Numeric image of an expansion: what a unit of every order gives, costs and brings, by future.

F futures, T periods, B blocks, S sites, places = (build, site) pairs. Money in USD, power in W,
compute in units. Whole numbers of the integer image are taken over as floats, without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import DISCOUNT, MILLION
from optimizer.domain.growth.scenes import BILLION
from optimizer.expand.engines.records import NEVER, Costs, Given, World
from optimizer.expand.engines.world import factor_rows, make_world, moved_rows, stock_order

if TYPE_CHECKING:
    from optimizer.domain.growth.builds import Store
    from optimizer.domain.growth.image import BuildImage, Growth
    from optimizer.domain.growth.scenes import FutureImage

Floats = NDArray[np.float64]

__all__ = ["Arrays", "Decision", "Flows"]

NANO = 1e-9


@dataclass
class Decision:
    """What is decided: units by (place, period) ordered and given up, and which contracts.

    Attributes
    ----------
    nodes
        What is decided besides where a node of the tree is reached, by its name.
    until
        Where it is to be completed: before that period nothing is added to it.
    """

    orders: dict[tuple[int, int], float] = field(default_factory=dict)
    retired: dict[tuple[int, int], float] = field(default_factory=dict)
    signed: frozenset[int] = frozenset()
    nodes: dict[str, Decision] = field(default_factory=dict)
    until: int = 0


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows of money by (future, period) [USD]: prices of builds (negative), operation, sales."""

    capex: Floats
    running: Floats
    sales: Floats

    @property
    def total(self) -> Floats:
        """All of them."""
        total: Floats = self.capex + self.running + self.sales
        return total


class Arrays:
    """The image for a set of futures."""

    def __init__(self, growth: Growth, futures: tuple[FutureImage, ...]) -> None:
        self.growth, self.futures = growth, futures
        self.places = [(u, s) for u, b in enumerate(growth.builds) for s in b.sites]
        self.F, self.T, self.B = len(futures), growth.periods, len(growth.share_ppm)
        self.odds: Floats = np.array([f.ppb for f in futures]) / BILLION
        self.discount: Floats = np.array([s.discount for s in growth.sites], float) / DISCOUNT
        self.days = np.array(growth.calendar.days, float)
        self.hours: Floats = np.outer(growth.calendar.hours, np.array(growth.share_ppm) / MILLION)
        self.stock_order = stock_order(growth)
        self._prices: dict[tuple[int, str], Floats] = {}
        self._watts: dict[int, Floats] = {}

    @cached_property
    def world(self) -> World:
        """The futures as operation sees them."""
        return make_world(self.growth, self.futures, self.hours)

    def build(self, place: int) -> BuildImage:
        """Return the build of a place."""
        return self.growth.builds[self.places[place][0]]

    def places_of(self, u: int) -> list[int]:
        """Return the places of a build."""
        return [p for p, (v, _) in enumerate(self.places) if v == u]

    @cached_property
    def delays(self) -> NDArray[np.int64]:
        """How late every build comes, shape (F, builds)."""
        return np.array([f.delays for f in self.futures], np.int64).reshape(self.F, -1)

    @cached_property
    def paths(self) -> list[list[int]]:
        """Futures of which the same is learnt to the end: the leaves of the tree."""
        found: dict[tuple[tuple[int, str], ...], list[int]] = {}
        for f, future in enumerate(self.futures):
            found.setdefault(future.nodes, []).append(f)
        return list(found.values())

    @cached_property
    def parts(self) -> list[Arrays]:
        """The arrays of each path; odds are those in the whole."""
        if len(self.paths) == 1:
            return [self]
        return [Arrays(self.growth, tuple(self.futures[f] for f in at)) for at in self.paths]

    def price(self, u: int, what: str) -> Floats:
        """Return the `cost` or `resale` of a unit by (future, period) [nano-USD]."""
        if (u, what) not in self._prices:
            build = self.growth.builds[u]
            driver = build.cost_driver if what == "cost" else build.resale_driver
            row = np.array(build.cost if what == "cost" else build.resale, np.int64)
            factor = factor_rows(self.futures, driver, self.T)
            self._prices[u, what] = moved_rows(row[None], factor).astype(float)
        return self._prices[u, what]

    def ages(self, place: int, period: int) -> NDArray[np.int64]:
        """Return periods in service of an order by (future, period); negative before it comes."""
        u = self.places[place][0]
        arrival = period + self.growth.builds[u].lead + self.delays[:, u]
        ages: NDArray[np.int64] = np.arange(self.T)[None, :] - arrival[:, None]
        return ages

    def serves(self, place: int, period: int) -> Floats:
        """Return 1 where a unit ordered in a period is in service, shape (F, T)."""
        ages, life = self.ages(place, period), self.build(place).life
        there = ages >= 0
        if life is not None:
            there &= ages < life
        return there.astype(float)

    def gives(self, source: int, place: int, period: int) -> Floats:
        """Return what a unit of a power build gives in every block, shape (F, T, B) [W]."""
        row = self.unit_watts(source)
        ages = np.clip(self.ages(place, period), 0, row.shape[0] - 1)
        given: Floats = row[ages] * self.serves(place, period)[:, :, None]
        return given

    def unit_watts(self, source: int) -> Floats:
        """Return what a unit gives by age and block [W]; the last age stands for all after it."""
        if source not in self._watts:
            s, of = self.growth.sources[source], MILLION
            ramp = (*s.ramp_ppm, of)
            rows = [[s.unit_w * r // of * a // of for a in s.availability_ppm] for r in ramp]
            self._watts[source] = np.array(rows, float)
        return self._watts[source]

    @cached_property
    def _sources(self) -> dict[tuple[int, int], int]:
        each = enumerate(self.growth.sources)
        return {(x.build, x.site): j for j, x in each if x.build is not None}

    def source_of(self, place: int) -> int | None:
        """Return the number of the source that a place adds to; None if it is no power."""
        return self._sources.get(self.places[place])

    @cached_property
    def batteries(self) -> list[int]:
        """The numbers of the sources that are batteries with storage."""
        return [j for j, x in enumerate(self.growth.sources) if x.store is not None]

    def store(self, battery: int) -> Store:
        """Return what a unit of a battery stores."""
        store = self.growth.sources[self.batteries[battery]].store
        assert store is not None
        return store

    @cached_property
    def store_shares(self) -> list[tuple[float, float]]:
        """Largest charge, and the most given on average over a day, by W that it can give."""
        each = [(self.store(i), self.growth.sources[j]) for i, j in enumerate(self.batteries)]
        return [(x.in_w / s.unit_w, x.mean_w / s.unit_w) for x, s in each]

    @cached_property
    def _stocks(self) -> dict[tuple[int, int], tuple[int, int]]:
        stocks = [self.growth.stocks[i] for i in self.stock_order]
        return {(u, x.site): (c, n) for c, x in enumerate(stocks) for u, n in x.units}

    def stock_of(self, place: int) -> tuple[int, int] | None:
        """Return the number, in the world, of the stock that a place adds to, and domains a unit.

        None if it is no chips.
        """
        return self._stocks.get(self.places[place])

    # ---- money ----------------------------------------------------------------------------------

    def order_flows(self, place: int, period: int) -> Flows:
        """Return the flows of one unit ordered in a period."""
        u, build = self.places[place][0], self.build(place)
        capex = np.zeros((self.F, self.T))
        cost = self.price(u, "cost")[:, period]
        upfront = np.floor(cost * build.order_ppm / MILLION + 1e-9)
        capex[:, period] -= upfront * NANO
        capex[:, period + build.lead] -= (cost - upfront) * NANO
        running = -self.serves(place, period) * (build.fixed * NANO * self.days / YEAR_DAYS)
        running = running - self._taken_in_any_case(place, period, is_order=True)
        sales = np.zeros((self.F, self.T))
        sales[:, -1] = self._is_left(place, period) * self.price(u, "resale")[:, -1] * NANO
        return Flows(capex, running, sales)

    def retired_flows(self, place: int, period: int) -> Flows:
        """Return the flows of one unit given up in a period, beside those of its order."""
        u, build = self.places[place][0], self.build(place)
        later = (np.arange(self.T) >= period).astype(float)[None, :].repeat(self.F, 0)
        running = later * (build.fixed * NANO * self.days / YEAR_DAYS)
        running = running - self._taken_in_any_case(place, period, is_order=False)
        resale, sales = self.price(u, "resale") * NANO, np.zeros((self.F, self.T))
        sales[:, period] += resale[:, period]
        sales[:, -1] -= resale[:, -1]
        return Flows(np.zeros((self.F, self.T)), running, sales)

    def capital_flows(self, place: int, period: int, *, is_order: bool) -> Floats:
        """Return price, upkeep and resale of a unit ordered, or given up, shape (F, T) [USD]."""
        flows = (self.order_flows if is_order else self.retired_flows)(place, period)
        return flows.total + self._taken_in_any_case(place, period, is_order=is_order)

    def _is_left(self, place: int, period: int) -> Floats:
        """Return 1 for futures in which a unit has not ended by itself before T."""
        u, life = self.places[place][0], self.build(place).life
        if life is None:
            return np.ones(self.F)
        end = period + self.build(place).lead + self.delays[:, u] + life
        left: Floats = (end >= self.T).astype(float)
        return left

    def _taken_in_any_case(self, place: int, period: int, *, is_order: bool) -> Floats:
        """Return what a unit ordered adds to energy paid in any case, or one given up takes off."""
        source = self.source_of(place)
        if source is None:
            return np.zeros((self.F, self.T))
        if is_order:
            return self._taken(source, self.gives(source, place, period))
        later = (np.arange(self.T) >= period).astype(float)[None, :, None].repeat(self.F, 0)
        return -self._taken(source, self.unit_watts(source)[-1] * later)

    def _taken(self, source: int, watts: Floats) -> Floats:
        """Return what is paid in any case for a source that gives so much, shape (F, T)."""
        taken = np.floor(watts * self.world.take[source] + 1e-6)
        paid = taken * self.world.price[:, :, :, source] * self.hours[None]
        total: Floats = paid.sum(2)
        return total

    def contract_flows(self, i: int) -> Flows:
        """Return what a signed contract flows whatever is delivered, penalties for all of it."""
        c = self.growth.contracts[i]
        running, sales = np.zeros((self.F, self.T)), np.zeros((self.F, self.T))
        full, penalty = self.full_rent(i)
        paid = c.prepaid_ppm / MILLION
        sales[:, c.signing] += paid * full.sum()
        for f, future in enumerate(self.futures):
            end = min(c.end, future.defaults[i])
            span = slice(c.first, max(c.first, end))
            running[f, span] -= paid * full[span] + penalty[span]
            if future.defaults[i] < self.T:
                rest = full[max(c.first, future.defaults[i]) : c.end].sum()
                sales[f, future.defaults[i]] += c.backstop_ppm / MILLION * (1 - paid) * rest
        return Flows(np.zeros((self.F, self.T)), running, sales)

    def full_rent(self, i: int) -> tuple[Floats, Floats]:
        """Return rent, and penalty, for all that is contracted, by period [USD]."""
        c = self.growth.contracts[i]
        span = (np.arange(self.T) >= c.first) & (np.arange(self.T) < c.end)
        time = self.days / YEAR_DAYS if c.is_lease else self.days * 24
        rent = np.array(c.rent, float) * NANO * c.amount / MILLION * time
        return rent * span, c.penalty * NANO * c.amount / MILLION * time * span

    @cached_property
    def user_costs(self) -> Costs:
        """What it costs to have power and halls in a period instead of from the next one on.

        Jorgenson's user cost of capital: of what is ordered a period sooner, expected, with
        resale; for power also its energy. Of several kinds at a site, the cheapest.
        """
        power, hall = (np.full((self.F, self.T, len(self.growth.sites)), NEVER) for _ in range(2))
        hours = self.hours.sum(1)
        for p, (u, s) in enumerate(self.places):
            source, build = self.source_of(p), self.build(p)
            if build.chip is not None or build.last < build.first:
                continue
            if source is not None and self.growth.sources[source].store is not None:
                continue  # has no energy of its own
            watts = build.hall_w if source is None else self.unit_watts(source)[-1].mean()
            orders = range(build.first, build.last + 1)
            flows = [self.order_flows(p, o).total @ self.discount[s] for o in orders]
            price = np.append(-(np.array(flows) @ self.odds), 0.0)
            sooner = np.maximum(0.0, price[:-1] - price[1:]) / max(float(watts), 1.0)
            start, end = build.first + build.lead, build.last + build.lead
            each = np.zeros(self.T)
            of = self.discount[s] * hours
            each[start:end] = sooner[:-1] / of[start:end]
            each[end:] = sooner[-1] / of[end:].sum()
            cost = np.repeat(each[None], self.F, 0)
            if source is not None:
                energy = (self.world.price[:, :, :, source] * self.hours).sum(2) / hours
                cost = cost + energy + self.world.carbon[:, source]
            late = np.arange(self.T) < (start + self.delays[:, u])[:, None]
            into = hall if source is None else power
            into[:, :, s] = np.minimum(into[:, :, s], np.where(late, NEVER, cost))
        return Costs(power, hall)

    def world_of(self, f: int) -> World:
        """Return the world of one future."""
        w = self.world
        return w._replace(
            price=w.price[f : f + 1],
            permit_w=w.permit_w[f : f + 1],
            volume=w.volume[f : f + 1],
            worth=w.worth[f : f + 1],
            order=w.order[f : f + 1],
            lease_w=w.lease_w[f : f + 1],
        )

    # ---- capacities -----------------------------------------------------------------------------

    def capacities(self, decision: Decision) -> tuple[World, Given]:
        """Return what stands in every future, and the demand with the contracts that are signed."""
        growth, F, T, B = self.growth, self.F, self.T, self.B
        stocks = [growth.stocks[i].there for i in self.stock_order]
        stock = np.repeat(np.array(stocks, float).reshape(-1, T).T[None], F, 0)
        hall = np.repeat(np.array([s.hall_w for s in growth.sites], float).T[None], F, 0)
        cap = np.repeat(np.array([s.there_w for s in growth.sources], float).reshape(-1, T), B, 0)
        cap = np.repeat(cap.reshape(-1, B, T).transpose(2, 1, 0)[None], F, 0)
        for p in sorted({p for p, _ in (*decision.orders, *decision.retired)}):
            source = self.source_of(p)
            if source is None:
                self._add(p, self._stands(p, decision, np.ones((1, 1)))[:, :, 0], stock, hall)
            else:
                cap[:, :, :, source] += self._stands(p, decision, self.unit_watts(source))
        charge = np.zeros((F, T, B, len(growth.sites)))
        return self.signed(decision.signed), Given(stock, hall, cap, charge)

    def _stands(self, place: int, decision: Decision, by_age: Floats) -> Floats:
        """Return what units of a place add up to, shape (F, T, columns of by_age).

        by_age: what a unit is or gives by age; the last age stands for all after it.
        """
        build, late = self.build(place), self.delays[:, self.places[place][0]]
        delays, future = np.unique(late, return_inverse=True)
        rows = np.zeros((len(delays), self.T, by_age.shape[1]))
        for (p, t), units in decision.orders.items():
            for row, delay in zip(rows, delays.tolist() if p == place else (), strict=False):
                come = t + build.lead + delay
                end = self.T if build.life is None else min(self.T, come + build.life)
                ages = np.minimum(np.arange(max(0, end - come)), len(by_age) - 1)
                row[come:end] += units * by_age[ages]
        for (p, t), units in decision.retired.items():
            if p == place:
                rows[:, t:] -= units * by_age[-1]
        found: Floats = rows[future]
        return found

    def _add(self, place: int, units: Floats, stock: Floats, hall: Floats) -> None:
        u, s = self.places[place]
        hall[:, :, s] += units * self.growth.builds[u].hall_w
        of = self.stock_of(place)
        if of is not None:
            stock[:, :, of[0]] += units * of[1]

    def signed(self, signed: frozenset[int]) -> World:
        """Return the world in which these contracts, and no others, are to be served."""
        volume, lease = self.world.volume.copy(), self.world.lease_w.copy()
        for k, i in enumerate(self.growth.clouds, len(self.growth.segments)):
            if i not in signed:
                volume[:, :, :, k] = 0.0
        for x, i in enumerate(self.growth.leases):
            if i not in signed:
                lease[:, :, x] = 0.0
        return self.world._replace(volume=volume, lease_w=lease)
