"""The independent judge of an expansion: every rule, every flow and the objective, re-derived.

Whole numbers and exact fractions, no solver, nothing of the engines. MODEL sections 4 and 8 are the
text. The bound is an engine's claim: it is only held against the plan.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from optimizer.domain.answers.records import same_instance
from optimizer.domain.growth.prices import MILLION
from optimizer.domain.growth.scenes import BILLION
from optimizer.expand.plan import ExpandPlan, ObjectiveParts, Status, Verdict, Violation, gap_of
from optimizer.expand.rules.case import Case, said
from optimizer.expand.rules.flows import CENT, ledger
from optimizer.expand.rules.money import (
    Books,
    check_capex_budget,
    check_cash,
    check_coverage,
    check_loan_to_cost,
)
from optimizer.expand.rules.steps import (
    check_contract,
    check_lead_time,
    check_nonanticipativity,
    check_retirement,
    check_supply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.instance import Instance

__all__ = ["MONEY_CHECKS", "STEP_CHECKS", "check", "recompute_objective"]

STEP_CHECKS = (check_lead_time, check_supply, check_retirement, check_contract)
MONEY_CHECKS = (check_capex_budget, check_cash, check_loan_to_cost, check_coverage)
"""The functions of all rules but nonanticipativity: of every path, and of the expected flow."""

TENTH = MILLION // 10
"""The tail that is reported where none is asked for."""


def check(instance: Instance, plan: ExpandPlan) -> Verdict:
    """Return every breach of a rule, and the objective that follows from the plan itself.

    Raises
    ------
    PlanError
        If the plan answers another instance.
    """
    same_instance(instance, plan.instance, plan.instance_hash)
    case = Case(instance, plan)
    paths = case.paths
    found = list(dict.fromkeys(v for path in paths for each in STEP_CHECKS for v in each(path)))
    found += check_nonanticipativity(case)
    if any(v.rule == "lead_time" for v in found):
        return Verdict(violations=tuple(found), objective=None)  # its flows leave the horizon
    ledgers = [ledger(case.along(future), future) for future in case.futures]
    books = Books.of(case, ledgers)
    found += [v for each in MONEY_CHECKS for v in each(case, books)]
    objective = recompute_objective(case, plan.objective, [book.value for book in ledgers])
    found += _claims(plan, objective)
    return Verdict(violations=tuple(found), objective=objective)


def recompute_objective(case: Case, asked: ObjectiveParts, values: Sequence[int]) -> ObjectiveParts:
    """Return the objective of values by future [cents]."""
    odds = [f.ppb for f in case.futures]
    expected = floor(Fraction(sum(p * v for p, v in zip(odds, values, strict=True)), BILLION))
    tail = _tail(values, odds, asked.alpha_ppm or TENTH)
    total = expected
    if asked.goal == "cvar":
        exact = _mean(values, odds) * (MILLION - asked.weight_ppm)
        exact += _exact_tail(values, odds, asked.alpha_ppm or TENTH) * asked.weight_ppm
        total = floor(exact / MILLION)
    elif asked.goal == "worst":
        total = min(values)
    elif asked.goal == "regret" and len(asked.best) == len(values):
        total = -max(b - v for b, v in zip(asked.best, values, strict=True))
    return ObjectiveParts(
        goal=asked.goal,
        weight_ppm=asked.weight_ppm,
        alpha_ppm=asked.alpha_ppm,
        best=asked.best,
        values=tuple(values),
        expected=expected,
        tail=tail,
        worst=min(values),
        total=total * CENT,
    )


def _mean(values: Sequence[int], odds: Sequence[int]) -> Fraction:
    return Fraction(sum(p * v for p, v in zip(odds, values, strict=True)), BILLION)


def _exact_tail(values: Sequence[int], odds: Sequence[int], alpha_ppm: int) -> Fraction:
    """Return the mean of the worst share of probability."""
    left = share = Fraction(alpha_ppm, MILLION) * BILLION
    total = Fraction(0)
    for value, odd in sorted(zip(values, odds, strict=True)):
        part = min(left, Fraction(odd))
        total, left = total + part * value, left - part
    return total / share


def _tail(values: Sequence[int], odds: Sequence[int], alpha_ppm: int) -> int:
    return floor(_exact_tail(values, odds, alpha_ppm))


def _claims(plan: ExpandPlan, objective: ObjectiveParts) -> Iterator[Violation]:
    """What a plan says of itself; money holds to a cent."""
    claimed = plan.objective
    if len(claimed.values) != len(objective.values):
        yield said("objective", "plan", f"{len(claimed.values)} values", len(objective.values))
        return
    for i, (a, b) in enumerate(zip(claimed.values, objective.values, strict=True)):
        if abs(a - b) > 1:
            yield said("objective", f"future {i}", f"{a / 100:.2f} USD", f"{b / 100:.2f} USD")
    for name in ("expected", "tail", "worst"):
        a, b = getattr(claimed, name), getattr(objective, name)
        if abs(a - b) > 1:
            yield said("objective", name, f"{a / 100:.2f} USD", f"{b / 100:.2f} USD")
    if abs(claimed.total - objective.total) > CENT:
        yield said("objective", "total", claimed.total, objective.total)
    if plan.gap != gap_of(claimed.total, plan.bound):
        yield said("gap", "plan", plan.gap, gap_of(claimed.total, plan.bound))
    if plan.bound is not None and plan.bound < objective.total - CENT:
        yield said("bound", "plan", plan.bound, f"at least the objective, {objective.total}")
    if plan.status is Status.OPTIMAL and claimed.total != plan.bound:
        yield said("status", "plan", "optimal", "objective and bound are not equal")
