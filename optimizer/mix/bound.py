"""What a domain earns at the prices of work and power: the part of the bound with most numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image
    from optimizer.domain.fleet.ways import Stock

__all__ = ["Ways"]

FLOAT = 1e-14
"""More than the share by which a product of three floats is off its value."""


class Ways:
    """The ways of an image, sorted by what they run on: made once for the prices of many cases.

    What they earn is looked at in floats first; only those that may earn most are multiplied out.
    """

    def __init__(self, image: Image) -> None:
        number = {stock: k for k, stock in enumerate(image.stocks)}
        order = sorted(range(len(image.ways)), key=lambda i: number[image.ways[i].stock])
        self.image, self.all = image, [image.ways[i] for i in order]
        self.work = [image.work[i] for i in order]
        self.more_w = [way.draw_w - image.idle_w[way.stock[1]] for way in self.all]
        demands, sites = list(image.demand), list(image.sites)
        self._demand = np.array([demands.index(way.demand) for way in self.all], dtype=int)
        self._site = np.array([sites.index(way.stock[0]) for way in self.all], dtype=int)
        stocks, self._first = np.unique([number[way.stock] for way in self.all], return_index=True)
        self._stocks = [image.stocks[k] for k in stocks]
        self._stock = np.repeat(
            np.arange(len(stocks)), np.diff([*self._first.tolist(), len(self.all)])
        )
        self._needs = np.array([way.gang.needs for way in self.all])
        self._work = np.array(self.work, dtype=float)
        self._more = np.array(self.more_w, dtype=float)

    def best(
        self, price: dict[str, list[int]], watt: dict[str, list[int]], most: dict[Stock, list[int]]
    ) -> dict[Stock, tuple[int, ...]]:
        """Return the most that a domain of each stock earns, by phase, and at least 0.

        Parameters
        ----------
        price, watt
            Of a millionth of a unit of work, and of a watt of IT, in each phase.
        most
            The most domains that there can be, for gangs that need several.
        """
        if not self.all:
            return {}
        worth = np.array([[float(p) for p in row] for row in price.values()])[self._demand]
        paid = np.array([[float(p) for p in row] for row in watt.values()])[self._site]
        worth, paid = worth * self._work, paid * self._more[:, None]
        room = np.array([most[stock] for stock in self._stocks])[self._stock]
        error = FLOAT * (np.abs(worth) + np.abs(paid))
        net = np.where(self._needs[:, None] <= room, worth - paid, -np.inf)
        least = np.maximum(np.maximum.reduceat(net - error, self._first, axis=0), 0.0)
        out = {stock: [0] * len(self.image.phases) for stock in self._stocks}
        near = (net + error >= least[self._stock]) & (net + error > 0)
        for i, f in zip(*(each.tolist() for each in np.nonzero(near)), strict=True):
            way = self.all[i]
            exact = price[way.demand][f] * self.work[i][f]
            exact -= watt[way.stock[0]][f] * self.more_w[i]
            out[way.stock][f] = max(out[way.stock][f], exact)
        return {stock: tuple(row) for stock, row in out.items()}
