"""What shape an instance has: load, shares of the largest jobs, windows, power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import Job
    from optimizer.domain.modes import Mode

__all__ = ["Shape", "cap_ratio", "fleet_chips", "has_window", "offered_chip_hours", "shape"]

WINDOW_LIMIT = 0.75
"""A window is real if it is shorter than this share of the horizon."""

LARGE_LIMIT = 1 / 8
"""A gang is large above this share of the fleet."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of an instance.

    Attributes
    ----------
    chips
        Chips of the fleet, spares included.
    load
        Offered chip-hours over those that the fleet has in the horizon.
    largest_share
        Share of the five largest jobs in the offered chip-hours.
    large_gangs, large_in_pool
        Jobs with a gang above an eighth of the fleet; of the pool in which it may run.
    windows
        Share of the jobs that may run in less than three quarters of the horizon only.
    running, running_share
        Jobs that run already, and the share of the fleet that they hold.
    partial
        Jobs with a gang in slices smaller than a domain.
    choices, several_chips, several_sites
        Jobs with gangs of several sizes; that may run on several kinds of chip; at several sites.
    resident
        Jobs to which residency leaves some sites only (what runs already apart).
    assumed
        Share of the jobs' modes that rest on an estimated rate or power level.
    """

    jobs: int
    chips: int
    load: float
    largest_share: float
    large_gangs: int
    large_in_pool: int
    windows: float
    running: int
    running_share: float
    partial: int
    choices: int
    several_chips: int
    several_sites: int
    resident: int
    must: int
    successors: int
    modes: int
    assumed: float


def fleet_chips(instance: Instance) -> int:
    """Return the chips of all pools at their most, spares included."""
    pools = instance.pools.values()
    return sum(
        int(pool.present(instance.horizon).max()) * instance.domain_chips(pool) for pool in pools
    )


def fleet_chip_hours(instance: Instance) -> float:
    """Return the chip-hours that the fleet has over the horizon, spares included."""
    h = instance.horizon
    return sum(
        int(pool.present(h).sum()) * instance.domain_chips(pool) * h.period_hours
        for pool in instance.pools.values()
    )


def offered_chip_hours(instance: Instance, job: int) -> float:
    """Return the chip-hours that a job asks for: its largest mode at full power, 0 without one.

    Of a job that may run on several chips, those on the chip of its first mode count: chip-hours
    of another chip are no measure of the same work.
    """
    modes = [m for m in instance.modes(job) if m.level in ("full", "given")]
    modes = modes or list(instance.modes(job))  # a running job may run at another level
    home = [m for m in modes if _chip(instance, m) == _chip(instance, modes[0])]
    return max((_chip_hours(instance, m) for m in home), default=0.0)


def _chip(instance: Instance, mode: Mode) -> str:
    return instance.pools[mode.parts[0].pool].chip


def _chip_hours(instance: Instance, mode: Mode) -> float:
    return mode.chips * mode.duration * instance.horizon.period_hours


def has_window(instance: Instance, job: Job) -> bool:
    """Return whether a job that does not run already may use less than 3/4 of the horizon."""
    h = instance.horizon
    if job.running is not None:
        return False
    end = h.hours if job.deadline is None else min(h.hours, h.hours_at(job.deadline))
    return end - max(0.0, h.hours_at(job.release)) < WINDOW_LIMIT * h.hours


def shape(instance: Instance) -> Shape:
    """Return the shape of an instance."""
    jobs = range(len(instance.jobs))
    offered = np.array([offered_chip_hours(instance, j) for j in jobs])
    gangs = [max((m.chips for m in instance.modes(j)), default=0) for j in jobs]
    fleet = fleet_chips(instance)
    modes = [m for j in jobs for m in instance.modes(j)]
    running = [instance.modes(j)[0].chips for j in jobs if instance.jobs[j].running is not None]
    h = instance.horizon
    size = {name: instance.domain_chips(pool) for name, pool in instance.pools.items()}
    pools = {n: int(p.present(h).max()) * size[n] for n, p in instance.pools.items()}
    return Shape(
        jobs=len(instance.jobs),
        chips=fleet,
        load=float(offered.sum()) / fleet_chip_hours(instance),
        largest_share=float(np.sort(offered)[-5:].sum() / offered.sum()),
        large_gangs=sum(chips > LARGE_LIMIT * fleet for chips in gangs),
        large_in_pool=sum(
            any(p.chips > LARGE_LIMIT * pools[p.pool] for m in instance.modes(j) for p in m.parts)
            for j in jobs
        ),
        windows=float(np.mean([has_window(instance, job) for job in instance.jobs])),
        running=len(running),
        running_share=sum(running) / fleet,
        partial=sum(
            any(p.slice_chips < size[p.pool] for m in instance.modes(j) for p in m.parts)
            for j in jobs
        ),
        choices=sum(len({m.chips for m in instance.modes(j)}) > 1 for j in jobs),
        several_chips=sum(len({_chip(instance, m) for m in instance.modes(j)}) > 1 for j in jobs),
        several_sites=sum(len(_sites(instance, j)) > 1 for j in jobs),
        resident=sum(bool(job.countries or job.owners) for job in instance.jobs),
        must=sum(job.must for job in instance.jobs),
        successors=sum(bool(job.predecessors) for job in instance.jobs),
        modes=len(modes),
        assumed=sum(m.is_assumed for m in modes) / len(modes),
    )


def _sites(instance: Instance, job: int) -> set[str]:
    return {instance.pools[p.pool].site for m in instance.modes(job) for p in m.parts}


def cap_ratio(instance: Instance, site: str) -> float:
    """Return a site's largest supply over its load with every chip at nameplate draw."""
    h, place = instance.horizon, instance.sites[site]
    supply = sum(s.cap_w(h) for s in place.supplies.values() if s.storage is None)
    nameplate_w = np.zeros(h.periods)
    for pool in instance.pools.values():
        if pool.site == site:
            chips = pool.present(h) * instance.domain_chips(pool)
            nameplate_w += chips * instance.chips[pool.chip].nameplate_kw * 1000
    load_w = place.pue_milli(h) / 1000 * nameplate_w + place.other_w(h)
    return float((supply / load_w).max())
