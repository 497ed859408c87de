"""The judge of goals: every figure and bound that a plan states of its goal, re-derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.errors import PlanError
from optimizer.place.certificate import upper_bound
from optimizer.place.goal import feasibility_image
from optimizer.place.measure.figures import BILLION, claims, cost_of, least_share, running_end
from optimizer.place.measure.images import (
    MILLION,
    all_must,
    bonus_values,
    deadline_image,
    share_image,
)
from optimizer.place.measure.records import Fairness, LeastCost, Makespan
from optimizer.place.plan import Certificate, ObjectiveParts, Rule, Status, gap_of
from optimizer.place.rules.case import Case, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import Violation

__all__ = ["check_goal", "cost_bound", "ends_later", "makespan_gap", "share_bound", "total_bound"]


def check_goal(case: Case, objective: ObjectiveParts) -> Iterator[Violation]:
    """What a plan says of its goal must be what follows from it."""
    goal = case.plan.goal
    if goal is None:
        return
    if not isinstance(goal, Fairness):
        yield from _all_placed(case)
    try:
        if isinstance(goal, LeastCost):
            yield from _cost(case, goal, objective)
        elif isinstance(goal, Makespan):
            yield from _makespan(case, goal)
        else:
            yield from _fair(case, goal, objective)
    except PlanError as e:
        yield said("goal", goal.objective, str(e), "prices of rows, weights of tenants that count")


def _all_placed(case: Case) -> Iterator[Violation]:
    """Goals cost and makespan place every job."""
    placed = {p.job for p in case.plan.placements}
    for job in case.instance.jobs:
        if job.id not in placed and not job.must and job.running is None:
            yield said(Rule.ONE_PLACEMENT, f"job {job.id!r}", "is not placed", "all must be placed")


def _status(case: Case, is_best: bool) -> Iterator[Violation]:
    """Optimal is said of the goal."""
    if case.plan.status is Status.OPTIMAL and not is_best:
        yield said("status", "plan", case.plan.status.value, "a goal that reaches its bound")


def _differs(name: str, found: object, true: object) -> Iterator[Violation]:
    if found != true:
        yield said("goal", name, found, true)


# ---- cost ---------------------------------------------------------------------------------------


def cost_bound(instance: Instance, certificate: Certificate) -> int | None:
    """Return what every plan that places all jobs costs at least; None if there is none."""
    image = all_must(instance)
    total = upper_bound(image, certificate, [0] * len(image.jobs)).total
    return None if total is None else -total


def _cost(case: Case, goal: LeastCost, objective: ObjectiveParts) -> Iterator[Violation]:
    cost = cost_of(objective)
    bound = cost_bound(case.instance, case.plan.certificate)
    yield from _differs("cost", goal.cost, cost)
    yield from _differs("cost bound", goal.bound, bound)
    yield from _differs("cost gap", goal.gap, gap_of(cost, bound))
    if bound is not None and cost < bound and len(case.runs) == len(case.instance.jobs):
        yield said("bound", "cost", cost, bound)
    yield from _status(case, cost == bound)


# ---- makespan -----------------------------------------------------------------------------------


def ends_later(instance: Instance, end_by: int, certificate: Certificate) -> bool:
    """Return whether it is proven that not every job can be placed and end by a boundary."""
    if end_by < running_end(instance):
        return True
    image = feasibility_image(deadline_image(instance, end_by))
    total = upper_bound(image, certificate).total
    return total is None or total < 0


def _makespan(case: Case, goal: Makespan) -> Iterator[Violation]:
    periods = max((run.end for run in case.runs), default=0)
    yield from _differs("makespan", goal.periods, periods)
    yield from _differs("makespan gap", goal.gap, makespan_gap(periods, goal.bound))
    if goal.bound and not ends_later(case.instance, goal.bound - 1, goal.certificate):
        found = f"all jobs end at {goal.bound} at the earliest"
        yield said("goal", "makespan bound", found, "prices that prove it")
    if periods < goal.bound and len(case.runs) == len(case.instance.jobs):
        yield said("bound", "makespan", periods, goal.bound)
    yield from _status(case, periods == goal.bound)


def makespan_gap(periods: int, bound: int) -> float | None:
    """Return how far a latest end is above its bound, as a share; None where nothing is placed."""
    return abs(periods - bound) / periods if periods else None


# ---- fair ---------------------------------------------------------------------------------------


def share_bound(instance: Instance, weights: dict[str, int], certificate: Certificate) -> int:
    """Return a limit on the least share of a tenant in any plan [parts per billion].

    With weights m: sum m placed <= the bound UB of the image, and placed >= share x need, so the
    least share is at most UB / sum m need.

    Raises
    ------
    PlanError
        If a weight is of a tenant that does not count, or all are 0.
    """
    found = claims(instance)
    if not found or set(weights) - set(found) or not any(weights.values()):
        raise PlanError(f"weights of {sorted(weights)}; tenants that count: {sorted(found)}")
    image, values = share_image(instance, weights)
    total = upper_bound(image, certificate, values).total
    largest = next(iter(found.values())).largest
    scale = sum(m * found[name].weight * found[name].value for name, m in weights.items())
    if total is None:
        return -1
    return BILLION * largest * MILLION * total // scale


def total_bound(
    instance: Instance, bonuses: dict[str, int], share: int, certificate: Certificate
) -> int | None:
    """Return a limit on the total objective where every tenant has a share [nano-USD].

    Raises
    ------
    PlanError
        If a bonus is of a tenant that does not count.
    """
    found = claims(instance)
    if set(bonuses) - set(found):
        raise PlanError(f"bonuses of {sorted(bonuses)}; tenants that count: {sorted(found)}")
    total = upper_bound(instance, certificate, bonus_values(instance, bonuses)).total
    due = sum(bonus * found[name].need(share) for name, bonus in bonuses.items())
    return None if total is None else total - -(-due // MILLION)


def _fair(case: Case, goal: Fairness, objective: ObjectiveParts) -> Iterator[Violation]:
    placed = {run.placement.job for run in case.runs}
    share = least_share(case.instance, placed)
    if share is None:
        raise PlanError("no job of a tenant has a value")
    bound = share_bound(case.instance, goal.weights, goal.certificate)
    total = total_bound(case.instance, goal.bonuses, share, case.plan.certificate)
    gap = gap_of(objective.total, total)
    yield from _differs("least share", goal.share, share)
    yield from _differs("bound on the least share", goal.bound, bound)
    yield from _differs("gap of the least share", goal.gap, gap_of(share, bound))
    yield from _differs("bound on the total", goal.total_bound, total)
    yield from _differs("gap of the total", goal.total_gap, gap)
    if total is not None and case.plan.status.has_plan:
        if share > bound:
            yield said("bound", "least share", share, bound)
        if objective.total > total:
            yield said("bound", "total", objective.total, total)
    is_best = share == bound and objective.total == total
    yield from _status(case, is_best)
