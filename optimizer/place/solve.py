"""Strategy of placement: prices first, then the search, then names, dispatch and proof.

1. The smoothed dual gives prices and a bound (about a sixth of the time, two threads).
2. Priced construction, then annealed searches side by side until the time is up; incumbents are
   handed on as they come.
3. The best plan gets domain ids and the cheapest dispatch; the prices become whole numbers, and the
   bound is what `certificate.py` makes of them.
4. Where the instance is small enough for CP-SAT, it gets the rest of the time, started with that
   plan; so the answer is never worse than either's.
Whatever stops it - proof, gap, time, work or cancel - the answer is a plan with its bound.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.answer import answer, plan_objective, whole_prices
from optimizer.place.arrays import PlaceArrays, build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.clock import Clock, OnIncumbent, StoppedBy
from optimizer.place.conflict.proof import declared, prove
from optimizer.place.engines.handles import (
    Memory,
    Problem,
    State,
    memory_handle,
    problem_handle,
    state_handle,
)
from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.prices import TAUS, Dual, Stop
from optimizer.place.engines.search import anneal, construct, copy_best, make_memory
from optimizer.place.engines.state import empty_state, make_problem
from optimizer.place.exact.case import is_small
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.prepare import small_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.plan import Certificate

__all__ = ["OnIncumbent", "prepare", "solve"]

DUAL_SHARE = 0.25
"""Share of the time that prices get at most."""

SEARCH_SHARE = 0.25
"""Share of the time that the search gets where CP-SAT comes after it."""

PROOF_SHARE = 0.2
"""Share of the time left in which to look for a proof that there is no plan, where a first
construction lacks must jobs."""

CHUNK_SECONDS = 0.15
"""The searches come back this often to be watched and stopped."""

ROUND_MOVES = 2000
"""Moves of one round, where work is limited instead of time."""

HOT, COLD = 0.3, 2e-3
"""First and last temperature, as shares of the mean value of a mode."""


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the best plan found by the engine of the options, with certificate and run record.

    Parameters
    ----------
    instance
        What is to be placed.
    options
        Limits and seed; defaults as in `Options`.
    on_incumbent
        Called whenever incumbent or bound got better; both only ever get better.
    cancel
        Set it to stop early; the plan is finished and returned.

    Raises
    ------
    Unsupported
        If the instance is larger than an exact engine that was asked for takes.
    """
    o, cancel = options or Options(), cancel or Event()
    if o.engine == "exact":
        from optimizer.place.exact.solve import exact_solve

        return exact_solve(instance, o, on_incumbent, cancel)
    if o.engine == "oracle":
        from optimizer.place.exact.oracle import oracle_solve

        return oracle_solve(instance, o, on_incumbent, cancel)
    prepare()
    if o.engine == "auto" and is_small(instance):
        return _both(instance, o, on_incumbent, cancel)
    return _solve(instance, Clock(o, cancel, on_incumbent))


def _both(
    instance: Instance, o: Options, on_incumbent: OnIncumbent | None, cancel: Event
) -> PlacePlan:
    """Search, then CP-SAT with the rest of the time, started with what was found."""
    from optimizer.place.exact.solve import improve, prepare  # a second that only these pay

    prepare()
    share = max(1.0, SEARCH_SHARE * o.seconds)
    clock = Clock(o.model_copy(update={"seconds": share}), cancel, on_incumbent)
    plan = _solve(instance, clock)
    if plan.status is Status.INFEASIBLE or plan.run.stopped_by in ("proof", "gap", "cancel"):
        run = plan.run.model_copy(update={"options": o.model_dump(mode="json")})
        return plan.model_copy(update={"run": run})
    return improve(instance, plan, replace(clock, options=o))


@cache
def prepare() -> None:
    """Load the compiled search, or compile it (once on a machine, about half a minute).

    Time limits begin after it.
    """
    instance, clock = small_instance(), Clock(Options(rounds=1, threads=1), Event(), None)
    arrays = build_arrays(instance)
    race = _Race(instance, arrays, _prices(arrays, clock), clock)
    race.run()
    with ThreadPoolExecutor(1) as pool:  # also where construction has left nothing to search for
        race.anneal(pool, 10, 1.0, 0.1)


