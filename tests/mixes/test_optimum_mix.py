"""Solves against enumeration: the same optimum, and a bound that never passes it."""

from __future__ import annotations

import pytest
from brute_mix import optimum
from judged_mix import solved
from tiny_mix import tiny_mix

from optimizer.mix.plan import Goal, MixPlan, Status

NEAR = 1e-7
"""Share of the value at stake by which a plan of whole billionths may miss the optimum."""


def agree(seed: int, goal: Goal) -> None:
    """Assert that solve and enumeration find the same best objective, or both none."""
    data = tiny_mix(seed)
    plan, best = solved(data, objective=goal), optimum(data, goal)
    if best is None:
        assert plan.status in (Status.INFEASIBLE, Status.UNKNOWN)
        assert plan.status is Status.INFEASIBLE or _claims_none(plan)
        return
    assert plan.status in (Status.OPTIMAL, Status.FEASIBLE)
    parts = plan.objective
    stake = max(1.0, abs(best), (parts.spent + parts.unserved + parts.earned) / 1e9)
    assert abs(parts.total / 1e9 - best) <= NEAR * stake
    assert plan.bound is not None
    past = plan.bound / 1e9 - best
    assert (past if goal == "cost" else -past) <= NEAR * stake


def _claims_none(plan: MixPlan) -> bool:
    return plan.run.claim is not None and plan.run.claim.status is Status.INFEASIBLE


@pytest.mark.parametrize("goal", ["cost", "profit", "work"])
@pytest.mark.parametrize("seed", range(8))
def test_a_solve_finds_what_enumeration_finds(seed: int, goal: Goal) -> None:
    agree(seed, goal)


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["cost", "profit", "work"])
@pytest.mark.parametrize("first", range(8, 218, 10))
def test_two_hundred_solves_find_what_enumeration_finds(first: int, goal: Goal) -> None:
    for seed in range(first, first + 10):
        agree(seed, goal)
