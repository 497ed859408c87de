"""The improvement search: annealed ruin and recreate with ejection, one compiled loop.

A move either takes a waiting job, puts it where it pays best at the prices and ejects what is in the
way, or takes out a few runs that meet at a site; then what was taken out and some waiting jobs are
put back, best priced profit first with noise, each where it fits. The true objective decides, by
simulated annealing; a refused move is undone exactly. Prices only rank. Ruin and recreate: Schrimpf
et al. (2000); adaptive large neighbourhood search: Ropke and Pisinger (2006); ejection chains:
Glover (1996).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from optimizer.place.engines.handles import Memory, Problem, State
from optimizer.place.engines.state import place, restore, unplace

__all__ = ["anneal", "construct", "copy_best", "make_memory"]

TRIES = 24
"""Runs that one move may eject; more is another plan, not a move."""

SAMPLE = 64
"""Runs that are looked at for one ejection."""


def make_memory(p: Problem, state: State, seed: int) -> Memory:
    """Return the memory of a fresh search."""
    J, T = len(state.mode_of), p.a.pue.shape[1]
    return Memory(
        np.array([seed * 0x9E3779B97F4A7C15 + 0x1234567 & 0xFFFFFFFFFFFFFFFF], np.uint64),
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
        np.zeros(T + 1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J),
    )


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _random(rng):
    """A number in [0, 1): xorshift64*."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return float((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11)) / 9007199254740992.0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _window(p, state, j):
    """Earliest start and latest end that placed predecessors and successors leave; (0, -1): none."""
    a, low, high = p, 0, p.pue.shape[1]
    for i in range(a.pred_ptr[j], a.pred_ptr[j + 1]):
        before = a.pred[i]
        if state.mode_of[before] < 0:
            return 0, -1
        low = max(low, state.end[before])
    for i in range(a.succ_ptr[j], a.succ_ptr[j + 1]):
        after = a.succ[i]
        if state.mode_of[after] >= 0:
            high = min(high, state.start[after])
    return low, high


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _blocked(p, state, j, m, okay):
    """Next period from each on in which mode m finds no room by itself: okay (T+1,)."""
    load, room, act, used, group_n = state.load, p.room_w, p.act, state.used, p.group_n
    held, avail, T = state.chips, p.avail, p.pue.shape[1]
    mask, i = p.mask[m], p.tenant[j]
    for t in range(T + 1):
        okay[t] = T
    if i >= 0 and p.quota[i] >= 0:
        by_tenant, most = state.tenant_chips, p.quota[i] - p.chips[m]
        for t in range(T):
            if by_tenant[i, t] > most:
                okay[t] = t
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        pool, net = p.part_pool[part], p.part_net_w[part]
        s, size, need = p.pool_site[pool], p.pool_size[pool], p.part_need[part]
        first, last = p.group_ptr[pool], p.group_ptr[pool + 1]
        chips = p.part_slice[part] * p.part_slices[part]
        for t in range(T):
            if load[s, t] + net > room[s, t] and (mask == 0 or act[mask, t + 1] > act[mask, t]):
                okay[t] = t
        if p.part_whole[part]:
            for t in range(T):
                free = 0
                for g in range(first, last):
                    free += group_n[g, t] - used[g, t]
                if free < need:
                    okay[t] = t
        else:
            for t in range(T):
                if avail[pool, t] * size - held[pool, t] < chips:
                    okay[t] = t
    for t in range(T - 1, -1, -1):
        if okay[t] != t:
            okay[t] = okay[t + 1]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _best_start(p, j, m, low, high, okay, weight, rng, noise):
    """Best priced start of mode m in [low, high] with noise on what it pays: (score, start)."""
    allowed, when, act, priced = p.allowed, p.when, p.act, p.priced
    mask, dur, due, gain, late = p.mask[m], p.dur[m], p.due[j], p.gain_usd[m], p.late_usd[j]
    restart, T = p.restart_usd[m], p.pue.shape[1]
    best, best_t, x = -1e300, -1, rng[0]
    for t in range(max(low, p.first[m]), T):
        if allowed[m, t] == 0:
            continue
        end = when[mask, act[mask, t] + dur] if mask > 0 else t + dur
        if end > high:
            break
        if okay[t] < end:
            continue
        x ^= x >> np.uint64(12)
        x ^= x << np.uint64(25)
        x ^= x >> np.uint64(27)
        chance = float(x >> np.uint64(40)) / 16777216.0
        score = gain - weight * (priced[m, end] - priced[m, t]) * (1 + noise * (chance - 0.5))
        if end > due:
            score -= late * (end - due)
        if mask > 0 and end - t > dur:
            score -= restart
        if score > best:
            best, best_t = score, t
    rng[0] = x
    return best, best_t


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _insert(p, state, j, okay, weight, rng, noise):
    """Place job j in the best mode and start that fit; return whether it was placed."""
    low, high = _window(p, state, j)
    if high < 0:
        return False
    for _ in range(3):
        best, best_m, best_t = -1e300, -1, 0
        for m in range(p.job_ptr[j], p.job_ptr[j + 1]):
            _blocked(p, state, j, m, okay)
            score, t = _best_start(p, j, m, low, high, okay, weight, rng, noise)
            if score > best:
                best, best_m, best_t = score, m, t
        if best_m < 0:
            return False
        mask = p.mask[best_m]
        end = p.when[mask, p.act[mask, best_t] + p.dur[best_m]]
        before = state.objective[0]
        if place(p, state, j, best_m, best_t, end):
            if state.objective[0] <= before and p.must[j] == 0:
                unplace(p, state, j)
                return False
            return True
        noise = max(noise, 0.3) * 2  # domains did not fit there: look elsewhere
    return False


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _note(p, state, memory, j):
    """Remember where job j was before the move."""
    if memory.logged[j]:
        return
    memory.logged[j] = 1
    memory.log[memory.count[0]] = j
    memory.count[0] += 1
    memory.old_mode[j] = state.mode_of[j]
    memory.old_start[j] = state.start[j]
    memory.old_end[j] = state.end[j]
    if state.mode_of[j] >= 0:
        memory.old_alloc[j] = state.alloc[j]
        for i in range(p.slot_ptr[j], p.slot_ptr[j + 1]):
            memory.old_slots[i] = state.slots[i]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _take_out(p, state, memory, j):
    """Take out job j, and first its successors."""
    for i in range(p.succ_ptr[j], p.succ_ptr[j + 1]):
        after = p.succ[i]
        if state.mode_of[after] >= 0:
            _take_out(p, state, memory, after)
    _note(p, state, memory, j)
    unplace(p, state, j)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _undo(p, state, memory):
    """Bring back the plan before the move."""
    n = memory.count[0]
    for i in range(n):
        j = memory.log[i]
        if state.mode_of[j] >= 0:
            unplace(p, state, j)
    for i in range(n):
        j = memory.log[i]
        if memory.old_mode[j] >= 0:
            restore(p, state, j, memory.old_mode[j], memory.old_start[j], memory.old_end[j],
                    memory.old_alloc[j],
                    memory.old_slots[p.slot_ptr[j] : p.slot_ptr[j + 1]])  # fmt: skip


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _forget(memory):
    for i in range(memory.count[0]):
        memory.logged[memory.log[i]] = 0
    memory.count[0] = 0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _relief(p, state, j, m, start, end, other):
    """How much of what mode m lacks in [start, end) the run of another job holds, as a share."""
    low, high = max(start, state.start[other]), min(end, state.end[other])
    if low >= high:
        return 0.0
    load, room, act, used, group_n = state.load, p.room_w, p.act, state.used, p.group_n
    held_chips, avail = state.chips, p.avail
    mask, theirs, relief = p.mask[m], state.mode_of[other], 0.0
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        pool, net = p.part_pool[part], p.part_net_w[part]
        s, need, size = p.pool_site[pool], p.part_need[part], p.pool_size[pool]
        first, last = p.group_ptr[pool], p.group_ptr[pool + 1]
        chips = p.part_slice[part] * p.part_slices[part]
        for held in range(p.part_ptr[theirs], p.part_ptr[theirs + 1]):
            other_pool, other_net = p.part_pool[held], p.part_net_w[held]
            if p.pool_site[other_pool] != s:
                continue
            for t in range(low, high):
                lack = load[s, t] + net - room[s, t]
                if lack > 0 and (mask == 0 or act[mask, t + 1] > act[mask, t]):
                    relief += min(lack, other_net) / (net + 1)
            if other_pool != pool:
                continue
            other_chips = p.part_slice[held] * p.part_slices[held]
            for t in range(low, high):
                lack = chips - avail[pool, t] * size + held_chips[pool, t]
                if p.part_whole[part]:
                    free = 0
                    for g in range(first, last):
                        free += group_n[g, t] - used[g, t]
                    lack = max(lack, (need - free) * size)
                if lack > 0:
                    relief += min(lack, other_chips) / chips
    i = p.tenant[j]
    if i >= 0 and p.tenant[other] == i and p.quota[i] >= 0:
        by_tenant, most = state.tenant_chips, p.quota[i] - p.chips[m]
        for t in range(low, high):
            if by_tenant[i, t] > most:
                relief += min(by_tenant[i, t] - most, p.chips[theirs]) / p.chips[m]
    return relief


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _overrun(p, state, m):
    """Whether mode m alone would break a budget now."""
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        b = p.use_budget[u]
        if state.budget_used[b] + p.use_amount[u] > p.budget[b]:
            return b
    return -1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _uses(p, m, b):
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        if p.use_budget[u] == b:
            return float(p.use_amount[u])
    return 0.0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _eject_for(p, state, memory, j, m, start, end):
    """Take out what is in the way of (m, start) until it is placed; False if that fails."""
    a, J, rng = p, len(state.mode_of), memory.rng
    for _ in range(TRIES):
        if place(p, state, j, m, start, end):
            return True
        over = _overrun(p, state, m)
        best, victim = 0.0, -1
        seen, offset = 0, int(_random(rng) * J)
        for i in range(J):
            other = (offset + i) % J
            if state.mode_of[other] < 0 or a.running[other] or other == j:
                continue
            if over >= 0:
                relief = _uses(p, state.mode_of[other], over)
            else:
                relief = _relief(p, state, j, m, start, end, other)
            if relief <= 0.0:
                continue
            worth = max(p.gain_usd[state.mode_of[other]] + p.prize[other], 1e-6)
            relief *= (0.3 + _random(rng)) / worth
            if relief > best:
                best, victim = relief, other
            seen += 1
            if seen >= SAMPLE:
                break
        if victim < 0:  # room is there, but in pieces: make some at random
            victim = _random_neighbour(p, state, j, m, start, end, rng)
        if victim < 0:
            return False
        _take_out(p, state, memory, victim)
    return False


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _random_neighbour(p, state, j, m, start, end, rng):
    """A placed job that shares a pool with mode m in [start, end), or -1."""
    a, J = p, len(state.mode_of)
    pool = a.part_pool[a.part_ptr[m]]
    offset = int(_random(rng) * J)
    for i in range(J):
        other = (offset + i) % J
        theirs = state.mode_of[other]
        if theirs < 0 or a.running[other] or other == j:
            continue
        if a.part_pool[a.part_ptr[theirs]] != pool:
            continue
        if state.start[other] < end and state.end[other] > start:
            return other
    return -1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _waiting(p, state, rng, tries):
    """A waiting job with a mode: the best priced of a few, or -1."""
    a, J = p, len(state.mode_of)
    best, chosen = -1.0, -1
    for _ in range(tries):
        j = int(_random(rng) * J)
        for _ in range(8):
            if state.mode_of[j] < 0 and a.job_ptr[j + 1] > a.job_ptr[j]:
                break
            j = (j + 1) % J
        if state.mode_of[j] >= 0 or a.job_ptr[j + 1] == a.job_ptr[j]:
            continue
        key = (p.worth[j] + p.prize[j] + 0.1 * p.gain_usd[a.job_ptr[j]]) * _random(rng)
        if key > best:
            best, chosen = key, j
    return chosen


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _choose_column(p, state, memory, j, weight, noise):
    """A well-priced (mode, start) for job j, whatever is in the way; mode -1 if there is none."""
    low, high = _window(p, state, j)
    best, best_m, best_t = -1e300, -1, 0
    if high >= 0:
        memory.okay[:] = len(memory.okay)
        for m in range(p.job_ptr[j], p.job_ptr[j + 1]):
            score, t = _best_start(p, j, m, low, high, memory.okay, weight, memory.rng, noise)
            if score > best:
                best, best_m, best_t = score, m, t
    return best_m, best_t


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _ruin(p, state, memory, most):
    """Take out up to so many runs that meet one of them at a site."""
    a, J, rng = p, len(state.mode_of), memory.rng
    first = -1
    offset = int(_random(rng) * J)
    for i in range(J):
        j = (offset + i) % J
        if state.mode_of[j] >= 0 and a.running[j] == 0:
            first = j
            break
    if first < 0:
        return
    m, start, end = state.mode_of[first], state.start[first], state.end[first]
    _take_out(p, state, memory, first)
    for _ in range(most - 1):
        other = _random_neighbour(p, state, first, m, start, end, rng)
        if other < 0:
            return
        _take_out(p, state, memory, other)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _recreate(p, state, memory, extra, weight, noise):
    """Put back what was taken out, and some waiting jobs, best priced first."""
    rng, n = memory.rng, memory.count[0]
    for i in range(n):
        memory.queue[i] = memory.log[i]
    for _ in range(extra):
        j = _waiting(p, state, rng, 2)
        if j >= 0 and not memory.logged[j]:
            _note(p, state, memory, j)
            memory.queue[n] = j
            n += 1
    for i in range(n):
        j = memory.queue[i]
        worth = p.worth[j] + p.prize[j] + 0.1 * p.gain_usd[p.job_ptr[j]]
        memory.keys[i] = -worth * (0.3 + _random(rng))
    order = np.argsort(memory.keys[:n])
    for again in range(2):  # successors may have come before their predecessors: once more
        for i in order:
            j = memory.queue[i]
            if state.mode_of[j] < 0 and (again == 0 or p.pred_ptr[j + 1] > p.pred_ptr[j]):
                _insert(p, state, j, memory.okay, weight, rng, noise)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def copy_best(p, state, memory):
    """Keep the plan of the state as the best."""
    memory.best[0] = state.objective[0]
    memory.best_mode[:] = state.mode_of
    memory.best_start[:] = state.start
    memory.best_end[:] = state.end
    memory.best_alloc[:] = state.alloc
    memory.best_slots[:] = state.slots


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _has_musts(p, state):
    for j in range(len(state.mode_of)):
        if p.must[j] and state.mode_of[j] < 0:
            return False
    return True


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def construct(p, state, memory, weight):
    """Place every job that pays, best priced profit per chip and period first; twice for order."""
    a, J = p, len(state.mode_of)
    for j in range(J):
        memory.keys[j] = -(p.worth[j] + p.prize[j]) - 1e-3 * p.gain_usd[a.job_ptr[j]] if (
            a.job_ptr[j + 1] > a.job_ptr[j]) else 1e300  # fmt: skip
    order = np.argsort(memory.keys[:J])
    for _ in range(2):
        for j in order:
            if state.mode_of[j] < 0 and a.job_ptr[j + 1] > a.job_ptr[j]:
                _insert(p, state, j, memory.okay, weight, memory.rng, 0.0)
    if state.objective[0] > memory.best[0]:
        copy_best(p, state, memory)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def anneal(p, state, memory, moves, hot, cold, weight):
    """Make so many moves while the temperature falls from hot to cold [USD]."""
    rng = memory.rng
    for i in range(moves):
        heat = hot * (cold / hot) ** (i / moves)
        before = state.objective[0]
        kind = _random(rng)
        noise = 0.6 * _random(rng)
        if kind < 0.6:
            j = _waiting(p, state, rng, 4)
            if j < 0:
                continue
            m, t = _choose_column(p, state, memory, j, weight, 0.1 + 1.4 * _random(rng))
            if m < 0:
                continue
            end = p.when[p.mask[m], p.act[p.mask[m], t] + p.dur[m]]
            _note(p, state, memory, j)
            _eject_for(p, state, memory, j, m, t, end)
        else:
            _ruin(p, state, memory, 1 + int(8 * _random(rng) ** 2))
        _recreate(p, state, memory, 4, weight, noise)
        change = state.objective[0] - before
        if change < 0 and change < heat * np.log(_random(rng) + 1e-300):
            _undo(p, state, memory)
            state.objective[0] = before
        elif state.objective[0] > memory.best[0] + 1e-9:
            copy_best(p, state, memory)
        _forget(memory)
