"""The share of a group at one site: optima, bounds, reasons, input, feasibility image."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any

import brute
import judged
import pytest
import stranger
import tiny_fleet
from judged import job, placed, read
from stranger_feasible import proves_no_plan

from optimizer.errors import InstanceError
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.exact.oracle import oracle_solve
from optimizer.place.exact.solve import exact_solve
from optimizer.place.explain import explain, verify
from optimizer.place.goal import feasibility_image
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.report import report
from optimizer.place.verify.readmit import Readmitter

if TYPE_CHECKING:
    from collections.abc import Sequence

Data = dict[str, Any]

SEEDS = range(40)
QUICK = tuple(seed for seed in range(20) if seed not in (7, 13))
"""Seeds that brute force is through with in well under a second."""
BLOCKS = [QUICK[:9], QUICK[9:], pytest.param(SEEDS, marks=pytest.mark.slow)]


@cache
def optimum(seed: int) -> int | None:
    """Return the optimum of a tiny instance by brute force [nano-USD], or None."""
    return brute.optimum(tiny_fleet.spread(seed))[0]


@cache
def engine(seed: int) -> PlacePlan:
    """Return the engine's plan of a tiny instance, checked."""
    return judged.solved(tiny_fleet.spread(seed))


def test_the_limit_binds_in_a_third_of_the_tiny_instances() -> None:
    free = {}
    for seed in QUICK:
        data = tiny_fleet.spread(seed)
        data["spreads"] = {name: {"share": 1.0} for name in data["spreads"]}
        free[seed] = brute.optimum(data)[0]
    possible = [seed for seed in QUICK if free[seed] is not None]
    assert sum(free[seed] != optimum(seed) for seed in possible) >= len(possible) / 3


@pytest.mark.parametrize("seeds", BLOCKS)
def test_brute_force_plans_pass_both_judges(seeds: Sequence[int]) -> None:
    for seed in seeds:
        judged.brute_is_good(tiny_fleet.spread(seed))


@pytest.mark.parametrize(
    ("seeds", "most"), [(QUICK[:9], 1), pytest.param(SEEDS, 2, marks=pytest.mark.slow)]
)
def test_the_search_finds_most_optima_and_its_bounds_hold(seeds: Sequence[int], most: int) -> None:
    possible = [seed for seed in seeds if optimum(seed) is not None]
    missed = []
    for seed in possible:
        best, plan = optimum(seed), engine(seed)
        assert best is not None
        assert plan.bound is not None
        assert plan.objective.total <= best <= plan.bound, seed
        missed += [seed] * (plan.objective.total < best)
    assert len(missed) <= most, missed


@pytest.mark.parametrize("seeds", BLOCKS)
def test_random_prices_bound_the_optimum_and_both_judges_agree(seeds: Sequence[int]) -> None:
    for seed in seeds:
        judged.prices_bound(tiny_fleet.spread(seed), optimum(seed), seed, "power", "spread")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_cp_sat_finds_the_optimum_of_brute_force(seed: int) -> None:
    data = tiny_fleet.spread(seed)
    plan = exact_solve(read(data), Options(seconds=120))
    judged.passes(data, plan)
    if optimum(seed) is None:
        assert plan.status in (Status.UNKNOWN, Status.INFEASIBLE)
    else:
        assert plan.objective.total == optimum(seed)


@pytest.mark.parametrize("seed", (1, 4, 9, 11))
def test_the_oracle_finds_the_optimum_of_brute_force(seed: int) -> None:
    data, best = tiny_fleet.spread(seed), optimum(seed)
    plan = oracle_solve(read(data), Options(seconds=60))
    judged.passes(data, plan)
    assert best is not None
    assert abs(best - plan.objective.total) <= 2e-6 * abs(best) + 1  # an engine in floating point


def test_a_larger_share_never_lowers_the_optimum() -> None:
    for seed in QUICK[::2]:
        data, before = tiny_fleet.spread(seed), optimum(seed)
        for name in data["spreads"]:
            wider = copy.deepcopy(data)
            wider["spreads"][name]["share"] = min(1.0, data["spreads"][name]["share"] * 1.5)
            after = brute.optimum(wider)[0]
            assert before is None or (after is not None and after >= before), (seed, name)


# ---- reasons ------------------------------------------------------------------------------------


def full_site() -> Data:
    """Return two sites; the second has no power, so all three jobs of a group want the first."""
    jobs = [job(f"j{i}", group="g", value_usd=100.0 + i) for i in range(3)]
    data = judged.two_sites(*jobs, count=3, spreads={"g": {"share": 0.67}})
    data["sites"]["z"]["supplies"]["grid"]["cap_mw"] = 0.05
    return data


