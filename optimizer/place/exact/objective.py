"""The objective of the CP-SAT model, in whole numbers that fit its int64.

The mathematics is in `intervals.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.columns import Columns, parts_of

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.exact.intervals import Intervals

__all__ = [
    "Scale", "cheapest_of", "energy_of", "objective_of", "scale_of", "total_of", "weighted",
]  # fmt: skip

LARGEST = 2**61
"""CP-SAT refuses objectives whose terms could add up to more than an int64 holds; this is half."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Unit of the engine's objective: `unit` pico-USD, 1 where the sum of all terms fits an int64.

    Above that (a few million USD) worth is rounded up and cost down, so that the bound stays one.
    Plans are whole nano-USD, so the bound is rounded down to them: while less than 1,000 pico-USD
    are lost in all, optimal still means optimal to the last nano-USD; it is never claimed else.

    Attributes
    ----------
    fixed
        Energy cost of the fixed load at the cheapest supply [pico-USD], not in the engine's terms.
    """

    unit: int
    fixed: int

    def worth(self, pico: int) -> int:
        """Return what is won, rounded up."""
        return -(-pico // self.unit)

    def cost(self, pico: int) -> int:
        """Return what is paid, rounded down."""
        return pico // self.unit

    def nano(self, bound: int) -> int:
        """Return a bound of the engine in whole nano-USD, as no plan lies between those."""
        return (bound * self.unit - self.fixed) // 1000


def scale_of(a: PlaceArrays, columns: Columns) -> Scale:
    """Return the unit in which the objective of the arrays fits CP-SAT."""
    cheapest = cheapest_of(a)
    largest = 1000 * _largest(a, columns) + sum(energy_of(a, columns, cheapest))
    fixed = int((cheapest.astype(object) * a.fixed_mw).sum())
    unit = 1
    while largest // unit > LARGEST:
        unit *= 10
    return Scale(unit, fixed)


def _largest(a: PlaceArrays, columns: Columns) -> int:
    """Return what all terms of the objective could add up to [nano-USD]."""
    largest: int = sum(abs(int(x)) for x in a.gain) + sum(int(x) for x in columns.penalty)
    stores = a.full >= 0
    dearest, T = int(a.sup_cost.max(initial=0)), a.pue.shape[1]
    moved = int(a.sup_cap[stores].sum()) + T * int(a.charge_w[stores].sum())
    peaks = int((a.sup_cap.max(1, initial=0).astype(object) * a.peak_cost).sum())
    energy = int((a.sup_cap.astype(object) * a.sup_cost).sum())
    total: int = largest + energy + moved * dearest + peaks
    return total


def energy_of(a: PlaceArrays, columns: Columns, cheapest: Ints) -> list[int]:
    """Return what the energy of each column costs at the cheapest supply [pico-USD]."""
    out = []
    for c, m in enumerate(columns.mode.tolist()):
        span, paid = slice(columns.start[c], columns.end[c]), 0
        for _, part, pool in parts_of(a, m):
            s = int(a.pool_site[pool])
            price = columns.trains[a.mask[m], span] * a.pue[s, span] * cheapest[s, span]
            paid += int(a.part_net_w[part]) * int(price.sum())
        out.append(paid)
    return out


def cheapest_of(a: PlaceArrays) -> Ints:
    """Return the least cost of energy by site and period, (S, T), batteries apart; 0 for none."""
    out = np.zeros(a.pue.shape, np.int64)
    for s in range(len(out)):
        own = slice(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
        mine = a.sup_cost[own][a.full[own] < 0]
        if len(mine):
            out[s] = mine.min(0)
    return out


def weighted(terms: list[tuple[Any, int]]) -> Any:
    return cp_model.LinearExpr.weighted_sum([v for v, _ in terms], [int(n) for _, n in terms])


def objective_of(model: Intervals) -> Any:
    """The objective of `intervals.py` with the cheapest supply k0, scaled."""
    a, scale, cheapest = model.a, model.scale, cheapest_of(model.a)
    energy = energy_of(a, model.columns, cheapest)
    paid = [1000 * int(x) + e for x, e in zip(model.columns.penalty, energy, strict=True)]
    terms = [(model.placed[m], scale.worth(1000 * int(a.gain[m]))) for _, m in model.modes]
    terms += [(at, -scale.cost(x)) for at, x in zip(model.at, paid, strict=True)]
    for s, row in enumerate(model.rest):
        terms += [(r, -scale.cost(int(e))) for r, e in zip(row, cheapest[s], strict=True)]
        for k in range(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1])):
            more = (a.sup_cost[k] - cheapest[s]).tolist()
            given = zip(model.give[k], more, strict=True)
            terms += [(g, -scale.cost(1000 * e)) for g, e in given if e]
        for b in a.batteries_at(s):
            charged = zip(model.charge[b], cheapest[s].tolist(), strict=True)
            terms += [(c, -scale.cost(1000 * e)) for c, e in charged]
    terms += [(p, -scale.cost(1000 * int(a.peak_cost[k]))) for k, p in model.peak.items()]
    return weighted(terms)


def total_of(model: Intervals) -> Any:
    """sum v placed - sum penalty at - sum e give - sum demand peak, in nano-USD."""
    a = model.a
    if _largest(a, model.columns) > LARGEST:
        return None
    terms = [(model.placed[m], int(a.gain[m])) for _, m in model.modes]
    terms += [(model.at[c], -int(x)) for c, x in enumerate(model.columns.penalty) if x]
    for row, costs in zip(model.give, a.sup_cost.tolist(), strict=True):
        terms += [(g, -cost) for g, cost in zip(row, costs, strict=True)]
    terms += [(p, -int(a.peak_cost[k])) for k, p in model.peak.items()]
    return weighted(terms)
