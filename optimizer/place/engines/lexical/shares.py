"""The improvement search with a fine for tenants that fall below what they are due.

Moves are those of `search.py`. What decides is the objective less `sum_i rate_i x max(0, need_i -
placed value of tenant i)`: an exact penalty, so that with rates above the price of a tenant's
share the best plan keeps every share that can be kept. Exact penalties: Han and Mangasarian
(1979), "Exact penalty functions in nonlinear programming". While a tenant is short, its jobs carry
a lure of so much per USD of value in `prize`, so that moves also place what loses money; lures are
taken off before anything is decided.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.ejection import forget, undo
from optimizer.place.engines.insertion import random
from optimizer.place.engines.search import copy_best, propose

__all__ = ["anneal_shares", "fine_of"]


@compiled
def fine_of(need, rate, got):
    """What tenants below their need cost [USD]."""
    total = 0.0
    for i in range(len(need)):
        if got[i] < need[i]:
            total += rate[i] * (need[i] - got[i])
    return total


@compiled
def _lured(lure, got):
    """What the objective holds of lures [USD]."""
    total = 0.0
    for i in range(len(lure)):
        total += lure[i] * got[i]
    return total


@compiled
def _book(p, state, memory, value, got, sign):
    """Add what the move placed or took out to the value that each tenant has (or take it back)."""
    for k in range(memory.count[0]):
        j = memory.log[k]
        i = p.tenant[j]
        if i >= 0:
            was, now = memory.old_mode[j] >= 0, state.mode_of[j] >= 0
            if now and not was:
                got[i] += sign * value[j]
            elif was and not now:
                got[i] -= sign * value[j]


@compiled
def anneal_shares(p, state, memory, moves, hot, cold, weight, value, need, rate, lure, got):
    """Make so many moves while the temperature falls from hot to cold [USD].

    value : (J,) of tenants' jobs; need, rate, lure, got : (tenants,) due value [USD], fine per USD
    short, lure per USD of value in the prizes of jobs, placed value [USD]
    """
    rng = memory.rng
    for i in range(moves if len(state.mode_of) else 0):
        heat = hot * (cold / hot) ** (i / moves)
        before = state.objective[0]
        true = before - fine_of(need, rate, got) - _lured(lure, got)
        if not propose(p, state, memory, weight):
            continue
        _book(p, state, memory, value, got, 1.0)
        score = state.objective[0] - fine_of(need, rate, got) - _lured(lure, got)
        change = score - true
        if change < 0 and change < heat * np.log(random(rng) + 1e-300):
            _book(p, state, memory, value, got, -1.0)
            undo(p, state, memory)
            state.objective[0] = before
        elif score > memory.best[0] + 1e-9:
            copy_best(p, state, memory)
            memory.best[0] = score
        forget(memory)
