"""The certified bound: recomputed in integers from an instance and prices alone.

MODEL section 6 is the text that this file follows; no engine, no solver, none of their arrays.
`UB = prices x right sides + supplies - fixed load + sum_j best_j`, in nano-USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import Mode, run_ends
from optimizer.errors import PlanError
from optimizer.units import budget_down, nano, nano_per_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import Certificate

__all__ = ["BestColumn", "Bound", "upper_bound"]

Ints = NDArray[np.int64]

LARGEST = 2**62
"""Sums that could pass this are made with Python's integers instead of int64."""


@dataclass(frozen=True, slots=True)
class BestColumn:
    """The best (mode, start) of a job at the prices.

    Attributes
    ----------
    profit
        Its value less all prices [nano-USD]; None where no column is allowed.
    mode, start
        Which it is; -1 where there is none.
    """

    profit: int | None
    mode: int
    start: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A certified bound and what it is made of [nano-USD].

    Attributes
    ----------
    total
        Bound on the objective of every plan; None where a must job has no column at all.
    rows, supply, fixed
        Prices x right sides; what supplies earn above their cost; price of the fixed load.
    best
        For every job its best column; the bound takes max(0, profit) of jobs that may stay out.
    """

    total: int | None
    rows: int
    supply: int
    fixed: int
    best: tuple[BestColumn, ...]


class _World:
    """Right sides and rooms that the bound needs, added up from the instance."""

    def __init__(self, instance: Instance) -> None:
        h = instance.horizon
        self.instance = instance
        self.T = h.periods
        self.called = {name: site.is_called(h) for name, site in instance.sites.items()}
        self.pue = {name: site.pue_milli(h) for name, site in instance.sites.items()}
        self.chips = {
            name: pool.usable(h) * instance.domain_chips(pool)
            for name, pool in instance.pools.items()
        }
        self.fixed = {name: 1000 * site.other_w(h) for name, site in instance.sites.items()}
        for pool in instance.pools.values():
            chips = pool.present(h) * instance.domain_chips(pool)
            idle = instance.chips[pool.chip].idle_w
            self.fixed[pool.site] = self.fixed[pool.site] + self.pue[pool.site] * idle * chips
        self.caps = {
            (name, key): supply.cap_w(h)
            for name, site in instance.sites.items()
            for key, supply in site.supplies.items()
        }
        self.room = {
            name: (1000 * self._supplied(name) - self.fixed[name]) // self.pue[name]
            for name in instance.sites
        }
        self.chips_left = {name: row.copy() for name, row in self.chips.items()}
        for j, job in enumerate(instance.jobs):
            if job.running is not None:
                self._take_away(instance.modes(j)[0])

    def _supplied(self, site: str) -> Ints:
        rows = [cap for (name, _), cap in self.caps.items() if name == site]
        total: Ints = np.sum([np.zeros(self.T, np.int64), *rows], axis=0)
        return total

    def _take_away(self, mode: Mode) -> None:
        """Subtract a running job from what the others may have."""
        stands = self.stands(mode)
        end = int(run_ends(mode.duration, stands, self.T)[0])
        for part in mode.parts:
            site = self.instance.pools[part.pool].site
            self.chips_left[part.pool][:end] -= part.chips
            self.room[site][:end] -= ~stands[:end] * np.int64(part.draw_w - part.idle_w)

    def stands(self, mode: Mode) -> NDArray[np.bool_]:
        """Periods in which a mode would stand still, shape (T,)."""
        still = np.zeros(self.T, bool)
        if mode.pauses:
            for part in mode.parts:
                still |= self.called[self.instance.pools[part.pool].site]
        return still

    def domains(self, pool_name: str) -> Ints:
        """Return the domains that are present, no spares and not in maintenance, shape (T,)."""
        pool, h = self.instance.pools[pool_name], self.instance.horizon
        usable = pool.usable(h)
        if not pool.maintenance:
            return usable
        there = np.arange(int(usable.max()))[:, None] < usable[None, :]
        for (low, high), begin, end in pool.out_of_use(h):
            there[low : high + 1, begin:end] = False
        left: Ints = there.sum(0)
        return left


def upper_bound(instance: Instance, certificate: Certificate) -> Bound:
    """Return the bound that a certificate proves.

    Raises
    ------
    PlanError
        If the certificate names what the instance does not have, or has not T prices somewhere.
    """
    _agrees(instance, certificate)
    world = _World(instance)
    rows = _rows(world, certificate)
    supply, fixed = _supply(world, certificate)
    pricer = _Pricer(world, certificate)
    best = tuple(pricer.best(j) for j in range(len(instance.jobs)))
    total: int | None = rows + supply - fixed
    for job, column in zip(instance.jobs, best, strict=True):
        if job.must or job.running is not None:
            total = None if total is None or column.profit is None else total + column.profit
        elif total is not None:
            total += max(0, column.profit or 0)
    return Bound(total, rows, supply, fixed, best)


def _agrees(instance: Instance, certificate: Certificate) -> None:
    T = instance.horizon.periods
    kind_of = {"chips": "pools", "power": "sites"}
    rounding = [(r.of, kind_of[r.row], r.prices) for r in certificate.rounding]
    named = [(name, "sites", p) for name, p in certificate.power.items()]
    named += [(name, "pools", p) for name, p in certificate.chips.items()]
    named += [(r.pool, "pools", r.prices) for r in certificate.slices] + rounding
    named += [(name, "tenants", p) for name, p in certificate.quotas.items()]
    for name, kind, prices in named:
        if name not in getattr(instance, kind):
            raise PlanError(f"certificate: {name!r} is not among the {kind} of the instance")
        if len(prices) != T:
            raise PlanError(f"certificate: {name!r} has {len(prices)} prices for {T} periods")
    supplies = {f"{s}/{k}": x for s, at in instance.sites.items() for k, x in at.supplies.items()}
    for name in certificate.permits:
        if name not in supplies:
            raise PlanError(f"certificate: {name!r} is not a supply of the instance")
        if supplies[name].permit_watt_periods(instance.horizon) is None:
            raise PlanError(f"certificate: {name!r} has no permit")
    for name in certificate.budgets:
        if name not in instance.budgets:
            raise PlanError(f"certificate: {name!r} is not a budget of the instance")
    for row in certificate.slices:
        if instance.pools[row.pool].domain is None:
            raise PlanError(f"certificate: pool {row.pool!r} has no domains, so no slice rows")
    for tenant in certificate.quotas:
        if instance.tenants[tenant].quota_chips is None:
            raise PlanError(f"certificate: tenant {tenant!r} has no quota")


def _dot(prices: Sequence[int], right: Ints) -> int:
    return sum(p * int(r) for p, r in zip(prices, right, strict=True) if p)


def _rows(world: _World, certificate: Certificate) -> int:
    """Return prices x right sides of all rows but power [nano-USD]."""
    instance = world.instance
    total = sum(_dot(p, world.chips[name]) for name, p in certificate.chips.items())
    for row in certificate.slices:
        per_domain = instance.domain_chips(instance.pools[row.pool]) // row.slice_chips
        total += _dot(row.prices, world.domains(row.pool) * per_domain)
    for cut in certificate.rounding:
        left = world.chips_left[cut.of] if cut.row == "chips" else world.room[cut.of]
        total += _dot(cut.prices, np.maximum(left // cut.divisor, 0))
    for name, prices in certificate.quotas.items():
        total += (instance.tenants[name].quota_chips or 0) * sum(prices)
    for name, price in certificate.budgets.items():
        total += budget_down(instance.budgets[name].limit) * price
    return total


def _supply(world: _World, certificate: Certificate) -> tuple[int, int]:
    """Return what supplies earn, permits included, and the price of the fixed load [nano-USD]."""
    instance, earned, fixed = world.instance, 0, 0
    for (site, key), cap in world.caps.items():
        power = certificate.power.get(site)
        permit = certificate.permits.get(f"{site}/{key}", 0)
        supply = instance.sites[site].supplies[key]
        if permit:
            earned += permit * (supply.permit_watt_periods(instance.horizon) or 0)
        if power is not None:
            cost = supply.cost_nano(instance.horizon, instance.carbon_usd_per_kg)
            earned += sum(
                int(c) * max(0, p - int(k) - permit)
                for c, p, k in zip(cap, power, cost, strict=True)
            )
    for site, power in certificate.power.items():
        fixed += _dot(power, world.fixed[site])
    return earned, fixed // 1000


class _Pricer:
    """Prices of columns: prefix sums over periods, exact."""

    def __init__(self, world: _World, certificate: Certificate) -> None:
        self.world, self.certificate = world, certificate
        self.power = {
            name: np.array(p, object) * world.pue[name].astype(object)
            for name, p in certificate.power.items()
        }
        self.chips = {name: np.array(p, object) for name, p in certificate.chips.items()}
        self.quotas = {name: np.array(p, object) for name, p in certificate.quotas.items()}
        self.slices = {
            pool: [(r.slice_chips, np.array(r.prices, object)) for r in rows]
            for pool, rows in groupby(
                sorted(certificate.slices, key=lambda r: r.pool), lambda r: r.pool
            )
        }
        self.cuts = [(r, np.array(r.prices, object)) for r in certificate.rounding if any(r.prices)]

    def best(self, j: int) -> BestColumn:
        """Return the best column of jobs[j]."""
        job, h = self.world.instance.jobs[j], self.world.instance.horizon
        late = nano_per_period(job.late_usd_per_hour, h.period_hours)
        due = h.periods if job.due is None else h.down(job.due)
        best = BestColumn(None, -1, -1)
        for m, mode in enumerate(self.world.instance.modes(j)):
            stands = self.world.stands(mode)
            ends = run_ends(mode.duration, stands, h.periods)
            starts = self._starts(mode, stands, ends, job.running is not None)
            if not len(starts):
                continue
            profit = self._profit(j, mode, stands, starts, ends[starts], late, due)
            i = int(np.argmax(profit))
            if best.profit is None or int(profit[i]) > best.profit:
                best = BestColumn(int(profit[i]), m, int(starts[i]))
        return best

    def _starts(self, mode: Mode, stands: NDArray[np.bool_], ends: Ints, is_running: bool) -> Ints:
        """Return the allowed starts of a mode."""
        if is_running:
            return np.zeros(1, np.int64)
        world = self.world
        need_w: dict[str, int] = {}
        need_chips: dict[str, int] = {}
        for part in mode.parts:
            site = world.instance.pools[part.pool].site
            need_w[site] = need_w.get(site, 0) + part.draw_w - part.idle_w
            need_chips[part.pool] = need_chips.get(part.pool, 0) + part.chips
        bad = np.zeros(world.T, bool)
        for site, watts in need_w.items():
            bad |= ~stands & (world.room[site] < watts)
        for pool, chips in need_chips.items():
            bad |= world.chips_left[pool] < chips
        before = np.concatenate(([0], np.cumsum(bad)))
        starts = np.arange(world.T)
        fits = (starts >= mode.first) & (ends <= mode.end_by)
        clear = before[np.minimum(ends, world.T)] == before[:-1]
        allowed: Ints = starts[fits & clear]
        return allowed

    def _profit(
        self,
        j: int,
        mode: Mode,
        stands: NDArray[np.bool_],
        starts: Ints,
        ends: Ints,
        late: int,
        due: int,
    ) -> NDArray[np.object_]:
        """Return value less lateness, one-offs and prices for every start [nano-USD]."""
        job = self.world.instance.jobs[j]
        power, other = self._prices(mode, stands, job.tenant, job.running is not None)
        spent = (power[ends] - power[starts]) // 1000 + other[ends] - other[starts]
        spent = spent + late * np.maximum(ends - due, 0).astype(object)
        if mode.restart_nano and stands.any():
            calls = np.concatenate(([0], np.cumsum(stands)))
            spent = spent + mode.restart_nano * (calls[ends] > calls[starts])
        used = sum(self.certificate.budgets.get(name, 0) * x for name, x in mode.uses)
        result: NDArray[np.object_] = nano(job.value_usd) - mode.one_off_nano - used - spent
        return result

    def _prices(
        self, mode: Mode, stands: NDArray[np.bool_], tenant: str | None, is_running: bool
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return prefix sums of a mode's price of power (x 1000) and of all other rows, (T+1,)."""
        world, T = self.world, self.world.T
        power, other = np.zeros(T, object), np.zeros(T, object)
        cut_w: dict[str, int] = {}
        cut_chips: dict[str, int] = {}
        for part in mode.parts:
            site, net = world.instance.pools[part.pool].site, part.draw_w - part.idle_w
            cut_w[site] = cut_w.get(site, 0) + net
            cut_chips[part.pool] = cut_chips.get(part.pool, 0) + part.chips
            if site in self.power:
                power = power + self.power[site] * net
            if part.pool in self.chips:
                other = other + self.chips[part.pool] * part.chips
            for q, prices in self.slices.get(part.pool, ()):
                other = other + prices * (part.slices * (part.slice_chips // q))
        if tenant in self.quotas:
            other = other + self.quotas[tenant] * mode.chips
        works = (~stands).astype(object)
        for cut, prices in () if is_running else self.cuts:
            amount = (cut_chips if cut.row == "chips" else cut_w).get(cut.of, 0) // cut.divisor
            if amount:
                other = other + prices * (amount * (1 if cut.row == "chips" else works))
        return _prefix(power * works), _prefix(other)


def _prefix(row: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return prefix sums with a leading 0, as int64 where nothing can overflow."""
    if sum(int(x) for x in row) < LARGEST:
        row = row.astype(np.int64)
    return np.concatenate(([0], np.cumsum(row)))
