"""The independent judge of a mix: every rule, the objective, the bound and the gap, re-derived.

Whole numbers throughout, no solver, nothing of the engines: a plan is good if and only if it finds
nothing. Each rule has a function of its name, in `rules/`; MODEL sections 3 and 7 are the text.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from optimizer.domain.answers.records import same_instance
from optimizer.domain.fleet.image import DOMAIN
from optimizer.errors import PlanError
from optimizer.mix.certificate import bound_of
from optimizer.mix.plan import Goal, MixPlan, ObjectiveParts, Status, Verdict, Violation, gap_of
from optimizer.mix.rules.case import FINE, Case, said, useful
from optimizer.mix.rules.money import check_capex, check_vendor_share, check_yearly_cash
from optimizer.mix.rules.places import check_cooling, check_power, check_space, check_supply
from optimizer.mix.rules.work import check_demand, check_residency, check_whole_domain
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance

__all__ = ["CHECKS", "check", "recompute_objective"]


CHECKS = (
    check_demand,
    check_power,
    check_space,
    check_cooling,
    check_capex,
    check_yearly_cash,
    check_supply,
    check_vendor_share,
    check_residency,
    check_whole_domain,
)
"""The function of every rule, in the order of `Rule`."""


def check(instance: Instance, plan: MixPlan) -> Verdict:
    """Return every breach of a rule and the figures that follow from the plan itself.

    Raises
    ------
    PlanError
        If the plan answers another instance.
    """
    same_instance(instance, plan.instance, plan.instance_hash)
    case = Case(instance, plan)
    found = [v for each in CHECKS for v in each(case)]
    objective, bound = recompute_objective(case, plan.objective.goal), None
    if plan.objective != objective:
        claimed, total = usd(plan.objective.total), usd(objective.total)
        found.append(said("objective", "plan", f"{claimed:.9f}", f"{total:.9f}"))
    goal = plan.certificate.goal
    if goal != objective.goal:
        found.append(said("certificate", "plan", f"of objective {goal}", objective.goal))
    try:
        proof = bound_of(instance, plan.certificate)
    except PlanError as e:
        found.append(said("certificate", "plan", str(e), "prices of rows of this instance"))
    else:
        bound = proof.total
        is_past = bound is not None and (
            objective.total < bound if objective.goal == "cost" else objective.total > bound
        )
        if (is_past or proof.is_infeasible) and not found:
            found.append(said("bound", "plan", f"objective {objective.total}", bound))
        found.extend(_claims(plan, objective.total, bound, is_infeasible=proof.is_infeasible))
    gap = gap_of(objective.total, bound)
    return Verdict(violations=tuple(found), objective=objective, bound=bound, gap=gap)


def _claims(
    plan: MixPlan, total: int, bound: int | None, *, is_infeasible: bool
) -> Iterator[Violation]:
    """What a plan says of itself."""
    if plan.bound != bound:
        yield said("bound", "plan", plan.bound, bound)
    if plan.gap != gap_of(total, bound):
        yield said("gap", "plan", plan.gap, gap_of(total, bound))
    if (plan.status is Status.OPTIMAL) and total != bound:
        yield said("status", "plan", "optimal", "objective and bound are not equal")
    if (plan.status is Status.INFEASIBLE) != is_infeasible:
        yield said("status", "plan", plan.status, "infeasible if the certificate proves it")


def recompute_objective(case: Case, goal: Goal) -> ObjectiveParts:
    """Return the objective from fleet and use: costs rounded up, what is earned down."""
    image = case.image
    rent = sum(t.rent_cost[f] * paid for f in range(len(image.phases)) for t, paid in case.rents(f))
    lost = earned = 0
    energy = Fraction(0)
    for f in range(len(image.phases)):
        energy += sum(case.energy(site, f)[0] for site in image.sites)
        for name, demand in image.demand.items():
            lost += demand.value * case.lacks(name, f)
            earned += demand.value * case.serves(name, f)
    parts = {
        "upfront": sum(t.upfront_cost * n for _, t, n in case.offers()),
        "rent": -(-rent // DOMAIN),
        "upkeep": sum(sum(t.upkeep_cost) * n for _, t, n in case.offers()),
        "energy": ceil(energy),
    }
    spent, unserved, work = sum(parts.values()), -(-lost // FINE), useful(case)
    earned //= FINE
    totals: dict[Goal, int] = {"cost": spent + unserved, "profit": earned - spent, "work": work}
    return ObjectiveParts(
        goal=goal, **parts, unserved=unserved, earned=earned, work=work, total=totals[goal]
    )