def _solve(instance: Instance, clock: Clock) -> PlacePlan:
    arrays = build_arrays(instance)
    dual = _prices(arrays, clock)
    certificate = whole_prices(instance, dual.best)
    began = time.monotonic()
    bound = upper_bound(instance, certificate)
    clock.reserve = 0.2 + 1.5 * (time.monotonic() - began)
    clock.tell(None, bound.total)
    race = _Race(instance, arrays, dual, clock)
    rounds, stopped_by = race.run()
    plan = answer(
        instance,
        race.problem,
        race.best(),
        race.pins,
        (certificate, bound),
        clock,
        rounds,
        stopped_by,
    )
    return plan if race.no_plan is None else declared(plan, race.no_plan)


def _prices(arrays: PlaceArrays, clock: Clock) -> Dual:
    """Return the dual, minimised as far as its share of the time allows."""
    share = DUAL_SHARE if clock.options.rounds is None else 1.0
    limit = share * clock.options.seconds

    def is_over() -> bool:
        return clock.cancel.is_set() or clock.seconds() > limit

    def poll(bound: float) -> None:
        if is_over() and dual.evaluations > 2:
            raise Stop

    dual = Dual(arrays, clock.options.threads, poll)
    dual.minimise()
    if not is_over() and dual.add_rounding():
        dual.minimise(TAUS[3:])
    return dual


@dataclass(frozen=True)
class _Search:
    """One search: what it has placed, what it remembers, and both for compiled code."""

    state: State
    memory: Memory
    handles: tuple[Any, Any, Any]


class _Race:
    """Searches with different seeds, side by side on one problem."""

    def __init__(self, instance: Instance, arrays: PlaceArrays, dual: Dual, clock: Clock) -> None:
        self.instance, self.clock = instance, clock
        priced, worth = dual.mode_prices()
        self.problem: Problem = make_problem(arrays, priced, worth, dual.best.permits)
        self.weight = 1.0 if len(arrays.late) > 400 else 0.5  # many small jobs: trust prices more
        self.pins: dict[int, int] = {}
        self.told = -np.inf
        self.no_plan: Certificate | None = None
        self.searches = [self._search(i) for i in range(clock.options.threads)]

    def _search(self, i: int) -> _Search:
        state = empty_state(self.problem)
        self.pins = pin_running(self.instance, self.problem, state)
        memory = make_memory(self.problem, state, self.clock.options.seed * 1009 + i + 1)
        handles = problem_handle(self.problem), state_handle(state), memory_handle(memory)
        copy_best(*handles)
        return _Search(state, memory, handles)

    def best(self) -> State:
        """Return the best plan so far, as placement records of a State."""
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
        """Construct, then anneal until something stops it; return rounds and why."""
        first = self.searches[0]
        construct(first.handles, self.problem, first.memory, self.weight)
        self._tell()
        if not self._is_complete() and self._has_no_plan():
            return 0, "proof"
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
                self._tell()
        return rounds, reason

    def anneal(self, pool: ThreadPoolExecutor, moves: int, hot: float, cold: float) -> float:
        """Let every search make so many moves; return the seconds it took."""
        began = time.monotonic()
        work: Any = (moves, hot, cold, self.weight)
        running: list[Future[None]] = [
            pool.submit(anneal, *search.handles, *work) for search in self.searches
        ]
        while wait(running, timeout=0.05).not_done:  # signals are handled in between
            pass
        for future in running:
            future.result()
        return max(time.monotonic() - began, 1e-4)

    def _is_complete(self) -> bool:
        """Return whether the best plan so far has every must job."""
        return bool((self.best().mode_of[self.problem.a.must == 1] >= 0).all())

    def _has_no_plan(self) -> bool:
        """Look for a proof that no plan has every must job, for a share of the time."""
        limit = self.clock.seconds() + PROOF_SHARE * max(0.0, self.clock.left())

        def is_over() -> bool:
            is_timed = self.clock.options.rounds is None
            return self.clock.cancel.is_set() or (is_timed and self.clock.seconds() > limit)

        self.no_plan = prove(self.instance, is_over, self.clock.options.threads)
        return self.no_plan is not None

    def _tell(self) -> None:
        """Hand on a better incumbent, if every must job is in it."""
        plan = self.best()
        if float(plan.objective[0]) <= self.told:
            return
        self.told = float(plan.objective[0])
        if self._is_complete():
            self.clock.tell(plan_objective(self.instance, self.problem, plan).total, None)
