"""The oracle: placement as a time-indexed mixed-integer program, for tiny instances and MPS files.

Sets        jobs j, columns c = (mode, start) of a job, parts i of the mode of a column,
            domains d of a pool, sites s, supplies k of a site, periods t;
            C(t) columns that hold their chips in t, W(t) those that train in t
Parameters  v[c] value less one-off, lateness and restart [USD], e[k,t] energy and carbon [USD/W],
            chips[i], slices[i], slice[i] of a part, net[i] its draw above idle [W],
            added[b], taken[b], full[b], held0[b] of batteries, demand[k] of peaks [USD/W],
            pue[s,t] [thousandths], fixed[s,t] load at the meter without any run [mW]
Variables   x[c] in {0,1} the column is taken; y[c,i,d] whole, slices of part i on domain d,
            only where d is usable throughout the run; g[k,t] whole, dispatch [W], 0 <= g <= cap
            (continuous where there are batteries or peaks); u[b,t] charge [W], 0 <= u <= in;
            h[b,t] held after t [W-periods], 0 <= h <= full; P[k] peak of a billed supply [W]
Objective   min  sum e g + sum demand P - sum v x
Rules       one_placement  sum_{c of j} x[c] <= 1          (= 1 for must and running jobs)
            pool_capacity  sum_{c in C(t)} chips x[c] <= chips present less spares
            domain_fit     sum_d y[c,i,d] = slices[i] x[c];  sum_{C(t)} slice[i] y[c,i,d] <= size
            power_cap      sum_k g[k,t] - sum_b u[b,t]
                           >= (pue sum_{c in W(t)} net x[c] + fixed) / 1000
            supply         sum_t g[k,t] <= permit[k];  g[k,t] <= P[k]
            battery        h[b,t] = h[b,t-1] + (added u[b,t] - taken g[b,t]) / 1000,
                           h[b,T-1] >= held0[b]
            precedence     sum_{c of j, start <= t} x[c] <= sum_{c of p, end <= t} x[c]
            budget         sum uses x[c] <= limit
            quota          sum_{c in C(t) of a tenant} chips x[c] <= quota
            spread         sum_{c of the group, part at s} x[c] <= most of the group
            moves          sum x[c] of running jobs, elsewhere than where they run, <= at_most
            window, residency, compatibility: by the columns.
The rules stand in `timeindexed_rules.py`.

It shares columns with CP-SAT and nothing else: domains are told apart by their ids, and the engine
calculates in floating point. Reference: Dyer and Wolsey (1990), "Formulating the single machine
sequencing problem with release dates as a mixed integer program".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pulp

from optimizer.errors import Unsupported
from optimizer.place.engines.power.schedule import has_storage_or_peaks
from optimizer.place.exact.columns import Columns, list_columns, parts_of
from optimizer.place.exact.terms import name_of, sum_of, whole_variable
from optimizer.place.exact.timeindexed_rules import RULES
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays

__all__ = ["MOST_VARIABLES", "TimeIndexed", "build", "run_variables"]

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
    u, peak
        Charge by battery and period; peak by billed supply.
    """

    instance: Instance
    a: PlaceArrays
    columns: Columns
    problem: Any
    x: list[Any]
    y: dict[tuple[int, int], dict[int, Any]] = field(default_factory=dict)
    g: list[list[Any]] = field(default_factory=list)
    u: dict[int, list[Any]] = field(default_factory=dict)
    peak: dict[int, Any] = field(default_factory=dict)

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
    problem = pulp.LpProblem(name_of("place", instance.name), pulp.LpMinimize)
    model = TimeIndexed(instance, a, columns, problem, run_variables(instance, a, columns))
    model.g = _dispatch(model)
    for b in np.flatnonzero(a.full >= 0).tolist():
        most, T = int(a.charge_w[b]), range(a.pue.shape[1])
        model.u[b] = [_watts(name_of("charge", b, t), most) for t in T]
    for k in np.flatnonzero(a.peak_cost > 0).tolist():
        model.peak[k] = pulp.LpVariable(name_of("peak", k), 0, int(a.sup_cap[k].max()))
    problem += _objective(model)
    for add in RULES:
        add(model)
    return model


# ---- variables and objective --------------------------------------------------------------------


def run_variables(instance: Instance, a: PlaceArrays, columns: Columns) -> list[Any]:
    """Return x[c] of all columns."""
    return [
        whole_variable(name_of("run", job.id, j, m - a.job_ptr[j], "at", columns.start[c]))
        for j, job in enumerate(instance.jobs)
        for m in range(a.job_ptr[j], a.job_ptr[j + 1])
        for c in columns.of(m)
    ]


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
    new = _watts if has_storage_or_peaks(model.a) else whole_variable
    return [
        [new(name_of("give", name, k, t), cap) for t, cap in enumerate(caps)]
        for k, (name, caps) in enumerate(zip(names, model.a.sup_cap.tolist(), strict=True))
    ]


def _watts(name: str, most: int) -> Any:
    """Return a continuous variable: whole watts in long sums are more than HiGHS can round."""
    return pulp.LpVariable(name, 0, most)


def _objective(model: TimeIndexed) -> Any:
    """sum e[k,t] g[k,t] + sum demand[k] P[k] - sum v[c] x[c], in USD."""
    a, columns = model.a, model.columns
    worth = (a.gain[columns.mode] - columns.penalty).tolist()
    terms = [(x, -usd(v)) for x, v in zip(model.x, worth, strict=True)]
    for row, costs in zip(model.g, a.sup_cost.tolist(), strict=True):
        terms += [(g, usd(cost)) for g, cost in zip(row, costs, strict=True)]
    terms += [(peak, usd(int(a.peak_cost[k]))) for k, peak in model.peak.items()]
    return sum_of(terms)
