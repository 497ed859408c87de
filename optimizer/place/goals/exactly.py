"""Goals by CP-SAT: the plan is CP-SAT's, the bounds are those of the certificates of the search."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from optimizer.place.arrays import build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.check import recompute_objective
from optimizer.place.exact.case import refuse_large
from optimizer.place.exact.goals.images import exact_cost, exact_makespan, exact_shares
from optimizer.place.goals.cost import solve_cost
from optimizer.place.goals.effort import Effort
from optimizer.place.goals.everything import run_ends_of
from optimizer.place.goals.fair import solve_fair
from optimizer.place.goals.makespan import solve_makespan
from optimizer.place.measure.figures import cost_of, least_share
from optimizer.place.measure.images import all_must
from optimizer.place.measure.judge import makespan_gap, total_bound
from optimizer.place.measure.records import Fairness, LeastCost, Makespan
from optimizer.place.plan import EngineClaim, PlacePlan, Status, gap_of
from optimizer.place.rules.case import Case
from optimizer.units import nano

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.clock import Clock
    from optimizer.place.measure.records import Goal

__all__ = ["solve_exactly"]

SEARCH_PART = 0.3
"""Share of the time for the search, which also makes the certificates."""


def solve_exactly(instance: Instance, clock: Clock) -> PlacePlan:
    """Return the better of CP-SAT's plan and the search's, with the search's certificates.

    Raises
    ------
    Unsupported
        If the instance is larger than CP-SAT is asked for.
    """
    refuse_large(instance)
    o = clock.options
    short = o.model_copy(update={"seconds": max(1.0, SEARCH_PART * o.seconds)})
    strategy = {"cost": solve_cost, "makespan": solve_makespan, "fair": solve_fair}[o.objective]
    plan = strategy(instance, Effort(replace(clock, options=short)))
    if plan.status not in (Status.OPTIMAL, Status.INFEASIBLE) and not clock.cancel.is_set():
        plan = {"cost": _cost, "makespan": _makespan, "fair": _fair}[o.objective](
            instance, plan, clock
        )
    run = plan.run.model_copy(
        update={"options": o.model_dump(mode="json"), "seconds": round(clock.seconds(), 3)}
    )
    return plan.model_copy(update={"run": run})


def _cost(instance: Instance, plan: PlacePlan, clock: Clock) -> PlacePlan:
    found = exact_cost(instance, clock)
    claim, goal = found.run.claim, plan.goal
    is_plan = claim is not None and claim.status.has_plan
    if not is_plan or not isinstance(goal, LeastCost):
        return _claimed(plan, claim, None)
    value = sum(nano(job.value_usd) for job in instance.jobs)
    if plan.status is Status.UNKNOWN or cost_of(found.objective) < goal.cost:
        plan = _taken(instance, plan, found)
    cost = cost_of(plan.objective)
    goal = LeastCost(cost=cost, bound=goal.bound, gap=gap_of(cost, goal.bound))
    total = None if claim is None or claim.bound is None else value + claim.bound
    return _claimed(_judged(plan, goal, cost == goal.bound), claim, total)


def _makespan(instance: Instance, plan: PlacePlan, clock: Clock) -> PlacePlan:
    goal = plan.goal
    assert isinstance(goal, Makespan)
    ends = run_ends_of(build_arrays(all_must(instance)))
    found, low = exact_makespan(instance, clock, ends, goal.bound)
    if found is not None:
        periods = max((p.end for p in found.placements), default=0)
        if plan.status is Status.UNKNOWN or periods < goal.periods:
            plan = _taken(instance, plan, found)
    periods = max((p.end for p in plan.placements), default=0)
    gap = makespan_gap(periods, goal.bound)
    goal = goal.model_copy(update={"periods": periods, "gap": gap})
    if plan.status is not Status.UNKNOWN or found is not None:
        plan = _judged(plan, goal, periods == goal.bound)
    is_best = found is not None and periods == low
    status = Status.OPTIMAL if is_best else Status.FEASIBLE if found else Status.UNKNOWN
    if low > instance.horizon.periods:
        status = Status.INFEASIBLE
    return _claimed(plan, _ours(status), None)


def _fair(instance: Instance, plan: PlacePlan, clock: Clock) -> PlacePlan:
    found, is_fairest = exact_shares(instance, clock)
    goal = plan.goal
    assert isinstance(goal, Fairness)
    if found is None:
        return _claimed(plan, _ours(Status.INFEASIBLE if is_fairest else Status.UNKNOWN), None)
    share = least_share(instance, {p.job for p in found.placements}) or 0
    before = goal.share, plan.objective.total
    if plan.status is Status.UNKNOWN or (share, found.objective.total) > before:
        plan = _taken(instance, plan, found)
        total = total_bound(instance, goal.bonuses, share, plan.certificate)
        reached = {
            "share": share,
            "gap": gap_of(share, goal.bound),
            "total_bound": total,
            "total_gap": gap_of(plan.objective.total, total),
        }
        goal = goal.model_copy(update=reached)
        is_best = share == goal.bound and plan.objective.total == total
        plan = _judged(plan, goal, is_best)
    return _claimed(plan, _ours(Status.OPTIMAL if is_fairest else Status.FEASIBLE), None)


def _taken(instance: Instance, plan: PlacePlan, found: PlacePlan) -> PlacePlan:
    """Return a plan file with other placements and dispatch; its figures of value follow."""
    moved = plan.model_copy(update={"placements": found.placements, "dispatch": found.dispatch})
    objective = recompute_objective(Case(instance, moved))
    bound = upper_bound(instance, plan.certificate).total
    gap = gap_of(objective.total, bound)
    return moved.model_copy(update={"objective": objective, "bound": bound, "gap": gap})


def _judged(plan: PlacePlan, goal: Goal, is_best: bool) -> PlacePlan:
    """Return a plan file that has all it must have, with its goal and status."""
    status = Status.OPTIMAL if is_best else Status.FEASIBLE
    return plan.model_copy(update={"goal": goal, "status": status})


def _ours(status: Status) -> EngineClaim:
    """Return what follows from what CP-SAT says of several solves."""
    return EngineClaim(engine=f"ortools {version('ortools')}", status=status)


def _claimed(plan: PlacePlan, claim: EngineClaim | None, total: int | None) -> PlacePlan:
    """Return a plan file with an engine's claim of it, its bound on the objective of value."""
    if claim is None:
        return plan
    claim = claim.model_copy(update={"bound": total})
    reason = plan.run.stopped_by
    if plan.status is Status.OPTIMAL:
        reason = "proof"
    elif claim.status in (Status.OPTIMAL, Status.INFEASIBLE):
        reason = "engine proof"
    run = plan.run.model_copy(update={"claim": claim, "stopped_by": reason})
    return plan.model_copy(update={"run": run})
