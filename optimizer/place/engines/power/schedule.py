"""The cheapest schedule of a site's supplies, batteries and peaks for a load: one linear program.

Sets        supplies k, batteries b among them, billed supplies n among them, periods t
Parameters  load[t] at the meter [W], cost[k,t], cap[k,t], permit[k], in[b], full[b], held0[b],
            added[b], taken[b], D[n] of the peak; mu[t] what a watt of room is worth, room[t] how
            much of it at most
Variables   g[k,t] dispatch, c[b,t] charge, e[b,t] held after period t, P[n] peak, s[t] room
Objective   min  sum cost g + sum D P - sum mu s      (mu falls by tiers of the load: `_tiers`)
Rules       sum_k g - sum_b c - s >= load                           for all t
            e[b,t] = e[b,t-1] + added c - taken g,  0 <= e <= full, e[b,T-1] >= held0[b]
            g[n,t] <= P[n];   sum_t g[k,t] <= permit[k]
            0 <= g <= cap, 0 <= c <= in, 0 <= s <= room
In units of the site's largest cap, so that numbers are near 1; HiGHS through scipy.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["Schedule", "SitePower", "best_schedule", "has_storage_or_peaks", "site_power"]

Floats = NDArray[np.float64]

TIERS, FALL = 16, 0.3
"""Room is worth less the more a site draws in all, in so many tiers, the highest by this share: a
gang holds its power for hours, so the same room in all of them is worth more than much in some."""


class SitePower(NamedTuple):
    """The supplies of one site; fields as in `PlaceArrays`, (K,) or (K, T)."""

    cap: Ints
    cost: Ints
    permit: Ints
    peak_cost: Ints
    full: Ints
    held: Ints
    charge_w: Ints
    added: Ints
    taken: Ints

    @property
    def batteries(self) -> Ints:
        """Which supplies are batteries."""
        return np.flatnonzero(self.full >= 0)

    @property
    def billed(self) -> Ints:
        """Which supplies have a demand charge."""
        return np.flatnonzero(self.peak_cost > 0)


class Schedule(NamedTuple):
    """Dispatch and charge (K, T), and the peak of each supply (K,); floats [W]."""

    given: Floats
    charge: Floats
    peak: Floats


def site_power(a: PlaceArrays, site: int) -> SitePower:
    """Return the supplies of a site."""
    own = slice(int(a.sup_ptr[site]), int(a.sup_ptr[site + 1]))
    rows = (a.sup_cap, a.sup_cost, a.permit, a.peak_cost, a.full, a.held, a.charge_w)
    return SitePower(*(row[own] for row in (*rows, a.added, a.taken)))


def has_storage_or_peaks(a: PlaceArrays, site: int | None = None) -> bool:
    """Whether a site (or any) has a battery or a demand charge."""
    own = slice(None) if site is None else slice(int(a.sup_ptr[site]), int(a.sup_ptr[site + 1]))
    return bool((a.full[own] >= 0).any() or (a.peak_cost[own] > 0).any())


class _Program:
    """Rows and variables of the linear program while it is written down."""

    def __init__(self) -> None:
        self.costs: list[Floats] = []
        self.upper: list[Floats] = []
        self.lower: list[Floats] = []
        self.entries: dict[bool, list[tuple[Ints, Ints, Floats]]] = {True: [], False: []}
        self.right: dict[bool, list[Floats]] = {True: [], False: []}
        self.variables = 0
        self.rows = {True: 0, False: 0}

    def add(self, cost: Any, upper: Any, lower: Any = 0.0) -> Ints:
        """Add variables; return their numbers."""
        first = self.variables
        self.variables += len(cost)
        self.costs.append(cost)
        self.upper.append(upper)
        self.lower.append(np.broadcast_to(np.asarray(lower, float), cost.shape))
        return np.arange(first, self.variables)

    def row(self, right: Floats, *terms: tuple[Ints, float], is_equal: bool = False) -> None:
        """Add one row for each right side: sum of factor x variable <= (or =) right."""
        first, n = self.rows[is_equal], len(right)
        for variables, factor in terms:
            each = np.arange(first, first + n) if n > 1 else np.full(len(variables), first)
            self.entries[is_equal].append((each, variables, np.full(len(variables), factor)))
        self.rows[is_equal] += n
        self.right[is_equal].append(right)

    def put(self, row: int, variable: int, factor: float) -> None:
        """Add one entry to an equation that is there."""
        one = np.array([row]), np.array([variable]), np.array([factor])
        self.entries[True].append(one)

    def solve(self) -> Floats | None:
        """Return the values of all variables, or None where there is no solution."""
        sides: list[object] = []
        for is_equal in (False, True):
            parts = self.entries[is_equal]
            if not parts:
                sides += [None, None]
                continue
            at, variables, factors = (np.concatenate([p[i] for p in parts]) for i in range(3))
            shape = (self.rows[is_equal], self.variables)
            sides += [coo_array((factors, (at, variables)), shape=shape).tocsr()]
            sides += [np.concatenate(self.right[is_equal])]
        bounds = np.stack([np.concatenate(self.lower), np.concatenate(self.upper)], axis=1)
        found = linprog(np.concatenate(self.costs), *sides, bounds=bounds, method="highs")
        return np.asarray(found.x, np.float64) if found.status == 0 else None


def best_schedule(
    power: SitePower, load_w: Ints, worth: Floats | None = None, room: Floats | None = None
) -> Schedule | None:
    """Return the cheapest schedule for a load, or None if it cannot be served.

    load_w : (T,)
        Load at the meter [W].
    worth, room : (T,)
        What a watt of room above the load is worth [nano-USD per W-period], and how many watts of
        it count.
    """
    p, T = _Program(), len(load_w)
    unit = float(max(power.cap.max(initial=1), power.charge_w.max(initial=1), 1))
    given = [p.add(k * 1.0, c / unit) for k, c in zip(power.cost, power.cap, strict=True)]
    balance = [(g, -1.0) for g in given]
    charge: dict[int, Ints] = {}
    for b in power.batteries.tolist():
        charge[b] = p.add(np.zeros(T), np.full(T, power.charge_w[b] / unit))
        _add_battery(p, power, b, given[b], charge[b], unit)
    balance += [(taken, 1.0) for taken in charge.values()]
    if worth is not None and room is not None:
        for value, size in _tiers(worth, room, load_w, unit):
            balance.append((p.add(-value, size / unit), 1.0))
    p.row(-load_w / unit, *balance)
    peak: dict[int, Ints] = {}
    for n in power.billed.tolist():
        peak[n] = p.add(power.peak_cost[n : n + 1] * 1.0, power.cap[n].max(keepdims=True) / unit)
        p.row(np.zeros(T), (given[n], 1.0), (np.repeat(peak[n], T), -1.0))
    for k in np.flatnonzero(power.permit >= 0).tolist():
        p.row(np.array([power.permit[k] / unit]), (given[k], 1.0))
    x = p.solve()
    if x is None:
        return None
    out, level = np.zeros((2, *power.cap.shape)), power.cap.max(1).astype(np.float64)
    out[0] = x[np.array(given)] * unit
    for b, taken in charge.items():
        out[1, b] = x[taken] * unit
    for n, one in peak.items():
        level[n] = x[one[0]] * unit
    return Schedule(out[0], out[1], level)


def _tiers(
    worth: Floats, room: Floats, load_w: Ints, largest: float
) -> Iterator[tuple[Floats, Floats]]:
    """Yield the worth and size of room by tiers of what the site draws in all, lowest first."""
    top, low = float((load_w + room).max(initial=0.0)), load_w.astype(np.float64)
    edges = np.linspace(0.0, max(top, largest), TIERS + 1)
    for i, (begin, end) in enumerate(itertools.pairwise(edges)):
        size = np.minimum(low + room, end) - np.maximum(low, begin)
        if (size > 0).any():
            yield worth * (1 - FALL * i / TIERS), np.maximum(size, 0)


def _add_battery(
    p: _Program, power: SitePower, b: int, given: Ints, charge: Ints, unit: float
) -> None:
    """e[t] - e[t-1] - added c + taken g = 0, in units of W-periods."""
    T = len(given)
    full, start = power.full[b] / 1000 / unit, power.held[b] / 1000 / unit
    lower = np.zeros(T)
    lower[-1] = start
    held = p.add(np.zeros(T), np.full(T, full), lower)
    first = p.rows[True]
    right = np.zeros(T)
    right[0] = start
    added, taken = power.added[b] / 1000, power.taken[b] / 1000
    p.row(right, (held, 1.0), (charge, -added), (given, taken), is_equal=True)
    for t in range(1, T):
        p.put(first + t, int(held[t - 1]), -1.0)
