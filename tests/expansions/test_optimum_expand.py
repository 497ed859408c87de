"""The best plan: by enumeration, by both methods, under every objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from judged_expand import every, judged, solved
from tiny_expand import base, changed, made

from instances.expansions.generate import random_expand
from optimizer.domain.files import write_instance
from optimizer.expand.arrays import Arrays
from optimizer.expand.check import check
from optimizer.expand.plan import Goal, Options
from optimizer.expand.report import report
from optimizer.expand.solve import solve
from service.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.domain.instance import Instance

GOALS: tuple[Goal, ...] = ("expected", "cvar", "worst")


def few(seed: int) -> Instance:
    """Return an instance of which every plan can be tried: a grid, a hall, racks, a contract."""
    data = base(3)
    builds = data["expand"]["builds"]
    for name in builds:
        builds[name] |= {"max_units": 2, "last": "2027-04-01", "lead_periods": 1}
    builds["racks"]["domains"] = 150
    data["expand"]["drivers"] = {"demand": {}}
    data["expand"]["demand"]["open"]["volume_driver"] = "demand"
    data["expand"]["futures"] = {
        "up": {"probability": 0.6, "drivers": {"demand": [1.0, 1.2, 1.4]}},
        "down": {
            "probability": 0.4,
            "drivers": {"demand": [1.0, 0.6, round(0.1 * (seed % 6), 1)]},
            "delays": {"hall": seed % 2},
        },
    }
    data["expand"]["contracts"] = {
        "cloud": {
            "kind": "cloud", "start": "2027-04-01", "periods": 2, "units": 500.0,
            "usd_per_unit_hour": 1.9, "penalty_usd_per_unit_hour": 0.1 * seed,
        }
    }  # fmt: skip
    data["expand"]["finance"] = {
        "cash_usd": 15e6 + 2e6 * seed, "debt_usd": 1e7, "loan_to_cost": 0.6,
        "interest_per_year": 0.2, "coverage": 1.0 + seed,
    }  # fmt: skip
    return made(data)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("seed", range(3))
def test_no_plan_that_keeps_the_rules_is_better(seed: int, goal: Goal) -> None:
    instance, options = few(seed), Options(objective=goal, weight=0.4, alpha=0.3)
    arrays = Arrays(instance.growth, instance.growth.futures)
    tried = (judged(instance, d, options) for d in every(arrays, 1, 1))
    order = sorted(tried, key=lambda plan: -plan.objective.total)
    best = next(plan for plan in order if not check(instance, plan).violations)
    found = solved(instance, objective=goal, weight=0.4, alpha=0.3)
    assert found.objective.total >= best.objective.total
    assert found.bound is not None and found.bound >= best.objective.total


def test_no_plan_is_better_where_only_operation_is_at_risk() -> None:
    data = few(0).data()
    data["expand"]["drivers"]["used"] = {}
    data["expand"]["demand"]["open"]["usd_per_unit_hour"] = 3.5
    data["expand"]["builds"]["hall"] |= {"resale_driver": "used", "fixed_usd_per_year": 50_000.0}
    data["expand"]["builds"]["racks"] |= {"resale_driver": "used", "cost_driver": "used"}
    data["expand"]["futures"]["down"]["drivers"]["used"] = [1.0, 0.8, 0.2]
    instance = made(data)
    risk: dict[str, Any] = {"objective": "cvar", "weight": 0.7, "alpha": 0.3}
    aside = Options(**risk, risk="operation")
    arrays = Arrays(instance.growth, instance.growth.futures)
    tried = [judged(instance, d, aside) for d in every(arrays, 1, 1)]
    order = sorted(tried, key=lambda plan: -plan.objective.total)
    best = next(plan for plan in order if not check(instance, plan).violations)
    plan = solved(instance, **risk, risk="operation")
    assert plan.objective.total >= best.objective.total
    assert len(set(plan.objective.capital)) == 2, "capital is not the same in both futures"
    assert not solved(instance, **risk).orders, "where all is at risk, nothing is built"
    facts = {
        fact.label: fact.value
        for fact in report(instance, plan, check(instance, plan)).sections[0].facts
    }
    earned = [v - k for v, k in zip(plan.objective.values, plan.objective.capital, strict=True)]
    assert facts["operation in its worst cases"] == earned[1] / 100
    for parts in ({"capital": (0, 0)}, {"capital": ()}, {"risk": "total"}):
        objective = plan.objective.model_copy(update=parts)
        spoiled = plan.model_copy(update={"objective": objective})
        assert {v.rule for v in check(instance, spoiled).violations} >= {"objective"}


@pytest.mark.parametrize(
    ("seed", "goal"),
    [
        *((0, "expected"), (0, "worst"), (1, "cvar"), (1, "regret")),
        *(pytest.param(0, goal, marks=pytest.mark.slow) for goal in ("cvar", "regret")),
        *(pytest.param(1, goal, marks=pytest.mark.slow) for goal in ("expected", "worst")),
        *(pytest.param(2, goal, marks=pytest.mark.slow) for goal in (*GOALS, "regret")),
    ],
)
def test_both_methods_find_the_same_optimum(seed: int, goal: Goal) -> None:
    instance = random_expand(2, 4, 2, 3, seed, is_small=True, has_covenants=seed % 2 == 1)
    found = solved(instance, objective=goal)
    assert found.bound is not None
    assert abs(found.bound - found.objective.total) <= max(10**9, abs(found.bound) / 10**6)


def test_more_money_units_or_demand_never_lower_the_optimum() -> None:
    less = few(1)
    for path, value in (
        ("expand/finance/cash_usd", 60e6),
        ("expand/builds/hall/max_units", 3),
        ("expand/demand/open/volume", 4_000.0),
    ):
        more = made(changed(less.data(), path, value))
        assert solved(more).objective.total >= solved(less).objective.total


def test_the_best_completion_has_all_of_the_named_plan_and_is_worth_no_more() -> None:
    data = few(0).data()
    order = {"build": "grid", "site": "s", "at": "2027-04-01", "units": 2}
    instance = made(changed(data, "expand/plans", {"late": {"orders": [order]}}))
    found = solved(instance, complete="late")
    assert any(o.build == "grid" and o.period == 1 and o.units >= 2 for o in found.orders)
    assert found.objective.total <= solved(instance).objective.total


def test_where_no_plan_keeps_the_rules_the_answer_says_so() -> None:
    data = changed(few(0).data(), "expand/finance/least_cash_usd", 1e9)
    plan = solve(made(data), Options())
    assert plan.status == "infeasible" and plan.bound is None


def test_where_no_plan_keeps_the_rules_the_least_money_with_which_one_does_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = changed(few(0).data(), "expand/finance/least_cash_usd", 1e9)
    out = solve(made(data), Options()).way_out
    assert out is not None and out.is_tried and out.capex_usd == 0
    cash = data["expand"]["finance"]["cash_usd"]
    enough = made(changed(data, "expand/finance/cash_usd", cash + out.cash_usd))
    plan = solve(enough, Options(gap=1.0))
    assert plan.status != "infeasible" and check(enough, plan).is_good
    less = made(changed(data, "expand/finance/cash_usd", cash + 0.98 * out.cash_usd))
    assert solve(less, Options()).status == "infeasible"
    write_instance(made(data), tmp_path / "i.json")
    assert main(["expand", str(tmp_path / "i.json"), "--out", str(tmp_path / "o")]) == 3
    said = capsys.readouterr().out
    assert "Cannot be kept, whatever else gives way: " in said and "more cash at the start" in said


def test_a_plan_that_a_budget_forbids_to_complete_is_named_with_the_budget() -> None:
    data = base()
    step = {"build": "hall", "site": "s", "at": "2027-01-01", "units": 1}
    data["expand"]["plans"] = {"p": {"orders": [step]}}
    data["expand"]["finance"] = {"cash_usd": 1e9, "capex_usd": 2e6}
    plan = solve(made(data), Options(complete="p"))
    assert plan.status == "infeasible" and plan.conflict == ("capex_budget", "complete")
    assert plan.way_out is not None and plan.way_out.is_tried
    assert plan.way_out.capex_usd == pytest.approx(3e6, rel=1e-3)  # the hall costs 5


def test_a_plan_on_drawn_futures_is_checked_on_the_same_ones() -> None:
    data = few(0).data()
    data["expand"]["drivers"]["demand"] = {"low": 0.3, "high": 1.5}
    instance = made(data)
    plan = solved(instance, draw=20, seed=5)
    assert plan.drawn == 20 and len(plan.objective.values) == 20
    other = plan.model_copy(update={"seed": 6})
    assert {v.rule for v in check(instance, other).violations} >= {"objective"}
