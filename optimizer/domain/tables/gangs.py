"""Modes of gangs for many jobs at once: the arithmetic of `modes.derive` on arrays.

A candidate is a (gang, pool, power level). What depends on few values alone - rates, draws, what a
domain is cut into, residency - is asked once for each combination; the rest is the same operations
on doubles and integers in the same order, so that every number is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.units import PERIOD_NOISE, QUANTITY_NOISE, budget_up, nano

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import Gang, Job

__all__ = ["GangModes", "gang_modes"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class GangModes(NamedTuple):
    """Modes of gangs, in the order of jobs; every one has one part.

    Attributes
    ----------
    job, duration, first, end_by, one_off, restart, pauses : (N,)
    pool, slice_chips, slices, draw_w, idle_w : (N,)
    use_count : (N,), use_budget, use_amount
        How many budgets a mode consumes, which, and how much of each.
    """

    job: Ints
    duration: Ints
    first: Ints
    end_by: Ints
    one_off: Ints
    restart: Ints
    pauses: Ints
    pool: Ints
    slice_chips: Ints
    slices: Ints
    draw_w: Ints
    idle_w: Ints
    use_count: Ints
    use_budget: Ints
    use_amount: Ints


@dataclass
class _Gangs:
    """Gangs of all jobs, a row each, and the spots (pool, level) that each may be at."""

    instance: Instance
    rows: list[tuple[int, ...]] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    uses: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    spots: list[list[tuple[int, int]]] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)

    def add(self, j: int, job: Job, gang: Gang, workload: int) -> None:
        """Add a gang of jobs[j]."""
        key = gang.pools, gang.power_levels
        if key not in self.known:
            self.known[key] = len(self.spots)
            self.spots.append(self._spots(gang))
        for name, amount in gang.uses.items():
            self.uses.setdefault(name, []).append((len(self.rows), budget_up(amount)))
        numbers = gang.chips, gang.slice_chips, nano(gang.one_off_usd), nano(gang.restart_usd)
        row = j, self.known[key], workload, *numbers, int(gang.pauses_at_calls)
        self.rows.append(row)
        self.work.append(job.work or 0.0)

    def _spots(self, gang: Gang) -> list[tuple[int, int]]:
        instance, found = self.instance, []
        index = {name: i for i, name in enumerate(instance.pools)}
        for name in instance.pools if gang.pools is None else gang.pools:
            levels = instance.chips[instance.pools[name].chip].levels
            for i, level in enumerate(levels):
                if gang.power_levels is None or level in gang.power_levels:
                    found.append((index[name], i))
        return found


def gang_modes(instance: Instance, jobs: Sequence[int]) -> GangModes:
    """Return the modes of jobs that have gangs alone, and do not run."""
    gangs, workload = _Gangs(instance), {name: i for i, name in enumerate(instance.workloads)}
    for j in jobs:
        job = instance.jobs[j]
        for gang in job.gangs:
            gangs.add(j, job, gang, workload[job.workload or ""])
    row = np.array(gangs.rows, np.int64).reshape(-1, 8)
    work = np.array(gangs.work, np.float64)
    of, pool, level = _candidates(gangs, row[:, 1])
    if not len(of):
        return GangModes(*(np.zeros(0, np.int64) for _ in GangModes._fields))
    own = row[of]
    c = _Candidates(instance, of, own[:, 0], own[:, 2], own[:, 3], own[:, 4], pool, level)
    speed = c.speed()
    keep = (speed > 0) & c.fits()
    c, speed = c.only(keep), speed[keep]
    work_left = work[c.gang] / (speed * instance.horizon.period_hours)
    duration = np.maximum(1, np.ceil(work_left - PERIOD_NOISE)).astype(np.int64)
    first, end_by, paid = _windows(c)
    late = first + duration <= end_by
    c, duration = c.only(late), duration[late]
    uses = _uses(c, duration, gangs.uses)
    own = row[c.gang]
    return GangModes(
        c.job, duration, first[late], end_by[late], own[:, 5] + paid[late], own[:, 6], own[:, 7],
        c.pool, c.slice_chips, c.chips // c.slice_chips, c.draw_w(), c.idle_w() * c.chips, *uses,
    )  # fmt: skip


def _candidates(gangs: _Gangs, spot_of: Ints) -> tuple[Ints, Ints, Ints]:
    """Return gang, pool and level of every candidate."""
    lengths = np.array([len(s) for s in gangs.spots], np.int64)
    begin = np.cumsum(lengths) - lengths
    flat = np.array([x for spots in gangs.spots for x in spots], np.int64).reshape(-1, 2)
    many = lengths[spot_of] if len(spot_of) else np.zeros(0, np.int64)
    of = np.repeat(np.arange(len(many)), many)
    at = np.repeat(begin[spot_of] - (np.cumsum(many) - many), many) + np.arange(len(of))
    return of, flat[at, 0], flat[at, 1]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Candidates, (N,) each: gang, job, class of work, chips, slice, pool and level."""

    instance: Instance
    gang: Ints
    job: Ints
    workload: Ints
    chips: Ints
    slice_chips: Ints
    pool: Ints
    level: Ints

    def only(self, keep: Flags) -> _Candidates:
        """Return some of them."""
        names = ("gang", "job", "workload", "chips", "slice_chips", "pool", "level")
        return _Candidates(self.instance, *(getattr(self, name)[keep] for name in names))

    def _of_pool(self, value: Callable[[Any], Any]) -> Any:
        """Return a value of the pool of each."""
        return np.array([value(p) for p in self.instance.pools.values()])[self.pool]

    def _kind(self) -> tuple[list[tuple[str, str | None]], Ints]:
        """Return the kinds (chip, domain) of pools, and that of each."""
        pools = self.instance.pools.values()
        kinds = list(dict.fromkeys((p.chip, p.domain) for p in pools))
        return kinds, self._of_pool(lambda p: kinds.index((p.chip, p.domain)))

    def speed(self) -> NDArray[np.float64]:
        """Return work per hour at the level, 0 where there is no rate or too little memory."""
        instance, (kinds, kind) = self.instance, self._kind()
        workloads = list(instance.workloads.values())

        def rate(w: int, k: int, slice_chips: int, chips: int, i: int) -> float:
            chip = instance.chips[kinds[k][0]]
            found = workloads[w].rate(*kinds[k], slice_chips, chips)
            if found is None or chip.hbm_gb < workloads[w].min_hbm_gb:
                return 0.0
            return found.work_per_hour * list(chip.levels.values())[i].speed_share

        columns = self.workload, kind, self.slice_chips, self.chips, self.level
        return np.asarray(_asked(rate, *columns), np.float64)

    def fits(self) -> Flags:
        """Return which residency, domains and the size of their pools allow."""
        instance, (kinds, kind) = self.instance, self._kind()
        most = np.array([instance.most_chips[name] for name in instance.pools])[self.pool]

        def is_cut(k: int, slice_chips: int) -> bool:
            domain = kinds[k][1]
            return domain is None or instance.domains[domain].cuts(slice_chips)

        is_home: Flags = _residency(instance)[self.job, self.site()]
        is_cut_so: Flags = _asked(is_cut, kind, self.slice_chips)
        return is_home & is_cut_so & (self.chips <= most)

    def site(self) -> Ints:
        """Return the site of each."""
        index = {name: i for i, name in enumerate(self.instance.sites)}
        site: Ints = self._of_pool(lambda p: index[p.site])
        return site

    def draw_w(self) -> Ints:
        """Return the IT draw of each in training [W]."""
        kinds, kind = self._kind()
        levels = {chip: list(c.levels) for chip, c in self.instance.chips.items()}

        def draw(k: int, i: int, chips: int) -> int:
            chip = kinds[k][0]
            return self.instance.chips[chip].gang_w(chips, levels[chip][i])

        return np.asarray(_asked(draw, kind, self.level, self.chips), np.int64)

    def idle_w(self) -> Ints:
        """Return the idle draw of a chip [W]."""
        return np.asarray(self._of_pool(lambda p: self.instance.chips[p.chip].idle_w), np.int64)


