"""The CP-SAT model: optional intervals, cumulative resources, domains assigned inside.

Sets        jobs j, modes m of a job, columns c = (m, start) of a mode, parts i of a mode, groups h
            of interchangeable domains of a pool, virtual domains v of a group, sites s, supplies k
            of a site, periods t; C(t) columns that hold their chips in t, W(t) that train in t
Parameters  v[m] value less one-off, penalty[c] lateness and restart, e[k,t] energy and carbon
            [nano-USD], chips, slices, slice, net of a part, pue[s,t], fixed[s,t] [mW], domains[h,t]
Variables   placed[m], at[c] in {0,1}; start[m], end[m], run[m] the optional interval between them
            (of a mode that pauses, the end is that of its column); whole[i,h] domains of a part of
            whole domains; on[i,v] slices of a part of small slices; open[v,t] in {0,1}: a virtual
            domain is not empty; give[k,t] dispatch [W]; rest[s,t] in 0..999 what whole watts
            give too much [mW]
Objective   max  sum v placed - sum penalty at - sum e give, written with the cheapest supply k0 of
            each site and period and load = pue sum net at[c] + fixed [mW] as
                 sum v placed - sum penalty at - sum e[k0,t] (load + rest) / 1000
                 - sum_{k not k0} (e[k,t] - e[k0,t]) give[k,t]
            so that it is of booleans for the most part, and exact in pico-USD.
Rules       one_placement  sum_m placed[m] <= 1 (= 1 for must and running jobs);
                           sum_{c of m} at[c] = placed[m]
            pool_capacity  cumulative(run[m], chips) <= chips present less spares
            domain_fit     sum_h whole[i,h] = domains of i placed[m],
                           sum_v on[i,v] = slices placed[m]
                           cumulative(run[m], whole[i,h]; t, open[v,t]) <= domains[h,t]   for all h
                           cumulative(run[m], slice on[i,v]) <= size                      for all v
                           on[i,v] > 0 and run[m] covers t  =>  open[v,t]
            power_cap      1000 sum_k give[k,t] = pue sum_{W(t)} net at[c] + fixed + rest[s,t]
            supply         sum_t give[k,t] <= permit[k]
            precedence     sum_{c of j, start <= t} at[c] <= sum_{c of p, end <= t} at[c]
            budget         sum uses placed[m] <= limit
            quota          cumulative(run[m], chips) <= quota of the tenant
            window, residency, compatibility: by the columns.
Capacities that change over time are full in a fixed interval where they are less than the most.
Whole domains of one group are interval colouring: counting them is exact, and ids follow by one
sweep. Reference: Baptiste, Le Pape and Nuijten (2001), "Constraint-Based Scheduling".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.columns import Columns, Held, list_columns, net_of, parts_of
from optimizer.place.exact.domains import (
    add_domain_fit,
    break_virtual,
    cumulative,
    cut_chips,
    cut_power,
)

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["Intervals", "Scale", "build", "scale_of"]

LARGEST = 2**61
"""CP-SAT refuses objectives whose terms could add up to more than an int64 holds; this is half."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Unit of the engine's objective: `unit` pico-USD, 1 where the sum of all terms fits an int64.

    Above that (a few million USD) worth is rounded up and cost down, so that the bound stays one.
    Plans are whole nano-USD, so the bound is rounded down to them: while less than 1,000 pico-USD
    are lost in all, optimal still means optimal to the last nano-USD; it is never claimed else.

    Attributes
    ----------
    fixed
        Energy cost of the fixed load at the cheapest supply [pico-USD], not in the engine's terms.
    """

    unit: int
    fixed: int

    def worth(self, pico: int) -> int:
        """Return what is won, rounded up."""
        return -(-pico // self.unit)

    def cost(self, pico: int) -> int:
        """Return what is paid, rounded down."""
        return pico // self.unit

    def nano(self, bound: int) -> int:
        """Return a bound of the engine in whole nano-USD, as no plan lies between those."""
        return (bound * self.unit - self.fixed) // 1000


@dataclass
class Intervals:
    """The model and its variables.

    Attributes
    ----------
    held
        Where running jobs lie.
    placed, run
        By mode; those without a column are None.
    at
        By column.
    whole, on
        By (part, group), and (part, group, number of the virtual domain): how many.
    used
        As `on`: whether any.
    open
        By (group, virtual domain, period).
    give
        By supply and period.
    rest
        By site and period.
    objective, total
        What the engine maximises, in units of `scale`; the objective of the plan in nano-USD, None
        where an int64 might not hold it.
    """

    a: PlaceArrays
    columns: Columns
    cp: Any
    scale: Scale
    held: Held
    placed: list[Any] = field(default_factory=list)
    at: list[Any] = field(default_factory=list)
    run: list[Any] = field(default_factory=list)
    whole: dict[tuple[int, int], Any] = field(default_factory=dict)
    on: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    used: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    open: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    give: list[list[Any]] = field(default_factory=list)
    rest: list[list[Any]] = field(default_factory=list)
    objective: Any = 0
    total: Any = None

    @property
    def periods(self) -> range:
        """All periods."""
        return range(self.a.pue.shape[1])

    @property
    def modes(self) -> list[tuple[int, int]]:
        """Job and mode, for all modes that have a column."""
        a = self.a
        each = [(j, m) for j in range(len(a.late)) for m in range(a.job_ptr[j], a.job_ptr[j + 1])]
        return [(j, m) for j, m in each if self.columns.of(m)]

    def columns_of(self, j: int) -> range:
        """Return the columns of a job."""
        a, ptr = self.a, self.columns.ptr
        return range(int(ptr[a.job_ptr[j]]), int(ptr[a.job_ptr[j + 1]]))

    def covers(self, m: int, t: int) -> Any:
        """Return an expression that is 1 while a mode holds its chips in period t."""
        return cp_model.LinearExpr.sum([self.at[c] for c in self.columns.covering(m, t)])


def build(a: PlaceArrays, held: Held, extras: tuple[Any, ...] | None = None) -> Intervals:
    """Return the model of the arrays; running jobs lie where `held` says.

    extras
        What is added for speed alone; all of `EXTRAS` unless given.
    """
    columns, cp = list_columns(a), cp_model.CpModel()
    model = Intervals(a, columns, cp, scale_of(a, columns), held)
    for m in range(len(a.dur)):
        _add_runs(model, m)
    _add_dispatch(model)
    for add in (*RULES, *(EXTRAS if extras is None else extras)):
        add(model)
    model.objective, model.total = _objective(model), _total(model)
    return model


# ---- variables and objective --------------------------------------------------------------------


def scale_of(a: PlaceArrays, columns: Columns) -> Scale:
    """Return the unit in which the objective of the arrays fits CP-SAT."""
    cheapest = cheapest_of(a)
    largest = 1000 * _largest(a, columns) + sum(_energy(a, columns, cheapest))
    fixed = int((cheapest.astype(object) * a.fixed_mw).sum())
    unit = 1
    while largest // unit > LARGEST:
        unit *= 10
    return Scale(unit, fixed)


def _largest(a: PlaceArrays, columns: Columns) -> int:
    """Return what all terms of the objective could add up to [nano-USD]."""
    largest = sum(abs(int(x)) for x in a.gain) + sum(int(x) for x in columns.penalty)
    return largest + int((a.sup_cap.astype(object) * a.sup_cost).sum())


def _energy(a: PlaceArrays, columns: Columns, cheapest: Ints) -> list[int]:
    """Return what the energy of each column costs at the cheapest supply [pico-USD]."""
    out = []
    for c, m in enumerate(columns.mode.tolist()):
        span, paid = slice(columns.start[c], columns.end[c]), 0
        for _, part, pool in parts_of(a, m):
            s = int(a.pool_site[pool])
            price = columns.trains[a.mask[m], span] * a.pue[s, span] * cheapest[s, span]
            paid += int(a.part_net_w[part]) * int(price.sum())
        out.append(paid)
    return out


def cheapest_of(a: PlaceArrays) -> Ints:
    """Return the least cost of energy by site and period, (S, T); 0 where there is no supply."""
    out = np.zeros(a.pue.shape, np.int64)
    for s in range(len(out)):
        mine = a.sup_cost[a.sup_ptr[s] : a.sup_ptr[s + 1]]
        if len(mine):
            out[s] = mine.min(0)
    return out


def _add_runs(model: Intervals, m: int) -> None:
    """placed[m], at[c] and the optional interval of a mode; start and end are those of at[c]."""
    cp, columns = model.cp, model.columns
    mine = columns.of(m)
    if not mine:
        model.placed.append(None)
        model.run.append(None)
        return
    placed = cp.new_bool_var(f"placed_{m}")
    starts = [int(columns.start[c]) for c in mine]
    ends = [int(columns.end[c]) for c in mine]
    if len(mine) == 1:
        size = ends[0] - starts[0]
        run = cp.new_optional_fixed_size_interval_var(starts[0], size, placed, f"run_{m}")
        at = [placed]
    else:
        at = [cp.new_bool_var(f"at_{m}_{start}") for start in starts]
        start = _chosen(cp, f"start_{m}", starts, at, placed)
        dur = int(model.a.dur[m])
        if all(e - s == dur for s, e in zip(starts, ends, strict=True)):
            run = cp.new_optional_fixed_size_interval_var(start, dur, placed, f"run_{m}")
        else:  # it pauses: the end is a function of the start
            sizes = [e - s for s, e in zip(starts, ends, strict=True)]
            end = _chosen(cp, f"end_{m}", ends, at, placed)
            size = _chosen(cp, f"size_{m}", sizes, at, placed)
            run = cp.new_optional_interval_var(start, size, end, placed, f"run_{m}")
        cp.add_exactly_one([*at, ~placed])
    model.placed.append(placed)
    model.run.append(run)
    model.at.extend(at)


def _chosen(cp: Any, name: str, values: list[int], at: list[Any], placed: Any) -> Any:
    """Return a variable that has the value of the column that is taken; the first if none is."""
    variable = cp.new_int_var_from_domain(cp_model.Domain.from_values(values), name)
    for literal, value in zip(at, values, strict=True):
        cp.add(variable == value).only_enforce_if(literal)
    cp.add(variable == values[0]).only_enforce_if(~placed)
    return variable


def _add_dispatch(model: Intervals) -> None:
    """0 <= give[k,t] <= cap[k,t];   0 <= rest[s,t] <= 999."""
    model.give = [
        [model.cp.new_int_var(0, cap, f"give_{k}_{t}") for t, cap in enumerate(caps)]
        for k, caps in enumerate(model.a.sup_cap.tolist())
    ]
    model.rest = [
        [model.cp.new_int_var(0, 999, f"rest_{s}_{t}") for t in model.periods]
        for s in range(len(model.a.pue))
    ]


def _objective(model: Intervals) -> Any:
    """sum v placed - sum penalty at - sum e[k0] (load + rest) - sum (e - e[k0]) give, scaled."""
    a, scale, cheapest = model.a, model.scale, cheapest_of(model.a)
    energy = _energy(a, model.columns, cheapest)
    paid = [1000 * int(x) + e for x, e in zip(model.columns.penalty, energy, strict=True)]
    terms = [(model.placed[m], scale.worth(1000 * int(a.gain[m]))) for _, m in model.modes]
    terms += [(at, -scale.cost(x)) for at, x in zip(model.at, paid, strict=True)]
    for s, row in enumerate(model.rest):
        terms += [(r, -scale.cost(int(e))) for r, e in zip(row, cheapest[s], strict=True)]
        for k in range(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1])):
            more = (a.sup_cost[k] - cheapest[s]).tolist()
            given = zip(model.give[k], more, strict=True)
            terms += [(g, -scale.cost(1000 * e)) for g, e in given if e]
    return _sum(terms)


def _total(model: Intervals) -> Any:
    """sum v placed - sum penalty at - sum e give, in nano-USD."""
    a = model.a
    if _largest(a, model.columns) > LARGEST:
        return None
    terms = [(model.placed[m], int(a.gain[m])) for _, m in model.modes]
    terms += [(model.at[c], -int(x)) for c, x in enumerate(model.columns.penalty) if x]
    for row, costs in zip(model.give, a.sup_cost.tolist(), strict=True):
        terms += [(g, -cost) for g, cost in zip(row, costs, strict=True)]
    return _sum(terms)


def _sum(terms: list[tuple[Any, int]]) -> Any:
    return cp_model.LinearExpr.weighted_sum([v for v, _ in terms], [int(n) for _, n in terms])


# ---- rules --------------------------------------------------------------------------------------


def add_one_placement(model: Intervals) -> None:
    """sum_m placed[m] <= 1   for all j;   = 1 for must and running jobs."""
    a, modes = model.a, model.modes
    for j in range(len(a.late)):
        placed = [model.placed[m] for i, m in modes if i == j]
        if a.must[j] or a.running[j]:
            model.cp.add_exactly_one(placed)
        elif placed:
            model.cp.add_at_most_one(placed)


def add_pool_capacity(model: Intervals) -> None:
    """cumulative(run[m], chips) <= chips; of pools with domains, domain_fit implies it."""
    a = model.a
    for pool in np.flatnonzero(~model.held.has_domains).tolist():
        runs, chips = [], []
        for _, m in model.modes:
            for _, part, of in parts_of(a, m):
                if of == pool:
                    runs.append(model.run[m])
                    chips.append(int(a.part_slice[part] * a.part_slices[part]))
        cumulative(model.cp, runs, chips, a.usable[pool] * a.pool_size[pool])


def add_power_cap(model: Intervals) -> None:
    """1000 sum_k give[k,t] = pue[s,t] sum_{W(t)} net at[c] + fixed[s,t] + rest[s,t]."""
    a = model.a
    for s in range(len(a.pue)):
        net = [(m, net_of(a, m, s)) for _, m in model.modes]
        net = [(m, watts) for m, watts in net if watts]
        for t in model.periods:
            terms = [(model.give[k][t], 1000) for k in range(a.sup_ptr[s], a.sup_ptr[s + 1])]
            terms.append((model.rest[s][t], -1))
            for m, watts in net:
                if model.columns.trains[a.mask[m], t]:
                    load = -watts * int(a.pue[s, t])
                    terms += [(model.at[c], load) for c in model.columns.covering(m, t)]
            model.cp.add(_sum(terms) == int(a.fixed_mw[s, t]))


def add_supply(model: Intervals) -> None:
    """sum_t give[k,t] <= permit[k]   for all k with a permit."""
    for k in np.flatnonzero(model.a.permit >= 0).tolist():
        model.cp.add(cp_model.LinearExpr.sum(model.give[k]) <= int(model.a.permit[k]))


def add_precedence(model: Intervals) -> None:
    """sum_{c of j, start <= t} at[c] <= sum_{c of p, end <= t} at[c]  for all p before j, t."""
    a, columns = model.a, model.columns
    for j in range(len(a.late)):
        mine = model.columns_of(j)
        for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
            before = model.columns_of(p)
            for t in sorted({int(columns.start[c]) for c in mine}):
                here = [(model.at[c], 1) for c in mine if columns.start[c] <= t]
                here += [(model.at[c], -1) for c in before if columns.end[c] <= t]
                model.cp.add(_sum(here) <= 0)


def add_budget(model: Intervals) -> None:
    """sum uses placed[m] <= limit   for all budgets."""
    a = model.a
    for b in range(len(a.budget)):
        terms = []
        for _, m in model.modes:
            for u in range(a.use_ptr[m], a.use_ptr[m + 1]):
                if a.use_budget[u] == b:
                    terms.append((model.placed[m], int(a.use_amount[u])))
        if terms:
            model.cp.add(_sum(terms) <= int(a.budget[b]))


def add_quota(model: Intervals) -> None:
    """cumulative(run[m], chips) <= quota   for all tenants with one."""
    a = model.a
    for tenant in np.flatnonzero(a.quota >= 0).tolist():
        mine = [m for j, m in model.modes if a.tenant[j] == tenant]
        capacity = np.full(len(model.periods), a.quota[tenant])
        cumulative(
            model.cp, [model.run[m] for m in mine], [int(a.chips[m]) for m in mine], capacity
        )


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
EXTRAS = (break_virtual, cut_chips, cut_power)
