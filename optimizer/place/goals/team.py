"""Searches side by side on one problem whose money and deadlines may change while they run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.search import (
    anneal,
    best_of,
    construct,
    copied,
    copy_best,
    handles_of,
    make_memory,
    put_back,
)
from optimizer.place.engines.state import empty_state, place, unplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints
    from optimizer.place.engines.handles import Memory, Problem, State
    from optimizer.place.exact.lists.rows import Listed
    from optimizer.place.plan import Options

__all__ = ["HOT_TO_COLD", "Member", "Team", "cooled"]

HOT_TO_COLD = 2e-3 / 0.3
"""Last temperature of a stage over its first."""


def cooled(hot: float, share: float) -> float:
    """Return the temperature at a share of a stage that begins hot."""
    return hot * float(HOT_TO_COLD ** min(1.0, share))


@dataclass(frozen=True)
class Member:
    """One search: what it has placed, what it remembers, and both for compiled code."""

    state: State
    memory: Memory
    handles: tuple[Any, Any, Any]

    def best(self) -> State:
        """Return its best plan, as placement records of a State; they change with the search."""
        return best_of(self.state, self.memory)


class Team:
    """Searches with different seeds on one problem."""

    def __init__(self, instance: Instance, problem: Problem, options: Options) -> None:
        self.instance, self.problem, self.pins = instance, problem, dict[int, int]()
        self.weight = 1.0 if len(problem.a.late) > 400 else 0.5  # many small jobs: trust prices
        self.is_running = problem.a.running == 1
        self.members = []
        for i in range(options.threads):
            state = empty_state(problem)
            self.pins = pin_running(instance, problem, state)
            memory = make_memory(problem, state, options.seed * 1009 + i + 1)
            handles = handles_of(problem, state, memory)
            copy_best(*handles)
            self.members.append(Member(state, memory, handles))
        self.pool = ThreadPoolExecutor(options.threads)

    def construct(self) -> None:
        """Let the first search place what it can, best priced profit first."""
        first = self.members[0]
        construct(first.handles, self.problem, first.memory, self.weight, 0)

    def best(self) -> Member:
        """Return the search with the best plan."""
        return max(self.members, key=lambda m: float(m.memory.best[0]))

    def anneal(self, moves: int, hot: float, cold: float) -> None:
        """Let every search make so many moves."""
        self.each(lambda m: anneal(*m.handles, moves, hot, cold, self.weight))

    def each(self, work: Callable[[Member], None]) -> None:
        """Do something with every search, side by side."""
        running = [self.pool.submit(work, member) for member in self.members]
        while wait(running, timeout=0.05).not_done:  # signals are handled in between
            pass
        for future in running:
            future.result()

    def take(self, member: Member, plan: State, keeps: Any = None) -> None:
        """Bring a search to a plan (only the jobs that a mask keeps); it becomes its best."""
        problem, state, _ = member.handles
        for j in np.flatnonzero((member.state.mode_of >= 0) & ~self.is_running).tolist():
            unplace(problem, state, j)
        wanted = (plan.mode_of >= 0) & ~self.is_running
        if keeps is not None:
            wanted &= keeps
        put_back(self.problem, member.handles, plan, wanted)
        copy_best(*member.handles)

    def placed(self, image: Listed, modes: Ints, starts: Ints) -> State | None:
        """Return the plan in which the jobs of an image run so, the best of the first search now.

        None if a rule refuses a job. Large slices come first, as they find whole domains.

        modes, starts : (J,)
            By the numbers of the image.
        """
        first, a = self.members[0], self.problem.a
        problem, state, _ = first.handles
        for j in np.flatnonzero((first.state.mode_of >= 0) & ~self.is_running).tolist():
            unplace(problem, state, j)
        own = image.modes[modes].tolist()
        runs = zip(image.jobs.tolist(), own, starts.tolist(), strict=True)

        def key(run: tuple[int, int, int]) -> tuple[bool, int, int]:
            parts = slice(int(a.part_ptr[run[1]]), int(a.part_ptr[run[1] + 1]))
            return not a.part_whole[parts].all(), -int(a.part_slice[parts].max()), run[2]

        for j, m, start in sorted(runs, key=key):
            mask = a.mask[m]
            end = int(a.when[mask, a.act[mask, start] + a.dur[m]])
            if not place(problem, state, j, m, start, end):
                return None
        copy_best(*first.handles)
        return copied(first.best())
