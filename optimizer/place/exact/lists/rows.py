"""What lists are generated on: every limit of a period as a row, every total as a budget.

Sets        jobs j that do not have to stay, modes m, periods t; rows r: chips of a pool, slices of
            a size q in a pool with domains, IT watts of a site, chips of a tenant
Parameters  need[m, r] while m runs, cap[r, t] less what runs already; use[m, b], budget[b]
Rules       sum of need <= cap, sum of use <= budget, successors start after the end

A slice s takes floor(s / q) of a row of slices, a domain d has floor(d / q). Left out are which
domain a small slice is on, and permits: where a plan does not keep those, the search's own rules
refuse it. Batteries stand idle, and a gang that pauses draws throughout: with these a plan is a
plan, but what ends first here may not be what ends first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optimizer.place.image.totals import PRECEDENCE

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.handles import State

__all__ = ["Crowd", "Listed", "Room", "Rows", "crowd_of", "room_of", "rows_of"]

MOST_COLUMNS = 5_000_000
"""Pairs of mode and start, and of row and period, up to which lists are generated."""


class Rows(NamedTuple):
    """The image, as compiled code reads it.

    Attributes
    ----------
    job_ptr : (J+1,)
        Modes of each job.
    first, dur : (M,)
        Earliest start; least length of a run.
    ends : (M, T)
        Where the run of a mode ends, by its start; T + 1 where it may not start.
    need_ptr : (M+1,), need_row, need_n
        What a mode needs of rows while it runs.
    use_ptr : (M+1,), use_budget, use_n
        What it uses of budgets.
    cap : (R, T), budget : (B,)
        Right sides.
    pred_ptr, pred, succ_ptr, succ
        Who waits for whom.
    tail : (J,)
        Least periods from the start of a job to the end of the last that waits for it.
    """

    job_ptr: Any
    first: Any
    dur: Any
    ends: Any
    need_ptr: Any
    need_row: Any
    need_n: Any
    use_ptr: Any
    use_budget: Any
    use_n: Any
    cap: Any
    budget: Any
    pred_ptr: Any
    pred: Any
    succ_ptr: Any
    succ: Any
    tail: Any


class Crowd(NamedTuple):
    """Lists and their plans, (n, J) each; the last is room for a child.

    Attributes
    ----------
    worth : (n,)
        The last end, and much more where budgets do not hold: the less the better.
    mark : (n,)
        Tells plans apart.
    age : (n,)
        Children since it got better; -1 while it is empty.
    """

    order: Any
    mode: Any
    start: Any
    end: Any
    worth: Any
    mark: Any
    age: Any


class Room(NamedTuple):
    """Scratch of one thread: rows and budgets that are left, and numbers by job."""

    free: Any
    left: Any
    work: Any
    keys: Any


@dataclass(frozen=True)
class Listed:
    """The image of an instance.

    Attributes
    ----------
    jobs, modes
        Numbers of its jobs and modes in the arrays.
    names
        Of every row: `chips` (of a pool, in slices of a size), `power` or `quota`; whose; the size.
    is_exact
        Whether what ends first here ends first: nothing pauses, and there are no batteries.
    """

    rows: Rows
    jobs: Ints
    modes: Ints
    names: list[tuple[str, int, int]]
    is_exact: bool


def crowd_of(jobs: int, n: int) -> Crowd:
    """Return room for n lists, nothing in it."""
    order, mode, start, end = np.zeros((4, n + 1, jobs), np.int64)
    worth, mark = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    return Crowd(order, mode, start, end, worth, mark, np.full(n + 1, -1, np.int64))


def room_of(rows: Rows) -> Room:
    """Return scratch for rows."""
    J = len(rows.tail)
    return Room(rows.cap.copy(), rows.budget.copy(), np.zeros((3, J), np.int64), np.zeros(J))


def rows_of(a: PlaceArrays, ends: Ints, state: State) -> Listed | None:
    """Return the image; None where it would be too large, or a job has no run.

    Parameters
    ----------
    a
        As the search sees them: without what batteries give.
    ends : (M, T)
        Where every (mode, start) ends.
    state
        Where only jobs are placed that have to stay.
    """
    jobs, T = np.flatnonzero(a.running == 0), a.pue.shape[1]
    modes = np.flatnonzero(np.repeat(a.running == 0, np.diff(a.job_ptr)))
    if not len(modes) or len(modes) * T > MOST_COLUMNS:
        return None
    needs, cap, names = _needs(a, modes, state)
    open_ends = np.where(a.allowed[modes] == 1, ends[modes], T + 1).astype(np.int64)
    before = _before(a, state, jobs, open_ends)
    after = _turned(before)
    job_ptr = np.concatenate(([0], np.cumsum(np.diff(a.job_ptr)[jobs]))).astype(np.int64)
    has_run = (open_ends <= T).any(1)
    is_whole = all(has_run[p:q].any() for p, q in pairwise(job_ptr.tolist()))
    if cap.size > MOST_COLUMNS or not is_whole:
        return None
    rows = Rows(
        job_ptr,
        np.where(has_run, (open_ends <= T).argmax(1), T),
        a.dur[modes],
        open_ends,
        *_lists([[(r, n) for r, n in sorted(each.items()) if n] for each in needs]),
        *_lists([_uses(a, int(m)) for m in modes]),
        cap,
        np.where(a.total_kind != PRECEDENCE, a.budget - state.budget_used, 0).astype(np.int64),
        *_pairs(before),
        *_pairs(after),
        _tails(job_ptr, a.dur[modes], after, before),
    )
    pauses = (ends[modes] <= T) & (ends[modes] - np.arange(T) != a.dur[modes][:, None])
    return Listed(rows, jobs, modes, names, not bool(pauses.any() or (a.full >= 0).any()))


def _uses(a: PlaceArrays, m: int) -> list[tuple[int, int]]:
    own = range(int(a.use_ptr[m]), int(a.use_ptr[m + 1]))
    each = [(int(a.use_budget[u]), int(a.use_amount[u])) for u in own]
    return [(b, n) for b, n in each if a.total_kind[b] != PRECEDENCE]


def _needs(
    a: PlaceArrays, modes: Ints, state: State
) -> tuple[list[dict[int, int]], Ints, list[tuple[str, int, int]]]:
    """Return what every mode needs of rows, what there is of them, (R, T), and their names."""
    caps, of = list[Any](), dict[tuple[str, int, int], int]()

    def row(kind: str, i: int, size: int, right: Ints) -> None:
        of[kind, i, size] = len(caps)
        caps.append(right.astype(np.int64))

    for p in range(len(a.pool_size)):
        size = int(a.pool_size[p])
        row("chips", p, 1, a.avail[p] * size)
        sizes = set(a.part_slice[a.part_pool == p].tolist()) - {1} if size > 1 else set()
        for q in sorted(sizes):
            row("chips", p, int(q), a.avail[p] * (size // int(q)))
    for s in range(len(a.pue)):
        row("power", s, 1, a.room_w[s] - state.load[s])
    for i in np.flatnonzero(a.quota >= 0).tolist():
        row("quota", i, 1, a.quota[i] - state.tenant_chips[i])
    of_pool: list[list[tuple[int, int]]] = [[] for _ in a.pool_size]
    for (kind, p, q), r in of.items():
        if kind == "chips":
            of_pool[p].append((q, r))

    for j in np.flatnonzero((a.running == 1) & (state.mode_of >= 0)).tolist():
        for r, n in _need(a, int(a.job_ptr[j]), of, of_pool).items():
            if r < of["power", 0, 1]:  # what runs is off the other rows already
                caps[r][state.start[j] : state.end[j]] -= n
    each = [_need(a, int(m), of, of_pool) for m in modes]
    return each, np.array(caps, np.int64), list(of)


def _need(
    a: PlaceArrays,
    m: int,
    of: dict[tuple[str, int, int], int],
    of_pool: list[list[tuple[int, int]]],
) -> dict[int, int]:
    """Return what a mode needs of rows.

    of, of_pool
        Rows by name; by pool the sizes of slices that it has rows of, and these.
    """
    out: dict[int, int] = {}
    for part in range(a.part_ptr[m], a.part_ptr[m + 1]):
        p, slice_chips = int(a.part_pool[part]), int(a.part_slice[part])
        for q, r in of_pool[p]:
            if slice_chips >= q:
                out[r] = out.get(r, 0) + slice_chips // q * int(a.part_slices[part])
        r = of["power", int(a.pool_site[p]), 1]
        out[r] = out.get(r, 0) + int(a.part_net_w[part])
    job = int(np.searchsorted(a.job_ptr, m, "right")) - 1
    tenant = int(a.tenant[job])
    if ("quota", tenant, 1) in of:
        out[of["quota", tenant, 1]] = int(a.chips[m])
    return out


def _turned(before: list[list[int]]) -> list[list[int]]:
    """Return who comes after whom."""
    after: list[list[int]] = [[] for _ in before]
    for i, each in enumerate(before):
        for k in each:
            after[k].append(i)
    return after


def _before(a: PlaceArrays, state: State, jobs: Ints, open_ends: Ints) -> list[list[int]]:
    """Return who waits for whom; for what has to stay, starts are closed until it ends."""
    out, m, number = [], 0, {j: i for i, j in enumerate(jobs.tolist())}
    for j in jobs.tolist():
        mine, n = [], int(a.job_ptr[j + 1] - a.job_ptr[j])
        for p in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
            if p in number:
                mine.append(number[p])
            else:
                open_ends[m : m + n, : int(state.end[p])] = open_ends.shape[1] + 1
        out.append(mine)
        m += n
    return out


def _tails(job_ptr: Ints, dur: Ints, after: list[list[int]], before: list[list[int]]) -> Any:
    """Return the least periods from the start of each job to the end of the last behind it."""
    least = [int(dur[p:q].min()) for p, q in pairwise(job_ptr.tolist())]
    waits, tail = [len(x) for x in after], np.array(least, np.float64)
    ready = [j for j, n in enumerate(waits) if n == 0]
    while ready:
        j = ready.pop()
        tail[j] += max((tail[k] for k in after[j]), default=0.0)
        for p in before[j]:
            waits[p] -= 1
            if waits[p] == 0:
                ready.append(p)
    return tail


def _pairs(lists: list[list[int]]) -> tuple[Ints, Ints]:
    ptr = np.concatenate(([0], np.cumsum([len(x) for x in lists]))).astype(np.int64)
    return ptr, np.array([i for x in lists for i in x], np.int64)


def _lists(lists: list[list[tuple[int, int]]]) -> tuple[Ints, Ints, Ints]:
    ptr, which = _pairs([[r for r, _ in x] for x in lists])
    return ptr, which, np.array([n for x in lists for _, n in x], np.int64)
