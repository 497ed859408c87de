"""The tree over whole units: pairs of moves, threads, cuts that capacities come back from."""

from __future__ import annotations

import time

import numpy as np
import pytest
from judged_expand import drawn, judged

from instances.expansions.generate import random_expand
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.engines.benders import Benders, Clock
from optimizer.expand.engines.whole.branch import Tree
from optimizer.expand.engines.whole.pairs import Pairs
from optimizer.expand.plan import Options


def master_of(arrays: Arrays, **options: float) -> Benders:
    """Return a master with an hour of time."""
    return Benders(arrays, Options.model_validate(options), (), Clock(time.monotonic() + 3600))


def moved(decision: Decision, by: dict[tuple[int, int], float]) -> Decision:
    """Return a decision with orders changed."""
    orders = dict(decision.orders)
    for key, units in by.items():
        orders[key] = orders.get(key, 0.0) + units
    return Decision({k: x for k, x in orders.items() if x}, decision.retired, decision.signed)


@pytest.mark.parametrize("seed", (1, 2))
def test_where_the_search_by_pairs_ends_no_order_more_or_less_betters_the_plan(seed: int) -> None:
    instance = random_expand(1, 20, 2, 2, seed)
    arrays = Arrays(instance.growth, instance.growth.futures)
    master = master_of(arrays, gap=1e-9)
    master.relax()
    master.dive()
    before, plan = master.found.loss, master.found.decision
    assert plan is not None
    Pairs(master).run(plan)
    plan = master.found.decision
    assert plan is not None and master.found.loss <= before < 0
    assert seed != 1 or master.found.loss < before
    assert not check(instance, judged(instance, plan)).violations
    used = {p for p, _ in plan.orders}
    more = [{k: 1.0} for k in master.first.orders if k[0] in used]
    less = [{k: -1.0} for k in plan.orders]
    pairs = [a | b for a in less for b in more if near(*a, *b)]
    for by in (*more, *less, *pairs):
        other = moved(plan, by)
        if master.price(other)[1] < master.found.loss - 1e-6:
            assert check(instance, judged(instance, other)).violations


def near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two orders are of one place, a period apart."""
    return one[0] == other[0] and abs(one[1] - other[1]) == 1


@pytest.mark.parametrize("seed", range(2))
def test_two_threads_end_at_the_optimum_of_one(seed: int) -> None:
    instance = random_expand(2, 4, 2, 4, seed, is_small=True, has_covenants=seed == 1)
    arrays = Arrays(instance.growth, instance.growth.futures)
    found = []
    for threads in (1, 2):
        master = master_of(arrays, gap=1e-6, threads=threads)
        master.relax()
        Tree(master).run()
        assert master.found.gap <= 1e-6 and master.found.decision is not None
        assert not check(instance, judged(instance, master.found.decision)).violations
        found.append(master.found)
    one, two = found
    assert one.bound <= two.loss + 1e-6 and two.bound <= one.loss + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_columns_stand_as_the_orders_that_they_are(seed: int) -> None:
    instance = random_expand(2, 6, 2, 4, seed, is_small=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    master, decision = master_of(arrays), drawn(arrays, np.random.default_rng(seed))
    at = np.zeros(len(master.first.model.names))
    for column, units in master.first.columns_of(decision).items():
        at[column] = units
    _, given = arrays.capacities(decision)
    for mine, theirs in zip(master.cuts.capacities(at), given, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    values, _ = master.operated(at)
    assert values == pytest.approx(master.price(decision)[0].values / 1e6, abs=1e-6)
