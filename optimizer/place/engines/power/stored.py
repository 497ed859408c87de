"""The best prices of what a battery holds, compiled: see `blocks.py`."""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled

__all__ = ["best_held_prices"]


@compiled
def _prices_worth_trying(power, over, added, taken):
    """All breakpoints of single periods, and 0, in order (2 T + 1,)."""
    T = len(power)
    value = np.zeros(2 * T + 1)
    for t in range(T):
        value[2 * t + 1] = max(0.0, over[t] / taken)
        value[2 * t + 2] = max(0.0, power[t] / added) if added > 0 else 0.0
    return np.sort(value)


@compiled
def _step(best, value, full, came):
    """Least worth before each price of a period (n,), and which price came before it."""
    n = len(value)
    after = np.empty(n)
    low, at = best[0] - full * value[0], 0  # rising costs, from the best of those below
    for i in range(n):
        if best[i] - full * value[i] < low:
            low, at = best[i] - full * value[i], i
        after[i], came[i] = low + full * value[i], at
    low, at = best[n - 1], n - 1  # falling costs nothing
    for i in range(n - 1, -1, -1):
        if best[i] < low:
            low, at = best[i], i
        if low < after[i]:
            after[i], came[i] = low, at
    return after


@compiled
def best_held_prices(power, over, cap, charge, full, start, added, taken):
    """Least worth of a battery over all prices of what it holds, and these prices (T,)."""
    T = len(power)
    value = _prices_worth_trying(power, over, added, taken)
    n = len(value)
    best, came = start * value, np.zeros((T, n), np.int64)
    for t in range(T):
        if t > 0:
            best = _step(best, value, full, came[t])
        for i in range(n):
            best[i] += cap[t] * max(0.0, over[t] - taken * value[i])
            best[i] += charge * max(0.0, added * value[i] - power[t])
    best = best - start * value
    end = np.argmin(best)
    worth, held = best[end], np.empty(T)
    for t in range(T - 1, -1, -1):
        held[t] = value[end]
        end = came[t, end]
    return worth, held
