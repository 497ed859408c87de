"""What a plan says of its goal: spoiled figures, bounds and proofs are found by both judges."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import by_force
import judged
import numpy as np
import pytest
from judged import job, read, world

from optimizer.errors import Unsupported
from optimizer.place.measure.figures import claims, shares
from optimizer.place.plan import Options
from optimizer.place.solve import solve
from optimizer.questions import PLACE
from service.cli.main import main
from service.render.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

Data = dict[str, Any]


def two_tenants(**more: Any) -> Data:
    """Return jobs of two tenants and of none, on one domain for four hours."""
    jobs = [
        job("a1", tenant="a", value_usd=10.0),
        job("a2", tenant="a", value_usd=30.0),
        job("b1", tenant="b", value_usd=200.0),
        job("c1", value_usd=500.0),
    ]
    return world(*jobs, tenants={"a": {}, "b": {}, "idle": {}}, **more)


@cache
def file_of(objective: str) -> tuple[str, Data]:
    """Return an instance and the plan file of its solve for a goal, which both judges passed."""
    data = two_tenants(periods=8 if objective != "fair" else 4)
    return json.dumps(data), judged.as_data(judged.solved(data, objective=objective, rounds=4))


def spoiled(objective: str, **goal: Any) -> tuple[set[str], set[str]]:
    """Return what both judges find in a good plan of which the goal is changed."""
    text, plan = file_of(objective)
    data, bad = json.loads(text), copy.deepcopy(plan)
    bad["goal"] |= goal
    return judged.wrong(data, bad), judged.strange(data, bad)


def test_good_plans_are_good() -> None:
    for objective in ("cost", "makespan", "fair"):
        assert spoiled(objective) == (set(), set())


@pytest.mark.parametrize(
    ("objective", "change"),
    [
        ("cost", {"cost": 1}),
        ("cost", {"bound": 1}),
        ("cost", {"gap": 0.5}),
        ("makespan", {"periods": 9}),
        ("makespan", {"gap": 0.25}),
        ("fair", {"share": 1}),
        ("fair", {"bound": 7}),
        ("fair", {"total_bound": 7}),
        ("fair", {"weights": {"a": 1, "b": 900_000}}),
        ("fair", {"weights": {"a": 0, "b": 0}}),
        ("fair", {"weights": {"idle": 1}}),
        ("fair", {"bonuses": {"a": 123_456_789}}),
        ("fair", {"bonuses": {"nobody": 1}}),
    ],
)
def test_a_spoiled_goal_is_found(objective: str, change: Data) -> None:
    ours, theirs = spoiled(objective, **change)
    assert "goal" in ours
    assert "goal" in theirs


def test_a_bound_on_the_end_needs_its_proof() -> None:
    _, plan = file_of("makespan")
    least = plan["goal"]["bound"]
    assert least > 2, "four jobs of two hours on one domain"
    changes: list[Data] = [{"certificate": {}}, {"bound": least + 1}]
    for change in changes:
        ours, theirs = spoiled("makespan", **change)
        assert "goal" in ours
        assert "goal" in theirs
    ours, theirs = spoiled("makespan", bound=2, certificate={}, gap=(8 - 2) / 8)
    assert ours == theirs == {"status"}, "every job takes two hours: true, but not optimal"


def test_a_job_left_out_breaks_one_placement() -> None:
    for objective in ("cost", "makespan"):
        text, plan = file_of(objective)
        data, bad = json.loads(text), copy.deepcopy(plan)
        del bad["placements"][0]
        bad = judged.claimed(data, bad)
        assert "one_placement" in judged.wrong(data, bad)
        assert "one_placement" in judged.strange(data, bad)


def test_shares_by_hand() -> None:
    data = two_tenants()
    data["tenants"]["b"]["weight"] = 2.0
    instance = read(data)
    assert set(claims(instance)) == {"a", "b"}, "a tenant without jobs does not count"
    # a is entitled to half of what b is: a quarter of its value is half of its share
    assert shares(instance, {"a1", "b1"}) == {"a": 500_000_000, "b": 1_000_000_000}
    assert shares(instance, {"c1"}) == {"a": 0, "b": 0}
    need = claims(instance)["a"].need(500_000_001)
    assert need == 10 * 10**9 + 20, "a part per billion more of half of 40 USD, rounded up"


def test_the_fairest_plan_by_hand() -> None:
    """Two of four jobs fit: a2 and b1 are fair, c1 and b1 are worth more."""
    plan = judged.solved(two_tenants(), objective="fair", rounds=4)
    assert {p.job for p in plan.placements} == {"a2", "b1"}
    assert plan.goal is not None
    assert plan.goal.model_dump()["share"] == 750_000_000


def test_the_earliest_end_by_hand() -> None:
    plan = judged.solved(two_tenants(periods=12), objective="makespan", rounds=4)
    assert plan.status == "optimal"
    assert plan.goal is not None
    assert (plan.goal.model_dump()["periods"], plan.goal.model_dump()["bound"]) == (8, 8)


def test_what_cannot_all_be_placed_is_proven() -> None:
    for objective in ("cost", "makespan"):
        plan = judged.solved(two_tenants(), objective=objective, rounds=2)
        assert plan.status == "infeasible"
        assert plan.conflict is not None


def test_shares_without_tenants_are_refused() -> None:
    with pytest.raises(Unsupported, match="no job of a tenant has a value"):
        solve(read(world(job("a"))), Options(objective="fair"))


# ---- report -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        ("cost", "Lateness, one-off costs and energy come to USD"),
        ("makespan", "No plan that places every job ends before 2026-03-01 08:00 UTC (8 h"),
        ("fair", "The least share of a tenant is 75.0 %, that of a."),
    ],
)
def test_the_report_says_what_was_asked_reached_and_proven(objective: str, sentence: str) -> None:
    text, plan = file_of(objective)
    said = " ".join(terminal(PLACE.report(read(json.loads(text)), judged.as_plan(plan))).split())
    assert sentence in said
    assert "The same plan by other measures" in said
    for measure in ("value less costs", "cost", "last end", "least share"):
        assert f" {measure} " in said.split("by other measures")[1]


def test_the_report_says_that_not_all_can_be_placed() -> None:
    data = two_tenants()
    plan = judged.solved(data, objective="cost", rounds=2)
    said = " ".join(terminal(PLACE.report(read(data), plan)).split())
    assert "It is proven that not every job can be placed; 2 jobs of 4 are missing here." in said


def test_the_command_line_knows_every_objective(tmp_path: Path) -> None:
    instance = tmp_path / "two.json"
    instance.write_text(json.dumps(two_tenants(periods=12)))
    for objective in ("value", "cost", "makespan", "fair"):
        given = ["--objective", objective, "--rounds", "1", "--out", str(tmp_path / objective)]
        assert main(["place", str(instance), *given]) == 0
        plan = json.loads((tmp_path / objective / "plan.json").read_text())
        assert (plan["goal"] or {"objective": "value"})["objective"] == objective
        assert main(["check", str(instance), str(tmp_path / objective / "plan.json")]) == 0


# ---- properties ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_doubled_weights_change_nothing(seed: int) -> None:
    data = by_force.roomy(seed)
    twice = copy.deepcopy(data)
    for tenant in twice["tenants"].values():
        tenant["weight"] = 2 * tenant.get("weight", 1.0)
    rng = np.random.default_rng(seed)
    names = [each["id"] for each in data["jobs"] if rng.random() < 0.6]
    assert shares(read(data), names) == shares(read(twice), names)
    assert by_force.fairest(data) == by_force.fairest(twice)


@pytest.mark.parametrize("seed", range(8))
def test_more_power_never_lowers_the_least_share(seed: int) -> None:
    rng, least = np.random.default_rng(seed), []
    jobs = [
        job(f"j{i}", tenant="ab"[i % 2], value_usd=float(rng.integers(5, 50))) for i in range(7)
    ]
    for kw in (15, 25, 35, 45):  # 10 kW a gang at the meter, and 7.5 kW of idle chips less
        data = world(*jobs, tenants={"a": {}, "b": {}}, count=3, grid={"cap_mw": kw / 1000})
        found = by_force.fairest(data)
        assert found is not None
        least.append(found[0])
    assert least == sorted(least)
    assert least[-1] > least[0]
