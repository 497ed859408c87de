"""Modes: every way in which a job may run, derived once from workload, gangs and pools.

The order of a job's modes is part of the meaning of a plan: for a running job first where it runs,
which is all unless it may be moved; then its gangs in order, for each its pools in the order of the
instance, for each the chip's power levels in order; then its explicit modes. A mode that a rule
excludes is no mode; the rule is kept for the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.units import budget_up, nano, periods_up, run_periods, watts_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import ExplicitMode, Gang, Job, Running
    from optimizer.domain.sites import IdRange, Pool
    from optimizer.domain.workloads import Workload

__all__ = ["Mode", "Part", "Refusal", "derive", "ids_usable", "run_ends", "ways"]


RUNNING = "running"
"""Origin of the mode of a running job where it runs."""


@dataclass(frozen=True, slots=True)
class Part:
    """Slices of a mode in one pool.

    Attributes
    ----------
    slice_chips, slices
        Size of a slice [chips] and how many.
    draw_w
        IT draw while it trains [W].
    idle_w
        IT draw of the same chips idle [W]: what they draw while paused, or without a job.
    pinned
        Domain ids of a running job, or None.
    """

    pool: str
    slice_chips: int
    slices: int
    draw_w: int
    idle_w: int
    pinned: tuple[IdRange, ...] | None = None

    @property
    def chips(self) -> int:
        """Chips of this part."""
        return self.slice_chips * self.slices


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run a job.

    Attributes
    ----------
    duration
        Periods in training; pauses come on top.
    first, end_by
        Earliest start and latest end [period boundary].
    one_off_nano, restart_nano
        Paid for running; paid once more if it meets a call and pauses [nano-USD].
    uses
        Consumption of budgets [thousandths of their unit].
    pauses
        It stands still, at idle draw, while its site is called.
    origin, level
        Where it comes from, for people; its power level.
    is_assumed
        Its rate is an estimate or lies outside the measured rows.
    """

    parts: tuple[Part, ...]
    duration: int
    first: int
    end_by: int
    one_off_nano: int
    restart_nano: int
    uses: tuple[tuple[str, int], ...]
    pauses: bool
    origin: str
    level: str
    is_assumed: bool

    @property
    def chips(self) -> int:
        """Chips of the whole gang."""
        return sum(p.chips for p in self.parts)

    @property
    def stays(self) -> bool:
        """Whether it is that of a running job where it runs."""
        return self.origin == RUNNING


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mode that is none: the rule that excludes it, where it would have come from, and why."""

    rule: str
    origin: str
    why: str


def run_ends(duration: int, called: NDArray[np.bool_] | None, periods: int) -> NDArray[np.int64]:
    """Return for every start the end of a run, shape (T,); periods + 1 where it does not finish.

    called : (T,) or None
        Periods in which the run stands still; None for a run that does not pause.
    """
    starts = np.arange(periods)
    if called is None or not called.any():
        ends = starts + duration
    else:
        active = np.concatenate(([0], np.cumsum(~called)))  # periods of work before a boundary
        ends = np.searchsorted(active, active[:-1] + duration, side="left")
    return np.where(ends > periods, periods + 1, ends)


def ids_usable(instance: Instance, mode: Mode, end: int) -> bool:
    """Return whether the ids that a mode is pinned to can be used from the start until `end`."""
    for part in mode.parts:
        pool, h = instance.pools[part.pool], instance.horizon
        away = pool.out_of_use(h)
        for first, last in part.pinned or ():
            met = any(
                low <= last and first <= high and a < min(b, end) for (low, high), a, b in away
            )
            if met or last >= int(pool.usable(h)[:end].min()):
                return False
    return True


def derive(instance: Instance, job: Job) -> tuple[tuple[Mode, ...], tuple[Refusal, ...]]:
    """Return a job's modes and what a rule excluded."""
    every = tuple(ways(instance, job))
    modes = tuple(each for each in every if isinstance(each, Mode))
    return modes, tuple(each for each in every if isinstance(each, Refusal))


