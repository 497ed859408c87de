"""Arrays and packing: which domains are alike, which columns are allowed, who gets which ids."""

from __future__ import annotations

from typing import Any

import judged
import numpy as np
import pytest
import stranger
import stranger_bound
import tiny
from judged import job, solved, world

from optimizer.place.arrays import build_arrays, groups_of

Data = dict[str, Any]


def groups(**pool: Any) -> list[tuple[list[int], list[int]]]:
    """Return ids and count by period of the groups of a pool over four hours."""
    data = world(job("a", (8, 1)), **pool)
    return [(g.ids.tolist(), g.count.tolist()) for g in groups_of(judged.read(data), "p")]


def rests(*ids: int, start: float = 1.0, end: float = 2.0) -> Data:
    """Return maintenance of some domains."""
    return {"domains": [[i, i] for i in ids], "from": start, "until": end}


# ---- groups -------------------------------------------------------------------------------------


def test_domains_that_stay_are_one_group() -> None:
    assert groups(count=3) == [([0, 1, 2], [3, 3, 3, 3])]


def test_deliveries_join_the_group_that_stays() -> None:
    count = [{"value": 1}, {"from": 1.5, "value": 3}]
    assert groups(count=count) == [([0, 1, 2], [1, 1, 3, 3])]


def test_spares_are_in_no_group() -> None:
    assert groups(count=3, pool={"spares": 2}) == [([0], [1, 1, 1, 1])]
    assert groups(count=3, pool={"spares": 4})[0][1] == [0, 0, 0, 0]


def test_domains_in_maintenance_are_a_group_for_each_pattern() -> None:
    pool = {"maintenance": [rests(1, 3), rests(2, start=1.5, end=2.5)]}
    stays, *others = groups(count=4, pool=pool)
    assert stays == ([0], [1, 1, 1, 1])
    assert sorted(others) == [([1, 3], [2, 0, 2, 2]), ([2], [1, 0, 0, 1])]


def test_domains_that_are_taken_away_are_a_group() -> None:
    stays, goes = groups(count=[3, 3, 1, 1])
    assert (stays, goes) == (([0], [1, 1, 1, 1]), ([1, 2], [2, 2, 0, 0]))


def test_maintenance_at_the_start_is_like_a_delivery() -> None:
    assert groups(count=2, pool={"maintenance": [rests(1, start=-5.0, end=0.5)]}) == [
        ([0, 1], [1, 2, 2, 2])
    ]


def test_a_pool_without_domains_is_one_group_without_ids() -> None:
    assert groups(size=1, count=[8, 8, 20, 20], pool={"spares": 3}) == [([], [5, 5, 17, 17])]


# ---- columns ------------------------------------------------------------------------------------


def allowed(data: Data) -> list[list[int]]:
    """Return the allowed starts of every mode."""
    return [np.flatnonzero(row).tolist() for row in build_arrays(judged.read(data)).allowed]


def test_columns_keep_the_window() -> None:
    assert allowed(world(job("a", release=0.5, deadline=3.5), periods=5)) == [[1]]


