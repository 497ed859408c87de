"""Best first through the cases, until the best mix found is proven to the gap.

Which price of an offer holds is settled first: discounts for quantity relax badly, and few of them
are open. Then quantities are split between whole numbers, by how much each side costs (pseudo-costs
that are measured where they are not known: Achterberg et al. 2005). Mixes come from diving: one
quantity after another is fixed at a whole number next to the relaxation's, the dearest first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from optimizer.mix.engines.tree.cases import NO_LIMIT, Case, Cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.account import Account, Fleet
    from optimizer.mix.engines.tree.cases import Key
    from optimizer.mix.plan import Goal, Leaf, Split

__all__ = ["Search"]

WHOLE = 1e-6
"""Closer to a whole number than this is whole [domains]."""

LOOK = 4
"""How many quantities without a known slope are tried on both sides before a case is split."""

SLOPE = 0.05
"""Share of a domain's price that its rounding is taken to cost before it is known."""

EVERY, AT_LATEST = 5, 10
"""A dive from one in so many cases whose prices are settled, ever rarer while that finds nothing;
the first one after so many cases."""

DEPTH = 60
"""Cases are split no deeper: a proof is a file, and readers of files do not go down for ever."""

SAFE, SAME = 0.95, 1e-9
"""Share of the gap that is used, so that whole prices keep it; what counts as no gap."""


@dataclass(order=True)
class _Waiting:
    """A case to be split, the weakest bound first."""

    bound: float
    number: int
    case: Case = field(compare=False)


