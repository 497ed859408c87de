"""The oracle: placement as a time-indexed mixed-integer program, for tiny instances and MPS files.

Sets        jobs j, columns c = (mode, start) of a job, parts i of the mode of a column,
            domains d of a pool, sites s, supplies k of a site, periods t;
            C(t) columns that hold their chips in t, W(t) those that train in t
Parameters  v[c] value less one-off, lateness and restart [USD], e[k,t] energy and carbon [USD/W],
            chips[i], slices[i], slice[i] of a part, net[i] its draw above idle [W],
            pue[s,t] [thousandths], fixed[s,t] load at the meter without any run [mW]
Variables   x[c] in {0,1} the column is taken; y[c,i,d] whole, slices of part i on domain d,
            only where d is usable throughout the run; g[k,t] whole, dispatch [W], 0 <= g <= cap
Objective   min  sum e g - sum v x
Rules       one_placement  sum_{c of j} x[c] <= 1          (= 1 for must and running jobs)
            pool_capacity  sum_{c in C(t)} chips x[c] <= chips present less spares
            domain_fit     sum_d y[c,i,d] = slices[i] x[c];  sum_{C(t)} slice[i] y[c,i,d] <= size
            power_cap      sum_k g[k,t] >= (pue sum_{c in W(t)} net x[c] + fixed) / 1000
            supply         sum_t g[k,t] <= permit[k]
            precedence     sum_{c of j, start <= t} x[c] <= sum_{c of p, end <= t} x[c]
            budget         sum uses x[c] <= limit
            quota          sum_{c in C(t) of a tenant} chips x[c] <= quota
            window, residency, compatibility: by the columns.

It shares columns with CP-SAT and nothing else: domains are told apart by their ids, and the engine
calculates in floating point. Reference: Dyer and Wolsey (1990), "Formulating the single machine
sequencing problem with release dates as a mixed integer program".
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pulp

from optimizer.errors import Unsupported
from optimizer.place.exact.columns import Columns, list_columns, parts_of
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["MOST_VARIABLES", "TimeIndexed", "build"]

MOST_VARIABLES = 100_000
"""PuLP's objects are harmless below about this many variables; this is an oracle, no engine."""


@dataclass
class TimeIndexed:
    """The model and its variables.

    Attributes
    ----------
    x
        One a column.
    y
        By column and rank of the part: a variable for each domain id that it can lie on.
    g : (K, T)
        Dispatch.
    """

    instance: Instance
    a: PlaceArrays
    columns: Columns
    problem: Any
    x: list[Any]
    y: dict[tuple[int, int], dict[int, Any]] = field(default_factory=dict)
    g: list[list[Any]] = field(default_factory=list)

    @property
    def jobs(self) -> list[range]:
        """Columns of each job."""
        ptr, modes = self.columns.ptr, self.a.job_ptr
        first = [int(ptr[m]) for m in modes]
        return [range(p, q) for p, q in itertools.pairwise(first)]


def build(instance: Instance, a: PlaceArrays) -> TimeIndexed:
    """Return the model of an instance.

    Raises
    ------
    Unsupported
        If it has more variables than an oracle should.
    """
    columns = list_columns(a)
    size = _variables(a, columns)
    if size > MOST_VARIABLES:
        hint = f"it takes up to {MOST_VARIABLES:,}; place larger instances with the search"
        raise Unsupported(f"a time-indexed model of {size:,} variables", hint)
    problem = pulp.LpProblem(_name("place", instance.name), pulp.LpMinimize)
    x = [
        _variable(_name("run", instance.jobs[j].id, j, columns.mode[c] - a.job_ptr[j], "at", t))
        for j, m in _modes(a)
        for c in columns.of(m)
        for t in [columns.start[c]]
    ]
    model = TimeIndexed(instance, a, columns, problem, x)
    model.g = _dispatch(model)
    problem += _objective(model)
    for add in RULES:
        add(model)
    return model


# ---- variables and objective --------------------------------------------------------------------


def _name(*parts: object) -> str:
    """Return a name that LP and MPS files can hold."""
    return re.sub(r"[^A-Za-z0-9_]", "_", "_".join(str(p) for p in parts))


def _variable(name: str, most: int = 1) -> Any:
    return pulp.LpVariable(name, 0, most, cat=pulp.LpInteger)


def _modes(a: PlaceArrays) -> list[tuple[int, int]]:
    """Job and mode, for all modes."""
    return [(j, m) for j in range(len(a.late)) for m in range(a.job_ptr[j], a.job_ptr[j + 1])]


def _variables(a: PlaceArrays, columns: Columns) -> int:
    """Return how many variables the model has at most."""
    most, total = a.group_n.max(1, initial=0), a.sup_cap.size + len(columns.mode)
    for m in range(len(a.dur)):
        for _, _, pool in parts_of(a, m):
            if a.pool_size[pool] > 1:
                here = most[a.group_ptr[pool] : a.group_ptr[pool + 1]].sum()
                total += len(columns.of(m)) * int(here)
    return total


