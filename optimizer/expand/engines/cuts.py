"""Cuts: what operation can bring at most, by the slopes that it leaves behind at a point.

Sites fall into markets: those that a demand joins. theta[g,m,t] is what market m brings in period t
over the futures of group g, times their probability [MUSD]. At any point, the duals of operation
give  theta[g,m,t] <= fixed + slopes x capacities  for all capacities, and these are few terms of
the cumulative orders: capacities = terms x columns, with terms that are known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.arrays import Decision
from optimizer.expand.engines.columns import terms_of
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.records import Given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.engines.records import Found

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

__all__ = ["Cuts", "Sides", "markets_of"]

NOTHING = 1e-12
"""A smaller factor is none [MUSD]."""


def markets_of(arrays: Arrays) -> list[int]:
    """Return the market of every site."""
    market = list(range(len(arrays.growth.sites)))
    for row in arrays.world.may:
        sites = np.flatnonzero(row).tolist()
        joined = {market[s] for s in sites}
        if joined:
            market = [min(joined) if m in joined else m for m in market]
    names = sorted(set(market))
    return [names.index(m) for m in market]


@dataclass(frozen=True, slots=True)
class Sides:
    """The right sides of the cuts of a group: constant + sum factors x columns, M markets.

    Attributes
    ----------
    constant : (M, T)
        [MUSD]
    row, column, factor : terms
        Number of market and period (m T + t, rising), of the column, MUSD by a unit of it.
    """

    constant: Floats
    row: Ints
    column: Ints
    factor: Floats

    def most(self, values: Floats) -> Floats:
        """Return what theta is at most at columns, shape (M, T) [MUSD]."""
        terms = self.factor * values[self.column]
        most = np.bincount(self.row, terms, self.constant.size)
        found: Floats = self.constant + most.reshape(self.constant.shape)
        return found


class Cuts:
    """The columns theta of a master, and the cuts on them.

    Attributes
    ----------
    theta : (groups, markets, T)
        Numbers of the columns.
    """

    def __init__(self, first: FirstStage, groups: Sequence[Sequence[int]]) -> None:
        self.first, self.arrays = first, first.arrays
        self.groups = [list(g) for g in groups]
        self.market = markets_of(self.arrays)
        self.count = max(self.market) + 1
        most = self._most()
        self.theta = np.array(
            [
                [
                    [
                        first.model.column(f"theta_{g}_{m}_{t}", -np.inf, most[g, m, t])
                        for t in range(self.arrays.T)
                    ]
                    for m in range(self.count)
                ]
                for g in range(len(self.groups))
            ]
        )
        self._there = self.arrays.capacities(Decision())[1]
        self._delays = [np.unique(row) for row in self.arrays.delays.T]
        self._late = [self._odds_by_delay(g) for g in self.groups]
        self._list_terms()

    def _most(self) -> Floats:
        """Return what theta is at most: all demand served for nothing."""
        arrays, world = self.arrays, self.arrays.world
        each = np.einsum("ftbk,ftk,tb->ftk", world.volume, world.worth, arrays.hours)
        out = np.zeros((len(self.groups), self.count, arrays.T))
        hours = world.hours.sum(1)
        for g, futures in enumerate(self.groups):
            odds = arrays.odds[futures]
            for k in range(world.worth.shape[2]):
                site = int(np.argmax(world.may[k]))
                out[g, self.market[site]] += odds @ each[futures, :, k] * MUSD
            for x, site in enumerate(world.lease_site.tolist()):
                rent = world.lease_worth[:, x] * hours
                out[g, self.market[site]] += odds @ world.lease_w[futures, :, x] * rent * MUSD
        return out

    def _sum(self, by_site: Floats) -> Floats:
        """Return figures by (future, period, site) added up by (group, market, period) [MUSD]."""
        out = np.zeros((len(self.groups), self.count, self.arrays.T))
        for g, futures in enumerate(self.groups):
            mean = np.einsum("f,fts->st", self.arrays.odds[futures], by_site[futures]) * MUSD
            for s, m in enumerate(self.market):
                out[g, m] += mean[s]
        return out

    def at(self, found: Found) -> list[Sides]:
        """Return the right sides of the cuts at a point, by group."""
        constant, each = self._constant(found), []
        slopes = [self._slope(p, found) for p in range(len(self.arrays.places))]
        for g, futures in enumerate(self.groups):
            late = [self._late[g][u] for u, _ in self.arrays.places]
            weights = [odds @ slope[futures] for odds, slope in zip(late, slopes, strict=True)]
            weight = np.concatenate([*map(np.ravel, weights), *self._worths(futures, found)])
            terms = self._factor * weight[self._item]
            factor = np.bincount(self._pair, terms, len(self._row)).astype(float)
            is_in = np.abs(factor) > NOTHING
            each.append(Sides(constant[g], self._row[is_in], self._column[is_in], factor[is_in]))
        return each

    def capacities(self, values: Floats) -> Given:
        """Return what stands in every future at columns, whole or not."""
        terms = self._factor * values[self._column[self._pair]]
        amount = np.bincount(self._item, terms, self._items)
        there, hall, cap, charge = (x.copy() for x in self._there)
        given = Given(there, hall, cap, charge)
        arrays, at = self.arrays, 0
        for p, (u, s) in enumerate(arrays.places):
            source, delays = arrays.source_of(p), self._delays[u]
            shape = (len(delays), arrays.T, 1 if source is None else arrays.B)
            end = at + shape[0] * shape[1] * shape[2]
            late = np.searchsorted(delays, arrays.delays[:, u])
            stands, at = amount[at:end].reshape(shape)[late], end
            if source is not None:
                given.cap[:, :, :, source] += stands
                continue
            given.hall[:, :, s] += stands[:, :, 0] * arrays.growth.builds[u].hall_w
            stock = arrays.stock_of(p)
            if stock is not None:
                given.there[:, :, stock[0]] += stands[:, :, 0] * stock[1]
        return given

    def _constant(self, found: Found) -> Floats:
        """Return the part of a cut that no decision moves: demand, and what is there already."""
        arrays, growth, world = self.arrays, self.arrays.growth, self.arrays.world
        by_site = found.fixed.copy()
        for k in range(len(growth.segments)):
            site = int(np.argmax(world.may[k]))
            by_site[:, :, site] += (found.by_volume[:, :, :, k] * world.volume[:, :, :, k]).sum(2)
        for c, i in enumerate(arrays.stock_order.tolist()):
            stock = growth.stocks[i]
            by_site[:, :, stock.site] += found.by_stock[:, :, c] * np.array(stock.there, float)
        for s, ground in enumerate(growth.sites):
            by_site[:, :, s] += found.by_hall[:, :, s] * np.array(ground.hall_w, float)
        for j, source in enumerate(growth.sources):
            there = np.array(source.there_w, float)[None]
            by_site[:, :, source.site] += found.by_cap[:, :, :, j].sum(2) * there
        return self._sum(by_site)

    # ---- terms of cumulative orders -------------------------------------------------------------

    def _odds_by_delay(self, futures: Sequence[int]) -> list[Floats]:
        """Return by build the odds of futures by (delay, future), in millions."""
        odds, late = self.arrays.odds[futures] * MUSD, self.arrays.delays[futures]
        return [odds * (late[:, u] == each[:, None]) for u, each in enumerate(self._delays)]

    def _list_terms(self) -> None:
        """List what columns are in capacities: (item, market and period, column, factor).

        Items are the capacities of all places by (delay, period, block), then what contracts ask
        for by (contract, period).
        """
        arrays, T = self.arrays, self.arrays.T
        found: list[tuple[int, int, int, float]] = []
        item = 0
        for p, (u, s) in enumerate(arrays.places):
            source = arrays.source_of(p)
            ages = np.ones((1, 1)) if source is None else arrays.unit_watts(source)
            for delay in self._delays[u].tolist():
                for t in range(T):
                    for by_age in ages.T.tolist():
                        terms = terms_of(arrays, p, by_age, delay, t)
                        stands = self.first.stands(p, terms, t, by_age[-1])
                        row = self.market[s] * T + t
                        found += [(item, row, c, f) for c, f in stands.factors.items()]
                        item += 1
        for i, site in self._asking():
            for t in range(T):
                found.append((item, self.market[site] * T + t, self.first.signed[i], 1.0))
                item += 1
        self._items = item
        table = np.array(found, float).reshape(-1, 4)
        self._item, self._factor = table[:, 0].astype(np.int64), table[:, 3]
        pairs, self._pair = np.unique(table[:, 1:3].astype(np.int64), axis=0, return_inverse=True)
        self._row, self._column = pairs.T.copy()

    def _asking(self) -> list[tuple[int, int]]:
        """Return clouds, then leases, as (contract, one of its sites)."""
        growth, world = self.arrays.growth, self.arrays.world
        clouds = enumerate(growth.clouds, len(growth.segments))
        leases = zip(growth.leases, world.lease_site.tolist(), strict=True)
        return [*((i, int(np.argmax(world.may[k]))) for k, i in clouds), *leases]

    def _worths(self, futures: Sequence[int], found: Found) -> list[Floats]:
        """Return what the compute, or the power, of each contract brings by period [MUSD]."""
        growth, world = self.arrays.growth, self.arrays.world
        odds, clouds = (
            self.arrays.odds[futures] * MUSD,
            range(len(growth.segments), world.may.shape[0]),
        )
        volume = found.by_volume[futures] * world.volume[futures]
        power = found.by_lease[futures] * world.lease_w[futures]
        return [
            *(odds @ volume[:, :, :, k].sum(2) for k in clouds),
            *(odds @ power[:, :, x] for x in range(power.shape[2])),
        ]

    def _slope(self, place: int, found: Found) -> Floats:
        """Return the slope of what a unit of a place gives, by future, and by period and block."""
        arrays, (u, s) = self.arrays, self.arrays.places[place]
        source = arrays.source_of(place)
        if source is not None:
            return found.by_cap[:, :, :, source].reshape(arrays.F, -1)
        out: Floats = found.by_hall[:, :, s] * arrays.growth.builds[u].hall_w
        stock = arrays.stock_of(place)
        if stock is not None:
            out = out + found.by_stock[:, :, stock[0]] * stock[1]
        return out
