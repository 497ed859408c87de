"""Prices for shares: weights of tenants and prices of rows, minimised together.

Level 1     bound(m, y) = UB of the image in which a job of tenant i is worth m_i v_j, over
            sum_i m_i need_i(1): convex in (m, y); weights fall on tenants that the softened plan
            gives more than others (mirror descent on the simplex: Nemirovski and Yudin, 1983).
Level 2     bound(l, y) = UB with values v_j (1 + l_i) less sum_i l_i need_i: bonuses rise where the
            softened plan gives a tenant less than it needs (projected subgradients).
For given weights the prices come from the smoothed dual, from those of the weights before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.engines.prices import COARSE, FINE, Dual, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.prices import Prices, Steps

__all__ = ["Entitled", "Tenants", "bonuses_for", "weights_for"]

STEPS = 24
"""Most changes of weights or bonuses."""

SOFT = 0.003
"""Smoothing at which the share of every tenant in the softened plan is read."""

Floats = Any


@dataclass(frozen=True)
class Entitled:
    """The tenants that count, as arrays over all tenants of the instance.

    Attributes
    ----------
    of : (J,)
        Tenant of each job, -1 for none that counts.
    value : (J,)
        Value of each job [USD].
    whole : (tenants,)
        Placed value at which the share of a tenant is 1 [USD]; infinite for those that do not
        count.
    """

    of: Any
    value: Floats
    whole: Floats

    def placed(self, weight: Floats) -> Floats:
        """Return the placed value of every tenant, if so much of each job is placed [USD]."""
        out = np.zeros(len(self.whole))
        counts = self.of >= 0
        np.add.at(out, self.of[counts], (self.value * weight)[counts])
        return out

    def spread(self, by_tenant: Floats) -> Floats:
        """Return what is said of tenants for each of their jobs; 0 for jobs of none."""
        return np.where(self.of >= 0, by_tenant[np.maximum(self.of, 0)], 0.0)


class Tenants:
    """A dual whose values of jobs are changed tenant by tenant."""

    def __init__(
        self, a: PlaceArrays, entitled: Entitled, threads: int, is_over: Callable[[], bool]
    ) -> None:
        self.a, self.entitled = a, entitled
        self.job_of = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr))
        self.costs = (a.gain - a.value[self.job_of]) * 1e-9
        self.is_over = is_over
        self.dual = Dual(a, threads, self._poll)

    def _poll(self, _bound: float) -> None:
        if self.is_over() and self.dual.evaluations > 2:
            raise Stop

    def minimise(self, values: Floats, steps: Steps) -> tuple[float, Prices, Floats]:
        """Return bound [USD] and prices at values of jobs [USD], and how much of each is placed."""
        dual = self.dual
        dual.gain = values[self.job_of] + self.costs
        dual.tau_of = np.maximum(values, dual.scale_value * 1e-3 / max(1, len(values)))
        dual.use_rows(list(dual.table.rows), dual.best)
        dual.minimise(steps)
        weight = np.zeros(len(values))
        np.add.at(weight, self.job_of, dual.mode_weights(SOFT))
        return dual.best.bound, dual.best, weight


def weights_for(
    a: PlaceArrays, entitled: Entitled, threads: int, is_over: Callable[[], bool]
) -> tuple[Floats, Prices]:
    """Return weights of tenants and prices that bound the least share low: (tenants,)."""
    counts = np.isfinite(entitled.whole)
    y = counts / max(1, int(counts.sum()))
    scale = float(entitled.value[entitled.of >= 0].sum())
    tenants = Tenants(a, entitled, threads, is_over)
    best: tuple[float, Floats, Prices] | None = None
    for step in range(STEPS):
        weights = np.where(counts, y * scale / entitled.whole, 0.0)
        values = entitled.value * entitled.spread(weights)
        bound, prices, placed = tenants.minimise(values, COARSE + FINE if step == 0 else FINE[:1])
        if best is None or bound < best[0] * (1 - 1e-9):
            best = bound, weights, prices
        if is_over() or counts.sum() <= 1:
            break
        share = np.where(counts, entitled.placed(placed) / entitled.whole, 0.0)
        spread = float(share[counts].max() - share[counts].min())
        if spread < 1e-4:
            break
        y = y * np.exp(-2.0 / (1 + 0.3 * step) * (share - share[counts].min()))
        y = np.where(counts, np.maximum(y / y.sum(), 1e-9), 0.0)
    assert best is not None
    if not is_over():
        tenants.dual.best = best[2]
        _, finer, _ = tenants.minimise(entitled.value * entitled.spread(best[1]), FINE)
        best = (finer.bound, best[1], finer) if finer.bound < best[0] else best
    tenants.dual.close()
    return best[1], best[2]


def bonuses_for(
    a: PlaceArrays,
    entitled: Entitled,
    need: Floats,
    threads: int,
    is_over: Callable[[], bool],
    start: Prices,
) -> tuple[Floats, Dual]:
    """Return bonuses of tenants that bound the total low, (tenants,), and the dual at its best.

    need : (tenants,)
        Value that each has to have placed [USD].
    start
        Prices without any bonus.
    """
    bonus = np.zeros(len(need))
    tenants = Tenants(a, entitled, threads, is_over)
    tenants.dual.use_rows(list(start.table.rows), start)
    whole = np.array([entitled.value[entitled.of == i].sum() for i in range(len(need))])
    best: tuple[float, Floats, Prices] | None = None
    for step in range(STEPS):
        values = entitled.value * (1.0 + entitled.spread(bonus))
        bound, prices, placed = tenants.minimise(values, FINE[:1])
        bound -= float(bonus @ need)
        if best is None or bound < best[0]:
            best = bound, bonus.copy(), prices
        short = np.where(whole > 0, (need - entitled.placed(placed)) / np.maximum(whole, 1e-9), 0.0)
        if is_over() or not ((short > 1e-4) | ((short < -1e-4) & (bonus > 0))).any():
            break
        bonus = np.maximum(0.0, bonus + 4.0 / (1 + 0.3 * step) * short)
    assert best is not None
    if not is_over():
        tenants.dual.best = best[2]
        values = entitled.value * (1.0 + entitled.spread(best[1]))
        bound, finer, _ = tenants.minimise(values, FINE)
        bound -= float(best[1] @ need)
        best = (bound, best[1], finer) if bound < best[0] else best
    tenants.dual.best = best[2]
    tenants.dual.close()
    return best[1], tenants.dual
