"""The improvement search: annealed ruin and recreate with ejection, one compiled loop.

A move either takes a waiting job, after all that it waits for, puts it where it pays best at the
prices and ejects what is in the way, ranked by what it frees for its worth; or does so with a
placed job and another run of it, which changes the order of runs and, as what waits for it goes
with it, the time of a whole chain; or takes out a few runs that meet at a site. Then what was taken
out, what waits for it and some waiting jobs are put back, best priced profit first with noise, each
where it fits. Jobs that found no room are tried less often. The true objective decides, by
simulated annealing; a refused move is undone exactly. Prices only rank. Ruin and recreate: Schrimpf
et al. (2000); adaptive large neighbourhood search: Ropke and Pisinger (2006); ejection chains:
Glover (1996).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.place.engines.compiled import NONE, ZERO, compiled
from optimizer.place.engines.ejection import (
    eject_for,
    forget,
    note,
    random_neighbour,
    take_out,
    undo,
)
from optimizer.place.engines.handles import (
    Memory,
    Problem,
    State,
    memory_handle,
    problem_handle,
    state_handle,
)
from optimizer.place.engines.insertion import (
    best_start,
    first_of,
    generator,
    insert,
    most_scored,
    random,
    window,
)
from optimizer.place.engines.state import restore

MOVER_SHARE = 0.1
"""Share of moves that ask where a running job should be, where any may be moved."""

EJECT_SHARE = 0.6
"""Share of moves that put one job somewhere, whatever is in the way; the others are ruins."""

OTHER_SHARE = 0.2
"""Share of those that begin with a placed job; all do where none waits
(`benchmarks/search_moves.csv`)."""

ANYWHERE = 0.3
"""Share of those in which it goes to any run of its window, whatever it pays."""

FEW, SOME = np.int64(2), np.int64(4)
"""Waiting jobs among which one is chosen: to fill room, and to make room for."""

DRAWS = 8
"""Draws of a mode and a start among which one should be allowed."""

__all__ = [
    "anneal", "best_of", "construct", "copied", "copy_best", "handles_of", "make_memory", "propose",
    "put_back",
]  # fmt: skip


def make_memory(p: Problem, state: State, seed: int, halt: Any = None) -> Memory:
    """Return the memory of a fresh search; `halt` (1,) uint8, if given, ends it when set."""
    J, T = len(state.mode_of), p.a.pue.shape[1]
    return Memory(
        generator(seed),
        np.zeros(J, np.int64),
        np.zeros(J, np.uint8),
        np.zeros(1, np.int64),
        np.full(J, -1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J, np.int64),
        np.zeros_like(state.alloc),
        np.zeros_like(state.slots),
        np.full(J, -1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J, np.int64),
        np.zeros_like(state.alloc),
        np.zeros_like(state.slots),
        np.full(1, -np.inf),
        np.arange(J),
        np.ones(J, np.uint8),
        np.array([J]),
        np.zeros(T + 1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J),
        np.zeros(J),
        np.zeros(1, np.uint8) if halt is None else halt,
    )


def handles_of(problem: Problem, state: State, memory: Memory) -> tuple[Any, Any, Any]:
    """Return the handles by which compiled code sees a search."""
    return problem_handle(problem), state_handle(state), memory_handle(memory)


def best_of(state: State, memory: Memory) -> State:
    """Return a search's best plan, as placement records of a State; they change with the search."""
    return state._replace(
        mode_of=memory.best_mode,
        start=memory.best_start,
        end=memory.best_end,
        alloc=memory.best_alloc,
        slots=memory.best_slots,
        objective=memory.best,
    )


def copied(plan: State) -> State:
    """Return a plan with records of its own, which no search goes on to change."""
    names = ("mode_of", "start", "end", "alloc", "slots", "objective")
    return plan._replace(**{name: getattr(plan, name).copy() for name in names})


def put_back(problem: Problem, handles: tuple[Any, Any, Any], plan: State, which: Any) -> None:
    """Place jobs just as a plan has them, in a state in which what they use then is free.

    which : (J,) bool
        The jobs; all of them are placed in the plan.
    """
    ptr = problem.slot_ptr
    for j in np.flatnonzero(which).tolist():
        run = int(plan.mode_of[j]), int(plan.start[j]), int(plan.end[j])
        restore(*handles[:2], j, *run, plan.alloc[j], plan.slots[ptr[j] : ptr[j + 1]])


@compiled
def _waiting(p, state, memory, tries):
    """A waiting job with a mode: the best priced of a few, those tried less first; or -1."""
    rng, tried = memory.rng, memory.tried
    a, J = p, len(state.mode_of)
    best, chosen = -1.0, -1
    for _ in range(tries):
        j = int(random(rng) * J)
        for _ in range(8):
            if state.mode_of[j] < 0 and a.job_ptr[j + 1] > a.job_ptr[j]:
                break
            j = (j + 1) % J
        if state.mode_of[j] >= 0 or a.job_ptr[j + 1] == a.job_ptr[j]:
            continue
        key = (p.worth[j] + p.prize[j] + 0.1 * p.gain_usd[a.job_ptr[j]]) * random(rng)
        key /= 1.0 + tried[j]
        if key > best:
            best, chosen = key, j
    return chosen


