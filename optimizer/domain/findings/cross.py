"""What is wrong with an instance as a whole: references, orders, sizes; every finding at once.

The functions take what could be read, so that one unreadable field does not hide the rest.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optimizer.domain.findings.parts import Parts, slice_fits, unknown
from optimizer.domain.findings.running import fixed_load, running_jobs
from optimizer.domain.fleet.findings import mix_findings
from optimizer.domain.growth.findings import expand_findings
from optimizer.domain.horizon import Horizon
from optimizer.units import watts_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.domain.jobs import ExplicitPart, Gang, Job
    from optimizer.domain.power import Supply
    from optimizer.domain.series import SeriesData
    from optimizer.domain.sites import Pool

__all__ = ["cross_findings"]


def cross_findings(parts: Parts) -> list[str]:
    """Return every finding that needs more than one field, in the order of the file."""
    found: list[str] = []
    every = (_chips, _domains, _workloads, _sites, _pools, _budgets, _spreads, _jobs, _precedence)
    for each in (*every, running_jobs, fixed_load, mix_findings, expand_findings):
        found.extend(each(parts))
    return found


def _series(where: str, series: SeriesData, parts: Parts) -> Iterator[str]:
    if parts.horizon is not None:
        wrong = series.finding(parts.horizon)
        if wrong:
            yield f"{where}: {wrong}"


def _chips(parts: Parts) -> Iterator[str]:
    for name, chip in parts.chips.items():
        where = f"chips[{name!r}]"
        if "full" in chip.power_levels:
            yield f"{where}.power_levels: 'full' is every chip's own level; give it another name"
        least = min(level.draw_share for level in chip.levels.values()) * chip.training_kw
        if chip.idle_w > least * 1000 + 1e-6:
            yield (
                f"{where}.idle_kw: must not exceed the least draw in training, got "
                f"{chip.idle_kw:g} kW; a chip in training draws {least:g} kW at least"
            )


def _domains(parts: Parts) -> Iterator[str]:
    for name, domain in parts.domains.items():
        where = f"domains[{name!r}]"
        yield from unknown(f"{where}.chip", domain.chip, "chips", parts)
        for size in domain.slice_chips:
            if size > domain.chips:
                yield (
                    f"{where}.slice_chips: must not exceed the domain, got {size}; "
                    f"it has {domain.chips} chips"
                )


def _workloads(parts: Parts) -> Iterator[str]:
    for name, workload in parts.workloads.items():
        seen: set[tuple[str, str | None, int, int]] = set()
        for i, rate in enumerate(workload.rates):
            where = f"workloads[{name!r}].rates[{i}]"
            yield from unknown(f"{where}.chip", rate.chip, "chips", parts)
            if rate.domain is not None:
                yield from unknown(f"{where}.domain", rate.domain, "domains", parts)
            key = (rate.chip, rate.domain, rate.slice_chips, rate.chips)
            if key in seen:
                slices = f"in slices of {rate.slice_chips}"
                yield f"{where}: a second rate for {rate.chips} chips {slices}"
            seen.add(key)


def _sites(parts: Parts) -> Iterator[str]:
    for name, site in parts.sites.items():
        where = f"sites[{name!r}]"
        yield from _series(f"{where}.pue", site.pue, parts)
        yield from _series(f"{where}.other_load_mw", site.other_load_mw, parts)
        for key, supply in site.supplies.items():
            at = f"{where}.supplies[{key!r}]"
            yield from _series(f"{at}.cap_mw", supply.cap_mw, parts)
            yield from _series(f"{at}.price_usd_per_mwh", supply.price_usd_per_mwh, parts)
            yield from _series(f"{at}.carbon_kg_per_mwh", supply.carbon_kg_per_mwh, parts)
            yield from _storage(at, supply)
            for i, call in enumerate(supply.calls):
                h = parts.horizon
                if h is not None and h.hours_at(call.end) <= h.hours_at(call.start):
                    order = "'until' is not after 'from'; give an end after the start"
                    yield f"{at}.calls[{i}]: {order}"


def _storage(at: str, supply: Supply) -> Iterator[str]:
    store = supply.storage
    if store is not None and supply.kind != "battery":
        yield f"{at}.storage: only a battery has one, got kind {supply.kind!r}; take it out"
    elif store is None and supply.kind == "battery":
        yield f"{at}.storage: a battery has one; give energy, largest charge, efficiencies, start"
    elif store is not None and store.start_mwh > store.energy_mwh:
        yield (
            f"{at}.storage.start_mwh: must not exceed what the battery holds, got "
            f"{store.start_mwh:g} MWh; it holds {store.energy_mwh:g} MWh"
        )
    if supply.kind == "battery" and supply.demand_usd_per_mw:
        yield (
            f"{at}.demand_usd_per_mw: a battery is no connection that is billed, got "
            f"{supply.demand_usd_per_mw:g}; give the charge to the supply that bills it"
        )


def _pools(parts: Parts) -> Iterator[str]:
    floor_space: dict[str, float] = {}
    for name, pool in parts.pools.items():
        where = f"pools[{name!r}]"
        yield from unknown(f"{where}.site", pool.site, "sites", parts)
        yield from unknown(f"{where}.chip", pool.chip, "chips", parts)
        yield from _series(f"{where}.count", pool.count, parts)
        chip, site = parts.chips.get(pool.chip), parts.sites.get(pool.site)
        if chip and site and not set(chip.cooling) & set(site.cooling):
            yield (
                f"{where}.chip: {pool.chip} needs {' or '.join(chip.cooling)} cooling, "
                f"{pool.site} has {', '.join(site.cooling)}"
            )
        if pool.domain is None:
            if pool.maintenance:
                yield f"{where}.maintenance: names domains, the pool has none; lower its count"
            continue
        yield from unknown(f"{where}.domain", pool.domain, "domains", parts)
        domain = parts.domains.get(pool.domain)
        if domain is None:
            continue
        if domain.chip != pool.chip and domain.chip in parts.names["chips"]:
            yield f"{where}.domain: {pool.domain} is of {domain.chip}, the pool of {pool.chip}"
        most = max(pool.count.numbers)
        floor_space[pool.site] = floor_space.get(pool.site, 0.0) + most * domain.racks
        for i, maintenance in enumerate(pool.maintenance):
            for first, last in maintenance.domains:
                if last < first or last >= most:
                    yield (
                        f"{where}.maintenance[{i}].domains: must be (first, last) ids below "
                        f"{most:g}, got ({first}, {last})"
                    )
    for name, used in floor_space.items():
        racks = parts.sites[name].racks if name in parts.sites else None
        if racks is not None and used > racks + 1e-9:
            where = f"sites[{name!r}].racks"
            yield f"{where}: pools take {used:g} racks, got {racks:g}; make it at least that"


def _budgets(parts: Parts) -> Iterator[str]:
    for name, budget in parts.budgets.items():
        for tenant in budget.chip_hours_of:
            yield from unknown(f"budgets[{name!r}].chip_hours_of", tenant, "tenants", parts)


def _spreads(parts: Parts) -> Iterator[str]:
    held = Counter(job.group for job in parts.jobs.values())
    for name, spread in parts.spreads.items():
        if spread.of_jobs is not None and spread.of_jobs < held[name]:
            yield (
                f"spreads[{name!r}].of_jobs: must not be below the jobs of the group, got "
                f"{spread.of_jobs}; it has {held[name]}"
            )


def _jobs(parts: Parts) -> Iterator[str]:
    seen: dict[str, int] = {}
    for i, job in parts.jobs.items():
        where = f"jobs[{i}] {job.id!r}"
        if job.id in seen:
            yield f"{where}: the id of jobs[{seen[job.id]}]; every job needs its own"
        seen.setdefault(job.id, i)
        yield from _job_times(where, job, parts)
        if job.tenant is not None:
            yield from unknown(f"{where}.tenant", job.tenant, "tenants", parts)
        if job.group is not None:
            yield from unknown(f"{where}.group", job.group, "spreads", parts)
        for held in job.data:
            yield from unknown(f"{where}.data", held.site, "sites", parts)
        if job.running is None or job.running.move is not None:
            yield from _job_gangs(i, job, parts)
            yield from _job_modes(i, job, parts)


def _job_times(where: str, job: Job, parts: Parts) -> Iterator[str]:
    h = parts.horizon
    if h is None:  # unreadable: moments given in hours can be compared all the same
        hours = [m for m in (job.release, job.deadline, job.due) if isinstance(m, float)]
        h = Horizon(start=datetime(2000, 1, 1, tzinfo=UTC), periods=8784)
        if len(hours) < sum(m is not None for m in (job.release, job.deadline, job.due)):
            return
    release = h.hours_at(job.release)
    for name, moment in (("deadline", job.deadline), ("due", job.due)):
        if moment is not None and h.hours_at(moment) <= release:
            yield (
                f"{where}: {name} {h.hours_at(moment):g} is before release {release:g}; "
                f"give a {name} after the release [h]"
            )
    if job.late_usd_per_hour * h.hours > 9e9:  # nano-USD fit into 64 bits
        yield (
            f"{where}: late_usd_per_hour over the whole horizon must not exceed 9e9 USD, got "
            f"{job.late_usd_per_hour:g} USD/h for {h.hours:g} h"
        )
    if parts.horizon is not None and job.running is None and release >= h.hours:
        yield f"{where}: release {release:g} is not within the horizon of {h.hours:g} h"


def _job_gangs(i: int, job: Job, parts: Parts) -> Iterator[str]:
    where = f"jobs[{i}] {job.id!r}"
    if not job.gangs and not job.modes:
        yield f"{where}: has neither gangs nor modes; give one way to run it at least"
    if job.gangs:
        if job.workload is None or (job.work is None and job.running is None):
            yield f"{where}: gangs need a workload and its work; give both, or explicit modes"
        else:
            yield from unknown(f"{where}.workload", job.workload, "workloads", parts)
    for g, gang in enumerate(job.gangs):
        at = f"jobs[{i}].gangs[{g}]"
        yield from _uses(f"{at}.uses", gang.uses, parts)
        for name in gang.pools or ():
            yield from unknown(f"{at}.pools", name, "pools", parts)
        names = gang.pools or ()
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield f"{at}.pools: {name!r} is named twice; name every pool once"
        if gang.chips % gang.slice_chips:
            yield (
                f"{at}: {gang.chips} chips are not whole slices of {gang.slice_chips}; "
                "give a multiple"
            )
        else:
            yield from _unheld(at, gang, job, parts)


def _job_modes(i: int, job: Job, parts: Parts) -> Iterator[str]:
    for m, mode in enumerate(job.modes):
        at = f"jobs[{i}].modes[{m}]"
        yield from _uses(f"{at}.uses", mode.uses, parts)
        sites: set[str] = set()
        for p, part in enumerate(mode.parts):
            yield from unknown(f"{at}.parts[{p}].pool", part.pool, "pools", parts)
            pool = parts.pools.get(part.pool)
            if pool is not None:
                sites |= {pool.site} & parts.names["sites"]
                yield from slice_fits(f"{at}.parts[{p}]", part.slice_chips, pool, parts)
                yield from _draw(f"{at}.parts[{p}]", part, pool, parts)
        if len(sites) > 1 and mode.link is None:
            yield f"{at}: spans {', '.join(sorted(sites))}; name the link that joins them"


def _draw(where: str, part: ExplicitPart, pool: Pool, parts: Parts) -> Iterator[str]:
    chip = parts.chips.get(pool.chip)
    if chip is not None and part.draw_kw is not None:
        idle = chip.idle_w * part.slices * part.slice_chips
        if watts_up(part.draw_kw) < idle:
            yield (
                f"{where}.draw_kw: must not be below the idle draw of its chips, got "
                f"{part.draw_kw:g} kW; idle they draw {idle / 1000:g} kW"
            )


def _uses(where: str, uses: Mapping[str, float], parts: Parts) -> Iterator[str]:
    for name in uses:
        yield from unknown(where, name, "budgets", parts)


def _holds(gang: Gang, pool: Pool, parts: Parts) -> bool:
    domain = parts.domains.get(pool.domain) if pool.domain is not None else None
    if pool.domain is not None and domain is None:
        return True  # an unreadable domain: said elsewhere
    size = 1 if domain is None else domain.chips
    fits = domain is None or domain.cuts(gang.slice_chips)
    most = (max(pool.count.numbers) - pool.spares) * size
    return fits and gang.chips <= most


def _unheld(at: str, gang: Gang, job: Job, parts: Parts) -> Iterator[str]:
    """A gang that no pool can ever hold, or for which no pool has a rate."""
    names = parts.names["pools"] if gang.pools is None else gang.pools
    if any(name not in parts.pools for name in names):
        return  # an unknown or unreadable pool: said elsewhere
    holding = [parts.pools[name] for name in names if _holds(gang, parts.pools[name], parts)]
    if not holding:
        yield (
            f"{at}: no pool holds a gang of {gang.chips} chips in slices of {gang.slice_chips}; "
            "give a smaller gang or a slice that a pool's domain is cut into"
        )
        return
    for name in gang.power_levels or ():
        chips = [parts.chips[p.chip] for p in holding if p.chip in parts.chips]
        if chips and not any(name in c.levels for c in chips):
            yield f"{at}.power_levels: {name!r} is no power level of its chips"
    workload = parts.workloads.get(job.workload or "")
    if workload is not None and not any(
        workload.rate(p.chip, p.domain, gang.slice_chips, gang.chips) for p in holding
    ):
        yield (
            f"{at}: workload {job.workload!r} has no rate in slices of {gang.slice_chips} on "
            f"{', '.join(sorted({p.chip for p in holding}))}; add one"
        )


def _precedence(parts: Parts) -> Iterator[str]:
    ids = {job.id for job in parts.jobs.values()} | parts.names.get("jobs", frozenset())
    after: dict[str, list[str]] = {}
    for i, job in parts.jobs.items():
        for name in job.predecessors:
            if name not in ids:
                yield f"jobs[{i}].predecessors: {name!r} is not a job"
            after.setdefault(name, []).append(job.id)
    waiting = {job.id: len(job.predecessors) for job in parts.jobs.values()}
    free = [name for name, n in waiting.items() if n == 0]
    while free:
        for successor in after.get(free.pop(), ()):
            waiting[successor] -= 1
            if waiting[successor] == 0:
                free.append(successor)
    circle = sorted(name for name, n in waiting.items() if n > 0)
    known = {name for job in parts.jobs.values() for name in job.predecessors} <= ids
    if circle and known:
        yield f"jobs: predecessors form a circle through {', '.join(circle[:5])}; break it"
