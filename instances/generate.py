"""A seeded week of training jobs for a fleet: same world, same demand, same jobs.

Values, dates and sizes are assumed; only chips, rates and power are of the real world. Gangs and
durations are drawn first (`sampling`), the work is what the gang does in that time at the measured
rate of its class.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np

from instances.chains import add_must, add_predecessors
from instances.elsewhere import Sized, at_home, elsewhere
from instances.fleet import FreeDomains, fleet_of
from instances.sampling import Draft, draw_drafts
from optimizer.domain.jobs import Job
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from instances.demand import Demand, Tenancy
    from instances.fleet import FleetPool
    from optimizer.domain.instance import Instance

__all__ = ["make_jobs"]

RESTART_HOURS = 0.25
"""A pause costs a quarter of an hour of the gang's rent: saving, loading, work done again [h]."""

USD_PER_STAGED_CHIP = 2.0
"""Bringing the data of a job, per chip of its gang [USD]."""


def _digits(value: float, count: int = 3) -> float:
    """Return a number rounded to so many significant digits."""
    return float(f"{value:.{count}g}")


@dataclass
class _Week:
    """What is drawn from, and what is used up, while jobs are made."""

    world: Instance
    demand: Demand
    rng: np.random.Generator
    fleet: tuple[FleetPool, ...]
    free: dict[str, FreeDomains]
    held: dict[str, int] = field(default_factory=dict)  # chips of running jobs by tenant

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def make_jobs(world: Instance, demand: Demand) -> tuple[Job, ...]:
    """Return the jobs of a demand for the fleet of an instance (whose own jobs do not count).

    Raises
    ------
    InstanceError
        If no workload class of the demand fits a gang that was drawn, or the jobs that run already
        do not fit.
    """
    fleet = fleet_of(world)
    rng = np.random.default_rng(demand.seed)
    free = {pool.name: FreeDomains(world, pool) for pool in fleet}
    week = _Week(world, demand, rng, fleet, free)
    drafts = draw_drafts(rng, demand, fleet, world.horizon.hours)
    # what runs already takes whole domains first, so that it leaves no holes
    drafts.sort(key=lambda d: -d.slice_chips if d.kind == "running" else 1)
    counts: dict[str, int] = {}
    jobs: list[dict[str, Any]] = []
    for draft in drafts:
        tenant = _tenant(week, draft)
        counts[tenant] = counts.get(tenant, 0) + 1
        make = _running_job if draft.kind == "running" else _open_job
        name = f"{tenant}-{counts[tenant]:03d}"
        jobs.append({"id": name, "tenant": tenant} | make(week, draft, tenant))
    add_predecessors(jobs, drafts, world, demand, rng)
    add_must(jobs, drafts, world, demand, rng)
    return tuple(Job.model_validate(job, strict=False) for job in jobs)


def _tenant(week: _Week, draft: Draft) -> str:
    """Draw a tenant who may be there and whose quota holds the gang (beside what it runs)."""
    tenants = {
        name: t.share
        for name, t in week.demand.tenants.items()
        if (t.has_largest or draft.kind != "large") and _has_room(week, name, draft)
        if _may_be_at(week.world, t, draft.pool)
    }
    if not tenants:
        raise InstanceError([f"tenants: none has room for a gang of {draft.chips} chips"])
    weights = np.array(list(tenants.values()))
    return str(list(tenants)[int(week.rng.choice(len(weights), p=weights / weights.sum()))])


def _has_room(week: _Week, tenant: str, draft: Draft) -> bool:
    quota = week.world.tenants[tenant].quota_chips
    if quota is None:
        return True
    held = week.held.get(tenant, 0) if draft.kind == "running" else 0
    return held + draft.chips <= quota * 0.6


def _may_be_at(world: Instance, tenancy: Tenancy, pool: FleetPool) -> bool:
    """Whether residency lets a tenant's jobs run in a pool."""
    site = world.sites[pool.site]
    in_country = tenancy.countries is None or site.country in tenancy.countries
    return in_country and (tenancy.owners is None or site.owner in tenancy.owners)


