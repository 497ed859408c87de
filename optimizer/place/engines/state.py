"""The state of a search: what is placed where, compiled, with every rule kept exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.engines.columns import least_paid
from optimizer.place.engines.compiled import ADD, TAKE, ZERO, compiled
from optimizer.place.engines.domains import drop_domains, put_slices, take_domains
from optimizer.place.engines.handles import Problem, State, problem_handle, state_handle
from optimizer.place.image.totals import PRECEDENCE

if TYPE_CHECKING:
    from optimizer.place.arrays import PlaceArrays

__all__ = ["empty_state", "make_problem", "place", "raised", "restore", "unplace"]


def make_problem(a: PlaceArrays, priced: Any, worth: Any, permit_price: Any) -> Problem:
    """Return the search's view of the arrays at some prices.

    priced : (kinds, T+1) prefix sums; worth : (J,); permit_price : (K,), all in USD.
    Batteries stand idle and peaks cost nothing here: `power/shape.py` makes arrays that say more.
    """
    a = _unordered(_idle(a))
    small = np.where(a.part_whole == 0, a.part_slices, 0)
    per_mode = np.add.reduceat(np.append(small, 0), a.part_ptr[:-1])
    per_job = [
        per_mode[p:q].max(initial=0) for p, q in zip(a.job_ptr[:-1], a.job_ptr[1:], strict=True)
    ]
    prize = np.where(a.must == 1, 10.0 * max(1.0, float(a.value.max(initial=1) * 1e-9)), 0.0)
    pool_of = np.repeat(np.arange(len(a.pool_size)), np.diff(a.group_ptr))
    has_small = np.array(
        [(a.part_whole[a.part_pool == p] == 0).any() for p in range(len(a.pool_size))]
    )
    virt = a.group_n.max(1) * has_small[pool_of]
    merit = _merit(a, permit_price)
    slot_ptr = np.concatenate(([0], np.cumsum(per_job))).astype(np.int64)
    return Problem(
        a,
        a.gain * 1e-9,
        a.late * 1e-9,
        a.restart * 1e-9,
        prize,
        *merit,
        slot_ptr,
        np.concatenate(([0], np.cumsum(virt))).astype(np.int64),
        np.repeat(np.arange(len(virt)), virt.astype(np.int64)),
        _runs_ptr(a),
        np.concatenate(([0], np.cumsum(np.bincount(a.pool_site, minlength=len(a.pue))))),
        np.argsort(a.pool_site, kind="stable"),
        priced,
        worth,
        *_ranked(a, priced),
        np.array([(a.permit >= 0).any()]),
        *_homes(a, int(slot_ptr[-1])),
    )


def _ranked(a: PlaceArrays, priced: Any) -> tuple[Any, Any]:
    """Return cheapest and ranked of `Problem`."""
    cheapest = np.zeros(len(a.dur))
    least_paid(a, priced, cheapest)
    job = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr))
    return cheapest, np.lexsort((cheapest - a.gain * 1e-9, job))


def _runs_ptr(a: PlaceArrays) -> Any:
    """Return room for the runs of each pool: of a job, the most parts a mode of it has there."""
    mode = np.repeat(np.arange(len(a.dur)), np.diff(a.part_ptr))
    job, pools = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr)), len(a.pool_size)
    own, parts = np.unique(mode * pools + a.part_pool, return_counts=True)
    where, back = np.unique(job[own // pools] * pools + own % pools, return_inverse=True)
    most = np.zeros(len(where), np.int64)
    np.maximum.at(most, back.reshape(-1), parts)
    room = np.bincount(where % pools, most, minlength=pools).astype(np.int64)
    return np.concatenate(([0], np.cumsum(room)))


def _homes(a: PlaceArrays, slots: int) -> tuple[Any, Any, Any]:
    """Return movers, home_alloc and home_slots of `Problem`, nothing pinned yet."""
    first = [m for m in a.job_ptr[:-1].tolist() if m < len(a.home) and a.home[m]]
    jobs = np.flatnonzero(np.isin(a.job_ptr[:-1], first)) if first else np.zeros(0, np.int64)
    shape = alloc_shape(a) if first else (0, 1, 1)
    movers = jobs[[a.allowed[a.job_ptr[j] : a.job_ptr[j + 1]].sum() > 1 for j in jobs.tolist()]]
    nowhere = np.full(slots if first else 0, -1, np.int32)
    return movers.astype(np.int64), np.zeros(shape, np.int32), nowhere


def alloc_shape(a: PlaceArrays) -> tuple[int, int, int]:
    """Return jobs, most parts of a mode and most groups of a pool."""
    parts = max(1, int(np.diff(a.part_ptr).max(initial=1)))
    return len(a.late), parts, max(1, int(np.diff(a.group_ptr).max(initial=1)))


def _idle(a: PlaceArrays) -> PlaceArrays:
    """Return arrays in which batteries give the search no room; all else as it is."""
    if not (a.full >= 0).any():
        return a
    total = np.zeros_like(a.pue)
    site_of = np.repeat(np.arange(len(a.pue)), np.diff(a.sup_ptr))
    np.add.at(total, site_of, np.where(a.full[:, None] < 0, a.sup_cap, 0))
    return a._replace(room_w=(1000 * total - a.fixed_mw) // a.pue)


def _unordered(a: PlaceArrays) -> PlaceArrays:
    """Return arrays without rows of precedence: in the search, windows of starts keep the order."""
    keeps = a.total_kind[a.use_budget] != PRECEDENCE
    modes = np.repeat(np.arange(len(a.dur)), np.diff(a.use_ptr))[keeps]
    per_mode = np.bincount(modes, minlength=len(a.dur))
    return a._replace(
        use_ptr=np.concatenate(([0], np.cumsum(per_mode))).astype(np.int64),
        use_budget=a.use_budget[keeps],
        use_amount=a.use_amount[keeps],
    )


def _merit(a: PlaceArrays, permit_price: Any) -> tuple[Any, Any, Any, Any]:
    """Return order, need_cap, cap and cost of `Problem`."""
    S, T = a.pue.shape
    most = max(1, int(np.diff(a.sup_ptr).max(initial=1)))
    order = np.full((S, most, T), -1, np.int64)
    cap, cost = np.zeros((S, most, T), np.int64), np.zeros((S, most, T))
    need_cap = np.zeros((S, most, T), np.int64)
    caps = np.where(a.full[:, None] < 0, a.sup_cap, 0)
    for s in range(S):
        low, high = a.sup_ptr[s], a.sup_ptr[s + 1]
        true = a.sup_cost[low:high] * 1e-9
        rank = np.argsort(true + permit_price[low:high, None], axis=0, kind="stable")
        last = (a.permit[low:high, None] >= 0) * (true.max(initial=0.0) + 1.0)
        scarce = np.argsort(true + last, axis=0, kind="stable")
        order[s, : high - low] = scarce + low
        need_cap[s, : high - low] = np.take_along_axis(caps[low:high], scarce, 0)
        cap[s, : high - low] = np.take_along_axis(caps[low:high], rank, 0)
        cost[s, : high - low] = np.take_along_axis(true, rank, 0)
    return order, need_cap, cap, cost


def empty_state(p: Problem) -> State:
    """Return the state in which nothing is placed."""
    a, J, T = p.a, len(p.a.late), p.a.pue.shape[1]
    state = State(
        np.full(J, -1, np.int64),
        np.zeros(J, np.int64),
        np.zeros(J, np.int64),
        np.zeros(alloc_shape(a), np.int32),
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
        np.zeros(int(p.runs_ptr[-1]), np.int32),
        np.zeros(len(a.pool_size), np.int64),
        np.zeros(alloc_shape(a)[:2], np.int32),
        np.zeros(int(np.diff(p.virt_ptr).max(initial=0)) + 1, np.int64),
    )
    state.objective[0] = -_idle_energy(problem_handle(p), state_handle(state))
    return state


@compiled
def _idle_energy(p, state):
    """Energy cost of the fixed load [USD]; books its permitted energy."""
    total = 0.0
    for s in range(p.fixed_mw.shape[0]):
        for t in range(p.fixed_mw.shape[1]):
            load = (p.fixed_mw[s, t] + 999) // 1000
            total = raised(p.cap, p.cost, s, t, ZERO, load, total)
            _book_permits(p, state, s, t, ZERO, load)
    return total


@compiled
def raised(cap, cost, s, t, before, after, total):
    """A cost of energy, raised by what one load at the meter costs more than another [USD].

    By merit: what each supply gave before and gives now.
    """
    for i in range(cap.shape[1]):
        gave, gives = min(before, cap[s, i, t]), min(after, cap[s, i, t])
        total += (gives - gave) * cost[s, i, t]
        before -= gave
        after -= gives
        if before <= 0 and after <= 0:
            break
    return total


@compiled
def _book_permits(p, state, s, t, before, after):
    """Book what supplies with a permit have to give when others give all they can [W]."""
    for i in range(p.order.shape[1]):
        if p.order[s, i, t] < 0:
            return
        gave, gives = min(before, p.need_cap[s, i, t]), min(after, p.need_cap[s, i, t])
        state.permit_used[p.order[s, i, t]] += gives - gave
        before -= gave
        after -= gives


@compiled
def _add_load(p, state, m, start, end, sign):
    """Add (or take away) the power of a mode; return the rise of energy cost [USD]."""
    load, pue, fixed, act = state.load, p.pue, p.fixed_mw, p.act
    cap, cost, has_permit = p.cap, p.cost, p.has_permit[0]
    mask, rise = p.mask[m], 0.0
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        s, net = p.pool_site[p.part_pool[part]], sign * p.part_net_w[part]
        for t in range(start, end):
            if mask > 0 and act[mask, t + 1] == act[mask, t]:
                continue
            before = (pue[s, t] * load[s, t] + fixed[s, t] + 999) // 1000
            load[s, t] += net
            after = (pue[s, t] * load[s, t] + fixed[s, t] + 999) // 1000
            if has_permit:
                _book_permits(p, state, s, t, before, after)
            rise = raised(cap, cost, s, t, before, after, rise)
    return rise


@compiled
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


@compiled
def _enter(p, state, j, m):
    """Note that job j runs in the pools of mode m."""
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        pool = p.part_pool[part]
        n = state.present[pool]
        state.runs[p.runs_ptr[pool] + n] = j
        state.spot[j, part - p.part_ptr[m]] = n
        state.present[pool] = n + 1


@compiled
def _leave(p, state, j, m):
    """Note that job j no longer runs in the pools of mode m; the last run there takes its spot."""
    for part in range(p.part_ptr[m], p.part_ptr[m + 1]):
        pool = p.part_pool[part]
        first, n = p.runs_ptr[pool], state.spot[j, part - p.part_ptr[m]]
        state.present[pool] -= 1
        last = state.present[pool]
        if n == last:
            continue
        other = state.runs[first + last]
        theirs = p.part_ptr[m] if other == j else p.part_ptr[state.mode_of[other]]
        rank = 0
        while p.part_pool[theirs + rank] != pool or state.spot[other, rank] != last:
            rank += 1
        state.runs[first + n], state.spot[other, rank] = other, n


@compiled
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


@compiled
def _reward(p, j, m, start, end):
    """Value less lateness, one-offs and restart of a run, and the prize of a must job [USD]."""
    a = p
    reward = p.gain_usd[m] + p.prize[j]
    if end > a.due[j]:
        reward -= p.late_usd[j] * (end - a.due[j])
    if a.mask[m] > 0 and end - start > a.dur[m]:
        reward -= p.restart_usd[m]
    return reward


@compiled
def place(p, state, j, m, start, end):
    """Place job j in mode m at a start; return whether every rule let it."""
    if not _has_room(p, state, j, m, start, end):
        return False
    if not take_domains(p, state, j, m, start, end):
        return False
    rise = _add_load(p, state, m, start, end, ADD)
    if p.has_permit[0]:
        for k in range(len(p.permit)):
            if 0 <= p.permit[k] < state.permit_used[k]:
                _add_load(p, state, m, start, end, TAKE)
                drop_domains(p, state, j, m, start, end)
                return False
    _book(p, state, j, m, start, end, ADD)
    _enter(p, state, j, m)
    state.mode_of[j], state.start[j], state.end[j] = m, start, end
    state.objective[0] += _reward(p, j, m, start, end) - rise
    return True


@compiled
def unplace(p, state, j):
    """Take job j out."""
    m, start, end = state.mode_of[j], state.start[j], state.end[j]
    drop_domains(p, state, j, m, start, end)
    rise = _add_load(p, state, m, start, end, TAKE)
    _book(p, state, j, m, start, end, TAKE)
    _leave(p, state, j, m)
    state.objective[0] -= _reward(p, j, m, start, end) + rise
    state.mode_of[j] = -1


@compiled
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
                v = np.int64(slots[slot + k])
                g = p.virt_group[v]
                put_slices(state, g, v, a.part_slice[part], start, end)
                state.slots[p.slot_ptr[j] + slot + k] = v
                top = v - p.virt_ptr[g] + 1
                state.virt_top[g] = max(state.virt_top[g], top)
            slot += a.part_slices[part]
    rise = _add_load(p, state, m, start, end, ADD)
    _book(p, state, j, m, start, end, ADD)
    _enter(p, state, j, m)
    state.mode_of[j], state.start[j], state.end[j] = m, start, end
    state.objective[0] += _reward(p, j, m, start, end) - rise
