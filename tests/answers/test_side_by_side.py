"""Alternatives, named mixes, what limits are worth, and rules that conflict."""

from __future__ import annotations

from typing import Any

import pytest
from brute_mix import _fleets, _Use, optimum
from judged_mix import passes, read, shop, solved
from small import data_of, judge, solver, two_chips
from stranger_mix_world import MixWorld
from tiny_mix import tiny_mix

from optimizer.domain.answers.cases import plan_of
from optimizer.mix.account.worth import prices_of
from optimizer.mix.operate import fleet_of, operate
from optimizer.mix.plan import Certificate, Leaf, Options
from optimizer.mix.studies.alternatives import alternatives
from optimizer.mix.studies.bench import bench
from optimizer.mix.studies.conflict import find_conflict
from optimizer.mix.studies.worth import tried_worths
from optimizer.questions import MIX
from optimizer.studies import Sweep

Data = dict[str, Any]
EXACT = Options(gap=0.0)


def counts(data: Data, chip: str, most: float) -> list[int]:
    """Return how many chips of a type every fleet has that costs no more [USD]."""
    world, out = MixWorld(data), []
    for fleet in _fleets(world):
        cost = _Use(world, fleet, "cost").best()
        if cost is not None and cost <= most:
            own = ((world.offers[o], n) for (o, _), n in fleet.items())
            out.append(sum(o.chips * n for o, n in own if o.chip == chip))
    return out


@pytest.mark.parametrize("data", [two_chips(), tiny_mix(9)], ids=["two chips", "tiny 9"])
def test_alternatives_go_as_far_as_enumeration_does(data: Data) -> None:
    instance, best = read(data), solved(data)
    found = alternatives(instance, Sweep(workers=1).each, best, EXACT, (0.05, 0.4))
    exact = optimum(data, "cost")
    assert exact is not None
    for each in found:
        assert each.plan is not None and each.chips is not None
        passes(data, each.plan)
        total = best.objective.total
        assert each.plan.objective.total <= total * (1 + each.within)
        known = counts(data, each.chip, exact * (1 + each.within * (1 - 1e-9)))
        assert each.chips == (max(known) if each.which == "most" else min(known))


def test_the_best_use_of_the_best_fleet_is_the_best_mix() -> None:
    for seed in (5, 9, 11):
        data = tiny_mix(seed)
        best = solved(data)
        again = operate(read(data), fleet_of(best), EXACT)
        assert again is not None
        passes(data, again)
        assert again.objective == best.objective and again.fleet == best.fleet


def test_a_fleet_that_breaks_a_rule_has_no_use() -> None:
    instance = read(two_chips(capex_usd=16_000.0))
    assert operate(instance, {("o", "s"): 3}, EXACT) is None
    assert operate(instance, {("o", "elsewhere"): 1}, EXACT) is None
    assert operate(instance, {("o", "s"): 2}, EXACT) is not None


def test_named_mixes_stand_side_by_side_and_none_beats_the_optimum() -> None:
    instance = read(two_chips(demand={"work_per_month": 40_000.0}))
    mine = {"yours": {("o", "s"): 1, ("p", "s"): 1}, "too many": {("o", "s"): 5}}
    found = bench(instance, solver(instance), EXACT, 0.02, mine)
    plans = {m.name: m.plan for m in found.mixes}
    names = ["optimum", "all-c", "all-b", "half-b-half-c", "yours", "too many"]
    assert set(plans) == set(names) and plans["too many"] is None  # racks
    best = plans["optimum"]
    assert best is not None
    for plan in plans.values():
        if plan is not None:
            passes(found.instance.data(), plan)
            assert plan.objective.total >= best.objective.total
            assert plan.bound == best.bound
    only = plans["all-c"]
    assert only is not None and {h.offer for h in only.fleet} == {"o"}