def test_a_job_kept_out_by_the_spread_alone_is_told_so_and_what_share_would_do() -> None:
    data = full_site()
    instance, plan = read(data), judged.solved(data)
    (reason,) = explain(instance, plan)
    assert (reason.job, reason.kind) in {("j0", "no_room"), ("j0", "priced_out")}
    said = reason.text if reason.kind == "no_room" else str(reason.split)
    assert "spread of group g at s" in said or "spread g at s" in said
    sections = report(instance, plan, check(instance, plan)).sections
    (table,) = [t for s in sections for t in s.tables if t.title.startswith("Quotas")]
    assert ("spread of group g at s", 2, "jobs") in {row[:3] for row in table.rows}


def test_a_larger_share_is_a_fix_that_a_new_solve_confirms() -> None:
    data = full_site()
    instance = read(data)
    plan = judged.as_plan(judged.by_hand(data, placed("j1", 0, 2, [0]), placed("j2", 0, 2, [1])))
    (reason,) = explain(instance, plan)
    assert (reason.kind, reason.rules) == ("no_room", ("spread g at s",))
    fix = next(f for f in reason.fixes if f.kind == "capacity")
    assert fix.text == "a share of 100 % of group g at one site (3 jobs at s)"
    (tried,) = verify(instance, plan, (reason,), Readmitter(instance, plan))
    assert ("capacity", "verified") in {(f.kind, f.state) for f in tried.fixes}


def test_a_spread_that_running_jobs_fill_excludes_by_rule() -> None:
    running = {"parts": [{"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}]}
    held = {"id": "r", "value_usd": 1.0, "group": "g", "running": running | {"periods_left": 2}}
    data = judged.world(held, job("a", group="g"), count=2, spreads={"g": {"share": 0.5}})
    plan = judged.solved(data)
    assert [p.job for p in plan.placements] == ["r"]
    (reason,) = explain(read(data), plan)
    assert (reason.kind, reason.rules) == ("rule", ("spread g at s",))


# ---- input and image ----------------------------------------------------------------------------


def test_bad_spreads_are_refused_with_their_place() -> None:
    good = judged.world(job("a", group="g"), job("b", group="g"), spreads={"g": {"share": 0.5}})
    read(good)
    unknown = copy.deepcopy(good)
    unknown["jobs"][0]["group"] = "x"
    few = copy.deepcopy(good)
    few["spreads"]["g"]["of_jobs"] = 1
    more = copy.deepcopy(good)
    more["spreads"]["g"]["share"] = 1.5
    for data, said in (
        (unknown, "jobs[0] 'a'.group: 'x' is not a spread; known spreads: g"),
        (few, "spreads['g'].of_jobs: must not be below the jobs of the group, got 1; it has 2"),
        (more, "spreads['g'].share: must be less than or equal to 1, got 1.5"),
    ):
        with pytest.raises(InstanceError) as caught:
            read(data)
        assert said in str(caught.value)


def test_running_jobs_beyond_their_share_are_refused() -> None:
    parts = [{"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[i, i]]} for i in range(2)]
    both = [
        {"id": f"r{i}", "group": "g", "running": {"parts": [part], "periods_left": 1}}
        for i, part in enumerate(parts)
    ]
    read(judged.world(*both, count=2, spreads={"g": {"share": 1.0}}))
    with pytest.raises(InstanceError, match="1 of its jobs"):
        read(judged.world(*both, count=2, spreads={"g": {"share": 0.5}}))


def test_the_image_keeps_the_limit_of_the_instance() -> None:
    musts = [job(f"m{i}", group="g", must=True) for i in range(2)]
    others = [job(f"o{i}", group="g") for i in range(2)]
    data = judged.world(*musts, *others, count=4, spreads={"g": {"share": 0.5}, "h": {"share": 1}})
    image = feasibility_image(read(data))
    assert image.most_at_a_site == {"g": 2}
    assert len(judged.solved(data).placements) == 2


@pytest.mark.parametrize(
    "certificate",
    [
        {"spread": {"x": {"s": 0}}},
        {"spread": {"g": {"x": 0}}},
        {"spread": {"g": {"s": 1}, "h": {}}},
    ],
)
def test_a_price_of_a_spread_that_does_not_exist_is_void(certificate: Data) -> None:
    data = judged.world(job("a", group="g"), spreads={"g": {"share": 1.0}})
    plan = judged.by_hand(data, placed("a", 0, 2), certificate=certificate)
    assert judged.wrong(data, plan) == {"certificate"}
    assert stranger.bound(data, certificate) is None


def test_prices_of_a_spread_prove_that_there_is_no_plan() -> None:
    """Three must jobs, one site they can use, two of them at most."""
    musts = [job(f"m{i}", group="g", must=True) for i in range(3)]
    data = judged.world(*musts, job("o"), count=4, spreads={"g": {"share": 0.67}})
    prices = {"spread": {"g": {"s": 1}}}
    assert upper_bound(feasibility_image(read(data)), judged.certificate_of(prices)).total == -1
    assert proves_no_plan(data, prices)
    assert brute.optimum(data)[0] is None
