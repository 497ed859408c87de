"""The optimum of a tiny mix: every fleet enumerated, the use of each by a linear programme.

The millionth that may be missing of what must be served is left to rounding: it is not used here.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from stranger_mix_world import MIO, MixWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stranger_series import Data

Fleet = dict[tuple[str, str], int]


def optimum(data: Data, goal: str) -> float | None:
    """Return the best objective [USD, or weight]; None where there is no plan."""
    world = MixWorld(data)
    sign = 1.0 if goal == "cost" else -1.0
    found = [x for fleet in _fleets(world) if (x := _Use(world, fleet, goal).best()) is not None]
    return sign * min(found) if found else None


def _fleets(w: MixWorld) -> Iterator[Fleet]:
    keys = [(name, site) for name, o in w.offers.items() for site in o.sites]
    spans = [range(max(p.most for p in w.offers[o].prices) + 1) for o, _ in keys]
    for counts in product(*spans):
        fleet = dict(zip(keys, counts, strict=True))
        if _is_legal(w, fleet):
            yield fleet


def _is_legal(w: MixWorld, fleet: Fleet) -> bool:
    total = {name: sum(n for (o, _), n in fleet.items() if o == name) for name in w.offers}
    sold = [(w.offers[k], w.offers[k].price(n), n) for k, n in total.items() if n]
    if any(not p.least <= n <= p.most for _, p, n in sold):
        return False
    if w.capex is not None and sum(p.up_cash * n for _, p, n in sold) > w.capex:
        return False
    spent = {v: sum(o.committed(p) * n for o, p, n in sold if o.vendor == v) for v in w.share}
    every = sum(o.committed(p) * n for o, p, n in sold)
    if any(spent[v] * MIO > ppm * every for v, ppm in w.share.items()):
        return False
    for f in w.F:
        for chip, row in w.supply.items():
            if sum(o.chips * n for o, _, n in sold if o.chip == chip and o.delivered[f]) > row[f]:
                return False
        for site, room in w.room.items():
            own = [s for s in w.stocks if s[0] == site]
            racks = sum(w.racks[s[1]] * (w.present[s][f] + _new(w, fleet, s, f)) for s in own)
            if racks > room:
                return False
    return True


def _new(w: MixWorld, fleet: Fleet, stock: tuple[str, str], f: int) -> int:
    return sum(
        n
        for (name, site), n in fleet.items()
        if site == stock[0] and w.offers[name].kind == stock[1] and w.offers[name].there[f]
    )


class _Use:
    """The linear programme of a fleet's use."""

    def __init__(self, w: MixWorld, fleet: Fleet, goal: str) -> None:
        self.w, self.fleet, self.goal = w, fleet, goal
        self.cost: list[float] = []
        self.most: list[float | None] = []
        self.rows: list[tuple[dict[int, float], float]] = []
        self.fixed = 0.0
        self.given: list[tuple[int, list[int]]] = []
        self.cash: dict[int, dict[int, float]] = {}
        self.paid: dict[int, float] = dict.fromkeys(range(w.phases[-1].year + 1), 0.0)

    def best(self) -> float | None:
        """Return what is minimised, or None."""
        self._fleet()
        for f in self.w.F:
            self._phase(f)
        for year, limit in enumerate(self.w.cash or ()):
            self.rows.append((self.cash.get(year, {}), limit / 1e9 - self.paid[year]))
        if self.w.floor is not None:
            self.rows.append((self.useful, self.counted - self.w.floor / 1e9 * (1 + 1e-6)))
        A = np.zeros((len(self.rows), len(self.cost)))
        for i, (row, _) in enumerate(self.rows):
            for j, a in row.items():
                A[i, j] = a
        b = np.array([right for _, right in self.rows])
        if not self.cost:
            return self.fixed if (b >= -1e-9).all() else None
        bounds = [(0, most) for most in self.most]
        tight = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        done = linprog(self.cost, A_ub=A, b_ub=b, bounds=bounds, options=tight)
        return float(done.fun) + self.fixed if done.status == 0 else None

    def _column(self, cost: float, most: float | None, year: int = 0, cash: float = 0.0) -> int:
        self.cost.append(cost)
        self.most.append(most)
        if cash:
            self.cash.setdefault(year, {})[len(self.cost) - 1] = cash
        return len(self.cost) - 1

    def _fleet(self) -> None:
        """What is paid whatever is done."""
        w = self.w
        self.useful: dict[int, float] = {}
        self.counted = 0.0
        self.is_money = float(self.goal != "work")
        self.price = {}
        for name, o in w.offers.items():
            count = sum(n for (k, _), n in self.fleet.items() if k == name)
            self.price[name] = p = o.price(count)
            self.fixed += self.is_money * count * (p.up_cost + sum(p.keep_cost)) / 1e9
            self.paid[o.year] += count * p.up_cash / 1e9
            for f, phase in enumerate(w.phases):
                sure = count * o.pay / MIO
                self.fixed += self.is_money * sure * p.rent_cost[f] / 1e9
                self.paid[phase.year] += (count * p.keep_cash[f] + sure * p.rent_cash[f]) / 1e9

    def _phase(self, f: int) -> None:
        w, year = self.w, self.w.phases[f].year
        made: dict[str, dict[int, float]] = {k: {} for k in w.demand}
        for site, (pue, other, supplies) in ((s, rows[f]) for s, rows in w.site.items()):
            power: dict[int, float] = {}
            right = -other / 1e6
            for cap, cost, cash in supplies:
                x = self._column(self.is_money * cost / 1e3, cap / 1e6, year, cash / 1e3)
                power[x] = -1.0
            self.given.append((f, list(power)))
            for stock in (s for s in w.stocks if s[0] == site):
                new = _new(w, self.fleet, stock, f)
                usable = w.owned[stock][f] + new
                right -= pue / 1e9 * w.idle[stock[1]] * (w.present[stock][f] + new)
                there: dict[int, float] = {}
                for way in w.ways:
                    if way.key[1:3] == stock and way.needs <= usable:
                        x = self._column(0.0, None)
                        power[x] = pue / 1e9 * (way.draw - w.idle[stock[1]])
                        there[x] = 1.0
                        made[way.key[0]][x] = way.work[f] / MIO
                self.rows.append((there, self._hours(stock, f, there)))
            self.rows.append((power, right))
        if w.power is not None:
            each = {x: 1.0 for at, xs in self.given if at == f for x in xs}
            self.rows.append((each, w.power[f] / 1e6))
        for name, row in made.items():
            self._serve(name, f, row)

    def _hours(self, stock: tuple[str, str], f: int, there: dict[int, float]) -> float:
        """Add hours that need not be paid; return the domains that may work without them."""
        w, sure = self.w, float(self.w.owned[stock][f])
        for name, o in w.offers.items():
            n = self.fleet.get((name, stock[0]), 0)
            if n and o.kind == stock[1] and o.there[f]:
                p, pay = self.price[name], o.pay / MIO
                sure += n * pay
                if o.pay < MIO:
                    cost, cash = p.rent_cost[f] / 1e9, p.rent_cash[f] / 1e9
                    year = w.phases[f].year
                    there[self._column(self.is_money * cost, n * (1 - pay), year, cash)] = -1.0
        return sure

    def _serve(self, name: str, f: int, made: dict[int, float]) -> None:
        wanted, may, value, weight = self.w.demand[name]
        worth = (weight if self.goal == "work" else value) / 1e9
        if wanted is None:
            x = self._column(0.0 if self.goal == "cost" else -worth, None)
            self.rows.append(({j: -a for j, a in made.items()} | {x: 1.0}, 0.0))
            self.useful[x] = -weight / 1e9
            return
        strict = may[f] if may[f] == wanted[f] else may[f] - wanted[f] // MIO
        lack = self._column(worth, strict / MIO)
        self.rows.append(({j: -a for j, a in made.items()} | {lack: -1.0}, -wanted[f] / MIO))
        self.useful[lack] = weight / 1e9
        self.counted += weight / 1e9 * wanted[f] / MIO
        if self.goal != "cost":
            self.fixed -= worth * wanted[f] / MIO
