"""Rules of single jobs: placed once, in time, where they may run, after what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.plan import Rule
from optimizer.place.rules.case import Case, expand, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.place.plan import Violation

__all__ = [
    "check_compatibility",
    "check_moves",
    "check_one_placement",
    "check_precedence",
    "check_residency",
    "check_window",
]


def check_one_placement(case: Case) -> Iterator[Violation]:
    """A job runs at most once, in a mode it has; must and running jobs exactly once."""
    rule, seen = Rule.ONE_PLACEMENT, set()
    index = {job.id: j for j, job in enumerate(case.instance.jobs)}
    for placement in case.plan.placements:
        where = f"job {placement.job!r}"
        if placement.job not in index:
            yield said(rule, where, "is placed", "a job of the instance")
            continue
        if placement.job in seen:
            yield said(rule, where, "is placed again", "once")
        seen.add(placement.job)
        j = index[placement.job]
        if case.instance.mode(j, placement.mode) is None:
            modes = len(case.instance.modes(j))
            yield said(rule, where, f"mode {placement.mode}", f"one of its {modes} modes")
    for run in case.runs:
        p, mode = run.placement, run.mode
        if mode.stays and p.start != 0:
            yield said(rule, f"job {p.job!r}", f"starts at {p.start}", "0, it is running")
        for part, ids in zip(mode.parts, p.domains, strict=False):
            if part.pinned is not None and expand(ids) != expand(part.pinned):
                where = f"job {p.job!r} in {part.pool!r}"
                yield said(rule, where, "other domains", "those where it runs")
    for job in case.instance.jobs:
        if (job.must or job.running is not None) and job.id not in seen:
            why = "running" if job.running is not None else "must be placed"
            yield said(rule, f"job {job.id!r}", "is not placed", why)


def check_window(case: Case) -> Iterator[Violation]:
    """release <= start, start + duration (and pauses) = end <= min(deadline, T)."""
    for p in case.unfinished:
        found, T = f"[{p.start}, {p.end})", case.instance.horizon.periods
        yield said(Rule.WINDOW, f"job {p.job!r}", found, f"done within [0, {T})")
    for run in case.runs:
        p, mode, where = run.placement, run.mode, f"job {run.placement.job!r}"
        if p.end != run.end:
            yield said(Rule.WINDOW, where, f"ends at {p.end}", f"{run.end} from its duration")
        if p.start < mode.first:
            yield said(Rule.WINDOW, where, f"starts at {p.start}", f"from {mode.first}")
        if run.end > mode.end_by:
            yield said(Rule.WINDOW, where, f"ends at {run.end}", f"by {mode.end_by}")


def check_residency(case: Case) -> Iterator[Violation]:
    """Every site of a run lies in an allowed country and belongs to an allowed owner."""
    for run in case.runs:
        job = case.instance.jobs[run.job]
        for part in run.mode.parts if not run.mode.stays else ():
            site = case.instance.sites[case.instance.pools[part.pool].site]
            for allowed, found in ((job.countries, site.country), (job.owners, site.owner)):
                if allowed is not None and found not in allowed:
                    yield said(Rule.RESIDENCY, f"job {job.id!r}", found, ", ".join(allowed))


def check_compatibility(case: Case) -> Iterator[Violation]:
    """The chip has the memory that the workload needs, and the site a cooling the chip can use."""
    for run in case.runs:
        job = case.instance.jobs[run.job]
        workload = case.instance.workloads.get(job.workload or "")
        for part in run.mode.parts:
            pool = case.instance.pools[part.pool]
            chip, site = case.instance.chips[pool.chip], case.instance.sites[pool.site]
            where = f"job {job.id!r} on {pool.chip}"
            is_derived = run.mode.origin.startswith("gangs")
            if is_derived and workload is not None and chip.hbm_gb < workload.min_hbm_gb:
                need = f"{workload.min_hbm_gb:g} GB"
                yield said(Rule.COMPATIBILITY, where, f"{chip.hbm_gb:g} GB", need)
            if not set(chip.cooling) & set(site.cooling):
                cooling = ", ".join(chip.cooling)
                yield said(Rule.COMPATIBILITY, where, ", ".join(site.cooling), cooling)


def check_precedence(case: Case) -> Iterator[Violation]:
    """A job starts when its predecessors are done; without them it does not run."""
    end = {run.placement.job: run.end for run in case.runs}
    for run in case.runs:
        for name in case.instance.jobs[run.job].predecessors:
            where = f"job {run.placement.job!r}"
            if name not in end:
                yield said(Rule.PRECEDENCE, where, "is placed", f"{name!r} is not")
            elif end[name] > run.placement.start:
                found = f"starts at {run.placement.start}"
                yield said(Rule.PRECEDENCE, where, found, f"{name!r} ends at {end[name]}")


def check_moves(case: Case) -> Iterator[Violation]:
    """Running jobs elsewhere than where they run are at most as many as may be moved."""
    most = 0 if case.instance.moves is None else case.instance.moves.at_most
    moved = [
        run.placement.job
        for run in case.runs
        if case.instance.jobs[run.job].running is not None and not run.mode.stays
    ]
    if len(moved) > most:
        yield said(Rule.MOVES, "plan", f"{len(moved)} jobs moved", f"{most} jobs")
