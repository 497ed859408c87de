"""Compiled schedules from lists, and their breeding.

A list names every job once, after those that it waits for; with a mode for each job it is a plan:
one by one, every job takes the earliest start at which all rows have room (serial generation).
From a plan the same is done backward by falling ends, against the last end, and forward again by
rising starts: that packs it (justification). Lists are bred: a child has a stretch of its list in
the order of another's, each job with the mode it has there, or some starts moved at random, is
packed, and takes its parent's place if it is no worse and new. Budgets come first: modes are
changed until what is too much is least.

Serial generation: Kelley (1963). Justification: Valls, Ballestin and Quintanilla (2005). Breeding
of lists: Hartmann (1998); of modes with them: Van Peteghem and Vanhoucke (2010). Children against
parents: Mahfoud (1992), deterministic crowding.
"""

from __future__ import annotations

import numpy as np

from optimizer.place.engines.compiled import compiled
from optimizer.place.engines.insertion import random

__all__ = ["breed"]

OLD = 1500
"""Children after which an individual that got no better is drawn anew."""

CROSSED = 0.5
"""Share of children with two parents; others have one, shaken."""


@compiled
def _fits_from(p, free, m, t, end):
    """The first period in which mode m finds no room in [t, end), from the end; -1 if none."""
    for i in range(p.need_ptr[m], p.need_ptr[m + 1]):
        row, n = free[p.need_row[i]], p.need_n[i]
        for u in range(end - 1, t - 1, -1):
            if row[u] < n:
                return u
    return -1


@compiled
def _fits_until(p, free, m, t, end):
    """The first period in which mode m finds no room in [t, end), from the start; -1 if none."""
    for i in range(p.need_ptr[m], p.need_ptr[m + 1]):
        row, n = free[p.need_row[i]], p.need_n[i]
        for u in range(t, end):
            if row[u] < n:
                return u
    return -1


@compiled
def _earliest(p, free, m, low):
    """The earliest start of mode m not before low; T if there is none."""
    T, t, ends = free.shape[1], max(low, p.first[m]), p.ends[m]
    while t < T:
        if ends[t] > T:
            t += 1
            continue
        full = _fits_from(p, free, m, t, ends[t])
        if full < 0:
            return t
        t = full + 1
    return T


@compiled
def _latest(p, free, m, high):
    """The latest start of mode m that ends by high; -1 if there is none."""
    t, ends = high - p.dur[m], p.ends[m]
    while t >= p.first[m]:
        if ends[t] > high:
            t -= 1
            continue
        full = _fits_until(p, free, m, t, ends[t])
        if full < 0:
            return t
        t = min(t - 1, full - p.dur[m])
    return -1


@compiled
def _take(p, free, m, t, end, sign):
    for i in range(p.need_ptr[m], p.need_ptr[m + 1]):
        row, n = free[p.need_row[i]], sign * p.need_n[i]
        for u in range(t, end):
            row[u] -= n


@compiled
def _use(p, left, m, sign):
    for i in range(p.use_ptr[m], p.use_ptr[m + 1]):
        left[p.use_budget[i]] -= sign * p.use_n[i]


@compiled
def _excess(p, left):
    """What is too much of budgets, each as a share of its limit."""
    out = 0.0
    for b in range(len(left)):
        if left[b] < 0:
            out -= left[b] / max(1.0, float(p.budget[b]))
    return out


@compiled
def _excess_with(p, left, m, n):
    """What is too much of budgets once mode n is in the place of mode m."""
    _use(p, left, m, -1)
    _use(p, left, n, 1)
    out = _excess(p, left)
    _use(p, left, n, -1)
    _use(p, left, m, 1)
    return out


