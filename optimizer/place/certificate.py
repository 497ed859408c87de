"""The certified bound: recomputed in integers from an instance and prices alone.

MODEL section 6 is the text that this file follows; no engine, no solver, none of their arrays.
`UB = prices x right sides + supplies - fixed load + sum_j best_j`, in nano-USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import PlanError
from optimizer.place.bound.columns import best_of_jobs
from optimizer.place.bound.covers import most_that_fits, spread_out
from optimizer.place.bound.power import fixed_cost, supply_worth
from optimizer.place.bound.world import Ints, World
from optimizer.units import budget_down, nano

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from optimizer.place.bound.pricer import BestColumn
    from optimizer.place.plan import Certificate

__all__ = ["Bound", "upper_bound"]


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


def upper_bound(
    instance: Instance, certificate: Certificate, values: Sequence[int] | None = None
) -> Bound:
    """Return the bound that a certificate proves.

    Parameters
    ----------
    values
        What each job is worth [nano-USD], where it is not its value.

    Raises
    ------
    PlanError
        If the certificate names what the instance does not have, or has not T prices somewhere.
    """
    _agrees(instance, certificate)
    world = World(instance)
    rows = _rows(world, certificate)
    supply = sum(supply_worth(world, certificate).values())
    fixed = fixed_cost(world, certificate)
    worth = [nano(job.value_usd) for job in instance.jobs] if values is None else values
    best = best_of_jobs(world, certificate, worth)
    total: int | None = rows + supply - fixed
    for job, column in zip(instance.jobs, best, strict=True):
        if job.must or job.running is not None:
            total = None if total is None or column.profit is None else total + column.profit
        elif total is not None:
            total += max(0, column.profit or 0)
    return Bound(total, rows, supply, fixed, best)


def _agrees(instance: Instance, certificate: Certificate) -> None:
    T = instance.horizon.periods
    named = [(name, "sites", p) for name, p in certificate.power.items()]
    named += [(name, "pools", p) for name, p in certificate.chips.items()]
    named += [(r.pool, "pools", r.prices) for r in certificate.slices]
    named += [(name, "tenants", p) for name, p in certificate.quotas.items()]
    kind_of = {"chips": "pools", "power": "sites", "quota": "tenants"}
    named += [(r.of, kind_of[r.row], r.prices) for r in certificate.rounding]
    named += [(r.of, kind_of[r.row], spread_out(r, T)) for r in certificate.covers]
    for name, kind, prices in named:
        if name not in getattr(instance, kind):
            raise PlanError(f"certificate: {name!r} is not among the {kind} of the instance")
        if len(prices) != T:
            raise PlanError(f"certificate: {name!r} has {len(prices)} prices for {T} periods")
    _agrees_on_supplies(instance, certificate)
    if certificate.moves is not None and instance.moves is None:
        raise PlanError("certificate: no job of the instance may be moved")
    for group, prices_at in certificate.spread.items():
        if group not in instance.spreads:
            raise PlanError(f"certificate: {group!r} is not among the spreads of the instance")
        for name in prices_at:
            if name not in instance.sites:
                raise PlanError(f"certificate: {name!r} is not among the sites of the instance")
    waits = {job.id: job.predecessors for job in instance.jobs}
    for name, by_predecessor in certificate.precedence.items():
        for before in by_predecessor:
            if before not in waits.get(name, ()):
                raise PlanError(f"certificate: job {name!r} does not wait for {before!r}")
    for name in certificate.budgets:
        if name not in instance.budgets:
            raise PlanError(f"certificate: {name!r} is not a budget of the instance")
    _agrees_on_lumps(instance, certificate)


def _agrees_on_lumps(instance: Instance, certificate: Certificate) -> None:
    for row in certificate.slices:
        if instance.pools[row.pool].domain is None:
            raise PlanError(f"certificate: pool {row.pool!r} has no domains, so no slice rows")
    tenants = list(certificate.quotas)
    tenants += [r.of for r in certificate.rounding if r.row == "quota"]
    tenants += [r.of for r in certificate.covers if r.row == "quota"]
    for tenant in tenants:
        if instance.tenants[tenant].quota_chips is None:
            raise PlanError(f"certificate: tenant {tenant!r} has no quota")
    stays = {job.id: instance.has_to_stay(j) for j, job in enumerate(instance.jobs)}
    for cover in certificate.covers:
        for item in cover.items:
            if stays.get(item.job, True):
                raise PlanError(f"certificate: no job {item.job!r} of the instance may be placed")


def _agrees_on_supplies(instance: Instance, certificate: Certificate) -> None:
    T = instance.horizon.periods
    supplies = {f"{s}/{k}": x for s, at in instance.sites.items() for k, x in at.supplies.items()}
    for name in certificate.permits:
        if name not in supplies:
            raise PlanError(f"certificate: {name!r} is not a supply of the instance")
        if supplies[name].permit_watt_periods(instance.horizon) is None:
            raise PlanError(f"certificate: {name!r} has no permit")
    for name, prices in certificate.batteries.items():
        if name not in supplies or supplies[name].storage is None:
            raise PlanError(f"certificate: {name!r} is not a battery of the instance")
        if len(prices) != T:
            raise PlanError(f"certificate: {name!r} has {len(prices)} prices for {T} periods")


def _dot(prices: Sequence[int], right: Ints) -> int:
    return sum(p * int(r) for p, r in zip(prices, right, strict=True) if p)


def _rows(world: World, certificate: Certificate) -> int:
    """Return prices x right sides of all rows but power [nano-USD]."""
    instance = world.instance
    total = sum(_dot(p, world.chips[name]) for name, p in certificate.chips.items())
    for row in certificate.slices:
        pool = instance.pools[row.pool]
        per_domain = instance.domain_chips(pool) // row.slice_chips
        total += _dot(row.prices, pool.in_service(instance.horizon) * per_domain)
    for cut in certificate.rounding:
        total += _dot(cut.prices, np.maximum(world.left(cut.row, cut.of) // cut.divisor, 0))
    for each in certificate.covers:
        rooms = world.left(each.row, each.of)[each.begin : each.begin + len(each.prices)]
        total += _dot(each.prices, most_that_fits(each.items, rooms))
    for name, prices in certificate.quotas.items():
        total += (instance.tenants[name].quota_chips or 0) * sum(prices)
    for name, price in certificate.budgets.items():
        total += budget_down(instance.budgets[name].limit) * price
    if instance.moves is not None:
        total += instance.moves.at_most * (certificate.moves or 0)
    for group, prices_at in certificate.spread.items():
        total += instance.most_at_a_site[group] * sum(prices_at.values())
    return total
