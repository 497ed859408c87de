"""Names for domains: running jobs onto the domains they have, and ids for all others at the end.

Runs of whole domains, and stretches in which a virtual domain is not empty, are intervals; within a
group of interchangeable domains one sweep by start gives each the lowest ids that are free. That
there are enough is what the search keeps true (`state.py`).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.arrays import Group, Ints, PlaceArrays, groups_of
from optimizer.place.engines.handles import Problem, State, problem_handle, state_handle
from optimizer.place.engines.state import place, restore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance
    from optimizer.domain.sites import IdRange

__all__ = ["name_domains", "pin_running", "slots_by_id"]


Small = dict[int, list[tuple[int, int, int, int]]]
"""By virtual domain the small slices on it: (start, end, job, part) each."""


@dataclass(frozen=True, slots=True)
class _Interval:
    """Domains wanted from start to end, in one group; `pinned` ids, or as many as `count`."""

    start: int
    end: int
    count: int
    pinned: Ints | None
    key: tuple[int, int, int]
    """(job, part, group) of whole domains; (-1, virtual domain, stretch) of small slices."""


def _all(ranges: Iterable[IdRange]) -> Ints:
    each = [np.arange(first, last + 1) for first, last in ranges]
    return np.concatenate(each) if each else np.zeros(0, np.int64)


def pin_running(instance: Instance, p: Problem, state: State) -> dict[int, int]:
    """Place running jobs on their domains; return the id of each virtual domain that is pinned.

    Where those lie that may be moved is kept in the problem, so that they can come back: a run
    that is pinned begins with the horizon, so the sweep that gives ids serves it first, and the
    counts of `domains.py` are exact for it as for all others.
    """
    a, pins = p.a, dict[int, int]()
    pool_index = {name: i for i, name in enumerate(instance.pools)}
    groups = {name: groups_of(instance, name) for name in instance.pools}
    virtual: dict[tuple[int, int], int] = {}
    handles = problem_handle(p), state_handle(state)
    next_free = [int(x) for x in p.virt_ptr[:-1]]
    homes: list[tuple[int, int, int, int]] = []
    for j in np.flatnonzero(_pinned(a)):
        m = int(a.job_ptr[j])
        mode = instance.modes(int(j))[0]
        alloc = np.zeros_like(state.alloc[j])
        slots = np.full(int(p.slot_ptr[j + 1] - p.slot_ptr[j]), -1, np.int32)
        slot = 0
        for rank, part in enumerate(mode.parts):
            first = int(a.group_ptr[pool_index[part.pool]])
            ids = _all(part.pinned or ())
            if a.part_whole[a.part_ptr[m] + rank]:
                _pin_whole(groups[part.pool], ids, part.chips, alloc[rank])
                continue
            for i in ids.tolist():
                g = first + next(k for k, x in enumerate(groups[part.pool]) if i in x.ids)
                if (g, i) not in virtual:
                    virtual[g, i] = next_free[g]
                    pins[next_free[g]] = i
                    next_free[g] += 1
                slots[slot] = virtual[g, i]
                slot += 1
        homes += _settle(p, handles, int(j), alloc, slots)
    for home in homes:  # where they do not fit all together, the search finds places for the rest
        place(*handles, *home)
    return pins


def _settle(
    p: Problem, handles: tuple[Any, Any], j: int, alloc: Any, slots: Any
) -> list[tuple[int, int, int, int]]:
    """Place a job that has to stay; keep where another lies, and return its run there."""
    a, m = p.a, int(p.a.job_ptr[j])
    run = j, m, 0, int(a.when[a.mask[m], a.dur[m]])
    if a.running[j]:
        restore(*handles, *run, alloc, slots)
        return []
    p.home_alloc[j] = alloc
    p.home_slots[p.slot_ptr[j] : p.slot_ptr[j + 1]] = slots
    return [run]


def _pinned(a: PlaceArrays) -> NDArray[np.bool_]:
    """Return which jobs run already, and can stay at all, (J,)."""
    pinned: NDArray[np.bool_] = a.running == 1
    if not a.home.any():
        return pinned
    first = np.minimum(a.job_ptr[:-1], len(a.home) - 1)
    can_stay = (a.home[first] == 1) & (a.allowed[first, 0] == 1) & (np.diff(a.job_ptr) > 0)
    pinned |= can_stay
    return pinned


def _pin_whole(groups: list[Group], ids: Ints, chips: int, alloc: NDArray[np.int32]) -> None:
    if not len(ids):  # a pool that is only a chip count
        alloc[0] = chips
        return
    for k, group in enumerate(groups):
        alloc[k] = int(np.isin(ids, group.ids).sum())


def name_domains(
    instance: Instance, p: Problem, plan: State, pins: dict[int, int]
) -> dict[int, tuple[tuple[IdRange, ...], ...]]:
    """Return for every placed job the domain ids of each part, in runs of (first, last).

    plan
        The placement records (mode_of, start, end, alloc, slots) of a State.
    """
    a, names = p.a, list(instance.pools)
    placed = [int(j) for j in np.flatnonzero(plan.mode_of >= 0)]
    out: dict[int, list[tuple[IdRange, ...]]] = {j: [()] * _parts(p, plan, j) for j in placed}
    held = _by_pool(p, plan, placed)
    for i, name in enumerate(names):
        if instance.pools[name].domain is None:
            continue
        groups = groups_of(instance, name)
        ids: dict[tuple[int, int], list[int]] = {}
        for k, group in enumerate(groups):
            g = int(a.group_ptr[i]) + k
            small = _slices(p, plan, held[i], g)
            wanted = _whole(instance, p, plan, held[i], i, k, group) + _stretches(
                p, plan, small, pins
            )
            for interval, given in _colour(wanted, group):
                _book(interval, given, small, ids)
        for (j, rank), each in ids.items():
            out[j][rank] = _runs(sorted(each))
    return {j: tuple(parts) for j, parts in out.items()}


def slots_by_id(
    instance: Instance, p: Problem, plan: State, names: dict[int, tuple[tuple[IdRange, ...], ...]]
) -> tuple[NDArray[np.int32], dict[int, int]]:
    """Return the virtual domain of each small slice if there is one for each id, and the pins.

    Where jobs lie that may be moved is numbered in the problem in the same way.

    names
        As `name_domains` gives them for this plan.
    """
    a, slots, pins = p.a, plan.slots.copy(), dict[int, int]()
    virtual: dict[tuple[int, int], int] = {}  # (pool, id) -> virtual domain
    for i, name in enumerate(instance.pools):
        for k, group in enumerate(groups_of(instance, name)):
            first = int(p.virt_ptr[a.group_ptr[i] + k])
            virtual |= {(i, int(x)): first + n for n, x in enumerate(group.ids)}
    for j, parts in names.items():
        slot = int(p.slot_ptr[j])
        for rank, ids in enumerate(parts):
            part = a.part_ptr[plan.mode_of[j]] + rank
            if a.part_whole[part]:
                continue
            for x in _all(ids).tolist():
                slots[slot] = virtual[int(a.part_pool[part]), x]
                if a.running[j]:
                    pins[int(slots[slot])] = x
                slot += 1
    homes = _pinned(a) & (a.running == 0)
    for j in np.flatnonzero(homes).tolist():
        slot = int(p.slot_ptr[j])
        for rank, home in enumerate(instance.modes(j)[0].parts):
            part = a.part_ptr[a.job_ptr[j]] + rank
            for x in _all(home.pinned or ()).tolist() if not a.part_whole[part] else ():
                p.home_slots[slot] = virtual[int(a.part_pool[part]), x]
                pins[int(p.home_slots[slot])] = x
                slot += 1
    return slots, pins


def _by_pool(p: Problem, plan: State, placed: list[int]) -> list[list[int]]:
    """Return the placed jobs that have a part in each pool, in order."""
    held: list[list[int]] = [[] for _ in p.a.pool_size]
    for j in placed:
        m = plan.mode_of[j]
        for pool in set(p.a.part_pool[p.a.part_ptr[m] : p.a.part_ptr[m + 1]].tolist()):
            held[pool].append(j)
    return held


def _parts(p: Problem, plan: State, j: int) -> int:
    m = plan.mode_of[j]
    return int(p.a.part_ptr[m + 1] - p.a.part_ptr[m])


def _whole(
    instance: Instance, p: Problem, plan: State, placed: list[int], pool: int, k: int, group: Group
) -> list[_Interval]:
    """Intervals of whole domains in group k of a pool."""
    a, out = p.a, []
    for j in placed:
        m = plan.mode_of[j]
        for rank in range(_parts(p, plan, j)):
            part = a.part_ptr[m] + rank
            if a.part_pool[part] != pool or not a.part_whole[part]:
                continue
            pinned = None
            if a.running[j] or a.home[m]:
                every = _all(instance.modes(j)[0].parts[rank].pinned or ())
                pinned = every[np.isin(every, group.ids)]
            count = int(plan.alloc[j, rank, k])
            if count:
                start, end = int(plan.start[j]), int(plan.end[j])
                out.append(_Interval(start, end, count, pinned, (j, rank, k)))
    return out


def _slices(p: Problem, plan: State, placed: list[int], g: int) -> Small:
    """Return the small slices on each virtual domain of a group, in order of start."""
    a, out = p.a, Small()
    for j in placed:
        m, slot = plan.mode_of[j], int(p.slot_ptr[j])
        for rank in range(_parts(p, plan, j)):
            part = a.part_ptr[m] + rank
            if a.part_whole[part]:
                continue
            for v in plan.slots[slot : slot + int(a.part_slices[part])].tolist():
                if p.virt_ptr[g] <= v < p.virt_ptr[g + 1]:
                    out.setdefault(v, []).append((int(plan.start[j]), int(plan.end[j]), j, rank))
            slot += int(a.part_slices[part])
    return {v: sorted(slices) for v, slices in out.items()}


def _stretches(p: Problem, plan: State, small: Small, pins: dict[int, int]) -> list[_Interval]:
    """Stretches in which a virtual domain is not empty."""
    out = []
    for v, slices in small.items():
        begin, end = -1, -1
        for start, stop, _, _ in slices:
            if start >= end:
                if end >= 0:
                    out.append(_Interval(begin, end, 1, None, (-1, v, begin)))
                begin, end = start, stop
            end = max(end, stop)
        out.append(_Interval(begin, end, 1, None, (-1, v, begin)))
    a, held = p.a, {j for small_of in small.values() for _, _, j, _ in small_of}
    held = {j for j in held if a.running[j] or a.home[plan.mode_of[j]]}
    pinned = {v for v, slices in small.items() if any(j in held for _, _, j, _ in slices)}
    return [
        _Interval(x.start, x.end, 1, np.array([pins[x.key[1]]]), x.key)
        if x.start == 0 and x.key[1] in pinned
        else x
        for x in out
    ]


def _colour(wanted: list[_Interval], group: Group) -> Iterable[tuple[_Interval, Ints]]:
    """Give every interval ids that are free throughout: one sweep by start, pinned ones first."""
    is_free = np.ones(len(group.ids), bool)
    busy: list[tuple[int, int, Ints]] = []
    position = {int(x): i for i, x in enumerate(group.ids)}
    for n, x in enumerate(sorted(wanted, key=lambda x: (x.start, x.pinned is None))):
        while busy and busy[0][0] <= x.start:
            is_free[heapq.heappop(busy)[2]] = True
        if x.pinned is not None:
            chosen = np.array([position[int(i)] for i in x.pinned], np.int64)
        else:
            chosen = np.flatnonzero(is_free & (group.since <= x.start))[: x.count]
        if len(chosen) < x.count:
            raise AssertionError("the search used more domains than there are")
        is_free[chosen] = False
        heapq.heappush(busy, (x.end, n, chosen))
        yield x, group.ids[chosen]


def _book(
    interval: _Interval, given: Ints, small: Small, ids: dict[tuple[int, int], list[int]]
) -> None:
    """Note the ids given to an interval for the job, or for the jobs of its small slices."""
    j, second, begin = interval.key
    if j >= 0:
        ids.setdefault((j, second), []).extend(given.tolist())
        return
    for start, end, job, rank in small[second]:
        if begin <= start and end <= interval.end:
            ids.setdefault((job, rank), []).append(int(given[0]))


def _runs(ids: list[int]) -> tuple[IdRange, ...]:
    """Sorted ids as runs of (first, last); an id that stands twice begins a new run."""
    out: list[list[int]] = []
    for i in ids:
        if out and i == out[-1][1] + 1:
            out[-1][1] = i
        else:
            out.append([i, i])
    return tuple((first, last) for first, last in out)
