"""The proof in cases: where prices alone leave a gap, quantities are split until it is closed.

Each case is the model with limits on what is taken of an offer, at a site or over all sites. Its
relaxation gives prices; the certificate's bound with these prices and limits is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from optimizer.mix.certificate import UNIT, leaf_bound
from optimizer.mix.engines.build import build, most_there
from optimizer.mix.engines.prices import whole_prices
from optimizer.mix.plan import Leaf, Split
from optimizer.solvers.milp import solve_relaxed
from optimizer.solvers.warm import Warm

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.certificate import Limits
    from optimizer.mix.engines.formulation import Formulation
    from optimizer.mix.plan import Goal, Prices
    from optimizer.solvers.milp import Relaxed

__all__ = ["leaf_of", "split"]

NO_LIMIT = 10**9
"""No offer has so many domains."""

WHOLE = 1e-6
"""Closer to a whole number than this is whole [domains]."""


@dataclass
class _Node:
    """A case: its limits, its leaf, and the two cases that it was split into."""

    limits: Limits
    leaf: Leaf
    bound: int | None
    values: dict[tuple[str, str], float]
    parts: tuple[tuple[str, str], int, _Node, _Node] | None = None

    def tree(self) -> Leaf | Split:
        """Return the certificate of this case."""
        if self.parts is None:
            return self.leaf
        (offer, site), at, below, above = self.parts
        return Split(offer=offer, site=site, at=at, below=below.tree(), above=above.tree())


@dataclass(order=True)
class _Waiting:
    """A case to be split, the weakest bound first."""

    bound: int
    number: int
    node: _Node = field(compare=False)


def leaf_of(image: Image, goal: Goal, model: Formulation, relaxed: Relaxed, limits: Limits) -> Leaf:
    """Return the prices of a relaxed case; where it has no solution, the proof that it is empty."""
    if not relaxed.is_infeasible:
        return Leaf(prices=_best(image, goal, whole_prices(model, relaxed.prices), limits))
    elastic = build(image, goal, limits, is_elastic=True)
    prices = whole_prices(elastic, solve_relaxed(elastic.problem).prices, is_empty=True)
    proves = leaf_bound(image, goal, prices, limits, is_empty=True)
    if proves is not None and proves > UNIT:
        return Leaf(prices=prices, is_empty=True)
    return Leaf(prices=_best(image, goal, whole_prices(model, {}), limits))


def _best(image: Image, goal: Goal, prices: Prices, limits: Limits) -> Prices:
    """Return whole prices, those of work made a little smaller where that bounds better.

    A price that was rounded up may make a domain seem to pay by less than a nano-USD; times all
    the domains that could be taken, that is money.
    """
    best, kept = leaf_bound(image, goal, prices, limits), prices
    for parts in (1, 10, 100, 1000):
        demand = {
            name: tuple(p - p * parts // 10**9 for p in row)
            if image.demand[name].wanted is not None
            else row
            for name, row in prices.demand.items()
        }
        less = prices.model_copy(update={"demand": demand})
        found = leaf_bound(image, goal, less, limits)
        if found is None or (best is not None and found <= best):
            break  # even smaller prices lose more than they save
        best, kept = found, less
    return kept


def split(
    image: Image,
    goal: Goal,
    incumbent: int | None,
    gap: float,
    leaves: int,
    is_over: Callable[[], bool],
) -> Leaf | Split:
    """Return a tree of cases that proves an incumbent to a gap, as far as leaves allow.

    incumbent
        Objective as it is minimised [nano-USD]; None where no plan is known: then the cases are
        to prove that there is none.
    """
    cases = _Cases(image, goal)
    root = cases.node({})
    waiting: list[_Waiting] = []
    count, made = 1, 0
    enough = None if incumbent is None else (incumbent - int(gap * abs(incumbent))) * UNIT
    _push(waiting, root, made)
    while waiting and count < leaves and not is_over():
        if enough is not None and waiting[0].bound >= enough:
            break
        node = heappop(waiting).node
        choice = _choice(image, node)
        if choice is None:
            continue  # whole already: what is left of its gap is not in quantities
        key, at = choice
        least, most = node.limits.get(key, (0, NO_LIMIT))
        low = cases.node(node.limits | {key: (least, at)})
        high = cases.node(node.limits | {key: (at + 1, most)})
        node.parts = (key, at, low, high)
        count += 1
        for child in (low, high):
            made += 1
            _push(waiting, child, made)
    return root.tree()


def _push(waiting: list[_Waiting], node: _Node, number: int) -> None:
    if not node.leaf.is_empty and node.bound is not None:
        heappush(waiting, _Waiting(node.bound, number, node))


class _Cases:
    """The model, built once, whose quantities are limited for one case after another."""

    def __init__(self, image: Image, goal: Goal) -> None:
        self.image, self.goal = image, goal
        self.model = build(image, goal)
        self.warm = Warm(self.model.problem)
        self.rows: dict[tuple[str, str], int] = {}
        ways = image.ways
        self.gangs = [(k, v) for k, v in self.model.work.items() if ways[k[0]].gang.needs > 1]

    def node(self, limits: Limits) -> _Node:
        """Return a case with its prices, its bound, and what it takes of each offer."""
        relaxed = self._relaxed(limits)
        leaf = leaf_of(self.image, self.goal, self.model, relaxed, limits)
        bound = leaf_bound(self.image, self.goal, leaf.prices, limits, is_empty=leaf.is_empty)
        values: dict[tuple[str, str], float] = {}
        for column, variable in self.model.columns.items():
            key = (column.offer.name, column.site)
            values[key] = values.get(key, 0.0) + relaxed.values.get(variable.name, 0.0)
        return _Node(limits, leaf, bound, values)

    def _relaxed(self, limits: Limits) -> Relaxed:
        """least <= sum_t n <= most for every quantity that the case limits.

        Tiers beyond it are closed, and gangs that need more domains than the case can have.
        """
        for offer, site in limits:
            if (offer, site) not in self.rows:
                each = self.model.columns.items()
                own = [x for c, x in each if c.offer.name == offer and site in ("", c.site)]
                self.rows[offer, site] = self.warm.add_row(own)
        for key, row in self.rows.items():
            least, most = limits.get(key, (0, NO_LIMIT))
            self.warm.bound_row(row, least or None, most if most < NO_LIMIT else None)
        for c, x in self.model.columns.items():
            least, most = limits.get((c.offer.name, ""), (0, NO_LIMIT))
            is_out = c.tier.most < least or c.tier.least > most
            self.warm.bound(x, 0 if is_out else c.tier.most)
        most_of = most_there(self.image, limits)
        for (i, f), v in self.gangs:
            way = self.image.ways[i]
            can = way.gang.needs <= most_of[way.stock][f]
            self.warm.bound(v, None if can else 0)
        return self.warm.solve()


def _choice(image: Image, node: _Node) -> tuple[tuple[str, str], int] | None:
    """Return where to split: at the edge of a tier that the total has not reached, or between
    the whole numbers around the most fractional quantity."""
    for offer in image.offers:
        total = sum(node.values.get((offer.name, site), 0.0) for site in offer.sites)
        span = node.limits.get((offer.name, ""), (0, NO_LIMIT))
        for tier in offer.tiers:
            at = tier.least - 1
            is_open = span[0] <= at < span[1]
            if tier.least > 1 and WHOLE < total < tier.least - WHOLE and is_open:
                return (offer.name, ""), at
    parts = {k: abs(x - round(x)) for k, x in node.values.items() if abs(x - round(x)) > WHOLE}
    if parts:
        key = max(parts, key=lambda k: (parts[k], k))
        return key, int(node.values[key])
    return _any(image, node)


def _any(image: Image, node: _Node) -> tuple[tuple[str, str], int] | None:
    """Return where to split what is whole already: mixed tiers, gangs of several domains.

    Totals of offers with several prices come first, since they settle the price.
    """
    each: list[tuple[tuple[str, str], float, int]] = []
    for offer in image.offers:
        most = max(tier.most for tier in offer.tiers)
        own = {site: node.values.get((offer.name, site), 0.0) for site in offer.sites}
        if len(offer.tiers) > 1 or offer.tiers[0].least > 1:
            each.insert(0, ((offer.name, ""), sum(own.values()), most))
        each += [((offer.name, site), x, most) for site, x in own.items()]
    for key, value, limit in each:
        least, most = node.limits.get(key, (0, limit))
        at = round(value) if round(value) < min(most, limit) else round(value) - 1
        if least <= at < min(most, limit):
            return key, at
    return None