def ways(instance: Instance, job: Job) -> Iterator[Mode | Refusal]:
    """Yield a job's modes in their order, and among them what a rule excluded, one by one."""
    if job.running is not None:
        yield _running_mode(instance, job, job.running)
        if instance.moves is None or job.running.move is None:
            return
    for g, gang in enumerate(job.gangs):
        yield from _gang_modes(instance, job, gang, f"gangs[{g}]")
    for e, explicit in enumerate(job.modes):
        yield _explicit_mode(instance, job, explicit, f"modes[{e}]")


def _gang_modes(instance: Instance, job: Job, gang: Gang, origin: str) -> Iterator[Mode | Refusal]:
    workload = instance.workloads[job.workload or ""]
    work = _work(instance, job, workload)
    for name in instance.pools if gang.pools is None else gang.pools:
        pool = instance.pools[name]
        rate = workload.rate(pool.chip, pool.domain, gang.slice_chips, gang.chips)
        where = f"{origin} in {name}"
        if rate is None:
            if gang.pools is not None:
                yield Refusal("compatibility", where, f"no rate of {job.workload} there")
            continue
        chip = instance.chips[pool.chip]
        if chip.hbm_gb < workload.min_hbm_gb:
            yield Refusal(
                "compatibility", where, f"{chip.hbm_gb:g} GB a chip, needs {workload.min_hbm_gb:g}"
            )
            continue
        for level, point in chip.levels.items():
            if gang.power_levels is not None and level not in gang.power_levels:
                continue
            slices = gang.chips // gang.slice_chips
            part = Part(
                name,
                gang.slice_chips,
                slices,
                chip.gang_w(gang.chips, level),
                chip.idle_w * gang.chips,
            )
            speed = rate.work_per_hour * point.speed_share
            duration = run_periods(work, speed, instance.horizon.period_hours)
            yield _finish(
                instance,
                job,
                (part,),
                duration,
                gang,
                f"{where} at {level}",
                level,
                rate.is_assumed or level != "full",
            )


def _work(instance: Instance, job: Job, workload: Workload) -> float:
    """Return the work of a job; of one that runs, what is left of it."""
    if job.running is None or job.running.move is None:
        return job.work or 0.0
    if job.running.move.work_left is not None:
        return job.running.move.work_left
    (part,) = job.running.parts
    pool = instance.pools[part.pool]
    chips = part.slices * part.slice_chips
    rate = workload.rate(pool.chip, pool.domain, part.slice_chips, chips)
    speed = instance.chips[pool.chip].levels[job.running.power_level].speed_share
    hours = job.running.periods_left * instance.horizon.period_hours
    return 0.0 if rate is None else hours * (rate.work_per_hour * speed)


def _explicit_mode(
    instance: Instance, job: Job, explicit: ExplicitMode, origin: str
) -> Mode | Refusal:
    parts = []
    for p in explicit.parts:
        chip = instance.chips[instance.pools[p.pool].chip]
        chips = p.slice_chips * p.slices
        draw = chip.gang_w(chips, "full") if p.draw_kw is None else watts_up(p.draw_kw)
        parts.append(Part(p.pool, p.slice_chips, p.slices, draw, chip.idle_w * chips))
    duration = run_periods(explicit.hours, 1.0, instance.horizon.period_hours)
    return _finish(instance, job, tuple(parts), duration, explicit, origin, "given", False)


def _running_mode(instance: Instance, job: Job, running: Running) -> Mode:
    parts = []
    for p in running.parts:
        chip = instance.chips[instance.pools[p.pool].chip]
        chips = p.slice_chips * p.slices
        draw = chip.gang_w(chips, running.power_level)
        pinned = p.domains or None
        parts.append(Part(p.pool, p.slice_chips, p.slices, draw, chip.idle_w * chips, pinned))
    uses = _chip_hours(instance, job, sum(p.chips for p in parts), running.periods_left)
    may_move = instance.moves is not None and running.move is not None
    end_by = _window(instance, job, set())[1] if may_move else instance.horizon.periods
    return Mode(
        tuple(parts),
        running.periods_left,
        0,
        end_by,
        0,
        nano(running.restart_usd),
        tuple(sorted(uses.items())),
        running.pauses_at_calls,
        RUNNING,
        running.power_level,
        False,
    )


