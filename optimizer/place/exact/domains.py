"""Domains inside the CP-SAT model: rule `domain_fit`, and what only makes the search faster.

The mathematics is in `intervals.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.columns import net_of, parts_of
from optimizer.place.exact.objective import weighted

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.exact.intervals import Intervals

__all__ = [
    "add_domain_fit", "break_virtual", "cumulative", "cut_chips", "cut_power", "first_pinned",
]  # fmt: skip


def cumulative(cp: Any, runs: list[Any], demands: list[Any], capacity: Ints) -> None:
    """Add runs that never take more than a capacity that changes over time.

    What is missing from the most is taken by fixed intervals.
    """
    most, t = int(capacity.max(initial=0)), 0
    runs, demands = list(runs), list(demands)
    while t < len(capacity):
        end = t
        while end < len(capacity) and capacity[end] == capacity[t]:
            end += 1
        if capacity[t] < most:
            runs.append(cp.new_fixed_size_interval_var(t, end - t, f"missing_{t}"))
            demands.append(most - int(capacity[t]))
        t = end
    if runs:
        cp.add_cumulative(runs, demands, most)


# ---- the rule -----------------------------------------------------------------------------------


def add_domain_fit(model: Intervals) -> None:
    """Whole domains by group, small slices by virtual domain; no group or domain over-filled."""
    for pool in np.flatnonzero(model.held.has_domains).tolist():
        parts = parts_in(model, pool)
        _share_out(model, pool, parts)
        for group in groups_in(model, pool):
            _open(model, group, parts)
            _fit_group(model, group, parts)


def parts_in(model: Intervals, pool: int) -> list[tuple[int, int, int]]:
    """Job, mode and index of the parts in a pool."""
    modes = model.modes
    return [(j, m, part) for j, m in modes for _, part, p in parts_of(model.a, m) if p == pool]


def groups_in(model: Intervals, pool: int) -> range:
    """Return the groups of a pool."""
    return range(int(model.a.group_ptr[pool]), int(model.a.group_ptr[pool + 1]))


def _share_out(model: Intervals, pool: int, parts: list[tuple[int, int, int]]) -> None:
    """sum_h whole[i,h] = domains of i placed[m];   sum_v on[i,v] = slices placed[m]."""
    a, cp, groups = model.a, model.cp, groups_in(model, pool)
    numbers = {h: range(_virtual_domains(model, h, parts)) for h in groups}
    for j, m, part in parts:
        need, placed = int(a.part_need[part]), model.placed[m]
        if a.running[j] or a.home[m]:
            model.whole |= {k: n for k, n in model.held.whole.items() if k[0] == part}
            model.on |= {k: n for k, n in model.held.on.items() if k[0] == part}
        elif a.part_whole[part] and len(groups) == 1:
            model.whole[part, groups[0]] = need * placed
        elif a.part_whole[part]:
            for h in groups:
                most = min(need, int(a.group_n[h].max()))
                model.whole[part, h] = cp.new_int_var(0, most, f"whole_{part}_{h}")
            mine = [model.whole[part, h] for h in groups]
            cp.add(cp_model.LinearExpr.sum(mine) == need * placed)
        else:
            slices = int(a.part_slices[part])
            most = min(slices, int(a.pool_size[pool] // a.part_slice[part]))
            mine = []
            for h in groups:
                for v in numbers[h]:
                    model.on[part, h, v] = cp.new_int_var(0, most, f"on_{part}_{h}_{v}")
                    mine.append(model.on[part, h, v])
            cp.add(cp_model.LinearExpr.sum(mine) == slices * placed)


def _virtual_domains(model: Intervals, group: int, parts: list[tuple[int, int, int]]) -> int:
    """Return how many virtual domains a group can ever need: no more than there are slices."""
    a, slices = model.a, dict[tuple[int, int], int]()
    for j, m, part in parts:
        if not a.part_whole[part]:
            slices[j, m] = slices.get((j, m), 0) + int(a.part_slices[part])
    most = {j: max(n for (i, _), n in slices.items() if i == j) for j, _ in slices}
    free = min(int(model.a.group_n[group].max()), sum(most.values()))
    if model.held.fresh is not None:
        free = min(free, model.held.fresh)
    return model.held.first_free(group) + max(0, free)


def _open(model: Intervals, group: int, parts: list[tuple[int, int, int]]) -> None:
    """cumulative(run, slice on) <= size;   on[i,v] > 0 and run covers t  =>  open[v,t]."""
    a, cp = model.a, model.cp
    small = [(m, part) for _, m, part in parts if not a.part_whole[part]]
    numbers = sorted({v for part, h, v in model.on if h == group})
    for v in numbers:
        mine = [(m, part) for m, part in small if (part, group, v) in model.on]
        size = int(a.pool_size[a.part_pool[mine[0][1]]])
        theirs = model.held.taken.get((group, v), np.zeros(len(model.periods), np.int64))
        chips = [int(a.part_slice[part]) * model.on[part, group, v] for _, part in mine]
        cumulative(cp, [model.run[m] for m, _ in mine], chips, size - theirs)
        spanned = {t for m, _ in mine for t in _spanned(model, m)}
        for t in sorted(t for t in spanned if theirs[t] == 0):
            model.open[group, v, t] = cp.new_bool_var(f"open_{group}_{v}_{t}")
        for m, part in mine:
            is_used = used(model, part, group, v)
            for t in (t for t in _spanned(model, m) if theirs[t] == 0):
                cp.add(model.busy[m, t] + is_used <= 1 + model.open[group, v, t])


def _spanned(model: Intervals, m: int) -> range:
    """Return the periods in which a mode can hold its chips."""
    mine = model.columns.of(m)
    return range(int(model.columns.start[mine[0]]), int(model.columns.end[mine[-1]]))


def used(model: Intervals, part: int, group: int, v: int) -> Any:
    """Return a literal (or number) that is 1 if a part has slices on a virtual domain."""
    key, on = (part, group, v), model.on[part, group, v]
    if isinstance(on, int):
        return int(on > 0)
    if key not in model.used:
        model.used[key] = model.cp.new_bool_var(f"used_{part}_{group}_{v}")
        model.cp.add(on == 0).only_enforce_if(~model.used[key])
        model.cp.add(on >= 1).only_enforce_if(model.used[key])
    return model.used[key]


def _fit_group(model: Intervals, group: int, parts: list[tuple[int, int, int]]) -> None:
    """cumulative(run, whole[i,h]; t, open[v,t]) <= domains[h,t]."""
    runs, taken = [], []
    for _, m, part in parts:
        if (part, group) in model.whole:
            runs.append(model.run[m])
            taken.append(model.whole[part, group])
    for (h, _, t), is_open in model.open.items():
        if h == group:
            size = model.cp.new_optional_fixed_size_interval_var(t, 1, is_open, "open")
            runs.append(size)
            taken.append(1)
    cumulative(model.cp, runs, taken, model.a.group_n[group])


# ---- for speed alone ----------------------------------------------------------------------------


def first_pinned(a: PlaceArrays) -> list[int]:
    """Return all jobs, those that run already first: their virtual domains have numbers."""
    homes = set(np.flatnonzero(a.home).tolist())
    runs = [bool(a.running[j]) or int(a.job_ptr[j]) in homes for j in range(len(a.late))]
    return sorted(range(len(runs)), key=lambda j: (not runs[j], j))


def break_virtual(model: Intervals) -> None:
    """A part may use virtual domain v only if v - 1 is used by its job or one before it.

    Virtual domains of a group are interchangeable: numbered by the first job that uses them, one of
    all equal plans is left. Running jobs come first, as they are numbered already.
    """
    a, by_domain = model.a, dict[tuple[int, int], list[tuple[int, Any]]]()
    order = {j: n for n, j in enumerate(first_pinned(a))}
    owner = {part: j for j, m in model.modes for _, part, _ in parts_of(a, m)}
    for part, h, v in model.on:
        by_domain.setdefault((h, v), []).append((order[owner[part]], used(model, part, h, v)))
    for (h, v), mine in by_domain.items():
        for n, literal in mine:
            if v <= model.held.first_free(h) or isinstance(literal, int):
                continue
            before = [x for i, x in by_domain[h, v - 1] if i <= n]
            if not any(isinstance(x, int) and x for x in before):
                free = [x for x in before if not isinstance(x, int)]
                model.cp.add_bool_or([*free, ~literal])


def cut_chips(model: Intervals) -> None:
    """sum slices floor(slice / q) covers <= domains floor(size / q)   for slice sizes q and all t.

    The slice rows of MODEL section 2: necessary in every period, and what the linear relaxation
    sees of domains.
    """
    a = model.a
    for pool in range(len(a.pool_size)):
        parts, size = parts_in(model, pool), int(a.pool_size[pool])
        begun = [n for (h, _), n in model.held.taken.items() if h in groups_in(model, pool)]
        sizes = {int(a.part_slice[part]) for _, _, part in parts if model.held.has_domains[pool]}
        for q in sorted({1} | sizes):
            takes = [(m, int(a.part_slices[p] * (a.part_slice[p] // q))) for _, m, p in parts]
            for t in model.periods:
                terms = model.busy_at(t, takes)
                if terms:
                    limit = int(a.avail[pool, t]) * (size // q)
                    limit += sum((size - int(n[t])) // q for n in begun if n[t])
                    model.cp.add(weighted(terms) <= limit)


def cut_power(model: Intervals) -> None:
    """cumulative(run[m], net of m) <= IT watts that the supplies allow; modes that never pause."""
    a = model.a
    for s in range(len(a.pue)):
        mine = [(m, net_of(a, m, s)) for _, m in model.modes if a.mask[m] == 0]
        mine = [(m, watts) for m, watts in mine if watts]
        runs, watts = [model.run[m] for m, _ in mine], [w for _, w in mine]
        cumulative(model.cp, runs, watts, np.maximum(a.room_w[s], 0))
