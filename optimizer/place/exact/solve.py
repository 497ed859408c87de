"""Exact placement: a model, an engine, and the plan file with a certificate beside the claim.

Both engines answer in the same way: the prices of the smoothed dual give the certified bound of the
plan, as they do for the search; what the engine says of its own run - optimal, infeasible, a
bound - stands beside it in `run.claim` and proves nothing to the checker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import Unsupported
from optimizer.place.answer import Found, answer, whole_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.clock import Clock, OnIncumbent, StoppedBy
from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.prices import TAUS, Dual, Stop
from optimizer.place.engines.state import empty_state, make_problem
from optimizer.place.exact import intervals, timeindexed
from optimizer.place.exact.columns import Held, parts_of
from optimizer.place.plan import EngineClaim, Options, PlacePlan, Status
from optimizer.place.prepare import small_instance
from optimizer.solvers.cpsat import CpRun, solve_cp
from optimizer.solvers.milp import DEFAULT_ENGINE, export_mps, solve_milp
from optimizer.solvers.run import Limits, Run
from optimizer.units import NANO

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.certificate import Bound
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.plan import Certificate

__all__ = ["MOST_DOMAINS", "MOST_JOBS", "exact_solve", "oracle_solve", "write_mps"]

MOST_JOBS, MOST_DOMAINS, MOST_COLUMNS = 50, 50, 50_000
"""Sizes up to which CP-SAT is asked: jobs, domains of all pools, columns (mode, start)."""

PRICES_SHARE = 0.18
"""Share of the time that prices get at most."""

WORK_OF_A_ROUND = 1.0
"""Deterministic time that a round of `Options.rounds` stands for, about a second of CP-SAT."""

NODES_OF_A_ROUND = 1000
"""Nodes of a PuLP engine's tree that a round of `Options.rounds` stands for."""

FLOAT_SLACK = 2e-6
"""What a floating-point engine may be off, as a share: its tolerances are 1e-6 for feasibility and
integrality. Its claim is widened by it."""


@dataclass
class _Case:
    """One instance on its way to a plan."""

    instance: Instance
    clock: Clock
    a: PlaceArrays
    proof: tuple[Certificate, Bound]
    problem: Problem
    state: State
    pins: dict[int, int]

    def answer(self, found: Found, stopped_by: StoppedBy) -> PlacePlan:
        """Return the plan file of what is in the state."""
        return answer(
            self.instance,
            self.problem,
            self.state,
            self.pins,
            self.proof,
            self.clock,
            0,
            stopped_by,
            found,
        )


def exact_solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the best plan that CP-SAT finds, optimal by its claim if there is time.

    Raises
    ------
    Unsupported
        If there are more jobs, domains or columns than it is made for; the size is named.
    """
    _refuse_large(instance)
    prepare()
    return _exact(instance, Clock(options or Options(), cancel or Event(), on_incumbent))


def oracle_solve(
    instance: Instance,
    options: Options | None = None,
    engine: str = DEFAULT_ENGINE,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the plan of the time-indexed model under a PuLP solver by name: HiGHS, CBC, any.

    Raises
    ------
    Unsupported
        If the model is too large for an oracle, or there is no such engine here.
    """
    prepare()
    clock = Clock(options or Options(), cancel or Event(), None)
    case = _case(instance, clock)
    model = timeindexed.build(instance, case.a)
    o, is_over = clock.options, clock.cancel.is_set
    if o.rounds is None:
        limits = Limits(max(0.1, clock.left()), None, 0.0, o.seed, o.threads)
        run = solve_milp(model.problem, engine, limits, is_over)
    else:  # the same on every machine
        nodes = max(1, o.rounds * NODES_OF_A_ROUND)
        run = solve_milp(model.problem, engine, Limits(None, nodes, 0.0, o.seed))
    found = Found(claim=_float_claim(run), names=_read_oracle(case, model, run))
    return case.answer(found, _stopped(run.stopped_by, clock))


def write_mps(instance: Instance, path: Path) -> None:
    """Write the time-indexed model of an instance as an MPS file (minimising, in USD)."""
    export_mps(timeindexed.build(instance, build_arrays(instance)).problem, path)


