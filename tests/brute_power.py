"""The cheapest service of a site: merit order, or linear programming with batteries and peaks.

Watts are continuous in the linear program, so its cost is a limit that no plan in whole watts
undercuts; `slack` says by how much such a plan may miss it. The text is MODEL section 6; nothing of
the package is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linprog

if TYPE_CHECKING:
    from stranger import Data, World

__all__ = ["Service", "cheapest_dispatch", "cheapest_service", "is_special", "least_cost", "slack"]

Service = tuple[dict[str, list[int]], dict[str, list[int]]]
"""Dispatch and charge by supply, in whole watts."""

WATTS = 16
"""Whole watts cost at most so many more in every period, and at the peak, than continuous ones."""


def cheapest_dispatch(world: World, site: str, demand_w: list[int]) -> dict[str, list[int]] | None:
    """Return W of each supply and period at least cost; None if the demand cannot be met.

    At a site with a battery or a demand charge: as if it held any energy, and peaks were free.
    One supply of a site may have a permit. What it saves in a period falls with every watt, so the
    permit goes to the largest savings first.
    """
    supplies = {name: s for (at, name), s in world.supplies.items() if at == site}
    limited = [name for name, s in supplies.items() if s.permit is not None]
    if len(limited) > 1:
        raise ValueError("brute force takes one permit a site")
    out = {name: [0] * world.periods for name in supplies}
    short = []
    for t, demand in enumerate(demand_w):
        others = [name for name in supplies if name not in limited]
        short.append(demand - _merit(supplies, others, t, demand, out))
    if not limited:
        return None if any(short) else out
    own = supplies[limited[0]]
    left = (own.permit or 0) - sum(short)
    if left < 0 or any(x > cap for x, cap in zip(short, own.cap_w, strict=True)):
        return None
    out[limited[0]] = short
    swaps = [
        (supply.energy[t] - own.energy[t], t, name)
        for name, supply in supplies.items()
        for t in range(world.periods)
        if name != limited[0]
    ]
    for saving, t, name in sorted(swaps, reverse=True):
        if saving > 0:
            moved = min(left, out[name][t], own.cap_w[t] - out[limited[0]][t])
            out[name][t] -= moved
            out[limited[0]][t] += moved
            left -= moved
    return out


def _merit(supplies: Data, names: list[str], t: int, demand: int, out: dict[str, list[int]]) -> int:
    """Serve a demand from the cheapest supplies; return how much was served."""
    served = 0
    for name in sorted(names, key=lambda k: supplies[k].energy[t]):
        out[name][t] = min(supplies[name].cap_w[t], demand - served)
        served += out[name][t]
    return served


def is_special(world: World, site: str) -> bool:
    """Return whether a site has a battery or a demand charge."""
    return any(x.battery or x.demand for (at, _), x in world.supplies.items() if at == site)


def slack(world: World) -> int:
    """Return what whole watts may cost more than continuous ones [nano-USD]."""
    total = 0
    for (site, _), x in world.supplies.items():
        if is_special(world, site):
            total += WATTS * (sum(x.energy) + x.demand)
    return total


def least_cost(world: World, site: str, demand_w: list[int]) -> int | None:
    """Return what serving a load costs at least [nano-USD]; None if it cannot be served."""
    found = _solved(world, site, demand_w, 0)
    return None if found is None else round(found[0])


def cheapest_service(world: World, site: str, demand_w: list[int]) -> Service | None:
    """Return a service in whole watts: the cheapest with a margin for rounding, then rounded."""
    found = _solved(world, site, demand_w, 1)
    return None if found is None else (found[1], found[2])


class _Program:
    """Rows of the linear program of one site; variables: give and take by supply, then peaks."""

    def __init__(self, world: World, site: str) -> None:
        self.supplies = {name: x for (at, name), x in world.supplies.items() if at == site}
        self.T, n = world.periods, len(self.supplies)
        self.give = {name: i * self.T for i, name in enumerate(self.supplies)}
        self.take = {name: (n + i) * self.T for i, name in enumerate(self.supplies)}
        self.size = 2 * n * self.T + n
        self.cost, self.most = np.zeros(self.size), np.zeros(self.size)
        self.rows: list[np.ndarray[Any, Any]] = []
        self.right: list[float] = []

    def limit(self, entries: dict[int, float], at_most: float) -> None:
        """Add a row."""
        row = np.zeros(self.size)
        for i, factor in entries.items():
            row[i] += factor
        self.rows.append(row)
        self.right.append(at_most)

    def add_supply(self, name: str, number: int, margin: int) -> None:
        """Add what limits one supply."""
        x, T, give = self.supplies[name], self.T, self.give[name]
        peak = 2 * len(self.supplies) * T + number
        self.cost[give : give + T], self.most[give : give + T] = x.energy, x.cap_w
        self.cost[peak], self.most[peak] = x.demand, max(x.cap_w)
        for t in range(T) if x.demand else ():
            self.limit({give + t: 1, peak: -1}, 0)
        if x.permit is not None:
            self.limit({give + t: 1 for t in range(T)}, x.permit - margin * T)
        if x.battery is None:
            return
        b, take, flow = x.battery, self.take[name], dict[int, float]()
        self.most[take : take + T] = b.most_w
        room = margin * T * (b.added + b.taken)
        for t in range(T):
            flow |= {take + t: b.added / 1000, give + t: -b.taken / 1000}
            least = b.start if t == T - 1 else 0
            self.limit(flow, (b.full - b.start - room) / 1000)
            self.limit({i: -f for i, f in flow.items()}, (b.start - least - room) / 1000)


def _solved(world: World, site: str, demand_w: list[int], margin: int) -> Any:
    """Return cost, dispatch and charge; every limit is tighter by `margin` x what rounding does."""
    p = _Program(world, site)
    for number, name in enumerate(p.supplies):
        p.add_supply(name, number, margin)
    for t, demand in enumerate(demand_w):
        row = {i + t: -1.0 for i in p.give.values()} | {i + t: 1.0 for i in p.take.values()}
        p.limit(row, -demand - margin * len(p.supplies) if demand else 0)
    unit = max(1.0, float(p.most.max()))
    bounds = np.stack([np.zeros(p.size), p.most / unit], axis=1)
    found = linprog(p.cost, np.array(p.rows), np.array(p.right) / unit, bounds=bounds)
    if found.status != 0:
        return None
    whole = [round(v * unit) for v in found.x]
    given = {name: whole[i : i + p.T] for name, i in p.give.items()}
    taken = {k: whole[i : i + p.T] for k, i in p.take.items() if p.supplies[k].battery}
    return found.fun * unit, given, taken