def _finish(
    instance: Instance,
    job: Job,
    parts: tuple[Part, ...],
    duration: int,
    given: Gang | ExplicitMode,
    origin: str,
    level: str,
    is_assumed: bool,
) -> Mode | Refusal:
    """Add what a gang and an explicit mode have in common; refuse what a rule excludes."""
    sites = {instance.pools[p.pool].site for p in parts}
    refusal = _refused(instance, job, parts, sites, origin)
    if refusal is not None:
        return refusal
    once = [given.one_off_usd, *(d.cost_usd for d in job.data if d.site in sites)]
    if job.running is not None and job.running.move is not None:
        duration += periods_up(job.running.move.hours, instance.horizon.period_hours)
        once.append(job.running.move.usd)
    first, end_by = _window(instance, job, sites)
    if first + duration > end_by:
        ph = instance.horizon.period_hours
        why = f"takes {duration * ph:g} h, has {max(0, end_by - first) * ph:g} h to run in"
        return Refusal("window", origin, why)
    uses = _chip_hours(instance, job, sum(p.chips for p in parts), duration)
    for budget, amount in given.uses.items():
        uses[budget] = uses.get(budget, 0) + budget_up(amount)
    return Mode(
        parts,
        duration,
        first,
        end_by,
        sum(map(nano, once)),
        nano(given.restart_usd),
        tuple(sorted(uses.items())),
        given.pauses_at_calls,
        origin,
        level,
        is_assumed,
    )


def _window(instance: Instance, job: Job, sites: set[str]) -> tuple[int, int]:
    """Earliest start and latest end of a run at these sites [period boundary]."""
    horizon = instance.horizon
    first, end_by = max(0, horizon.up(job.release)), horizon.periods
    for held in job.data:
        if held.site in sites:
            first = max(first, horizon.up(held.ready))
    if job.deadline is not None:
        end_by = min(end_by, horizon.down(job.deadline))
    return first, end_by


def _refused(
    instance: Instance, job: Job, parts: tuple[Part, ...], sites: set[str], origin: str
) -> Refusal | None:
    """What residency, domains or the size of pools exclude, in this order."""
    for site in sorted(sites):
        why = _residency(instance, job, site)
        if why:
            return Refusal("residency", origin, why)
    for part in parts:
        pool = instance.pools[part.pool]
        why = _no_fit(instance, pool, part)
        if why:
            return Refusal("domain_fit", origin, why)
        most = instance.most_chips[part.pool]
        if part.chips > most:
            return Refusal("pool_capacity", origin, f"{part.chips} chips, the pool has {most}")
    return None


def _chip_hours(instance: Instance, job: Job, chips: int, duration: int) -> dict[str, int]:
    hours = duration * instance.horizon.period_hours
    return {
        name: budget_up(chips * hours)
        for name, budget in instance.budgets.items()
        if job.tenant is not None and job.tenant in budget.chip_hours_of
    }


def _residency(instance: Instance, job: Job, site: str) -> str:
    place = instance.sites[site]
    if job.countries is not None and place.country not in job.countries:
        return f"{site} lies in {place.country}, allowed: {', '.join(job.countries)}"
    if job.owners is not None and place.owner not in job.owners:
        return f"{site} belongs to {place.owner}, allowed: {', '.join(job.owners)}"
    return ""


def _no_fit(instance: Instance, pool: Pool, part: Part) -> str:
    if pool.domain is None:
        return ""
    domain = instance.domains[pool.domain]
    if domain.cuts(part.slice_chips):
        return ""
    return f"a slice of {part.slice_chips} is not cut from {pool.domain} of {domain.chips} chips"
