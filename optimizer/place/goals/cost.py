"""Least cost with every job placed: place all, then anneal on lateness, one-offs and energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.answer import whole_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.conflict.proof import declared, prove
from optimizer.place.engines.prices import minimised
from optimizer.place.goals.answers import finished, with_goal
from optimizer.place.goals.assigned import Assigned, assigned_of
from optimizer.place.goals.everything import fill, has_everything, prepared, revalued
from optimizer.place.goals.team import cooled
from optimizer.place.measure.figures import cost_of
from optimizer.place.measure.images import all_must
from optimizer.place.measure.judge import cost_bound
from optimizer.place.measure.records import LeastCost
from optimizer.place.plan import PlacePlan, gap_of

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.prices import Dual
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Team
    from optimizer.place.plan import Certificate

__all__ = ["solve_cost"]

PRICES_PART, FIRST_PART, PROOF_PART, FILL_PART, BOUND_PART = 0.15, 0.1, 0.25, 0.4, 0.3
"""Parts of what is left: prices to rank by, placing all at once, proof that not all fit, placing
all the harder way, the bound."""

ASSIGNED_PART = 0.5
"""Part of what is left in which assignment has to find a plan."""


def solve_cost(instance: Instance, effort: Effort) -> PlacePlan:
    """Return the plan that places every job at the least cost found, and its bound."""
    image = all_must(instance)
    ours = build_arrays(image)
    a = revalued(ours, np.zeros(len(ours.value)))
    hopeless, assigned = None, _by_assignment(image, a, effort)
    if assigned is not None:
        team, dual = assigned
    else:
        team, dual = prepared(image, a, effort, PRICES_PART)
        hopeless = _fill_or_disprove(image, team, effort)
    is_done = assigned is not None and not a.sup_cost.any()
    if not is_done and has_everything(team) is not None:
        dual = _anneal(a, team, dual, effort)
    certificate = whole_prices(instance, dual.finish())
    bound = cost_bound(instance, certificate)
    plan = finished(instance, ours, team, team.best().best(), certificate, effort)
    cost = cost_of(plan.objective)
    goal = LeastCost(cost=cost, bound=bound, gap=gap_of(cost, bound))
    is_complete = len(plan.placements) == len(instance.jobs)
    plan = with_goal(plan, goal, effort, is_complete, cost == bound, bound is None)
    return plan if hopeless is None else declared(plan, hopeless)


def _by_assignment(image: Instance, a: PlaceArrays, effort: Effort) -> tuple[Team, Dual] | None:
    """Return searches that begin with the plan of least cost by assignment, and the dual; or None.

    Where energy has a price, less time goes into it: it is paid for all jobs together, and
    assignment sees no more than the price of power.
    """
    found = assigned_of(image, a, effort)
    if found is None:
        return None
    team, scale = found[0], _scale(a)
    dual = minimised(a, effort.clock.options.threads, effort.until(BOUND_PART), None, scale)
    search = Assigned(*found, dual, effort)
    if search.run(ASSIGNED_PART) is None:
        team.pool.shutdown()
        return None
    if not a.sup_cost.any():
        search.run(1.0)
    return team, dual


def _fill_or_disprove(image: Instance, team: Team, effort: Effort) -> Certificate | None:
    """Place every job, if that can be; return the proof that it cannot, if there is one."""
    if fill(team, effort, FIRST_PART) is not None:
        return None
    hopeless = prove(image, effort.until(PROOF_PART), effort.clock.options.threads)
    if hopeless is None:
        fill(team, effort, FILL_PART)
    return hopeless


def _anneal(a: PlaceArrays, team: Team, dual: Dual, effort: Effort) -> Dual:
    """Anneal on cost, all searches from the best plan; return the dual of the bound."""
    scale = _scale(a)
    until = effort.until(BOUND_PART)
    dual = minimised(a, effort.clock.options.threads, until, dual.best, scale)
    team.problem.priced[:] = dual.mode_prices()[0]
    found = has_everything(team)
    for member in team.members:
        if found is not None and member is not found:
            team.take(member, found.best())
    hot = 0.3 * float(scale.mean()) if len(scale) else 1.0
    for lap in effort.laps(1.0):
        team.anneal(lap.moves, cooled(hot, lap.begin), cooled(hot, lap.end))
    return dual


def _scale(a: PlaceArrays) -> Any:
    """Return what a job costs, by and large [USD], (J,): energy and one-offs of its cheapest mode.

    Prices are smoothed against it, and the searches begin as hot as it is.
    """
    energy = float(np.median(a.sup_cost)) * 1e-9 if a.sup_cost.size else 0.0
    pue = float(a.pue.mean()) / 1000
    watts = np.add.reduceat(np.append(a.part_net_w, 0), a.part_ptr[:-1])[: len(a.dur)]
    each = watts * a.dur * energy * pue - a.gain * 1e-9
    least = np.array(
        [each[p:q].min(initial=np.inf) for p, q in zip(a.job_ptr[:-1], a.job_ptr[1:], strict=True)]
    )
    least = np.where(np.isfinite(least), least, 0.0)
    return np.maximum(least, max(1e-3, 1e-2 * float(least.mean()) if len(least) else 1e-3))
