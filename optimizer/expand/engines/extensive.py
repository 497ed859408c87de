"""The extensive form: first stage and operation of every future, period and block in one model.

Sets        futures w, periods t, blocks b; at a site: kinds c, parts of sources j, demands k
Variables   run[c] MW of IT on a kind, gen[j] MW at the meter, serve[k,s] thousands of units,
            let[x] MW of IT to tenants, free[j] MW for them
Objective   value[w] += sum discount x hours x (worth serve - cost gen) + worth let
Rules       power, hall, permit, demand: `add_*` below; all others in `first.py`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.expand.engines.columns import gives_terms, there_terms
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.goals import set_goal
from optimizer.expand.engines.model import Affine, Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.plan import Options

__all__ = ["Extensive", "build"]

MEGA = 1e-6
"""W in MW."""

THOUSAND = 1e-3
"""Units of compute in thousands of units."""


def build(arrays: Arrays, options: Options, best: Sequence[float] = ()) -> Extensive:
    """Return the model of an objective; best [MUSD] is what regret is measured against."""
    return Extensive(arrays, options, best)


class Extensive:
    """The model with its first stage."""

    def __init__(self, arrays: Arrays, options: Options, best: Sequence[float]) -> None:
        self.arrays, self.model = arrays, Model("expand")
        self.first = FirstStage(arrays, self.model)
        self.brought = [Affine() for _ in range(arrays.T)]
        for f in range(arrays.F):
            for t in range(arrays.T):
                for b in range(arrays.B):
                    _Cell(self, f, t, b).add()
        self.first.add_money(self.brought)
        set_goal(self.model, arrays, self.first.values, options, best)


class _Cell:
    """Operation of one future, period and block."""

    def __init__(self, form: Extensive, f: int, t: int, b: int) -> None:
        self.form, self.f, self.t, self.b = form, f, t, b
        self.model, self.arrays, self.first = form.model, form.arrays, form.first
        self.world = form.arrays.world
        self.at = f"{f}_{t}_{b}"
        self.hours = float(self.world.hours[t, b])

    def add(self) -> None:
        """Add all columns and rows of the cell."""
        growth = self.arrays.growth
        made = [Affine() for _ in growth.sites]
        for s in range(len(growth.sites)):
            it = self.add_kinds(s, made[s])
            self.add_hall(s, it)
            self.add_power(s, it)
        self.add_demand(made)

    def earns(self, site: int, column: int, usd_per_hour: float) -> None:
        """Book what a column brings in an hour."""
        amount = usd_per_hour * self.hours * MUSD
        worth = amount * float(self.arrays.discount[site, self.t])
        self.first.values[self.f].add(column, worth)
        self.form.brought[self.t].add(column, amount * float(self.arrays.odds[self.f]))

    def _delay(self, place: int) -> int:
        return int(self.arrays.delays[self.f, self.arrays.places[place][0]])

    def _stands(self, place: int, unit: float) -> Affine:
        """Return what units of a place that are in service add up to."""
        terms = there_terms(self.arrays, place, self._delay(place), self.t)
        terms = [(period, factor * unit) for period, factor in terms]
        return self.first.stands(place, terms, self.t, unit)

    def add_kinds(self, s: int, made: Affine) -> list[int]:
        """run[c] <= draw x domains in service; return the columns of the MW that run."""
        found = []
        for position in range(self.world.stock_ptr[s], self.world.stock_ptr[s + 1]):
            stock = self.arrays.growth.stocks[self.arrays.stock_order[position]]
            there = Affine(stock.there[self.t] * stock.draw_w * MEGA)
            for p, (u, site) in enumerate(self.arrays.places):
                for build, domains in stock.units:
                    if site == s and build == u:
                        there.plus(self._stands(p, domains * stock.draw_w * MEGA))
            if not there.factors and not there.constant:
                continue
            run = self.model.column(f"run_{self.at}_{position}")
            self.model.at_least(f"there_{self.at}_{position}", there.add(run, -1.0))
            per = stock.micro / 1e6 / (stock.draw_w * MEGA) * THOUSAND
            made.add(run, per)
            found.append(run)
        return found

    def add_hall(self, s: int, it: list[int]) -> None:
        """sum run + sum let <= halls."""
        growth = self.arrays.growth
        room = Affine(growth.sites[s].hall_w[self.t] * MEGA)
        for p, (u, site) in enumerate(self.arrays.places):
            if site == s and growth.builds[u].hall_w:
                room.plus(self._stands(p, growth.builds[u].hall_w * MEGA))
        self.tenants = self._tenants(s)
        for column in (*it, *self.tenants):
            room.add(column, -1.0)
        if it or self.tenants:
            self.model.at_least(f"hall_{self.at}_{s}", room)

    def _tenants(self, s: int) -> list[int]:
        """Return the columns of the MW let at a site, each at most what is signed."""
        found = []
        leases = [i for i, c in enumerate(self.arrays.growth.contracts) if c.is_lease]
        for x, i in enumerate(leases):
            watts = float(self.world.lease_w[self.f, self.t, x])
            if self.world.lease_site[x] == s and watts:
                let = self.model.column(f"let_{self.at}_{x}")
                signed = Affine().add(let, 1.0).add(self.first.signed[i], -watts * MEGA)
                self.model.at_most(f"let_{self.at}_{x}", signed)
                self.earns(s, let, float(self.world.lease_worth[self.t, x]) / MEGA)
                found.append(let)
        return found

    def add_power(self, s: int, it: list[int]) -> None:
        """pue sum run + other <= sum gen; pue sum let <= sum free; both <= caps and permits."""
        pue = float(self.world.pue[self.t, s])
        own = Affine(float(self.world.other[self.t, s]) * MEGA)
        for run in it:
            own.add(run, pue)
        theirs = Affine()
        for let in self.tenants:
            theirs.add(let, pue)
        permits: dict[int, Affine] = {}
        for j in range(self.world.source_ptr[s], self.world.source_ptr[s + 1]):
            for gen, is_own in self._source(j, s):
                (own if is_own else theirs).add(gen, -1.0)
                permit = int(self.world.permit[j])
                if permit >= 0:
                    permits.setdefault(permit, Affine()).add(gen, 1.0)
        self.model.at_most(f"power_{self.at}_{s}", own)
        if self.tenants:
            self.model.at_most(f"let_power_{self.at}_{s}", theirs)
        self.add_permit(s, permits)

    def add_permit(self, s: int, given: dict[int, Affine]) -> None:
        """sum of what sources of a permit give <= permit."""
        for permit, total in given.items():
            cap = float(self.world.permit_w[self.f, self.t, permit]) * MEGA
            self.model.at_most(f"permit_{self.at}_{s}_{permit}", total, cap)

    def _source(self, j: int, s: int) -> list[tuple[int, bool]]:
        """Return the columns of a source: (column, is for the site's own load)."""
        source, t = self.arrays.growth.sources[j], self.t
        cap = Affine(source.there_w[t])
        for p in range(len(self.arrays.places)):
            if self.arrays.source_of(p) == j:
                delay, unit = self._delay(p), float(self.arrays.unit_watts(j)[-1, self.b])
                terms = gives_terms(self.arrays, p, j, delay, t, self.b)
                cap.plus(self.first.stands(p, terms, t, unit))
        if not cap.factors and not cap.constant:
            return []
        found = []
        price = float(self.world.price[self.f, t, self.b, j])
        take = float(self.world.take[j])
        for part, share in enumerate((take, 1.0 - take)):
            if share > 0:
                gen = self.model.column(f"gen_{self.at}_{j}_{part}")
                cost = float(self.world.carbon[t, j]) + (price if part else 0.0)
                self.earns(s, gen, -cost / MEGA)
                limit = Affine().plus(cap, share * MEGA).add(gen, -1.0)
                found.append((gen, True))
                if self.tenants:
                    free = self.model.column(f"free_{self.at}_{j}_{part}")
                    limit.add(free, -1.0)
                    found.append((free, False))
                self.model.at_least(f"cap_{self.at}_{j}_{part}", limit)
        return found

    def add_demand(self, made: list[Affine]) -> None:
        """sum_s serve[k,s] <= volume (x signed); sum_k serve[k,s] <= what runs there makes."""
        growth = self.arrays.growth
        clouds = [i for i, c in enumerate(growth.contracts) if not c.is_lease]
        for k in range(self.world.worth.shape[2]):
            volume = float(self.world.volume[self.f, self.t, self.b, k]) * THOUSAND
            if not volume:
                continue
            served = Affine()
            for s in range(len(made)):
                if self.world.may[k, s] and (made[s].factors or made[s].constant):
                    serve = self.model.column(f"serve_{self.at}_{k}_{s}")
                    self.earns(s, serve, float(self.world.worth[self.f, self.t, k]) / THOUSAND)
                    served.add(serve, 1.0)
                    made[s].add(serve, -1.0)
            if k >= len(growth.segments):
                column = self.first.signed[clouds[k - len(growth.segments)]]
                self.model.at_most(f"demand_{self.at}_{k}", served.add(column, -volume))
            else:
                self.model.at_most(f"demand_{self.at}_{k}", served, volume)
        for s, compute in enumerate(made):
            self.model.at_least(f"made_{self.at}_{s}", compute)
