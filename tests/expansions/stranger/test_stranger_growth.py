"""A stranger who has read MODEL section 8, and nothing else, finds what the checker finds."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib.resources import files
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from judged_expand import judged
from stranger_growth import Said, told, verify

from instances.catalog import entry, load, names
from optimizer.domain.files import parse_instance
from optimizer.expand.answer import arrays_of
from optimizer.expand.arrays import Decision
from optimizer.expand.check import check
from optimizer.expand.plan import ExpandPlan, NodeSteps, Options, Rule, Step
from optimizer.expand.rules.case import Case
from optimizer.expand.rules.flows import CENT, ledger
from optimizer.expand.rules.money import Books
from optimizer.expand.solve import solve
from optimizer.expand.studies.named import valued

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.expand.arrays import Arrays
    from optimizer.expand.plan import Goal

Data = dict[str, Any]

EVERYTHING = (Path(__file__).parent / "everything.json").read_text(encoding="utf-8")
"""A small expansion with a use of every field that section 8 speaks of."""


def agree(instance: Instance, data: Data, plan: ExpandPlan) -> Said:
    """Assert that both judges find the same in a plan: values, flows, debt and rules."""
    said = verify(data, json.loads(plan.model_dump_json()))
    verdict = check(instance, plan)
    assert {v.rule for v in verdict.violations} - {"objective"} == said.broken
    if verdict.objective is None:
        assert said.broken >= {"lead_time"}
        return said
    if "retirement" in said.broken:
        return said  # units that are not there have no flows
    found = verdict.objective
    assert list(found.values) == said.values == list(plan.objective.values)
    assert (found.expected, found.tail, found.worst) == (said.expected, said.tail, said.worst)
    assert found.total == said.total * CENT
    case = Case(instance, plan)
    books = [ledger(case.along(future), future) for future in case.futures]
    odds = [Fraction(f.ppb, 10**9 * CENT) for f in case.futures]
    for t, flow in enumerate(said.flow):
        assert floor(sum(p * b.total(t) for p, b in zip(odds, books, strict=True))) == flow
    if case.growth.finance is not None:
        kept = Books.of(case, books)
        assert (kept.debt, kept.running, kept.capex) == (said.debt, said.operating, said.capex)
    return said


def shipped(name: str) -> tuple[Instance, Data]:
    """Return an instance of the catalog, and its file."""
    path = files("instances").joinpath(*entry(name).path.split("/"))
    return load(name), json.loads(path.read_text(encoding="utf-8"))


def random_decision(arrays: Arrays, seed: int) -> Decision:
    """Return orders, retirements and contracts by chance, at all nodes; many break a rule."""
    rng = np.random.default_rng(seed)

    def some(since: int, many: float) -> Decision:
        found = Decision(signed=frozenset({2} if since == 0 else ()))
        for p in range(len(arrays.places)):
            build = arrays.build(p)
            for t in range(max(since, build.first), build.last + 1):
                if rng.random() < many:
                    found.orders[p, t] = float(rng.integers(1, 3))
            came = [t + build.lead + 2 for q, t in found.orders if q == p]
            if build.may_retire and came and min(came) < arrays.T and rng.random() < 0.8:
                found.retired[p, int(rng.integers(min(came) - 1, arrays.T))] = 1.0
        if rng.random() < 0.2:
            found.signed |= {int(rng.integers(2))}
        return found

    whole = some(0, rng.choice([0.03, 0.08, 0.2]))
    if seed % 3:
        nodes = {n: since for f in arrays.futures for since, n in f.nodes}
        early = 1 if seed % 7 == 0 else 0
        whole.nodes = {n: some(max(0, at - early), 0.05) for n, at in nodes.items() if n}
    return whole


@pytest.mark.parametrize("seed", range(24))
def test_a_stranger_finds_what_the_checker_finds_in_random_plans(seed: int) -> None:
    instance, data = parse_instance(EVERYTHING), json.loads(EVERYTHING)
    goals: tuple[Goal, ...] = ("expected", "cvar", "worst")
    options = Options(
        objective=goals[seed % 3],
        weight=0.3,
        alpha=0.35,
        risk="operation" if seed % 6 == 1 else "total",
        draw=5 * (seed % 4 == 0),
        seed=seed,
    )
    arrays = arrays_of(instance, options)
    agree(instance, data, judged(instance, random_decision(arrays, seed), options))


def test_random_plans_break_every_rule_and_none() -> None:
    """What the test above rests on: the two agree on breaches, of which there are all kinds."""
    instance, data = parse_instance(EVERYTHING), json.loads(EVERYTHING)
    arrays = arrays_of(instance, Options())
    plans = [judged(instance, random_decision(arrays, s)) for s in range(24) if s % 4]
    found = [verify(data, json.loads(plan.model_dump_json())).broken for plan in plans]
    assert set().union(*found) == {str(r) for r in Rule} - {"lead_time", "storage"}
    assert any(not rules for rules in found)


def test_spoiled_steps_and_contracts_are_found_by_both() -> None:
    instance, data = parse_instance(EVERYTHING), json.loads(EVERYTHING)
    plan = judged(instance, Decision(signed=frozenset({2})))
    step = Step(build="grid", site="s", period=0, units=1)
    spoiled: list[tuple[dict[str, Any], set[str]]] = [
        ({"orders": (step,)}, set()),
        ({"orders": (step.model_copy(update={"period": 5}),)}, {"lead_time"}),
        ({"orders": (step.model_copy(update={"site": "l"}),)}, {"lead_time"}),
        ({"contracts": ()}, {"contract"}),
        ({"contracts": ("second", "cloud", "cloud")}, {"contract"}),
        ({"retirements": (step,)}, {"retirement"}),
        ({"nodes": (NodeSteps(node="nobody knows"),)}, {"nonanticipativity"}),
    ]
    for change, rules in spoiled:
        other = plan.model_copy(update=change)
        said = verify(data, json.loads(other.model_dump_json()))
        found = {v.rule for v in check(instance, other).violations} - {"objective"}
        assert found == said.broken, change
        assert rules <= said.broken, change


@pytest.mark.parametrize("seed", range(6))
def test_what_batteries_do_is_judged_alike_by_both(seed: int) -> None:
    instance, data = parse_instance(EVERYTHING), json.loads(EVERYTHING)
    arrays, rng = arrays_of(instance, Options()), np.random.default_rng(seed)
    orders = {(p, 1): 1.0 for p in range(len(arrays.places))
              if arrays.build(p).name in ("battery", "hall", "wire", "racks")}  # fmt: skip
    plan = judged(instance, Decision(orders=orders, signed=frozenset({1, 2})))
    assert plan.cycles and "storage" not in agree(instance, data, plan).broken
    at = int(rng.integers(len(plan.cycles)))
    one = plan.cycles[at]
    for change in (
        {"charge_w": tuple(x + int(rng.integers(3)) for x in one.charge_w)},
        {"charge_w": tuple(max(0, x - 1) for x in one.charge_w)},
        {"discharge_w": tuple(x + 1 for x in one.discharge_w)},
        {"discharge_w": tuple(x // 2 for x in one.discharge_w)},
        {"period": 5},
        {"build": "grid"},
    ):
        cycles = [*plan.cycles]
        cycles[at] = one.model_copy(update=change)
        other = plan.model_copy(update={"cycles": tuple(cycles)})
        said, verdict = verify(data, json.loads(other.model_dump_json())), check(instance, other)
        assert {v.rule for v in verdict.violations} - {"objective"} == said.broken, change
        assert verdict.objective is not None and list(verdict.objective.values) == said.values


def test_a_stranger_values_the_named_plans_of_a_campus() -> None:
    every_named_plan("rainier-steps")


@pytest.mark.slow
@pytest.mark.parametrize("name", names("expand"))
def test_a_stranger_values_every_named_plan(name: str) -> None:
    every_named_plan(name)


def every_named_plan(name: str) -> None:
    """Hold both judges against the engine's valuation of every named plan."""
    instance, data = shipped(name)
    for key in data["expand"]["plans"]:
        plan = valued(instance, key)
        said = agree(instance, data, plan)
        assert verify(data, told(data, key)).values == said.values


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nscale-uk-learns", {"seconds": 10.0}),
        ("nscale-uk-learns", {"seconds": 10.0, "objective": "regret", "recourse": False}),
        ("memphis-colossus2-62", {"seconds": 10.0, "objective": "cvar"}),
        ("miners-portfolio", {"seconds": 10.0, "draw": 40, "seed": 3}),
    ],
)
def test_a_stranger_values_solved_plans(name: str, options: dict[str, Any]) -> None:
    instance, data = shipped(name)
    plan = solve(instance, Options(**options))
    said = agree(instance, data, plan)
    assert not said.broken
    assert bool(plan.nodes) == (options == {"seconds": 10.0})
