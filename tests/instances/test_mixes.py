"""The shipped mixes: numbers have sources, rebuilding is exact, answers are checked and proven."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from judged_mix import passes
from shipped import numbers, prefixes, text_of

from instances.build_mix import build_mix, mix_recipes
from instances.catalog import entry, load, names
from instances.seeded.mix import random_mix
from optimizer.domain.files import write_instance
from optimizer.mix.plan import MixPlan, Options
from optimizer.mix.solve import solve
from optimizer.units import usd

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("loughton-mix", "loughton-mix-90", "million-chips", "new-york-tpu-or-gpu", "rainier-mix")


def answer(name: str, **options: Any) -> MixPlan:
    """Return the plan of a shipped mix, after both judges have passed it."""
    plan = solve(load(name), Options(**options))
    passes(json.loads(text_of(name)), plan)
    return plan


def chips(plan: MixPlan) -> set[str]:
    """Return the offers that a plan takes."""
    return {holding.offer for holding in plan.fleet}


def test_the_catalog_has_every_recipe_of_a_mix() -> None:
    assert set(NAMES) == set(names("mix")) == set(mix_recipes())


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_mix_has_a_source(name: str) -> None:
    data = json.loads(text_of(name))
    sources = data.pop("sources")
    every = list(numbers(data))
    assert [p for p in every if not any(q in sources for q in prefixes(p))] == []
    covered = {q for p in numbers(load(name).model_dump(mode="json")) for q in prefixes(p)}
    assert set(sources) <= covered
    for pointer, source in sources.items():
        assert source["source"].startswith("assumed") == (source["kind"] == "assumed"), pointer


@pytest.mark.parametrize("name", NAMES)
def test_rebuilding_a_mix_gives_the_same_file(name: str, tmp_path: Path) -> None:
    write_instance(build_mix(name), tmp_path / "i.json")
    assert (tmp_path / "i.json").read_text(encoding="utf-8") == text_of(name)
    assert entry(name).hash == load(name).hash


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sold_elsewhere_is_said_to_be_hypothetical(name: str) -> None:
    mix = load(name).mix
    assert mix is not None
    for key, offer in mix.offers.items():
        assert offer.is_hypothetical == ("hypothetical" in offer.name), key


@pytest.mark.parametrize("goal", ["cost", "profit", "work"])
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_mix_is_proven_to_a_thousandth(name: str, goal: str) -> None:
    plan = answer(name, objective=goal)
    assert plan.gap is not None and plan.gap <= 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_no_mix_contradicts_the_golden_incumbent_and_bound(name: str) -> None:
    plan, golden = answer(name), entry(name)
    best, bound = golden.best_incumbent.value_usd, golden.best_bound.value_usd
    assert best is not None and bound is not None and plan.bound is not None
    assert bound <= best <= bound * (1 + 1e-7)
    assert usd(plan.bound) <= best * (1 + 1e-12)
    assert usd(plan.objective.total) >= bound
    assert usd(plan.objective.total) <= best * (1 + 1e-4)


def test_new_york_takes_both_chips_and_air_keeps_liquid_out() -> None:
    assert chips(answer("new-york-tpu-or-gpu")) == {"gb300-buy", "tpu-v7-hosted"}
    assert chips(answer("rainier-mix")) <= {"h200-buy", "trn3-gen1-own"}


def test_the_seeded_generator_repeats_itself() -> None:
    assert random_mix(3, 5, 2, seed=4).hash == random_mix(3, 5, 2, seed=4).hash
    assert random_mix(3, 5, 2, seed=4).hash != random_mix(3, 5, 2, seed=5).hash


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_large_random_mix_is_solved_and_checked(seed: int) -> None:
    instance = random_mix(8, 40, 5, seed=seed)
    plan = solve(instance, Options())
    passes(instance.data(), plan)
    assert plan.gap is not None and plan.gap <= 5e-3
