"""Compiled: covers of a knapsack, lifted, and the most that fits into one."""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled

__all__ = ["best_cover", "most_that_fits"]


@compiled
def _fits(least, profit, weight, coefficient, n):
    """Add a job to `least`, the least weight of each profit."""
    for v in range(n, -1, -1):
        weight_with = least[max(0, v - coefficient)] + weight
        if weight_with < least[v]:
            least[v] = weight_with
    for v in range(n - 1, -1, -1):
        if least[v + 1] < least[v]:
            least[v] = least[v + 1]


@compiled
def _minimal(w, room, order, by_z, pi):
    """Mark with 1 the first jobs of an order that do not fit, without those that need not be there.

    Return how many they are; 0 where all fit.
    """
    total, size = 0, 0
    pi[:] = 0
    for i in order:
        pi[i] = 1
        total += w[i]
        size += 1
        if total > room:
            break
    if total <= room:
        return 0
    for k in range(len(by_z) - 1, -1, -1):  # those that run least go, while the others do not fit
        i = by_z[k]
        if pi[i] == 1 and total - w[i] > room:
            pi[i] = 0
            total -= w[i]
            size -= 1
    return size


@compiled
def _lifted(w, room, order, by_z, longest, pi, least):
    """Make the cover of the first jobs of an order that do not fit, lift it; return its size - 1.

    0 where all fit, or the cover is longer than `longest`.
    """
    size = _minimal(w, room, order, by_z, pi)
    if size < 2 or size > longest:
        return 0
    most = size - 1
    least[0] = 0
    for v in range(1, most + 1):
        least[v] = 1 << 60
    for i in by_z:
        if pi[i] == 1:
            _fits(least, most, w[i], 1, most)
    for i in by_z:
        if pi[i] == 0:
            fits = 0
            for v in range(most, 0, -1):
                if least[v] <= room - w[i]:
                    fits = v
                    break
            pi[i] = most - fits
            if pi[i] > 0:
                _fits(least, most, w[i], pi[i], most)
    return most


@compiled
def best_cover(z, w, room, orders, by_z, longest, best):
    """Find the lifted cover that a plan breaks most; return its share, and its right side."""
    n, top, right = len(z), 1.0, 0
    pi, least = np.zeros(n, np.int64), np.zeros(longest + 1, np.int64)
    for r in range(len(orders)):
        most = _lifted(w, room, orders[r], by_z, longest, pi, least)
        if most > 0:
            share = 0.0
            for i in range(n):
                share += pi[i] * z[i]
            share /= most
            if share > top:
                top, right = share, most
                best[:] = pi
    return top, right


@compiled
def most_that_fits(profit, weight, rooms, out):
    """Most profit of jobs that fit into each of some rooms, exact; profits are whole numbers.

    profit, weight : (n,); rooms, out : (T,)
    """
    total = 0
    for p in profit:
        total += p
    least = np.full(total + 1, 1 << 60, np.int64)
    least[0] = 0
    for i in range(len(profit)):
        _fits(least, total, weight[i], profit[i], total)
    for t in range(len(rooms)):
        out[t] = 0
        for v in range(total, 0, -1):
            if least[v] <= rooms[t]:
                out[t] = v
                break