@cache
def prepare() -> None:
    """Load or compile what prices need (once on a machine); time limits begin after it."""
    _exact(small_instance(), Clock(Options(rounds=1, threads=1), Event(), None))


def _refuse_large(instance: Instance) -> None:
    jobs = len(instance.jobs)
    pools = [p for p in instance.pools.values() if p.domain is not None]
    domains = sum(int(p.present(instance.horizon).max()) for p in pools)
    if jobs > MOST_JOBS or domains > MOST_DOMAINS:
        raise Unsupported(
            f"exact placement of {jobs:,} jobs on {domains:,} domains",
            f"it takes up to {MOST_JOBS} jobs and {MOST_DOMAINS} domains; use prices and search",
        )


def _case(instance: Instance, clock: Clock) -> _Case:
    a = build_arrays(instance)
    columns = int(a.allowed.sum())
    if columns > MOST_COLUMNS:
        raise Unsupported(
            f"exact placement with {columns:,} pairs of mode and start",
            f"it takes up to {MOST_COLUMNS:,}; use prices and search",
        )
    dual = _prices(a, clock)
    certificate = whole_prices(instance, dual.best)
    bound = upper_bound(instance, certificate)
    clock.tell(None, bound.total)
    nothing = np.zeros((len(a.dur), a.pue.shape[1] + 1)), np.zeros(len(a.late))
    problem = make_problem(a, *nothing, dual.best.permits)
    state = empty_state(problem)
    pins = pin_running(instance, problem, state)
    return _Case(instance, clock, a, (certificate, bound), problem, state, pins)


def _prices(a: PlaceArrays, clock: Clock) -> Dual:
    """Return the dual, minimised as far as its share of the time allows."""
    limit = clock.options.seconds * (PRICES_SHARE if clock.options.rounds is None else 1.0)

    def is_over() -> bool:
        return clock.cancel.is_set() or clock.seconds() > limit

    def poll(_bound: float) -> None:
        if is_over() and dual.evaluations > 2:
            raise Stop

    dual = Dual(a, clock.options.threads, poll)
    dual.minimise()
    if not is_over() and dual.add_rounding():
        dual.minimise(TAUS[3:])
    return dual


def _stopped(by: str, clock: Clock) -> StoppedBy:
    """Return why a run ended, in the words of a plan."""
    if by == "proof":
        return "engine proof"
    if by == "work limit":
        return "work limit"
    reason = clock.reason(0)
    return "time limit" if reason is None else reason


# ---- CP-SAT -------------------------------------------------------------------------------------


def _exact(instance: Instance, clock: Clock) -> PlacePlan:
    case = _case(instance, clock)
    model = intervals.build(case.a, _held(case))
    better: list[int] = []

    def is_over() -> bool:
        """Hand on what was found, in the caller's thread; say whether to end."""
        while better:
            clock.tell(better.pop(0), None)
        return clock.reason(0) in ("cancel", "proof", "gap", "time limit")

    o = clock.options
    work = None if o.rounds is None else max(0.1, o.rounds * WORK_OF_A_ROUND)
    limits = Limits(max(0.1, clock.left()), work, 0.0, o.seed, o.threads)
    on_solution = None if model.total is None else better.append
    run = solve_cp(model.cp, model.objective, limits, on_solution, model.total, is_over)
    is_over()
    given = None
    if run.solution is not None:
        _read(case, model, run)
        rows = [[run.value(g) for g in row] for row in model.give]
        given = np.array(rows, np.int64).reshape(case.a.sup_cap.shape)
    bound = None if run.bound is None else model.scale.nano(run.bound)
    status = Status(run.status)
    if status is Status.OPTIMAL and objective_of(model, run) != bound:
        status = Status.FEASIBLE  # optimal but for the rounding of the unit
    claim = EngineClaim(engine=run.engine, status=status, bound=bound)
    return case.answer(Found(claim=claim, given=given), _stopped(run.stopped_by, clock))