def _dispatch(model: TimeIndexed) -> list[list[Any]]:
    names = [f"{s}_{k}" for s, site in model.instance.sites.items() for k in site.supplies]
    return [
        [_variable(_name("give", name, k, t), cap) for t, cap in enumerate(caps)]
        for k, (name, caps) in enumerate(zip(names, model.a.sup_cap.tolist(), strict=True))
    ]


def _objective(model: TimeIndexed) -> Any:
    """sum e[k,t] g[k,t] - sum v[c] x[c], in USD."""
    a, columns = model.a, model.columns
    worth = (a.gain[columns.mode] - columns.penalty).tolist()
    terms = [(x, -usd(v)) for x, v in zip(model.x, worth, strict=True)]
    for row, costs in zip(model.g, a.sup_cost.tolist(), strict=True):
        terms += [(g, usd(cost)) for g, cost in zip(row, costs, strict=True)]
    return _sum(terms)


# ---- rules --------------------------------------------------------------------------------------


def _sum(terms: list[tuple[Any, float]]) -> Any:
    """Return a sum of terms; PuLP itself would keep only the last of a variable's terms."""
    total: dict[Any, float] = {}
    for variable, coefficient in terms:
        total[variable] = total.get(variable, 0) + coefficient
    return pulp.LpAffineExpression(total)


def _need(model: TimeIndexed, name: str, row: Any) -> None:
    if not isinstance(row, bool):
        model.problem += row, name
    elif not row:  # nothing to choose, and yet it cannot be kept
        never = _variable(_name("never", name))
        model.problem += never >= 2, name


def add_one_placement(model: TimeIndexed) -> None:
    """sum_{c of j} x[c] <= 1   for all j;   = 1 for must and running jobs."""
    for j, columns in enumerate(model.jobs):
        row = _sum([(model.x[c], 1) for c in columns])
        name = _name("one_placement", model.instance.jobs[j].id, j)
        if model.a.must[j] or model.a.running[j]:
            _need(model, name, row == 1 if columns else False)
        elif columns:
            _need(model, name, row <= 1)


def add_pool_capacity(model: TimeIndexed) -> None:
    """sum_{c in C(t)} chips x[c] <= (count - spares) size   for all pools and t."""
    a, rows = model.a, defaultdict[tuple[int, int], list[tuple[Any, float]]](list)
    for c, m in enumerate(model.columns.mode.tolist()):
        for _, part, pool in parts_of(a, m):
            chips = int(a.part_slice[part] * a.part_slices[part])
            for t in range(model.columns.start[c], model.columns.end[c]):
                rows[pool, t].append((model.x[c], chips))
    names = list(model.instance.pools)
    for (pool, t), terms in sorted(rows.items()):
        limit = int(a.usable[pool, t] * a.pool_size[pool])
        _need(model, _name("pool_capacity", names[pool], pool, t), _sum(terms) <= limit)


def add_domain_fit(model: TimeIndexed) -> None:
    """sum_d y[c,i,d] = slices x[c];   sum_{c in C(t), i} slice y[c,i,d] <= size   for all d, t."""
    a, rows = model.a, defaultdict[tuple[int, int, int], list[tuple[Any, float]]](list)
    pools = [(name, _there(model.instance, name)) for name in model.instance.pools]
    for c, m in enumerate(model.columns.mode.tolist()):
        for rank, part, pool in parts_of(a, m):
            name, there = pools[pool]
            if model.instance.pools[name].domain is None:
                continue
            model.y[c, rank] = on = _slices(model, c, rank, part, there)
            terms = [(y, 1.0) for y in on.values()] + [(model.x[c], -float(a.part_slices[part]))]
            _need(model, _name("domain_fit", model.x[c].name, rank), _sum(terms) == 0)
            for d, y in on.items():
                for t in range(model.columns.start[c], model.columns.end[c]):
                    rows[pool, d, t].append((y, float(a.part_slice[part])))
    for (pool, d, t), terms in sorted(rows.items()):
        name = _name("domain_fit", pools[pool][0], pool, d, t)
        _need(model, name, _sum(terms) <= int(a.pool_size[pool]))


def _there(instance: Instance, name: str) -> Ints:
    """Return which domain ids of a pool are usable, (ids, T)."""
    pool, h = instance.pools[name], instance.horizon
    usable = pool.usable(h)
    there = np.arange(int(usable.max()))[:, None] < usable[None, :]
    for (low, high), begin, end in pool.out_of_use(h):
        there[low : high + 1, begin:end] = False
    return there.astype(np.int64)