class Search:
    """One search: its cases, the best mix so far, what is left to prove.

    Parameters
    ----------
    gap
        Where to stop, as a share of the objective.
    leaves
        The most cases of the proof.
    is_over
        Asked between cases: whether to stop with what there is.

    Attributes
    ----------
    tell
        Told the account of every better mix.
    best
        The best mix so far; None while there is none.
    root
        The whole problem.
    is_open
        The gap is not closed yet.
    """

    def __init__(
        self,
        image: Image,
        goal: Goal,
        gap: float,
        leaves: int,
        is_over: Callable[[], bool],
    ) -> None:
        self.gap, self.leaves, self.is_over = gap, leaves, is_over
        self.tell: Callable[[Account], None] | None = None
        self.image, self.cases = image, Cases(image, goal)
        self.root = self.cases.solve({})
        self.best: Account | None = None
        self.is_open = True
        self._least = math.inf
        self._settled = self._next_dive = self._dives = 0
        self._wait = EVERY
        self._slopes: dict[Key, tuple[float, float]] = {}
        self._price = {
            o.name: max(
                abs(t.upfront_cost) + sum(t.rent_cost) + sum(t.upkeep_cost) for t in o.tiers
            )
            / self.cases.model.money
            for o in image.offers
        }

    def proof(self) -> Leaf | Split:
        """Return the certificate as far as it has come."""
        return self.cases.proof(self.root)

    def take(self, fleet: Fleet) -> bool:
        """Put a fleet to its best use; return whether it is better than the best so far."""
        account = self.cases.fleet(fleet)
        if account is None:
            return False
        model = self.cases.model
        value = model.value(account.objective(model.goal).total)
        if value >= self._least:
            return False
        self.best, self._least = account, value
        if self.tell is not None:
            self.tell(account)
        return True

    def run(self) -> None:
        """Search until the gap is closed, or leaves or time are used up."""
        waiting: list[_Waiting] = []
        self._push(waiting, self.root, 0)
        leaves, left = 1, list[_Waiting]()
        while waiting and waiting[0].bound < self._enough():
            first = heappop(waiting)
            case = first.case
            self._maybe_dive(case, leaves)
            if leaves >= self.leaves or self.is_over():
                left.append(first)
                break
            if case.depth >= DEPTH:
                left.append(first)
            elif self._split(case):
                leaves += 1
                assert case.parts is not None
                for side in case.parts[2:]:
                    self._push(waiting, side, 2 * leaves + (side is case.parts[3]))
        if self.best is None and self.root.bound is not None:
            self._dive(self.root)
        least = min((w.bound for w in waiting + left), default=math.inf)
        self.is_open = least < self._enough()

    def _maybe_dive(self, case: Case, leaves: int) -> None:
        """Dive from a case if it is time for it: at every second time, more thoroughly."""
        if self._tier(case) is not None and (leaves != AT_LATEST or self._settled):
            return
        if self._settled >= self._next_dive:
            before = self._least
            self._dive(case)
            self._dives += 1
            self._wait = EVERY if self._least < before else 2 * self._wait
            self._next_dive = self._settled + self._wait
        self._settled += 1

    @staticmethod
    def _push(waiting: list[_Waiting], case: Case, number: int) -> None:
        if case.bound is not None:
            heappush(waiting, _Waiting(case.bound, number, case))

    def _enough(self) -> float:
        """Return the bound at which no case need be split any more [unit of the model]."""
        if self.best is None:
            return math.inf
        model = self.cases.model
        total = abs(self.best.objective(model.goal).total) / model.scale
        return self._least - max(SAFE * self.gap * total, SAME * abs(self._least))

    # ---- where to split --------------------------------------------------------------------------

    def _split(self, case: Case) -> bool:
        """Split a case in two; False if it is one fleet."""
        found = self._tier(case)
        if found is not None:
            self._into(case, *found)
            return True
        if self._split_quantity(case):
            return True
        self.take(self.cases.fleet_of(case))
        return self._split_whole(case)

    def _into(self, case: Case, key: Key, at: int) -> None:
        """Split a case at a quantity."""
        low, high = self._sides(case, key, at)
        low.depth = high.depth = case.depth + 1
        case.parts = (key, at, low, high)

    def _sides(self, case: Case, key: Key, at: int) -> list[Case]:
        """Return a case with at most so much of a quantity, and with more."""
        least, most = case.limits.get(key, (0, NO_LIMIT))
        spans = ((least, at), (at + 1, most))
        return [self.cases.solve(case.limits | {key: span}) for span in spans]

    def _tier(self, case: Case) -> tuple[Key, int] | None:
        """Return the edge of a tier that a total has not reached though its price is paid, the
        most expensive one; None where all prices are settled."""
        best: tuple[float, Key, int] | None = None
        for offer in self.image.offers:
            key = (offer.name, "")
            total = case.amounts.get(key, 0.0)
            least, most = case.limits.get(key, (0, NO_LIMIT))
            for tier in offer.tiers:
                at = tier.least - 1
                if WHOLE < total < tier.least - WHOLE and least <= at < most and at:
                    found = (self._price[offer.name] * min(total, tier.least - total), key, at)
                    best = found if best is None or found[0] > best[0] else best
                    break
        return None if best is None else best[1:]

    def _fractions(self, case: Case) -> list[tuple[Key, float]]:
        """Return the quantities that are not whole."""
        return [(k, x) for k, x in case.amounts.items() if abs(x - round(x)) > WHOLE]

    def _split_quantity(self, case: Case) -> bool:
        """Split between the whole numbers around a quantity; False if all are whole."""
        open_ = []
        for key, x in self._fractions(case):
            low, high = self._slopes.get(key, (SLOPE * self._price[key[0]],) * 2)
            part = x - math.floor(x)
            open_.append((min(low * part, high * (1 - part)), key, math.floor(x)))
        if not open_:
            return False
        looks, best, sides = 0, (-1.0, ("", ""), 0), None
        for score, key, at in sorted(open_, reverse=True):
            if key in self._slopes:
                if score > best[0]:
                    best, sides = (score, key, at), None
            elif looks < LOOK:
                looks += 1
                self._into(case, key, at)
                measured = self._measure(case, key, at)
                if measured > best[0]:
                    best, sides = (measured, key, at), case.parts
        _, key, at = best
        case.parts = sides
        if sides is None:
            self._into(case, key, at)
            self._measure(case, key, at)
        return True

    def _measure(self, case: Case, key: Key, at: int) -> float:
        """Learn the slopes of a quantity from the two sides of a case; return by how much the
        bound rises, the smaller rise above all."""
        assert case.parts is not None
        assert case.bound is not None
        part = case.amounts[key] - at
        high = 1e3 * self._price[key[0]] + abs(case.bound)  # a side that is empty
        rises = [high if s.bound is None else s.bound - case.bound for s in case.parts[2:]]
        self._slopes[key] = (rises[0] / part, rises[1] / (1 - part))
        return min(rises) + 0.1 * min(max(rises), 10 * min(rises))

    def _split_whole(self, case: Case) -> bool:
        """Split what is whole already: gangs of several domains, and what rounding leaves.

        False if the case is one fleet.
        """
        for key, x in sorted(case.amounts.items(), key=lambda item: item[0][1] != ""):
            least, most = case.limits.get(key, (0, self._most(key[0])))
            most = min(most, self._most(key[0]))
            at = round(x) if round(x) < most else round(x) - 1
            if least <= at < most:
                self._into(case, key, at)
                return True
        return False

    def _most(self, name: str) -> int:
        return max(t.most for o in self.image.offers if o.name == name for t in o.tiers)

    # ---- mixes -----------------------------------------------------------------------------------

    def _dive(self, case: Case) -> None:
        """Fix one quantity after another at a whole number, until there is a fleet."""
        while True:
            tier = self._tier(case)
            if tier is not None:
                next_ = self._cheaper(case, *tier)
            else:
                parts = [(self._price[k[0]], k, x) for k, x in self._fractions(case)]
                ends = [p for p in parts if p[1] in self.cases.ends]
                if not ends:
                    self.take(self.cases.fleet_of(case))
                    return
                next_ = self._fixed(case, *max(ends)[1:])
            if next_ is None or (self.is_over() and self.best is not None):
                return
            case = next_

    def _cheaper(self, case: Case, key: Key, at: int) -> Case | None:
        """Return the cheaper side of a case; None if both are empty."""
        sides = enumerate(self._sides(case, key, at))
        known = [(s.bound, i, s) for i, s in sides if s.bound is not None]
        return min(known)[2] if known else None

    def _fixed(self, case: Case, key: Key, x: float) -> Case | None:
        """Return a case with a quantity fixed next to x; None if nothing there can be better.

        What is dearer stays as it is from now on: cheaper domains make up for the rest. It is the
        nearest whole number that can be better; in a thorough dive the better of both.
        """
        near, low = round(x), math.floor(x)
        found: list[tuple[float, int, Case]] = []
        price = self._price[key[0]]
        dearer = {
            k: (round(case.amounts[k]),) * 2 for k in self.cases.ends if self._price[k[0]] > price
        }
        for count in (near, low if near > low else low + 1):
            fixed = self.cases.solve(case.limits | dearer | {key: (count, count)})
            if fixed.bound is not None and fixed.bound < self._least:
                found.append((fixed.bound, count, fixed))
                if self._dives % 2 == 0:
                    break
        return min(found)[2] if found else None
