"""Operation of given capacities by merit order, exact, compiled: one fill a future, period, block.

Mathematics (one cell, all prices by the hour). Sites s, kinds c at a site, sources j, demands k.
    max  sum_k worth_k y_k - sum_j e_j g_j          y_k = sum over its sites of what they serve
    y_k <= volume_k;  x_c <= there_c;  sum_c draw_c x_c <= hall_s;  g_j <= cap_j, by permit too
    pue sum_c draw_c x_c + other_s <= sum_j g_j;    what a site serves <= sum_c unit_c x_c
The fill is optimal where sites of demands are nested and the narrower pays no less (MODEL 4). The
duals that it leaves behind are the slopes of the optimum by every capacity: cuts for Benders. Where
they may be one or another, as at a site where nothing stands, power and halls are held to be worth
what it costs to have them a period sooner, as far as the dual allows: so few cuts say much.
A source is two steps of energy: the part that is paid for in any case, then the rest. Charging of
batteries is given, and met like other load; what they give is the cap of a source (`storage/`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from optimizer.expand.engines.records import NEVER, Costs, Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.expand.engines.records import Given, World

__all__ = ["operate"]

EMPTY = 1e-6
"""Less than this many watts, or millionths of compute, is nothing."""

MANY = 64
"""Futures from which two threads operate them."""


@njit(nogil=True, cache=True)
def _energy_steps(world, given, f, t, b, s, room, step):
    """Fill step with (W, USD per Wh, source, is the taken part) in order of cost; return count."""
    n = 0
    for j in range(world.source_ptr[s], world.source_ptr[s + 1]):
        cap = given.cap[f, t, b, j]
        taken = np.floor(cap * world.take[j] + EMPTY)
        for part in range(2):
            watts = taken if part == 0 else cap - taken
            if watts <= EMPTY:
                continue
            cost = world.carbon[t, j] + (0.0 if part == 0 else world.price[f, t, b, j])
            i = n
            while i > 0 and step[i - 1, 1] > cost:
                step[i] = step[i - 1]
                i -= 1
            step[i, 0], step[i, 1], step[i, 2], step[i, 3] = watts, cost, j, 1.0 - part
            n += 1
    room[:] = world.permit_w[f, t]
    for i in range(n):
        p = world.permit[int(step[i, 2])]
        step[i, 4] = 0.0
        if p >= 0:
            step[i, 4] = step[i, 0]  # what it would give without a permit
            step[i, 0] = min(step[i, 0], room[p])
            room[p] -= step[i, 0]
    return n


@njit(nogil=True, cache=True)
def _compute_steps(world, given, f, t, b, s, step, n, out, m):
    """Add (units, USD per unit, site, source, IT W, stock) of a site to out; return their count.

    Other load and charging have the cheapest energy.
    """
    pue, i, left = world.pue[t, s], 0, 0.0
    if n > 0:
        left = step[0, 0]
    need = world.other[t, s] + given.charge[f, t, b, s]
    while need > EMPTY and i < n:
        given_w = min(need, left)
        need -= given_w
        left -= given_w
        if left <= EMPTY and i + 1 < n:
            i += 1
            left = step[i, 0]
        elif left <= EMPTY:
            i = n
    if need > EMPTY:
        return m
    room = given.hall[f, t, s]
    for c in range(world.stock_ptr[s], world.stock_ptr[s + 1]):
        rest = given.there[f, t, c] * world.draw[c]
        while rest > EMPTY and room > EMPTY and i < n:
            if left <= EMPTY:
                i += 1
                if i < n:
                    left = step[i, 0]
                continue
            it = min(rest, room, left / pue)
            per = world.unit[c] / world.draw[c]
            out[m, 0], out[m, 1], out[m, 2] = it * per, step[i, 1] * pue / per, s
            out[m, 3], out[m, 4], out[m, 5] = step[i, 2], it, c
            m += 1
            rest -= it
            room -= it
            left -= it * pue
    return m


@njit(nogil=True, cache=True)
def _fill(world, f, t, b, out, m, rank, free, used, serves):
    """Serve demands in their order; free: what is left of each step, used: units by (k, site)."""
    for i in range(m):
        free[i] = out[i, 0]
    used[:] = 0.0
    for at in range(world.order.shape[2]):
        k = world.order[f, t, at]
        left = world.volume[f, t, b, k]
        worth = world.worth[f, t, k]
        for r in range(m):
            i = rank[r]
            if left <= EMPTY or out[i, 1] >= worth:
                break
            s = int(out[i, 2])
            if not world.may[k, s] or free[i] <= 0.0:
                continue
            units = min(left, free[i])
            free[i] -= units
            left -= units
            used[k, s] += units
        serves[k] = world.volume[f, t, b, k] - max(left, 0.0)


@njit(nogil=True, cache=True)
def _prices(world, f, t, b, out, m, free, used, serves, marginal):
    """Set marginal[k]: what one more unit for demand k would cost, at most its worth."""
    K = world.order.shape[2]
    for at in range(K - 1, -1, -1):
        k = world.order[f, t, at]
        worth = world.worth[f, t, k]
        least = worth
        if serves[k] >= world.volume[f, t, b, k] - EMPTY:
            for i in range(m):
                if free[i] > EMPTY and world.may[k, int(out[i, 2])]:
                    least = min(least, out[i, 1])
            for later in range(at + 1, K):  # a unit taken from whoever pays less
                other = world.order[f, t, later]
                for s in range(world.may.shape[1]):
                    if world.may[k, s] and used[other, s] > EMPTY:
                        least = min(least, marginal[other])
        marginal[k] = least


@njit(nogil=True, cache=True)
def _power_range(step, n, load):
    """Return what a W at the meter is worth at least and at most, by the energy steps."""
    low, high, left = 0.0, NEVER, load
    for i in range(n):
        if left > EMPTY:
            low = step[i, 1]
        if left < step[i, 0] - EMPTY:
            high = max(low, step[i, 1])
            break
        left -= step[i, 0]
    return low, high


@njit(nogil=True, cache=True)
def _worth_of_room(world, given, costs, f, t, s, value, step, n, it, load):
    """Return what a W at the meter and a W of hall are worth to chips, at their cost if it may be.

    A W of IT is worth at least what kinds bring that do not all run, at most what any brings that
    does; what is not full is worth nothing.
    """
    low, high = _power_range(step, n, load)
    pue, drawn, least, most, top = world.pue[t, s], 0.0, 0.0, NEVER, 0.0
    for c in range(world.stock_ptr[s], world.stock_ptr[s + 1]):
        drawn += it[c]
        brings = value * world.unit[c] / world.draw[c]
        top = max(top, brings)
        if given.there[f, t, c] * world.draw[c] - it[c] > EMPTY:
            least = max(least, brings)
        if it[c] > EMPTY:
            most = min(most, brings)
    is_full = given.hall[f, t, s] - drawn <= EMPTY
    power = min(high, max(low, min(top / pue, costs.power[f, t, s])))
    hall = min(top, costs.hall[f, t, s]) if is_full else 0.0
    over = hall + pue * power - min(most, max(top, pue * low))
    if over > 0.0:
        hall -= min(over, hall)
        power = max(low, min(power, (min(most, max(top, pue * low)) - hall) / pue))
    short = least - hall - pue * power
    if short > 0.0 and is_full:
        hall += short
    elif short > 0.0:
        power += short / pue
    return power, hall


@njit(nogil=True, cache=True)
def _site_slopes(
    world, given, costs, found, f, t, b, s, value, tenants, step, n, it, load, toll
):  # fmt: skip
    """Slopes of a site at a value of compute and what a W more is worth to tenants.

    it: W used by kind; load: W at the meter that the site pays for.
    """
    h, pue = world.hours[t, b], world.pue[t, s]
    power, hall = _worth_of_room(world, given, costs, f, t, s, value, step, n, it, load)
    found.by_hall[f, t, s] += h * hall
    for c in range(world.stock_ptr[s], world.stock_ptr[s + 1]):
        gain = value * world.unit[c] - world.draw[c] * (pue * power + hall)
        found.by_stock[f, t, c] += h * max(0.0, gain)
    found.fixed[f, t, s] -= h * world.other[t, s] * (power + tenants)
    _source_slopes(world, found, f, t, b, s, power, tenants, step, n, toll)


@njit(nogil=True, cache=True)
def _source_slopes(world, found, f, t, b, s, power, tenants, step, n, toll):
    """What a W more of each source is worth at a price of power; a full permit takes its share."""
    h = world.hours[t, b]
    toll[:] = 0.0
    for i in range(n):  # the cheapest step that a permit has cut short sets its price
        p = world.permit[int(step[i, 2])]
        if p >= 0 and step[i, 0] < step[i, 4] - EMPTY:
            toll[p] = max(toll[p], tenants + max(0.0, power - step[i, 1]))
    for j in range(world.source_ptr[s], world.source_ptr[s + 1]):  # also those that give nothing
        p, tax = world.permit[j], world.carbon[t, j]
        fee = toll[p] if p >= 0 else 0.0
        taken = tenants + max(0.0, power - tax) - fee
        rest = tenants + max(0.0, power - tax - world.price[f, t, b, j]) - fee
        gain = world.take[j] * max(0.0, taken) + (1.0 - world.take[j]) * max(0.0, rest)
        found.by_cap[f, t, b, j] += h * gain
    for p in range(toll.size):
        found.fixed[f, t, s] += h * toll[p] * world.permit_w[f, t, p]


@njit(nogil=True, cache=True)
def _other_load(found, f, t, s, h, step, n, need):
    """Pay for the energy of other load and charging."""
    for i in range(n):
        watts = min(need, step[i, 0])
        if watts <= 0.0:
            break
        need -= watts
        found.energy[f, t, s] += h * watts * step[i, 1]
        found.drawn[f, t, int(step[i, 2])] += h * watts


@njit(nogil=True, cache=True)
def _leases(world, given, found, f, t, b, s, h, step, n):
    """Deliver leases, the dearest first; return what a W more at the meter is worth to tenants."""
    power = -world.other[t, s] - given.charge[f, t, b, s]
    for i in range(n):
        power += step[i, 0]
    power = max(0.0, power) / world.pue[t, s]
    limit = min(given.hall[f, t, s], power)
    room, scarce = limit, 0.0
    for x in world.lease_order[t]:
        if world.lease_site[x] == s:
            watts = min(room, world.lease_w[f, t, x])
            room -= watts
            found.leased[f, t, x] += h * watts
            if watts < world.lease_w[f, t, x] - EMPTY:
                scarce = max(scarce, world.lease_worth[t, x])
    for x in range(world.lease_site.shape[0]):
        if world.lease_site[x] == s:
            found.by_lease[f, t, x] += h * max(0.0, world.lease_worth[t, x] - scarce)
    if given.hall[f, t, s] <= power:
        found.by_hall[f, t, s] += h * scarce
        return 0.0
    return scarce / world.pue[t, s]


@njit(nogil=True, cache=True)
def _cell(world, given, costs, found, f, t, b, scratch, has_slopes):
    """Operate one cell and add what came of it; its slopes, where they are asked for."""
    steps, counts, out, free, used, serves, _, room, it, loads = scratch
    h, m = world.hours[t, b], 0
    S = world.pue.shape[1]
    for s in range(S):
        counts[s] = _energy_steps(world, given, f, t, b, s, room, steps[s])
        m = _compute_steps(world, given, f, t, b, s, steps[s], counts[s], out, m)
        loads[s] = world.other[t, s] + given.charge[f, t, b, s]
        _other_load(found, f, t, s, h, steps[s], counts[s], loads[s])
    rank = np.argsort(out[:m, 1], kind="mergesort")
    _fill(world, f, t, b, out, m, rank, free, used, serves)
    it[:] = 0.0
    for i in range(m):
        share = 1.0 - free[i] / out[i, 0]
        s, j, watts = int(out[i, 2]), int(out[i, 3]), out[i, 4] * share
        it[int(out[i, 5])] += watts
        loads[s] += watts * world.pue[t, s]
        found.energy[f, t, s] += h * (out[i, 0] - free[i]) * out[i, 1]
        found.drawn[f, t, j] += h * watts * world.pue[t, s]
    for k in range(world.worth.shape[2]):
        found.served[f, t, k] += h * serves[k]
    for s in range(S):
        loads[s + S] = _leases(world, given, found, f, t, b, s, h, steps[s], counts[s])
    if has_slopes:
        _slopes(world, given, costs, found, f, t, b, scratch, m)


@njit(nogil=True, cache=True)
def _slopes(world, given, costs, found, f, t, b, scratch, m):
    """Add the slopes of a cell that has been operated."""
    steps, counts, out, free, used, serves, marginal, room, it, loads = scratch
    h, S = world.hours[t, b], world.pue.shape[1]
    _prices(world, f, t, b, out, m, free, used, serves, marginal)
    for k in range(world.worth.shape[2]):
        found.by_volume[f, t, b, k] += h * (world.worth[f, t, k] - marginal[k])
    for s in range(S):
        value = 0.0
        for k in range(world.worth.shape[2]):
            if world.may[k, s]:
                value = max(value, marginal[k])
        _site_slopes(
            world, given, costs, found, f, t, b, s, value, loads[s + S], steps[s], counts[s],
            it, loads[s], room,
        )  # fmt: skip


@njit(nogil=True, cache=True)
def _some_cells(world, given, costs, found, scratch, has_slopes, first, last):
    for f in range(first, last):
        for t in range(world.hours.shape[0]):
            for b in range(world.hours.shape[1]):
                _cell(world, given, costs, found, f, t, b, scratch, has_slopes)


def operate(world: World, given: Given, costs: Costs | None = None) -> Found:
    """Return what capacities earn and serve in every future and period; slopes with costs."""
    F, T, B, K = world.volume.shape
    S, J, L = world.pue.shape[1], world.take.size, world.lease_site.size
    found = Found(
        np.zeros((F, T, K)),
        np.zeros((F, T, L)),
        np.zeros((F, T, J)),
        np.zeros((F, T, S)),
        np.zeros((F, T, world.draw.size)),
        np.zeros((F, T, S)),
        np.zeros((F, T, B, J)),
        np.zeros((F, T, B, K)),
        np.zeros((F, T, L)),
        np.zeros((F, T, S)),
    )
    has_slopes = costs is not None
    costs = costs or Costs(np.zeros((0, 0, 0)), np.zeros((0, 0, 0)))

    def some(first: int, end: int) -> None:
        _some_cells(world, given, costs, found, _scratch(world), has_slopes, first, end)

    if F < MANY:
        some(0, F)
        return found
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(some, 0, F // 2), pool.submit(some, F // 2, F)]:
            done.result()
    return found


def _scratch(world: World) -> tuple[NDArray[Any], ...]:
    """Return room for the steps of one cell."""
    K, S, J = world.worth.shape[2], world.pue.shape[1], world.take.size
    most = int(np.diff(world.source_ptr).max(initial=0)) * 2
    total = world.draw.size + 2 * J + S
    return (
        np.zeros((S, max(1, most), 5)),
        np.zeros(S, np.int64),
        np.zeros((max(1, total), 6)),
        np.zeros(max(1, total)),
        np.zeros((K, S)),
        np.zeros(K),
        np.zeros(K),
        np.zeros(world.permit_w.shape[2]),
        np.zeros(world.draw.size),
        np.zeros(2 * S),
    )
