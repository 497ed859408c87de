"""Compiled search over the modes of jobs that all have to run, in one period.

Sets        jobs j, modes m of a job, rows r (chips, watts, quotas, budgets), places h (the pool of
            a mode's first part)
Parameters  cost[m], need[m, r] >= 0, cap[r]
Variables   mode_of[j]
Objective   min  sum cost + sum_r fine[r] max(0, sum need - cap[r])

A move gives a job another of its best priced modes, or does so and sends a job that is there
elsewhere, for one half to where the first came from. Simulated annealing decides. Fines are the
prices of rows, times a factor that rises while it cools down: at 1 the search is among plans that
are good at the prices, at the end among those that fit. The best plan that breaks no row is kept.
Shifts, swaps and chains for assignment: Yagiura, Ibaraki and Glover (2004).
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.insertion import random

__all__ = ["assign", "placed_in"]

PAIRED = 0.6
"""Share of moves of two jobs."""

SWAPPED = 0.5
"""Share of those in which the second goes to where the first was."""

CHECKED = 4
"""Fines are set anew after so many moves for each job."""


@compiled
def _put(p, s, m, sign):
    """Add or take off what mode m needs; return the change of all fines."""
    change = 0.0
    for i in range(p.need_ptr[m], p.need_ptr[m + 1]):
        r = p.need_row[i]
        before = s.used[r] - p.cap[r]
        after = before + sign * p.need_n[i]
        s.used[r] += sign * p.need_n[i]
        change += s.fine[r] * (max(after, 0) - max(before, 0))
        s.broken[0] += (after > 0) - (before > 0)
    return change


@compiled
def _switch(p, s, j, m):
    """Give job j mode m; return the change of the objective."""
    was = s.mode_of[j]
    change = p.cost[m] - p.cost[was]
    s.cost[0] += change
    change += _put(p, s, was, -1) + _put(p, s, m, 1)
    a, b = p.place[was], p.place[m]
    if a != b:
        at, last = s.at[j], s.jobs_in[a, s.count[a] - 1]
        s.jobs_in[a, at], s.at[last] = last, at
        s.count[a] -= 1
        s.jobs_in[b, s.count[b]], s.at[j] = j, s.count[b]
        s.count[b] += 1
    s.mode_of[j] = m
    return change


@compiled
def placed_in(p, s):
    """Set what follows from the modes of jobs: what is used and costs, and who is where."""
    s.used[:] = 0
    s.count[:] = 0
    s.cost[0] = 0.0
    s.broken[0] = 0
    for j in range(len(s.mode_of)):
        m = s.mode_of[j]
        h = p.place[m]
        s.jobs_in[h, s.count[h]], s.at[j] = j, s.count[h]
        s.count[h] += 1
        s.cost[0] += p.cost[m]
        for i in range(p.need_ptr[m], p.need_ptr[m + 1]):
            s.used[p.need_row[i]] += p.need_n[i]
    for r in range(len(p.cap)):
        s.broken[0] += s.used[r] > p.cap[r]


@compiled
def _drawn(p, j, rng):
    """One of the best priced modes of job j, the better the more often."""
    first, n = p.near_ptr[j], p.near_ptr[j + 1] - p.near_ptr[j]
    return p.near[first + int(random(rng) ** 2 * n)]


@compiled
def assign(p, s, rng, halt, moves, hot, cold, soft, firm):
    """Make so many moves while it cools from hot to cold, and fines rise from soft to firm.

    soft, firm
        Factors of prices.
    """
    J = len(s.mode_of)
    every = CHECKED * J
    for i in range(moves):
        if i % every == 0:
            if halt[0]:
                return
            s.fine[:] = p.price * soft * (firm / soft) ** (i / moves)
        heat = hot * (cold / hot) ** (i / moves)
        j = int(random(rng) * J)
        was, m = s.mode_of[j], _drawn(p, j, rng)
        if m == was:
            continue
        other, theirs = -1, -1
        change = _switch(p, s, j, m)
        h = p.place[m]
        if random(rng) < PAIRED and s.count[h] > 1:
            other = s.jobs_in[h, int(random(rng) * s.count[h])]
            theirs = s.mode_of[other]
            to = -1
            if other != j:
                to = p.mode_at[other, p.place[was]] if random(rng) < SWAPPED else -1
                to = _drawn(p, other, rng) if to < 0 else to
            if to < 0 or to == theirs:
                other = -1
            else:
                change += _switch(p, s, other, to)
        if change > 0 and change > -heat * np.log(random(rng) + 1e-300):
            if other >= 0:
                _switch(p, s, other, theirs)
            _switch(p, s, j, was)
            continue
        if s.broken[0] == 0 and s.cost[0] < s.best[0] - 1e-9:
            s.best[0] = s.cost[0]
            s.best_mode[:] = s.mode_of
