"""Cuts: what operation can bring at most, by the slopes that it leaves behind at a point.

Sites fall into markets: those that a demand joins. theta[g,m,t] is what market m brings in period t
over the futures of group g, times their probability [MUSD]. At any point, the duals of operation
give  theta[g,m,t] <= fixed + slopes x capacities  for all capacities, and these are few terms of
the cumulative orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.columns import terms_of
from optimizer.expand.engines.first import MUSD, FirstStage
from optimizer.expand.engines.model import Affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.engines.records import Found

Floats = NDArray[np.float64]

__all__ = ["Cuts", "markets_of"]


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
        self._stands = [self._terms_of(p) for p in range(len(self.arrays.places))]

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

    def at(self, found: Found) -> list[list[list[Affine]]]:
        """Return the right sides of the cuts at a point, by group, market and period."""
        constant = self._constant(found)
        right = [
            [[Affine(constant[g, m, t]) for t in range(self.arrays.T)] for m in range(self.count)]
            for g in range(len(self.groups))
        ]
        for g, futures in enumerate(self.groups):
            for p in range(len(self.arrays.places)):
                self._add_place(right[g], futures, p, found)
            self._add_contracts(right[g], futures, found)
        return right

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

    def _terms_of(self, place: int) -> dict[int, list[list[list[tuple[int, float]]]]]:
        """Return by delay, period and block the (column, factor) of what units of a place give."""
        arrays, source = self.arrays, self.arrays.source_of(place)
        found = {}
        for delay in sorted(set(arrays.delays[:, arrays.places[place][0]].tolist())):
            rows = []
            for t in range(arrays.T):
                blocks = range(1) if source is None else range(arrays.B)
                row = []
                for b in blocks:
                    by_age = [1.0] if source is None else arrays.unit_watts(source)[:, b].tolist()
                    terms = terms_of(arrays, place, by_age, delay, t)
                    stands = self.first.stands(place, terms, t, by_age[-1])
                    row.append(list(stands.factors.items()))
                rows.append(row)
            found[delay] = rows
        return found

    def _slope(self, place: int, found: Found) -> Floats:
        """Return the slope of what a unit of a place gives, by (future, period, block)."""
        arrays, (u, s) = self.arrays, self.arrays.places[place]
        source = arrays.source_of(place)
        if source is not None:
            by_source: Floats = found.by_cap[:, :, :, source]
            return by_source
        out = found.by_hall[:, :, s] * arrays.growth.builds[u].hall_w
        stock = arrays.stock_of(place)
        if stock is not None:
            out = out + found.by_stock[:, :, stock[0]] * stock[1]
        by_unit: Floats = out[:, :, None]
        return by_unit

    def _add_place(
        self, right: list[list[Affine]], futures: list[int], p: int, found: Found
    ) -> None:
        u, s = self.arrays.places[p]
        slope = self._slope(p, found)[futures]
        if not slope.any():
            return
        odds, delays = self.arrays.odds[futures], self.arrays.delays[futures, u]
        for delay, rows in self._stands[p].items():
            late = delays == delay
            if late.any():
                mean = np.einsum("f,ftb->tb", odds[late], slope[late]) * MUSD
                for t, b in zip(*(x.tolist() for x in np.nonzero(mean)), strict=True):
                    for column, factor in rows[t][b]:
                        right[self.market[s]][t].add(column, factor * float(mean[t, b]))

    def _add_contracts(self, right: list[list[Affine]], futures: list[int], found: Found) -> None:
        arrays, growth, world = self.arrays, self.arrays.growth, self.arrays.world
        odds = arrays.odds[futures]
        for k, i in enumerate(growth.clouds, len(growth.segments)):
            brought = (found.by_volume[futures, :, :, k] * world.volume[futures, :, :, k]).sum(2)
            market = self.market[int(np.argmax(world.may[k]))]
            for t, each in enumerate(odds @ brought * MUSD):
                right[market][t].add(self.first.signed[i], float(each))
        for x, i in enumerate(growth.leases):
            brought = found.by_lease[futures, :, x] * world.lease_w[futures, :, x]
            market = self.market[int(world.lease_site[x])]
            for t, each in enumerate(odds @ brought * MUSD):
                right[market][t].add(self.first.signed[i], float(each))
