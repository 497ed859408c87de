"""Seeded fleets: the sizes that were asked for, what makes them hard, repeatable."""

from __future__ import annotations

import json

import numpy as np
import pytest
from judged import passes

from instances.measure import shape
from instances.seeded.place import random_place
from instances.seeded.sizes import SIZES as NAMED
from instances.seeded.sizes import sized
from instances.seeded.traces import HELIOS, KALOS, TRACES
from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError
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


def test_the_spreads_give_back_the_moments_of_the_traces() -> None:
    rng = np.random.default_rng(1)
    for name, trace in TRACES.items():
        long, wide = rng.standard_normal((2, 2_000_000))
        together = trace.hours_with_size
        assert 0 < together < 0.5, name
        wide = together * long + np.sqrt(1 - together**2) * wide
        hours = trace.median_hours * np.exp(trace.hours_spread * long)
        gpus = trace.median_gpus * np.exp(trace.size_spread * wide)
        assert 3600 * hours.mean() == pytest.approx(trace.mean_s, rel=0.1), name
        assert gpus.mean() == pytest.approx(trace.mean_gpus, rel=0.1), name


@pytest.mark.parametrize("name", ["S", "M", "pools-200"])
def test_a_size_has_what_its_name_says(name: str) -> None:
    made, size = sized(name, 1), NAMED[name]
    assert (len(made.jobs), len(made.sites), len(made.pools)) == (size.jobs, size.sites, size.pools)
    assert (made.horizon.periods, made.horizon.period_hours) == (size.periods, size.hours)
    pools = made.pools.values()
    chips = sum(int(p.present(made.horizon).max()) * made.domain_chips(p) for p in pools)
    assert chips == pytest.approx(size.chips, rel=0.15)
    assert shape(made).load > 0.9
    assert made.hash == sized(name, 1).hash != sized(name, 2).hash
    assert parse_instance(json.dumps(made.data())) == made  # all that is refused is looked for


def test_a_week_of_a_size_has_what_makes_it_hard_and_heavy_tails() -> None:
    made = sized("M", 3)
    data = json.dumps(made.data()["jobs"])
    for feature in ("running", "deadline", "due", "countries", "predecessors", "must", "pauses"):
        assert f'"{feature}' in data, feature
    assert any(s.calls for site in made.sites.values() for s in site.supplies.values())
    first = [made.modes(j)[0] for j, job in enumerate(made.jobs) if job.running is None]
    used = np.sort([m.chips * m.duration for m in first])[::-1]
    assert used[: len(used) // 10].sum() > 0.4 * used.sum()  # a tenth has more than 4 tenths
    assert KALOS.size_spread > 2
    assert HELIOS.hours_spread > 2


def test_a_size_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(InstanceError, match="known sizes: S, M, L, XL"):
        sized("XXL")
