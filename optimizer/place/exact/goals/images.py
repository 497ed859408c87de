"""Goals by CP-SAT, for small instances: each is one solve, or a few, of an image.

cost        the image in which every job must run and nothing has a value.
makespan    the image without money in which every job must run; columns that end after D are
            closed, D bisected between what is infeasible and what is placed.
fair        the instance with `sum of value placed >= need_i(share + 1)` for every tenant, solved
            for the total again and again until it is infeasible: the last plan has the largest
            least share, and the largest total at it.
What CP-SAT says stands in `run.claim`; bounds of the plan file are those of certificates.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from optimizer.place.exact.case import Case, make_case, refuse_large
from optimizer.place.exact.solve import exact_case, prepare
from optimizer.place.goal import changed, moneyless
from optimizer.place.measure.figures import claims, least_share
from optimizer.place.measure.images import all_must
from optimizer.place.plan import Certificate, Status

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.clock import Clock
    from optimizer.place.exact.intervals import Intervals
    from optimizer.place.plan import PlacePlan

__all__ = ["exact_cost", "exact_makespan", "exact_shares"]


def exact_cost(instance: Instance, clock: Clock) -> PlacePlan:
    """Return CP-SAT's plan of the image of least cost; objective and claim are the image's."""
    refuse_large(instance)
    prepare()
    image = all_must(instance)
    jobs = tuple(job.model_copy(update={"value_usd": 0.0}) for job in image.jobs)
    return exact_case(_case(changed(image, jobs=jobs), clock), None)


def exact_makespan(
    instance: Instance, clock: Clock, ends: Any, low: int
) -> tuple[PlacePlan | None, int]:
    """Return the plan that ends first, and the boundary before which CP-SAT claims that none ends.

    ends : (M, T)
        Where every (mode, start) ends.
    low
        A boundary before which no plan ends.
    """
    refuse_large(instance)
    prepare()
    image, best, high = moneyless(all_must(instance)), None, instance.horizon.periods + 1
    while low < high and clock.reason(0) is None:
        middle = (low + high) // 2
        case = _case(image, clock)
        case = replace(case, a=case.a._replace(allowed=case.a.allowed * (ends <= middle)))
        plan = exact_case(case, None)
        claim = plan.run.claim
        if claim is not None and claim.status.has_plan:
            best, high = plan, max((p.end for p in plan.placements), default=0)
        elif claim is not None and claim.status is Status.INFEASIBLE:
            low = middle + 1
        else:
            break
    return best, low


def exact_shares(instance: Instance, clock: Clock) -> tuple[PlacePlan | None, bool]:
    """Return the fairest plan that CP-SAT finds, and whether it claims that none is fairer."""
    refuse_large(instance)
    prepare()
    best, share = None, -1
    while clock.reason(0) in (None, "proof", "gap"):
        case = _case(instance, clock)
        plan = exact_case(case, best, partial(_add_needs, case, share + 1))
        claim = plan.run.claim
        if claim is None or not claim.status.has_plan:  # then nothing was read: no plan of these
            return best, claim is not None and claim.status is Status.INFEASIBLE
        best = plan
        share = least_share(instance, {p.job for p in plan.placements}) or 0
        if claim.status is not Status.OPTIMAL:
            return best, False
    return best, False


def _case(instance: Instance, clock: Clock) -> Case:
    """Return the case of an image, on a clock that has heard of no bound yet."""
    fresh = replace(clock, incumbent=None, bound=None, history=[], on_incumbent=None)
    return make_case(instance, fresh, Certificate())


def _add_needs(case: Case, share: int, model: Intervals) -> None:
    """sum over placed jobs of a tenant of value >= need of the share, for every tenant."""
    a, index = case.a, {name: i for i, name in enumerate(case.instance.tenants)}
    for name, claim in claims(case.instance).items():
        mine = [m for j, m in model.modes if a.tenant[j] == index[name]]
        job_of = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr))
        value = [int(a.value[job_of[m]]) for m in mine]
        placed = cp_model.LinearExpr.weighted_sum([model.placed[m] for m in mine], value)
        model.cp.add(placed >= claim.need(share))
