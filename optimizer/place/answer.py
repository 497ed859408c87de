"""From what the engines found to the plan file: names, dispatch, whole prices, objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from optimizer.domain.answers.records import versions
from optimizer.place.bound.prices import Cover, CoverItem
from optimizer.place.engines.packing import name_domains
from optimizer.place.engines.power.whole import Served, cost_of, dispatch_all
from optimizer.place.image.totals import total_names
from optimizer.place.plan import (
    Certificate,
    EngineClaim,
    ObjectiveParts,
    Placement,
    PlacePlan,
    Rounding,
    RunRecord,
    SlicePrices,
    Status,
    gap_of,
)
from optimizer.units import NANO, nano, nano_per_period, usd

if TYPE_CHECKING:
    from optimizer.domain.answers.records import StoppedBy
    from optimizer.domain.instance import Instance
    from optimizer.domain.sites import IdRange
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.certificate import Bound
    from optimizer.place.clock import Clock
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.engines.prices import Prices
    from optimizer.place.engines.rows import Row

__all__ = [
    "Found",
    "Names",
    "answer",
    "it_load",
    "least_worth",
    "named_prices",
    "plan_objective",
    "whole_prices",
]

MOST_USD = 1e9
"""No price is higher: that of a chip-period or a watt-period [USD]."""

Place = Literal["chips", "power", "quota"]

LUMPS: dict[str, Place] = {"chips": "chips", "power": "power", "quota": "quota"}
"""What rounding and cover rows of engines are of in a certificate."""


Names = dict[int, tuple[tuple["IdRange", ...], ...]]
"""For every placed job the domain ids of each part."""


class Found(NamedTuple):
    """What an engine adds to the records: its claim, and what it decided itself.

    Attributes
    ----------
    served
        Dispatch and charge, where it has them.
    names
        Domain ids, where it told them apart.
    """

    claim: EngineClaim | None = None
    served: Served | None = None
    names: Names | None = None


def whole_prices(instance: Instance, p: Prices) -> Certificate:
    """Return prices as whole numbers, by the names of what they price.

    None at all where the dual ran away: if its bound lies below what any plan is worth at least
    there is no plan, and the higher its prices are by then, the less they mean.
    """
    if p.bound < 0 and p.bound < 1.001 * least_worth(instance) - 1:
        return Certificate()
    return named_prices(instance, p)


def least_worth(instance: Instance) -> float:
    """Return what no plan is worth less than [USD]: all late and dear, and all energy burnt."""
    h, nano_usd = instance.horizon, 0
    for j, job in enumerate(instance.jobs):
        paid = (mode.one_off_nano + mode.restart_nano for mode in instance.modes(j))
        late = nano_per_period(job.late_usd_per_hour, h.period_hours) * h.periods
        nano_usd -= max(paid, default=0) + late
    for site in instance.sites.values():
        for supply in site.supplies.values():
            cap, cost = supply.cap_w(h), supply.cost_nano(h, instance.carbon_usd_per_kg)
            nano_usd -= int((cap.astype(object) * cost).sum())
            nano_usd -= supply.demand_nano * int(cap.max())
    return usd(nano_usd)


def _cover(instance: Instance, row: Row, kind: Place, of: str, prices: list[int]) -> Cover:
    """Return a cover row with its prices, by names."""
    items = [
        CoverItem(job=instance.jobs[j].id, coefficient=c, least=least) for j, c, least in row.items
    ]
    begin, end = row.span
    return Cover(row=kind, of=of, begin=begin, prices=tuple(prices[begin:end]), items=tuple(items))


def named_prices(instance: Instance, p: Prices) -> Certificate:
    """Return prices as whole numbers, whatever they prove."""
    whole = np.rint(np.clip(p.rows, 0, MOST_USD) * NANO).astype(np.int64).tolist()
    sites, pools, tenants = list(instance.sites), list(instance.pools), list(instance.tenants)
    named: dict[str, dict[str, tuple[int, ...]]] = {"power": {}, "chips": {}, "quota": {}}
    names = {"power": sites, "chips": pools, "quota": tenants}
    slices, rounding, covers = [], [], []
    for row, each in zip(p.table.rows, whole, strict=True):
        if row.kind in named:
            named[row.kind][names[row.kind][row.of]] = tuple(each)
        elif row.kind == "slice" and any(each):
            slices.append(SlicePrices(pool=pools[row.of], slice_chips=row.size, prices=tuple(each)))
        elif any(each):
            kind = LUMPS[row.kind.partition("_")[2]]
            of = names[kind][row.of]
            if row.items:
                covers.append(_cover(instance, row, kind, of, each))
            else:
                rounding.append(Rounding(row=kind, of=of, divisor=row.size, prices=tuple(each)))
    supplies = [f"{s}/{k}" for s, site in instance.sites.items() for k in site.supplies]
    permits = {k: nano(float(x)) for k, x in zip(supplies, p.permits, strict=True)}
    totals = dict(zip(total_names(instance), (nano(float(x)) for x in p.budgets), strict=True))
    by_two: dict[str, dict[str, dict[str, int]]] = {"spread": {}, "precedence": {}}
    for name, price in totals.items():
        if name[0] in by_two and price:
            by_two[name[0]].setdefault(name[1], {})[name[2]] = price
    return Certificate(
        power=named["power"],
        chips=named["chips"],
        slices=tuple(slices),
        rounding=tuple(rounding),
        covers=tuple(covers),
        quotas=named["quota"],
        budgets={b: totals["budget", b] for b in instance.budgets},
        permits={name: price for name, price in permits.items() if price},
        **by_two,
        moves=totals.get(("moves",)),
        batteries=_held_prices(instance, p),
    )


def _held_prices(instance: Instance, p: Prices) -> dict[str, tuple[int, ...]]:
    """Return the prices of what batteries hold, by `site/supply`."""
    named = {f"{s}/{k}": x for s, site in instance.sites.items() for k, x in site.supplies.items()}
    batteries = [name for name, supply in named.items() if supply.storage is not None]
    whole = np.rint(np.clip(p.held, 0, MOST_USD) * NANO).astype(np.int64).tolist()
    return {name: tuple(row) for name, row in zip(batteries, whole, strict=True)}


def answer(
    instance: Instance,
    problem: Problem,
    plan: State,
    pins: dict[int, int],
    proof: tuple[Certificate, Bound],
    clock: Clock,
    rounds: int,
    stopped_by: StoppedBy,
    found: Found | None = None,
) -> PlacePlan:
    """Return the plan file of placement records.

    plan
        mode_of, start, end, alloc and slots of a State; pins and proof as the strategy made them.
    found
        What the engine adds.
    """
    found = found or Found()
    bound = proof[1].total
    served = dispatch_all(problem.a, it_load(problem.a, plan), found.served)
    objective = plan_objective(problem.a, plan, served)
    is_complete = all(p >= 0 for p in plan.mode_of[problem.a.must == 1])
    clock.tell(objective.total if is_complete else None, None)
    why: StoppedBy = "proof" if is_complete and objective.total == bound else stopped_by
    return PlacePlan(
        instance=instance.name,
        instance_hash=instance.hash,
        status=_status(objective.total, bound, is_complete),
        placements=_placements(instance, problem, plan, pins, found.names),
        dispatch=_by_name(instance, served.given, only_batteries=False),
        charge=_by_name(instance, served.charge, only_batteries=True),
        objective=objective,
        bound=bound,
        gap=gap_of(objective.total, bound),
        certificate=proof[0],
        run=_record(clock, rounds, why, found),
    )


def _record(clock: Clock, rounds: int, stopped_by: StoppedBy, found: Found) -> RunRecord:
    return RunRecord(
        stopped_by=stopped_by,
        seconds=round(clock.seconds(), 3),
        options=clock.options.model_dump(mode="json"),
        versions=versions("numpy", "scipy", "numba"),
        rounds=rounds,
        history=tuple(clock.history),
        claim=found.claim,
    )


def _status(objective: int, bound: int | None, is_complete: bool) -> Status:
    """What is proven: is_complete says that every must job is placed."""
    if bound is None:
        return Status.INFEASIBLE
    if not is_complete:
        return Status.UNKNOWN
    return Status.OPTIMAL if objective == bound else Status.FEASIBLE


def _placements(
    instance: Instance, problem: Problem, plan: State, pins: dict[int, int], names: Names | None
) -> tuple[Placement, ...]:
    if names is None:
        names = name_domains(instance, problem, plan, pins)
    return tuple(
        Placement(
            job=instance.jobs[j].id,
            mode=int(plan.mode_of[j] - problem.a.job_ptr[j]),
            start=int(plan.start[j]),
            end=int(plan.end[j]),
            domains=domains,
        )
        for j, domains in sorted(names.items())
    )


def plan_objective(a: PlaceArrays, plan: State, served: Served | None = None) -> ObjectiveParts:
    """Return the objective of placement records [nano-USD].

    served
        How the supplies serve them; the cheapest dispatch unless given.
    """
    served = served or dispatch_all(a, it_load(a, plan))
    value, lateness, one_off = 0, 0, 0
    for j in np.flatnonzero(plan.mode_of >= 0):
        m, start, end = int(plan.mode_of[j]), int(plan.start[j]), int(plan.end[j])
        value += int(a.value[j])
        lateness += int(a.late[j]) * max(0, end - int(a.due[j]))
        one_off += int(a.value[j] - a.gain[m])
        if end - start > a.dur[m]:
            one_off += int(a.restart[m])
    energy, demand = cost_of(a, served)
    return ObjectiveParts(
        value=value,
        lateness=lateness,
        one_off=one_off,
        energy=energy,
        demand=demand,
        total=value - lateness - one_off - energy - demand,
    )


def it_load(a: PlaceArrays, plan: State) -> Ints:
    """Return the IT watts above idle of placement records, (S, T)."""
    load = np.zeros(a.pue.shape, np.int64)
    for j in np.flatnonzero(plan.mode_of >= 0):
        m, start, end = int(plan.mode_of[j]), int(plan.start[j]), int(plan.end[j])
        works = np.diff(a.act[a.mask[m]])[start:end]
        for part in range(a.part_ptr[m], a.part_ptr[m + 1]):
            load[a.pool_site[a.part_pool[part]], start:end] += works * a.part_net_w[part]
    return load


def _by_name(
    instance: Instance, watts: Ints, only_batteries: bool
) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return series of supplies, or of batteries where there are any, by site and name."""
    rows, out = iter(watts.tolist()), {}
    for name, site in instance.sites.items():
        each = {key: tuple(next(rows)) for key in site.supplies}
        if only_batteries:
            each = {k: x for k, x in each.items() if site.supplies[k].storage is not None}
        if each or not only_batteries:
            out[name] = each
    return out
