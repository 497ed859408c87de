"""The race: searches with different seeds side by side on one problem, watched and stopped.

Compiled code runs without the lock in threads of its own; the thread that called looks at the clock
and sets one flag that all searches see after each of their moves. So a limit or a cancel is kept to
within a move, whatever the load of the machine.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.answer import plan_objective
from optimizer.place.conflict.proof import prove
from optimizer.place.engines.handles import (
    Memory,
    Problem,
    State,
    memory_handle,
    problem_handle,
    state_handle,
)
from optimizer.place.engines.packing import name_domains, pin_running, slots_by_id
from optimizer.place.engines.polish.greedy import polish
from optimizer.place.engines.search import anneal, construct, copy_best, make_memory
from optimizer.place.engines.state import empty_state, make_problem, restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.clock import Clock, StoppedBy
    from optimizer.place.engines.prices import Dual
    from optimizer.place.plan import Certificate

__all__ = ["Race"]

PROOF_SHARE = 0.2
"""Share of the time left in which to look for a proof that there is no plan, where a first
construction lacks must jobs."""

CHUNK_SECONDS = 0.15
"""The searches come back this often to hand on what they found."""

TICK_SECONDS = 0.02
"""How often the clock is looked at while they run [s]."""

ROUND_MOVES = 2000
"""Moves of one round, where work is limited instead of time."""

HOT, COLD = 0.3, 2e-3
"""First and last temperature, as shares of the mean value of a mode."""


@dataclass(frozen=True)
class _Search:
    """One search: what it has placed, what it remembers, and both for compiled code."""

    state: State
    memory: Memory
    handles: tuple[Any, Any, Any]


class Race:
    """Searches with different seeds, side by side on one problem.

    Attributes
    ----------
    halt : (1,) uint8
        Set, it ends all searches after their present move.
    kept
        Exact objective [nano-USD], records and pinned virtual domains of the best plan: one that
        has every must job or, polished at the end, the most that was found without (None).
    no_plan
        Prices that prove that no plan has every must job, where they were looked for and found.
    """

    def __init__(self, instance: Instance, arrays: PlaceArrays, dual: Dual, clock: Clock) -> None:
        self.instance, self.clock = instance, clock
        priced, worth = dual.mode_prices()
        self.problem: Problem = make_problem(arrays, priced, worth, dual.best.permits)
        self.weight = 1.0 if len(arrays.late) > 400 else 0.5  # many small jobs: trust prices more
        self.pins: dict[int, int] = {}
        self.told = -np.inf
        self.kept: tuple[int | None, State, dict[int, int]] | None = None
        self.no_plan: Certificate | None = None
        self.halt = np.zeros(1, np.uint8)
        self.searches = [self._search(i) for i in range(clock.options.threads)]

    def _search(self, i: int) -> _Search:
        state = empty_state(self.problem)
        self.pins = pin_running(self.instance, self.problem, state)
        seed = self.clock.options.seed * 1009 + i + 1
        memory = make_memory(self.problem, state, seed, self.halt)
        handles = problem_handle(self.problem), state_handle(state), memory_handle(memory)
        copy_best(*handles)
        return _Search(state, memory, handles)

    def best(self) -> State:
        """Return the best plan so far, as placement records of a State."""
        return self._leader() if self.kept is None else self.kept[1]

    def best_pins(self) -> dict[int, int]:
        """Return the id of each virtual domain of the best plan that is pinned."""
        return self.pins if self.kept is None else self.kept[2]

    def _leader(self) -> State:
        """Return the plan that the searches hold to be the best; they measure in floats."""
        memory = max((s.memory for s in self.searches), key=lambda m: float(m.best[0]))
        return self.searches[0].state._replace(
            mode_of=memory.best_mode,
            start=memory.best_start,
            end=memory.best_end,
            alloc=memory.best_alloc,
            slots=memory.best_slots,
            objective=memory.best,
        )

    def run(self) -> tuple[int, StoppedBy]:
        """Construct, anneal until something stops it, polish; return rounds and why it stopped."""
        first = self.searches[0]
        construct(first.handles, self.problem, first.memory, self.weight)
        self._tell(self._leader())
        if not self._is_complete(self._leader()) and self._has_no_plan():
            return 0, "proof"
        self._reserve()
        gain, rounds, moves = self.problem.gain_usd, 0, 200
        mean = max(float(np.mean(gain)), 1e-6) if len(gain) else 1.0
        began, span = self.clock.seconds(), max(self.clock.left(), 1e-3)
        limit = self.clock.options.rounds
        with ThreadPoolExecutor(len(self.searches)) as pool:
            while (reason := self.clock.reason(rounds)) is None:
                if limit is not None:
                    share, step, moves = rounds / limit, 1 / limit, ROUND_MOVES
                else:
                    share = min(1.0, (self.clock.seconds() - began) / span)
                    step = CHUNK_SECONDS / span
                heats = [mean * HOT * (COLD / HOT) ** min(1.0, x) for x in (share, share + step)]
                spent = self.anneal(pool, moves, heats[0], heats[1])
                moves = int(np.clip(moves * CHUNK_SECONDS / spent, 10, 1_000_000))
                rounds += 1
                self._tell(self._leader())
            self.polish(pool)
        return rounds, reason

    def anneal(self, pool: ThreadPoolExecutor, moves: int, hot: float, cold: float) -> float:
        """Let every search make so many moves; return the seconds it took."""
        began = time.monotonic()
        work: Any = (moves, hot, cold, self.weight)
        running = [pool.submit(anneal, *search.handles, *work) for search in self.searches]
        self._watch(running, lambda: self.clock.cancel.is_set() or self.clock.left() <= 0)
        return max(time.monotonic() - began, 1e-4)

    def polish(self, pool: ThreadPoolExecutor) -> None:
        """Let the best plan take whatever one insertion or one other start still gains.

        Again with small slices on the domains that they would be named, until nothing fits there
        either: on virtual domains they can be so scattered that a slice that has room has none.
        """
        until, plan, moves = self.clock.polished_by(), self.best(), -1
        while moves and self.clock.seconds() < until:
            moves, plan = self._polished(pool, plan, until)
            self._tell(plan, is_last=True)
            if not len(plan.slots):
                return
            names = name_domains(self.instance, self.problem, plan, self.pins)
            slots, self.pins = slots_by_id(self.instance, self.problem, plan, names)
            plan = plan._replace(slots=slots)

    def _polished(self, pool: ThreadPoolExecutor, plan: State, until: float) -> tuple[int, State]:
        """Return how often polish made a plan better, and the plan."""
        state = empty_state(self.problem)
        memory = make_memory(self.problem, state, 1, self.halt)
        handles = problem_handle(self.problem), state_handle(state), memory_handle(memory)
        for j in np.flatnonzero(plan.mode_of >= 0):
            m, start, end = (int(x[j]) for x in (plan.mode_of, plan.start, plan.end))
            slots = plan.slots[self.problem.slot_ptr[j] : self.problem.slot_ptr[j + 1]]
            restore(*handles[:2], int(j), m, start, end, plan.alloc[j], slots)
        running = pool.submit(polish, *handles)
        self._watch([running], lambda: self.clock.seconds() > until)
        return running.result(), state

    def _watch(self, running: list[Future[Any]], is_over: Callable[[], bool]) -> None:
        """Wait for compiled code, and set the flag as soon as it is over."""
        self.halt[0] = 0
        while wait(running, timeout=TICK_SECONDS).not_done:  # signals are handled in between
            if is_over():
                self.halt[0] = 1
        for future in running:
            future.result()

    def _reserve(self) -> None:
        """Keep as much time as it takes to finish a plan, measured on the first one, and more."""
        began = time.monotonic()
        name_domains(self.instance, self.problem, self.best(), self.best_pins())
        plan_objective(self.instance, self.problem, self.best())
        self.clock.reserve = 0.1 + 2 * (time.monotonic() - began)

    def _is_complete(self, plan: State) -> bool:
        """Return whether a plan has every must job."""
        return bool((plan.mode_of[self.problem.a.must == 1] >= 0).all())

    def _has_no_plan(self) -> bool:
        """Look for a proof that no plan has every must job, for a share of the time."""
        limit = self.clock.seconds() + PROOF_SHARE * max(0.0, self.clock.left())

        def is_over() -> bool:
            is_timed = self.clock.options.rounds is None
            return self.clock.cancel.is_set() or (is_timed and self.clock.seconds() > limit)

        self.no_plan = prove(self.instance, is_over, self.clock.options.threads)
        return self.no_plan is not None

    def _tell(self, plan: State, is_last: bool = False) -> None:
        """Keep a better plan and hand on its exact objective, if every must job is in it."""
        if float(plan.objective[0]) <= self.told and not is_last:
            return
        self.told = float(plan.objective[0])
        if not self._is_complete(plan):
            if is_last and (self.kept is None or self.kept[0] is None):
                self.kept = None, _records(plan), self.pins
            return
        total = plan_objective(self.instance, self.problem, plan).total
        if self.kept is None or self.kept[0] is None or total > self.kept[0]:
            self.kept = total, _records(plan), self.pins
            self.clock.tell(total, None)


def _records(plan: State) -> State:
    """Return a plan with records of its own, which no search goes on to change."""
    names = ("mode_of", "start", "end", "alloc", "slots", "objective")
    return plan._replace(**{name: getattr(plan, name).copy() for name in names})
