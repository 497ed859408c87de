"""The CP-SAT model of a part: the rules of `intervals.py`, but power at prices, not dispatch.

Dispatch in whole watts makes CP-SAT creep: bounds of wide variables move by a few watts at a time.
A neighbourhood only proposes, so here energy costs what one more watt would have cost before, in
whole cents, and power is one row per site and period:

power_cap      sum_{W(t)} net busy[m,t] <= room[s,t]   for all s, t.

Permits are left to the rules by which the search places what is proposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from optimizer.place.exact.columns import list_columns, net_of, parts_of
from optimizer.place.exact.interval_rules import RULES, add_power_cap, add_supply
from optimizer.place.exact.intervals import EXTRAS, Intervals, put_runs
from optimizer.place.exact.objective import Scale, weighted

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.exact.columns import Held

__all__ = ["build_near"]

NANO_PER_CENT = 10_000_000


def build_near(a: PlaceArrays, held: Held, price: Ints) -> Intervals:
    """Return the model of a part.

    price : (S, T)
        What one more watt at the meter costs [nano-USD per W-period].
    """
    model = Intervals(a, list_columns(a), cp_model.CpModel(), Scale(NANO_PER_CENT, 0), held)
    for m in range(len(a.dur)):
        put_runs(model, m)
    model.rest = [[] for _ in range(len(a.pue))]
    for add in (*RULES, *EXTRAS):
        if add is add_power_cap:
            _cap_power(model)
        elif add is not add_supply:
            add(model)
    model.objective = _objective(model, price)
    return model


def _cap_power(model: Intervals) -> None:
    """sum_{W(t)} net busy[m,t] <= room[s,t]   for all s, t."""
    a = model.a
    for s in range(len(a.pue)):
        net = [(m, net_of(a, m, s)) for _, m in model.modes]
        for t in model.periods:
            trains = model.columns.trains
            terms = model.busy_at(t, [(m, watts) for m, watts in net if trains[a.mask[m], t]])
            if terms:
                model.cp.add(weighted(terms) <= int(a.room_w[s, t]))


def _objective(model: Intervals, price: Ints) -> Any:
    """sum (v - penalty - energy at the price) at[c], in whole cents."""
    a, columns, terms = model.a, model.columns, []
    meter = a.pue * price  # [pico-USD per IT watt]
    for c, m in enumerate(columns.mode.tolist()):
        span, energy = slice(columns.start[c], columns.end[c]), 0
        for _, part, pool in parts_of(a, m):
            works = columns.trains[a.mask[m], span]
            paid = int((meter[a.pool_site[pool], span] * works).sum())
            energy += int(a.part_net_w[part]) * paid // 1000
        worth = int(a.gain[m]) - int(columns.penalty[c]) - energy
        terms.append((model.at[c], round(worth / NANO_PER_CENT)))
    return weighted(terms)
