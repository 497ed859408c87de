"""The rules of the CP-SAT model, one `add_` each, in the order of `RULES`.

Sets, variables and the mathematics of all rules: `intervals.py`. `domain_fit` is in `domains.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.columns import net_of, parts_of
from optimizer.place.exact.domains import add_domain_fit, cumulative
from optimizer.place.exact.objective import weighted
from optimizer.place.image.totals import BUDGET, MOVES, SPREAD

if TYPE_CHECKING:
    from optimizer.place.exact.intervals import Intervals

__all__ = ["RULES"]


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
    """1000 (sum_k give - sum_b charge) = pue sum_{m works in t} net busy[m,t] + fixed + rest."""
    a = model.a
    for s in range(len(a.pue)):
        net = [(m, net_of(a, m, s)) for _, m in model.modes]
        net = [(m, watts) for m, watts in net if watts]
        for t in model.periods:
            terms = [(model.give[k][t], 1000) for k in range(a.sup_ptr[s], a.sup_ptr[s + 1])]
            terms += [(model.charge[b][t], -1000) for b in a.batteries_at(s)]
            terms.append((model.rest[s][t], -1))
            pue, trains = int(a.pue[s, t]), model.columns.trains
            loads = [(m, -watts * pue) for m, watts in net if trains[a.mask[m], t]]
            terms += model.busy_at(t, loads)
            model.cp.add(weighted(terms) == int(a.fixed_mw[s, t]))


def add_supply(model: Intervals) -> None:
    """sum_t give[k,t] <= permit[k]   for all k with a permit."""
    for k in np.flatnonzero(model.a.permit >= 0).tolist():
        model.cp.add(cp_model.LinearExpr.sum(model.give[k]) <= int(model.a.permit[k]))


def add_battery(model: Intervals) -> None:
    """held[b,t] = held[b,t-1] + added charge[b,t] - taken give[b,t];  held[b,T-1] >= held0[b]."""
    a, last = model.a, len(model.periods) - 1
    for b, held in model.held_energy.items():
        start = int(a.held[b])
        for t in model.periods:
            before = [(held[t - 1], -1)] if t else []
            flow = [(model.charge[b][t], -int(a.added[b])), (model.give[b][t], int(a.taken[b]))]
            model.cp.add(weighted([(held[t], 1), *before, *flow]) == (0 if t else start))
        model.cp.add(held[last] >= start)


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
                model.cp.add(weighted(here) <= 0)


def add_budget(model: Intervals) -> None:
    """sum uses placed[m] <= limit   for all budgets."""
    _add_totals(model, BUDGET)


def add_spread(model: Intervals) -> None:
    """sum_{m of group, with a part at s} placed[m] <= most   for all spreads, and s."""
    _add_totals(model, SPREAD)


def add_moves(model: Intervals) -> None:
    """sum placed[m] of running jobs elsewhere than where they run <= at_most."""
    _add_totals(model, MOVES)


def _add_totals(model: Intervals, kind: int) -> None:
    a = model.a
    for b in np.flatnonzero(a.total_kind == kind).tolist():
        terms = []
        for _, m in model.modes:
            for u in range(a.use_ptr[m], a.use_ptr[m + 1]):
                if a.use_budget[u] == b:
                    terms.append((model.placed[m], int(a.use_amount[u])))
        if terms:
            model.cp.add(weighted(terms) <= int(a.budget[b]))


def add_quota(model: Intervals) -> None:
    """cumulative(run[m], chips) <= quota   for all tenants with one."""
    a = model.a
    for tenant in np.flatnonzero(a.quota >= 0).tolist():
        mine = [m for j, m in model.modes if a.tenant[j] == tenant]
        capacity = np.full(len(model.periods), a.quota[tenant])
        if model.held.quota is not None:
            capacity -= model.held.quota[tenant]
        cumulative(
            model.cp, [model.run[m] for m in mine], [int(a.chips[m]) for m in mine], capacity
        )


RULES = (
    add_one_placement,
    add_pool_capacity,
    add_domain_fit,
    add_power_cap,
    add_supply,
    add_battery,
    add_precedence,
    add_budget,
    add_quota,
    add_spread,
    add_moves,
)
