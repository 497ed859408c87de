"""Batteries and demand charges in the smoothed dual: their blocks, soft and exact.

With x+ the hard and S(x, w) = w ln(1 + exp(x / w)) the soft positive part, over = mu - e - pi:

billed supply   sum_i (P_i - P_{i-1}) (sum_{t: cap[t] >= P_i} over[t]+ - D)+      over its caps P_i
battery         sum_t cap (over - taken sigma)+ + in (added sigma - mu)+
                + full sum_{t >= 1} (sigma[t] - sigma[t-1])+ + held0 (sigma[0] - sigma[T-1])

The soft forms put S for every + and have sigma among the variables of the dual. The exact bound of
a battery takes the best sigma for mu: at a vertex all of its values are breakpoints of single
periods, so a dynamic program over (period, breakpoint) finds it in T x 2T steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.place.engines.power.stored import best_held_prices

if TYPE_CHECKING:
    from optimizer.place.arrays import PlaceArrays

__all__ = ["Blocks", "Worth"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """What special supplies earn at some prices, and the slopes of the soft form.

    Attributes
    ----------
    soft, hard
        Earnings [USD], permits apart.
    net : (K, T)
        Dispatch less charge [W]; 0 for plain supplies.
    given : (K, T)
        Dispatch [W].
    held : (B, T)
        Slope by the prices of what batteries hold [W-periods].
    """

    soft: float
    hard: float
    net: Floats
    given: Floats
    held: Floats


class Blocks:
    """The supplies with a battery or a demand charge.

    Attributes
    ----------
    batteries, billed
        Their numbers among all supplies.
    plain : (K, 1)
        1 for all other supplies, else 0.
    """

    def __init__(self, a: PlaceArrays) -> None:
        self.a = a
        self.site = np.repeat(np.arange(len(a.pue)), np.diff(a.sup_ptr))
        self.batteries = np.flatnonzero(a.full >= 0)
        self.billed = np.flatnonzero(a.peak_cost > 0)
        self.plain = ((a.full < 0) & (a.peak_cost == 0)).astype(np.float64)[:, None]
        self.levels = [_levels(a.sup_cap[k]) for k in self.billed]

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(len(self.batteries) or len(self.billed))

    def first_prices(self, power: Floats, over: Floats) -> Floats:
        """Return the best prices of what batteries hold, (B, T) [USD per W-period].

        power : (S, T) and over : (K, T), prices of power and what of them supplies keep.
        """
        rows = [self._best(k, power, over)[1] for k in self.batteries.tolist()]
        return np.array(rows).reshape(len(rows), power.shape[1])

    def _best(self, k: int, power: Floats, over: Floats) -> tuple[float, Floats]:
        a = self.a
        store = a.full[k] / 1000, a.held[k] / 1000, a.added[k] / 1000, a.taken[k] / 1000
        caps = a.sup_cap[k].astype(np.float64), float(a.charge_w[k])
        found: tuple[float, Floats] = best_held_prices(power[self.site[k]], over[k], *caps, *store)
        return found

    def evaluate(self, power: Floats, over: Floats, held: Floats, width: float) -> Worth:
        """Return what special supplies earn at prices, softened by `width` [USD/W-period]."""
        net = np.zeros(over.shape)
        given, slopes = np.zeros(over.shape), np.zeros(held.shape)
        soft = hard = 0.0
        for i, k in enumerate(self.billed.tolist()):
            demand = float(self.a.peak_cost[k] * 1e-9)
            each = _layers(self.levels[i], over[k], demand, width)
            soft, hard, given[k] = soft + each[0], hard + each[1], each[2]
            net[k] = given[k]
        for i, k in enumerate(self.batteries.tolist()):
            worth, out, into, slopes[i] = self._soft(k, power, over, held[i], width)
            soft, hard = soft + worth, hard + self._best(k, power, over)[0]
            given[k], net[k] = out, out - into
        return Worth(soft, hard, net, given, slopes)

    def _soft(
        self, k: int, power: Floats, over: Floats, held: Floats, width: float
    ) -> tuple[float, Floats, Floats, Floats]:
        """Return a battery's soft worth, discharge and charge [W], and slopes by `held`."""
        a = self.a
        added, taken = a.added[k] / 1000, a.taken[k] / 1000
        full, start = a.full[k] / 1000, a.held[k] / 1000
        worth, out = _soften(over[k] - taken * held, width, a.sup_cap[k])
        more, into = _soften(added * held - power[self.site[k]], width, a.charge_w[k])
        kept, rise = _soften(np.diff(held), width, full)
        slope = added * into - taken * out
        slope[1:] += rise
        slope[:-1] -= rise
        slope[0] += start
        slope[-1] -= start
        return worth + more + kept + start * float(held[0] - held[-1]), out, into, slope


def _soften(x: Floats, width: float, most: NDArray[np.int64] | float) -> tuple[float, Floats]:
    """Return sum of most S(x, width), and its slope by x."""
    soft = float((most * width * np.logaddexp(0, x / width)).sum())
    return soft, np.asarray(most * np.exp(-np.logaddexp(0, -x / width)), np.float64)


def _levels(cap: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the height of every layer between caps (L,), and when it is there (L, T)."""
    edges = np.unique(np.concatenate(([0], cap)))
    return np.diff(edges).astype(float), (cap[None, :] >= edges[1:, None]).astype(float)


def _layers(
    levels: tuple[Floats, Floats], over: Floats, demand: float, width: float
) -> tuple[float, float, Floats]:
    """Return the soft and hard worth of a billed supply, and its dispatch [W]."""
    height, there = levels
    share = np.exp(-np.logaddexp(0, -over / width))
    earned = there @ (width * np.logaddexp(0, over / width)) - demand
    wide = width * len(over) ** 0.5
    soft = float((height * wide * np.logaddexp(0, earned / wide)).sum())
    open_ = height * np.exp(-np.logaddexp(0, -earned / wide))
    hard = float((height * np.maximum(there @ np.maximum(over, 0) - demand, 0)).sum())
    return soft, hard, np.asarray((open_ @ there) * share, np.float64)
