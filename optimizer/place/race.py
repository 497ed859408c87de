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

from optimizer.place.answer import it_load, plan_objective
from optimizer.place.conflict.proof import prove
from optimizer.place.engines.handles import (
    Memory,
    Problem,
    State,
    problem_handle,
    state_handle,
)
from optimizer.place.engines.packing import name_domains, pin_running, slots_by_id
from optimizer.place.engines.polish.greedy import polish
from optimizer.place.engines.power.shape import View, served
from optimizer.place.engines.power.shaper import TURNS, shaper_of
from optimizer.place.engines.power.whole import Served, dispatch_all
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
from optimizer.place.engines.state import empty_state, make_problem, unplace
from optimizer.place.verify.begin import begun
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.answers.records import StoppedBy
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.clock import Clock
    from optimizer.place.engines.prices import Dual
    from optimizer.place.plan import Certificate, PlacePlan

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

WARM = 0.02
"""First temperature where there is a plan to begin from: it is good already."""

COLDER = 3e-4
"""Last temperature where there is time to cool more than once: what is left then is small change,
as in the cost of energy of one start and the next."""

CYCLE_MOVES = 6000
"""Moves for each job in which it cools down; with time for more it is heated up again, as one long
cooling ends no better (`benchmarks/search_moves.csv`)."""

PACED = 3
"""Rounds after which it is known how many moves the time is for."""


@dataclass(frozen=True)
class _Search:
    """One search: what it has placed, what it remembers, and both for compiled code.

    Attributes
    ----------
    view
        The schedule of batteries and peaks that it sees, where there are any.
    """

    problem: Problem
    state: State
    memory: Memory
    handles: tuple[Any, Any, Any]
    view: View | None

    @property
    def best(self) -> State:
        """Its best plan, as placement records of a State; measured in floats."""
        return best_of(self.state, self.memory)