def _slices(model: TimeIndexed, c: int, rank: int, part: int, there: Ints) -> dict[int, Any]:
    """Return y[c,i,d] by d, for the domains that are usable throughout; pinned for running jobs."""
    a, columns, job = model.a, model.columns, model.instance.jobs
    pool = int(a.part_pool[part])
    most = int(min(a.part_slices[part], a.pool_size[pool] // a.part_slice[part]))
    span = slice(columns.start[c], columns.end[c])
    j = int(np.searchsorted(a.job_ptr, columns.mode[c], "right")) - 1
    at = _name("on", model.x[c].name, rank)
    if job[j].running is None:
        ids = np.flatnonzero(there[:, span].all(1)).tolist()
        return {d: _variable(_name(at, d), most) for d in ids}
    pinned = model.instance.modes(j)[0].parts[rank].pinned or ()
    held = [d for first, last in pinned for d in range(first, last + 1)]
    return {
        d: pulp.LpVariable(_name(at, d), held.count(d), held.count(d), cat=pulp.LpInteger)
        for d in sorted(set(held))
    }


def add_power_cap(model: TimeIndexed) -> None:
    """sum_k g[k,t] >= (pue sum_{c in W(t)} net x[c] + fixed) / 1000   for all s, t."""
    a, columns = model.a, model.columns
    rows = defaultdict[tuple[int, int], list[tuple[Any, float]]](list)
    for c, m in enumerate(columns.mode.tolist()):
        for _, part, pool in parts_of(a, m):
            s = int(a.pool_site[pool])
            for t in range(columns.start[c], columns.end[c]):
                if columns.trains[a.mask[m], t]:
                    rows[s, t].append((model.x[c], -int(a.part_net_w[part] * a.pue[s, t]) / 1000))
    for s, site in enumerate(model.instance.sites):
        for t in range(a.pue.shape[1]):
            given = [(model.g[k][t], 1.0) for k in range(a.sup_ptr[s], a.sup_ptr[s + 1])]
            row = _sum(given + rows[s, t]) >= int(a.fixed_mw[s, t]) / 1000
            _need(model, _name("power_cap", site, s, t), row)


def add_supply(model: TimeIndexed) -> None:
    """sum_t g[k,t] <= permit[k]   for all k with a permit."""
    for k in np.flatnonzero(model.a.permit >= 0).tolist():
        row = _sum([(g, 1.0) for g in model.g[k]]) <= int(model.a.permit[k])
        _need(model, _name("supply", model.g[k][0].name), row)


def add_precedence(model: TimeIndexed) -> None:
    """sum_{c of j, start <= t} x[c] <= sum_{c of p, end <= t} x[c]   for all p before j, and t."""
    a, columns, jobs = model.a, model.columns, model.jobs
    for j, mine in enumerate(jobs):
        for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
            for t in sorted({int(columns.start[c]) for c in mine}):
                terms = [(model.x[c], 1.0) for c in mine if columns.start[c] <= t]
                terms += [(model.x[c], -1.0) for c in jobs[p] if columns.end[c] <= t]
                name = _name("precedence", model.instance.jobs[j].id, j, "after", p, t)
                _need(model, name, _sum(terms) <= 0)


def add_budget(model: TimeIndexed) -> None:
    """sum uses x[c] <= limit   for all budgets."""
    a, rows = model.a, defaultdict[int, list[tuple[Any, float]]](list)
    for c, m in enumerate(model.columns.mode.tolist()):
        for u in range(a.use_ptr[m], a.use_ptr[m + 1]):
            rows[int(a.use_budget[u])].append((model.x[c], int(a.use_amount[u])))
    names = list(model.instance.budgets)
    for b, terms in sorted(rows.items()):
        _need(model, _name("budget", names[b], b), _sum(terms) <= int(a.budget[b]))


def add_quota(model: TimeIndexed) -> None:
    """sum_{c in C(t) of a tenant} chips x[c] <= quota   for all tenants with one, and t."""
    a, rows = model.a, defaultdict[tuple[int, int], list[tuple[Any, float]]](list)
    for j, mine in enumerate(model.jobs):
        tenant = int(a.tenant[j])
        for c in mine if tenant >= 0 and a.quota[tenant] >= 0 else ():
            chips = int(a.chips[model.columns.mode[c]])
            for t in range(model.columns.start[c], model.columns.end[c]):
                rows[tenant, t].append((model.x[c], chips))
    names = list(model.instance.tenants)
    for (i, t), terms in sorted(rows.items()):
        _need(model, _name("quota", names[i], i, t), _sum(terms) <= int(a.quota[i]))


RULES = (
    add_one_placement,
    add_pool_capacity,
    add_domain_fit,
    add_power_cap,
    add_supply,
    add_precedence,
    add_budget,
    add_quota,
)
