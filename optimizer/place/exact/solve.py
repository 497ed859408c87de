"""Exact placement: HiGHS and CP-SAT, and the plan file with a certificate beside their claim.

The prices of the smoothed dual give the certified bound of the plan, as they do for the search;
what the engine says of its own run - optimal, infeasible, a bound - stands beside it in `run.claim`
and proves nothing to the checker. HiGHS solves the relaxed model first (`relaxed/solve.py`),
where that is of a size with hope; CP-SAT makes plans of what it took, and goes on without a proof.
`exact_solve` begins with nothing, `improve` with a plan in hand.
"""

from __future__ import annotations

from functools import cache
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.answer import Found
from optimizer.place.clock import Clock, OnIncumbent
from optimizer.place.engines.power.whole import Served
from optimizer.place.exact import intervals
from optimizer.place.exact.case import Case, make_case, refuse_large, stopped
from optimizer.place.exact.columns import Held, parts_of
from optimizer.place.exact.hint import add_hint
from optimizer.place.plan import EngineClaim, Options, PlacePlan, Status
from optimizer.place.prepare import small_instance
from optimizer.solvers.cpsat import CpRun, solve_cp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance

__all__ = ["exact_case", "exact_solve", "held_of", "improve", "objective_of", "prepare"]

RELAXED_SHARE = 0.75
"""Share of the time in which HiGHS looks for a proof before CP-SAT does."""

WORK_OF_A_ROUND = 1.0
"""Deterministic time that a round of `Options.rounds` stands for, about a second of CP-SAT."""


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
    from optimizer.place.exact.relaxed.solve import claimed, has_hope, is_tiny, prove

    refuse_large(instance)
    prepare()
    clock = Clock(options or Options(), cancel or Event(), on_incumbent)
    case = make_case(instance, clock)
    if clock.options.rounds is not None or is_tiny(case.a) or not has_hope(case.a):
        return exact_case(case, None)
    until = clock.seconds() + RELAXED_SHARE * clock.left()
    plan, claim = prove(instance, clock, case.proof[0], until, clock.cancel.is_set)
    return claimed(exact_case(case, None) if plan is None else plan, claim)


def improve(instance: Instance, plan: PlacePlan, clock: Clock) -> PlacePlan:
    """Return a plan that is no worse, from CP-SAT started with this one, or this one proven.

    clock
        What is left of it is CP-SAT's; its history goes into the plan.
    """
    better = exact_case(make_case(instance, clock, plan.certificate), plan)
    run = better.run.model_copy(update={"rounds": plan.run.rounds})
    is_complete = better.status.has_plan
    is_better = better.objective.total > plan.objective.total or plan.status is Status.UNKNOWN
    kept = better if is_complete and is_better else plan
    return kept.model_copy(update={"run": run})


@cache
def prepare() -> None:
    """Load or compile what prices need (once on a machine); time limits begin after it."""
    clock = Clock(Options(rounds=1, threads=1), Event(), None)
    exact_case(make_case(small_instance(), clock), None)


def exact_case(
    case: Case, plan: PlacePlan | None, add: Callable[[intervals.Intervals], None] | None = None
) -> PlacePlan:
    """Return what CP-SAT finds, started with a plan if there is one.

    add
        Adds what a goal asks for besides the rules.
    """
    clock, model = case.clock, intervals.build(case.a, held_of(case))
    if add is not None:
        add(model)
    if plan is not None:
        add_hint(model, case.instance, plan)
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
    served = None
    if run.solution is not None:
        _read(case, model, run)
        served = _served(case, model, run)
    bound = None if run.bound is None else model.scale.nano(run.bound)
    status = Status(run.status)
    if status is Status.OPTIMAL and objective_of(model, run) != bound:
        status = Status.FEASIBLE  # optimal but for the rounding of the unit
    claim = EngineClaim(engine=run.engine, status=status, bound=bound)
    return case.answer(Found(claim=claim, served=served), stopped(run.stopped_by, clock))


def _served(case: Case, model: intervals.Intervals, run: CpRun) -> Served:
    """Return the dispatch and charge of CP-SAT's solution."""
    rows = [[run.value(g) for g in row] for row in model.give]
    given = np.array(rows, np.int64).reshape(case.a.sup_cap.shape)
    charge = np.zeros_like(given)
    for b, row in model.charge.items():
        charge[b] = [run.value(c) for c in row]
    return Served(given, charge)


def held_of(case: Case) -> Held:
    """Return where running jobs lie, from the records that pinned them."""
    a, whole, on = case.a, dict[tuple[int, int], int](), dict[tuple[int, int, int], int]()
    homes = np.flatnonzero(np.isin(a.job_ptr[:-1], np.flatnonzero(a.home)))
    for j in [*np.flatnonzero(a.running).tolist(), *homes.tolist()]:
        m, slot = int(a.job_ptr[j]), int(case.problem.slot_ptr[j])
        if not a.allowed[m, 0]:
            continue
        alloc = case.problem.home_alloc if a.home[m] else case.state.alloc
        slots = case.problem.home_slots if a.home[m] else case.state.slots
        for rank, part, pool in parts_of(a, m):
            first, last = int(a.group_ptr[pool]), int(a.group_ptr[pool + 1])
            if a.part_whole[part]:
                for k in range(last - first):
                    whole[part, first + k] = int(alloc[j, rank, k])
                continue
            for v in slots[slot : slot + int(a.part_slices[part])].tolist():
                group = int(np.searchsorted(case.problem.virt_ptr, v, "right")) - 1
                key = (part, group, v - int(case.problem.virt_ptr[group]))
                on[key] = on.get(key, 0) + 1
            slot += int(a.part_slices[part])
    has_domains = np.array([p.domain is not None for p in case.instance.pools.values()], bool)
    return Held(has_domains, whole, on)


def _read(case: Case, model: intervals.Intervals, run: CpRun) -> None:
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
    for k in model.peak:
        total -= int(a.peak_cost[k]) * max(run.value(g) for g in model.give[k])
    return total