class Race:
    """Searches with different seeds, side by side on one problem.

    Attributes
    ----------
    halt : (1,) uint8
        Set, it ends all searches after their present move.
    kept
        Exact objective [nano-USD], records and pinned virtual domains of the best plan: one that
        has every must job or, polished at the end, the most that was found without (None).
    served
        How the supplies serve the best plan, where that was decided with it.
    shaper
        Makes schedules of batteries and peaks for the searches; None where there are none.
    begin
        What the plan that it begins from places; None where there is none.
    told, handed
        Objective of the plan last told of, and of the one last handed on [USD].
    no_plan
        Prices that prove that no plan has every must job, where they were looked for and found.
    """

    def __init__(self, instance: Instance, arrays: PlaceArrays, dual: Dual, clock: Clock) -> None:
        self.instance, self.clock = instance, clock
        self.prices = *dual.mode_prices(), dual.best.permits
        self.problem: Problem = make_problem(arrays, *self.prices)
        self.weight = 1.0 if len(arrays.late) > 400 else 0.5  # many small jobs: trust prices more
        self.pins: dict[int, int] = {}
        self.told = self.handed = -np.inf
        self.kept: tuple[int | None, State, dict[int, int]] | None = None
        self.no_plan: Certificate | None = None
        self.served: Served | None = None
        self.shaper = shaper_of(arrays, dual)
        self.turn = 0
        self.begin = None if clock.begin is None else begun(instance, self.problem, clock.begin)
        self.halt = np.zeros(1, np.uint8)
        self.searches = [self._search(i) for i in range(clock.options.threads)]

    def _search(self, i: int) -> _Search:
        view, begin = self._first_view()
        problem, state = self._seen(view)
        self.pins = pin_running(self.instance, problem, state)
        memory = make_memory(problem, state, self.clock.options.seed * 1009 + i + 1, self.halt)
        handles = handles_of(problem, state, memory)
        if begin is not None:
            stays = problem.a.running == 1
            for j in np.flatnonzero((state.mode_of >= 0) & ~stays).tolist():
                unplace(*handles[:2], j)
            put_back(problem, handles, begin, (begin.mode_of >= 0) & ~stays)
        copy_best(*handles)
        return _Search(problem, state, memory, handles, view)

    def _first_view(self) -> tuple[View | None, State | None]:
        """Return the schedule that a search begins with, and what it has placed by then."""
        if self.shaper is None:
            return None, self.begin
        if self.begin is not None:
            view = self.shaper.again(self.begin.load)
            if view is not None:
                return view, self.begin
        return self.shaper.first(self._running()), None

    def _running(self) -> Ints:
        """Return the IT watts above idle of running jobs, (S, T)."""
        state = empty_state(self.problem)
        pin_running(self.instance, self.problem, state)
        load: Ints = state.load
        return load

    def _seen(self, view: View | None) -> tuple[Problem, State]:
        """Return the problem as a view shows it, and its state in which nothing is placed."""
        problem = self.problem
        if view is not None:
            priced, worth, permits = self.prices
            problem = make_problem(view.a, priced, worth, permits[view.supply_of])
            pin_running(self.instance, problem, empty_state(problem))  # where movers come from
        state = empty_state(problem)
        state.objective[0] -= 0 if view is None else usd(view.sunk_nano)
        return problem, state

    def best(self) -> State:
        """Return the best plan so far, as placement records of a State."""
        return self._leader().best if self.kept is None else self.kept[1]

    def best_pins(self) -> dict[int, int]:
        """Return the id of each virtual domain of the best plan that is pinned."""
        return self.pins if self.kept is None else self.kept[2]

    def _leader(self) -> _Search:
        """Return the search that holds its plan to be the best."""
        return max(self.searches, key=lambda s: float(s.memory.best[0]))

    def run(self, now: Callable[[], PlacePlan] | None = None) -> tuple[int, StoppedBy]:
        """Construct, anneal until something stops it, polish; return rounds and why it stopped.

        now
            Makes a plan of the best so far, for whoever asks for it meanwhile.
        """
        self.construct()
        if not self._is_complete(self._leader().best) and self._has_no_plan():
            return 0, "proof"
        self._reserve()
        self.hand_on(now)
        gain, rounds, moves = self.problem.gain_usd, 0, 200
        mean = max(float(np.mean(gain)), 1e-6) if len(gain) else 1.0
        began, span = self.clock.seconds(), max(self.clock.left(), 1e-3)
        limit, cycles = self.clock.options.rounds, 1
        with ThreadPoolExecutor(len(self.searches)) as pool:
            while (reason := self.clock.reason(rounds)) is None:
                if limit is not None:
                    share, step, moves = rounds / limit, 1 / limit, ROUND_MOVES
                else:
                    share = min(1.0, (self.clock.seconds() - began) / span)
                    step = CHUNK_SECONDS / span
                if rounds == PACED:
                    cycles = max(
                        1, int(moves / step / CYCLE_MOVES / max(1, len(self.problem.a.late)))
                    )
                spent = self.anneal(pool, moves, *self._heats(mean, share, step, cycles))
                moves = int(np.clip(moves * CHUNK_SECONDS / spent, 10, 1_000_000))
                rounds += 1
                self._tell(self._leader().best, self._leader().view)
                self._turn(share + step)
                self.hand_on(now)
            self.polish(pool)
        return rounds, reason

    def construct(self) -> None:
        """Let every search place what it can, each in an order of its own."""
        for i, search in enumerate(self.searches):
            construct(search.handles, search.problem, search.memory, self.weight, i)
        self._tell(self._leader().best, self._leader().view)

    def keep(self, earlier: Race) -> None:
        """Keep the plan that an earlier race found at other prices, until there is a better one."""
        self.kept, self.served = earlier.kept, earlier.served

    def anneal(self, pool: ThreadPoolExecutor, moves: int, hot: float, cold: float) -> float:
        """Let every search make so many moves; return the seconds it took."""
        began = time.monotonic()
        work: Any = (moves, hot, cold, self.weight)
        running = [pool.submit(anneal, *search.handles, *work) for search in self.searches]
        self._watch(running, lambda: self.clock.cancel.is_set() or self.clock.left() <= 0)
        return max(time.monotonic() - began, 1e-4)

    def _heats(self, mean: float, share: float, step: float, cycles: int) -> list[float]:
        """Return the temperatures at both ends of a step, in cycles that fall from hot to cold."""
        hot = HOT if self.begin is None else WARM
        cold = COLD if cycles == 1 else COLDER
        at = share * cycles % 1.0
        return [mean * hot * (cold / hot) ** min(1.0, x) for x in (at, at + step * cycles)]

    def hand_on(self, now: Callable[[], PlacePlan] | None) -> None:
        """Hand on the best plan so far, if it is a new one and time for it."""
        is_plan = self.kept is not None and self.kept[0] is not None
        if now is not None and is_plan and self.told > self.handed and self.clock.hand_on(now):
            self.handed = self.told

    def polish(self, pool: ThreadPoolExecutor) -> None:
        """Let the best plan take whatever one insertion or one other start still gains.

        Again with small slices on the domains that they would be named, until nothing fits there
        either: on virtual domains they can be so scattered that a slice that has room has none.
        Not after a cancel: whoever stops a search wants what there is.
        """
        if self.shaper is not None:
            for search in self.searches:
                self._tell(search.best, search.view, is_last=True)
        until, plan, moves = self.clock.polished_by(), self.best(), -1

        def is_over() -> bool:
            return self.clock.cancel.is_set() or self.clock.seconds() > until

        while moves and not is_over():
            view = None if self.shaper is None else self.shaper.again(it_load(self.problem.a, plan))
            if self.shaper is not None and view is None:
                return
            moves, plan = self._polished(pool, plan, view, is_over)
            self._tell(plan, view, is_last=True)
            if not len(plan.slots):
                return
            names = name_domains(self.instance, self.problem, plan, self.pins)
            slots, self.pins = slots_by_id(self.instance, self.problem, plan, names)
            plan = plan._replace(slots=slots)

    def _polished(
        self,
        pool: ThreadPoolExecutor,
        plan: State,
        view: View | None,
        is_over: Callable[[], bool],
    ) -> tuple[int, State]:
        """Return how often polish made a plan better, and the plan."""
        problem, state = self._seen(view)
        memory = make_memory(problem, state, 1, self.halt)
        handles = handles_of(problem, state, memory)
        put_back(problem, handles, plan, plan.mode_of >= 0)
        running = pool.submit(polish, *handles)
        self._watch([running], is_over)
        return running.result(), state

    def _turn(self, share: float) -> None:
        """Give every search a better schedule for what it has placed, a few times in a run."""
        if self.shaper is None or share * (TURNS + 1) < self.turn + 1:
            return
        self.turn = int(share * (TURNS + 1))
        for i, search in enumerate(self.searches):
            self._tell(search.best, search.view, is_last=True)
            view = self.shaper.again(search.state.load)
            if view is not None:
                problem, state = self._seen(view)
                handles = problem_handle(problem), state_handle(state), search.handles[2]
                put_back(problem, handles, search.state, search.state.mode_of >= 0)
                copy_best(*handles)
                self.searches[i] = _Search(problem, state, search.memory, handles, view)

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
        if self.clock.cancel.is_set() or self.clock.left() <= 0:
            return  # there is nothing left to keep it from
        began = time.monotonic()
        name_domains(self.instance, self.problem, self.best(), self.best_pins())
        plan_objective(self.problem.a, self.best())
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

    def _tell(self, plan: State, view: View | None, is_last: bool = False) -> None:
        """Keep a better plan and hand on its exact objective, if every must job is in it.

        Under a view: with the dispatch of the view, and with the best one where `is_last`.
        """
        if float(plan.objective[0]) <= self.told and not is_last:
            return
        self.told = float(plan.objective[0])
        if not self._is_complete(plan):
            if is_last and (self.kept is None or self.kept[0] is None):
                self.kept = None, copied(plan), self.pins
            return
        a, how = self.problem.a, None
        if view is not None:
            how = served(a, view, it_load(a, plan))
            how = dispatch_all(a, it_load(a, plan), how) if is_last else how
        total = plan_objective(a, plan, how).total
        if self.kept is None or self.kept[0] is None or total > self.kept[0]:
            self.served = how
            self.kept = total, copied(plan), self.pins
            self.clock.tell(total, None)