def _held(case: _Case) -> Held:
    """Return where running jobs lie, from the records that pinned them."""
    a, whole, on = case.a, dict[tuple[int, int], int](), dict[tuple[int, int, int], int]()
    for j in np.flatnonzero(a.running).tolist():
        m, slot = int(a.job_ptr[j]), int(case.problem.slot_ptr[j])
        for rank, part, pool in parts_of(a, m):
            first, last = int(a.group_ptr[pool]), int(a.group_ptr[pool + 1])
            if a.part_whole[part]:
                for k in range(last - first):
                    whole[part, first + k] = int(case.state.alloc[j, rank, k])
                continue
            for v in case.state.slots[slot : slot + int(a.part_slices[part])].tolist():
                group = int(np.searchsorted(case.problem.virt_ptr, v, "right")) - 1
                key = (part, group, v - int(case.problem.virt_ptr[group]))
                on[key] = on.get(key, 0) + 1
            slot += int(a.part_slices[part])
    has_domains = np.array([p.domain is not None for p in case.instance.pools.values()], bool)
    return Held(has_domains, whole, on)


def _read(case: _Case, model: intervals.Intervals, run: CpRun) -> None:
    """Write CP-SAT's solution into the placement records of the state."""
    a, state, columns = case.a, case.state, model.columns
    for j, m in model.modes:
        if not run.value(model.placed[m]) or a.running[j]:
            continue
        c = next(c for c in columns.of(m) if run.value(model.at[c]))
        state.mode_of[j], state.start[j], state.end[j] = m, columns.start[c], columns.end[c]
        slots: list[int] = []
        for rank, part, pool in parts_of(a, m):
            for h in range(int(a.group_ptr[pool]), int(a.group_ptr[pool + 1])):
                if (part, h) in model.whole:
                    many = run.value(model.whole[part, h])
                    state.alloc[j, rank, h - int(a.group_ptr[pool])] = many
                for v in range(int(case.problem.virt_ptr[h + 1] - case.problem.virt_ptr[h])):
                    many = run.value(model.on.get((part, h, v), 0))
                    slots += [int(case.problem.virt_ptr[h]) + v] * many
        first = int(case.problem.slot_ptr[j])
        state.slots[first : first + len(slots)] = slots


def objective_of(model: intervals.Intervals, run: CpRun) -> int:
    """Return the objective of CP-SAT's solution [nano-USD]."""
    a, columns = model.a, model.columns
    taken = [c for c, at in enumerate(model.at) if run.value(at)]
    total = sum(int(a.gain[columns.mode[c]]) - int(columns.penalty[c]) for c in taken)
    for row, costs in zip(model.give, a.sup_cost.tolist(), strict=True):
        total -= sum(run.value(g) * cost for g, cost in zip(row, costs, strict=True))
    return total


# ---- PuLP ---------------------------------------------------------------------------------------


def _float_claim(run: Run) -> EngineClaim:
    """Return what a floating-point engine claims, widened by its tolerance."""
    bound = None
    if run.bound is not None:
        most = -run.bound + FLOAT_SLACK * max(1.0, abs(run.bound))
        bound = math.ceil(most * NANO)
    return EngineClaim(engine=run.engine, status=Status(run.status), bound=bound)


def _read_oracle(
    case: _Case, model: timeindexed.TimeIndexed, run: Run
) -> dict[int, tuple[tuple[tuple[int, int], ...], ...]] | None:
    """Write the columns that are taken into the state; return the domain ids of their slices."""
    if not run.has_incumbent:
        return None
    names, columns, state = {}, model.columns, case.state
    for j, mine in enumerate(model.jobs):
        for c in mine:
            if run.values[model.x[c].name] < 0.5:
                continue
            m = int(columns.mode[c])
            state.mode_of[j], state.start[j], state.end[j] = m, columns.start[c], columns.end[c]
            names[j] = tuple(
                tuple((d, d) for d, y in model.y.get((c, rank), {}).items() for _ in _times(run, y))
                for rank, _, _ in parts_of(case.a, m)
            )
    return names


def _times(run: Run, variable: object) -> range:
    return range(round(run.values[getattr(variable, "name", "")]))