def _asked(ask: Callable[..., Any], *columns: Ints) -> Any:
    """Return the answers of a function, asked once for every combination of the columns."""
    code, count = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        values, index = np.unique(column, return_inverse=True)
        code, count = code * len(values) + index, count * len(values)
    _, first, back = np.unique(code, return_index=True, return_inverse=True)
    asked = [ask(*each) for each in zip(*(c[first].tolist() for c in columns), strict=True)]
    return np.array(asked)[back] if asked else np.zeros(0, bool)


def _residency(instance: Instance) -> Flags:
    """Return at which sites a job may be, (J, S)."""
    sites, known = list(instance.sites.values()), dict[Any, list[bool]]()
    rows = []
    for job in instance.jobs:
        key = job.countries, job.owners
        if key not in known:
            known[key] = [
                (key[0] is None or s.country in key[0]) and (key[1] is None or s.owner in key[1])
                for s in sites
            ]
        rows.append(known[key])
    return np.array(rows, bool).reshape(-1, len(sites))


def _windows(c: _Candidates) -> tuple[Ints, Ints, Ints]:
    """Return earliest start and latest end of each, and what its data costs [nano-USD]."""
    instance, h = c.instance, c.instance.horizon
    release = [max(0, h.up(job.release)) for job in instance.jobs]
    ends = (h.periods if j.deadline is None else h.down(j.deadline) for j in instance.jobs)
    end_by = np.array([min(h.periods, end) for end in ends], np.int64)[c.job]
    first = np.array(release, np.int64)[c.job]
    moved = [j for j, job in enumerate(instance.jobs) if job.data]
    index, site_of = np.full(len(release), len(moved)), {n: i for i, n in enumerate(instance.sites)}
    index[moved] = np.arange(len(moved))
    ready, cost = np.zeros((2, len(moved) + 1, len(site_of)), np.int64)
    for i, j in enumerate(moved):
        for data in instance.jobs[j].data:
            s = site_of[data.site]
            ready[i, s] = max(ready[i, s], h.up(data.ready))
            cost[i, s] += nano(data.cost_usd)
    at = index[c.job], c.site()
    return np.maximum(first, ready[at]), end_by, cost[at]


