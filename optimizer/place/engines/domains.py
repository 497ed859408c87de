"""Compiled book-keeping of domains: whole ones by count, small slices on virtual domains.

A whole-domain slice needs any free domain, so the use of whole domains over time is an interval
graph: it can be coloured if and only if the domains in use never exceed those present. Slices
smaller than a domain lie in virtual domains, rows of chips in use by period, each of which costs
one domain of its group in the periods in which it is not empty. `domains in use <= domains
present`, per group and period, is therefore exact; names are given once at the end (`packing.py`).
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import ZERO, compiled

__all__ = ["drop_domains", "put_slices", "take_domains"]


@compiled
def _take_whole(p, state, j, part, rank, start, end):
    """Take whole domains for one part, from scarce groups first; False if there are too few."""
    group_n, used = p.group_n, state.used
    pool, need = p.part_pool[part], p.part_need[part]
    first, last = p.group_ptr[pool], p.group_ptr[pool + 1]
    for g in range(last - 1, first - 1, -1):
        free = need
        for t in range(start, end):
            free = min(free, group_n[g, t] - used[g, t])
            if free <= 0:
                break
        if free > 0:
            state.alloc[j, rank, g - first] = free
            for t in range(start, end):
                used[g, t] += free
            need -= free
        if need == 0:
            return True
    return False


@compiled
def _fits(p, state, g, v, chips, size, start, end):
    """How many slices virtual domain v can take, and in how many periods it would be opened."""
    virt, used, group_n = state.virt, state.used, p.group_n
    most, opened = 0, 0
    for t in range(start, end):
        most = max(most, virt[v, t])
        if most + chips > size:
            return 0, 0
        if virt[v, t] == 0:
            if used[g, t] >= group_n[g, t]:
                return 0, 0
            opened += 1
    return (size - most) // chips, opened


@compiled
def put_slices(state, g, v, chips, start, end):
    """Add chips to a virtual domain; it is in use where it was empty."""
    virt, used = state.virt, state.used
    for t in range(start, end):
        if virt[v, t] == 0:
            used[g, t] += 1
        virt[v, t] += chips


@compiled
def _take_small(p, state, j, part, slot, start, end):
    """Put the small slices of one part into virtual domains; return how many it placed.

    First where no domain has to be opened, then where least has to be.
    """
    pool, chips = p.part_pool[part], p.part_slice[part]
    size, need, done = p.pool_size[pool], p.part_slices[part], ZERO
    for g in range(p.group_ptr[pool + 1] - 1, p.group_ptr[pool] - 1, -1):
        low = p.virt_ptr[g]
        waiting, n = state.waiting, 0
        for v in range(low, low + state.virt_top[g]):
            fits, opened = _fits(p, state, g, v, chips, size, start, end)
            if fits > 0 and opened > 0:
                waiting[n] = opened * 1_000_000 + v
                n += 1
            elif fits > 0:
                done = _fill(state, g, v, chips, min(fits, need - done), slot, done, start, end)
                if done == need:
                    return done
        waiting[:n].sort()
        for i in range(n):
            v = waiting[i] % 1_000_000
            fits, _ = _fits(p, state, g, v, chips, size, start, end)
            if fits > 0:
                done = _fill(state, g, v, chips, min(fits, need - done), slot, done, start, end)
                if done == need:
                    return done
        while low + state.virt_top[g] < p.virt_ptr[g + 1]:
            v = low + state.virt_top[g]
            fits, _ = _fits(p, state, g, v, chips, size, start, end)
            if fits == 0:
                break
            state.virt_top[g] += 1
            done = _fill(state, g, v, chips, min(fits, need - done), slot, done, start, end)
            if done == need:
                return done
    return done


@compiled
def _fill(state, g, v, chips, count, slot, done, start, end):
    """Put so many slices into virtual domain v and note them; return how many are done."""
    put_slices(state, g, v, chips * count, start, end)
    for k in range(done, done + count):
        state.slots[slot + k] = v
    return done + count


@compiled
def _slot_of(p, j, m, rank):
    """Where the virtual domains of a part's small slices are noted."""
    slot = p.slot_ptr[j]
    for part in range(p.part_ptr[m], p.part_ptr[m] + rank):
        if not p.part_whole[part]:
            slot += p.part_slices[part]
    return slot