def test_columns_fit_into_what_running_jobs_leave() -> None:
    part = {"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}
    data = world({"id": "r", "running": {"parts": [part], "periods_left": 2}}, job("a"), periods=6)
    assert allowed(data) == [[0], [2, 3, 4]]
    data = world(*data["jobs"], count=2, grid={"cap_mw": 0.0125}, periods=6)
    assert allowed(data) == [[0], [2, 3, 4]]


def test_columns_that_alone_exceed_a_cap_are_not_allowed() -> None:
    steps = [{"value": 0.01}, {"from": 3.0, "value": 0.009999}]
    assert allowed(world(job("a"), grid={"cap_mw": steps}, periods=6)) == [[0, 1]]


def test_a_pausing_mode_is_allowed_across_a_call_and_another_is_not() -> None:
    calls = [{"from": 1.0, "until": 2.0, "cap_mw": 0.003}]
    pauses = {"pauses_at_calls": True, "restart_usd": 1.0}
    data = world(job("a"), job("b", mode=pauses), grid={"calls": calls}, periods=4)
    assert allowed(data) == [[2], [0, 1, 2]]


def test_the_bound_has_the_columns_of_the_arrays() -> None:
    for seed in range(60):
        data = tiny.tiny(seed)
        arrays, theirs = build_arrays(judged.read(data)), stranger.World(data)
        columns = (stranger_bound.Prices(theirs, {}), theirs)
        starts = [
            start
            for each, modes in zip(theirs.jobs, theirs.modes, strict=True)
            for mode in modes
            for start in _starts(columns, each, mode)
        ]
        assert int(arrays.allowed.sum()) == len(starts), seed


def _starts(
    columns: tuple[stranger_bound.Prices, stranger.World], each: Data, mode: Any
) -> list[int]:
    prices, theirs = columns
    if each.get("running") is not None:
        return [0]
    _, _, blocked = stranger_bound.charges(theirs, prices, each, mode)
    return [
        start
        for start, end in enumerate(theirs.ends(mode))
        if start >= mode.first
        and end is not None
        and end <= mode.end_by
        and blocked[end] == blocked[start]
    ]


# ---- names of domains ---------------------------------------------------------------------------


def test_a_job_waits_until_its_domains_are_delivered() -> None:
    data = world(job("a", (8, 2)), count=[{"value": 1}, {"from": 1.5, "value": 2}])
    (placement,) = solved(data).placements
    assert (placement.start, placement.domains) == (2, (((0, 1),),))


def test_a_job_goes_around_maintenance() -> None:
    pool = {"maintenance": [rests(0, 1)]}
    (placement,) = solved(world(job("a", (8, 3)), count=3, pool=pool)).placements
    assert placement.start == 2
    (placement,) = solved(world(job("a", hours=4.0), count=3, pool=pool)).placements
    assert placement.domains == (((2, 2),),)


def test_a_gang_runs_in_two_pools_at_once() -> None:
    data = world(job("a", (8, 2), (5, 2, "n")), job("b", (1, 1, "n"), value_usd=1.0), count=2)
    data["pools"]["n"] = {"site": "s", "chip": "c", "count": 10}
    placements = {p.job: p for p in solved(data).placements}
    assert placements["a"].domains == (((0, 1),), ())
    assert "b" not in placements or placements["b"].start != placements["a"].start


def test_two_parts_in_one_pool_take_different_room() -> None:
    data = world(job("a", (8, 1), (4, 2)), count=2, periods=2)
    (placement,) = solved(data).placements
    assert sorted(i for part in placement.domains for i in _ids(part)) in ([0, 0, 1], [0, 1, 1])
    assert solved(world(job("a", (8, 1), (5, 2)), count=2, periods=2)).placements == ()


def _ids(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [i for first, last in ranges for i in range(first, last + 1)]


def test_a_pausing_job_ends_later_and_pays_the_restart_once() -> None:
    calls = [{"from": 1.0, "until": 2.0, "cap_mw": 0.003}]
    pauses = {"pauses_at_calls": True, "restart_usd": 1.0}
    one = job("a", mode=pauses, due=2.0, late_usd_per_hour=0.25, deadline=3.0)
    plan = solved(world(one, grid={"calls": calls}))
    assert [(p.start, p.end) for p in plan.placements] == [(0, 3)]
    assert (plan.objective.one_off, plan.objective.lateness) == (10**9, 25 * 10**7)
    assert plan.dispatch["s"]["grid"] == (10_000, 2_500, 10_000, 2_500)


def test_running_jobs_share_domains_with_those_that_come() -> None:
    part = {"pool": "p", "slice_chips": 3, "slices": 2, "domains": [[2, 2], [2, 2]]}
    data = world(
        {"id": "r", "running": {"parts": [part], "periods_left": 3}},
        job("a", (2, 1), deadline=2.0),
        job("b", (8, 2), deadline=2.0),
        count=3,
    )
    placements = {p.job: p.domains for p in solved(data).placements}
    assert placements == {
        "r": (((2, 2), (2, 2)),),
        "a": (((2, 2),),),
        "b": (((0, 1),),),
    }


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(n, marks=pytest.mark.slow) for n in range(3, 6))]
)
def test_a_crowd_of_slices_of_all_sizes_gets_ids_that_the_judges_accept(seed: int) -> None:
    """Deliveries, a pool that shrinks, spares and maintenance, and far more jobs than fit."""
    rng = np.random.default_rng(seed)
    jobs = [
        job(
            f"j{i}",
            (int(rng.choice([1, 2, 3, 4, 5, 8, 8])), int(rng.integers(1, 4))),
            hours=float(rng.integers(1, 6)),
            release=float(rng.integers(0, 12)),
            value_usd=float(rng.uniform(5, 50)),
            tenant="t",
        )
        for i in range(60)
    ]
    count: list[Data] = [{"value": 4}, {"from": 3.5, "value": 7}, {"from": 9.0, "value": 5}]
    pool = {"spares": 1, "maintenance": [rests(0, 2, start=4.0, end=6.5), rests(3, end=12.0)]}
    data = world(*jobs, count=count, pool=pool, periods=16, tenants={"t": {"quota_chips": 40}})
    plan = solved(data, rounds=3)
    assert len(plan.placements) >= 15
