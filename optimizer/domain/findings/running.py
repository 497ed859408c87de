"""What is wrong with running jobs and fixed loads: nobody decides them, so they must fit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.findings.parts import Parts, slice_fits, unknown
from optimizer.domain.modes import run_ends
from optimizer.units import budget_down, budget_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.domain.horizon import Horizon
    from optimizer.domain.jobs import Job, Running, RunningPart
    from optimizer.domain.sites import Pool

__all__ = ["fixed_load", "running_jobs"]


def running_jobs(parts: Parts) -> Iterator[str]:
    """Yield what is wrong with running jobs, one by one and together."""
    for i, job in parts.jobs.items():
        if job.running is not None:
            yield from _running(f"jobs[{i}] {job.id!r}", job.running, job, parts)
    if parts.horizon is not None:
        for name, pool in parts.pools.items():
            if not pool.count.finding(parts.horizon):
                yield from _overfull(name, pool, parts, parts.horizon)
        yield from _quotas(parts)
        yield from _budgets(parts, parts.horizon)
    yield from _spreads(parts)


def _running(where: str, running: Running, job: Job, parts: Parts) -> Iterator[str]:
    if job.predecessors:
        yield f"{where}.predecessors: a running job has none, got {list(job.predecessors)}"
    for p, part in enumerate(running.parts):
        at = f"{where}.running.parts[{p}]"
        yield from unknown(f"{at}.pool", part.pool, "pools", parts)
        pool = parts.pools.get(part.pool)
        if pool is None:
            continue
        yield from slice_fits(at, part.slice_chips, pool, parts)
        named = sum(last - first + 1 for first, last in part.domains)
        wanted = 0 if pool.domain is None else part.slices
        if named != wanted:
            yield f"{at}.domains: must name one domain for each of {wanted} slices, got {named}"
        chip = parts.chips.get(pool.chip)
        if chip is not None and running.power_level not in chip.levels:
            level = f"{running.power_level!r} is no power level of its chip"
            yield f"{where}.running.power_level: {level}"
        h = parts.horizon if parts.has_to_stay(job) else None
        if h is not None and not pool.count.finding(h):
            yield from _absent(at, part, pool, _run(running, parts, h)[1], h)
    if running.move is not None:
        yield from _move(where, running, job, parts)
    h = parts.horizon
    if h is None or not parts.has_to_stay(job):
        return
    end_by = h.periods if job.deadline is None else min(h.periods, h.down(job.deadline))
    if _run(running, parts, h)[1] > end_by:
        yield (
            f"{where}.running.periods_left: must end within the horizon and by its deadline, "
            f"got {running.periods_left}; give the part that does"
        )


def _move(where: str, running: Running, job: Job, parts: Parts) -> Iterator[str]:
    """Say what a job lacks that may be moved: the work that is left."""
    if running.move is None or running.move.work_left is not None or not job.gangs:
        return
    workload, rate = parts.workloads.get(job.workload or ""), None
    if workload is not None and len(running.parts) == 1:
        (part,) = running.parts
        pool = parts.pools.get(part.pool)
        if pool is None:
            return  # an unknown or unreadable pool: said elsewhere
        chips = part.slices * part.slice_chips
        rate = workload.rate(pool.chip, pool.domain, part.slice_chips, chips)
    if rate is None:
        yield (
            f"{where}.running.move.work_left: is missing, and does not follow, as its workload has "
            "no rate where it runs; give it"
        )


def _run(running: Running, parts: Parts, h: Horizon) -> tuple[NDArray[np.bool_], int]:
    """Return when a running job stands still, shape (T,), and its end (T + 1: beyond)."""
    stands = np.zeros(h.periods, bool)
    for part in running.parts if running.pauses_at_calls else ():
        pool = parts.pools.get(part.pool)
        site = parts.sites.get(pool.site) if pool is not None else None
        if site is not None:
            stands |= site.is_called(h)
    return stands, int(run_ends(running.periods_left, stands, h.periods)[0])


def _absent(where: str, part: RunningPart, pool: Pool, end: int, h: Horizon) -> Iterator[str]:
    """Say which domains of a running job are not there, or not to be used, while it runs."""
    least = int(pool.usable(h)[:end].min())
    for low, high in part.domains:
        if max(low, high) >= least:
            yield (
                f"{where}.domains: must be there, and no spares, until the job ends, got "
                f"({low}, {high}); ids below {least} are"
            )
        for (first, last), begin, until in pool.out_of_use(h):
            if first <= high and low <= last and begin < min(end, until):
                yield (
                    f"{where}.domains: must not be in maintenance before the job ends, got "
                    f"({low}, {high}); {first} to {last} are from period {begin}"
                )


def _overfull(name: str, pool: Pool, parts: Parts, h: Horizon) -> Iterator[str]:
    """Say where running jobs over-fill a domain, or a pool that is only a chip count."""
    domain = parts.domains.get(pool.domain or "")
    if pool.domain is not None and domain is None:
        return
    held: dict[int, int] = {}
    chips = np.zeros(h.periods, np.int64)
    for job in parts.jobs.values():
        for part in job.running.parts if job.running is not None else ():
            if part.pool == name and job.running is not None:
                if parts.has_to_stay(job):
                    chips[: _run(job.running, parts, h)[1]] += part.slices * part.slice_chips
                for low, high in part.domains:
                    for i in range(low, min(high, low + part.slices) + 1):
                        held[i] = held.get(i, 0) + part.slice_chips
    for i, found in held.items() if domain is not None else ():
        if domain is not None and found > domain.chips:
            yield (
                f"pools[{name!r}]: running jobs over-fill domain {i}, got {found} chips; "
                f"it has {domain.chips}"
            )
    t = int((chips - pool.usable(h)).argmax())
    if domain is None and chips[t] > pool.usable(h)[t]:
        yield (
            f"pools[{name!r}]: running jobs hold more than it has in period {t}, got "
            f"{chips[t]} chips; it has {pool.usable(h)[t]}"
        )


def _quotas(parts: Parts) -> Iterator[str]:
    for name, tenant in parts.tenants.items():
        staying = [job for job in parts.jobs.values() if parts.has_to_stay(job)]
        held = sum(_chips(job) for job in staying if job.tenant == name)
        if tenant.quota_chips is not None and held > tenant.quota_chips:
            yield (
                f"tenants[{name!r}].quota_chips: must hold its running jobs, got "
                f"{tenant.quota_chips}; they have {held} chips"
            )


def _budgets(parts: Parts, h: Horizon) -> Iterator[str]:
    for name, budget in parts.budgets.items():
        used = sum(
            budget_up(_chips(job) * job.running.periods_left * h.period_hours)
            for job in parts.jobs.values()
            if job.running is not None and parts.has_to_stay(job)
            if job.tenant in budget.chip_hours_of
        )
        if used > budget_down(budget.limit):
            yield (
                f"budgets[{name!r}].limit: must hold its running jobs, got {budget.limit:g}; "
                f"they take {used / 1000:g} chip-hours"
            )


def _spreads(parts: Parts) -> Iterator[str]:
    groups = Counter(job.group for job in parts.jobs.values())
    held: Counter[tuple[str, str]] = Counter()
    for job in parts.jobs.values():
        running = job.running.parts if job.running and parts.has_to_stay(job) else ()
        pools = [parts.pools[part.pool] for part in running if part.pool in parts.pools]
        held.update({(job.group or "", pool.site): 1 for pool in pools})
    for (group, site), jobs in held.items():
        most = parts.spreads[group].most(groups[group]) if group in parts.spreads else jobs
        if jobs > most:
            yield (
                f"spreads[{group!r}].share: must admit the running jobs of the group at {site}, "
                f"got {parts.spreads[group].share:g} ({most} of its jobs); {jobs} run there"
            )


def _chips(job: Job) -> int:
    return sum(p.slices * p.slice_chips for p in job.running.parts) if job.running else 0


def fixed_load(parts: Parts) -> Iterator[str]:
    """Yield where idle chips, running jobs and other load draw more than the supplies give."""
    h = parts.horizon
    for name, site in parts.sites.items() if h is not None else ():
        assert h is not None
        everything = [site.pue, site.other_load_mw]
        everything += [s.cap_mw for s in site.supplies.values()]
        if any(series.finding(h) for series in everything):
            continue
        supply = np.zeros(h.periods, np.int64)
        for source in site.supplies.values():
            if source.kind != "battery":  # which gives only what it was charged with before
                supply += source.cap_w(h)
        over = site.pue_milli(h) * _it_load(name, parts, h) + 1000 * site.other_w(h) - 1000 * supply
        t = int(over.argmax())
        if over[t] > 0:
            beside = any(s.kind == "battery" for s in site.supplies.values())
            yield (
                f"sites[{name!r}]: fixed load and running jobs draw "
                f"{(over[t] / 1000 + supply[t]) / 1e6:.3f} MW in period {t}, its supplies give "
                f"{supply[t] / 1e6:.3f} MW{' without batteries' if beside else ''}; "
                "raise the supply or pause a running job"
            )


def _it_load(name: str, parts: Parts, h: Horizon) -> NDArray[np.int64]:
    """Return IT draw of idle chips and running jobs at a site [W], shape (T,)."""
    load = np.zeros(h.periods, np.int64)
    for pool in (p for p in parts.pools.values() if p.site == name):
        chip, domain = parts.chips.get(pool.chip), parts.domains.get(pool.domain or "")
        if chip is not None and not pool.count.finding(h):
            load += chip.idle_w * pool.present(h) * (1 if domain is None else domain.chips)
    for job in parts.jobs.values():
        for part in job.running.parts if job.running and parts.has_to_stay(job) else ():
            load += _above_idle(part, job.running, name, parts, h)
    return load


def _above_idle(
    part: RunningPart, running: Running | None, site: str, parts: Parts, h: Horizon
) -> NDArray[np.int64]:
    """Return what a part of a running job draws above idle at a site [W], shape (T,)."""
    pool, load = parts.pools.get(part.pool), np.zeros(h.periods, np.int64)
    chip = parts.chips.get(pool.chip) if pool is not None else None
    if pool is None or chip is None or pool.site != site or running is None:
        return load
    if running.power_level in chip.levels:
        chips = part.slices * part.slice_chips
        stands, end = _run(running, parts, h)
        net = chip.gang_w(chips, running.power_level) - chip.idle_w * chips
        load[:end] = ~stands[:end] * np.int64(net)
    return load
