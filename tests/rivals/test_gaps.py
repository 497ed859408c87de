"""Where a gap lies: the parts add up exactly, the drawing is whole, the sides hold the optimum."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from typing import Any

import brute
import judged
import numpy as np
import pytest
import tiny

from benchmarks.gaps import sides
from benchmarks.gaps.curves import Curve, growth, picture
from benchmarks.gaps.where import split, told
from benchmarks.place import Measured, compared, medians
from benchmarks.rivals.greedy import greedy
from benchmarks.rivals.run import Rival
from instances.seeded.sizes import sized
from optimizer.place.arrays import build_arrays
from optimizer.place.exact.relaxed.model import is_complete
from optimizer.place.plan import Options, PlacePlan
from optimizer.place.solve import solve

SEEDS = range(12)


@pytest.fixture(scope="module")
def plans() -> list[tuple[dict[str, Any], PlacePlan]]:
    """Plans of tiny instances, passed by both judges."""
    return [(tiny.tiny(seed), judged.solved(tiny.tiny(seed))) for seed in SEEDS]


def test_parts_of_a_gap_add_up_to_the_last_nano_dollar(plans: Any) -> None:
    for data, plan in plans:
        if plan.bound is None:
            continue
        shares = split(judged.read(data), plan)
        assert sum(s.amount for s in shares) == plan.bound - plan.objective.total
        gangs = [s for s in shares if s.what.startswith("gangs of ")]
        assert sum(s.many for s in gangs) == len(data["jobs"])
        placed = sum(s.many for s in gangs if s.what.endswith(", placed"))
        assert placed == len(plan.placements)


def test_a_gap_of_an_instance_of_size_is_told_by_size_of_gang() -> None:
    instance = sized("pools-200", 5)
    plan = solve(instance, Options(seconds=60, rounds=1, engine="search"))
    shares = split(instance, plan)
    assert plan.bound is not None
    assert sum(s.amount for s in shares) == plan.bound - plan.objective.total
    assert all(s.amount >= 0 for s in shares if not s.what.startswith("gangs"))
    text = told(shares, plan.objective.total)
    assert "gangs of 1 to 8 chips, placed" in text
    assert "supplies" in text


# ---- curves --------------------------------------------------------------------------------------


def curve(size: str, jobs: int, *at: float, seed: int = 1) -> Curve:
    """Return a curve whose gap is 20 %, 9.9 % and 4.9 % from these moments on."""
    points: list[tuple[float, float | None, float]] = [(at[0], None, 120.0)]
    points += [
        (t, 120.0 / (1 + gap), 120.0) for t, gap in zip(at, (0.2, 0.099, 0.049), strict=False)
    ]
    return Curve(size, seed, jobs, tuple(points), at[-1] + 1.0)


def test_the_drawing_is_xml_with_a_plan_and_a_bound_for_every_curve() -> None:
    curves = [curve("M", 1000, 1.0, 2.0, 3.0, seed=s) for s in range(4)]
    curves.append(Curve("L", 1, 10_000, ((1.0, None, 5.0),), 2.0))  # no plan at all
    root = ET.fromstring(picture(curves))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    lines = [e.get("class") for e in root.iter() if "line" in (e.get("class") or "")]
    assert lines.count("line s0") == lines.count("line limit") == len(curves)
    text = " ".join(e.text or "" for e in root.iter())
    assert "M, seed 3: 4.90% at 4 s" in text
    assert "L, seed 1: no gap at 2 s" in text
    assert "href" not in picture(curves)


def test_growth_is_the_power_of_time_in_jobs_at_equal_gap() -> None:
    curves = [curve("M", 1000, 1.0, 2.0, 3.0, seed=s) for s in (1, 2, 3)]
    curves += [curve("XL", 20_000, 8.0, 40.0 + s, seed=s) for s in (1, 2, 3)]  # never at 5 %
    found = {gap: (dict(times), power) for gap, times, power in growth(curves)}
    times, power = found[0.1]
    assert times == {"M": 2.0, "XL": 42.0}
    assert power == pytest.approx(math.log(21) / math.log(20))
    assert found[0.05] == ({"M": 3.0}, None)
    assert 0.04 not in found


def test_three_gaps_are_kept_apart_and_a_bad_plan_of_a_rival_does_not_count() -> None:
    instance = sized("pools-200", 5)
    plan = solve(instance, Options(seconds=60, rounds=0, engine="search"))
    row: dict[str, Any] = {"size": "M", "objective_usd": 100.0, "bound_usd": 110.0, "gap": 0.1}
    row |= dict.fromkeys(("claim_gap", "lp_gap", "greedy", "highs", "cpsat", "rebalancer"))
    row |= {"seconds": 1.0, "rss_gb": 0.5, "first_s": 1.0, "check_s": 1.0}
    found = Measured(row, curve("M", 1, 1.0), instance, None, plan)  # type: ignore[arg-type]
    rivals = [
        Rival("greedy", 1.0, "plan", 88.0),
        Rival("highs", 1.0, "plan", 99.0, 104.0),
        Rival("lp", 1.0, "no plan", None, 108.0),
        Rival("cpsat", 1.0, "plan", 109.0, 107.0, violations="power_cap: too much"),
    ]
    compared(found, rivals)
    assert row["gap"] == 0.1
    assert row["claim_gap"] == pytest.approx(0.04)
    assert row["lp_gap"] == pytest.approx(0.08)
    assert (row["greedy"], row["highs"], row["cpsat"]) == (0.8, 0.9, None)
    assert "claim_gap 0.04" in medians([row, row | {"claim_gap": None}])


# ---- sides ---------------------------------------------------------------------------------------


def test_columns_that_are_left_out_are_in_no_better_plan(plans: Any) -> None:
    seen = left_out = 0
    for data, plan in plans:
        instance, (best, placements) = judged.read(data), brute.optimum(data)
        a = build_arrays(instance)
        if best is None or (a.permit >= 0).any():
            continue
        poor = greedy(instance, math.inf).plan(0.0).model_copy(
            update={"certificate": plan.certificate}
        )  # fmt: skip
        if poor.status == "unknown" or poor.objective.total >= best:
            continue
        kept, index = (
            sides.kept_columns(instance, poor),
            {j.id: i for i, j in enumerate(instance.jobs)},
        )
        seen, left_out = seen + 1, left_out + int(a.allowed.sum()) - int(kept.sum())
        for p in placements:
            assert kept[a.job_ptr[index[p["job"]]] + p["mode"], p["start"]]
    assert seen >= 2
    assert left_out > 0


def test_nothing_worse_than_the_bound_is_kept_where_the_gap_is_closed() -> None:
    data = judged.world(judged.job("a"), judged.job("poor", value_usd=0.001), periods=2)
    plan = judged.solved(data)
    assert plan.gap == 0
    kept = sides.kept_columns(judged.read(data), plan)
    assert np.flatnonzero(kept.any(1)).tolist() == [0]


@pytest.mark.parametrize("seed", [4, 9])
def test_an_interval_holds_the_optimum(seed: int) -> None:
    data = tiny.tiny(seed)
    best, _ = brute.optimum(data)
    if best is None or not is_complete(build_arrays(judged.read(data))):
        pytest.skip("no plan, or not in the relaxed model")
    low, high = sides.interval(judged.read(data), 6.0)
    assert low <= best <= high


def test_slack_and_regret_add_up_to_the_gap_whichever_the_optimum_is() -> None:
    found = sides.sides(100, 110, 102, 105)
    assert found["slack_least"] + found["regret_most"] == pytest.approx(0.1)
    assert found["slack_most"] + found["regret_least"] == pytest.approx(0.1)
    assert found == {
        "slack_least": 0.05, "slack_most": 0.08, "regret_least": 0.02, "regret_most": 0.05,
    }  # fmt: skip