def _uses(
    c: _Candidates, duration: Ints, own: dict[str, list[tuple[int, int]]]
) -> tuple[Ints, Ints, Ints]:
    """Return how many budgets each mode consumes, which, and how much: by mode, then by name."""
    instance, gangs = c.instance, int(c.gang.max(initial=-1)) + 1
    hours = c.chips * (duration * instance.horizon.period_hours)
    counted = np.ceil(hours * 1000 - QUANTITY_NOISE).astype(np.int64)
    order = {name: i for i, name in enumerate(instance.budgets)}
    found = [np.zeros((3, 0), np.int64)]
    for name in sorted(instance.budgets):
        of = instance.budgets[name].chip_hours_of
        counts = np.array([j.tenant is not None and j.tenant in of for j in instance.jobs], bool)
        takes = counts[c.job] if len(counts) else np.zeros(0, bool)
        amount = np.where(takes, counted, 0)
        if name in own:
            by_gang, has = np.zeros(gangs, np.int64), np.zeros(gangs, bool)
            for gang, n in own[name]:
                if gang < gangs:
                    by_gang[gang], has[gang] = n, True
            amount, takes = amount + by_gang[c.gang], takes | has[c.gang]
        at = np.flatnonzero(takes)
        found.append(np.stack((at, np.full(len(at), order[name]), amount[at])))
    mode, budgets, amounts = np.concatenate(found, axis=1)
    sort = np.argsort(mode, kind="stable")
    return np.bincount(mode, minlength=len(c.job)), budgets[sort], amounts[sort]
