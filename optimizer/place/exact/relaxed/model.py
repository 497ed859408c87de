"""The relaxed model: no identity of domains, and energy at the cheapest supply and above.

Sets, parameters and x[c] as in `timeindexed.py`, and
Parameters  k0 the cheapest supply of a site in a period, e0[s,t] its cost; cost[c] the energy of a
            column at e0; room[s,t] the IT watts that the supplies allow; U a unit of watts
Variables   x[c] in {0,1}; o[k,t] whole, what another supply than k0 gives [U], 0 <= o <= cap / U
Objective   min  sum cost x + sum e0 fixed + sum (e - e0) U o - sum v x
Rules       those of the oracle but domain_fit, power_cap, supply and battery, and
            cut_slices  sum_{c in C(t)} slices floor(slice / q) x[c] <= domains floor(size / q)
            cut_room    sum_{c in W(t)} net x[c] <= room[s,t]
            cut_energy  sum_{k != k0} U (o[k,t] + 1) >= load[s,t] - cap[k0,t]
where load[s,t] = (pue sum_{c in W(t)} net x[c] + fixed) / 1000.

With o the whole units of what supplies give, every plan keeps these rules and is worth no more than
here: the optimum is a bound on all plans. All variables are whole, as HiGHS 1.14.0 calls solutions
optimal that are not where continuous ones stand in one row beside whole ones
(github.com/ERGO-Code/HiGHS/issues/3043, mended in 1.15). Permits, demand charges and batteries are
not in it: `is_complete` says whether an instance has none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pulp

from optimizer.place.engines.power.schedule import has_storage_or_peaks
from optimizer.place.engines.rows import base_rows
from optimizer.place.exact.columns import list_columns, net_of, parts_of
from optimizer.place.exact.objective import cheapest_of, energy_of
from optimizer.place.exact.terms import name_of, put_row, sum_of, whole_variable
from optimizer.place.exact.timeindexed import TimeIndexed, run_variables
from optimizer.place.exact.timeindexed_rules import (
    add_budget,
    add_moves,
    add_one_placement,
    add_pool_capacity,
    add_precedence,
    add_quota,
    add_spread,
)
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays

__all__ = ["RULES", "build_relaxed", "is_complete"]

UNIT_W = 10
"""Unit of what other supplies than the cheapest give [W]. It loosens the bound by what so many
watts of each cost in all periods, and their cost stays above HiGHS's tolerances."""


def is_complete(a: PlaceArrays) -> bool:
    """Return whether all that supplies cost and may give is in the model."""
    return not has_storage_or_peaks(a) and not (a.permit >= 0).any()


def build_relaxed(instance: Instance, a: PlaceArrays) -> TimeIndexed:
    """Return the relaxed model of an instance."""
    columns = list_columns(a)
    problem = pulp.LpProblem(name_of("relaxed", instance.name), pulp.LpMinimize)
    model = TimeIndexed(instance, a, columns, problem, run_variables(instance, a, columns))
    cheapest = cheapest_of(a)
    worth = a.gain[columns.mode] - columns.penalty
    energy = energy_of(a, columns, cheapest)
    terms = [
        (x, (paid / 1000 - int(v)) / NANO)
        for x, v, paid in zip(model.x, worth, energy, strict=True)
    ]
    for k, costs in enumerate(a.sup_cost):
        s = int(np.searchsorted(a.sup_ptr, k, "right")) - 1
        names = [name_of("over", k, t) for t in range(len(costs))]
        model.g.append([whole_variable(x, int(w) // UNIT_W) for x, w in zip(names, a.sup_cap[k])])
        more = (costs - cheapest[s]) * UNIT_W
        terms += [(o, usd(int(e))) for o, e in zip(model.g[k], more, strict=True) if e]
    problem += sum_of(terms) + int((cheapest.astype(object) * a.fixed_mw).sum()) / 1000 / NANO
    for add in RULES:
        add(model)
    return model


def cut_slices(model: TimeIndexed) -> None:
    """sum_{c in C(t)} slices floor(slice / q) x[c] <= domains floor(size / q)   for sizes q, t.

    The slice rows that prices are put on.
    """
    a, rows = model.a, defaultdict[tuple[int, int, int], list[tuple[Any, float]]](list)
    sizes: list[list[int]] = [[] for _ in a.pool_size]
    for row in base_rows(a):
        if row.kind == "slice":
            sizes[row.of].append(row.size)
    for c, m in enumerate(model.columns.mode.tolist()):
        for _, part, pool in parts_of(a, m):
            for q in sizes[pool]:
                takes = int(a.part_slices[part] * (a.part_slice[part] // q))
                for t in range(model.columns.start[c], model.columns.end[c]) if takes else ():
                    rows[pool, q, t].append((model.x[c], takes))
    names = list(model.instance.pools)
    for (pool, q, t), terms in sorted(rows.items()):
        limit = int(a.avail[pool, t] * (a.pool_size[pool] // q))
        put_row(model, name_of("slices", names[pool], pool, q, t), sum_of(terms) <= limit)


def cut_room(model: TimeIndexed) -> None:
    """sum_{c in W(t)} net x[c] <= room[s,t]   for all s, t."""
    for (s, t), terms in sorted(_net(model).items()):
        row = sum_of([(x, float(watts)) for x, watts in terms]) <= int(model.a.room_w[s, t])
        put_row(model, name_of("room", s, t), row)


def cut_energy(model: TimeIndexed) -> None:
    """sum_{k != k0} U (o[k,t] + 1) >= load[s,t] - cap[k0,t]   for all s of several supplies, t."""
    a = model.a
    for (s, t), terms in sorted(_net(model).items()):
        own = list(range(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1])))
        first = own.pop(int(np.argmin(a.sup_cost[own, t])))
        if not own:
            continue
        load = [(x, -int(a.pue[s, t]) * watts / 1000 / UNIT_W) for x, watts in terms]
        over: list[tuple[Any, float]] = [(model.g[k][t], 1.0) for k in own]
        left = int(a.fixed_mw[s, t]) / 1000 - int(a.sup_cap[first, t])
        row = sum_of(over + load) >= left / UNIT_W - len(own)
        put_row(model, name_of("energy", s, t), row)


def _net(model: TimeIndexed) -> dict[tuple[int, int], list[tuple[Any, int]]]:
    """Return by site and period the columns that train there then, and their watts above idle."""
    a, columns = model.a, model.columns
    rows = defaultdict[tuple[int, int], list[tuple[Any, int]]](list)
    for c, m in enumerate(columns.mode.tolist()):
        for s in range(len(a.pue)):
            watts = net_of(a, m, s)
            for t in range(columns.start[c], columns.end[c]) if watts else ():
                if columns.trains[a.mask[m], t]:
                    rows[s, t].append((model.x[c], watts))
    return rows


RULES = (
    add_one_placement,
    add_pool_capacity,
    add_precedence,
    add_budget,
    add_quota,
    add_spread,
    add_moves,
    cut_slices,
    cut_room,
    cut_energy,
)
