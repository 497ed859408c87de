"""Compiled passes over the columns of placement: what they pay, soft and hard maxima, weights.

A column is a (mode, start) that is allowed. Nothing of it is stored: what a mode pays from any
start to its end is a difference of one row of prefix sums, which all modes of a kind share.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled

__all__ = ["add_usage", "best_profits", "least_paid", "one_pass", "price_kinds"]

NEGLIGIBLE = -25.0
"""Columns with exp(x) below this weight do not move the gradient."""


@compiled
def price_kinds(begin, end, a, works, table, y, priced):
    """Sum up over periods what modes of some kinds pay, priced : (kinds, T+1).

    table : use_ptr, use_split, use_row, use_amount, span; y : (R, T) prices as modes pay them
    """
    use_ptr, use_split, use_row, use_amount, span = table
    T = y.shape[1]
    for k in range(begin, end):
        out, mask = priced[k], a.mask[a.example[k]]
        for t in range(T + 1):
            out[t] = 0.0
        for u in range(use_ptr[k], use_split[k]):
            r, amount = use_row[u], use_amount[u]
            row = y[r]
            for t in range(span[r, 0], span[r, 1]):
                out[t + 1] += amount * row[t]
        if mask > 0:
            for t in range(T):
                out[t + 1] *= works[mask, t]
        for u in range(use_split[k], use_ptr[k + 1]):
            r, amount = use_row[u], use_amount[u]
            row = y[r]
            for t in range(span[r, 0], span[r, 1]):
                out[t + 1] += amount * row[t]
        for t in range(T):
            out[t + 1] += out[t]


@compiled
def _profits(j, a, spans, gain, late, restart, priced, out, tops):
    """Profit of every column of job j, in order, out: (columns,), and the best of each mode, tops.

    Return how many columns there are, and the best profit.
    """
    n, best, first = 0, -1e300, a.job_ptr[j]
    for m in range(first, a.job_ptr[j + 1]):
        row, mask, length, value = priced[a.alike[m]], a.mask[m], a.dur[m], gain[m]
        low, high, top = spans[m, 0], spans[m, 1], -1e300
        if spans[m, 2]:
            for t in range(low, high):
                profit = value - (row[t + length] - row[t])
                out[n + t - low] = profit
                if profit > top:
                    top = profit
        else:
            for t in range(low, high):
                profit = -1e300
                if a.allowed[m, t]:
                    end = a.when[mask, a.act[mask, t] + length]
                    profit = value - (row[end] - row[t])
                    if end > a.due[j]:
                        profit -= late[j] * (end - a.due[j])
                    if mask > 0 and end - t > length:
                        profit -= restart[m]
                out[n + t - low] = profit
                if profit > top:
                    top = profit
        n += high - low
        tops[m - first] = top
        best = max(best, top)
    return n, best


@compiled
def _soften(j, a, spans, profits, tops, best, tau, is_free, chosen):
    """Weigh the columns of job j by the soft maximum; return it, and how many are chosen.

    chosen : (columns, 2)
        Place in `profits`, in which weights take the place of profits, and mode of what weighs.
    """
    total = np.exp(-best / tau) if is_free else 0.0
    n, count, first = 0, 0, a.job_ptr[j]
    least, slope = best + NEGLIGIBLE * tau, 1.0 / tau
    for m in range(first, a.job_ptr[j + 1]):
        span = spans[m, 1] - spans[m, 0]
        if tops[m - first] > least:
            for i in range(n, n + span):
                if profits[i] > least:
                    profits[i] = np.exp((profits[i] - best) * slope)
                    total += profits[i]
                    chosen[count, 0], chosen[count, 1] = i - n + spans[m, 0], m
                    profits[count] = profits[i]  # what is behind is not read again
                    count += 1
        n += span
    for i in range(count):
        profits[i] /= total
    return best + tau * np.log(total), count


@compiled
def one_pass(
    jobs, a, spans, gain, late, restart, tau, priced, levels, mode_weight, buffer, tops, chosen
):  # fmt: skip
    """One pass over the columns of some jobs: soft and hard maxima, and weights by kind of mode.

    spans : (M, 3)
        First start, last start + 1, and whether all between are allowed, on time and not paused.
    levels : (kinds, T+1)
        Weights of columns are added where they begin, and taken off where they end.
    buffer, tops, chosen
        Scratch for the columns and modes of a job.
    """
    soft_sum, hard_sum = 0.0, 0.0
    for j in jobs:
        is_free = a.must[j] == 0 and a.running[j] == 0
        n, best = _profits(j, a, spans, gain, late, restart, priced, buffer, tops)
        mode_weight[a.job_ptr[j] : a.job_ptr[j + 1]] = 0.0
        if n == 0:
            continue
        best = max(best, 0.0) if is_free else best
        hard_sum += best
        soft, count = _soften(j, a, spans, buffer, tops, best, tau[j], is_free, chosen)
        soft_sum += soft
        for i in range(count):
            t, m, weight = chosen[i, 0], chosen[i, 1], buffer[i]
            level, mask = levels[a.alike[m]], a.mask[m]
            level[t] += weight
            level[a.when[mask, a.act[mask, t] + a.dur[m]]] -= weight
            mode_weight[m] += weight
    return soft_sum, hard_sum


@compiled
def add_usage(begin, end, a, works, table, levels, usage):
    """Add up what weighted modes of some kinds take from every row, usage : (R, T)."""
    use_ptr, use_split, use_row, use_amount, span = table
    T = usage.shape[1]
    active = np.zeros(T)
    for k in range(begin, end):
        level, mask, is_used = 0.0, a.mask[a.example[k]], False
        for t in range(T):
            is_used = is_used or levels[k, t] != 0.0
            level += levels[k, t]
            active[t] = level
        if not is_used:
            continue
        for u in range(use_ptr[k], use_ptr[k + 1]):
            r, amount = use_row[u], use_amount[u]
            row = usage[r]
            if mask > 0 and u < use_split[k]:
                for t in range(span[r, 0], span[r, 1]):
                    row[t] += amount * active[t] * works[mask, t]
            else:
                for t in range(span[r, 0], span[r, 1]):
                    row[t] += amount * active[t]


@compiled
def best_profits(a, spans, gain, late, restart, priced, buffer, tops, worth):
    """Every job's best profit, not below 0, worth : (J,)."""
    for j in range(len(a.job_ptr) - 1):
        _, best = _profits(j, a, spans, gain, late, restart, priced, buffer, tops)
        worth[j] = max(0.0, best)


@compiled
def least_paid(a, priced, cheapest):
    """What a mode pays at the prices from its cheapest allowed start, cheapest : (M,); 0 if none.

    priced : (kinds, T+1)
        Prefix sums of what the kinds of modes pay.
    """
    for m in range(len(a.dur)):
        row, mask, length, least = priced[a.alike[m]], a.mask[m], a.dur[m], 1e300
        for t in range(a.first[m], a.allowed.shape[1]):
            if a.allowed[m, t]:
                least = min(least, row[a.when[mask, a.act[mask, t] + length]] - row[t])
        cheapest[m] = least if least < 1e300 else 0.0
