"""Batteries that are charged: the best dispatch, the same from both methods, and what it turns."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from judged_expand import drawn, judged
from judged_expand import solved as solved_to
from tiny_expand import Data, base, called, changed, made

from instances.expansions.generate import random_expand
from optimizer.chain import standing
from optimizer.expand.answer import arrays_of
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.engines.benders import Benders, Clock
from optimizer.expand.evaluate import decided, earnings, evaluate
from optimizer.expand.plan import Cycle, Options
from optimizer.expand.report import report
from optimizer.expand.rules.case import Case
from optimizer.expand.rules.operation import earned
from optimizer.expand.rules.storage import check_storage
from optimizer.expand.studies.named import valued
from optimizer.expand.studies.weigh import weighed

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan

MW = 1_000_000


def solved(instance: Instance) -> ExpandPlan:
    """Return the plan of both methods; a watt that is rounded is worth a dollar or so."""
    return solved_to(instance, gap=1e-6)


def builds(plan: ExpandPlan) -> set[str]:
    """Return what a plan orders."""
    return {o.build for o in plan.orders}


# ---- the best dispatch --------------------------------------------------------------------------

DAYS: dict[str, tuple[Data, dict[str, Any], tuple[int, int]]] = {
    "called": ({"availability": [0.0, 1.0]}, {}, (2, 1)),
    "dear by day": ({}, {"energy": 3.0}, (2, 1)),
    "alike": ({}, {}, (0, 0)),
}
"""Of the grid, of the first block; MW charged by night and given by day at the best."""


def one_site(grid: Data, block: Data) -> Instance:
    """Return a site with all orders made: 3 MW of chips, batteries of 4 MW that keep a half."""
    data = called(0.5, energy_mwh=12.0, efficiency_in=1.0)
    data["horizon"]["periods"] = 3
    data["sites"]["s"]["pue"] = 1.0
    data["expand"]["blocks"] = [{"share": 0.5} | block, {"share": 0.5, "energy": 0.5}]
    if not grid and not block:
        data["expand"]["blocks"][1]["energy"] = 1.0
    data["expand"]["builds"]["grid"] = data["expand"]["builds"]["firm"] | {"cap_mw": 8.0} | grid
    orders = [{"build": b, "site": "s", "at": 0.0, "units": n}
              for b, n in (("grid", 1), ("hall", 1), ("racks", 3), ("battery", 2))]  # fmt: skip
    return made(changed(data, "expand/plans", {"p": {"orders": orders}}))


@pytest.mark.parametrize("day", DAYS)
def test_no_dispatch_in_whole_megawatts_is_better(day: str) -> None:
    grid, block, (charge, give) = DAYS[day]
    instance = one_site(grid, block)
    plan = valued(instance, "p")
    tried: list[tuple[Fraction, tuple[int, ...]]] = []
    for watts in product(range(0, 5 * MW, MW), repeat=4):
        cycle = Cycle(
            future="as planned", period=0, build="battery", site="s",
            charge_w=watts[:2], discharge_w=watts[2:],
        )  # fmt: skip
        case = Case(instance, plan.model_copy(update={"cycles": (cycle,)}))
        if not any(check_storage(case)):
            tried.append((sum(earned(case, case.futures[0], 0), Fraction(0)), watts))
    best = max(x for x, _ in tried)
    case = Case(instance, plan)
    assert sum(earned(case, case.futures[0], 0)) == best
    assert (best, (0, charge * MW, give * MW, 0)) in tried and len(tried) > 5
    assert check(instance, plan).is_good


@pytest.mark.parametrize("seed", (0, 2, 3))
def test_both_methods_find_the_same_optimum(seed: int) -> None:
    instance = random_expand(1, 4, 1, 2, seed, is_small=True, has_storage=True)
    found = solved(instance)
    assert found.bound is not None
    assert 0 <= found.bound - found.objective.total <= max(10**10, found.bound // 10**6)


@pytest.mark.parametrize("seed", range(3))
def test_the_cut_of_a_plan_meets_what_it_brings_and_bounds_what_any_other_does(seed: int) -> None:
    instance = random_expand(2, 5, 2, 3, seed, is_small=True, has_storage=True)
    arrays, rng = Arrays(instance.growth, instance.growth.futures), np.random.default_rng(seed)
    master = Benders(arrays, Options(), (), Clock(np.inf))
    plans = [Decision(), *(drawn(arrays, rng, 0.7) for _ in range(6))]
    each = [evaluate(arrays, plan, has_slopes=True) for plan in plans]
    assert any(x.cycles is not None and x.cycles.given.any() for x in each)
    for cut, outcome in zip(plans, each, strict=True):
        right = master.cuts.at(outcome.found)
        for plan, other in zip(plans, each, strict=True):
            at = np.zeros(len(master.first.model.names))
            for column, units in master.first.columns_of(plan).items():
                at[column] = units
            actual = master.cuts._sum(earnings(arrays, other.world, other.found))
            most = np.array([sides.most(at) for sides in right])
            assert (most >= actual - 1e-6).all()
            if plan is cut:  # a watt that is rounded is worth a dollar or so
                assert most == pytest.approx(actual, abs=2e-5)


def test_the_judge_finds_the_same_cents_in_every_future() -> None:
    instance = random_expand(2, 4, 2, 3, 4, is_small=True, has_storage=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    for seed in range(3):
        plan = judged(instance, drawn(arrays, np.random.default_rng(seed), 0.7))
        assert plan.cycles
        assert {v.rule for v in check(instance, plan).violations} <= {"supply"}


def test_on_a_tree_batteries_follow_what_is_decided_on_each_path() -> None:
    data = called()
    data["expand"]["drivers"] = {"d": {}}
    data["expand"]["demand"]["open"] |= {"volume_driver": "d"}
    data["expand"]["builds"]["battery"] |= {"first": "2027-04-01"}
    data["expand"]["builds"]["firm"] |= {"cost_usd": 4e6}
    data["expand"]["futures"] = {
        "up": {"probability": 0.5, "reveals": [{"at": "2027-04-01", "label": "up"}]},
        "down": {"probability": 0.5, "drivers": {"d": [1.0, 0.0, 0.0, 0.0]},
                 "reveals": [{"at": "2027-04-01", "label": "down"}]},
    }  # fmt: skip
    plan = solved(made(data))
    more = {n.node: {o.build for o in n.orders} for n in plan.nodes}
    assert "battery" in more["up"] and "battery" not in more.get("down", set())
    assert {c.future for c in plan.cycles} == {"up"}


# ---- what it turns ------------------------------------------------------------------------------


def thousands(instance: Instance, plan: ExpandPlan) -> float:
    """Return what the steps of a plan are worth in the world of an instance [thousand USD]."""
    arrays = arrays_of(instance, Options())
    return float(arrays.odds @ evaluate(arrays, decided(arrays, plan)).values) / 1e3


def test_a_battery_makes_a_grid_that_is_called_better_than_a_firm_one_until_it_loses_too_much() -> (
    None
):
    good, poor = made(called(0.95)), made(called(0.6))
    with_it, firm = solved(good), solved(poor)
    assert {"grid", "battery"} <= builds(with_it) and "firm" not in builds(with_it)
    assert "firm" in builds(firm) and not {"grid", "battery"} & builds(firm)
    assert thousands(good, with_it) - thousands(good, firm) == pytest.approx(GAIN, abs=0.1)
    assert thousands(poor, firm) - thousands(poor, with_it) == pytest.approx(LOSS, abs=0.1)


def test_charging_costs_what_an_availability_by_block_leaves_out() -> None:
    stored = called(0.8)
    block = changed(stored, "expand/builds/battery/availability", [1.0, 0.0])
    del block["expand"]["builds"]["battery"]["storage"]
    plan, hoped = solved(made(stored)), solved(made(block))
    assert (hoped.objective.total - plan.objective.total) / 1e12 == pytest.approx(HOPED, abs=0.1)


def test_a_landlord_delivers_in_the_hours_of_calls_what_was_charged_before_them() -> None:
    data = called()
    del data["expand"]["builds"]["racks"], data["expand"]["demand"]
    data["expand"]["builds"]["hall"]["cost_usd"] = 1e5
    data["expand"]["builds"]["firm"]["cost_usd"] = 1e6
    data["expand"]["contracts"] = {
        "tenant": {
            "kind": "lease", "site": "s", "start": "2027-01-01", "periods": 4, "it_mw": 3.0,
            "usd_per_mw_year": 1e6, "penalty_usd_per_mw_year": 4e6, "is_signed": True,
        }
    }  # fmt: skip
    plan = solved(made(data))
    assert {"grid", "battery"} <= builds(plan) and len(plan.cycles) == 4
    assert all(c.discharge_w[0] == 3.6 * MW for c in plan.cycles)


# ---- what is said and handed on -----------------------------------------------------------------


def test_the_report_says_what_batteries_do_and_what_charging_costs() -> None:
    instance = made(called())
    plan = solved(instance)
    told = report(instance, plan, check(instance, plan))
    section = next(s for s in told.sections if s.title == "What batteries do")
    row = section.tables[0].rows[0]
    assert row[:2] == ("battery", "s")
    taken, given, lost, paid, each = (float(str(x)) for x in row[2:])
    assert given == pytest.approx(3.6 * 8760 / 8, rel=1e-6)  # an eighth of the hours of 2027
    assert taken == pytest.approx(given / 0.95**2, rel=1e-4)
    assert lost == pytest.approx(1 - 0.95**2, rel=1e-4)
    assert paid == pytest.approx(100 * taken) and each == pytest.approx(paid / given)
    arrays = arrays_of(instance, Options())
    mwh = weighed(arrays, {"p": decided(arrays, plan)})[0].mwh
    assert mwh == pytest.approx(3.6 * 8760 * 7 / 8 + taken, rel=1e-6)  # nothing counts twice


def test_batteries_are_handed_on_to_a_week_as_batteries() -> None:
    instance = made(called())
    plan, at = solved(instance), datetime(2027, 4, 1, tzinfo=UTC)
    week = standing(instance, plan, at, "week")
    supply = week.sites["s"].supplies["battery"]
    assert supply.kind == "battery" and supply.storage is not None
    assert supply.storage.energy_mwh == 16.0 and supply.storage.in_mw == 4.0
    months = standing(instance, plan, at, "months", months=3)
    assert "battery" not in months.sites["s"].supplies


def test_what_is_not_named_stands_still() -> None:
    instance = made(called())
    plan = solved(instance)
    still = plan.model_copy(update={"cycles": ()})
    verdict = check(instance, still)
    assert verdict.objective is not None
    lost = plan.objective.total - verdict.objective.total
    assert {v.rule for v in verdict.violations} <= {"objective", "gap", "status"} and lost > 0


def test_batteries_without_use_change_nothing() -> None:
    data = base()
    data["expand"]["builds"]["battery"] = called()["expand"]["builds"]["battery"]
    assert solved(made(data)).objective == solved(made(base())).objective


# Amounts in thousands of USD, each found by both methods and priced by the judge.
GAIN = 343.1  # of 27,147
LOSS = 849.8  # of 26,804
HOPED = 580.5
