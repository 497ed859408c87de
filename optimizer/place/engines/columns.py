"""Compiled passes over the columns of placement: what they pay, soft and hard maxima, weights.

A column is a (mode, start) that is allowed. Nothing of it is stored: what a mode pays from any
start to its end is a difference of one row of prefix sums.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled

__all__ = ["mode_prices", "one_pass"]

NEGLIGIBLE = -25.0
"""Columns with exp(x) below this weight do not move the gradient."""


@compiled
def _column_prices(m, mask, works, use_ptr, use_split, use_row, use_amount, y, out):
    """Prefix sums over periods of what mode m pays in each, out: (T+1,)."""
    T = y.shape[1]
    for t in range(T + 1):
        out[t] = 0.0
    for u in range(use_ptr[m], use_split[m]):
        row, amount = use_row[u], use_amount[u]
        for t in range(T):
            out[t + 1] += amount * y[row, t]
    if mask > 0:
        for t in range(T):
            out[t + 1] *= works[mask, t]
    for u in range(use_split[m], use_ptr[m + 1]):
        row, amount = use_row[u], use_amount[u]
        for t in range(T):
            out[t + 1] += amount * y[row, t]
    for t in range(T):
        out[t + 1] += out[t]


@compiled
def _profits(j, a, works, gain, late, restart, table, y, prefix, out):
    """Profit of every column of job j, in order, out: (columns,); return how many, and the best."""
    use_ptr, use_split, use_row, use_amount = table
    n, best = 0, -1e300
    for m in range(a.job_ptr[j], a.job_ptr[j + 1]):
        mask = a.mask[m]
        _column_prices(m, mask, works, use_ptr, use_split, use_row, use_amount, y, prefix)
        for t in range(y.shape[1]):
            if a.allowed[m, t]:
                end = a.when[mask, a.act[mask, t] + a.dur[m]]
                profit = gain[m] - (prefix[end] - prefix[t])
                if end > a.due[j]:
                    profit -= late[j] * (end - a.due[j])
                if mask > 0 and end - t > a.dur[m]:
                    profit -= restart[m]
                out[n] = profit
                n += 1
                best = max(best, profit)
    return n, best


@compiled
def _soften(profits, best, tau, is_free):
    """Turn profits into soft-max weights in place; return the soft maximum."""
    total = np.exp(-best / tau) if is_free else 0.0
    for i in range(len(profits)):
        x = (profits[i] - best) / tau
        profits[i] = np.exp(x) if x > NEGLIGIBLE else 0.0
        total += profits[i]
    for i in range(len(profits)):
        profits[i] /= total
    return best + tau * np.log(total)


@compiled
def _spread(j, a, works, table, weights, active, usage, mode_weight):
    """Add up what the weighted columns of job j take from every row, usage: (R, T)."""
    use_ptr, use_split, use_row, use_amount = table
    n, T = 0, usage.shape[1]
    for m in range(a.job_ptr[j], a.job_ptr[j + 1]):
        mask, weight = a.mask[m], 0.0
        for t in range(T):
            if a.allowed[m, t]:
                w = weights[n]
                n += 1
                if w > 0.0:
                    if weight == 0.0:
                        active[:] = 0.0
                    weight += w
                    active[t] += w
                    active[a.when[mask, a.act[mask, t] + a.dur[m]]] -= w
        mode_weight[m] = weight
        if weight == 0.0:
            continue
        for t in range(1, T):
            active[t] += active[t - 1]
        for u in range(use_ptr[m], use_ptr[m + 1]):
            row, amount = use_row[u], use_amount[u]
            pauses = mask > 0 and u < use_split[m]
            for t in range(T):
                usage[row, t] += amount * active[t] * (works[mask, t] if pauses else 1.0)


@compiled
def one_pass(
    jobs, a, works, gain, late, restart, tau, table, y, taken, usage, mode_weight, buffer
):  # fmt: skip
    """One pass over the columns of some jobs: soft and hard maxima, usage of rows by weights.

    table : use_ptr, use_split, use_row, use_amount; y : (R, T) prices as modes pay them
    taken : a table like it, of the rows whose usage is added up, usage : (its rows, T)
    """
    soft_sum, hard_sum = 0.0, 0.0
    prefix, active = np.zeros(y.shape[1] + 1), np.zeros(y.shape[1] + 1)
    for j in jobs:
        is_free = a.must[j] == 0 and a.running[j] == 0
        n, best = _profits(j, a, works, gain, late, restart, table, y, prefix, buffer)
        if n == 0:
            continue
        best = max(best, 0.0) if is_free else best
        hard_sum += best
        soft_sum += _soften(buffer[:n], best, tau[j], is_free)
        _spread(j, a, works, taken, buffer[:n], active, usage, mode_weight)
    return soft_sum, hard_sum


@compiled
def mode_prices(a, works, gain, late, restart, table, y, buffer, priced, worth):
    """What every mode pays, prefix sums (M, T+1), and every job's best profit, not below 0."""
    use_ptr, use_split, use_row, use_amount = table
    prefix = np.zeros(y.shape[1] + 1)
    for j in range(len(a.job_ptr) - 1):
        for m in range(a.job_ptr[j], a.job_ptr[j + 1]):
            _column_prices(
                m, a.mask[m], works, use_ptr, use_split, use_row, use_amount, y, priced[m]
            )
        _, best = _profits(j, a, works, gain, late, restart, table, y, prefix, buffer)
        worth[j] = max(0.0, best)
