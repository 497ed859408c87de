"""Plain HiGHS on the time-indexed model, its rows made at once from arrays; and its relaxation.

Sets        columns c = (mode, start) of a job, parts of modes, supplies k of a site s, periods t
Variables   x[c] in {0,1} the column is taken; g[k,t] dispatch [MW], 0 <= g <= cap
Objective   min  sum cost g - sum (value - one-off - lateness) x                             [USD]
Rules       one_placement, pool_capacity, quota, budget, precedence as in the oracle of exact
            placement; slices: for every size q in a pool sum slices floor(slice / q) x[c] <=
            domains floor(size / q) in every period; power: sum of g at s >= load there in t.
Which domains a run has is left out: `Fleet` names them afterwards, and what finds no room is
dropped. The bound stands all the same, as every plan keeps these rows. HiGHS is the one inside
SciPy (`scipy.optimize.milp`): from arrays to model without an object for each coefficient.
Not for instances with batteries, permits or demand charges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array

from optimizer.errors import Unsupported
from optimizer.place.engines.rows import base_rows
from optimizer.place.exact.columns import Columns, list_columns
from optimizer.place.exact.relaxed.model import is_complete
from optimizer.units import NANO

if TYPE_CHECKING:
    from benchmarks.rivals.fleet import Taken
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["Answer", "Model", "build", "solve"]


@dataclass
class Model:
    """The rows and columns of the model, as coordinates.

    Attributes
    ----------
    column, when : (N,)
        Every column once for each of its periods.
    cost : (C + K T,)
        Of x, then of g, supply by supply [USD].
    row, at, value
        Coefficients: row, variable and value, array by array.
    low, high
        Sides of the rows, array by array.
    """

    a: PlaceArrays
    columns: Columns
    column: Ints
    when: Ints
    cost: Any
    row: list[Any] = field(default_factory=list)
    at: list[Any] = field(default_factory=list)
    value: list[Any] = field(default_factory=list)
    low: list[Any] = field(default_factory=list)
    high: list[Any] = field(default_factory=list)
    count: int = 0

    @property
    def T(self) -> int:
        """Periods."""
        return int(self.a.pue.shape[1])

    @property
    def job(self) -> Ints:
        """Job of each column, (C,)."""
        jobs = np.repeat(np.arange(len(self.a.late)), np.diff(self.a.job_ptr))
        found: Ints = jobs[self.columns.mode]
        return found

    def add(self, row: Any, at: Any, value: Any, low: Any, high: Any) -> None:
        """Add rows with their sides; the rows of the coefficients are counted from the first."""
        self.row.append(np.asarray(row) + self.count)
        self.at.append(np.asarray(at))
        self.value.append(np.broadcast_to(np.asarray(value, np.float64), np.shape(row)))
        self.low.append(np.asarray(low, np.float64))
        self.high.append(np.asarray(high, np.float64))
        self.count += len(self.high[-1])

    def parts(self) -> Any:
        """Yield for each rank of a part the columns by period that have one, and the part."""
        a, mode = self.a, self.columns.mode[self.column]
        for rank in range(int(np.diff(a.part_ptr).max(initial=0))):
            part = a.part_ptr[mode] + rank
            has = np.flatnonzero(part < a.part_ptr[mode + 1])
            yield has, part[has]


@dataclass(frozen=True, slots=True)
class Answer:
    """What HiGHS says.

    Attributes
    ----------
    bound
        Its bound on the objective of any plan [USD]; None where it has none.
    runs
        What it took; empty where it has no plan.
    is_optimal
        It holds the model, or its relaxation, to be solved.
    """

    bound: float | None
    runs: list[Taken]
    is_optimal: bool


def build(a: PlaceArrays) -> Model:
    """Return the model of an instance.

    Raises
    ------
    Unsupported
        If it has batteries, permits or demand charges.
    """
    if not is_complete(a):
        raise Unsupported("a plain model", "batteries, permits and demand charges are not in it")
    c = list_columns(a)
    length = c.end - c.start
    column = np.repeat(np.arange(len(c.mode)), length)
    when = np.arange(len(column)) - np.repeat(np.cumsum(length) - length, length) + c.start[column]
    worth = (a.gain[c.mode] - c.penalty) / NANO
    model = Model(a, c, column, when, np.concatenate((-worth, a.sup_cost.ravel() * 1e6 / NANO)))
    for add in (_one_placement, _chips, _power, _quota, _totals, _precedence):
        add(model)
    return model


def _one_placement(model: Model) -> None:
    job, has = model.job, np.zeros(len(model.a.late))
    has[job] = 1
    low = ((model.a.must == 1) | (model.a.running == 1)) * 1.0
    model.add(job, np.arange(len(job)), 1.0, low, np.ones(len(has)))


def _chips(model: Model) -> None:
    """Chips of each pool, and slices of each size that is worth a row."""
    a, T = model.a, model.T
    sizes: list[tuple[int, int]] = [
        (row.of, row.size) for row in base_rows(a) if row.kind == "slice"
    ]
    for has, part in model.parts():
        pool = a.part_pool[part]
        row, at = pool * T + model.when[has], model.column[has]
        takes = a.part_slice[part] * a.part_slices[part]
        right = (a.usable * a.pool_size[:, None]).ravel()
        model.add(row, at, takes, np.full(len(right), -np.inf), right)
        for p, q in sizes:
            here = np.flatnonzero((pool == p) & (a.part_slice[part] >= q))
            takes = a.part_slices[part[here]] * (a.part_slice[part[here]] // q)
            right = a.avail[p] * (a.pool_size[p] // q)
            model.add(model.when[has[here]], at[here], takes, np.full(T, -np.inf), right)


def _power(model: Model) -> None:
    """sum_k g[k,t] - load of runs >= fixed load   for all s, t [MW]."""
    a, T = model.a, model.T
    rows, ats, values = list[Any](), list[Any](), list[Any]()
    works = model.columns.trains[a.mask[model.columns.mode[model.column]], model.when] > 0
    for has, part in model.parts():
        on = works[has]
        s, t = a.pool_site[a.part_pool[part[on]]], model.when[has[on]]
        rows.append(s * T + t)
        ats.append(model.column[has[on]])
        values.append(-a.part_net_w[part[on]] * a.pue[s, t] / 1e9)
    site = np.repeat(np.arange(len(a.pue)), np.diff(a.sup_ptr))
    rows.append((site[:, None] * T + np.arange(T)).ravel())
    ats.append(len(model.columns.mode) + np.arange(a.sup_cap.size))
    values.append(np.ones(a.sup_cap.size))
    low = a.fixed_mw.ravel() / 1e9
    row, at, value = (np.concatenate(x) for x in (rows, ats, values))
    model.add(row, at, value, low, np.full(len(low), np.inf))


def _quota(model: Model) -> None:
    a, T = model.a, model.T
    tenant = a.tenant[model.job[model.column]]
    has = np.flatnonzero((tenant >= 0) & (a.quota[tenant] >= 0))
    right = np.repeat(np.where(a.quota >= 0, a.quota, np.inf), T)
    row, at = tenant[has] * T + model.when[has], model.column[has]
    model.add(row, at, a.chips[model.columns.mode[at]], np.full(len(right), -np.inf), right)


def _totals(model: Model) -> None:
    """Budgets, and rows that count jobs."""
    a, mode = model.a, model.columns.mode
    many = a.use_ptr[mode + 1] - a.use_ptr[mode]
    at = np.repeat(np.arange(len(mode)), many)
    use = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many) + a.use_ptr[mode[at]]
    low = np.full(len(a.budget), -np.inf)
    model.add(a.use_budget[use], at, a.use_amount[use], low, a.budget)


def _precedence(model: Model) -> None:
    """sum_{c of j, start <= t} x[c] <= sum_{c of p, end <= t} x[c]   for all p before j, and t."""
    a, c, first = model.a, model.columns, model.columns.ptr[model.a.job_ptr]
    for j, (low, high) in enumerate(pairwise(a.pred_ptr.tolist())):
        mine = np.arange(first[j], first[j + 1])
        for p in a.pred[low:high].tolist():
            theirs = np.arange(first[p], first[p + 1])
            for t in np.unique(c.start[mine]).tolist():
                on, done = mine[c.start[mine] <= t], theirs[c.end[theirs] <= t]
                value = np.concatenate((np.ones(len(on)), -np.ones(len(done))))
                at = np.concatenate((on, done))
                model.add(np.zeros(len(at), np.int64), at, value, [-np.inf], [0.0])


def solve(model: Model, seconds: float, *, is_relaxed: bool = False) -> Answer:
    """Return HiGHS's answer after so many seconds, which it may overrun.

    is_relaxed
        Leave out that x is whole.
    """
    C, total = len(model.columns.mode), len(model.cost)
    each = [np.concatenate(x) for x in (model.value, model.row, model.at)]
    matrix = csc_array((each[0], (each[1], each[2])), shape=(model.count, total))
    upper = np.concatenate((np.ones(C), model.a.sup_cap.ravel() / 1e6))
    whole = np.concatenate((np.full(C, 0 if is_relaxed else 1), np.zeros(total - C)))
    rows = LinearConstraint(matrix, np.concatenate(model.low), np.concatenate(model.high))
    options = {"time_limit": seconds, "mip_rel_gap": 1e-6}
    found = milp(
        model.cost, integrality=whole, bounds=Bounds(0, upper), constraints=rows, options=options
    )
    is_optimal = found.status == 0
    if is_relaxed:
        return Answer(-float(found.fun) if is_optimal else None, [], is_optimal)
    limit = found.get("mip_dual_bound")
    bound = None if limit is None or not np.isfinite(limit) else -float(limit)
    runs = [] if found.x is None else np.flatnonzero(found.x[:C] > 0.5).tolist()
    taken = [
        (int(model.job[c]), int(model.columns.mode[c]), int(model.columns.start[c])) for c in runs
    ]
    return Answer(bound, taken, is_optimal)
