"""The shipped expansions, the commands and the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from shipped import numbers, prefixes, text_of

from instances.catalog import entry, load, names
from instances.expansions.build import build_expand, expand_recipes
from optimizer.domain.files import write_instance
from optimizer.expand.account.tables import capacity_chart, capacity_table
from optimizer.expand.answer import arrays_of
from optimizer.expand.check import check
from optimizer.expand.evaluate import decision_of
from optimizer.expand.plan import Options
from optimizer.expand.rules.case import Case
from optimizer.expand.solve import solve
from optimizer.expand.studies.named import valued
from optimizer.expand.studies.weigh import quantile, tail, weighed
from optimizer.questions import QUESTIONS
from optimizer.units import usd
from service.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

NAMES = names("expand")

LONG = {"demand-crunch", "lake-mariner-abernathy", "miners-portfolio", "nscale-300k"}
"""Whose named plans take the judge some seconds."""
CHECKED = [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in NAMES]


def test_the_catalog_has_every_recipe_of_an_expansion() -> None:
    assert set(NAMES) == set(expand_recipes())


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_an_expansion_has_a_source(name: str) -> None:
    data = json.loads(text_of(name))
    sources = data.pop("sources")
    assert [p for p in numbers(data) if not any(q in sources for q in prefixes(p))] == []
    covered = {q for p in numbers(load(name).model_dump(mode="json")) for q in prefixes(p)}
    assert set(sources) <= covered
    for pointer, source in sources.items():
        assert source["source"].startswith("assumed") == (source["kind"] == "assumed"), pointer


@pytest.mark.parametrize("name", NAMES)
def test_rebuilding_an_expansion_gives_the_same_file(name: str, tmp_path: Path) -> None:
    write_instance(build_expand(name), tmp_path / "i.json")
    assert (tmp_path / "i.json").read_text(encoding="utf-8") == text_of(name)
    assert entry(name).hash == load(name).hash


@pytest.mark.parametrize("name", CHECKED)
def test_every_named_plan_keeps_the_rules(name: str) -> None:
    instance = load(name)
    assert instance.expand is not None and 3 <= len(instance.expand.plans) <= 6
    for plan in instance.expand.plans:
        assert not check(instance, valued(instance, plan)).violations, plan


def test_the_table_of_power_says_what_the_chart_shows_within_permits() -> None:
    instance = load("memphis-colossus2")
    assert instance.expand is not None
    cut = 0
    for name in instance.expand.plans:
        case = Case(instance, valued(instance, name))
        chart = capacity_chart(case)
        tops = np.sum([np.array(s.values, float) for s in chart.series if not s.is_limit], 0)
        label = [case.growth.calendar.label(t) for t in range(case.growth.periods)]
        for period, power, *_ in capacity_table(case).rows:
            t = label.index(str(period))
            assert power == pytest.approx(tops[t])
            stands = sum(
                case.watts(j, case.as_planned, t, 0) for j in range(len(case.growth.sources))
            )
            cut += stands / 1e6 > float(tops[t]) + 1
    assert cut


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_named_plan_keeps_the_rules_on_drawn_futures(name: str) -> None:
    instance = load(name)
    assert instance.expand is not None
    for plan in instance.expand.plans:
        assert not check(instance, valued(instance, plan, Options(draw=100, seed=1))).violations, (
            plan
        )


@pytest.mark.parametrize("name", NAMES)
def test_no_named_plan_contradicts_the_golden_incumbent_and_bound(name: str) -> None:
    instance, golden = load(name), entry(name)
    best, bound = golden.best_incumbent.value_usd, golden.best_bound.value_usd
    assert best is not None and bound is not None
    assert best <= bound <= best * 1.005
    assert instance.expand is not None
    for plan in instance.expand.plans:
        assert valued(instance, plan).objective.expected / 100 <= best, plan


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_solve_contradicts_the_golden_incumbent_and_bound(name: str) -> None:
    instance, golden = load(name), entry(name)
    best, bound = golden.best_incumbent.value_usd, golden.best_bound.value_usd
    plan = solve(instance, Options(gap=5e-3, seconds=240))
    assert not check(instance, plan).violations
    assert plan.gap is not None and plan.gap <= 5e-3
    assert best is not None and bound is not None and plan.bound is not None
    assert usd(plan.bound) >= best * (1 - 1e-9)
    assert usd(plan.objective.total) <= bound * (1 + 1e-9)


def test_the_best_plan_of_the_uk_is_worth_more_than_the_named_ones() -> None:
    instance = load("nscale-uk")
    found = solve(instance, Options(gap=0.02))
    assert not check(instance, found).violations
    assert found.gap is not None and found.gap <= 0.02
    assert instance.expand is not None
    named = [valued(instance, name).objective.expected for name in instance.expand.plans]
    assert found.objective.expected >= max(named)


def test_figures_of_a_comparison_are_those_of_the_judge() -> None:
    instance = load("nscale-uk")
    arrays = arrays_of(instance, Options())
    plan = valued(instance, "both")
    both = decision_of(arrays, plan.orders, plan.retirements, plan.contracts)
    (found,) = weighed(arrays, {"both": both})
    verdict = check(instance, plan)
    assert verdict.objective is not None
    assert tail(found.values, arrays.odds, 0.1) * 100 == pytest.approx(
        verdict.objective.tail, abs=1
    )
    assert found.values.min() * 100 == pytest.approx(verdict.objective.worst, abs=1)
    assert 0 < found.unserved < 1 and found.mwh > 0 and found.tonnes > 0


def test_quantiles_and_tails_by_hand() -> None:
    values, odds = np.array([3.0, 1.0, 2.0]), np.array([0.5, 0.2, 0.3])
    assert [quantile(values, odds, x) for x in (0.1, 0.2, 0.21, 0.5, 0.51)] == [1, 1, 2, 2, 3]
    assert tail(values, odds, 0.2) == 1.0
    assert tail(values, odds, 0.4) == pytest.approx(1.5)
    assert tail(values, odds, 1.0) == pytest.approx(odds @ values)


def test_the_commands_value_compare_and_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert main(["expand", "nscale-uk", "--plan", "both", "--out", str(out)]) == 0
    assert "expected NPV" in capsys.readouterr().out
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")
    plan = str(out / "plan.json")
    assert main(["check", "nscale-uk", plan]) == 0
    assert main(["compare", "nscale-uk", plan, "stay-at-50", "--draw", "50"]) == 0
    said = capsys.readouterr().out
    assert "50 futures drawn with seed 0" in said and "stay-at-50 against plan" in said
    assert main(["compare", "nscale-uk"]) == 0
    assert "Least to be regretted" in capsys.readouterr().out
    assert main(["expand", "nscale-uk", "--plan", "none"]) == 2
    assert "known: stay-at-50, grid-and-wait" in capsys.readouterr().err
    assert main(["expand", "loughton-mix"]) == 2
    assert main(["schema", "expand-plan"]) == 0


def test_the_door_of_the_question_opens() -> None:
    expand = QUESTIONS["expand"]
    assert [d for d in ("solve", "check", "report") if expand.can(d)] == [
        "solve",
        "check",
        "report",
    ]
