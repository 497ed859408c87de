"""A plan in hand as CP-SAT's first solution: every variable gets its value.

Virtual domains are numbered as `break_virtual` wants them: by the first job that uses them, running
jobs first, so that the plan is the one of all equal plans that the model keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.arrays import groups_of
from optimizer.place.engines.power.whole import Served
from optimizer.place.exact.columns import net_of, parts_of
from optimizer.place.exact.domains import first_pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optimizer.domain.instance import Instance
    from optimizer.domain.sites import IdRange
    from optimizer.place.exact.intervals import Intervals
    from optimizer.place.plan import Placement, PlacePlan

__all__ = ["Lies", "add_hint", "hint_runs"]


@dataclass
class Lies:
    """Where the slices of a plan lie, by the keys of `Intervals.whole` and `Intervals.on`."""

    whole: dict[tuple[int, int], int] = field(default_factory=dict)
    on: dict[tuple[int, int, int], int] = field(default_factory=dict)
    open: set[tuple[int, int, int]] = field(default_factory=set)


def add_hint(model: Intervals, instance: Instance, plan: PlacePlan) -> None:
    """Give every variable its value in a plan of the same instance."""
    a = model.a
    index = {job.id: j for j, job in enumerate(instance.jobs)}
    runs = {int(a.job_ptr[index[p.job]]) + p.mode: p for p in plan.placements}
    taken = {
        c for m, p in runs.items() for c in model.columns.of(m) if model.columns.start[c] == p.start
    }
    rows = [g for site in instance.sites for g in plan.dispatch[site].values()]
    given, charge = np.array(rows, np.int64).reshape(a.sup_cap.shape), np.zeros_like(a.sup_cap)
    for b, watts in zip(model.charge, _charges(plan, instance), strict=True):
        charge[b] = watts
    hint_runs(model, taken, Served(given, charge), _lies(model, instance, runs))


def _hint_busy(model: Intervals, m: int, taken: list[int]) -> None:
    """Give the periods of a mode their value."""
    columns, seen = model.columns, set[int]()
    for t in model.periods:
        busy = model.busy.get((m, t))
        if busy is not None and busy.index not in seen:
            seen.add(busy.index)
            is_busy = any(columns.start[c] <= t < columns.end[c] for c in taken)
            model.cp.add_hint(busy, is_busy)


def _charges(plan: PlacePlan, instance: Instance) -> Iterator[tuple[int, ...]]:
    """Yield what each battery takes, in the order of supplies."""
    for site, place in instance.sites.items():
        for key, supply in place.supplies.items():
            if supply.storage is not None:
                yield plan.charge[site][key]


def hint_runs(model: Intervals, taken: set[int], served: Served, lies: Lies) -> None:
    """Give every variable its value: columns that are taken, dispatch and charge, domains."""
    hint = model.cp.add_hint
    for _, m in model.modes:
        columns = model.columns.of(m)
        hint(model.placed[m], any(c in taken for c in columns))
        for c in columns if len(columns) > 1 else ():
            hint(model.at[c], c in taken)
        if len(columns) > 1:
            _hint_busy(model, m, [c for c in columns if c in taken])
    for variable, values, columns in model.chosen:
        which = [v for v, c in zip(values, columns, strict=True) if c in taken]
        hint(variable, (which or values)[0])
    _hint_dispatch(model, taken, served)
    _hint_domains(model, lies)


def _hint_dispatch(model: Intervals, taken: set[int], served: Served) -> None:
    a, columns, given, charge = model.a, model.columns, served.given, served.charge
    for row, variables in zip(given.tolist(), model.give, strict=True):
        for watts, variable in zip(row, variables, strict=True):
            model.cp.add_hint(variable, watts)
    for b, row in model.charge.items():
        now = int(a.held[b])
        for t, (c, g) in enumerate(zip(charge[b].tolist(), given[b].tolist(), strict=True)):
            now += int(a.added[b]) * c - int(a.taken[b]) * g
            model.cp.add_hint(row[t], c)
            model.cp.add_hint(model.held_energy[b][t], now)
    for k, peak in model.peak.items():
        model.cp.add_hint(peak, int(given[k].max()))
    for s in range(len(a.pue)):
        load = a.fixed_mw[s].copy()
        for c in taken:
            m, span = int(columns.mode[c]), slice(columns.start[c], columns.end[c])
            load[span] += net_of(a, m, s) * a.pue[s, span] * columns.trains[a.mask[m], span]
        total = (given - charge)[a.sup_ptr[s] : a.sup_ptr[s + 1]].sum(0)
        for t, variable in enumerate(model.rest[s]):
            model.cp.add_hint(variable, 1000 * int(total[t]) - int(load[t]))


def _hint_domains(model: Intervals, lies: Lies) -> None:
    is_single = {part for part, _ in model.whole if _groups(model, part) == 1}
    for (part, h), variable in model.whole.items():
        if part not in is_single and not isinstance(variable, int):
            model.cp.add_hint(variable, lies.whole.get((part, h), 0))
    for key, variable in model.on.items():
        if not isinstance(variable, int):
            model.cp.add_hint(variable, lies.on.get(key, 0))
    for key, literal in model.used.items():
        model.cp.add_hint(literal, lies.on.get(key, 0) > 0)
    for key, literal in model.open.items():
        model.cp.add_hint(literal, key in lies.open)


def _groups(model: Intervals, part: int) -> int:
    """Return how many groups the pool of a part has; with one, `whole` is need x placed."""
    pool = int(model.a.part_pool[part])
    return int(model.a.group_ptr[pool + 1] - model.a.group_ptr[pool])


def _lies(model: Intervals, instance: Instance, runs: dict[int, Placement]) -> Lies:
    """Return where the slices of a plan lie, virtual domains numbered by their first job."""
    a, lies = model.a, Lies()
    names, numbers = list(instance.pools), dict[int, dict[int, int]]()
    groups = [groups_of(instance, name) for name in names]
    of = [{int(i): k for k, g in enumerate(each) for i in g.ids} for each in groups]
    owner = {m: j for j, m in model.modes}
    _number_pinned(model, instance, of, numbers)
    order = {j: n for n, j in enumerate(first_pinned(a))}
    for m in sorted(runs, key=lambda m: order[owner[m]]):
        p, mode = runs[m], instance.modes(owner[m])[runs[m].mode]
        for rank, part, pool in parts_of(a, m):
            pinned = mode.parts[rank].pinned
            for i in _each(p.domains[rank] if pinned is None else pinned):
                h = int(a.group_ptr[pool]) + of[pool][i]
                if a.part_whole[part]:
                    lies.whole[part, h] = lies.whole.get((part, h), 0) + 1
                    continue
                v = numbers.setdefault(h, {}).setdefault(i, len(numbers.get(h, {})))
                lies.on[part, h, v] = lies.on.get((part, h, v), 0) + 1
                lies.open |= {(h, v, t) for t in range(p.start, p.end)}
    return lies


def _number_pinned(
    model: Intervals,
    instance: Instance,
    of: list[dict[int, int]],
    numbers: dict[int, dict[int, int]],
) -> None:
    """Number the domains of running jobs as `pin_running` does, wherever these jobs are now."""
    a, pinned = model.a, {part for part, _, _ in model.held.on}
    for j in first_pinned(a):
        m = int(a.job_ptr[j])
        for rank, part, pool in parts_of(a, m) if m < int(a.job_ptr[j + 1]) else ():
            ranges = instance.modes(j)[0].parts[rank].pinned
            for i in _each(ranges or ()) if part in pinned else ():
                h = int(a.group_ptr[pool]) + of[pool][i]
                numbers.setdefault(h, {}).setdefault(i, len(numbers.get(h, {})))


def _each(ranges: Iterable[IdRange]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)
