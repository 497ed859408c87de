"""The last end by CP-SAT: intervals on the rows that lists are generated on.

Sets, parameters and rules: `rows.py`.
Variables   start[j], there[m] in {0, 1}, the optional interval of a mode from the start of its job
Objective   min last
Rules       sum_m there[m] = 1;  start[k] >= end[j] for k after j;  last >= end[j]
            cumulative(intervals, need) <= cap of every row;  sum use there <= budget
A start at which a gang would pause is not among the choice (`Listed.is_exact`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.domains import cumulative

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints
    from optimizer.place.exact.lists.rows import Rows
    from optimizer.solvers.cpsat import CpRun

__all__ = ["Model", "build_model"]


@dataclass
class Model:
    """The model and its variables: start and end by job, there and run by mode (None for none)."""

    rows: Rows
    cp: Any
    last: Any
    start: list[Any] = field(default_factory=list)
    end: list[Any] = field(default_factory=list)
    there: list[Any] = field(default_factory=list)
    run: list[Any] = field(default_factory=list)

    def hint(self, mode: Ints, start: Ints) -> None:
        """Start with a plan."""
        chosen = set(mode.tolist())
        for j, variable in enumerate(self.start):
            self.cp.add_hint(variable, int(start[j]))
        for m, literal in enumerate(self.there):
            if literal is not None:
                self.cp.add_hint(literal, m in chosen)

    def read(self, run: CpRun) -> tuple[Ints, Ints]:
        """Return mode and start of every job in a solution."""
        ptr = self.rows.job_ptr.tolist()
        mode = [
            next(m for m in range(p, q) if self.there[m] is not None and run.value(self.there[m]))
            for p, q in pairwise(ptr)
        ]
        return np.array(mode, np.int64), np.array([run.value(x) for x in self.start], np.int64)


def build_model(rows: Rows, end_by: int) -> Model:
    """Return the model in which everything ends by a boundary."""
    cp = cp_model.CpModel()
    model = Model(rows, cp, cp.new_int_var(0, end_by, "last"))
    for j in range(len(rows.tail)):
        _add_job(model, j, end_by)
    for j, end in enumerate(model.end):
        after = rows.succ[rows.succ_ptr[j] : rows.succ_ptr[j + 1]].tolist()
        for k in after:
            cp.add(model.start[k] >= end)
        if not after:
            cp.add(model.last >= end)
    for r in range(len(rows.cap)):
        _add_row(model, r, end_by)
    for b in range(len(rows.budget)):
        _add_budget(model, b)
    return model


def _add_job(model: Model, j: int, end_by: int) -> None:
    """sum_m there[m] = 1, and a start that the mode allows."""
    rows, cp = model.rows, model.cp
    own = range(int(rows.job_ptr[j]), int(rows.job_ptr[j + 1]))
    starts = {m: _starts(rows, m, end_by) for m in own}
    every = sorted(set().union(*(set(x) for x in starts.values())))
    start = cp.new_int_var_from_domain(cp_model.Domain.from_values(every), f"start_{j}")
    terms, chosen = [], []
    for m in own:
        if not starts[m]:
            model.there.append(None)
            model.run.append(None)
            continue
        there, size = cp.new_bool_var(f"there_{m}"), int(rows.dur[m])
        run = cp.new_optional_fixed_size_interval_var(start, size, there, f"run_{m}")
        if len(starts[m]) < len(every):
            allowed = cp_model.Domain.from_values(starts[m])
            cp.add_linear_expression_in_domain(start, allowed).only_enforce_if(there)
        model.there.append(there)
        model.run.append(run)
        terms.append(size * there)
        chosen.append(there)
    cp.add_exactly_one(chosen)
    model.start.append(start)
    sizes = {int(rows.dur[m]) for m in own if starts[m]}
    model.end.append(start + (sizes.pop() if len(sizes) == 1 else sum(terms)))


def _starts(rows: Rows, m: int, end_by: int) -> list[int]:
    """Return the starts of a mode that end by a boundary, without a pause."""
    ends = rows.ends[m]
    lasts = ends - np.arange(len(ends)) == rows.dur[m]
    return [int(t) for t in np.flatnonzero(lasts & (ends <= end_by))]


def _add_row(model: Model, r: int, end_by: int) -> None:
    """cumulative(run[m], need[m, r]) <= cap[r, t], where all at once could be too much."""
    rows = model.rows
    modes = np.repeat(np.arange(len(rows.dur)), np.diff(rows.need_ptr))
    of_row = rows.need_row == r
    pairs = zip(modes[of_row].tolist(), rows.need_n[of_row].tolist(), strict=True)
    needs = {m: n for m, n in pairs if model.run[m] is not None}
    ptr = rows.job_ptr.tolist()
    most = sum(max((needs.get(m, 0) for m in range(p, q)), default=0) for p, q in pairwise(ptr))
    cap = rows.cap[r, :end_by]
    if most > int(cap.min(initial=most)):
        cumulative(model.cp, [model.run[m] for m in needs], list(needs.values()), cap)


def _add_budget(model: Model, b: int) -> None:
    """sum use there <= budget."""
    rows = model.rows
    modes = np.repeat(np.arange(len(rows.dur)), np.diff(rows.use_ptr))
    of_budget = rows.use_budget == b
    pairs = zip(modes[of_budget].tolist(), rows.use_n[of_budget].tolist(), strict=True)
    terms = [n * model.there[m] for m, n in pairs if model.there[m] is not None]
    if terms:
        model.cp.add(sum(terms) <= int(rows.budget[b]))
