"""The last end of all jobs: lists bred on all threads, then CP-SAT from the best plan of them.

What either finds is a start and a mode for every job; whoever asks places them by all rules, so
that nothing gets in that the rows leave out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optimizer.place.engines.insertion import generator
from optimizer.place.engines.lists.serial import breed
from optimizer.place.exact.lists.rows import Rows, crowd_of, room_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import Ints
    from optimizer.place.exact.lists.rows import Crowd, Room
    from optimizer.place.goals.effort import Effort

    Take = Callable[["Proposal"], bool]

__all__ = ["Breeding", "Proposal", "Proven", "fits_cpsat", "prepare_lists", "proven"]

CROWD = 40
"""Individuals of one thread."""

MOVES_OF_A_CHILD = 10
"""Moves of a lap that stand for one child."""

WORK_OF_A_ROUND = 0.5
"""Deterministic time of CP-SAT that a round stands for, where work is limited."""


MOST_MODES = 20_000
"""Modes up to which CP-SAT is asked."""


class Proposal(NamedTuple):
    """Mode and start of every job, by the numbers of the image, and the last end."""

    mode: Ints
    start: Ints
    last: int


class Proven(NamedTuple):
    """What CP-SAT says: engine, no plan of the rows ends before `least`; whether that is the end of
    the best plan."""

    engine: str
    least: int
    is_best: bool


class _Thread:
    """One crowd, and what its breeding needs."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self.rows = rows
        self.crowd: Crowd = crowd_of(len(rows.tail), CROWD)
        self.room: Room = room_of(rows)
        self.rng = generator(seed)
        self.best = 0

    def breed(self, halt: Any, children: int) -> None:
        """Make so many children."""
        self.best = breed(self.rows, self.crowd, self.room, self.rng, halt, children)

    def proposal(self) -> Proposal | None:
        """Return its best plan; None while there is none that keeps the rows."""
        crowd, i = self.crowd, self.best
        last, T = int(crowd.end[i].max(initial=0)), self.rows.cap.shape[1]
        if not crowd.worth[i] < T + 1:
            return None
        return Proposal(crowd.mode[i].copy(), crowd.start[i].copy(), last)


class Breeding:
    """Crowds side by side, which can be bred on.

    Parameters
    ----------
    take
        Told of every plan that ends earlier; returns whether all rules let it in.

    Attributes
    ----------
    best
        The best plan that was taken; None while there is none.
    """

    def __init__(self, rows: Rows, effort: Effort, take: Take) -> None:
        o = effort.clock.options
        self.effort, self.take = effort, take
        self.best: Proposal | None = None
        self.threads = [_Thread(rows, o.seed * 1009 + i + 1) for i in range(o.threads)]
        self.tried = set[int]()
        self.halt = np.zeros(1, np.uint8)

    def run(self, part: float, least: int) -> None:
        """Breed for a part of the effort, or until a plan ends at `least`."""
        if self.best is not None and self.best.last <= least:
            return
        with ThreadPoolExecutor(len(self.threads)) as pool:
            for lap in self.effort.laps(part):
                children = max(1, lap.moves // MOVES_OF_A_CHILD)
                self._each(pool, children)
                for thread in self.threads:
                    self._tell(thread)
                if self.best is not None and self.best.last <= least:
                    return

    def _each(self, pool: ThreadPoolExecutor, children: int) -> None:
        clock = self.effort.clock
        running = [pool.submit(thread.breed, self.halt, children) for thread in self.threads]
        while wait(running, timeout=0.02).not_done:  # signals are handled in between
            self.halt[0] = clock.cancel.is_set() or clock.left() <= 0
        for future in running:
            future.result()

    def _tell(self, thread: _Thread) -> None:
        found = thread.proposal()
        if found is None or (self.best is not None and found.last >= self.best.last):
            return
        mark = int(thread.crowd.mark[thread.best])
        if mark not in self.tried and self.take(found):
            self.best = found
        self.tried.add(mark)


def prepare_lists() -> None:
    """Load or compile the breeding of lists (once on a machine): one job, one row."""
    one, nothing = np.ones(1, np.int64), np.zeros(0, np.int64)
    to_one, to_none = np.array([0, 1], np.int64), np.zeros(2, np.int64)
    need = to_one, np.zeros(1, np.int64), one
    use = to_none, nothing, nothing
    run = np.zeros(1, np.int64), one, np.array([[1]], np.int64)
    order = to_none, nothing, to_none, nothing
    rows = Rows(to_one, *run, *need, *use, np.array([[1]], np.int64), nothing, *order, np.ones(1))
    _Thread(rows, 1).breed(np.zeros(1, np.uint8), 1)


def fits_cpsat(rows: Rows) -> bool:
    """Return whether the rows are of a size that CP-SAT is asked for."""
    return len(rows.dur) <= MOST_MODES


def proven(
    rows: Rows, effort: Effort, best: Proposal, take: Take, least: int
) -> tuple[Proposal, Proven]:
    """Return the best plan that CP-SAT finds from one in what is left, and what it claims."""
    from optimizer.place.exact.lists.model import build_model  # a second
    from optimizer.solvers.cpsat import solve_cp
    from optimizer.solvers.run import Limits

    clock, limit = effort.clock, effort.limit
    model = build_model(rows, best.last)
    model.cp.add(model.last >= least)
    model.hint(best.mode, best.start)
    work = None if limit is None else WORK_OF_A_ROUND * max(1, limit)
    o = clock.options

    def is_over() -> bool:
        return clock.cancel.is_set() or (limit is None and clock.left() <= 0)

    limits = Limits(max(0.1, clock.left()), work, 0.0, o.seed, o.threads)
    own: dict[str, Any] = {"subsolvers": []}  # all of its own, neighbourhoods of schedules too
    run = solve_cp(model.cp, -model.last, limits, None, None, is_over, own)
    bound = least if run.bound is None else max(least, -run.bound)
    if run.solution is not None and run.objective is not None and -run.objective < best.last:
        found = Proposal(*model.read(run), -run.objective)
        best = found if take(found) else best
    return best, Proven(run.engine, bound, best.last == bound)