def test_what_one_more_is_worth_is_never_less_than_what_it_brings() -> None:
    binding: list[Data] = [
        two_chips(demand={"work_per_month": 60_000.0}),
        two_chips(demand={"work_per_month": 60_000.0}, capex_usd=20_000.0),
        two_chips(demand={"work_per_month": 60_000.0}, supply_chips={"c": 16, "b": 8}),
        two_chips(demand={"work_per_month": 60_000.0}, yearly_cash_usd=[20_000.0]),
    ]
    seen = set()
    for data in binding:
        instance = read(data)
        base, found = tried_worths(instance, solver(instance))
        plan = plan_of(base)
        prices = prices_of(plan)
        assert prices is not None
        whole = MIX.certify(instance, Certificate(goal="cost", tree=Leaf(prices=prices)))
        assert whole is not None
        loose = (plan.objective.total - whole) / 1e9
        for each in found:
            gain = each.gain(plan)
            if gain is not None and each.solved is not None:
                judge(each.solved)
                seen.add(each.worth.limit)
                assert gain * each.more <= each.worth.worth * each.more + loose + 1e-6
    assert seen == {"power", "capex", "supply", "yearly_cash"}


FEW: Data = {"max_domains": 5}
MUST: Data = {"value_usd_per_unit": None}
CONFLICTS: list[tuple[str, Data, set[str], set[str]]] = [
    ("space", shop(demand=MUST, site={"racks": 1.0}, offer=FEW), {"demand", "space"}, {"space"}),
    (
        "power of all",
        shop(demand={"least_share": 0.8}, power_mw=0.012, offer=FEW),
        {"demand", "power_total"},
        {"power_total"},
    ),
    ("capex", shop(demand=MUST, capex_usd=9000.0, offer=FEW), {"demand", "capex"}, {"capex"}),
    (
        "floor of work",
        shop(demand={"work_per_month": 3e4}, work_at_least=2e5, offer=FEW),
        {"work_floor", "power"},
        {"power"},
    ),
]


@pytest.mark.parametrize(
    ("data", "clash", "eased"), [c[1:] for c in CONFLICTS], ids=[c[0] for c in CONFLICTS]
)
def test_rules_that_conflict_are_named_and_eased(
    data: Data, clash: set[str], eased: set[str]
) -> None:
    instance = read(data)
    options = EXACT.model_copy(update={"unit_costs": {"demand": 1e6}})
    found = find_conflict(instance, solver(instance), options)
    assert {rule for rule, _ in found.groups} == clash
    assert found.cheapest is not None
    assert {rule for rule, _ in found.cheapest.amounts} == eased
    for way in (found.cheapest, *found.alone):
        judge(way.solved)
        assert way.solved.plan is not None
        assert way.cost_usd >= found.cheapest.cost_usd * (1 - 1e-9)
        assert optimum(data_of(way.solved), "cost") is not None
        less = way.amounts | {g: x * 0.98 for g, x in way.amounts.items()}
        if len(less) == 1:  # two percent less of it do not do
            from optimizer.domain.changes.patch import patch
            from optimizer.mix.studies.conflict import _changes

            assert optimum(patch(instance, _changes(instance, less)).data(), "cost") is None


def test_a_delivery_that_comes_too_late_is_named_with_the_months_that_are_missing() -> None:
    world: Data = {"horizon": {"start": "2027-01-01", "periods": 6, "period_hours": 730.0}}
    wanted = [{"from": 0.0, "value": 0.0}, {"from": 2190.0, "value": 11680.0}]
    data = shop(world=world, demand=MUST | {"work_per_month": wanted}, offer={"delivery": 3650.0})
    found = find_conflict(read(data), solver(read(data)), EXACT)
    (sooner,) = (e for e in found.alone if ("date", "o") in e.amounts)
    assert sooner.amounts == {("date", "o"): 2.0} and sooner.words == "o delivered 2 months earlier"
    assert sooner.cost_usd == pytest.approx(0.05 * 2 * 2 * 8000.0)  # two domains of 8,000 USD
    judge(sooner.solved)


def test_where_there_is_a_mix_nothing_conflicts() -> None:
    instance = read(shop())
    assert find_conflict(instance, solver(instance), EXACT).groups == ()