@compiled
def _drop_part(p, state, j, m, rank, slices, start, end):
    """Give back the whole domains of a part, or so many of its small slices."""
    used, virt, slots = state.used, state.virt, state.slots
    part = p.part_ptr[m] + rank
    pool = p.part_pool[part]
    if p.part_whole[part]:
        for g in range(p.group_ptr[pool], p.group_ptr[pool + 1]):
            count = state.alloc[j, rank, g - p.group_ptr[pool]]
            if count > 0:
                state.alloc[j, rank, g - p.group_ptr[pool]] = 0
                for t in range(start, end):
                    used[g, t] -= count
        return
    slot, k = _slot_of(p, j, m, rank), 0
    while k < slices:
        v, chips = slots[slot + k], 0
        while k < slices and slots[slot + k] == v:
            chips += p.part_slice[part]
            k += 1
        g = p.virt_group[v]
        for t in range(start, end):
            virt[v, t] -= chips
            if virt[v, t] == 0:
                used[g, t] -= 1


@compiled
def drop_domains(p, state, j, m, start, end):
    """Give back all domains of a run."""
    for rank in range(p.part_ptr[m + 1] - p.part_ptr[m]):
        _drop_part(p, state, j, m, rank, p.part_slices[p.part_ptr[m] + rank], start, end)


@compiled
def _take_home_part(p, state, j, m, rank, start, end):
    """Take the very domains on which a part runs; return slices taken, and whether all are."""
    part = p.part_ptr[m] + rank
    pool, chips = p.part_pool[part], p.part_slice[part]
    first, last, used = p.group_ptr[pool], p.group_ptr[pool + 1], state.used
    if p.part_whole[part]:
        for g in range(first, last):
            for t in range(start, end):
                if used[g, t] + p.home_alloc[j, rank, g - first] > p.group_n[g, t]:
                    return 0, False
        for g in range(first, last):
            state.alloc[j, rank, g - first] = p.home_alloc[j, rank, g - first]
            for t in range(start, end):
                used[g, t] += p.home_alloc[j, rank, g - first]
        return 0, True
    slot = _slot_of(p, j, m, rank)
    for k in range(p.part_slices[part]):
        v = np.int64(p.home_slots[slot + k])
        g = p.virt_group[v]
        fits, _ = _fits(p, state, g, v, chips, p.pool_size[pool], start, end)
        if fits == 0:
            return k, False
        put_slices(state, g, v, chips, start, end)
        state.slots[slot + k] = v
        state.virt_top[g] = max(state.virt_top[g], v - p.virt_ptr[g] + 1)
    return p.part_slices[part], True


@compiled
def _take_home(p, state, j, m, start, end):
    """Take the domains on which a job runs that may be moved; nothing unless all are free."""
    for rank in range(p.part_ptr[m + 1] - p.part_ptr[m]):
        done, fits = _take_home_part(p, state, j, m, rank, start, end)
        if not fits:
            _drop_part(p, state, j, m, rank, done, start, end)
            for before in range(rank):
                slices = p.part_slices[p.part_ptr[m] + before]
                _drop_part(p, state, j, m, before, slices, start, end)
            return False
    return True


@compiled
def take_domains(p, state, j, m, start, end):
    """Take the domains of a run, largest slices first; nothing is taken where not all can be."""
    if p.home[m]:
        return _take_home(p, state, j, m, start, end)
    parts = p.part_ptr[m + 1] - p.part_ptr[m]
    below = 1 << 40
    for _ in range(parts):
        size = 0
        for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
            if p.part_slice[part] < below:
                size = max(size, p.part_slice[part])
        for rank in range(parts):
            part = p.part_ptr[m] + rank
            if p.part_slice[part] != size or size == 0:
                continue
            if p.part_whole[part]:
                placed, fits = ZERO, _take_whole(p, state, j, part, rank, start, end)
            else:
                placed = _take_small(p, state, j, part, _slot_of(p, j, m, rank), start, end)
                fits = placed == p.part_slices[part]
            if fits:
                continue
            _drop_part(p, state, j, m, rank, placed, start, end)
            for other in range(parts):  # those before it: larger, or as large and earlier
                taken = p.part_slice[p.part_ptr[m] + other]
                if taken > size or (taken == size and other < rank):
                    slices = p.part_slices[p.part_ptr[m] + other]
                    _drop_part(p, state, j, m, other, slices, start, end)
            return False
        below = size
    return True
