"""Cost, earliest end and fair shares against brute force; every plan passes both judges."""

from __future__ import annotations

from functools import cache
from typing import Any

import by_force
import judged
import pytest
import stranger
from stranger_goal import entitled

from optimizer.place.measure.records import Fairness, LeastCost, Makespan
from optimizer.place.plan import PlacePlan, Status

Data = dict[str, Any]

FEW, MANY = range(8), range(8, 56)
SEEDS = [FEW, *(pytest.param(range(n, n + 12), marks=pytest.mark.slow) for n in MANY[::12])]
COMPLETE = (Status.FEASIBLE, Status.OPTIMAL)


@cache
def solved(seed: int, objective: str) -> PlacePlan:
    """Return the engine's plan for a goal after both judges have passed it."""
    return judged.solved(by_force.roomy(seed), objective=objective, rounds=12)


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_least_cost_is_found_and_never_below_its_bound(seeds: range) -> None:
    found = possible = 0
    for seed in seeds:
        best, plan = by_force.least_cost(by_force.roomy(seed)), solved(seed, "cost")
        assert isinstance(plan.goal, LeastCost)
        if best is None:
            assert plan.status not in COMPLETE, seed
            continue
        possible += 1
        assert plan.status is not Status.INFEASIBLE, seed
        assert plan.goal.bound is not None
        assert plan.goal.bound <= best, seed
        assert plan.status is Status.UNKNOWN or plan.goal.cost >= best, seed
        found += plan.status in COMPLETE and plan.goal.cost == best
    assert possible >= 2
    assert found >= 0.9 * possible


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_the_earliest_end_is_found_and_never_before_its_bound(seeds: range) -> None:
    found = tight = possible = 0
    for seed in seeds:
        best, plan = by_force.earliest_end(by_force.roomy(seed)), solved(seed, "makespan")
        assert isinstance(plan.goal, Makespan)
        if best is None:
            assert plan.status not in COMPLETE, seed
            continue
        possible += 1
        assert plan.status is not Status.INFEASIBLE, seed
        assert plan.goal.bound <= best, seed
        assert plan.status is Status.UNKNOWN or plan.goal.periods >= best, seed
        found += plan.status in COMPLETE and plan.goal.periods == best
        tight += plan.goal.bound == best
    assert possible >= 2
    assert found >= 0.8 * possible
    assert tight >= 0.8 * possible


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_the_fairest_plan_is_found_and_never_above_its_bounds(seeds: range) -> None:
    found = possible = 0
    for seed in seeds:
        data = by_force.roomy(seed)
        if not entitled(stranger.World(data)):
            continue
        best, plan = by_force.fairest(data), solved(seed, "fair")
        goal = plan.goal
        assert isinstance(goal, Fairness)
        if best is None:
            assert plan.status not in COMPLETE, seed
            continue
        possible += 1
        assert plan.status is not Status.INFEASIBLE, seed
        assert goal.bound >= best[0], seed
        reached = goal.share, plan.objective.total
        assert plan.status is Status.UNKNOWN or reached <= best, seed
        if goal.share == best[0] and goal.total_bound is not None:
            assert goal.total_bound >= best[1], seed
        found += plan.status in COMPLETE and reached == best
    assert possible >= 5
    assert found >= 0.8 * possible
