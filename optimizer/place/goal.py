"""Goals as images: another question about a plan is the same question about a changed instance.

An image has the jobs, rules and modes that matter to the goal, and other money. Its certified
bound, made by `certificate.py` like any other, then proves what the goal asks. `check` and a
stranger make the same image from MODEL section 6.
"""

from __future__ import annotations

from collections import Counter
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.instance import Instance
from optimizer.domain.modes import run_ends
from optimizer.domain.series import constant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.domain.jobs import Job, Spread
    from optimizer.domain.sites import Site

__all__ = ["changed", "feasibility_image", "has_to_run", "moneyless"]


def feasibility_image(instance: Instance) -> Instance:
    """Return the instance in which every plan is worth 0 and all its jobs must be placed.

    It keeps running and must jobs and all their predecessors, and every rule; values, lateness,
    one-off, restart and data costs, energy and carbon prices and demand charges are 0. Windows are
    narrowed to what the order of jobs leaves of them. The instance has a plan if and only if its
    image has one, so a certified bound of the image below 0 proves that it has none.
    """
    needed = has_to_run(instance.jobs)
    image = changed(
        instance,
        jobs=tuple(_free(job) for job in instance.jobs if job.id in needed),
        sites={name: _unpriced(site) for name, site in instance.sites.items()},
        spreads=_spreads(instance, needed),
        carbon_usd_per_kg=0.0,
        sources={},
    )
    if not any(job.predecessors for job in image.jobs):
        return image
    windows = _windows(image)
    jobs = [_narrowed(image, job, windows[job.id]) for job in image.jobs]
    return changed(image, jobs=tuple(jobs))


def moneyless(instance: Instance) -> Instance:
    """Return the instance without any money: the same jobs, rules and must jobs, all free."""
    return changed(
        instance,
        jobs=tuple(_free(job).model_copy(update={"must": job.must}) for job in instance.jobs),
        sites={name: _unpriced(site) for name, site in instance.sites.items()},
        carbon_usd_per_kg=0.0,
        sources={},
    )


def has_to_run(jobs: Iterable[Job]) -> frozenset[str]:
    """Return the ids of the jobs that every plan places: must, running, and what they wait for."""
    before = {job.id: job.predecessors for job in jobs}
    waiting = [job.id for job in jobs if job.must or job.running is not None]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(before[name])
    return frozenset(found)


def changed(instance: Instance, **fields: object) -> Instance:
    """Return an instance with other values of some fields, checked anew.

    Made by construction and not as a copy, as a copy would keep modes and hash of the original.
    """
    return Instance(**{name: getattr(instance, name) for name in Instance.model_fields} | fields)


def _free(job: Job) -> Job:
    """Return a job that has to run, and neither brings nor costs anything."""
    nothing = {"one_off_usd": 0.0, "restart_usd": 0.0}
    move = job.running and job.running.move and job.running.move.model_copy(update={"usd": 0.0})
    unpaid = {"restart_usd": 0.0, "move": move}
    running = job.running and job.running.model_copy(update=unpaid)
    return job.model_copy(
        update={
            "value_usd": 0.0,
            "late_usd_per_hour": 0.0,
            "due": None,
            "must": True,
            "gangs": tuple(gang.model_copy(update=nothing) for gang in job.gangs),
            "modes": tuple(mode.model_copy(update=nothing) for mode in job.modes),
            "data": tuple(at.model_copy(update={"cost_usd": 0.0}) for at in job.data),
            "running": running,
        }
    )


def _spreads(instance: Instance, needed: frozenset[str]) -> dict[str, Spread]:
    """Return the spreads of the jobs that are kept, as shares of all jobs of their groups."""
    held = Counter(job.group for job in instance.jobs)
    kept = {job.group for job in instance.jobs if job.id in needed}
    return {
        group: spread.model_copy(update={"of_jobs": spread.of_jobs or held[group]})
        for group, spread in instance.spreads.items()
        if group in kept
    }


def _unpriced(site: Site) -> Site:
    """Return a site whose energy costs nothing, nor its peaks."""
    free = {
        "price_usd_per_mwh": constant(0),
        "carbon_kg_per_mwh": constant(0),
        "demand_usd_per_mw": 0.0,
    }
    supplies = {name: supply.model_copy(update=free) for name, supply in site.supplies.items()}
    return site.model_copy(update={"supplies": supplies})


Window = tuple[int, int]
"""Earliest start and latest end [period boundary]."""


def _windows(image: Instance) -> dict[str, Window | None]:
    """Return what the order of jobs leaves of the horizon to each; None where no run is left.

    Forward, no job starts before the earliest end of what it waits for; then backward, none ends
    after the latest start of what waits for it.
    """
    before = {job.id: job.predecessors for job in image.jobs}
    after: dict[str, list[str]] = {name: [] for name in before}
    for name, waits_for in before.items():
        for other in waits_for:
            after[other].append(name)
    order = list(TopologicalSorter(before).static_order())
    runs = {job.id: _runs(image, j) for j, job in enumerate(image.jobs)}
    T = image.horizon.periods
    low, high = dict.fromkeys(order, 0), dict.fromkeys(order, T)
    for name in order:
        starts, ends = runs[name]
        low[name] = max((int(runs[p][1].min(initial=T)) for p in before[name]), default=0)
        kept = starts >= low[name]
        runs[name] = starts[kept], ends[kept]
    for name in reversed(order):
        starts, ends = runs[name]
        high[name] = min((int(runs[n][0].max(initial=0)) for n in after[name]), default=T)
        kept = ends <= high[name]
        runs[name] = starts[kept], ends[kept]
    return {name: (low[name], high[name]) if len(runs[name][0]) else None for name in order}


def _runs(image: Instance, j: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of every run of a job within its window, over all its modes."""
    h, starts, ends = image.horizon, [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for mode in image.modes(j):
        stands = np.zeros(h.periods, bool)
        for part in mode.parts if mode.pauses else ():
            stands |= image.sites[image.pools[part.pool].site].is_called(h)
        until = run_ends(mode.duration, stands, h.periods)
        begin = np.arange(1 if mode.stays else h.periods)
        kept = begin[(begin >= mode.first) & (until[begin] <= mode.end_by)]
        starts.append(kept)
        ends.append(until[kept])
    return np.concatenate(starts), np.concatenate(ends)


def _narrowed(image: Instance, job: Job, window: Window | None) -> Job:
    """Return a job with its own window cut to another; one that holds no run where it is None."""
    h = image.horizon
    if job.running is not None:
        return job
    if window is None:
        last = (h.periods - 1) * h.period_hours
        return job.model_copy(update={"release": last, "deadline": last + h.period_hours / 2})
    first = max(window[0], h.up(job.release))
    end_by = window[1] if job.deadline is None else min(window[1], h.down(job.deadline))
    both = {"release": first * h.period_hours, "deadline": end_by * h.period_hours}
    return job.model_copy(update=both)