@compiled
def _choose_column(p, state, memory, j, by, weight, noise):
    """A well-priced (mode, start) for job j to end by a period, whatever is in the way, or -1."""
    low, high = window(p, state, j)
    high = min(high, by)
    best, best_m, best_t = -1e300, NONE, ZERO
    if high >= 0:
        memory.okay[:] = len(memory.okay)
        for i in range(p.job_ptr[j], p.job_ptr[j + 1]):
            m = p.ranked[i]
            if most_scored(p, m, weight, noise) <= best:
                continue
            score, t = best_start(p, j, m, low, high, memory.okay, weight, memory.rng, noise)
            if score > best:
                best, best_m, best_t = score, m, t
    return best_m, best_t


@compiled
def _random_column(p, state, j, rng):
    """Any (mode, start) of job j in its window, or mode -1 if a few draws found none."""
    low, high = window(p, state, j)
    n, T = p.job_ptr[j + 1] - p.job_ptr[j], p.pue.shape[1]
    for _ in range(DRAWS if high >= 0 else 0):
        m = p.job_ptr[j] + int(random(rng) * n)
        t = max(low, p.first[m])
        t += int(random(rng) * (T - t))
        if t < T and p.allowed[m, t] and p.when[p.mask[m], p.act[p.mask[m], t] + p.dur[m]] <= high:
            return m, t
    return -1, 0


@compiled
def _placed(p, state, rng):
    """A placed job that need not stay where it runs, or -1."""
    J = len(state.mode_of)
    offset = int(random(rng) * J)
    for i in range(J):
        j = (offset + i) % J
        if state.mode_of[j] >= 0 and p.running[j] == 0:
            return j
    return -1


@compiled
def _ruin(p, state, memory, most):
    """Take out up to so many runs that meet one of them at a site."""
    rng, first = memory.rng, _placed(p, state, memory.rng)
    if first < 0:
        return
    m, start, end = state.mode_of[first], state.start[first], state.end[first]
    take_out(p, state, memory, first)
    for _ in range(most - 1):
        other = random_neighbour(p, state, first, m, start, end, rng)
        if other < 0:
            return
        take_out(p, state, memory, other)


@compiled
def _relocate(p, state, memory, j, by, weight):
    """Take out job j, if it is placed, and put it elsewhere, whatever is in the way there."""
    rng, was, since = memory.rng, state.mode_of[j], state.start[j]
    if was >= 0:
        take_out(p, state, memory, j)
    m, t = _choose_column(p, state, memory, j, by, weight, 0.1 + 1.4 * random(rng))
    if was >= 0 and ((m == was and t == since) or random(rng) < ANYWHERE):
        m, t = _random_column(p, state, j, rng)
    if m >= 0:
        note(p, state, memory, j)
        eject_for(p, state, memory, j, m, t, p.when[p.mask[m], p.act[p.mask[m], t] + p.dur[m]])
    return m >= 0 or was >= 0


@compiled
def _admit(p, state, memory, last, weight):
    """Put a waiting job somewhere, whatever is in the way, after all that it waits for.

    Runs that are in the way of a job never are of those that it waits for: they end before.
    """
    T, is_moved = p.pue.shape[1], False
    least = np.min(p.dur[p.job_ptr[last] : p.job_ptr[last + 1]])
    while state.mode_of[last] < 0:
        j = first_of(p, state, last)
        if not _relocate(p, state, memory, j, T if j == last else T - least, weight):
            return is_moved
        is_moved = True
        if state.mode_of[j] < 0:
            return True
    return True


@compiled
def _recreate(p, state, memory, extra, weight, noise):
    """Put back what was taken out, and some waiting jobs, best priced first."""
    rng, n = memory.rng, memory.count[0]
    for i in range(n):
        memory.queue[i] = memory.log[i]
    for _ in range(extra):
        j = first_of(p, state, _waiting(p, state, memory, FEW))
        if j >= 0 and not memory.logged[j]:
            note(p, state, memory, j)
            memory.queue[n] = j
            n += 1
    i = 0
    while i < n:  # and those that wait for them
        j = memory.queue[i]
        for k in range(p.succ_ptr[j], p.succ_ptr[j + 1]):
            after = p.succ[k]
            if state.mode_of[after] < 0 and not memory.logged[after]:
                note(p, state, memory, after)
                memory.queue[n] = after
                n += 1
        i += 1
    for i in range(n):
        j = memory.queue[i]
        worth = p.worth[j] + p.prize[j] + 0.1 * p.gain_usd[p.job_ptr[j]]
        memory.keys[i] = -worth * (0.3 + random(rng))
    order = np.argsort(memory.keys[:n])
    for again in range(2):  # successors may have come before their predecessors: once more
        for i in order:
            j = memory.queue[i]
            if state.mode_of[j] < 0 and (again == 0 or p.pred_ptr[j + 1] > p.pred_ptr[j]):
                insert(p, state, j, memory.okay, weight, rng, noise)


