"""Seeded fleets: the sizes that were asked for, what makes them hard, repeatable."""

from __future__ import annotations

import json

import pytest
from judged import passes

from instances.measure import shape
from instances.seeded.place import random_place
from optimizer.place.plan import Options
from optimizer.place.solve import solve

SIZES = ((10, 3, 3, 12, 24), (30, 3, 6, 24, 24), (50, 3, 10, 50, 24), (100, 3, 10, 50, 24))


def test_the_same_numbers_give_the_same_fleet_and_another_seed_another() -> None:
    assert (
        random_place(20, 3, 5, 20, 24, seed=1).hash == random_place(20, 3, 5, 20, 24, seed=1).hash
    )
    assert (
        random_place(20, 3, 5, 20, 24, seed=1).hash != random_place(20, 3, 5, 20, 24, seed=2).hash
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_fleet_has_the_size_that_was_asked_for(size: tuple[int, int, int, int, int]) -> None:
    jobs, sites, pools, domains, hours = size
    for seed in range(5):
        made = random_place(*size, seed=seed)
        assert len(made.jobs) == jobs
        assert (len(made.sites), len(made.pools), made.horizon.periods) == (sites, pools, hours)
        counts = [int(pool.present(made.horizon).max()) for pool in made.pools.values()]
        assert sum(counts) == domains
        assert min(counts) >= 2


def test_what_makes_placement_hard_is_among_them() -> None:
    made = [random_place(50, 3, 10, 50, 24, seed=seed) for seed in range(6)]
    data = json.dumps([m.data()["jobs"] for m in made])
    for feature in ("running", "deadline", "due", "countries", "predecessors", "must", "data"):
        assert f'"{feature}"' in data, feature
    assert any(s.calls for m in made for site in m.sites.values() for s in site.supplies.values())
    assert any(len(site.supplies) > 1 for m in made for site in m.sites.values())
    gangs = sorted(mode.chips for m in made for j in range(50) for mode in m.modes(j)[:1])
    assert gangs[-1] >= 100 * gangs[0]
    assert max(shape(m).load for m in made) > 0.8


def test_a_plan_of_a_fleet_passes_the_judges() -> None:
    made = random_place(30, 3, 6, 24, 24, seed=3)
    plan = solve(made, Options(seconds=60, rounds=5, engine="search"))
    passes(made.data(), plan, made)
    assert plan.placements
