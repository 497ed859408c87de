"""A plan to begin from: what of it fits goes into the search, and no answer is worse than it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.engines.handles import problem_handle, state_handle
from optimizer.place.engines.insertion import blocked, crowded, window
from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.state import empty_state, place, unplace
from optimizer.place.plan import PlacePlan, Status, gap_of
from optimizer.place.verify.warm import carried, fill

if TYPE_CHECKING:
    from optimizer.domain.answers.records import Start
    from optimizer.domain.instance import Instance
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.measure.records import GoalName

__all__ = ["asked_for", "at_least", "begun"]


def begun(instance: Instance, problem: Problem, start: Start[PlacePlan]) -> State:
    """Return what a plan places: all of it, or, if it answers another instance, what fits.

    Jobs that have to run come first, then what is worth most at the prices of the problem; twice,
    for jobs that wait for others.
    """
    state = empty_state(problem)
    pins = pin_running(instance, problem, state)
    runs = carried(start.instance, start.plan, instance)
    if start.instance.hash == instance.hash:
        fill(instance, problem, state, pins, runs)
        return state
    a, handles = problem.a, (problem_handle(problem), state_handle(state))
    for j in np.flatnonzero((state.mode_of >= 0) & (a.running == 0)).tolist():
        unplace(*handles, j)
    okay, worth = np.zeros(a.pue.shape[1] + 1, np.int64), problem.worth + problem.prize
    order = sorted(runs, key=lambda j: (-float(worth[j]), j))
    for j in [*order, *order]:
        m, begin = int(a.job_ptr[j]) + runs[j].mode, runs[j].start
        low, high = window(*handles, j)
        if state.mode_of[j] >= 0 or begin < low or not a.allowed[m, begin]:
            continue
        end = int(a.when[a.mask[m], a.act[a.mask[m], begin] + a.dur[m]])
        blocked(*handles, j, m, okay)
        if end <= min(high, okay[begin]) and not crowded(*handles, m):
            place(*handles, j, m, begin, end)
    return state


def asked_for(plan: PlacePlan) -> GoalName:
    """Return the objective that a plan was made for."""
    return "value" if plan.goal is None else plan.goal.objective


def at_least(plan: PlacePlan, start: PlacePlan) -> PlacePlan:
    """Return the better of an answer and the plan that it began from, both of one instance.

    Of value, with the lower of the two bounds.
    """
    if plan.status is Status.INFEASIBLE or not start.status.has_plan:
        return plan
    best = plan
    if not plan.status.has_plan or _figures(start) > _figures(plan):
        best = start.model_copy(update={"run": plan.run})
    if best.goal is not None or start.bound is None:
        return best
    proof = start if plan.bound is None or start.bound < plan.bound else plan
    total, bound = best.objective.total, proof.bound
    said = {"certificate": proof.certificate, "bound": bound, "gap": gap_of(total, bound)}
    status = Status.OPTIMAL if total == bound else Status.FEASIBLE
    return best.model_copy(update=said | {"status": status})


def _figures(plan: PlacePlan) -> tuple[int, ...]:
    """Return what was asked for, and what decides where that is equal; more is better."""
    goal, total = plan.goal, plan.objective.total
    if goal is None:
        return (total,)
    if goal.objective == "cost":
        return (-goal.cost,)
    if goal.objective == "makespan":
        return -goal.periods, total
    return goal.share, total
