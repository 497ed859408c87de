"""The CP-SAT model: optional intervals, cumulative resources, domains assigned inside.

Sets        jobs j, modes m of a job, columns c = (m, start) of a mode, parts i of a mode, groups h
            of interchangeable domains of a pool, virtual domains v of a group, sites s, supplies k
            of a site, periods t; C(t) columns that hold their chips in t, W(t) that train in t
Parameters  v[m] value less one-off, penalty[c] lateness and restart, e[k,t] energy and carbon
            [nano-USD], chips, slices, slice, net of a part, pue[s,t], fixed[s,t] [mW], domains[h,t]
Variables   placed[m], at[c] in {0,1}; start[m], end[m], run[m] the optional interval between them
            (of a mode that pauses, the end is that of its column); whole[i,h] domains of a part of
            whole domains; on[i,v] slices of a part of small slices; open[v,t] in {0,1}: a virtual
            domain is not empty; give[k,t] dispatch [W]; charge[b,t] of
            batteries [W], held[b,t] what they hold after t [thousandths of a W-period]; peak[k] of
            billed supplies [W]; rest[s,t] in 0..999 what whole watts give too much [mW]
Objective   max  sum v placed - sum penalty at - sum e give - sum demand peak, written with the
            cheapest supply k0 of each site and period, and load = pue sum net at[c] + fixed [mW] as
                 sum v placed - sum penalty at - sum e[k0,t] (load + rest) / 1000
                 - sum_{k not k0} (e[k,t] - e[k0,t]) give[k,t] - sum_b e[k0,t] charge[b,t]
                 - sum demand peak   (k0 is never a battery)
            so that it is of booleans for the most part, and exact in pico-USD.
Rules       one_placement  sum_m placed[m] <= 1 (= 1 for must and running jobs);
                           sum_{c of m} at[c] = placed[m]
            pool_capacity  cumulative(run[m], chips) <= chips present less spares
            domain_fit     sum_h whole[i,h] = domains of i placed[m],
                           sum_v on[i,v] = slices placed[m]
                           cumulative(run[m], whole[i,h]; t, open[v,t]) <= domains[h,t]   for all h
                           cumulative(run[m], slice on[i,v]) <= size                      for all v
                           on[i,v] > 0 and run[m] covers t  =>  open[v,t]
            power_cap      1000 (sum_k give[k,t] - sum_b charge[b,t])
                           = pue sum_{W(t)} net busy[m,t] + fixed + rest[s,t]
            supply         sum_t give[k,t] <= permit[k];  give[k,t] <= peak[k]
            battery        held[b,t] = held[b,t-1] + added charge[b,t] - taken give[b,t],
                           0 <= held <= full, held[b,T-1] >= held0[b]
            precedence     sum_{c of j, start <= t} at[c] <= sum_{c of p, end <= t} at[c]
            budget         sum uses placed[m] <= limit
            quota          cumulative(run[m], chips) <= quota of the tenant
            spread         sum_{m of the group, part at s} placed[m] <= most of the group
            moves          sum placed[m] of running jobs, elsewhere than where they run, <= at_most
            window, residency, compatibility: by the columns.
The rules stand in `interval_rules.py` and `domains.py`.
Capacities that change over time are full in a fixed interval where they are less than the most.
Whole domains of one group are interval colouring: counting them is exact, and ids follow by one
sweep. Reference: Baptiste, Le Pape and Nuijten (2001), "Constraint-Based Scheduling".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.columns import Columns, Held, list_columns
from optimizer.place.exact.domains import break_virtual, cut_chips, cut_power
from optimizer.place.exact.interval_rules import RULES
from optimizer.place.exact.objective import Scale, objective_of, scale_of, total_of, weighted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.place.arrays import PlaceArrays

__all__ = ["EXTRAS", "RULES", "Intervals", "build", "put_runs"]


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
    chosen
        Starts, ends and lengths: a variable, its value in each of so many columns, these columns.
    whole, on
        By (part, group), and (part, group, number of the virtual domain): how many.
    used
        As `on`: whether any.
    open
        By (group, virtual domain, period).
    give
        By supply and period.
    charge, held_energy, peak
        By battery, and period; by billed supply.
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
    chosen: list[tuple[Any, list[int], range]] = field(default_factory=list)
    run: list[Any] = field(default_factory=list)
    busy: dict[tuple[int, int], Any] = field(default_factory=dict)
    whole: dict[tuple[int, int], Any] = field(default_factory=dict)
    on: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    used: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    open: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    give: list[list[Any]] = field(default_factory=list)
    charge: dict[int, list[Any]] = field(default_factory=dict)
    held_energy: dict[int, list[Any]] = field(default_factory=dict)
    peak: dict[int, Any] = field(default_factory=dict)
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

    def busy_at(self, t: int, modes: Iterable[tuple[int, int]]) -> list[tuple[Any, int]]:
        """Return (busy[m,t], amount) of the (mode, amount) that can hold chips in period t."""
        return [(self.busy[m, t], n) for m, n in modes if n and (m, t) in self.busy]


def build(a: PlaceArrays, held: Held, extras: tuple[Any, ...] | None = None) -> Intervals:
    """Return the model of the arrays; running jobs lie where `held` says.

    extras
        What is added for speed alone; all of `EXTRAS` unless given.
    """
    columns, cp = list_columns(a), cp_model.CpModel()
    model = Intervals(a, columns, cp, scale_of(a, columns), held)
    for m in range(len(a.dur)):
        put_runs(model, m)
    _add_dispatch(model)
    for add in (*RULES, *(EXTRAS if extras is None else extras)):
        add(model)
    model.objective, model.total = objective_of(model), total_of(model)
    return model


# ---- variables ----------------------------------------------------------------------------------


def put_runs(model: Intervals, m: int) -> None:
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
        start = _chosen(model, f"start_{m}", starts, at, placed)
        dur = int(model.a.dur[m])
        if all(e - s == dur for s, e in zip(starts, ends, strict=True)):
            run = cp.new_optional_fixed_size_interval_var(start, dur, placed, f"run_{m}")
        else:  # it pauses: the end is a function of the start
            sizes = [e - s for s, e in zip(starts, ends, strict=True)]
            end = _chosen(model, f"end_{m}", ends, at, placed)
            size = _chosen(model, f"size_{m}", sizes, at, placed)
            run = cp.new_optional_interval_var(start, size, end, placed, f"run_{m}")
        cp.add_exactly_one([*at, ~placed])
    model.placed.append(placed)
    model.run.append(run)
    model.at.extend(at)
    _add_busy(model, m, starts, ends, at)


def _add_busy(model: Intervals, m: int, starts: list[int], ends: list[int], at: list[Any]) -> None:
    """busy[m,t] = busy[m,t-1] + sum_{start = t} at[c] - sum_{end = t} at[c].

    Rows over periods are made of these: with the columns themselves they would have as many terms
    as all columns have periods, and presolving them took longer than solving.
    """
    before: list[tuple[Any, int]] = []
    for t in range(starts[0], ends[-1]):
        change = [(x, 1) for x, start in zip(at, starts, strict=True) if start == t]
        change += [(x, -1) for x, end in zip(at, ends, strict=True) if end == t]
        if len(at) == 1:
            model.busy[m, t] = at[0]
        elif change:
            busy = model.cp.new_bool_var(f"busy_{m}_{t}")
            model.cp.add(weighted([(busy, -1), *before, *change]) == 0)
            model.busy[m, t] = busy
        else:
            model.busy[m, t] = model.busy[m, t - 1]
        before = [(model.busy[m, t], 1)]


def _chosen(model: Intervals, name: str, values: list[int], at: list[Any], placed: Any) -> Any:
    """Return a variable that has the value of the column that is taken; the first if none is."""
    cp = model.cp
    variable = cp.new_int_var_from_domain(cp_model.Domain.from_values(values), name)
    for literal, value in zip(at, values, strict=True):
        cp.add(variable == value).only_enforce_if(literal)
    cp.add(variable == values[0]).only_enforce_if(~placed)
    first = len(model.at)  # the columns of this mode come next
    model.chosen.append((variable, values, range(first, first + len(at))))
    return variable


def _add_dispatch(model: Intervals) -> None:
    """0 <= give <= cap and peak;  0 <= charge <= in;  0 <= held <= full;  0 <= rest <= 999."""
    model.give = [
        [model.cp.new_int_var(0, cap, f"give_{k}_{t}") for t, cap in enumerate(caps)]
        for k, caps in enumerate(model.a.sup_cap.tolist())
    ]
    model.rest = [
        [model.cp.new_int_var(0, 999, f"rest_{s}_{t}") for t in model.periods]
        for s in range(len(model.a.pue))
    ]
    a, new = model.a, model.cp.new_int_var
    for b in np.flatnonzero(a.full >= 0).tolist():
        most, full = int(a.charge_w[b]), int(a.full[b])
        model.charge[b] = [new(0, most, f"charge_{b}_{t}") for t in model.periods]
        model.held_energy[b] = [new(0, full, f"held_{b}_{t}") for t in model.periods]
    for k in np.flatnonzero(a.peak_cost > 0).tolist():
        model.peak[k] = new(0, int(a.sup_cap[k].max()), f"peak_{k}")
        for give in model.give[k]:
            model.cp.add(give <= model.peak[k])


EXTRAS = (break_virtual, cut_chips, cut_power)
