"""Operation of a market in a period, all its blocks at once: where batteries are charged.

Sets        blocks b of a day; sites s of the market; kinds c, parts j of sources, batteries i among
            them; demands k, tenants x
Parameters  share[b] of the hours; keep[i] what of a charge is given; mean[i] MW given on average
            over a day, at most
Variables   run[b,c] MW at the meter on a kind, gen[b,j] MW for the site's own load, free[b,j] MW
            for tenants, charge[b,i] MW, serve[b,k,s] thousands of units, let[b,x] MW of IT
Objective   min sum_b share[b] (sum cost gen - sum worth serve - sum worth let)      [USD an hour]
Rules       power    sum run + sum charge + other <= sum gen;   pue sum let <= sum free
            cap      gen + free <= cap;   sum (gen + free) of a permit <= permit
            hall     sum run / pue + sum let <= hall
            made     sum_k serve <= sum compute run;   demand  sum_s serve <= volume
            storage  sum_b share (gen + free) <= keep sum_b share charge, and <= mean
run, charge and let have bounds. Its optimum is that of the best charging, operated by merit order;
its duals are the slopes that cuts are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.model import Affine, Model, to_highs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.engines.records import Found, Given, World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Terms = list[tuple[int, float]]
"""Factors on columns."""

__all__ = ["Duals", "Market"]

MEGA = 1e-6
"""W in MW."""

THOUSAND = 1e-3
"""Units of compute in thousands of units."""

EXACT = 1e-9
"""By how much rows may be missed [MW]: a thousandth of a watt."""


@dataclass
class Duals:
    """What solutions of one market leave behind: by future and period, duals and right sides."""

    f: list[int] = field(default_factory=list)
    t: list[int] = field(default_factory=list)
    rows: list[Floats] = field(default_factory=list)
    columns: list[Floats] = field(default_factory=list)
    sides: list[Floats] = field(default_factory=list)

    def note(self, f: int, t: int, solution: Any, sides: Floats) -> None:
        """Take the duals of a solution."""
        self.f.append(f)
        self.t.append(t)
        self.rows.append(np.array(solution.row_dual))
        self.columns.append(np.array(solution.col_dual))
        self.sides.append(sides)


class Market:
    """The linear program of a market while the PUE of each of its sites is one number.

    Attributes
    ----------
    at : (T,)
        In which periods that is so.
    batteries
        Its batteries, by their numbers in `Arrays.batteries`.
    """

    def __init__(self, arrays: Arrays, sites: list[int], pue: Floats) -> None:
        self.arrays, self.sites, self.pue = arrays, sites, pue
        world, growth = arrays.world, arrays.growth
        self.share = np.array(growth.share_ppm) / 1e6
        self.at: NDArray[np.bool_] = (world.pue[:, sites] == pue).all(1)
        self.stocks = _between(world.stock_ptr, sites)
        self.sources = _between(world.source_ptr, sites)
        self.site_of = dict(self.sources)
        take = world.take
        shares = (
            (j, n, take[j] if n == 0 else 1.0 - take[j]) for j, _ in self.sources for n in (0, 1)
        )
        self.parts = [(j, n) for j, n, share in shares if share > 0]
        self.batteries = [i for i, j in enumerate(arrays.batteries) if j in self.site_of]
        self.pairs = [(k, s) for k in range(len(world.may)) for s in sites if world.may[k, s]]
        self.demands = sorted({k for k, _ in self.pairs})
        self.tenants = [x for x, s in enumerate(world.lease_site.tolist()) if s in sites]
        self.permits = sorted({
            (s, int(world.permit[j])) for j, s in self.sources if world.permit[j] >= 0
        })  # fmt: skip
        self.model = Model("market")
        self._add_columns()
        self._add_rows()
        self.add_storage()
        self.solver: Any = to_highs(self.model)
        for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
            self.solver.setOptionValue(name, EXACT)

    # ---- columns and rows -----------------------------------------------------------------------

    def _columns(self, word: str, count: int) -> Ints:
        names = [f"{word}_{b}_{i}" for b in range(self.arrays.B) for i in range(count)]
        found = np.array([self.model.column(name) for name in names], np.int64)
        return found.reshape(self.arrays.B, count)

    def _add_columns(self) -> None:
        self.run = self._columns("run", len(self.stocks))
        self.gen = self._columns("gen", len(self.parts))
        self.free = self._columns("free", len(self.parts))
        self.charge = self._columns("charge", len(self.batteries))
        self.serve = self._columns("serve", len(self.pairs))
        self.let = self._columns("let", len(self.tenants))
        let_at = {int(self.arrays.world.lease_site[x]) for x in self.tenants}
        idle = [p for p, (j, _) in enumerate(self.parts) if self.site_of[j] not in let_at]
        for column in self.free[:, idle].ravel().tolist():
            self.model.high[column] = 0.0

    def _row(self, word: str, terms: Terms) -> int:
        """Add the row terms <= 0, whose right side is set later; return its number."""
        row = Affine()
        for column, factor in terms:
            row.add(int(column), factor)
        self.model.rows.append((word, row.factors, -inf, 0.0))
        return len(self.model.rows) - 1

    def _rows(self, word: str, make: Callable[[int, Any], Terms], over: Sequence[Any]) -> Ints:
        """Add rows by block, one for each of some things; return their numbers."""
        blocks = range(self.arrays.B)
        found = [
            self._row(f"{word}_{b}_{i}", make(b, x)) for b in blocks for i, x in enumerate(over)
        ]
        return np.array(found, np.int64).reshape(self.arrays.B, len(over))

    def _add_rows(self) -> None:
        self.power = self._rows("power", self._own, self.sites)
        self._rows("theirs", self._theirs, self.sites)
        self.hall = self._rows("hall", self._hall, self.sites)
        self._rows("made", self._made, self.sites)
        self.demand = self._rows("demand", self._wanted, self.demands)
        self.cap = self._rows("cap", self._given, [[p] for p in range(len(self.parts))])
        self.permit = self._rows("permit", self._given, [self._under(*x) for x in self.permits])

    def _at(self, s: int) -> list[int]:
        """Return the parts of a site's sources."""
        return [p for p, (j, _) in enumerate(self.parts) if self.site_of[j] == s]

    def _under(self, s: int, permit: int) -> list[int]:
        own = self.arrays.world.permit
        return [p for p in self._at(s) if own[self.parts[p][0]] == permit]

    def _own(self, b: int, s: int) -> Terms:
        """run + charge - gen <= - other."""
        terms = [(self.run[b, i], 1.0) for i, (_, at) in enumerate(self.stocks) if at == s]
        terms += [
            (self.charge[b, n], 1.0) for n, i in enumerate(self.batteries) if self._site(i) == s
        ]
        return terms + [(self.gen[b, p], -1.0) for p in self._at(s)]

    def _site(self, battery: int) -> int:
        return self.site_of[self.arrays.batteries[battery]]

    def _pue(self, s: int) -> float:
        return float(self.pue[self.sites.index(s)])

    def _lets(self, b: int, s: int, factor: float) -> Terms:
        site = self.arrays.world.lease_site
        return [(self.let[b, n], factor) for n, x in enumerate(self.tenants) if site[x] == s]

    def _theirs(self, b: int, s: int) -> Terms:
        """pue let - free <= 0."""
        return [*self._lets(b, s, self._pue(s)), *((self.free[b, p], -1.0) for p in self._at(s))]

    def _hall(self, b: int, s: int) -> Terms:
        """run / pue + let <= hall."""
        per = 1.0 / self._pue(s)
        own = [(self.run[b, i], per) for i, (_, at) in enumerate(self.stocks) if at == s]
        return own + self._lets(b, s, 1.0)

    def _made(self, b: int, s: int) -> Terms:
        """serve - compute run <= 0."""
        world = self.arrays.world
        per = world.unit / world.draw / self._pue(s) * THOUSAND / MEGA
        own = [(self.run[b, i], -float(per[c])) for i, (c, at) in enumerate(self.stocks) if at == s]
        return own + [(self.serve[b, q], 1.0) for q, (_, at) in enumerate(self.pairs) if at == s]

    def _wanted(self, b: int, k: int) -> Terms:
        """sum of serve <= volume."""
        return [(self.serve[b, q], 1.0) for q, (own, _) in enumerate(self.pairs) if own == k]

    def _given(self, b: int, parts: list[int]) -> Terms:
        """gen + free <= cap, or permit."""
        return [(row[b, p], 1.0) for p in parts for row in (self.gen, self.free)]

    def add_storage(self) -> None:
        """share (gen + free) - keep share charge <= 0; share (gen + free) <= mean."""
        mean = []
        for n, i in enumerate(self.batteries):
            j = self.arrays.batteries[i]
            store = self.arrays.store(i)
            given: Terms = []
            for b, share in enumerate(self.share.tolist()):
                given += [(c, share) for c, _ in self._given(b, [self.parts.index((j, 1))])]
            taken = [(int(c), -store.efficiency_ppm / 1e6 * float(x))
                     for c, x in zip(self.charge[:, n], self.share, strict=True)]  # fmt: skip
            self._row(f"storage_{i}", given + taken)
            mean.append(self._row(f"mean_{i}", given))
        self.mean = np.array(mean, np.int64)

    # ---- numbers --------------------------------------------------------------------------------

    def costs(self, world: World, f: int) -> Floats:
        """Return what columns cost in a future, shape (T, columns) [USD an hour]."""
        out = np.zeros((self.arrays.T, len(self.model.names)))
        for b, share in enumerate(self.share):
            for p, (j, part) in enumerate(self.parts):
                price = world.carbon[:, j] + part * world.price[f, :, b, j]
                out[:, self.gen[b, p]] = price * share / MEGA
            for q, (k, _) in enumerate(self.pairs):
                out[:, self.serve[b, q]] = -world.worth[f, :, k] * share / THOUSAND
            for n, x in enumerate(self.tenants):
                out[:, self.let[b, n]] = -world.lease_worth[:, x] * share / MEGA
        return out

    def bounds(self, world: World, given: Given, f: int) -> Floats:
        """Return the upper bounds of columns, shape (T, columns)."""
        out = np.tile(np.array(self.model.high), (self.arrays.T, 1))
        for i, (c, s) in enumerate(self.stocks):
            there = given.there[f, :, c] * world.draw[c] * self._pue(s) * MEGA
            out[:, self.run[:, i]] = there[:, None]
        for n, i in enumerate(self.batteries):
            cap = given.cap[f, :, :, self.arrays.batteries[i]]
            out[:, self.charge[:, n]] = cap * self.arrays.store_shares[i][0] * MEGA
        for n, x in enumerate(self.tenants):
            out[:, self.let[:, n]] = world.lease_w[f, :, x][:, None] * MEGA
        return out

    def sides(self, world: World, given: Given, f: int) -> Floats:
        """Return the right sides of rows, shape (T, rows)."""
        out = np.zeros((self.arrays.T, len(self.model.rows)))
        for i, s in enumerate(self.sites):
            out[:, self.power[:, i]] = -world.other[:, s][:, None] * MEGA
            out[:, self.hall[:, i]] = given.hall[f, :, s][:, None] * MEGA
        for i, k in enumerate(self.demands):
            out[:, self.demand[:, i]] = world.volume[f, :, :, k] * THOUSAND
        for p, (j, part) in enumerate(self.parts):
            cap = given.cap[f, :, :, j]
            taken = np.floor(cap * world.take[j] + 1e-6)
            out[:, self.cap[:, p]] = (cap - taken if part else taken) * MEGA
        for i, (_, x) in enumerate(self.permits):
            out[:, self.permit[:, i]] = world.permit_w[f, :, x][:, None] * MEGA
        for n, i in enumerate(self.batteries):
            cap = given.cap[f, :, 0, self.arrays.batteries[i]]
            out[:, self.mean[n]] = cap * self.arrays.store_shares[i][1] * MEGA
        return out

    # ---- solutions ------------------------------------------------------------------------------

    def solve(self, costs: Floats, bounds: Floats, sides: Floats) -> Any:
        """Return the solution of one period.

        Raises
        ------
        RuntimeError
            If the engine ends without one: zero solves it wherever other load is met.
        """
        n, m = len(costs), len(sides)
        self.solver.changeColsCost(n, np.arange(n, dtype=np.int32), costs)
        self.solver.changeColsBounds(n, np.arange(n, dtype=np.int32), np.zeros(n), bounds)
        self.solver.changeRowsBounds(m, np.arange(m, dtype=np.int32), np.full(m, -inf), sides)
        for _ in range(2):
            self.solver.run()
            status = self.solver.getModelStatus()
            if status == type(status).kOptimal:
                return self.solver.getSolution()
            self.solver.clearSolver()  # once more, from nothing
        raise RuntimeError(f"operation with storage ends as {status}")

    def given(self, values: Floats) -> tuple[Floats, Floats]:
        """Return what batteries are charged with and give, shape (B, batteries) [W]."""
        at = [self.parts.index((self.arrays.batteries[i], 1)) for i in self.batteries]
        out = values[self.gen[:, at]] + values[self.free[:, at]]
        return values[self.charge] / MEGA, out / MEGA

    def slopes(self, found: Found, world: World, duals: Duals) -> None:
        """Put duals where cuts look for the slopes of merit order."""
        f, t = np.array(duals.f), np.array(duals.t)
        hours, sides = world.hours.sum(1)[t][:, None], np.array(duals.sides)
        gain = hours * np.maximum(0.0, -np.array(duals.rows))
        more = hours * np.maximum(0.0, -np.array(duals.columns))
        for i, s in enumerate(self.sites):
            found.by_hall[f, t, s] = gain[:, self.hall[:, i]].sum(1) * MEGA
            found.fixed[f, t, s] = (gain * sides)[:, self.power[:, i]].sum(1)
        for i, (s, _) in enumerate(self.permits):
            found.fixed[f, t, s] += (gain * sides)[:, self.permit[:, i]].sum(1)
        for i, (c, s) in enumerate(self.stocks):
            each = world.draw[c] * self._pue(s) * MEGA
            found.by_stock[f, t, c] = more[:, self.run[:, i]].sum(1) * each
        for i, k in enumerate(self.demands):
            found.by_volume[f, t, :, k] = gain[:, self.demand[:, i]] * THOUSAND
        for n, x in enumerate(self.tenants):
            found.by_lease[f, t, x] = more[:, self.let[:, n]].sum(1) * MEGA
        for j, _ in self.sources:
            found.by_cap[f, t, :, j] = 0.0
        for p, (j, part) in enumerate(self.parts):
            share = world.take[j] if part == 0 else 1.0 - world.take[j]
            found.by_cap[f, t, :, j] += share * gain[:, self.cap[:, p]] * MEGA
        for n, i in enumerate(self.batteries):  # a unit more gives, is charged and holds more
            j, (taken, mean) = self.arrays.batteries[i], self.arrays.store_shares[i]
            found.by_cap[f, t, :, j] += more[:, self.charge[:, n]] * taken * MEGA
            found.by_cap[f, t, 0, j] += gain[:, self.mean[n]] * mean * MEGA


def _between(ptr: Ints, sites: list[int]) -> list[tuple[int, int]]:
    """Return (number, site) of what stands at sites."""
    return [(i, s) for s in sites for i in range(int(ptr[s]), int(ptr[s + 1]))]