def _workload(week: _Week, draft: Draft) -> tuple[str, float]:
    """Draw a class that trains on gangs of that size; return it and the gang's work per hour."""
    pool, fit = draft.pool, list[tuple[str, float, float]]()
    for name, ordered in week.demand.workloads.items():
        if not ordered.least_chips <= draft.chips <= ordered.most_chips:
            continue
        workload = week.world.workloads[name]
        rate = workload.rate(pool.chip, pool.domain, draft.slice_chips, draft.chips)
        if rate is not None and week.world.chips[pool.chip].hbm_gb >= workload.min_hbm_gb:
            fit.append((name, rate.work_per_hour, ordered.weight))
    if not fit:
        size = f"{draft.chips} chips in slices of {draft.slice_chips} in {pool.name}"
        raise InstanceError([f"workloads: none is ordered for {size}"])
    weights = np.array([weight for _, _, weight in fit])
    name, work_per_hour, _ = fit[int(week.rng.choice(len(fit), p=weights / weights.sum()))]
    return name, work_per_hour


def _value(week: _Week, draft: Draft) -> float:
    """Return the worth of a job: its rent times a log-normal urgency [USD]."""
    spread = week.demand.urgency_spread * week.rng.standard_normal()
    factor = week.demand.urgency * exp(spread)
    return _digits(draft.chip_hours * draft.pool.rent * factor)


def _running_job(week: _Week, draft: Draft, tenant: str) -> dict[str, Any]:
    """Return a job that runs already, on domains that are free."""
    domains = week.free[draft.pool.name].take(draft.slice_chips, draft.slices)
    if domains is None:
        raise InstanceError([f"running jobs: no free domains left in {draft.pool.name}"])
    week.held[tenant] = week.held.get(tenant, 0) + draft.chips
    part = {
        "pool": draft.pool.name,
        "slice_chips": draft.slice_chips,
        "slices": draft.slices,
        "domains": domains,
    }
    periods = round(draft.hours / week.world.horizon.period_hours)
    running: dict[str, Any] = {"parts": [part], "periods_left": max(1, periods)}
    if _may_pause(week, draft):
        running |= {"pauses_at_calls": True, "restart_usd": _restart_usd(draft)}
    workload, _ = _workload(week, draft)
    return {"workload": workload, "value_usd": _value(week, draft), "running": running}


def _may_pause(week: _Week, draft: Draft) -> bool:
    may = draft.chips >= draft.pool.domain_chips and week.chance(week.demand.pauses)
    return may and _meets_calls(week.world, {"pools": [draft.pool.name]})


def _meets_calls(world: Instance, gang: dict[str, Any]) -> bool:
    """Whether a gang may run at a site whose supplies may be called."""
    sites = [world.sites[world.pools[name].site] for name in gang.get("pools", world.pools)]
    return any(supply.calls for site in sites for supply in site.supplies.values())


def _restart_usd(draft: Draft) -> float:
    return _digits(draft.chips * RESTART_HOURS * draft.pool.rent)


def _open_job(week: _Week, draft: Draft, tenant: str) -> dict[str, Any]:
    """Return a job that is to be placed."""
    workload, work_per_hour = _workload(week, draft)
    job: dict[str, Any] = {
        "workload": workload,
        "work": _digits(work_per_hour * draft.hours * 0.999, 4),
        "value_usd": _value(week, draft),
    }
    _add_dates(week, draft, job)
    job["gangs"] = _gangs(week, draft, job, tenant)
    copying = week.demand.copying
    if copying is not None and week.chance(copying.share):
        ready = job.get("release", 0.0) + copying.hours
        cost = _digits(copying.usd_per_chip * draft.chips)
        away = [s for s in week.world.sites if s != draft.pool.site]
        job["data"] = [{"site": site, "cost_usd": cost, "ready": ready} for site in away]
    tenancy = week.demand.tenants[tenant]
    if tenancy.countries is not None:
        job["countries"] = tenancy.countries
    if tenancy.owners is not None:
        job["owners"] = tenancy.owners
    return job


