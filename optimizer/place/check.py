"""The independent judge of placement: every rule, the objective, the bound and the gap, re-derived.

Exact integers, no solver, nothing of the engines or their arrays: a plan is good if and only if
it finds nothing. Each rule has a function of its name, in `rules/`;
MODEL sections 2 and 6 are the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.records import same_instance
from optimizer.errors import PlanError
from optimizer.place.certificate import upper_bound
from optimizer.place.goal import feasibility_image
from optimizer.place.measure.images import asked
from optimizer.place.measure.judge import check_goal as said_of_goal
from optimizer.place.plan import (
    Certificate,
    ObjectiveParts,
    PlacePlan,
    Status,
    Verdict,
    Violation,
    gap_of,
)
from optimizer.place.rules.case import Case, said
from optimizer.place.rules.chips import (
    check_budget,
    check_domain_fit,
    check_pool_capacity,
    check_quota,
    check_spread,
)
from optimizer.place.rules.jobs import (
    check_compatibility,
    check_moves,
    check_one_placement,
    check_precedence,
    check_residency,
    check_window,
)
from optimizer.place.rules.power import check_battery, check_power_cap, check_supply
from optimizer.units import nano, nano_per_period, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance

__all__ = ["check", "recompute_objective"]

CHECKS = (
    check_one_placement,
    check_window,
    check_pool_capacity,
    check_domain_fit,
    check_power_cap,
    check_supply,
    check_battery,
    check_residency,
    check_compatibility,
    check_precedence,
    check_budget,
    check_quota,
    check_spread,
    check_moves,
)
"""The function of every rule, in the order of `Rule`."""


def check(instance: Instance, plan: PlacePlan) -> Verdict:
    """Return every breach of a rule and the figures that follow from the plan itself.

    Raises
    ------
    PlanError
        If the plan answers another instance.
    """
    same_instance(instance, plan.instance, plan.instance_hash)
    case = Case(instance, plan)
    found = [v for each in CHECKS for v in each(case)]
    objective, bound = recompute_objective(case), None
    if plan.objective != objective:
        claimed, total = usd(plan.objective.total), usd(objective.total)
        found.append(said("objective", "plan", f"{claimed:.9f} USD", f"{total:.9f} USD"))
    try:
        bound = upper_bound(instance, plan.certificate).total
    except PlanError as e:
        found.append(said("certificate", "plan", str(e), "prices of rows of this instance"))
    else:
        if bound is not None and objective.total > bound and not found:
            found.append(said("bound", "plan", f"objective {objective.total}", bound))
        found.extend(_claims(plan, objective.total, bound))
        found.extend(_no_plan(instance, plan, bound))
        found.extend(said_of_goal(case, objective))
    gap = gap_of(objective.total, bound)
    return Verdict(violations=tuple(found), objective=objective, bound=bound, gap=gap)


def recompute_objective(case: Case) -> ObjectiveParts:
    """Return value less all costs of the plan, and the parts [nano-USD]."""
    h, value, lateness, one_off, energy, demand = case.instance.horizon, 0, 0, 0, 0, 0
    for run in case.runs:
        job, end = case.instance.jobs[run.job], run.end
        value += nano(job.value_usd)
        due = h.periods if job.due is None else h.down(job.due)
        lateness += nano_per_period(job.late_usd_per_hour, h.period_hours) * max(0, end - due)
        one_off += run.mode.one_off_nano
        if run.stands[run.span].any():
            one_off += run.mode.restart_nano
    for name, site in case.instance.sites.items():
        for key, supply in site.supplies.items():
            cost = supply.cost_nano(h, case.instance.carbon_usd_per_kg)
            given = case.plan.dispatch.get(name, {}).get(key, ())
            energy += sum(g * int(c) for g, c in zip(given, cost, strict=False))
            demand += supply.demand_nano * max(given, default=0)
    return ObjectiveParts(
        value=value,
        lateness=lateness,
        one_off=one_off,
        energy=energy,
        demand=demand,
        total=value - lateness - one_off - energy - demand,
    )


def _claims(plan: PlacePlan, objective: int, bound: int | None) -> Iterator[Violation]:
    """What a plan says of its bound, gap and status must be what follows from it."""
    gap = gap_of(objective, bound)
    if plan.bound != bound:
        yield said("bound", "plan", plan.bound, f"{bound} nano-USD")
    if plan.gap != gap:
        yield said("gap", "plan", plan.gap, gap)
    if plan.status is Status.OPTIMAL and gap != 0 and plan.goal is None:
        yield said("status", "plan", plan.status.value, f"gap 0, not {gap}")
    claim = plan.run.claim
    if claim is not None and claim.bound is not None and claim.bound < objective:
        found = f"bound {claim.bound} of {claim.engine}"
        yield said("claim", "plan", found, f"{objective} or more")


def _no_plan(instance: Instance, plan: PlacePlan, bound: int | None) -> Iterator[Violation]:
    """What a plan says of there being none must be proven: by its bound, or on the image."""
    prices = None if plan.conflict is None else plan.conflict.prices
    is_infeasible = plan.status is Status.INFEASIBLE and bound is not None
    if prices is None and not is_infeasible:
        return
    try:
        image = feasibility_image(asked(instance, plan.goal))
        limit = upper_bound(image, prices or Certificate()).total
    except PlanError as e:
        yield said("conflict", "plan", str(e), "prices of rows of the feasibility image")
        return
    if limit is not None and limit >= 0:
        rule = "conflict" if prices is not None else "status"
        found = f"bound {limit} nano-USD of the feasibility image"
        yield said(rule, "plan", found, "below 0, which proves that no plan exists")
