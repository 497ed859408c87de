"""The rules of the time-indexed model, one `add_` each, in the order of `RULES`.

Sets, variables and the mathematics of all rules: `timeindexed.py`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pulp

from optimizer.place.exact.columns import parts_of
from optimizer.place.exact.terms import name_of, put_row, sum_of, whole_variable
from optimizer.place.image.totals import BUDGET, MOVES, SPREAD, total_names

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints
    from optimizer.place.exact.timeindexed import TimeIndexed

__all__ = ["RULES"]


def add_one_placement(model: TimeIndexed) -> None:
    """sum_{c of j} x[c] <= 1   for all j;   = 1 for must and running jobs."""
    for j, columns in enumerate(model.jobs):
        row = sum_of([(model.x[c], 1) for c in columns])
        name = name_of("one_placement", model.instance.jobs[j].id, j)
        if model.a.must[j] or model.a.running[j]:
            put_row(model, name, row == 1 if columns else False)
        elif columns:
            put_row(model, name, row <= 1)


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
        put_row(model, name_of("pool_capacity", names[pool], pool, t), sum_of(terms) <= limit)


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
            put_row(model, name_of("domain_fit", model.x[c].name, rank), sum_of(terms) == 0)
            for d, y in on.items():
                for t in range(model.columns.start[c], model.columns.end[c]):
                    rows[pool, d, t].append((y, float(a.part_slice[part])))
    for (pool, d, t), terms in sorted(rows.items()):
        name = name_of("domain_fit", pools[pool][0], pool, d, t)
        put_row(model, name, sum_of(terms) <= int(a.pool_size[pool]))


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
    a, columns = model.a, model.columns
    pool = int(a.part_pool[part])
    most = int(min(a.part_slices[part], a.pool_size[pool] // a.part_slice[part]))
    span = slice(columns.start[c], columns.end[c])
    j = int(np.searchsorted(a.job_ptr, columns.mode[c], "right")) - 1
    at = name_of("on", model.x[c].name, rank)
    mode = model.instance.modes(j)[int(columns.mode[c] - a.job_ptr[j])]
    if not mode.stays:
        ids = np.flatnonzero(there[:, span].all(1)).tolist()
        return {d: whole_variable(name_of(at, d), most) for d in ids}
    held = [d for low, high in mode.parts[rank].pinned or () for d in range(low, high + 1)]
    least = 0 if a.home[columns.mode[c]] else 1  # one that may be moved holds them if it stays
    return {
        d: pulp.LpVariable(name_of(at, d), least * held.count(d), held.count(d), pulp.LpInteger)
        for d in sorted(set(held))
    }


def add_power_cap(model: TimeIndexed) -> None:
    """sum_k g[k,t] - sum_b u[b,t] >= (pue sum_{c in W(t)} net x[c] + fixed) / 1000."""
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
            given += [(model.u[b][t], -1.0) for b in a.batteries_at(s)]
            row = sum_of(given + rows[s, t]) >= int(a.fixed_mw[s, t]) / 1000
            put_row(model, name_of("power_cap", site, s, t), row)


def add_supply(model: TimeIndexed) -> None:
    """sum_t g[k,t] <= permit[k] for all k with a permit;  g[k,t] <= P[k] for all billed k."""
    for k in np.flatnonzero(model.a.permit >= 0).tolist():
        row = sum_of([(g, 1.0) for g in model.g[k]]) <= int(model.a.permit[k])
        put_row(model, name_of("supply", model.g[k][0].name), row)
    for k, peak in model.peak.items():
        for g in model.g[k]:
            put_row(model, name_of("supply", "peak", g.name), g - peak <= 0)


def add_battery(model: TimeIndexed) -> None:
    """h[b,t] = h[b,t-1] + (added u[b,t] - taken g[b,t]) / 1000;   h[b,T-1] >= held0[b]."""
    a = model.a
    for b, charge in model.u.items():
        full, start, held = int(a.full[b]) / 1000, int(a.held[b]) / 1000, None
        added, taken, last = int(a.added[b]) / 1000, int(a.taken[b]) / 1000, len(charge) - 1
        for t, (u, g) in enumerate(zip(charge, model.g[b], strict=True)):
            least = start if t == last else 0
            now = pulp.LpVariable(name_of("held", b, t), least, full)
            before = start if held is None else held
            put_row(model, name_of("battery", b, t), now - before - added * u + taken * g == 0)
            held = now


def add_precedence(model: TimeIndexed) -> None:
    """sum_{c of j, start <= t} x[c] <= sum_{c of p, end <= t} x[c]   for all p before j, and t."""
    a, columns, jobs = model.a, model.columns, model.jobs
    for j, mine in enumerate(jobs):
        for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
            for t in sorted({int(columns.start[c]) for c in mine}):
                terms = [(model.x[c], 1.0) for c in mine if columns.start[c] <= t]
                terms += [(model.x[c], -1.0) for c in jobs[p] if columns.end[c] <= t]
                name = name_of("precedence", model.instance.jobs[j].id, j, "after", p, t)
                put_row(model, name, sum_of(terms) <= 0)


def add_budget(model: TimeIndexed) -> None:
    """sum uses x[c] <= limit   for all budgets."""
    _add_totals(model, BUDGET)


def add_spread(model: TimeIndexed) -> None:
    """sum_{c of group, with a part at s} x[c] <= most   for all spreads, and s."""
    _add_totals(model, SPREAD)


def add_moves(model: TimeIndexed) -> None:
    """sum x[c] of running jobs elsewhere than where they run <= at_most."""
    _add_totals(model, MOVES)


def _add_totals(model: TimeIndexed, kind: int) -> None:
    a, rows = model.a, defaultdict[int, list[tuple[Any, float]]](list)
    for c, m in enumerate(model.columns.mode.tolist()):
        for u in range(a.use_ptr[m], a.use_ptr[m + 1]):
            if a.total_kind[a.use_budget[u]] == kind:
                rows[int(a.use_budget[u])].append((model.x[c], int(a.use_amount[u])))
    names = total_names(model.instance)
    for b, terms in sorted(rows.items()):
        put_row(model, name_of(*names[b], b), sum_of(terms) <= int(a.budget[b]))


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
        put_row(model, name_of("quota", names[i], i, t), sum_of(terms) <= int(a.quota[i]))


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
