"""Compiled polish by pairs: two jobs at once go to where together they bring most.

Move         {i, j}: both are taken out; for each run of i the best run of j beside it
Limit        what two runs add together is at most the sum of what each adds alone, as the cost of
             energy is convex in the load and room only shrinks. So runs of i are tried best first,
             until even the best run of j would not bring the sum above what both bring now
Finds        two runs that change places or their order on a pool, one that makes room for another
This is small change that annealing leaves at its last temperature, and that no job gains by itself.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.polish.scores import LEAST, NEVER, place_best, score
from optimizer.place.engines.state import place, restore, unplace

__all__ = ["improve_pairs"]


@compiled
def _waits(p, j, before):
    """Whether job j waits for this one."""
    return np.any(p.pred[p.pred_ptr[j] : p.pred_ptr[j + 1]] == before)


@compiled
def _is_needed(p, state, j):
    """Whether a placed job waits for job j."""
    return np.any(state.mode_of[p.succ[p.succ_ptr[j] : p.succ_ptr[j + 1]]] >= 0)


@compiled
def _most(p, state, memory, i, j, rises):
    """A limit to what job j adds beside any run of i, both out now [USD]."""
    if _waits(p, j, i):  # out as long as i is
        most = 0.0
        for m in range(p.job_ptr[j], p.job_ptr[j + 1]):
            most = max(most, p.gain_usd[m] + p.prize[j])
        return most
    scores = np.empty((p.job_ptr[j + 1] - p.job_ptr[j], p.pue.shape[1]))
    score(p, state, memory, j, scores, rises)
    return max(0.0, scores.max())


@compiled
def _place_both(p, state, memory, i, j, now, rises):
    """Place both jobs, which are out, so that they bring more than now; return whether they are."""
    T, first, empty = p.pue.shape[1], p.job_ptr[i], state.objective[0]
    scores = np.empty((p.job_ptr[i + 1] - first, T))
    beside = np.empty((p.job_ptr[j + 1] - p.job_ptr[j], T))
    score(p, state, memory, i, scores, rises)
    if scores.max() == NEVER:
        return False
    most = _most(p, state, memory, i, j, rises)
    while memory.halt[0] == 0:
        at = np.argmax(scores)
        m, t = at // T, at % T
        if scores[m, t] == NEVER or scores[m, t] + most < now + LEAST:
            return False
        scores[m, t] = NEVER
        mask = p.mask[first + m]
        end = p.when[mask, p.act[mask, t] + p.dur[first + m]]
        if not place(p, state, i, first + m, t, end):
            continue
        lacks = now + LEAST - (state.objective[0] - empty)
        score(p, state, memory, j, beside, rises)
        if place_best(p, state, memory, j, beside, max(lacks, LEAST)):
            return True
        if lacks <= 0 and not _is_needed(p, state, j):
            return True
        unplace(p, state, i)
    return False


@compiled
def _improve_pair(p, state, memory, i, j, rises):
    """Move two jobs at once where that gains; return whether it did."""
    if _waits(p, i, j):
        i, j = j, i
    both, before = np.array([i, j]), state.objective[0]
    mode, start, end = state.mode_of[both], state.start[both], state.end[both]
    alloc = state.alloc[both]
    slots_i = state.slots[p.slot_ptr[i] : p.slot_ptr[i + 1]].copy()
    slots_j = state.slots[p.slot_ptr[j] : p.slot_ptr[j + 1]].copy()
    for k in both:
        if state.mode_of[k] >= 0:
            unplace(p, state, k)
    if _place_both(p, state, memory, i, j, before - state.objective[0], rises):
        return True
    if mode[0] >= 0:
        restore(p, state, i, mode[0], start[0], end[0], alloc[0], slots_i)
    if mode[1] >= 0:
        restore(p, state, j, mode[1], start[1], end[1], alloc[1], slots_j)
    state.objective[0] = before
    return False


@compiled
def improve_pairs(p, state, memory, order, rises):
    """Move every two jobs of an order once, where that gains; return how often it did."""
    moves = 0
    for a in range(len(order)):
        for b in range(a):
            i, j = order[a], order[b]
            if memory.halt[0]:
                return moves
            if p.running[i] or p.running[j]:
                continue
            if p.job_ptr[i] == p.job_ptr[i + 1] or p.job_ptr[j] == p.job_ptr[j + 1]:
                continue
            if _improve_pair(p, state, memory, i, j, rises):
                moves += 1
    return moves
