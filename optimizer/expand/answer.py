"""How a decision becomes a plan: values in cents, objective, status, run record."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from optimizer.domain.answers import records
from optimizer.domain.growth.prices import MILLION
from optimizer.domain.growth.scenes import BILLION, drawn_futures
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.evaluate import capital_of, cents, cycles_of, evaluate, steps_of
from optimizer.expand.plan import (
    ExpandPlan,
    Goal,
    NodeSteps,
    ObjectiveParts,
    Options,
    RunRecord,
    Status,
    gap_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.instance import Instance
    from optimizer.expand.evaluate import Outcome

__all__ = ["CENT_NANO", "arrays_of", "measured", "objective_of", "plan_of", "versions"]

CENT_NANO = 10_000_000
"""nano-USD in a cent."""


def arrays_of(instance: Instance, options: Options) -> Arrays:
    """Return the arrays of the futures that are asked for."""
    growth = instance.growth
    futures = growth.futures
    if options.draw and instance.expand is not None:
        futures = drawn_futures(instance.expand, growth.calendar, options.draw, options.seed)
    if not options.recourse:
        futures = tuple(replace(f, nodes=()) for f in futures)
    return Arrays(growth, futures)


def objective_of(
    values: Sequence[int],
    odds: Sequence[int],
    options: Options,
    best: Sequence[int] = (),
    capital: Sequence[int] = (),
) -> ObjectiveParts:
    """Return the objective of values by future [cents]; odds in billionths.

    capital: what of the values counts by its mean, where risk is on operation alone.
    """
    goal: Goal = options.objective
    weight = round(options.weight * MILLION) if goal == "cvar" else 0
    alpha = round(options.alpha * MILLION) if goal == "cvar" else 0
    mean = _mean(values, odds)
    tail = _tail(values, odds, alpha or MILLION // 10)
    total = floor(mean)
    if goal == "cvar":
        risk = tail
        if capital:
            operation = [v - c for v, c in zip(values, capital, strict=True)]
            risk = _tail(operation, odds, alpha) + _mean(capital, odds)
        total = floor((mean * (MILLION - weight) + risk * weight) / MILLION)
    elif goal == "worst":
        total = min(values)
    elif goal == "regret":
        total = -max(b - v for b, v in zip(best, values, strict=True))
    return ObjectiveParts(
        goal=goal,
        weight_ppm=weight,
        alpha_ppm=alpha,
        risk="operation" if options.is_capital_aside else "total",
        capital=tuple(capital),
        best=tuple(best) if goal == "regret" else (),
        values=tuple(values),
        expected=floor(mean),
        tail=floor(tail),
        worst=min(values),
        total=total * CENT_NANO,
    )


def measured(
    arrays: Arrays,
    decision: Decision,
    outcome: Outcome,
    options: Options,
    best: Sequence[int] = (),
) -> ObjectiveParts:
    """Return the objective of a decision and of what comes of it."""
    odds = [f.ppb for f in arrays.futures]
    capital = cents(capital_of(arrays, decision)) if options.is_capital_aside else ()
    return objective_of(cents(outcome.values), odds, options, best, capital)


def _mean(values: Sequence[int], odds: Sequence[int]) -> Fraction:
    return Fraction(sum(p * v for p, v in zip(odds, values, strict=True)), BILLION)


def _tail(values: Sequence[int], odds: Sequence[int], alpha_ppm: int) -> Fraction:
    """Return the mean of the worst share of probability."""
    share = Fraction(alpha_ppm * BILLION, MILLION)
    left, total = share, Fraction(0)
    for value, p in sorted(zip(values, odds, strict=True)):
        part = min(left, Fraction(p))
        total += part * value
        left -= part
    return total / share


def plan_of(
    instance: Instance,
    arrays: Arrays,
    decision: Decision | None,
    options: Options,
    run: RunRecord,
    *,
    best: Sequence[int] = (),
    bound: int | None = None,
    is_infeasible: bool = False,
) -> ExpandPlan:
    """Return the plan of a decision; None: there is none, and nothing is built."""
    found = Decision(signed=_already(arrays)) if decision is None else decision
    outcome = evaluate(arrays, found)
    objective = measured(arrays, found, outcome, options, best)
    status = Status.FEASIBLE
    if decision is None:
        status, bound = (Status.INFEASIBLE if is_infeasible else Status.UNKNOWN), None
    elif bound is not None:
        bound = max(bound, objective.total)
        status = Status.OPTIMAL if bound == objective.total else Status.FEASIBLE
    return ExpandPlan(
        instance=instance.name,
        instance_hash=instance.hash,
        status=status,
        orders=steps_of(arrays, found.orders),
        retirements=steps_of(arrays, found.retired),
        contracts=_names(arrays, found),
        nodes=tuple(_node(arrays, name, more) for name, more in found.nodes.items()),
        cycles=cycles_of(arrays, outcome.cycles),
        drawn=options.draw,
        seed=options.seed if options.draw else 0,
        objective=objective,
        bound=bound,
        gap=gap_of(objective.total, bound),
        run=run,
    )


def _node(arrays: Arrays, name: str, more: Decision) -> NodeSteps:
    return NodeSteps(
        node=name,
        orders=steps_of(arrays, more.orders),
        retirements=steps_of(arrays, more.retired),
        contracts=_names(arrays, more),
    )


def _names(arrays: Arrays, decision: Decision) -> tuple[str, ...]:
    return tuple(c.name for i, c in enumerate(arrays.growth.contracts) if i in decision.signed)


def _already(arrays: Arrays) -> frozenset[int]:
    return frozenset(i for i, c in enumerate(arrays.growth.contracts) if c.is_signed)


def versions() -> dict[str, str]:
    """Return the versions of what an answer rests on."""
    return records.versions("pulp", "highspy", "numba")
