"""The state of a search: what is placed where, compiled, with domains exact.

A whole-domain slice needs any free domain, so the use of whole domains over time is an interval
graph: it can be coloured if and only if the domains in use never exceed those present. Slices
smaller than a domain lie in virtual domains, rows of chips in use by period, each of which costs one
domain of its group in the periods in which it is not empty. `domains in use <= domains present`, per
group and period, is therefore exact; names are given once at the end (`packing.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from optimizer.place.arrays import PlaceArrays
from optimizer.place.engines.handles import Problem, State, problem_handle, state_handle

__all__ = ["empty_state", "make_problem", "place", "restore", "unplace"]


def make_problem(a: PlaceArrays, priced: Any, worth: Any, permit_price: Any) -> Problem:
    """Return the search's view of the arrays at some prices.

    priced : (M, T+1) prefix sums; worth : (J,); permit_price : (K,), all in USD.
    """
    S, T = a.pue.shape
    most = max(1, int(np.diff(a.sup_ptr).max()))
    order = np.full((S, most, T), -1, np.int64)
    cap, cost = np.zeros((S, most, T), np.int64), np.zeros((S, most, T))
    for s in range(S):
        low, high = a.sup_ptr[s], a.sup_ptr[s + 1]
        true = a.sup_cost[low:high] * 1e-9
        rank = np.argsort(true + permit_price[low:high, None], axis=0, kind="stable")
        order[s, : high - low] = rank + low
        cap[s, : high - low] = np.take_along_axis(a.sup_cap[low:high], rank, 0)
        cost[s, : high - low] = np.take_along_axis(true, rank, 0)
    small = np.where(a.part_whole == 0, a.part_slices, 0)
    per_mode = np.add.reduceat(np.append(small, 0), a.part_ptr[:-1])
    per_job = [per_mode[p:q].max(initial=0) for p, q in zip(a.job_ptr[:-1], a.job_ptr[1:], strict=True)]
    prize = np.where(a.must == 1, 10.0 * max(1.0, float(a.value.max(initial=1) * 1e-9)), 0.0)
    pool_of = np.repeat(np.arange(len(a.pool_size)), np.diff(a.group_ptr))
    has_small = np.array([(a.part_whole[a.part_pool == p] == 0).any() for p in range(len(a.pool_size))])
    virt = a.group_n.max(1) * has_small[pool_of]
    return Problem(
        a,
        a.gain * 1e-9,
        a.late * 1e-9,
        a.restart * 1e-9,
        prize,
        order,
        cap,
        cost,
        np.concatenate(([0], np.cumsum(per_job))).astype(np.int64),
        np.concatenate(([0], np.cumsum(virt))).astype(np.int64),
        priced,
        worth,
        np.array([(a.permit >= 0).any()]),
    )


def empty_state(p: Problem) -> State:
    """Return the state in which nothing is placed."""
    a, J, T = p.a, len(p.a.late), p.a.pue.shape[1]
    parts = max(1, int(np.diff(a.part_ptr).max(initial=1)))
    groups = max(1, int(np.diff(a.group_ptr).max()))
    state = State(
        np.full(J, -1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J, np.int64),
        np.zeros((J, parts, groups), np.int32),
        np.full(int(p.slot_ptr[-1]), -1, np.int32),
        np.zeros(a.pue.shape, np.int64),
        np.zeros(a.group_n.shape, np.int64),
        np.zeros((int(p.virt_ptr[-1]), T), np.int16),
        np.zeros(len(a.group_n), np.int64),
        np.zeros(a.usable.shape, np.int64),
        np.zeros((len(a.quota), T), np.int64),
        np.zeros(len(a.budget), np.int64),
        np.zeros(len(a.permit), np.int64),
        np.zeros(1),
        np.zeros(int(np.diff(p.virt_ptr).max(initial=0)) + 1, np.int64),
    )
    state.objective[0] = -_idle_energy(problem_handle(p), state_handle(state))
    return state


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _idle_energy(p, state):
    """Energy cost of the fixed load [USD]; books its permitted energy."""
    total = 0.0
    for s in range(p.fixed_mw.shape[0]):
        for t in range(p.fixed_mw.shape[1]):
            rest = (p.fixed_mw[s, t] + 999) // 1000
            for i in range(p.order.shape[1]):
                given = min(rest, p.cap[s, i, t])
                rest -= given
                total += given * p.cost[s, i, t]
                if p.order[s, i, t] >= 0:
                    state.permit_used[p.order[s, i, t]] += given
    return total


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_load(p, state, m, start, end, sign):
    """Add (or take away) the power of a mode; return the rise of energy cost [USD]."""
    load, pue, fixed, act = state.load, p.pue, p.fixed_mw, p.act
    order, cap, cost, permit_used = p.order, p.cap, p.cost, state.permit_used
    has_permit, most = p.has_permit[0], order.shape[1]
    mask, rise = p.mask[m], 0.0
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        s, net = p.pool_site[p.part_pool[part]], sign * p.part_net_w[part]
        for t in range(start, end):
            if mask > 0 and act[mask, t + 1] == act[mask, t]:
                continue
            before = (pue[s, t] * load[s, t] + fixed[s, t] + 999) // 1000
            load[s, t] += net
            after = (pue[s, t] * load[s, t] + fixed[s, t] + 999) // 1000
            for i in range(most):  # by merit: what each supply gave before and gives now
                gave, gives = min(before, cap[s, i, t]), min(after, cap[s, i, t])
                rise += (gives - gave) * cost[s, i, t]
                if has_permit and order[s, i, t] >= 0:
                    permit_used[order[s, i, t]] += gives - gave
                before -= gave
                after -= gives
                if before <= 0 and after <= 0:
                    break
    return rise


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _book(p, state, j, m, start, end, sign):
    """Book chips, quota and budgets of a run."""
    held, by_tenant = state.chips, state.tenant_chips
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        pool, chips = p.part_pool[part], sign * p.part_slice[part] * p.part_slices[part]
        for t in range(start, end):
            held[pool, t] += chips
    i, chips = p.tenant[j], sign * p.chips[m]
    if i >= 0:
        for t in range(start, end):
            by_tenant[i, t] += chips
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        state.budget_used[p.use_budget[u]] += sign * p.use_amount[u]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _has_room(p, state, j, m, start, end):
    """Whether power, quota and budgets admit a run, all parts at a site together."""
    load, room, act, by_tenant = state.load, p.room_w, p.act, state.tenant_chips
    mask = p.mask[m]
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        s = p.pool_site[p.part_pool[part]]
        net = 0
        for other in range(p.part_ptr[m], p.part_ptr[m + 1]):
            if p.pool_site[p.part_pool[other]] == s:
                net += p.part_net_w[other]
        for t in range(start, end):
            if load[s, t] + net > room[s, t] and (mask == 0 or act[mask, t + 1] > act[mask, t]):
                return False
    i = p.tenant[j]
    if i >= 0 and p.quota[i] >= 0:
        most = p.quota[i] - p.chips[m]
        for t in range(start, end):
            if by_tenant[i, t] > most:
                return False
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        b = p.use_budget[u]
        if state.budget_used[b] + p.use_amount[u] > p.budget[b]:
            return False
    return True


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
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


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
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


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _put_slices(state, g, v, chips, start, end):
    """Add chips to a virtual domain; it is in use where it was empty."""
    virt, used = state.virt, state.used
    for t in range(start, end):
        if virt[v, t] == 0:
            used[g, t] += 1
        virt[v, t] += chips


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _take_small(p, state, j, part, slot, start, end):
    """Put the small slices of one part into virtual domains; return how many it placed.

    First where no domain has to be opened, then where least has to be.
    """
    pool, chips = p.part_pool[part], p.part_slice[part]
    size, need, done = p.pool_size[pool], p.part_slices[part], 0
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


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _fill(state, g, v, chips, count, slot, done, start, end):
    """Put so many slices into virtual domain v and note them; return how many are done."""
    _put_slices(state, g, v, chips * count, start, end)
    for k in range(done, done + count):
        state.slots[slot + k] = v
    return done + count


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _group_of(p, v):
    g = 0
    while p.virt_ptr[g + 1] <= v:
        g += 1
    return g


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _drop_domains(p, state, j, m, parts, last_slices, start, end):
    """Give back the domains of the first parts of a run, of the last of them some slices."""
    used, virt, slots = state.used, state.virt, state.slots
    slot = p.slot_ptr[j]
    for rank in range(parts):
        part = p.part_ptr[m] + rank
        pool = p.part_pool[part]
        if p.part_whole[part]:
            for g in range(p.group_ptr[pool], p.group_ptr[pool + 1]):
                count = state.alloc[j, rank, g - p.group_ptr[pool]]
                if count > 0:
                    state.alloc[j, rank, g - p.group_ptr[pool]] = 0
                    for t in range(start, end):
                        used[g, t] -= count
            continue
        slices = p.part_slices[part] if rank < parts - 1 else last_slices
        k = 0
        while k < slices:
            v, chips = slots[slot + k], 0
            while k < slices and slots[slot + k] == v:
                chips += p.part_slice[part]
                k += 1
            g = _group_of(p, v)
            for t in range(start, end):
                virt[v, t] -= chips
                if virt[v, t] == 0:
                    used[g, t] -= 1
        slot += p.part_slices[part]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _take_domains(p, state, j, m, start, end):
    """Take the domains of a run; nothing is taken where not all can be."""
    a = p
    slot = p.slot_ptr[j]
    for rank in range(a.part_ptr[m + 1] - a.part_ptr[m]):
        part = a.part_ptr[m] + rank
        if a.part_whole[part]:
            placed, fits = 0, _take_whole(p, state, j, part, rank, start, end)
        else:
            placed = _take_small(p, state, j, part, slot, start, end)
            fits = placed == a.part_slices[part]
            slot += a.part_slices[part]
        if not fits:
            _drop_domains(p, state, j, m, rank + 1, placed, start, end)
            return False
    return True


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _reward(p, j, m, start, end):
    """Value less lateness, one-offs and restart of a run, and the prize of a must job [USD]."""
    a = p
    reward = p.gain_usd[m] + p.prize[j]
    if end > a.due[j]:
        reward -= p.late_usd[j] * (end - a.due[j])
    if a.mask[m] > 0 and end - start > a.dur[m]:
        reward -= p.restart_usd[m]
    return reward


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def place(p, state, j, m, start, end):
    """Place job j in mode m at a start; return whether every rule let it."""
    if not _has_room(p, state, j, m, start, end):
        return False
    if not _take_domains(p, state, j, m, start, end):
        return False
    rise = _add_load(p, state, m, start, end, 1)
    if p.has_permit[0]:
        for k in range(len(p.permit)):
            if 0 <= p.permit[k] < state.permit_used[k]:
                _add_load(p, state, m, start, end, -1)
                _drop_domains(p, state, j, m, p.part_ptr[m + 1] - p.part_ptr[m],
                              p.part_slices[p.part_ptr[m + 1] - 1], start, end)  # fmt: skip
                return False
    _book(p, state, j, m, start, end, 1)
    state.mode_of[j], state.start[j], state.end[j] = m, start, end
    state.objective[0] += _reward(p, j, m, start, end) - rise
    return True


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def unplace(p, state, j):
    """Take job j out."""
    m, start, end = state.mode_of[j], state.start[j], state.end[j]
    parts = p.part_ptr[m + 1] - p.part_ptr[m]
    _drop_domains(p, state, j, m, parts, p.part_slices[p.part_ptr[m + 1] - 1], start, end)
    rise = _add_load(p, state, m, start, end, -1)
    _book(p, state, j, m, start, end, -1)
    state.objective[0] -= _reward(p, j, m, start, end) + rise
    state.mode_of[j] = -1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def restore(p, state, j, m, start, end, alloc, slots):
    """Place job j just where it was; what it used then is known to be free.

    alloc : (parts, groups) and slots : those of the job, as they were.
    """
    a = p
    slot = 0
    for rank in range(a.part_ptr[m + 1] - a.part_ptr[m]):
        part = a.part_ptr[m] + rank
        pool = a.part_pool[part]
        first = a.group_ptr[pool]
        if a.part_whole[part]:
            for g in range(first, a.group_ptr[pool + 1]):
                count = alloc[rank, g - first]
                state.alloc[j, rank, g - first] = count
                if count > 0:
                    for t in range(start, end):
                        state.used[g, t] += count
        else:
            for k in range(a.part_slices[part]):
                v = slots[slot + k]
                g = _group_of(p, v)
                _put_slices(state, g, v, a.part_slice[part], start, end)
                state.slots[p.slot_ptr[j] + slot + k] = v
                top = v - p.virt_ptr[g] + 1
                state.virt_top[g] = max(state.virt_top[g], top)
            slot += a.part_slices[part]
    rise = _add_load(p, state, m, start, end, 1)
    _book(p, state, j, m, start, end, 1)
    state.mode_of[j], state.start[j], state.end[j] = m, start, end
    state.objective[0] += _reward(p, j, m, start, end) - rise
