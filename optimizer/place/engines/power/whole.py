"""A schedule in whole watts: rounded, mended where rounding broke a limit, and tested.

Batteries first: charges are rounded down and discharges to the nearest watt, a discharge that the
load needs is raised again, a charge that would overfill is cut, and what is then missing in the
store is taken from the nearest earlier periods with room. The other supplies serve what is left in
merit order under the peaks of the schedule. Every limit is tested in integers at the end: a
schedule that breaks one is not handed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.engines.dispatch import dispatch_site, in_merit_order
from optimizer.place.engines.power.schedule import (
    SitePower,
    best_schedule,
    has_storage_or_peaks,
    site_power,
)

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.power.schedule import Schedule

__all__ = ["Served", "cheapest", "cost_of", "dispatch_all", "peaks_for", "serves", "whole_schedule"]

PERMIT_MARGIN = 8
"""W-periods of a permit, for each period, that rounding may need beside the schedule."""


@dataclass(frozen=True, slots=True)
class Served:
    """What supplies give and batteries take, of a site or of all, (K, T) [W]."""

    given: Ints
    charge: Ints

    def at(self, rows: slice) -> Served:
        """Return some of the supplies."""
        return Served(self.given[rows], self.charge[rows])


def dispatch_all(a: PlaceArrays, it_w: Ints, known: Served | None = None) -> Served:
    """Return the cheapest dispatch of all sites.

    it_w : (S, T)
        IT watts above idle.
    known
        A dispatch that serves them, too; taken at a site where it is cheaper than what is found
        here, which is certain to be the best only where at most one supply has a permit.

    Raises
    ------
    ValueError
        If a site's load cannot be served.
    """
    given, charge = np.zeros_like(a.sup_cap), np.zeros_like(a.sup_cap)
    for s in range(len(a.pue)):
        own = slice(int(a.sup_ptr[s]), int(a.sup_ptr[s + 1]))
        more = [] if known is None else [known.at(own)]
        power = site_power(a, s)
        if has_storage_or_peaks(a, s):
            meter = -(-(a.pue[s] * it_w[s] + a.fixed_mw[s]) // 1000)
            best = cheapest(power, meter, *more)
            if best is None:
                raise ValueError(f"no dispatch was found for the load of site {s}")
        else:
            none = np.zeros_like(power.cap)
            options = [Served(dispatch_site(a, s, it_w[s]), none), *more]
            best = min(options, key=lambda x: (_breaks(power, x), cost_of(power, x)))
        given[own], charge[own] = best.given, best.charge
    return Served(given, charge)


def _breaks(power: SitePower, served: Served) -> bool:
    return bool(((power.permit >= 0) & (served.given.sum(1) > power.permit)).any())


def cost_of(power: SitePower | PlaceArrays, served: Served) -> tuple[int, int]:
    """Return what energy and peaks cost [nano-USD]."""
    cost = power.cost if isinstance(power, SitePower) else power.sup_cost
    energy = int((served.given.astype(object) * cost).sum())
    peaks = served.given.max(1, initial=0).astype(object) * power.peak_cost
    return energy, int(peaks.sum())


def serves(power: SitePower, load_w: Ints, served: Served) -> bool:
    """Whether a dispatch keeps every rule of power for a load at the meter [W]."""
    given, charge = served.given, served.charge
    if (given < 0).any() or (given > power.cap).any() or (charge < 0).any():
        return False
    if (charge > power.charge_w[:, None]).any():
        return False
    if (given.sum(0) - charge.sum(0) < load_w).any():
        return False
    if ((power.permit >= 0) & (given.sum(1) > power.permit)).any():
        return False
    for b in power.batteries.tolist():
        held = _held(power, b, given[b], charge[b])
        if (held < 0).any() or (held > power.full[b]).any() or held[-1] < power.held[b]:
            return False
    return True


def cheapest(power: SitePower, load_w: Ints, *known: Served) -> Served | None:
    """Return the cheapest dispatch of a load at the meter, never dearer than without batteries.

    known
        Dispatches that may serve it, too.
    """
    options = [_without_batteries(power, load_w), *known]
    schedule = best_schedule(power, load_w)
    found = None if schedule is None else whole_schedule(power, load_w, schedule)
    if schedule is not None and found is None and (power.permit >= 0).any():
        less = np.maximum(power.permit - PERMIT_MARGIN * len(load_w), 0)
        tight = power._replace(permit=np.where(power.permit >= 0, less, -1))
        schedule = best_schedule(tight, load_w)
        found = None if schedule is None else whole_schedule(power, load_w, schedule)
    options += [] if found is None else [found]
    legal = [each for each in options if serves(power, load_w, each)]
    return min(legal, key=lambda each: sum(cost_of(power, each)), default=None)


def _held(power: SitePower, b: int, given: Ints, charge: Ints) -> Ints:
    """Return what a battery holds at every boundary, (T+1,) [thousandths of a W-period]."""
    flow = power.added[b] * charge - power.taken[b] * given
    held: Ints = np.concatenate(([0], np.cumsum(flow))) + power.held[b]
    return held


def _without_batteries(power: SitePower, load_w: Ints) -> Served:
    """Return the merit order of the other supplies, whatever their peaks cost."""
    cap = power.cap.copy()
    cap[power.batteries] = 0
    given = in_merit_order(cap, power.cost, power.permit, load_w)
    return Served(given, np.zeros_like(given))


def whole_schedule(power: SitePower, load_w: Ints, schedule: Schedule) -> Served | None:
    """Return a schedule in whole watts that serves a load, or None where mending did not do."""
    others = np.setdiff1d(np.arange(len(power.cap)), power.batteries)
    spare = power.cap[others].sum(0) - load_w
    given = np.zeros_like(power.cap)
    charge = np.zeros_like(power.cap)
    for b in power.batteries.tolist():
        given[b] = np.clip(np.rint(schedule.given[b]).astype(np.int64), 0, power.cap[b])
        taken = np.floor(schedule.charge[b] + 1e-3).astype(np.int64)
        charge[b] = np.clip(taken, 0, power.charge_w[b])
    for b in power.batteries.tolist():
        beside = (given.sum(0) - given[b]) - (charge.sum(0) - charge[b])
        _mend(power, b, given[b], charge[b], -spare - beside)
    net = given.sum(0) - charge.sum(0)
    rest = np.maximum(load_w - net, 0)
    cap = power.cap.copy()
    cap[power.batteries] = 0
    cap = np.minimum(cap, peaks_for(power, cap, rest, schedule)[:, None])
    given[others] = in_merit_order(cap, power.cost, power.permit, rest)[others]
    served = Served(given, charge)
    return served if serves(power, load_w, served) else None


def _mend(power: SitePower, b: int, given: Ints, charge: Ints, need: Ints) -> None:
    """Change a rounded schedule of one battery, in place, by the few watts that limits ask for.

    need : (T,)
        Discharge less charge that the load asks of this battery at least [W].
    """
    short = np.maximum(need - (given - charge), 0)
    less = np.minimum(short, charge)
    charge -= less
    given += np.minimum(short - less, power.cap[b] - given)
    held = int(power.held[b])
    for t in range(len(given)):  # never overfull: a smaller charge is always legal
        gone = power.taken[b] * int(given[t])
        most = (int(power.full[b]) - held + gone) // max(1, int(power.added[b]))
        charge[t] = max(0, min(int(charge[t]), most))
        held += int(power.added[b]) * int(charge[t]) - gone
        floor = int(power.held[b]) if t == len(given) - 1 else 0
        if held < floor:
            held += _fill(power, b, given, charge, need, t, floor - held)


def _fill(
    power: SitePower, b: int, given: Ints, charge: Ints, need: Ints, t: int, missing: int
) -> int:
    """Raise what is held after period t by what is missing; return by how much it was raised."""
    held = _held(power, b, given, charge)[: t + 2]
    raised = 0
    for i in range(t, -1, -1):
        room = int(power.full[b] - held[i + 1 : t + 2].max())
        slack = int(given[i] - charge[i] - need[i])
        if room <= 0:
            break
        added, taken = int(power.added[b]), int(power.taken[b])
        fewer = min(int(given[i]), slack, -(-(missing - raised) // taken), room // taken)
        fewer = max(0, fewer)
        given[i] -= fewer
        up = fewer * taken
        slack, room = slack - fewer, room - up
        left = max(0, missing - raised - up)
        more = min(int(power.charge_w[b] - charge[i]), slack, -(-left // added), room // added)
        more = max(0, more)
        charge[i] += more
        up += more * added
        held[i + 1 :] += up
        raised += up
        if raised >= missing:
            break
    return raised


def peaks_for(power: SitePower, cap: Ints, rest: Ints, schedule: Schedule) -> Ints:
    """Return whole peaks, raised where the rest of the load needs it: the cheapest first, (K,)."""
    peak: Ints = power.cap.max(1, initial=0)
    billed = power.billed
    peak[billed] = np.minimum(peak[billed], np.ceil(schedule.peak[billed] - 1e-3))
    for k in billed[np.argsort(power.peak_cost[billed], kind="stable")].tolist():
        short = rest - np.minimum(cap, peak[:, None]).sum(0)
        room = np.minimum(np.maximum(short, 0), np.maximum(cap[k] - peak[k], 0))
        peak[k] += room.max(initial=0)
    return peak