@compiled
def _note_change(memory, j):
    """Remember that job j may no longer stand as in the best plan."""
    if not memory.is_changed[j]:
        memory.is_changed[j] = 1
        memory.changed[memory.changes[0]] = j
        memory.changes[0] += 1


@compiled
def copy_best(p, state, memory):
    """Keep the plan of the state as the best, whatever was changed and by whom."""
    for j in range(len(state.mode_of)):
        _note_change(memory, j)
    keep_best(p, state, memory)


@compiled
def keep_best(p, state, memory):
    """Keep the plan of the state as the best; `changed` holds all that may differ from it."""
    memory.best[0] = state.objective[0]
    for i in range(memory.changes[0]):
        j = memory.changed[i]
        memory.is_changed[j] = 0
        memory.best_mode[j] = state.mode_of[j]
        memory.best_start[j], memory.best_end[j] = state.start[j], state.end[j]
        memory.best_alloc[j] = state.alloc[j]
        for k in range(p.slot_ptr[j], p.slot_ptr[j + 1]):
            memory.best_slots[k] = state.slots[k]
    memory.changes[0] = 0


@compiled
def propose(p, state, memory, weight):
    """Make one move; return whether there was one to make. It is refused by `undo`."""
    rng, j, last = memory.rng, NONE, NONE
    kind = random(rng)
    noise = 0.6 * random(rng)
    if len(p.movers) > 0 and kind < MOVER_SHARE:
        j = p.movers[int(random(rng) * len(p.movers))]
    elif kind < EJECT_SHARE:
        last = _waiting(p, state, memory, SOME) if random(rng) >= OTHER_SHARE else NONE
        if last >= 0:
            memory.tried[last] += 1.0
        else:
            j = _placed(p, state, rng)
            if j < 0:
                return False
    if kind < EJECT_SHARE:
        if j < 0 and not _admit(p, state, memory, last, weight):
            return False
        if j >= 0 and not _relocate(p, state, memory, j, p.pue.shape[1], weight):
            return False
    else:
        _ruin(p, state, memory, 1 + int(8 * random(rng) ** 2))
    _recreate(p, state, memory, 4, weight, noise)
    return True


@compiled
def anneal(p, state, memory, moves, hot, cold, weight):
    """Make so many moves while the temperature falls from hot to cold [USD]; return how many."""
    rng = memory.rng
    for i in range(moves if len(state.mode_of) else 0):
        if memory.halt[0]:
            return i
        heat = hot * (cold / hot) ** (i / moves)
        before = state.objective[0]
        if not propose(p, state, memory, weight):
            continue
        change = state.objective[0] - before
        if change < 0 and change < heat * np.log(random(rng) + 1e-300):
            undo(p, state, memory)
            state.objective[0] = before
        else:
            for k in range(memory.count[0]):
                _note_change(memory, memory.log[k])
                if state.mode_of[memory.log[k]] >= 0:
                    memory.tried[memory.log[k]] = 0.0
            if state.objective[0] > memory.best[0] + 1e-9:
                keep_best(p, state, memory)
        forget(memory)
    return moves


@compiled
def insert_all(p, state, memory, queue, weight):
    """Put jobs where they pay best and fit, in order; then once more those that wait for others."""
    for again in range(2):
        for j in queue:
            if again == 0 or p.pred_ptr[j + 1] > p.pred_ptr[j]:
                insert(p, state, j, memory.okay, weight, memory.rng, 0.0)


def construct(
    handles: tuple[Any, Any, Any], problem: Problem, memory: Memory, weight: float, order: int
) -> None:
    """Place every job that pays in one of two orders; twice, for jobs that wait for others.

    order
        Even: best priced profit first. Odd: most valuable first, those with few ways to run before
        others, and what does not pay at the prices last. Neither is better everywhere.
    """
    p, state, _ = handles
    a = problem.a
    if len(a.gain):
        key = problem.worth + problem.prize
        gain = problem.gain_usd[problem.ranked[np.minimum(a.job_ptr[:-1], len(a.gain) - 1)]]
        if order % 2:
            modes = np.maximum(np.diff(a.job_ptr), 1)
            key = np.where(problem.worth > 0, gain / np.sqrt(modes), 0.0) + problem.prize
        queue = np.argsort(-(key + 1e-3 * gain), kind="stable")
        insert_all(p, state, memory, queue[np.diff(a.job_ptr)[queue] > 0], weight)
    copy_best(*handles)