@compiled
def _mend(p, mode, left, rng, tries):
    """Change modes until budgets hold, if they can."""
    now, J = _excess(p, left), len(mode)
    for _ in range(tries):
        if now <= 0.0:
            break
        best, best_j, best_m = 1e300, -1, -1
        for _ in range(max(4, J // 4)):
            j = int(random(rng) * J)
            for m in range(p.job_ptr[j], p.job_ptr[j + 1]):
                if m != mode[j]:
                    after = _excess_with(p, left, mode[j], m) + 1e-9 * random(rng)
                    if after < best:
                        best, best_j, best_m = after, j, m
        if best_j < 0:
            break
        if best < now or random(rng) < 0.1:
            _use(p, left, mode[best_j], -1)
            _use(p, left, best_m, 1)
            mode[best_j] = best_m
            now = _excess(p, left)


@compiled
def _forward(p, order, mode, start, end, free, left, change, rng):
    """Place jobs one by one at the earliest start; return the last end, T + 1 if one has no room.

    change
        How often a job may take the mode that ends first, where budgets let it.
    """
    T, last = p.cap.shape[1], 0
    free[:] = p.cap
    for j in order:
        low = 0
        for i in range(p.pred_ptr[j], p.pred_ptr[j + 1]):
            low = max(low, end[p.pred[i]])
        m = mode[j]
        t = _earliest(p, free, m, low)
        if p.job_ptr[j + 1] - p.job_ptr[j] > 1 and (t == T or random(rng) < change):
            until, now = T + 1 if t == T else p.ends[m, t], _excess(p, left)
            for other in range(p.job_ptr[j], p.job_ptr[j + 1]):
                if other == m or _excess_with(p, left, mode[j], other) > now:
                    continue
                s = _earliest(p, free, other, low)
                if s < T and (p.ends[other, s] < until or
                              (p.ends[other, s] == until and random(rng) < 0.3)):  # fmt: skip
                    until, m, t = p.ends[other, s], other, s
            if m != mode[j]:
                _use(p, left, mode[j], -1)
                _use(p, left, m, 1)
                mode[j] = m
        if t == T:
            return T + 1
        start[j], end[j] = t, p.ends[m, t]
        _take(p, free, m, t, end[j], 1)
        last = max(last, end[j])
    return last


@compiled
def _backward(p, order, mode, start, end, free, last, change, left, rng):
    """Place jobs one by one at the latest start, to end by `last`; return whether all have room."""
    free[:] = p.cap
    for j in order:
        high = last
        for i in range(p.succ_ptr[j], p.succ_ptr[j + 1]):
            high = min(high, start[p.succ[i]])
        m = mode[j]
        t = _latest(p, free, m, high)
        if p.job_ptr[j + 1] - p.job_ptr[j] > 1 and (t < 0 or random(rng) < change):
            now = _excess(p, left)
            for other in range(p.job_ptr[j], p.job_ptr[j + 1]):
                if other == m or _excess_with(p, left, mode[j], other) > now:
                    continue
                s = _latest(p, free, other, high)
                if s > t:
                    m, t = other, s
            if m != mode[j]:
                _use(p, left, mode[j], -1)
                _use(p, left, m, 1)
                mode[j] = m
        if t < 0:
            return False
        start[j], end[j] = t, p.ends[m, t]
        _take(p, free, m, t, end[j], 1)
    return True


@compiled
def _packed(p, order, mode, start, end, free, left, change, rng, work):
    """Generate, then justify while it gets better; the order becomes that of the starts.

    work : (3, J) int64
        Room for a plan that is tried.
    Returns the last end.
    """
    last = _forward(p, order, mode, start, end, free, left, change, rng)
    T = p.cap.shape[1]
    if last > T:
        return last
    kept, s, e = work[0], work[1], work[2]
    while True:
        kept[:], s[:], e[:] = mode, start, end
        back = np.argsort(-e, kind="mergesort")
        # a job ends after all that wait for it have started: rising ends keep precedence
        if not _backward(p, back, mode, s, e, free, last, change, left, rng):
            break
        again = np.argsort(s, kind="mergesort")
        better = _forward(p, again, mode, s, e, free, left, change, rng)
        if better >= last:
            if better == last:
                start[:], end[:] = s, e
                kept[:] = mode
            break
        start[:], end[:], last = s, e, better
    for j in range(len(mode)):
        if mode[j] != kept[j] and last <= T:
            _use(p, left, mode[j], -1)
            _use(p, left, kept[j], 1)
            mode[j] = kept[j]
    order[:] = np.argsort(start, kind="mergesort")
    return last


@compiled
def _drawn(p, order, noise, rng, waits, keys):
    """Fill a list: of the jobs that wait for none, the one before the longest chain, with noise."""
    J = len(order)
    for j in range(J):
        waits[j] = p.pred_ptr[j + 1] - p.pred_ptr[j]
        keys[j] = (1.0 + p.tail[j]) * (1.0 + noise * (random(rng) - 0.5))
    for i in range(J):
        best = -1
        for j in range(J):
            if waits[j] == 0 and (best < 0 or keys[j] > keys[best]):
                best = j
        order[i] = best
        waits[best] = -1
        for k in range(p.succ_ptr[best], p.succ_ptr[best + 1]):
            waits[p.succ[k]] -= 1


@compiled
def _decode(p, crowd, i, rng, room, change):
    """Pack the list of individual i, budgets first; set what it is worth, the less the better.

    A last end counts first; plans with an equal one by how early their jobs end.
    """
    order, mode, start, end = crowd.order[i], crowd.mode[i], crowd.start[i], crowd.end[i]
    left, J, T = room.left, len(mode), p.cap.shape[1]
    left[:] = p.budget
    for j in range(J):
        _use(p, left, mode[j], 1)
    _mend(p, mode, left, rng, 20 + J)
    last = _packed(p, order, mode, start, end, room.free, left, change, rng, room.work)
    over = _excess(p, left)
    worth, mark = float(last), 0
    if over > 0.0 or last > T:
        worth += 2.0 * (T + 1) * (1.0 + over)
    for j in range(J):
        worth += 0.5 * end[j] / ((T + 1.0) * J)
        mark = mark * 1000003 + start[j] * 31 + mode[j]
    crowd.worth[i], crowd.mark[i] = worth, mark


@compiled
def _fresh(p, crowd, i, rng, room):
    """Draw a list and modes for individual i, and pack them."""
    _drawn(p, crowd.order[i], 0.1 + 1.4 * random(rng), rng, room.work[0], room.keys)
    for j in range(len(room.keys)):
        n = p.job_ptr[j + 1] - p.job_ptr[j]
        crowd.mode[i, j] = p.job_ptr[j] + int(random(rng) * n)
    _decode(p, crowd, i, rng, room, 0.5)
    crowd.age[i] = 0


@compiled
def _cross(crowd, a, b, c, rng, seen):
    """Make c of a's list with a stretch in the order of b's, jobs there with b's modes."""
    J = crowd.order.shape[1]
    long = 1 + int(random(rng) * (J - 1)) if J > 1 else 1
    first = int(random(rng) * max(1, J - long + 1))
    seen[:] = 0
    n = 0
    for parent, most in ((a, first), (b, first + long), (a, J)):
        for i in range(J):
            j = crowd.order[parent, i]
            if n < most and seen[j] == 0:
                seen[j] = 1
                crowd.order[c, n], crowd.mode[c, j] = j, crowd.mode[parent, j]
                n += 1


@compiled
def _shake(p, crowd, a, c, rng, keys):
    """Make c of a's plan: in a stretch of time, starts are moved at random, and some modes."""
    start, order = crowd.start[a], crowd.order[a]
    last = float(np.max(crowd.end[a]))
    long = last * (0.05 + 0.45 * random(rng))
    low = random(rng) * (last - long)
    far = long * random(rng)
    flips = 0.3 * random(rng) ** 2
    crowd.mode[c] = crowd.mode[a]
    for j in order:  # those that it waits for come first
        key = start[j] + 1e-3 * random(rng)
        if low <= start[j] < low + long:
            key += far * (2.0 * random(rng) - 1.0)
            if random(rng) < flips:
                n = p.job_ptr[j + 1] - p.job_ptr[j]
                crowd.mode[c, j] = p.job_ptr[j] + int(random(rng) * n)
        for i in range(p.pred_ptr[j], p.pred_ptr[j + 1]):
            key = max(key, keys[p.pred[i]] + 1e-6)
        keys[j] = key
    crowd.order[c] = np.argsort(keys, kind="mergesort")


@compiled
def _keep(crowd, c, a):
    """Put individual c in the place of a."""
    crowd.order[a], crowd.mode[a] = crowd.order[c], crowd.mode[c]
    crowd.start[a], crowd.end[a] = crowd.start[c], crowd.end[c]
    crowd.worth[a], crowd.mark[a], crowd.age[a] = crowd.worth[c], crowd.mark[c], 0


@compiled
def _is_new(crowd, c):
    """Whether no other individual has the plan of c."""
    for i in range(len(crowd.worth) - 1):
        if crowd.mark[i] == crowd.mark[c] and crowd.age[i] >= 0:
            return False
    return True


@compiled
def breed(p, crowd, room, rng, halt, children):
    """Make so many children; return the number of the best individual.

    A child takes the place of the parent whose list it has for the most part, if it is no worse.
    An individual that had no such child for long, and is not the best, is drawn anew.
    """
    n = len(crowd.worth) - 1
    best = int(np.argmin(crowd.worth[:n]))
    for _ in range(children):
        if halt[0]:
            break
        a = int(random(rng) * n)
        if crowd.age[a] < 0 or (crowd.age[a] > OLD and a != best):
            _fresh(p, crowd, a, rng, room)
        else:
            b = int(random(rng) * n)
            if random(rng) < CROSSED and crowd.age[b] >= 0:
                _cross(crowd, a, b, n, rng, room.work[0])
            else:
                _shake(p, crowd, a, n, rng, room.keys)
            _decode(p, crowd, n, rng, room, 0.3 * random(rng))
            crowd.age[a] += 1
            if crowd.worth[n] <= crowd.worth[a] and _is_new(crowd, n):
                better = crowd.worth[n] < crowd.worth[a]
                age = crowd.age[a]
                _keep(crowd, n, a)
                crowd.age[a] = 0 if better else age
        if crowd.worth[a] < crowd.worth[best]:
            best = a
    return best
