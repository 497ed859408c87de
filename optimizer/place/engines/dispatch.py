"""The cheapest dispatch of supplies for given loads: merit order, and permits where they pay most.

min  sum cost[k, t] g[k, t]
over sum_k g[k, t] >= load[t], 0 <= g <= cap, sum_t g[k, t] <= permit[k]

Without permits the merit order is exact. With a permit, supplies that have one are first used as
little as the load allows, then energy moves to them where that saves most: exact for one permit at
a site (a fractional knapsack with equal weights), good for several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["dispatch_site", "in_merit_order"]


def dispatch_site(a: PlaceArrays, site: int, load_w: Ints) -> Ints:
    """Return what each supply of a site gives [W], shape (supplies, T).

    load_w : (T,)
        IT watts above idle; what the supplies allow at most.
    """
    low, high = a.sup_ptr[site], a.sup_ptr[site + 1]
    cap, cost, permit = a.sup_cap[low:high], a.sup_cost[low:high], a.permit[low:high]
    meter = -(-(a.pue[site] * load_w + a.fixed_mw[site]) // 1000)
    return in_merit_order(cap, cost, permit, meter)


def in_merit_order(cap: Ints, cost: Ints, permit: Ints, meter: Ints) -> Ints:
    """Return what supplies give for a load at the meter [W], shape (supplies, T)."""
    last = np.where(permit >= 0, 1, 0)[:, None] * (cost.max(initial=0) + 1)
    order = np.argsort(cost + last, axis=0, kind="stable")
    given = np.zeros_like(cap)
    rest = meter.copy()
    for rank in range(len(cap)):
        k = order[rank]
        t = np.arange(len(rest))
        taken = np.minimum(rest, cap[k, t])
        given[k, t] = taken
        rest = rest - taken
    for k in np.flatnonzero(permit >= 0):
        _move_to(int(k), given, cap, cost, int(permit[k] - given[k].sum()))
    return given


def _move_to(k: int, given: Ints, cap: Ints, cost: Ints, left: int) -> None:
    """Move energy to supply k where that saves most, until its permit is used up."""
    saving = cost - cost[k]
    saving[k] = 0
    for flat in np.argsort(-saving, axis=None, kind="stable"):
        i, t = np.unravel_index(flat, saving.shape)
        if saving[i, t] <= 0 or left <= 0:
            return
        moved = min(int(given[i, t]), int(cap[k, t] - given[k, t]), left)
        given[i, t] -= moved
        given[k, t] += moved
        left -= moved
