"""The modes of all jobs as arrays: what `modes.derive` says, for many jobs at once.

An instance of a million chips has hundreds of thousands of modes. Engines and certificates read
them here; a `Mode` is made where one is looked at. Jobs with gangs alone go through `gangs.py`,
which does the same arithmetic on arrays; running jobs and explicit modes are derived one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import derive
from optimizer.domain.tables.gangs import GangModes, gang_modes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode

__all__ = ["Ints", "ModeTable", "make_table"]

Ints = NDArray[np.int64]


class ModeTable(NamedTuple):
    """Modes of all jobs, in the order that plans refer to.

    Attributes
    ----------
    job_ptr : (J+1,)
        Modes of job j are job_ptr[j]..job_ptr[j+1]-1.
    duration, first, end_by, one_off, restart : (M,)
        As in `Mode`.
    pauses, stays : (M,) bool
    part_ptr : (M+1,)
    part_pool, part_slice, part_slices, part_draw_w, part_idle_w
        As in `Part`; pools by their order in the instance.
    use_ptr : (M+1,), use_budget, use_amount
        Consumption of budgets, by their order in the instance; in a mode in the order of names.
    """

    job_ptr: Ints
    duration: Ints
    first: Ints
    end_by: Ints
    one_off: Ints
    restart: Ints
    pauses: NDArray[np.bool_]
    stays: NDArray[np.bool_]
    part_ptr: Ints
    part_pool: Ints
    part_slice: Ints
    part_slices: Ints
    part_draw_w: Ints
    part_idle_w: Ints
    use_ptr: Ints
    use_budget: Ints
    use_amount: Ints

    @property
    def job(self) -> Ints:
        """Job of every mode, (M,)."""
        return np.repeat(np.arange(len(self.job_ptr) - 1), np.diff(self.job_ptr))

    @property
    def part_mode(self) -> Ints:
        """Mode of every part."""
        return np.repeat(np.arange(len(self.duration)), np.diff(self.part_ptr))

    @property
    def chips(self) -> Ints:
        """Chips of the gang of every mode, (M,)."""
        total = np.concatenate(([0], np.cumsum(self.part_slice * self.part_slices)))
        return total[self.part_ptr[1:]] - total[self.part_ptr[:-1]]


def make_table(instance: Instance) -> ModeTable:
    """Return the modes of all jobs of an instance."""
    odd = [j for j, job in enumerate(instance.jobs) if job.running is not None or job.modes]
    plain = gang_modes(instance, sorted(set(range(len(instance.jobs))).difference(odd)))
    single = [(j, mode) for j in odd for mode in derive(instance, instance.jobs[j])[0]]
    return _merged(instance, plain, single)


def _merged(instance: Instance, plain: GangModes, single: list[tuple[int, Mode]]) -> ModeTable:
    """Return both kinds of modes as one table, in the order of jobs."""
    modes = [mode for _, mode in single]
    job = np.concatenate((plain.job, _ints(j for j, _ in single)))
    order = np.argsort(job, kind="stable")
    one = np.ones(len(plain.job), np.int64)
    lengths = np.concatenate((one, _ints(len(m.parts) for m in modes)))
    taken = np.concatenate((plain.use_count, _ints(len(m.uses) for m in modes)))
    parts, pool = [p for m in modes for p in m.parts], {n: i for i, n in enumerate(instance.pools)}
    budget = {name: i for i, name in enumerate(instance.budgets)}
    uses = [use for m in modes for use in m.uses]
    by_part, by_use = _gather(lengths, order), _gather(taken, order)

    def each(from_gangs: Ints, name: str) -> Ints:
        return np.concatenate((from_gangs, _ints(getattr(m, name) for m in modes)))[order]

    def of_parts(from_gangs: Ints, values: Iterable[int]) -> Ints:
        return np.concatenate((from_gangs, _ints(values)))[by_part]

    return ModeTable(
        _ptr(np.bincount(job, minlength=len(instance.jobs))),
        each(plain.duration, "duration"),
        each(plain.first, "first"),
        each(plain.end_by, "end_by"),
        each(plain.one_off, "one_off_nano"),
        each(plain.restart, "restart_nano"),
        each(plain.pauses, "pauses").astype(bool),
        each(0 * one, "stays").astype(bool),
        _ptr(lengths[order]),
        of_parts(plain.pool, (pool[p.pool] for p in parts)),
        of_parts(plain.slice_chips, (p.slice_chips for p in parts)),
        of_parts(plain.slices, (p.slices for p in parts)),
        of_parts(plain.draw_w, (p.draw_w for p in parts)),
        of_parts(plain.idle_w, (p.idle_w for p in parts)),
        _ptr(taken[order]),
        np.concatenate((plain.use_budget, _ints(budget[name] for name, _ in uses)))[by_use],
        np.concatenate((plain.use_amount, _ints(n for _, n in uses)))[by_use],
    )


def _gather(lengths: Ints, order: Ints) -> Ints:
    """Return where the entries of rows of such lengths are found if the rows are put in order."""
    begin = (_ptr(lengths)[:-1])[order]
    kept = lengths[order]
    out: Ints = np.repeat(begin - _ptr(kept)[:-1], kept) + np.arange(int(kept.sum()))
    return out


def _ptr(lengths: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _ints(items: Iterable[int]) -> Ints:
    return np.array(list(items), np.int64)
