"""The independent judge of an expansion: every rule, every flow and the objective, re-derived.

Whole numbers and exact fractions, no solver, nothing of the engines. MODEL sections 4 and 8 are the
text. The bound is an engine's claim: it is only held against the plan.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from optimizer.domain.answers.records import same_instance
from optimizer.domain.growth.prices import MILLION
from optimizer.expand.plan import ExpandPlan, ObjectiveParts, Status, Verdict, Violation, gap_of
from optimizer.expand.rules.case import Case, said
from optimizer.expand.rules.flows import CENT, TENTH, ledger, mean_of, tail_of
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
from optimizer.expand.rules.storage import check_storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.domain.instance import Instance

__all__ = ["MONEY_CHECKS", "STEP_CHECKS", "check", "recompute_objective"]

STEP_CHECKS = (check_lead_time, check_supply, check_retirement, check_contract)
MONEY_CHECKS = (check_capex_budget, check_cash, check_loan_to_cost, check_coverage)
"""The functions of all rules but nonanticipativity and storage, which look at the whole plan: of
every path, and of the expected flow."""


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
    found += check_storage(case)
    ledgers = [ledger(case.along(future), future) for future in case.futures]
    books = Books.of(case, ledgers)
    found += [v for each in MONEY_CHECKS for v in each(case, books)]
    values, capital = [b.value for b in ledgers], [b.capital for b in ledgers]
    objective = recompute_objective(case, plan.objective, values, capital)
    found += _claims(plan, objective)
    return Verdict(violations=tuple(found), objective=objective)


def recompute_objective(
    case: Case, asked: ObjectiveParts, values: Sequence[int], capital: Sequence[int]
) -> ObjectiveParts:
    """Return the objective of values, and of the capital in them, by future [cents]."""
    odds = [f.ppb for f in case.futures]
    expected = floor(mean_of(values, odds))
    alpha = asked.alpha_ppm or TENTH
    total, is_aside = expected, asked.goal == "cvar" and asked.risk == "operation"
    if asked.goal == "cvar":
        aside = capital if is_aside else [0] * len(values)
        at_risk = [v - c for v, c in zip(values, aside, strict=True)]
        exact = mean_of(values, odds) * (MILLION - asked.weight_ppm)
        exact += tail_of(at_risk, odds, alpha) * asked.weight_ppm
        exact += mean_of(aside, odds) * asked.weight_ppm
        total = floor(exact / MILLION)
    elif asked.goal == "worst":
        total = min(values)
    elif asked.goal == "regret" and len(asked.best) == len(values):
        total = -max(b - v for b, v in zip(asked.best, values, strict=True))
    return ObjectiveParts(
        goal=asked.goal,
        weight_ppm=asked.weight_ppm,
        alpha_ppm=asked.alpha_ppm,
        risk=asked.risk,
        capital=tuple(capital) if is_aside else (),
        best=asked.best,
        values=tuple(values),
        expected=expected,
        tail=floor(tail_of(values, odds, alpha)),
        worst=min(values),
        total=total * CENT,
    )


def _claims(plan: ExpandPlan, objective: ObjectiveParts) -> Iterator[Violation]:
    """What a plan says of itself; money holds to a cent."""
    claimed = plan.objective
    if len(claimed.values) != len(objective.values):
        yield said("objective", "plan", f"{len(claimed.values)} values", len(objective.values))
        return
    if len(claimed.capital) != len(objective.capital):
        found, limit = len(claimed.capital), len(objective.capital)
        yield said("objective", "capital", f"{found} values", limit)
        return
    for what in ("values", "capital"):
        each = zip(getattr(claimed, what), getattr(objective, what), strict=True)
        for i, (a, b) in enumerate(each):
            if abs(a - b) > 1:
                where = f"future {i}" if what == "values" else f"capital in future {i}"
                yield said("objective", where, f"{a / 100:.2f} USD", f"{b / 100:.2f} USD")
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
