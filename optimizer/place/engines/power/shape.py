"""The search's view of batteries and peaks: a schedule that is given, supplies in merit order.

The search books power watt by watt in merit order, and cannot move energy between periods. So it
gets a schedule: what batteries charge is fixed load, what they give is a supply that costs nothing
more. A billed supply is two: up to the peak of the schedule at the cost of its energy, above it at
the demand charge for every watt and period on top, which is never too little. What a plan costs in
a view is therefore never below what it really costs. Schedules and peaks come from the linear
program of `schedule.py`, first for the fractional plan of the dual, then again and again for what
the search has placed, with room above it worth what the certified price of power says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.place.engines.dispatch import in_merit_order
from optimizer.place.engines.power.schedule import (
    Schedule,
    SitePower,
    best_schedule,
    has_storage_or_peaks,
    site_power,
)
from optimizer.place.engines.power.whole import Served, peaks_for, whole_schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["View", "served", "view_of"]


class View(NamedTuple):
    """Arrays as a search sees them, and what is decided outside of it.

    Attributes
    ----------
    a
        The arrays with other supplies, fixed loads and rooms.
    supply_of
        Supply that each row of supplies stands for.
    given, charge : (K, T)
        The schedule of batteries [W]; 0 for other supplies.
    sunk_nano
        What the schedule costs whatever is placed: wear and peaks.
    """

    a: PlaceArrays
    supply_of: Ints
    given: Ints
    charge: Ints
    sunk_nano: int


class _Rows(NamedTuple):
    """Supplies of one site as the search sees them."""

    cap: Ints
    cost: Ints
    permit: Ints
    supply: Ints


def view_of(
    a: PlaceArrays,
    load_w: Ints,
    worth: NDArray[np.float64],
    room_w: NDArray[np.float64],
    or_idle: bool,
) -> View | None:
    """Return the view for a load; None where a site's schedule for it was not found.

    load_w : (S, T)
        Load at the meter that the view has to serve [W].
    worth, room_w : (S, T)
        What a watt above it is worth [nano-USD per W-period], and how many of them count.
    or_idle
        Where none is found, batteries stand idle instead.
    """
    rows, sunk = list[_Rows](), 0
    given, charge = np.zeros_like(a.sup_cap), np.zeros_like(a.sup_cap)
    for s in range(len(a.pue)):
        own = slice(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
        power = site_power(a, s)
        if not has_storage_or_peaks(a, s):
            each = power.cap, power.cost, power.permit
            rows.append(_Rows(*each, np.arange(own.start, own.stop)))
            continue
        found = _scheduled(power, load_w[s], worth[s], room_w[s], or_idle)
        if found is None:
            return None
        schedule, whole = found
        b = power.batteries
        given[own.start + b], charge[own.start + b] = whole.given[b], whole.charge[b]
        peak = _peaks(power, load_w[s], schedule, whole)
        sunk += int((given[own].astype(object) * power.cost).sum())
        sunk += int((peak.astype(object) * power.peak_cost)[power.billed].sum())
        rows.append(_site_rows(power, given[own], peak, own.start))
    return _assembled(a, rows, given, charge, sunk)


def _scheduled(
    power: SitePower,
    load_w: Ints,
    worth: NDArray[np.float64],
    room_w: NDArray[np.float64],
    or_idle: bool,
) -> tuple[Schedule, Served] | None:
    """Return a site's schedule, and that in whole watts."""
    schedule = best_schedule(power, load_w, worth, room_w)
    whole = None if schedule is None else whole_schedule(power, load_w, schedule)
    if schedule is not None and whole is not None:
        return schedule, whole
    idle = np.zeros_like(power.cap)
    none = idle.astype(np.float64)
    stands = Schedule(none, none, np.zeros(len(power.cap))), Served(idle, idle)
    return stands if or_idle else None


def _peaks(power: SitePower, load_w: Ints, schedule: Schedule, whole: Served) -> Ints:
    b = power.batteries
    cap = power.cap.copy()
    cap[b] = 0
    rest = load_w - whole.given[b].sum(0) + whole.charge[b].sum(0)
    return peaks_for(power, cap, np.maximum(rest, 0), schedule)


def _site_rows(power: SitePower, given: Ints, peak: Ints, first: int) -> _Rows:
    cap, cost, permit, supply = [], [], [], []
    for k in range(len(power.cap)):
        if power.full[k] >= 0:
            rows = [(given[k], np.zeros_like(given[k]), -1)]
        elif power.peak_cost[k] == 0:
            rows = [(power.cap[k], power.cost[k], int(power.permit[k]))]
        else:
            low = np.minimum(power.cap[k], peak[k])
            rows = [(low, power.cost[k], int(power.permit[k]))]
            if power.permit[k] < 0:  # a permit on two rows is more than the search can book
                rows.append((power.cap[k] - low, power.cost[k] + power.peak_cost[k], -1))
        for each in rows:
            cap.append(each[0])
            cost.append(each[1])
            permit.append(each[2])
            supply.append(first + k)
    return _Rows(*(np.array(x, np.int64) for x in (cap, cost, permit, supply)))


def _assembled(a: PlaceArrays, rows: list[_Rows], given: Ints, charge: Ints, sunk: int) -> View:
    ptr = np.concatenate(([0], np.cumsum([len(r.cap) for r in rows]))).astype(np.int64)
    T = a.pue.shape[1]
    cap = np.concatenate([r.cap.reshape(-1, T) for r in rows])
    site_of = np.repeat(np.arange(len(a.pue)), np.diff(a.sup_ptr))
    fixed = a.fixed_mw.copy()
    np.add.at(fixed, site_of, 1000 * charge)
    total = np.array([r.cap.reshape(-1, T).sum(0) for r in rows])
    none = np.zeros(len(cap), np.int64)
    seen = a._replace(
        fixed_mw=fixed,
        room_w=(1000 * total - fixed) // a.pue,
        sup_ptr=ptr,
        sup_cap=cap,
        sup_cost=np.concatenate([r.cost.reshape(-1, T) for r in rows]),
        permit=np.concatenate([r.permit for r in rows]),
        peak_cost=none,
        full=none - 1,
        held=none,
        charge_w=none,
        added=none,
        taken=none,
    )
    return View(seen, np.concatenate([r.supply for r in rows]), given, charge, sunk)


def served(a: PlaceArrays, view: View, it_w: Ints) -> Served:
    """Return the dispatch of a view for IT loads above idle, (S, T) [W]: that of all supplies."""
    given = view.given.copy()
    v = view.a
    for s in range(len(a.pue)):
        own = slice(int(v.sup_ptr[s]), int(v.sup_ptr[s + 1]))
        meter = -(-(v.pue[s] * it_w[s] + v.fixed_mw[s]) // 1000)
        rows = in_merit_order(v.sup_cap[own], v.sup_cost[own], v.permit[own], meter)
        for k, row in zip(view.supply_of[own].tolist(), rows, strict=True):
            if a.full[k] < 0:
                given[k] += row
    return Served(given, view.charge)