def _add_dates(week: _Week, draft: Draft, job: dict[str, Any]) -> None:
    """Add release, deadline, due date and, for a job without a window, when its data is there."""
    rng, total = week.rng, week.world.horizon.hours
    release, end = 0.0, total
    if draft.kind == "rest" and draft.hours < 0.4 * total and week.chance(week.demand.windows):
        length = float(np.ceil(draft.hours * rng.uniform(1.3, 3.5))) + 1
        length = min(length, np.floor(0.7 * total))
        release = float(np.floor(rng.uniform(0, total - length)))
        end = release + length
        job["deadline"] = end
    elif week.chance(week.demand.released):
        slack = max(0.0, total - 1.3 * draft.hours)
        release = float(np.floor(rng.uniform(0, min(0.25 * total, slack))))
        if week.chance(week.demand.staged):
            cost = _digits(USD_PER_STAGED_CHIP * draft.chips)
            job["data"] = [{"site": draft.pool.site, "cost_usd": cost, "ready": release + 2.0}]
    if release > 0:
        job["release"] = release
    if week.chance(week.demand.due):
        due = release + float(np.ceil(draft.hours * rng.uniform(1.1, 2.5)))
        if due < end:
            late = job["value_usd"] * rng.uniform(0.002, 0.012)
            job |= {"due": due, "late_usd_per_hour": _digits(late)}


def _gangs(week: _Week, draft: Draft, job: dict[str, Any], tenant: str) -> list[dict[str, Any]]:
    """Return the gangs of a job: its own, perhaps other sizes or chips, perhaps pausing ones."""
    sizes = [Sized(draft.slice_chips, draft.slices, draft.hours, ())]
    if week.chance(week.demand.choices):
        sizes += _other_size(week, draft, job, week.world.tenants[tenant].quota_chips)
    is_bound = len(week.world.pools) > 1 and not week.chance(week.demand.anywhere)
    shared = {} if week.chance(week.demand.levels) else {"power_levels": ["full"]}
    if is_bound:
        sizes = [replace(s, pools=(draft.pool.name,)) for s in sizes]
    elif week.demand.elsewhere > 0:
        sizes = [replace(s, pools=at_home(week.fleet, draft, s.chips)) for s in sizes]
        if week.chance(week.demand.elsewhere):
            sizes += _other_chips(week, draft, job, tenant)
    budget = week.demand.tenants[tenant]
    gangs: list[dict[str, Any]] = []
    for size in sizes:
        gang: dict[str, Any] = {"chips": size.chips, "slice_chips": size.slice_chips}
        if size.pools:
            gang["pools"] = size.pools
        gang |= shared
        if budget.uses_budget is not None:
            cost = size.chips * size.hours * budget.usd_per_chip_hour
            gang["uses"] = {budget.uses_budget: _digits(cost)}
        gangs.append(gang)
    if _may_pause(week, draft):
        pausing = {"pauses_at_calls": True, "restart_usd": _restart_usd(draft)}
        gangs += [gang | pausing for gang in gangs if _meets_calls(week.world, gang)]
    return gangs


def _other_chips(week: _Week, draft: Draft, job: dict[str, Any], tenant: str) -> list[Sized]:
    """Return gangs on other chips where the tenant may be, within its quota."""
    tenancy, quota = week.demand.tenants[tenant], week.world.tenants[tenant].quota_chips
    fleet = [pool for pool in week.fleet if _may_be_at(week.world, tenancy, pool)]
    model = week.world.workloads[job["workload"]]
    found = elsewhere(week.world, fleet, draft, model, job["work"])
    return [size for size in found if quota is None or size.chips <= quota]


def _is_whole(week: _Week, pool: FleetPool) -> bool:
    """Whether gangs of several domains take whole ones only."""
    return pool.domain in week.demand.whole_domains


def _other_size(week: _Week, draft: Draft, job: dict[str, Any], quota: int | None) -> list[Sized]:
    """Return one more size of the gang that does the work within the window, or none."""
    pool, model = draft.pool, week.world.workloads[job["workload"]]
    end = job.get("deadline", week.world.horizon.hours)
    room = end - job.get("release", 0.0) - 2.0
    tries = [(draft.slice_chips, 2 * draft.slices), (draft.slice_chips, draft.slices // 2)]
    tries += [(s, draft.slices) for s in pool.sizes if s > draft.slice_chips][:1]
    for i in week.rng.permutation(len(tries)).tolist():
        slice_chips, slices = tries[i]
        if slices > 1 and slice_chips < pool.domain_chips and _is_whole(week, pool):
            continue
        chips = slice_chips * slices
        rate = model.rate(pool.chip, pool.domain, slice_chips, chips) if chips else None
        if rate is None or chips > min(0.5 * pool.chips, quota or pool.chips):
            continue
        hours = job["work"] / rate.work_per_hour
        if hours <= room:
            return [Sized(slice_chips, slices, hours, ())]
    return []
