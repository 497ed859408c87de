"""Compiled ejection: taking out what is in the way, and bringing a plan back exactly."""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import NONE, ZERO, compiled
from optimizer.place.engines.insertion import random
from optimizer.place.engines.state import place, restore, unplace

__all__ = ["eject_for", "forget", "note", "random_neighbour", "take_out", "undo"]

TRIES = 24
"""Runs that one move may eject; more is another plan, not a move."""

RANKED = 3
"""Runs that one ranking may eject: what is in the way after them is ranked anew."""

SAMPLE = 64
"""Runs that are looked at for one ejection."""


@compiled
def note(p, state, memory, j):
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


@compiled
def take_out(p, state, memory, j):
    """Take out job j, and first its successors."""
    for i in range(p.succ_ptr[j], p.succ_ptr[j + 1]):
        after = p.succ[i]
        if state.mode_of[after] >= 0:
            take_out(p, state, memory, after)
    note(p, state, memory, j)
    unplace(p, state, j)


@compiled
def undo(p, state, memory):
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


@compiled
def forget(memory):
    for i in range(memory.count[0]):
        memory.logged[memory.log[i]] = 0
    memory.count[0] = 0


@compiled
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


@compiled
def _overrun(p, state, m):
    """Whether mode m alone would break a budget now."""
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        b = p.use_budget[u]
        if state.budget_used[b] + p.use_amount[u] > p.budget[b]:
            return b
    return -1


@compiled
def _uses(p, m, b):
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        if p.use_budget[u] == b:
            return float(p.use_amount[u])
    return 0.0


@compiled
def _waits_for(p, j, other):
    """Whether job j waits for another, or for one that does."""
    for i in range(p.pred_ptr[j], p.pred_ptr[j + 1]):
        if p.pred[i] == other or _waits_for(p, p.pred[i], other):
            return True
    return False


@compiled
def _helps(p, state, j, m, start, end, other, over):
    """How much of what keeps job j out the run of another job holds: of budget over, if not -1."""
    if over < 0:
        return _relief(p, state, j, m, start, end, other)
    relief = _uses(p, state.mode_of[other], over)
    if relief > 0.0 and _waits_for(p, j, other):
        return 0.0  # whatever the time: without it, j could not run either
    return relief


@compiled
def _short_of(p, state, j, m, start, end):
    """Whose runs can be in the way: 0 those of the pools, 1 of the sites, 2 all (of the tenant)."""
    load, room, i = state.load, p.room_w, p.tenant[j]
    if i >= 0 and p.quota[i] >= 0:
        for t in range(start, end):
            if state.tenant_chips[i, t] > p.quota[i] - p.chips[m]:
                return 2
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        s, net = p.pool_site[p.part_pool[part]], p.part_net_w[part]
        for t in range(start, end):
            if load[s, t] + net > room[s, t]:
                return 1
    return 0


@compiled
def _look(p, state, memory, j, m, start, end, over, other, n):
    """Note another job in the queue if its run is in the way; return how many are there."""
    if state.mode_of[other] < 0 or p.running[other] or other == j:
        return n
    relief = _helps(p, state, j, m, start, end, other, over)
    if relief > 0.0:
        worth = max(p.gain_usd[state.mode_of[other]] + p.prize[other], 1e-6)
        memory.keys[n] = -relief * (0.3 + random(memory.rng)) / worth
        memory.queue[n] = other
        n += 1
    return n


@compiled
def _look_in(p, state, memory, j, m, start, end, pool, n):
    """Note runs of a pool that are in the way, from any of them on; return how many there are."""
    first, count = p.runs_ptr[pool], state.present[pool]
    offset = int(random(memory.rng) * count)
    for i in range(count):
        if n >= min(SAMPLE, len(memory.queue)):  # a job with two parts may be met twice
            break
        other = np.int64(state.runs[first + (offset + i) % count])
        n = _look(p, state, memory, j, m, start, end, NONE, other, n)
    return n


@compiled
def _rank(p, state, memory, j, m, start, end, over):
    """Rank runs in the way by what they free for their worth, best first: queue[:n]; return n."""
    J, rng, n = len(state.mode_of), memory.rng, ZERO
    scope = 2 if over >= 0 else _short_of(p, state, j, m, start, end)
    if scope == 2:
        offset = int(random(rng) * J)
        for i in range(J):
            if n >= SAMPLE:
                break
            n = _look(p, state, memory, j, m, start, end, over, (offset + i) % J, n)
    for part in range(p.part_ptr[m], p.part_ptr[m + 1] if scope < 2 else p.part_ptr[m]):
        pool = p.part_pool[part]
        if scope == 0:
            n = _look_in(p, state, memory, j, m, start, end, pool, n)
            continue
        low = p.site_ptr[p.pool_site[pool]]
        count = p.site_ptr[p.pool_site[pool] + 1] - low
        offset = int(random(rng) * count)
        for i in range(count):
            other = p.site_pools[low + (offset + i) % count]
            n = _look_in(p, state, memory, j, m, start, end, other, n)
    memory.queue[:n] = memory.queue[:n][np.argsort(memory.keys[:n])]
    return n


@compiled
def eject_for(p, state, memory, j, m, start, end):
    """Take out what is in the way of (m, start) until it is placed; False if that fails."""
    tries = 0
    while tries < TRIES:
        if place(p, state, j, m, start, end):
            return True
        over = _overrun(p, state, m)
        n = _rank(p, state, memory, j, m, start, end, over)
        if n == 0:  # room is there, but in pieces: make some at random
            victim = random_neighbour(p, state, j, m, start, end, memory.rng)
            if victim < 0:
                return False
            take_out(p, state, memory, victim)
            tries += 1
        for i in range(min(n, RANKED)):
            other = memory.queue[i]
            if tries >= TRIES:
                return False
            if state.mode_of[other] < 0:
                continue
            if _helps(p, state, j, m, start, end, other, over) <= 0.0:
                continue
            take_out(p, state, memory, other)
            tries += 1
            if place(p, state, j, m, start, end):
                return True
    return False


@compiled
def random_neighbour(p, state, j, m, start, end, rng):
    """A placed job that shares a pool with mode m in [start, end), or -1."""
    pool = p.part_pool[p.part_ptr[m]]
    first, count = p.runs_ptr[pool], state.present[pool]
    offset = int(random(rng) * count)
    for i in range(count):
        other = np.int64(state.runs[first + (offset + i) % count])
        if p.running[other] or other == j:
            continue
        if state.start[other] < end and state.end[other] > start:
            return other
    return -1
