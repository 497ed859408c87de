"""Prices: the smoothed dual of placement over implicit columns.

Sets        jobs j, columns c = (mode, start) of a job, rows r, periods t, supplies k of a site
Parameters  a[r, c] what a column takes from a row while it runs, b[r, t] right sides,
            v[c] value less lateness and one-offs, e[k, t] energy price, cap[k, t], fixed[s, t]
Variables   y[r, t] >= 0 prices (mu[s, t] of power, whole), beta >= 0 of budgets, pi >= 0 of permits
Objective   min  F(y) = sum y b + sum beta B + sum pi limit - sum mu fixed
                 + sum_k cap * S((mu - e - pi), tau_s) + sum_j S_j(v[c] - price of c, tau_j)
            where S is the soft maximum with 0, tau ln(1 + sum exp(x / tau)); with tau -> 0 the
            hard maximum, which is the certified bound. Batteries and demand charges: their blocks
            in the place of cap * S, and prices sigma of what batteries hold (`power/blocks.py`).
Method      L-BFGS-B on F for falling tau, each evaluation one compiled pass over all columns that
            also yields the exact bound; the best is kept. First with one price of a row for the
            whole horizon, then one a day, for six periods, for each: few prices settle quickly, and
            are a good start for many (`benchmarks/dual_steps.csv`). Smoothing: Nesterov (2005),
            "Smooth minimization of non-smooth functions"; bound: Lagrangian duality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from optimizer.place.engines.dual.cuts import add_rounding, cover
from optimizer.place.engines.dual.passes import Passes, Weighed
from optimizer.place.engines.power.blocks import Blocks
from optimizer.place.engines.rows import (
    Row,
    RowTable,
    base_rows,
    build_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["COARSE", "FINE", "Dual", "Prices", "Steps", "Stop", "minimised"]

Floats = NDArray[np.float64]

Steps = tuple[tuple[int, float, int], ...]

COARSE: Steps = ((0, 0.01, 20), (24, 0.003, 30), (6, 0.002, 30))
"""Steps on the way: periods that share a price of a row (0: all), smoothing as a share of a job's
value, most evaluations."""

FINE: Steps = ((1, 0.001, 150), (1, 0.0003, 300))
"""Steps with a price for every period."""

FIRST_STEPS = 2
"""Steps whose prices are good enough for a first plan."""

STEEP = {"power": 3.0, "slice": 0.1}
"""How far prices of rows of a kind move at once, against those of the others: what converges
soonest (`benchmarks/dual_steps.csv`)."""

LEVEL = 0.2
"""Prices of small places move further than those of large ones, by this power of their share."""

FIRST_PRICE = 0.3
"""Share of the value of all jobs that chips cost at the first prices."""

SCALAR = 0.03
"""Scale of prices that act on the whole horizon at once, against those of single periods."""


class Stop(Exception):
    """Raised inside the minimiser when it has to come to an end."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in USD per unit and period, and the bound they give [USD].

    Attributes
    ----------
    rows : (R, T)
        Prices of the rows of `table`; power rows hold the whole price at the meter [USD/W-period].
    budgets : (budgets,), permits : (K,)
        USD per thousandth of a unit; USD per W-period.
    held : (B, T)
        Prices of what batteries hold [USD per W-period], on the way; the best follow from `rows`.
    """

    table: RowTable
    rows: Floats
    budgets: Floats
    permits: Floats
    held: Floats
    bound: float


class Dual:
    """The smoothed dual of one instance; call `minimise`, read `best`.

    Parameters
    ----------
    arrays
        The numeric image.
    threads
        How many passes run side by side.
    poll
        Called after every evaluation with the exact bound [USD]; raises Stop to end it.
    """

    def __init__(
        self, arrays: PlaceArrays, threads: int, poll: Callable[[float], None] | None = None
    ) -> None:
        self.a = arrays
        self.poll = poll
        self.evaluations = 0
        self.gain: Floats = np.asarray(arrays.gain * 1e-9, np.float64)
        self.late: Floats = np.asarray(arrays.late * 1e-9, np.float64)
        self.restart: Floats = np.asarray(arrays.restart * 1e-9, np.float64)
        self.energy: Floats = np.asarray(arrays.sup_cost * 1e-9, np.float64)
        self.blocks = Blocks(arrays)
        self.site_of_supply = np.repeat(np.arange(len(arrays.pue)), np.diff(arrays.sup_ptr))
        self.permitted = np.flatnonzero(arrays.permit >= 0)
        value = np.maximum(arrays.value * 1e-9, 1e-3)
        self.scale_value = max(1.0, float(value.sum()))
        self.tau_of = np.maximum(value, self.scale_value * 1e-3 / max(1, len(value)))
        self.passes = Passes(arrays, threads)
        self.use_rows(base_rows(arrays))

    def close(self) -> None:
        """End the threads; prices, columns and what modes pay can still be read."""
        self.passes.close()

    def use_rows(self, rows: list[Row], prices: Prices | None = None) -> None:
        """Set the rows; prices of rows that were there are kept."""
        self.table = build_rows(self.a, rows)
        a, T = self.a, self.a.allowed.shape[1]
        n_power = len(a.pue)
        self.scale = np.empty((len(rows), T))
        chips = (a.usable.mean(1) * a.pool_size).astype(float)
        watts = np.array([self._power_right(s).mean() for s in range(n_power)])
        for r, row in enumerate(rows):
            right = watts[row.of] if row.kind == "power" else float(self.table.right[r].mean())
            of = watts if row.is_power else chips
            share = 1.0 if "quota" in row.kind else of[row.of] / max(float(of.sum()), 1e-9)
            steep = STEEP.get(row.kind, 1.0) * max(share, 1e-6) ** LEVEL
            self.scale[r] = steep * self.scale_value / max(right, 1e-9) / T
            if row.items:  # it has no price but in its periods
                begin, end = row.span
                right = float(self.table.right[r, begin:end].mean())
                self.scale[r] = 0.0
                self.scale[r, begin:end] = steep * self.scale_value / max(right, 1e-9) / T
        self.scale_budget = SCALAR * self.scale_value / np.maximum(a.budget.astype(float), 1.0)
        limits = np.maximum(a.permit[self.permitted].astype(float), 1.0)
        self.scale_permit = SCALAR * self.scale_value / limits
        y = np.zeros((len(rows), T))
        for s in range(n_power):
            own = slice(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
            billed = (a.peak_cost[own] * 1e-9 / T)[:, None]
            mine = (self.energy[own] + billed)[a.full[own] < 0]
            y[s] = mine.min(0) if len(mine) else 0.0
        for r, row in enumerate(rows):
            if row.kind == "chips":
                y[r] = FIRST_PRICE * self.scale_value / max(float(chips.sum()), 1e-9) / T
        budgets, permits = np.zeros(len(a.budget)), np.zeros(len(a.permit))
        if prices is not None:
            old = {row: prices.rows[r] for r, row in enumerate(prices.table.rows)}
            for r, row in enumerate(rows):
                y[r] = old.get(row, np.zeros(T))
            budgets, permits = prices.budgets, prices.permits
        held = self._held_prices(y, permits) if prices is None else prices.held
        self.best = Prices(self.table, y, budgets, permits, held, np.inf)

    def _over(self, rows: Floats, permits: Floats) -> Floats:
        """Price of power less energy and permit of every supply, (K, T)."""
        over: Floats = rows[self.site_of_supply] - self.energy - permits[:, None]
        return over

    def _held_prices(self, rows: Floats, permits: Floats) -> Floats:
        """Return the best prices of what batteries hold, (B, T)."""
        n = len(self.a.pue)
        return self.blocks.first_prices(rows[:n], self._over(rows[:n], permits))

    def finish(self) -> Prices:
        """Return the best prices, with the best of what batteries hold at them."""
        return replace(self.best, held=self._held_prices(self.best.rows, self.best.permits))

    def power_use(self, tau: float = 0.003) -> Floats:
        """Return IT watts above idle of the fractional plan at the best prices, (S, T)."""
        return self._weighed(self.best, tau).usage[: len(self.a.pue)]

    def _power_right(self, site: int) -> Floats:
        cap = self.a.sup_cap[self.a.sup_ptr[site] : self.a.sup_ptr[site + 1]]
        return np.asarray(cap.sum(0), np.float64)

    def minimise(self, steps: Steps = COARSE + FINE) -> None:
        """Minimise through falling smoothing, in steps as `COARSE` and `FINE` have them."""
        T = self.scale.shape[1]
        for shared, tau, evaluations in steps:
            if shared >= T > 1:
                continue
            begins = np.arange(0, T, shared or T)
            z0 = self._pack(self.best, begins)
            try:
                minimize(
                    self._value_and_slope,
                    z0,
                    args=(tau, begins),
                    jac=True,
                    method="L-BFGS-B",
                    bounds=[(0, None)] * len(z0),
                    options={"maxfun": evaluations, "maxiter": evaluations, "maxcor": 15,
                             "ftol": 1e-9, "gtol": 1e-12},
                )  # fmt: skip
            except Stop:
                return

    def usage(self, tau: float, of: RowTable) -> Floats:
        """Return what the fractional plan at the best prices takes of rows, (rows of it, T)."""
        return self._weighed(self.best, tau, of).usage

    def mode_weights(self, tau: float) -> Floats:
        """Return the weights of modes at the best prices and a smoothing, (M,)."""
        return self._weighed(self.best, tau).modes

    def mode_prices(self) -> tuple[Floats, Floats]:
        """Return what kinds of modes pay at the best prices, and the best profits of jobs.

        Sums over periods, (kinds, T+1), and (J,) not below 0 [USD].
        """
        charged = self._charged(self.best.rows)
        money = self._gain(self.best), self.late, self.restart
        return self.passes.mode_prices(self.table, charged, money)

    def _gain(self, p: Prices) -> Floats:
        a = self.a
        if not len(a.use_budget):
            return self.gain
        gain: Floats = self.gain.copy()
        paid = p.budgets[a.use_budget] * a.use_amount
        np.subtract.at(gain, np.repeat(np.arange(len(gain)), np.diff(a.use_ptr)), paid)
        return gain

    def _charged(self, rows: Floats) -> Floats:
        """Prices as modes pay them: power by the IT watt, PUE included."""
        charged = rows.copy()
        charged[: len(self.a.pue)] *= self.a.pue / 1000
        return charged

    def _pack(self, p: Prices, begins: Ints) -> Floats:
        """Return prices in one row; those of rows as means over the periods that share one."""
        scaled = np.divide(p.rows, self.scale, out=np.zeros_like(p.rows), where=self.scale > 0)
        rows = np.add.reduceat(scaled, begins, axis=1) / self._lengths(begins)
        flat = [rows[self._priced(begins)], p.budgets / self.scale_budget]
        flat.append(p.permits[self.permitted] / self.scale_permit)
        flat.append(p.held / self._scale_held())
        return np.concatenate([x.ravel() for x in flat])

    def _priced(self, begins: Ints) -> NDArray[np.bool_]:
        """Return which rows have a price in which of the spans that share one."""
        priced: NDArray[np.bool_] = np.add.reduceat(self.scale > 0, begins, axis=1) > 0
        return priced

    def _lengths(self, begins: Ints) -> Ints:
        """Return how many periods share each price."""
        return np.diff(np.append(begins, self.scale.shape[1]))

    def _scale_held(self) -> Floats:
        """Scale of the prices of what batteries hold: that of power at their sites, (B, T)."""
        return self.scale[self.site_of_supply[self.blocks.batteries]]

    def _unpack(self, z: Floats, begins: Ints) -> Prices:
        priced, b = self._priced(begins), len(self.scale_budget)
        n = int(priced.sum())
        end = n + b + len(self.permitted)
        permits = np.zeros(len(self.a.permit))
        permits[self.permitted] = np.maximum(z[n + b : end], 0) * self.scale_permit
        scale = self._scale_held()
        held = np.maximum(z[end:].reshape(scale.shape), 0) * scale
        shared = np.zeros(priced.shape)
        shared[priced] = np.maximum(z[:n], 0)
        rows = np.repeat(shared, self._lengths(begins), axis=1) * self.scale
        budgets = np.maximum(z[n : n + b], 0) * self.scale_budget
        return Prices(self.table, rows, budgets, permits, held, np.inf)

    def _value_and_slope(self, z: Floats, tau: float, begins: Ints) -> tuple[float, Floats]:
        prices = self._unpack(z, begins)
        value, hard, slopes = self._evaluate(prices, tau)
        self.evaluations += 1
        if hard < self.best.bound:
            self.best = replace(prices, bound=hard)
        if self.poll is not None:
            self.poll(self.best.bound)
        rows, budgets, permits, held = slopes
        each = np.add.reduceat(rows * self.scale, begins, axis=1)[self._priced(begins)]
        slope = [each, budgets * self.scale_budget]
        slope.append(permits[self.permitted] * self.scale_permit)
        slope.append(held * self._scale_held())
        return value / self.scale_value, np.concatenate(
            [x.ravel() for x in slope]
        ) / self.scale_value

    def _weighed(self, p: Prices, tau: float, taken: RowTable | None = None) -> Weighed:
        """Return what the columns make of prices; usage of the rows of `taken`, if given."""
        width: Floats = np.asarray(tau * self.tau_of, np.float64)
        money = self._gain(p), self.late, self.restart, width
        return self.passes.weigh(self.table, self._charged(p.rows), money, taken or self.table)

    def _evaluate(
        self, p: Prices, tau: float
    ) -> tuple[float, float, tuple[Floats, Floats, Floats, Floats]]:
        """Return F, the exact bound, and the slopes of F by rows, budgets, permits and held."""
        a, n, right = self.a, len(self.a.pue), self.table.right
        permit = np.maximum(a.permit, 0)
        linear = float((p.rows[n:] * right[n:]).sum() - (p.rows[:n] * a.fixed_mw / 1000).sum())
        linear += float((p.budgets * a.budget).sum()) + float((p.permits * permit).sum())
        soft, hard, usage, mode_weight = self._weighed(p, tau)
        soft_supply, hard_supply, net, given, held = self._supplies(p, tau)
        slope: Floats = right - usage
        slope[:n] = -usage[:n] * a.pue / 1000 - a.fixed_mw / 1000
        np.add.at(slope, self.site_of_supply, net)
        used = np.zeros(len(a.budget))
        np.add.at(used, a.use_budget, np.repeat(mode_weight, np.diff(a.use_ptr)) * a.use_amount)
        slopes = slope, a.budget - used, permit - given.sum(1), held
        return linear + soft + soft_supply, linear + hard + hard_supply, slopes

    def _supplies(self, p: Prices, tau: float) -> tuple[float, float, Floats, Floats, Floats]:
        """Soft and hard earnings of supplies; dispatch less charge, dispatch, slopes by held."""
        over = self._over(p.rows, p.permits)
        if not over.size:
            return 0.0, 0.0, over, over, p.held
        cap = self.a.sup_cap * self.blocks.plain if self.blocks.any else self.a.sup_cap
        # free energy has no price to smooth by: a hundredth of what jobs could pay for power
        least = 0.01 * self.scale_value / max(float(self.a.sup_cap.sum()), 1.0)
        width = max(tau * 10, 0.003) * max(float(self.energy.mean()), least)
        soft = float((cap * width * np.logaddexp(0, over / width)).sum())
        hard = float((cap * np.maximum(over, 0)).sum())
        given = np.asarray(cap * np.exp(-np.logaddexp(0, -over / width)), np.float64)
        if not self.blocks.any:
            return soft, hard, given, given, p.held
        more = self.blocks.evaluate(p.rows[: len(self.a.pue)], over, p.held, width)
        soft, hard = soft + more.soft, hard + more.hard
        return soft, hard, given + more.net, given + more.given, more.held


def minimised(
    a: PlaceArrays,
    threads: int,
    is_over: Callable[[], bool],
    start: Prices | None = None,
    scale: Any = None,
    first: Callable[[Dual], None] | None = None,
) -> Dual:
    """Return the dual of arrays, minimised until its end or until it is over.

    is_over
        Says when to end, with the best prices so far; at least three evaluations are made.
    start
        Prices to begin with, and their rows.
    scale
        What prices are smoothed against, where it is not the value of jobs [USD], (J,).
    first
        Called once with the dual when its prices are good enough for a first plan.
    """

    def poll(_bound: float) -> None:
        if is_over() and dual.evaluations > 2:
            raise Stop

    dual = Dual(a, threads, poll)
    if scale is not None:
        dual.tau_of, dual.scale_value = scale, max(1.0, float(scale.sum()))
    if start is not None or scale is not None:
        dual.use_rows(list((dual if start is None else start).table.rows), start)
    try:
        dual.minimise(COARSE[:FIRST_STEPS])
        if first is not None and not is_over():
            first(dual)
        dual.minimise(COARSE[FIRST_STEPS:] + FINE)
        if not is_over() and add_rounding(dual, FINE[-1][1]):
            dual.minimise(FINE)
        cover(dual, FINE[-1][1], is_over)
    finally:
        dual.close()
    return dual
