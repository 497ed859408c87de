"""From what a team found to the plan file of a goal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.answer import answer
from optimizer.place.certificate import upper_bound
from optimizer.place.plan import PlacePlan, Status

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.handles import State
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Team
    from optimizer.place.measure.records import Goal
    from optimizer.place.plan import Certificate, EngineClaim

__all__ = ["finished", "with_claim", "with_goal"]


def finished(
    instance: Instance,
    a: PlaceArrays,
    team: Team,
    plan: State,
    certificate: Certificate,
    effort: Effort,
) -> PlacePlan:
    """Return the plan file of placement records, its goal not yet said.

    a
        The arrays with the instance's own money.
    """
    proof = certificate, upper_bound(instance, certificate)
    problem = team.problem._replace(a=a)
    reason = effort.stopped_by(False, None)
    team.pool.shutdown()
    return answer(instance, problem, plan, team.pins, proof, effort.clock, effort.rounds, reason)


def with_goal(
    plan: PlacePlan, goal: Goal, effort: Effort, is_complete: bool, is_best: bool, is_hopeless: bool
) -> PlacePlan:
    """Return the plan file with its goal, and the status that follows from it."""
    status = Status.FEASIBLE
    if is_hopeless:
        status = Status.INFEASIBLE
    elif not is_complete:
        status = Status.UNKNOWN
    elif is_best:
        status = Status.OPTIMAL
    is_proven = status in (Status.INFEASIBLE, Status.OPTIMAL)
    reason = effort.stopped_by(is_proven, goal.gap if is_complete else None)
    run = plan.run.model_copy(update={"stopped_by": reason})
    return plan.model_copy(update={"goal": goal, "status": status, "run": run})


def with_claim(plan: PlacePlan, claim: EngineClaim) -> PlacePlan:
    """Return the plan file with what an engine says of it."""
    run = plan.run.model_copy(update={"claim": claim})
    if plan.status is not Status.OPTIMAL and claim.status is Status.OPTIMAL:
        run = run.model_copy(update={"stopped_by": "engine proof"})
    return plan.model_copy(update={"run": run})
