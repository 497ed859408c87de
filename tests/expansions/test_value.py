"""What plans are worth: the judge and the evaluation agree, and slopes bound every plan."""

from __future__ import annotations

import numpy as np
import pytest
from judged_expand import judged
from tiny_expand import base, changed, made

from instances.expansions.generate import random_expand
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.engines.cuts import Cuts
from optimizer.expand.engines.first import FirstStage
from optimizer.expand.engines.model import Model
from optimizer.expand.evaluate import earnings, evaluate, expected, money
from optimizer.expand.rules.case import Case
from optimizer.expand.rules.flows import ledger
from optimizer.expand.rules.money import Books


def drawn(arrays: Arrays, seed: int) -> Decision:
    """Return orders at random, some of them given up at the end."""
    rng = np.random.default_rng(seed)
    found = Decision(signed=frozenset(range(len(arrays.growth.contracts))))
    for p in range(len(arrays.places)):
        build, total = arrays.build(p), 0
        for t in range(build.first, build.last + 1):
            units = int(rng.integers(0, 3))
            if rng.random() < 0.5 and units:
                found.orders[p, t] = float(units)
                total += units
        if build.may_retire and total:
            found.retired[p, arrays.T - 1] = 1.0
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_judge_finds_the_same_cents_and_the_same_debt(seed: int) -> None:
    instance = random_expand(2, 5, 2, 3, seed, is_small=True, has_covenants=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    decision = drawn(arrays, seed)
    plan = judged(instance, decision)
    case = Case(instance, plan)
    ledgers = [ledger(case, f) for f in case.futures]
    assert tuple(book.value for book in ledgers) == plan.objective.values
    path = money(arrays, expected(arrays, evaluate(arrays, decision).flows))
    assert path is not None
    books = Books.of(case, ledgers)
    assert np.allclose(
        np.array(books.debt) / 100, path.debt[0], atol=0.5
    )  # rounded period by period
    assert np.allclose(np.array(books.cash) / 100, path.cash[0], atol=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_slopes_left_at_one_plan_bound_what_any_other_brings(seed: int) -> None:
    instance = random_expand(3, 6, 2, 4, seed, is_small=True)
    arrays = Arrays(instance.growth, instance.growth.futures)
    first = FirstStage(arrays, Model("m"))
    cuts = Cuts(first, [[0, 1], [2, 3]])
    points = [drawn(arrays, 10 * seed + i) for i in range(4)] + [Decision()]
    brought = []
    for decision in points:
        outcome = evaluate(arrays, decision, has_slopes=True)
        columns = np.zeros(len(first.model.names))
        for column, units in first.columns_of(decision).items():
            columns[column] = units
        brought.append(
            (outcome, columns, cuts._sum(earnings(arrays, outcome.world, outcome.found)))
        )
    for i, (outcome, _, _) in enumerate(brought):
        right = cuts.at(outcome.found)
        for j, (_, columns, value) in enumerate(brought):
            most = np.array([sides.most(columns) for sides in right])
            assert (most - value).min() > -1e-6
            if i == j:
                assert np.allclose(most, value, atol=1e-5)  # and is what it brings itself


def test_a_site_takes_its_cheapest_energy_and_pays_for_what_it_must_take() -> None:
    turbine = {
        "kind": "turbine", "sites": ["s"], "cap_mw": 6.0, "cost_usd": 0.0, "max_units": 1,
        "price_usd_per_mwh": 50.0, "take_or_pay": 0.5,
    }  # fmt: skip
    data = changed(base(), "expand/builds/turbine", turbine)
    data["expand"]["builds"]["grid"] |= {"lead_periods": 0, "cost_usd": 0.0}
    data["expand"]["builds"]["hall"] |= {"lead_periods": 0, "cost_usd": 0.0, "resale_usd": 0.0}
    data["expand"]["builds"]["racks"] |= {"cost_usd": 0.0, "resale_usd": 0.0}
    instance = made(data, expand__sites__s={"wacc_per_year": 0.0})
    arrays = Arrays(instance.growth, instance.growth.futures)
    orders = {(p, 0): 1.0 for p in range(4)}
    orders[2, 0] = 40.0  # 4,000 chips at 1 kW: 4.8 MW at the meter for 3,000 units wanted: 3.6 MW
    values = evaluate(arrays, Decision(orders=orders)).values
    hours = 365 * 24
    assert values[0] == pytest.approx(hours * (3_000 * 2.0 - 3.6 * 50.0))  # 3 MW are paid anyway
    assert not check(instance, judged(instance, Decision(orders=orders))).violations


def test_a_lease_pays_for_what_is_there_and_loses_rent_and_penalty_for_what_is_not() -> None:
    data = base()
    del data["expand"]["builds"]["racks"]
    data["expand"]["contracts"] = {
        "tenant": {
            "kind": "lease", "site": "s", "start": "2027-01-01", "periods": 4, "it_mw": 5.0,
            "usd_per_mw_year": 1_000_000.0, "penalty_usd_per_mw_year": 400_000.0,
            "is_signed": True,
        }
    }  # fmt: skip
    data["expand"]["builds"]["grid"] |= {"cost_usd": 0.0}
    data["expand"]["builds"]["hall"] |= {"cost_usd": 0.0, "resale_usd": 0.0}
    instance = made(data, expand__sites__s={"wacc_per_year": 0.0})
    plan = judged(instance, Decision(orders={(0, 0): 1.0, (1, 0): 1.0}, signed=frozenset({0})))
    late, there = 90 / 365, 275 / 365  # both come after the first quarter
    assert plan.objective.total / 1e9 == pytest.approx(5e6 * there - 2e6 * late, abs=0.01)
    assert not check(instance, plan).violations


def test_a_default_ends_rent_and_the_backstop_pays_its_share() -> None:
    data = base()
    data["expand"]["contracts"] = {
        "cloud": {
            "kind": "cloud", "start": "2027-01-01", "periods": 4, "units": 100.0,
            "usd_per_unit_hour": 10.0, "penalty_usd_per_unit_hour": 5.0,
            "prepayment_share": 0.2, "backstop_share": 0.5,
        }
    }  # fmt: skip
    data["expand"]["futures"] = {"f": {"probability": 1.0, "defaults": {"cloud": "2027-07-01"}}}
    instance = made(data, expand__sites__s={"wacc_per_year": 0.0})
    plan = judged(instance, Decision(signed=frozenset({0})))
    rent = [100 * 10.0 * h for h in (2160, 2184, 2208, 2208)]
    missing = 1.5 * sum(rent[:2])  # nothing is delivered: rent is lost, the penalty is half of it
    paid = 0.2 * sum(rent) - 0.2 * sum(rent[:2]) + 0.5 * 0.8 * sum(rent[2:])
    assert plan.objective.total / 1e9 == pytest.approx(paid - (missing - sum(rent[:2])), abs=0.01)
    assert not check(instance, plan).violations
