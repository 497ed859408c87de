"""Compiled scores: what every run of a job would add to the objective as the plan stands.

The true objective: energy by the merit order at the load that is there, no prices. With energy
permits the merit order is that of the prices, and who asks compares exact totals.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.insertion import blocked, crowded, window
from optimizer.place.engines.state import place, raised

__all__ = ["LEAST", "NEVER", "place_best", "score"]

LEAST = 1e-6
"""A move gains at least this [USD]: less is float noise, and could go round in circles."""

NEVER = -1e300
"""Score of a run that is not possible."""


@compiled
def _rises(p, state, m, rises):
    """Prefix sums over periods of the energy that mode m would cost [USD]: rises (T+1,)."""
    mask, T = p.mask[m], p.pue.shape[1]
    rises[:] = 0.0
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        s, net, is_first = p.pool_site[p.part_pool[part]], 0, True
        for other in range(p.part_ptr[m], p.part_ptr[m + 1]):
            if p.pool_site[p.part_pool[other]] == s:
                is_first = is_first and other >= part
                net += p.part_net_w[other]
        if not is_first:  # all parts at a site are counted with its first one
            continue
        for t in range(T):
            if mask > 0 and p.act[mask, t + 1] == p.act[mask, t]:
                continue
            before = (p.pue[s, t] * state.load[s, t] + p.fixed_mw[s, t] + 999) // 1000
            after = (p.pue[s, t] * (state.load[s, t] + net) + p.fixed_mw[s, t] + 999) // 1000
            rises[t + 1] = raised(p.cap, p.cost, s, t, before, after, rises[t + 1])
    for t in range(T):
        rises[t + 1] += rises[t]


@compiled
def score(p, state, memory, j, scores, rises):
    """What each run of job j would add to the objective [USD]: scores (modes, T)."""
    scores[:] = NEVER
    low, high = window(p, state, j)
    if high < 0:
        return
    first, T = p.job_ptr[j], p.pue.shape[1]
    for m in range(first, p.job_ptr[j + 1]):
        if crowded(p, state, m):
            continue
        blocked(p, state, j, m, memory.okay)
        _rises(p, state, m, rises)
        mask, dur = p.mask[m], p.dur[m]
        for t in range(max(low, p.first[m]), T):
            if p.allowed[m, t] == 0:
                continue
            end = p.when[mask, p.act[mask, t] + dur] if mask > 0 else t + dur
            if end > high:
                break
            if memory.okay[t] < end:
                continue
            found = p.gain_usd[m] + p.prize[j] - rises[end] + rises[t]
            if end > p.due[j]:
                found -= p.late_usd[j] * (end - p.due[j])
            if mask > 0 and end - t > dur:
                found -= p.restart_usd[m]
            scores[m - first, t] = found


@compiled
def place_best(p, state, memory, j, scores, least):
    """Place job j in the best scored run of at least this score that its domains admit."""
    T, first = p.pue.shape[1], p.job_ptr[j]
    while memory.halt[0] == 0:
        at = np.argmax(scores)
        m, t = at // T, at % T
        if scores[m, t] < least:
            return False
        mask = p.mask[first + m]
        end = p.when[mask, p.act[mask, t] + p.dur[first + m]]
        if place(p, state, j, first + m, t, end):
            return True
        scores[m, t] = NEVER
    return False
