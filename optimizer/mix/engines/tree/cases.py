"""Cases of a mix: the relaxed model with limits on what is taken of offers, one after another.

A case limits the domains of an offer at a site, or over all sites. Its relaxation gives prices; the
certificate's bound with these prices and limits is what counts (certificate.py). A case that limits
every quantity to one number is a fleet: its relaxation is the best use of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.mix.bound import Ways
from optimizer.mix.certificate import UNIT, leaf_bound
from optimizer.mix.engines.build import build, most_there
from optimizer.mix.engines.prices import whole_prices
from optimizer.mix.engines.rounding import rounded
from optimizer.mix.plan import Leaf, Split
from optimizer.solvers.milp import solve_relaxed
from optimizer.solvers.warm import Warm

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.certificate import Limits
    from optimizer.mix.engines.account import Account, Fleet
    from optimizer.mix.plan import Goal, Prices

    Floats = npt.NDArray[np.float64]

__all__ = ["NO_LIMIT", "Case", "Cases", "Key"]

NO_LIMIT = 10**9
"""No offer has so many domains."""

TOLLS = 1.0, 30.0, 1e3, 1e5
"""What a breach costs in a case that is all but possible: so often the largest bound of a case. The
best is kept: one too low is no limit, one too high makes much of the noise in prices."""

Key = tuple[str, str]
"""(offer, site): what of an offer is taken at a site; over all sites where it is empty."""


@dataclass
class Case:
    """A case, what its relaxation says, and the two cases that it was split into.

    Attributes
    ----------
    bound
        Least objective of the relaxed model [its unit]; None where it has no solution.
    amounts
        What the relaxation takes [domains].
    duals
        Slopes of the rows; of a case without a solution the multipliers that prove it, if known.
    """

    limits: Limits
    bound: float | None
    amounts: dict[Key, float]
    duals: Floats | None
    depth: int = 0
    parts: tuple[Key, int, Case, Case] | None = None


class Cases:
    """The model, built once, whose quantities are limited for one case after another.

    Attributes
    ----------
    solved
        How many relaxed models were solved.
    """

    def __init__(self, image: Image, goal: Goal) -> None:
        self.image, self.goal, self.solved = image, goal, 0
        self.model = build(image, goal)
        self._warm = Warm(self.model.problem)
        self.columns: dict[Key, list[int]] = {}
        """Numbers of the variables that a quantity is the sum of."""
        for column, n in self.model.columns.items():
            where = ("", column.site) if len(column.offer.sites) > 1 else ("",)
            for site in where:
                self.columns.setdefault((column.offer.name, site), []).append(n.index)
        self.ends = {
            (o.name, s if len(o.sites) > 1 else ""): (o.name, s)
            for o in image.offers
            for s in o.sites
        }
        """The quantities that make up a fleet, and what each is of: no totals of several sites."""
        self._ways = Ways(image)
        self._parts: int | None = None
        self._largest = 1.0
        self._rows: dict[Key, int] = {}
        self._now: Limits = {}
        ways = image.ways
        self._gangs = [(k, v) for k, v in self.model.work.items() if ways[k[0]].gang.needs > 1]

    def solve(self, limits: Limits) -> Case:
        """Return a case with its bound, its prices and what it takes."""
        self._limit(limits)
        self.solved += 1
        bound = self._warm.solve()
        if bound is None:
            return Case(limits, None, {}, self._warm.ray())
        self._largest = max(self._largest, abs(bound))
        values = self._warm.values()
        amounts = {key: float(sum(values[i] for i in own)) for key, own in self.columns.items()}
        return Case(limits, bound, amounts, self._warm.duals())

    def fleet(self, fleet: Fleet) -> Account | None:
        """Return the account of a fleet at its best use; None if it can keep the rules in none."""
        limits = dict.fromkeys(self.columns, (0, 0))
        known = set(self.ends.values())
        for (offer, site), count in fleet.items():
            for key in ((offer, site), (offer, "")):
                if key in limits:
                    limits[key] = (limits[key][0] + count,) * 2
        case = self.solve(limits)
        if case.bound is None or any(n and of not in known for of, n in fleet.items()):
            return None  # or a site that is not on offer, or cannot cool it
        values = self._warm.named_values(self._warm.values())
        return rounded(self.model, fleet, values)

    def fleet_of(self, case: Case) -> Fleet:
        """Return the whole domains that a case takes, rounded."""
        counts = {of: round(case.amounts[key]) for key, of in self.ends.items()}
        return {of: count for of, count in counts.items() if count}

    def _limit(self, limits: Limits) -> None:
        """least <= sum_t n <= most for every quantity that the case limits.

        Tiers beyond it are closed, and gangs that need more domains than the case can have.
        """
        changed = [k for k in self._now | limits if self._now.get(k) != limits.get(k)]
        for key in changed:
            least, most = limits.get(key, (0, NO_LIMIT))
            if key not in self._rows:
                self._rows[key] = self._warm.add_row(self.columns[key])
            self._warm.bound_row(self._rows[key], least or None, most if most < NO_LIMIT else None)
        totals = {offer: limits.get((offer, ""), (0, NO_LIMIT)) for offer, s in changed if not s}
        for c, n in self.model.columns.items() if totals else ():
            if c.offer.name in totals:
                least, most = totals[c.offer.name]
                is_out = c.tier.most < least or c.tier.least > most
                self._warm.bound(n, 0 if is_out else c.tier.most)
        if self._gangs and changed:
            most_of = most_there(self.image, limits)
            for (i, f), v in self._gangs:
                way = self.image.ways[i]
                can = way.gang.needs <= most_of[way.stock][f]
                self._warm.bound(v, None if can else 0)
        self._now = dict(limits)

    # ---- proof -----------------------------------------------------------------------------------

    def proof(self, case: Case) -> Leaf | Split:
        """Return the certificate of a case and of all that it was split into."""
        if case.parts is None:
            return self.leaf(case)
        (offer, site), at, below, above = case.parts
        halves = self.proof(below), self.proof(above)
        return Split(offer=offer, site=site, at=at, below=halves[0], above=halves[1])

    def leaf(self, case: Case) -> Leaf:
        """Return the prices of a case; where it has no solution, the proof that it is empty.

        One that is empty by so little that no whole prices show it gets prices at which a breach is
        dear: their bound is no weaker than that of the cases next to it.
        """
        slopes = {} if case.duals is None else self._warm.named_rows(case.duals)
        if case.bound is not None:
            return Leaf(prices=self._best(whole_prices(self.model, slopes), case.limits))
        image, limits = self.image, case.limits
        for prices in (whole_prices(self.model, slopes, is_empty=True), self._elastic(limits)):
            proves = leaf_bound(image, self.goal, prices, limits, self._ways, is_empty=True)
            if proves is not None and proves > UNIT:
                return Leaf(prices=prices, is_empty=True)
        tried = [self._best(self._elastic(limits, x * self._largest), limits) for x in TOLLS]
        return Leaf(prices=max(tried, key=lambda prices: self._bound(prices, limits)))

    def _bound(self, prices: Prices, limits: Limits) -> float:
        """Return what prices prove of a case; below all numbers where that is nothing."""
        found = leaf_bound(self.image, self.goal, prices, limits, self._ways)
        return -math.inf if found is None else found

    def _elastic(self, limits: Limits, toll: float = 0.0) -> Prices:
        """Return the prices of a case whose limits may be broken, by the least or for a toll."""
        elastic = build(self.image, self.goal, limits, is_elastic=True, toll=toll)
        slopes = solve_relaxed(elastic.problem).prices
        return whole_prices(elastic, slopes, is_empty=not toll)

    def _best(self, prices: Prices, limits: Limits) -> Prices:
        """Return whole prices, those of work made a little smaller where that bounds better.

        A price that was rounded up may make a domain seem to pay by less than a nano-USD; times all
        the domains that could be taken, that is money. By how much is tried once, and then kept.
        """
        if self._parts is None:
            tried = {parts: self._smaller(prices, parts) for parts in (0, 1, 10, 100, 1000)}
            self._parts = max(tried, key=lambda parts: self._bound(tried[parts], limits))
        return self._smaller(prices, self._parts)

    def _smaller(self, prices: Prices, parts: int) -> Prices:
        """Return prices, those of work smaller by so many billionths."""
        demand = {
            name: tuple(p - p * parts // 10**9 for p in row)
            if self.image.demand[name].wanted is not None
            else row
            for name, row in prices.demand.items()
        }
        return prices.model_copy(update={"demand": demand})
