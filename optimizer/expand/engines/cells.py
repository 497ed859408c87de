"""Operation of one future, period and block as columns and rows of a model.

Sets        at a site: kinds c, parts of sources j; demands k, tenants x
Variables   run[c] MW of IT on a kind, gen[j] MW at the meter, serve[k,s] thousands of units,
            let[x] MW of IT to tenants, free[j] MW for them
Objective   hours x (worth serve + worth let - cost gen), told to whoever adds it up
            charge[i] MW into a battery with storage
Rules       power, hall, permit, demand, and over all blocks of a period storage: the `add_*` below
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.columns import terms_of
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.model import Affine

if TYPE_CHECKING:
    from optimizer.expand.engines.records import World

Floats = NDArray[np.float64]

__all__ = ["Cell", "Earned", "Scene", "add_storage"]

MEGA = 1e-6
"""W in MW."""

THOUSAND = 1e-3
"""Units of compute in thousands of units."""

Earned = Callable[[int, int, int, float], None]
"""Told site, period, column and what a unit of it brings [MUSD]."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A future, or the mean of some: a world of its own, and what stands in it on average.

    Attributes
    ----------
    world
        Of that one future: the first axis of its arrays is 1.
    futures, odds
        Of which it is the mean, and how much of it each is.
    """

    world: World
    futures: tuple[int, ...]
    odds: tuple[float, ...]


class Cell:
    """Operation of a scene in one period and block; earned is told what a column brings."""

    def __init__(
        self, first: FirstStage, scene: Scene, name: str, t: int, b: int, earned: Earned
    ) -> None:
        self.first, self.scene, self.t, self.b, self.earned = first, scene, t, b, earned
        self.model, self.arrays, self.world = first.model, first.arrays, scene.world
        self.name, self.at = name, f"{name}_{t}_{b}"
        self.hours = float(self.world.hours[t, b])
        self.charge: dict[int, int] = {}
        self.out: dict[int, list[int]] = {}

    def add(self) -> None:
        """Add all columns and rows of the cell."""
        growth = self.arrays.growth
        made = [Affine() for _ in growth.sites]
        for s in range(len(growth.sites)):
            it = self.add_kinds(s, made[s])
            let = self._tenants(s)
            self.add_hall(s, it, let)
            self.add_power(s, it, let)
        self.add_demand(made)

    def earns(self, site: int, column: int, usd_per_hour: float) -> None:
        """Book what a column brings in an hour."""
        self.earned(site, self.t, column, usd_per_hour * self.hours * MUSD)

    def _stands(self, place: int, by_age: Sequence[float]) -> Affine:
        """Return what units in service add up to on average, by what a unit gives by age."""
        share: dict[int, float] = {}
        u = self.arrays.places[place][0]
        for f, odds in zip(self.scene.futures, self.scene.odds, strict=True):
            late = int(self.arrays.delays[f, u])
            share[late] = share.get(late, 0.0) + odds
        terms = [
            (period, factor * odds)
            for late, odds in share.items()
            for period, factor in terms_of(self.arrays, place, by_age, late, self.t)
        ]
        return self.first.stands(place, terms, self.t, by_age[-1])

    def add_kinds(self, s: int, made: Affine) -> list[int]:
        """run[c] <= draw x domains in service; return the columns of the MW that run."""
        found = []
        for position in range(self.world.stock_ptr[s], self.world.stock_ptr[s + 1]):
            stock = self.arrays.growth.stocks[self.arrays.stock_order[position]]
            there = Affine(stock.there[self.t] * stock.draw_w * MEGA)
            for p in range(len(self.arrays.places)):
                of = self.arrays.stock_of(p)
                if of is not None and of[0] == position:
                    there.plus(self._stands(p, [of[1] * stock.draw_w * MEGA]))
            if not there.factors and not there.constant:
                continue
            run = self.model.column(f"run_{self.at}_{position}")
            self.model.at_least(f"there_{self.at}_{position}", there.add(run, -1.0))
            per = stock.micro / 1e6 / (stock.draw_w * MEGA) * THOUSAND
            made.add(run, per)
            found.append(run)
        return found

    def add_hall(self, s: int, it: list[int], let: list[int]) -> None:
        """sum run + sum let <= halls."""
        growth = self.arrays.growth
        room = Affine(growth.sites[s].hall_w[self.t] * MEGA)
        for p, (u, site) in enumerate(self.arrays.places):
            if site == s and growth.builds[u].hall_w:
                room.plus(self._stands(p, [growth.builds[u].hall_w * MEGA]))
        for column in (*it, *let):
            room.add(column, -1.0)
        if it or let:
            self.model.at_least(f"hall_{self.at}_{s}", room)

    def _tenants(self, s: int) -> list[int]:
        """Return the columns of the MW let at a site, each at most what is signed."""
        found = []
        for x, i in enumerate(self.arrays.growth.leases):
            watts = float(self.world.lease_w[0, self.t, x])
            if self.world.lease_site[x] == s and watts:
                let = self.model.column(f"let_{self.at}_{x}")
                signed = Affine().add(let, 1.0).add(self.first.signed[i], -watts * MEGA)
                self.model.at_most(f"let_{self.at}_{x}", signed)
                self.earns(s, let, float(self.world.lease_worth[self.t, x]) / MEGA)
                found.append(let)
        return found

    def add_power(self, s: int, it: list[int], let: list[int]) -> None:
        """pue sum run + other + charge <= sum gen; pue sum let <= sum free; both <= caps."""
        pue = float(self.world.pue[self.t, s])
        own = Affine(float(self.world.other[self.t, s]) * MEGA)
        for run in it:
            own.add(run, pue)
        theirs = Affine()
        for column in let:
            theirs.add(column, pue)
        permits: dict[int, Affine] = {}
        for j in range(self.world.source_ptr[s], self.world.source_ptr[s + 1]):
            each = self._source(j, s, has_tenants=bool(let))
            if each and self.arrays.growth.sources[j].store is not None:
                self.charge[j] = self.model.column(f"charge_{self.at}_{j}")
                self.out[j] = [gen for gen, _ in each]
                own.add(self.charge[j], 1.0)
            for gen, is_own in each:
                (own if is_own else theirs).add(gen, -1.0)
                permit = int(self.world.permit[j])
                if permit >= 0:
                    permits.setdefault(permit, Affine()).add(gen, 1.0)
        self.model.at_most(f"power_{self.at}_{s}", own)
        if let:
            self.model.at_most(f"let_power_{self.at}_{s}", theirs)
        self.add_permit(s, permits)

    def add_permit(self, s: int, given: dict[int, Affine]) -> None:
        """sum of what sources of a permit give <= permit."""
        for permit, total in given.items():
            cap = float(self.world.permit_w[0, self.t, permit]) * MEGA
            self.model.at_most(f"permit_{self.at}_{s}_{permit}", total, cap)

    def cap(self, j: int) -> Affine:
        """Return what a source can give [W]."""
        cap = Affine(self.arrays.growth.sources[j].there_w[self.t])
        for p in range(len(self.arrays.places)):
            if self.arrays.source_of(p) == j:
                cap.plus(self._stands(p, self.arrays.unit_watts(j)[:, self.b].tolist()))
        return cap

    def _source(self, j: int, s: int, *, has_tenants: bool) -> list[tuple[int, bool]]:
        """Return the columns of a source: (column, is for the site's own load)."""
        t, cap = self.t, self.cap(j)
        if not cap.factors and not cap.constant:
            return []
        found = []
        price = float(self.world.price[0, t, self.b, j])
        take = float(self.world.take[j])
        for part, share in enumerate((take, 1.0 - take)):
            if share > 0:
                gen = self.model.column(f"gen_{self.at}_{j}_{part}")
                cost = float(self.world.carbon[t, j]) + (price if part else 0.0)
                self.earns(s, gen, -cost / MEGA)
                limit = Affine().plus(cap, share * MEGA).add(gen, -1.0)
                found.append((gen, True))
                if has_tenants:
                    free = self.model.column(f"free_{self.at}_{j}_{part}")
                    limit.add(free, -1.0)
                    found.append((free, False))
                self.model.at_least(f"cap_{self.at}_{j}_{part}", limit)
        return found

    def add_demand(self, made: list[Affine]) -> None:
        """sum_s serve[k,s] <= volume (x signed); sum_k serve[k,s] <= what runs there makes."""
        growth = self.arrays.growth
        clouds = growth.clouds
        for k in range(self.world.worth.shape[2]):
            volume = float(self.world.volume[0, self.t, self.b, k]) * THOUSAND
            if not volume:
                continue
            served = Affine()
            for s in range(len(made)):
                if self.world.may[k, s] and (made[s].factors or made[s].constant):
                    serve = self.model.column(f"serve_{self.at}_{k}_{s}")
                    self.earns(s, serve, float(self.world.worth[0, self.t, k]) / THOUSAND)
                    served.add(serve, 1.0)
                    made[s].add(serve, -1.0)
            if k >= len(growth.segments):
                column = self.first.signed[clouds[k - len(growth.segments)]]
                self.model.at_most(f"demand_{self.at}_{k}", served.add(column, -volume))
            else:
                self.model.at_most(f"demand_{self.at}_{k}", served, volume)
        for s, compute in enumerate(made):
            self.model.at_least(f"made_{self.at}_{s}", compute)


def add_storage(cells: Sequence[Cell]) -> None:
    """Charge <= its cap; sum hours out <= keep sum hours charge; its mean <= that of a day.

    cells: those of all blocks of a period.
    """
    for i, j in enumerate(cells[0].arrays.batteries):
        here = [cell for cell in cells if j in cell.charge]
        if not here:
            continue
        first, store = here[0], here[0].arrays.store(i)
        taken, mean = first.arrays.store_shares[i]
        total = sum(float(cell.hours) for cell in cells)
        given, kept = Affine(), Affine()
        for cell in here:
            for column in cell.out[j]:
                given.add(column, cell.hours / total)
            kept.add(cell.charge[j], cell.hours / total * store.efficiency_ppm / 1e6)
            most = Affine().plus(cell.cap(j), taken * MEGA).add(cell.charge[j], -1.0)
            cell.model.at_least(f"storage_in_{cell.at}_{j}", most)
        name = f"{first.name}_{first.t}_{j}"
        first.model.at_least(f"storage_{name}", kept.plus(given, -1.0))
        most = Affine().plus(first.cap(j), mean * MEGA).plus(given, -1.0)
        first.model.at_least(f"storage_day_{name}", most)
