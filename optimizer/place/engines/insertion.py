"""Compiled insertion: the best priced mode and start of a waiting job that fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.place.engines.compiled import NONE, ZERO, compiled
from optimizer.place.engines.state import place, unplace

__all__ = [
    "best_start",
    "blocked",
    "crowded",
    "first_of",
    "generator",
    "insert",
    "most_scored",
    "random",
    "window",
]


def generator(seed: int) -> Any:
    """Return what `random` draws from, (1,) uint64: the same numbers for the same seed."""
    return np.array([seed * 0x9E3779B97F4A7C15 + 0x1234567 & 0xFFFFFFFFFFFFFFFF], np.uint64)


@compiled
def random(rng):
    """A number in [0, 1): xorshift64*."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return float((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11)) / 9007199254740992.0


@compiled
def window(p, state, j):
    """Earliest start and latest end that placed predecessors and successors leave, or (0, -1)."""
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


@compiled
def first_of(p, state, j):
    """The first job that has to be placed before job j, or j: it alone can be placed now."""
    i = p.pred_ptr[j] if j >= 0 else 0
    while j >= 0 and i < p.pred_ptr[j + 1]:
        if state.mode_of[p.pred[i]] < 0:
            j = p.pred[i]
            i = p.pred_ptr[j]
        else:
            i += 1
    return j


@compiled
def blocked(p, state, j, m, okay):
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


@compiled
def crowded(p, state, m):
    """Whether a row that counts jobs has no place left for mode m."""
    for u in range(p.use_ptr[m], p.use_ptr[m + 1]):
        b = p.use_budget[u]
        if p.total_kind[b] > 0 and state.budget_used[b] + p.use_amount[u] > p.budget[b]:
            return True
    return False


@compiled
def best_start(p, j, m, low, high, okay, weight, rng, noise):
    """Best priced start of mode m in [low, high] with noise on what it pays: (score, start)."""
    allowed, when, act, priced = p.allowed, p.when, p.act, p.priced[p.alike[m]]
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
        score = gain - weight * (priced[end] - priced[t]) * (1 + noise * (chance - 0.5))
        if end > due:
            score -= late * (end - due)
        if mask > 0 and end - t > dur:
            score -= restart
        if score > best:
            best, best_t = score, t
    rng[0] = x
    return best, best_t


@compiled
def most_scored(p, m, weight, noise):
    """A limit to what `best_start` can score for mode m [USD]."""
    return p.gain_usd[m] - weight * p.cheapest[m] * (1.0 - 0.5 * noise)


@compiled
def insert(p, state, j, okay, weight, rng, noise):
    """Place waiting job j in the best mode and start that fit; return whether it was placed."""
    if state.mode_of[j] >= 0:
        return False
    low, high = window(p, state, j)
    if high < 0:
        return False
    for _ in range(3):
        best, best_m, best_t = -1e300, NONE, ZERO
        for i in range(p.job_ptr[j], p.job_ptr[j + 1]):
            m = p.ranked[i]
            if most_scored(p, m, weight, noise) <= best or crowded(p, state, m):
                continue
            blocked(p, state, j, m, okay)
            score, t = best_start(p, j, m, low, high, okay, weight, rng, noise)
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
