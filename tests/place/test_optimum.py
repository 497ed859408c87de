"""Engine, certificate and brute force on the same 200 tiny instances, most of them slow.

Objectives are compared, never plans: optima tie. Every plan here has passed both judges.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import brute
import judged
import numpy as np
import pytest
import stranger
import tiny

from optimizer.place.certificate import upper_bound
from optimizer.place.plan import PlacePlan, Status

Data = dict[str, Any]

SEEDS = range(40)
"""Of the fast suite; 160 more are in blocks that are slow."""

BLOCKS = [range(first, first + 20) for first in SEEDS[::20]]
MORE = [pytest.param(range(n, n + 20), marks=pytest.mark.slow) for n in range(40, 200, 20)]


@cache
def optimum(seed: int) -> int | None:
    """Return the optimum of a tiny instance [nano-USD], or None."""
    return brute.optimum(tiny.tiny(seed))[0]


@cache
def engine(seed: int) -> PlacePlan:
    """Return the engine's plan of a tiny instance, by one thread or two, checked."""
    return judged.solved(tiny.tiny(seed), threads=1 + seed % 2)


@pytest.mark.parametrize("seeds", [*BLOCKS, *MORE], ids=str)
def test_engine_plans_are_legal_and_the_optimum_lies_between(seeds: range) -> None:
    for seed in seeds:
        best, plan = optimum(seed), engine(seed)
        if best is None:
            continue
        assert plan.bound is not None, seed
        assert plan.bound >= best, seed
        if plan.status is not Status.UNKNOWN:
            assert plan.objective.total <= best, seed
        if plan.status is Status.OPTIMAL:
            assert plan.objective.total == best == plan.bound, seed


def test_engine_finds_most_optima_in_two_rounds() -> None:
    possible = [seed for seed in SEEDS if optimum(seed) is not None]
    found = [seed for seed in possible if engine(seed).objective.total == optimum(seed)]
    placed = [seed for seed in possible if engine(seed).status is not Status.UNKNOWN]
    missed = sorted(set(possible) - set(found))
    assert len(found) >= 0.93 * len(possible), missed
    assert placed == possible


def test_what_cannot_be_placed_is_not_called_feasible() -> None:
    impossible = [seed for seed in SEEDS if optimum(seed) is None]
    assert len(impossible) >= 1
    for seed in impossible:
        plan = engine(seed)
        assert plan.status in (Status.UNKNOWN, Status.INFEASIBLE), seed
        is_proven = plan.bound is None or plan.conflict is not None
        assert (plan.status is Status.INFEASIBLE) == is_proven, seed


@pytest.mark.parametrize("seeds", [*BLOCKS, *MORE], ids=str)
def test_random_prices_bound_the_optimum_and_both_judges_agree(seeds: range) -> None:
    """All families at once, and each by itself beside the price of power."""
    for seed in seeds:
        data, rng = tiny.tiny(seed), np.random.default_rng(seed)
        instance, best = judged.read(data), optimum(seed)
        certificate = judged.random_certificate(data, rng)
        for family in ("all", *certificate):
            kept = certificate if family == "all" else {family: certificate[family]}
            prices = {"power": certificate["power"]} | kept
            bound = upper_bound(instance, judged.certificate_of(prices)).total
            assert bound == stranger.bound(data, prices), (seed, family)
            if best is not None:
                assert bound is not None, (seed, family)
                assert bound >= best, (seed, family)


def test_zero_prices_bound_by_the_best_of_every_job() -> None:
    for seed in SEEDS:
        data = tiny.tiny(seed)
        bound = upper_bound(judged.read(data), judged.certificate_of({}))
        assert bound.total == stranger.bound(data, {})
        assert (bound.rows, bound.supply, bound.fixed) == (0, 0, 0)
        profits = [column.profit for column in bound.best if column.profit is not None]
        assert bound.total is None or bound.total <= sum(max(0, x) for x in profits)


@pytest.mark.parametrize("factor", [10**3, 10**9, 10**15])
def test_prices_beyond_64_bits_are_added_up_exactly(factor: int) -> None:
    for seed in range(40):
        data = tiny.tiny(seed)
        drawn = judged.random_certificate(data, np.random.default_rng(seed))
        prices = {
            "power": {name: [x * factor for x in row] for name, row in drawn["power"].items()},
            "chips": {name: [x * factor for x in row] for name, row in drawn["chips"].items()},
            "budgets": {name: x * factor for name, x in drawn["budgets"].items()},
        }
        bound = upper_bound(judged.read(data), judged.certificate_of(prices)).total
        assert bound == stranger.bound(data, prices), seed
        if optimum(seed) is not None:
            assert bound is not None
            assert bound >= (optimum(seed) or 0), seed


def test_lateness_beyond_64_bits_is_added_up_exactly() -> None:
    """At 1e7 USD/h, 800 late hours cost 8e18 nano-USD, twice that together with the price."""
    one = judged.job("a", hours=1.0, due=0.5, late_usd_per_hour=1e7)
    data = judged.world(one, periods=800)
    prices = {"power": {"s": [10**15] * 400 + [0] * 400}}
    instance = judged.read(data)
    bound = upper_bound(instance, judged.certificate_of(prices))
    assert bound.total == stranger.bound(data, prices)
