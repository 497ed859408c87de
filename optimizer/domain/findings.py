"""What is wrong with an instance as a whole: references, orders, sizes; every finding at once.

The functions take what could be read, so that one unreadable field does not hide the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.chips import Chip, ScaleUpDomain
from optimizer.domain.horizon import Horizon
from optimizer.domain.jobs import Gang, Job, Running
from optimizer.domain.modes import run_ends
from optimizer.domain.series import SeriesData
from optimizer.domain.sites import Pool, Site
from optimizer.domain.tenants import Budget, Tenant
from optimizer.domain.workloads import Workload

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["Parts", "cross_findings"]


@dataclass(frozen=True)
class Parts:
    """What could be read of an instance; `names` has every name, readable or not."""

    horizon: Horizon | None
    chips: Mapping[str, Chip]
    domains: Mapping[str, ScaleUpDomain]
    workloads: Mapping[str, Workload]
    sites: Mapping[str, Site]
    pools: Mapping[str, Pool]
    tenants: Mapping[str, Tenant]
    budgets: Mapping[str, Budget]
    jobs: Mapping[int, Job]
    names: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, instance: Instance) -> Parts:
        """Return the parts of a whole instance."""
        kinds = ("chips", "domains", "workloads", "sites", "pools", "tenants", "budgets")
        return cls(
            instance.horizon,
            instance.chips,
            instance.domains,
            instance.workloads,
            instance.sites,
            instance.pools,
            instance.tenants,
            instance.budgets,
            dict(enumerate(instance.jobs)),
            {kind: frozenset(getattr(instance, kind)) for kind in kinds},
        )


def cross_findings(parts: Parts) -> list[str]:
    """Return every finding that needs more than one field, in the order of the file."""
    found: list[str] = []
    for each in (_domains, _workloads, _sites, _pools, _budgets, _jobs, _precedence, _fixed_load):
        found.extend(each(parts))
    return found


def _unknown(where: str, name: str, kind: str, parts: Parts) -> Iterator[str]:
    known = parts.names[kind]
    if name not in known:
        some = ", ".join(sorted(known)[:8]) + (", ..." if len(known) > 8 else "")
        one = {"chips": "chip", "domains": "domain"}.get(kind, kind[:-1])
        yield f"{where}: {name!r} is not a {one}; known {kind}: {some or 'none'}"


def _series(where: str, series: SeriesData, parts: Parts) -> Iterator[str]:
    if parts.horizon is not None:
        wrong = series.finding(parts.horizon)
        if wrong:
            yield f"{where}: {wrong}"


def _domains(parts: Parts) -> Iterator[str]:
    for name, domain in parts.domains.items():
        where = f"domains[{name!r}]"
        yield from _unknown(f"{where}.chip", domain.chip, "chips", parts)
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
            yield from _unknown(f"{where}.chip", rate.chip, "chips", parts)
            if rate.domain is not None:
                yield from _unknown(f"{where}.domain", rate.domain, "domains", parts)
            key = (rate.chip, rate.domain, rate.slice_chips, rate.chips)
            if key in seen:
                yield f"{where}: a second rate for {rate.chips} chips in slices of {rate.slice_chips}"
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
            for i, call in enumerate(supply.calls):
                h = parts.horizon
                if h is not None and h.hours_at(call.end) <= h.hours_at(call.start):
                    yield f"{at}.calls[{i}]: 'until' is not after 'from'; give an end after the start"


def _pools(parts: Parts) -> Iterator[str]:
    floor_space: dict[str, float] = {}
    for name, pool in parts.pools.items():
        where = f"pools[{name!r}]"
        yield from _unknown(f"{where}.site", pool.site, "sites", parts)
        yield from _unknown(f"{where}.chip", pool.chip, "chips", parts)
        yield from _series(f"{where}.count", pool.count, parts)
        chip, site = parts.chips.get(pool.chip), parts.sites.get(pool.site)
        if chip and site and not set(chip.cooling) & set(site.cooling):
            yield (
                f"{where}.chip: {pool.chip} needs {' or '.join(chip.cooling)} cooling, "
                f"{pool.site} has {', '.join(site.cooling)}"
            )
        if pool.domain is None:
            continue
        yield from _unknown(f"{where}.domain", pool.domain, "domains", parts)
        domain = parts.domains.get(pool.domain)
        if domain is None:
            continue
        if domain.chip != pool.chip:
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
            yield f"sites[{name!r}].racks: pools take {used:g} racks, got {racks:g}; make it at least that"


def _budgets(parts: Parts) -> Iterator[str]:
    for name, budget in parts.budgets.items():
        for tenant in budget.chip_hours_of:
            yield from _unknown(f"budgets[{name!r}].chip_hours_of", tenant, "tenants", parts)


def _jobs(parts: Parts) -> Iterator[str]:
    seen: dict[str, int] = {}
    for i, job in parts.jobs.items():
        where = f"jobs[{i}] {job.id!r}"
        if job.id in seen:
            yield f"{where}: the id of jobs[{seen[job.id]}]; every job needs its own"
        seen.setdefault(job.id, i)
        yield from _job_times(where, job, parts)
        if job.tenant is not None:
            yield from _unknown(f"{where}.tenant", job.tenant, "tenants", parts)
        for held in job.data:
            yield from _unknown(f"{where}.data", held.site, "sites", parts)
        if job.running is not None:
            yield from _running(where, job.running, job, parts)
        else:
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
    if parts.horizon is not None and job.running is None and release >= h.hours:
        yield f"{where}: release {release:g} is not within the horizon of {h.hours:g} h"


def _job_modes(i: int, job: Job, parts: Parts) -> Iterator[str]:
    where = f"jobs[{i}] {job.id!r}"
    if not job.gangs and not job.modes:
        yield f"{where}: has neither gangs nor modes; give one way to run it at least"
    if job.gangs:
        if job.workload is None or job.work is None:
            yield f"{where}: gangs need a workload and its work; give both, or explicit modes"
        else:
            yield from _unknown(f"{where}.workload", job.workload, "workloads", parts)
    for g, gang in enumerate(job.gangs):
        at = f"jobs[{i}].gangs[{g}]"
        yield from _uses(f"{at}.uses", gang.uses, parts)
        for name in gang.pools or ():
            yield from _unknown(f"{at}.pools", name, "pools", parts)
        if gang.chips % gang.slice_chips:
            yield (
                f"{at}: {gang.chips} chips are not whole slices of {gang.slice_chips}; "
                "give a multiple"
            )
        else:
            yield from _unheld(at, gang, job, parts)
    for m, mode in enumerate(job.modes):
        at = f"jobs[{i}].modes[{m}]"
        yield from _uses(f"{at}.uses", mode.uses, parts)
        sites = set()
        for p, part in enumerate(mode.parts):
            yield from _unknown(f"{at}.parts[{p}].pool", part.pool, "pools", parts)
            pool = parts.pools.get(part.pool)
            if pool is not None:
                sites.add(pool.site)
                yield from _slice_fits(f"{at}.parts[{p}]", part.slice_chips, pool, parts)
        if len(sites) > 1 and mode.link is None:
            yield f"{at}: spans {', '.join(sorted(sites))}; name the link that joins them"


def _uses(where: str, uses: Mapping[str, float], parts: Parts) -> Iterator[str]:
    for name in uses:
        yield from _unknown(where, name, "budgets", parts)


def _slice_fits(where: str, slice_chips: int, pool: Pool, parts: Parts) -> Iterator[str]:
    domain = parts.domains.get(pool.domain) if pool.domain is not None else None
    if domain is not None and slice_chips not in domain.sizes:
        sizes = ", ".join(map(str, sorted(domain.sizes)))
        yield f"{where}.slice_chips: not cut from {pool.domain}, got {slice_chips}; sizes: {sizes}"


def _holds(gang: Gang, pool: Pool, parts: Parts) -> bool:
    domain = parts.domains.get(pool.domain) if pool.domain is not None else None
    if pool.domain is not None and domain is None:
        return True  # an unreadable domain: said elsewhere
    size = 1 if domain is None else domain.chips
    fits = domain is None or gang.slice_chips in domain.sizes
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


def _running(where: str, running: Running, job: Job, parts: Parts) -> Iterator[str]:
    called = None
    for p, part in enumerate(running.parts):
        at = f"{where}.running.parts[{p}]"
        yield from _unknown(f"{at}.pool", part.pool, "pools", parts)
        pool = parts.pools.get(part.pool)
        if pool is None:
            continue
        yield from _slice_fits(at, part.slice_chips, pool, parts)
        named = sum(last - first + 1 for first, last in part.domains)
        if pool.domain is not None and named != part.slices:
            yield f"{at}.domains: must name one domain for each of {part.slices} slices, got {named}"
        chip = parts.chips.get(pool.chip)
        if chip is not None and running.power_level not in chip.levels:
            yield f"{where}.running.power_level: {running.power_level!r} is no power level of its chip"
        site = parts.sites.get(pool.site)
        if running.pauses_at_calls and site is not None and parts.horizon is not None:
            here = site.is_called(parts.horizon)
            called = here if called is None else called | here
    h = parts.horizon
    if h is None:
        return
    end_by = h.periods if job.deadline is None else min(h.periods, h.down(job.deadline))
    end = int(run_ends(running.periods_left, called, h.periods)[0])
    if end > end_by:
        yield (
            f"{where}.running.periods_left: must end within the horizon and by its deadline, "
            f"got {running.periods_left}; give the part that does"
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


def _fixed_load(parts: Parts) -> Iterator[str]:
    """What draws power or holds domains whatever is decided must fit by itself."""
    h = parts.horizon
    if h is None:
        return
    for name, site in parts.sites.items():
        everything = [site.pue, site.other_load_mw]
        everything += [s.cap_mw for s in site.supplies.values()]
        if any(series.finding(h) for series in everything):
            continue
        pue, supply = site.pue_milli(h), np.zeros(h.periods, np.int64)
        for source in site.supplies.values():
            supply += source.cap_w(h)
        load = np.zeros(h.periods, np.int64)
        for pool in (p for p in parts.pools.values() if p.site == name):
            chip, domain = parts.chips.get(pool.chip), parts.domains.get(pool.domain or "")
            if chip is None or pool.count.finding(h):
                continue
            load += chip.idle_w * pool.present(h) * (1 if domain is None else domain.chips)
        load += _running_extra(name, site, parts.jobs.values(), parts, h)
        over = pue * load + 1000 * site.other_w(h) - 1000 * supply
        t = int(over.argmax())
        if over[t] > 0:
            yield (
                f"sites[{name!r}]: fixed load and running jobs draw "
                f"{(over[t] / 1000 + supply[t]) / 1e6:.3f} MW in period {t}, its supplies give "
                f"{supply[t] / 1e6:.3f} MW; raise the supply or pause a running job"
            )


def _running_extra(
    name: str, site: Site, jobs: Iterable[Job], parts: Parts, h: Horizon
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """IT draw of running jobs at a site above the idle draw of their chips [W], shape (T,)."""
    load = np.zeros(h.periods, np.int64)
    called = site.is_called(h)
    for job in jobs:
        if job.running is None:
            continue
        for part in job.running.parts:
            pool = parts.pools.get(part.pool)
            chip = parts.chips.get(pool.chip) if pool is not None else None
            if pool is None or chip is None or pool.site != name:
                continue
            if job.running.power_level not in chip.levels:
                continue
            chips = part.slices * part.slice_chips
            stands = called if job.running.pauses_at_calls else np.zeros(h.periods, bool)
            end = min(h.periods, int(run_ends(job.running.periods_left, stands, h.periods)[0]))
            active = ~stands[:end]
            load[:end] += active * (chip.gang_w(chips, job.running.power_level) - chip.idle_w * chips)
    return load
