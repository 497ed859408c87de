"""CP-SAT and the oracle with batteries and demand charges: one optimum, that of brute force."""

from __future__ import annotations

from functools import cache

import brute
import judged
import pytest
import stranger
from brute_power import slack
from tiny_power import tiny_power

from optimizer.place.exact.oracle import oracle_solve
from optimizer.place.exact.solve import exact_solve
from optimizer.place.plan import Options

FAST = (8, 9, 11)
SEEDS = (4, 14, 15, 18, 21, 25, 30, 31, 34, 36, 37, 38, 40, 42, 43, 48, 49, 50)
"""Seeds that brute force decides within half a second; CP-SAT takes over a minute for 20, 52."""


@cache
def best(seed: int) -> tuple[int, int]:
    """Return the optimum in watts that need not be whole, and what whole ones may miss."""
    data = tiny_power(seed)
    found = brute.optimum(data)[0]
    assert found is not None
    return found, slack(stranger.World(data))


def agrees(seed: int) -> None:
    """Assert that both engines find the optimum of brute force, and that the judges pass it."""
    data, (most, miss) = tiny_power(seed), best(seed)
    instance = judged.read(data)
    for solve in (exact_solve, oracle_solve):
        plan = solve(instance, Options(seconds=60))
        judged.passes(data, plan, instance)
        claim = plan.run.claim
        assert claim is not None
        assert claim.bound is not None
        assert most - miss <= plan.objective.total <= most + 1, (seed, claim.engine)
        assert claim.bound >= plan.objective.total


@pytest.mark.parametrize("seed", FAST)
def test_both_engines_find_the_optimum_of_brute_force(seed: int) -> None:
    agrees(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_both_engines_find_the_optimum_of_brute_force_on_more(seed: int) -> None:
    agrees(seed)
