"""Plans near a plan: pairs of moves that the cuts say better it, priced exactly, best first.

Sets        moves i: one unit more, one less, or one a period sooner or later, of a place that is
            made use of; of chips also a few
Parameters  of cut r: v[r] what it allows at the plan, d[r,i] what a move changes of it
Estimate    loss - sum over theta of the least  v[r] + d[r,i] + d[r,j]  of its cuts: as cuts bound
            what operation brings, no pair is better than its estimate
The best pair is priced, its cuts are added, and so on; a plan that is better is gone on from. Where
no estimate is better than the plan, no pair is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from optimizer.expand.engines.goals import loss_of
from optimizer.expand.engines.model import rows_of

if TYPE_CHECKING:
    from optimizer.expand.arrays import Decision
    from optimizer.expand.engines.benders import Benders

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

__all__ = ["Pairs"]

SIZES = (1, 4)
"""Units that a move of chips is of; of power and halls it is one."""

MOST = 600
"""Moves that are paired: those that the cuts say lose least by themselves."""

AT_ONCE = 8
"""Pairs that are priced before estimates are made anew."""

USED = 1e-3
"""Places of which the relaxed solution has more units are made use of."""

WORTH = 0.02
"""Part of the gap asked for by which a pair has to promise more."""

EPS = 1e-6
"""What is nothing to a rule in units, or to a value [MUSD]."""


@njit(nogil=True, cache=True)
def _estimates(
    side: Floats, change: Floats, start: Ints, weight: Floats, cost: Floats, best: Floats
) -> Ints:
    """Set best[i] to the least estimate of a pair i, j >= i; return the other move of each."""
    count = len(change)
    partner = np.zeros(count, np.int64)
    for i in range(count):
        best[i] = np.inf
        for j in range(i, count):
            total = cost[i] + cost[j]
            for k in range(len(weight)):
                least = np.inf
                for r in range(start[k], start[k + 1]):
                    least = min(least, side[r] + change[i, r] + change[j, r])
                total += weight[k] * least
            if total < best[i]:
                best[i], partner[i] = total, j
    return partner


class Pairs:
    """Search from a plan with the cuts of a master, to which it offers what is better."""

    def __init__(self, master: Benders) -> None:
        self.master, self.first, model = master, master.first, master.first.model
        matrix, low, high = rows_of(master.solver)
        self.bounds = np.array(model.low), np.array(model.high)
        self.cost = np.array(model.cost)
        theta = master.cuts.theta.ravel()
        self.weight = self.cost[theta]
        cuts = matrix[master.base :]
        self.allows = high[master.base :]
        self.of = cuts[:, theta].tocsr().indices.astype(np.int64)
        is_mine = np.ones(len(model.names))
        is_mine[theta] = 0.0
        self.factors = -cuts @ sparse.diags_array(is_mine)
        rows = matrix[: master.base]
        is_plain = rows @ ~np.array(model.is_integer) == 0
        kept = np.flatnonzero(is_plain & (np.abs(rows) @ np.ones(rows.shape[1]) > 0))
        self.rows = rows[kept]
        self.sides = low[kept], high[kept]

    def run(self, plan: Decision) -> None:
        """Go from a plan to better ones until no pair of moves promises one."""
        at, loss = np.zeros(len(self.cost)), self.master.price(plan)[1]
        for column, units in self.first.columns_of(plan).items():
            at[column] = units
        moves = self._moves(at)
        while not self.master.is_done():
            found = self._best(at, moves, loss - WORTH * self.master.options.gap * abs(loss))
            if found is None:
                return
            new, value = found
            if value < loss - EPS:
                at, loss = new, value
                self.master.offer(self.master.whole(at.tolist()))
                moves = self._moves(at)

    def _best(
        self, at: Floats, moves: sparse.csc_array, enough: float
    ) -> tuple[Floats, float] | None:
        """Price the most promising pairs; return the best of them with its loss, None if none is.

        enough: the loss below which a pair is promising [MUSD].
        """
        order = np.argsort(self.of, kind="stable")
        start = np.searchsorted(self.of[order], np.arange(len(self.weight) + 1))
        side = (self.allows + self.factors @ at)[order]
        change = np.ascontiguousarray((self.factors[order] @ moves).toarray().T)
        estimate = np.empty(moves.shape[1])
        cost = moves.T @ self.cost
        partner = _estimates(side, change, start, self.weight, cost, estimate)
        estimate += float(self.cost @ at)
        best = None
        left = AT_ONCE
        for i in np.argsort(estimate).tolist():
            if estimate[i] >= enough or not left or self.master.is_done():
                break
            new = at + moves[:, [i]].toarray()[:, 0] + moves[:, [int(partner[i])]].toarray()[:, 0]
            if self._is_legal(new):
                left -= 1
                value = self._priced(new)
                if best is None or value < best[1]:
                    best = new, value
        return best

    def _is_legal(self, at: Floats) -> bool:
        """Return whether whole columns keep their bounds, and the rules that they alone are in."""
        low, high = self.bounds
        left = self.rows @ at
        is_in = ((at >= low - EPS) & (at <= high + EPS))[self.first.model.is_integer].all()
        return bool(is_in) and bool(
            ((left >= self.sides[0] - EPS) & (left <= self.sides[1] + EPS)).all()
        )

    def _priced(self, at: Floats) -> float:
        """Return the loss of a plan [MUSD], and keep its cuts."""
        master = self.master
        values, found = master.operated(at)
        for g, sides in enumerate(master.cuts.at(found)):
            shape = sides.constant.size, len(at)
            terms = sparse.csr_array((sides.factor, (sides.row, sides.column)), shape)
            self.factors = sparse.vstack([self.factors, terms]).tocsr()
            self.allows = np.append(self.allows, sides.constant.ravel())
            self.of = np.append(self.of, g * shape[0] + np.arange(shape[0]))
        return loss_of(values, master.arrays.odds, master.options, master.regret_of)

    def _moves(self, at: Floats) -> sparse.csc_array:
        """Return moves as columns of changes; the first of them is none."""
        relaxed, found = self.master.relaxed, [np.zeros(len(at))]
        arrays = self.master.arrays
        for steps in (self.first.orders, self.first.retired):
            for p in sorted({p for p, _ in steps}):
                chain = [c for (q, _), c in sorted(steps.items()) if q == p]
                if at[chain[-1]] > 0 or relaxed is None or relaxed[chain].max() > USED:
                    sizes = SIZES if arrays.build(p).chip is not None else SIZES[:1]
                    found += _changes(at, np.array(chain), sizes)
        moves = sparse.csc_array(np.array(found).T)
        if moves.shape[1] <= MOST:
            return moves
        keep = np.sort(np.argsort(self._alone(at, moves))[:MOST])
        return moves[:, np.append(0, keep[keep > 0])]

    def _alone(self, at: Floats, moves: sparse.csc_array) -> Floats:
        """Return what single moves lose, by the cuts."""
        sides = (self.allows + self.factors @ at)[:, None] + (self.factors @ moves).toarray()
        least = np.full((len(self.weight), moves.shape[1]), np.inf)
        np.minimum.at(least, self.of, sides)
        lost: Floats = moves.T @ self.cost + self.weight @ least
        return lost


def _changes(at: Floats, chain: Ints, sizes: tuple[int, ...]) -> list[Floats]:
    """Return changes of the cumulative columns of a place: more, less, sooner, later."""
    found = []
    new = np.diff(at[chain], prepend=0.0)
    for k, units in enumerate(new.tolist()):
        for size in sizes:
            for first, end, by in (
                (k, len(chain), size), (k, len(chain), -size), (k - 1, k, size), (k, k + 1, -size),
            ):  # fmt: skip
                if first >= 0 and (units >= size or (first == k and by > 0)):
                    change = np.zeros(len(at))
                    change[chain[first:end]] = by
                    found.append(change)
    return found
