"""Compiled polish: every waiting job that fits and pays goes in, every run to where it pays best.

Moves        insert j: the run of a waiting job that raises the objective most; shift j: the run of
             a placed job that raises it most with all others where they are; of few jobs also two
             at once (`pairs.py`)
Objective    the true one (`scores.py`)
Order        jobs by value; again until a pass changes nothing (then no such move is left), or until
             the flag is set
Every step raises the objective and keeps every rule, so it may be stopped at any moment.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.polish.pairs import improve_pairs
from optimizer.place.engines.polish.scores import LEAST, NEVER, place_best, score
from optimizer.place.engines.state import restore, unplace

__all__ = ["polish"]

FEW = 60
"""Jobs up to which two are moved at once: with more, a pass takes longer than a polish gets, and
what it would gain is small against what the search has left."""


@compiled
def _improve(p, state, memory, j, rises):
    """Insert or shift job j where that gains; return whether it did."""
    n = p.job_ptr[j + 1] - p.job_ptr[j]
    if n == 0 or p.running[j]:
        return False
    scores = np.empty((n, p.pue.shape[1]))
    m, start, end = state.mode_of[j], state.start[j], state.end[j]
    if m < 0:
        score(p, state, memory, j, scores, rises)
        return place_best(p, state, memory, j, scores, LEAST)
    alloc = state.alloc[j].copy()
    slots = state.slots[p.slot_ptr[j] : p.slot_ptr[j + 1]].copy()
    unplace(p, state, j)
    score(p, state, memory, j, scores, rises)
    now = scores[m - p.job_ptr[j], start]
    if now > NEVER and place_best(p, state, memory, j, scores, now + LEAST):
        return True
    restore(p, state, j, m, start, end, alloc, slots)
    return False


@compiled
def polish(p, state, memory):
    """Insert and shift until nothing gains or the flag is set; return how many moves gained."""
    J, moves = len(state.mode_of), 0
    rises, values = np.zeros(p.pue.shape[1] + 1), np.zeros(J)
    for j in range(J):
        for m in range(p.job_ptr[j], p.job_ptr[j + 1]):
            values[j] = max(values[j], p.gain_usd[m] + p.prize[j])
    order = np.argsort(-values)
    is_better = True
    while is_better:
        is_better = False
        for is_placed in (False, True):  # first insertions, as long as there is room for them
            for j in order:
                if memory.halt[0]:
                    return moves
                if (state.mode_of[j] >= 0) == is_placed and _improve(p, state, memory, j, rises):
                    is_better = True
                    moves += 1
        if not is_better and J <= FEW:
            pairs = improve_pairs(p, state, memory, order, rises)
            is_better = pairs > 0
            moves += pairs
    return moves
