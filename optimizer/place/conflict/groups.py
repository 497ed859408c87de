"""Named groups of rules, and the instance without some of them.

A group is what a planner could talk about: the power cap of a site, the chips of a pool, a job that
must run, its window, a quota. Without a group an instance has every plan that it had, and maybe
more; without any of them nothing but the horizon and the rates is left.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.domain.jobs import Moves
from optimizer.domain.power import MAX_MW, Supply
from optimizer.domain.series import SeriesData, constant
from optimizer.place.goal import changed, has_to_run
from optimizer.place.plan import Group

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import Job
    from optimizer.domain.sites import IdRange

MOVERS = "running jobs"
"""What the limit on moves is of."""

__all__ = ["fed", "groups_of", "grown", "relaxed", "slices_wanted"]


def groups_of(instance: Instance) -> list[Group]:
    """Return the groups that matter to the jobs that have to run: first jobs, then their rules.

    In this order they are left out if they can be, so that few jobs and few rules of jobs remain.
    """
    needed = has_to_run(instance.jobs)
    jobs = [job for job in instance.jobs if job.id in needed]
    found = [Group(rule="must", of=j.id) for j in jobs if j.must and j.running is None]
    found += [Group(rule="running", of=j.id) for j in jobs if j.running is not None]
    for job in jobs if jobs else ():
        found += [Group(rule=rule, of=job.id) for rule in _own(job)]
    tenants = {job.tenant for job in jobs}
    found += [
        Group(rule="quota", of=name)
        for name, tenant in instance.tenants.items()
        if tenant.quota_chips is not None and name in tenants
    ]
    found += [Group(rule="budget", of=name) for name in instance.budgets]
    groups = {job.group for job in jobs}
    found += [Group(rule="spread", of=name) for name in instance.spreads if name in groups]
    if any(instance.may_move(j) for j in range(len(instance.jobs))):
        found.append(Group(rule="moves", of=MOVERS))
    for name, site in instance.sites.items():
        for key, supply in site.supplies.items():
            if supply.permit is not None:
                found.append(Group(rule="supply", of=f"{name}/{key}"))
    found += [Group(rule="pool_capacity", of=name) for name in instance.pools]
    found += [Group(rule="power_cap", of=name) for name in instance.sites]
    return found


def _own(job: Job) -> Iterator[str]:
    """Return the rules that a job has for itself."""
    if job.running is not None:
        return
    if job.predecessors:
        yield "precedence"
    if job.release != 0.0 or job.deadline is not None or job.data:
        yield "window"
    if job.countries is not None or job.owners is not None:
        yield "residency"


def relaxed(instance: Instance, dropped: Collection[Group]) -> Instance:
    """Return the instance without some groups of rules."""
    of: dict[str, set[str]] = {}
    for group in dropped:
        of.setdefault(group.rule, set()).add(group.of)
    gone = of.get("must", set()) | of.get("running", set())
    held = Counter(job.group for job in instance.jobs)
    free = of.get("spread", set())
    spreads = {
        name: spread.model_copy(update={"of_jobs": spread.of_jobs or max(1, held[name])})
        for name, spread in instance.spreads.items()
        if name not in free
    }
    jobs = tuple(_loosened(job, of, gone) for job in instance.jobs if job.id not in gone)
    tenants = dict(instance.tenants)
    for name in of.get("quota", ()):
        tenants[name] = tenants[name].model_copy(update={"quota_chips": None})
    budgets = dict(instance.budgets)
    for name in of.get("budget", ()):
        budgets[name] = budgets[name].model_copy(update={"limit": 1e12})
    moves = Moves(at_most=len(jobs)) if "moves" in of else instance.moves
    loose = {"tenants": tenants, "budgets": budgets, "spreads": spreads, "moves": moves}
    made = changed(instance, jobs=jobs, **loose)
    more = {name: slices_wanted(instance, name) for name in of.get("pool_capacity", ())}
    made = grown(made, more)
    for name in of.get("supply", ()):
        made = _permitted(made, *name.split("/", 1))
    for name in sorted(of.get("power_cap", ())):
        made = fed(made, name, "relaxed-power", MAX_MW)
    return made


def _loosened(job: Job, of: dict[str, set[str]], gone: set[str]) -> Job:
    update: dict[str, Any] = {}
    after = tuple(name for name in job.predecessors if name not in gone)
    if len(after) < len(job.predecessors):
        update["predecessors"] = after
    if job.id in of.get("precedence", ()):
        update["predecessors"] = ()
    if job.id in of.get("window", ()):
        data = tuple(at.model_copy(update={"ready": 0.0}) for at in job.data)
        update |= {"release": 0.0, "deadline": None, "due": None, "data": data}
    if job.id in of.get("residency", ()):
        update |= {"countries": None, "owners": None}
    if job.group in of.get("spread", ()):
        update["group"] = None
    return job.model_copy(update=update) if update else job


def slices_wanted(instance: Instance, pool: str) -> int:
    """Return domains (chips of a pool without) that are enough for every job that has to run."""
    is_count, needed = instance.pools[pool].domain is None, has_to_run(instance.jobs)
    total = 0
    for j, job in enumerate(instance.jobs):
        if job.id not in needed or instance.has_to_stay(j):
            continue
        most = [g.chips if is_count else -(-g.chips // g.slice_chips) for g in job.gangs]
        for mode in job.modes:
            parts = [p for p in mode.parts if p.pool == pool]
            most.append(sum(p.slices * (p.slice_chips if is_count else 1) for p in parts))
        total += max(most, default=0)
    return total


def grown(instance: Instance, more: dict[str, int]) -> Instance:
    """Return the instance with more domains (chips) in some pools, and the power of their idling.

    The power comes as a supply of its own, so that chips that are there and idle take none from
    the others. What is added has the lowest numbers, so that the domains that are there stay those
    that come, go, are spares or in maintenance: they only move up, with what runs on them.
    """
    pools = dict(instance.pools)
    idle: dict[str, NDArray[np.int64]] = {}
    for name, extra in more.items():
        pool = pools[name]
        count = pool.present(instance.horizon) + extra
        away = tuple(
            m.model_copy(update={"domains": _higher(m.domains, extra)}) for m in pool.maintenance
        )
        series = SeriesData(tuple(map(float, count)))
        pools[name] = pool.model_copy(update={"count": series, "maintenance": away})
        chips = extra * instance.domain_chips(pool)
        milli = instance.sites[pool.site].pue_milli(instance.horizon)
        watts = milli * (instance.chips[pool.chip].idle_w * chips)
        idle[pool.site] = idle.get(pool.site, np.zeros_like(watts)) + watts
    if not more:
        return instance
    jobs = tuple(_moved_up(job, more) for job in instance.jobs)
    return changed(instance, sites=_with_idle(instance, idle), pools=pools, jobs=jobs)


def _moved_up(job: Job, more: dict[str, int]) -> Job:
    """Return a running job on the same domains, whose numbers are higher."""
    if job.running is None:
        return job
    parts = tuple(
        part.model_copy(update={"domains": _higher(part.domains, more.get(part.pool, 0))})
        for part in job.running.parts
    )
    running = job.running.model_copy(update={"parts": parts})
    return job.model_copy(update={"running": running})


def _higher(ids: tuple[IdRange, ...], by: int) -> tuple[IdRange, ...]:
    return tuple((first + by, last + by) for first, last in ids)


def _with_idle(instance: Instance, idle: dict[str, NDArray[np.int64]]) -> dict[str, Any]:
    sites = dict(instance.sites)
    for name, milli in idle.items():
        if milli.any():
            cap = SeriesData(tuple(float(-(-x // 1000)) / 1e6 for x in milli))
            sites[name] = _with_supply(sites[name], "relaxed-idle", cap)
    return sites


def _with_supply(site: Any, name: str, cap: SeriesData, price: float = 0.0) -> Any:
    supply = Supply(kind="grid", cap_mw=cap, price_usd_per_mwh=constant(price))
    return site.model_copy(update={"supplies": {**site.supplies, name: supply}})


def fed(instance: Instance, site: str, name: str, mw: float, price: float = 0.0) -> Instance:
    """Return the instance with one more supply at a site."""
    sites = dict(instance.sites)
    sites[site] = _with_supply(sites[site], name, constant(mw), price)
    return changed(instance, sites=sites)


def _permitted(instance: Instance, site: str, key: str) -> Instance:
    sites, place = dict(instance.sites), instance.sites[site]
    supply = place.supplies[key].model_copy(update={"permit": None})
    sites[site] = place.model_copy(update={"supplies": {**place.supplies, key: supply}})
    return changed(instance, sites=sites)
