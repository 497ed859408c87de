"""Optimal by a relaxation: HiGHS on the model without the identity of domains, then CP-SAT's ids.

The relaxed model (`model.py`) has one variable a column and the rows that prices are put on.
Its bound is one on the objective of any plan. CP-SAT then makes a plan of the columns that it took,
to the last watt and domain id; where that plan reaches the bound it is optimal by the claim of the
two engines, to `WITHIN` as HiGHS calculates in floating point.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.arrays import build_arrays
from optimizer.place.exact.case import float_claim, make_case
from optimizer.place.exact.columns import list_columns
from optimizer.place.exact.relaxed.model import build_relaxed, is_complete
from optimizer.place.exact.solve import exact_case, improve
from optimizer.place.plan import EngineClaim, PlacePlan, Status
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.clock import Clock
    from optimizer.place.exact.timeindexed import TimeIndexed
    from optimizer.place.plan import Certificate
    from optimizer.solvers.run import IsOver, Run

__all__ = ["claimed", "has_hope", "is_tiny", "prove", "relax"]

FEW_COLUMNS = 200
"""Up to so many columns CP-SAT alone proves the optimum to the last nano-USD, and soon."""

MOST_TERMS = 60_000
"""Periods of all columns together, up to which HiGHS comes to branching within a minute; with 39 to
47 jobs in 168 periods they are 130,000 and more, and it did not solve the first relaxation."""

WITHIN = 1e-5
"""A plan this close to a floating-point bound, as a share, is optimal by the engine's claim."""

GAP = 1e-6
"""At this gap HiGHS stops; its tolerances are no smaller."""

ENDS = ("proof", "engine proof", "gap", "cancel")
"""Why a run stops for good; the limits of its share of the time do not."""


def is_tiny(a: PlaceArrays) -> bool:
    """Return whether CP-SAT alone is the way to the optimum."""
    return int(a.allowed.sum()) <= FEW_COLUMNS


def has_hope(a: PlaceArrays) -> bool:
    """Return whether the relaxed model is complete and HiGHS proves something soon at its size."""
    columns = list_columns(a)
    return is_complete(a) and int((columns.end - columns.start).sum()) <= MOST_TERMS


def prove(
    instance: Instance, clock: Clock, certificate: Certificate, until: float, is_over: IsOver
) -> tuple[PlacePlan | None, EngineClaim]:
    """Return the plan of HiGHS and CP-SAT after it, if they have one, and what HiGHS claims.

    certificate
        Its bound is that of the plan.
    until
        When HiGHS has to end [s], by the clock; CP-SAT has the rest.
    """
    plan, claim = relax(instance, clock, certificate, until, is_over)
    if plan is not None and plan.run.stopped_by not in ENDS and clock.left() > 0:
        plan = improve(instance, plan, clock)
    return plan, claim


def relax(
    instance: Instance,
    clock: Clock,
    certificate: Certificate,
    until: float,
    is_over: IsOver,
    kept: NDArray[np.uint8] | None = None,
) -> tuple[PlacePlan | None, EngineClaim]:
    """Return a plan made of what HiGHS took, if it took any, and what it claims of all plans.

    certificate
        Its bound is that of the plan.
    until
        When HiGHS has to end [s], by the clock.
    kept
        Columns that it may take, as `PlaceArrays.allowed`; the claim is of plans of these alone.
    """
    a = build_arrays(instance)
    if kept is not None:
        a = a._replace(allowed=a.allowed & kept)
    model = build_relaxed(instance, a)
    limits = Limits(max(0.1, until - clock.seconds()), None, GAP, clock.options.seed)
    run = solve_milp(model.problem, limits=limits, is_over=is_over)
    claim = float_claim(run)
    if not run.has_incumbent:
        return None, claim
    case = make_case(instance, clock, certificate)
    plan = exact_case(replace(case, a=a._replace(allowed=_taken(model, run))), None)
    record = plan.run.model_copy(update={"claim": None, "stopped_by": "time limit"})
    return claimed(plan.model_copy(update={"run": record}), claim), claim


def _taken(model: TimeIndexed, run: Run) -> NDArray[np.uint8]:
    """Return the columns that were taken, as `PlaceArrays.allowed`."""
    kept, columns = np.zeros_like(model.a.allowed), model.columns
    for x, m, start in zip(model.x, columns.mode, columns.start, strict=True):
        kept[m, start] = run.values[x.name] > 0.5
    return kept


def claimed(plan: PlacePlan, claim: EngineClaim) -> PlacePlan:
    """Return a plan with the stronger of its claim and another.

    A plan that comes `WITHIN` the bound of the claim is optimal by it.
    """
    total, mine = plan.objective.total, plan.run.claim
    claim = min((c for c in (mine, claim) if c is not None), key=_strength)
    is_complete = plan.status.has_plan
    is_proven = (
        is_complete and claim.bound is not None and claim.bound - total <= WITHIN * abs(total)
    )
    status, why = claim.status, plan.run.stopped_by
    if status is not Status.INFEASIBLE:
        status = Status.FEASIBLE if is_complete else Status.UNKNOWN
        status = Status.OPTIMAL if is_proven else status
    if is_proven and why != "proof":
        why = "engine proof"
    update = {"claim": claim.model_copy(update={"status": status}), "stopped_by": why}
    return plan.model_copy(update={"run": plan.run.model_copy(update=update)})


def _strength(claim: EngineClaim) -> float:
    """Return a figure that is lower for a claim that says more."""
    if claim.status is Status.INFEASIBLE:
        return -math.inf
    return math.inf if claim.bound is None else claim.bound
