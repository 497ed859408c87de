"""Naive greedy: the job that is worth most for its chip-hours first, where and when it first fits.

Value density is value over the fewest chip-hours of any of its modes. For each job modes are tried
from the one that earns most after energy at the cheapest supply (or, the second time, from the one
of fewest chip-hours), each at its earliest start at which chips, domains and power are there; the
first that fits is kept. Jobs that must run come first, a predecessor right before what waits for
it. The better of the two plans counts, if there is time for both.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.rivals.fleet import Fleet

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["greedy"]


def greedy(instance: Instance, until: float) -> Fleet:
    """Return what greedy has placed; until is the moment (`time.monotonic`) at which it ends."""
    began = time.monotonic()
    first = _filled(instance, until, is_by_worth=True)
    if time.monotonic() + (time.monotonic() - began) > until:  # no time for both
        return first
    second = _filled(instance, until, is_by_worth=False)
    return max(first, second, key=lambda fleet: fleet.plan(0.0).objective.total)


def _filled(instance: Instance, until: float, is_by_worth: bool) -> Fleet:
    fleet = Fleet(instance)
    a = fleet.a
    hours = a.dur * a.chips
    key = -_worth(a) if is_by_worth else hours
    least = [int(hours[p:q].min(initial=2**60)) for p, q in pairwise(a.job_ptr.tolist())]
    order = np.lexsort((-a.value / np.maximum(least, 1), 1 - a.must))
    tried = set(fleet.runs)
    for j in order.tolist():
        if time.monotonic() > until:
            break
        _try(fleet, j, key, tried)
    return fleet


def _worth(a: PlaceArrays) -> Ints:
    """Return what each mode earns less energy at the cheapest supply, at mean prices [nano-USD]."""
    cost = [
        a.sup_cost[p:q].min(0).mean() if q > p else 0.0 for p, q in pairwise(a.sup_ptr.tolist())
    ]
    site = a.pool_site[a.part_pool]
    each = np.array(cost)[site] * a.pue.mean(1)[site] / 1000 * a.part_net_w
    mode = np.repeat(np.arange(len(a.dur)), np.diff(a.part_ptr))
    paid = np.bincount(mode, each, len(a.dur)) * a.dur
    worth: Ints = (a.gain - paid).astype(np.int64)
    return worth


def _try(fleet: Fleet, j: int, key: Ints, tried: set[int]) -> None:
    """Place a job, its predecessors before it, if it is worth it and fits."""
    if j in tried:
        return
    tried.add(j)
    a = fleet.a
    for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
        _try(fleet, p, key, tried)
    first, last = int(a.job_ptr[j]), int(a.job_ptr[j + 1])
    for m in (first + np.argsort(key[first:last], kind="stable")).tolist():
        for start in fleet.starts(j, m).tolist():
            if not a.must[j] and _earned(fleet, j, m, start) <= 0:
                continue
            if fleet.put(j, m, start):
                return


def _earned(fleet: Fleet, j: int, m: int, start: int) -> int:
    a, end = fleet.a, int(fleet.end_of(m, np.array([start]))[0])
    late = int(a.late[j]) * max(0, end - int(a.due[j]))
    return int(a.gain[m]) - late
