"""What things are worth: information, waiting, one more of a limit; held against every plan."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from few_plans import DOLLAR, EXACT, asks, judged, world
from judged_expand import every, solved
from tiny_expand import changed, made

from optimizer.domain.answers.cases import plan_of
from optimizer.domain.changes.patch import patch
from optimizer.errors import Unsupported
from optimizer.expand.answer import arrays_of
from optimizer.expand.check import check
from optimizer.expand.evaluate import evaluate
from optimizer.expand.plan import Options
from optimizer.expand.solve import solve
from optimizer.expand.studies.cases import Between
from optimizer.expand.studies.information import information, mean_future
from optimizer.expand.studies.waiting import waiting
from optimizer.expand.studies.worth import eases, worths
from optimizer.questions import EXPAND
from optimizer.studies import Sweep

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance


def values(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
    """Return what every plan within supply is worth by future [USD], and the probabilities."""
    arrays = arrays_of(instance, Options())
    rows = []
    for decision in every(arrays):
        units = [sum(n for (p, _), n in decision.orders.items() if p == q) for q in range(3)]
        if all(n <= arrays.build(p).max_units for p, n in enumerate(units)):
            rows.append(evaluate(arrays, decision).values)
    return np.array(rows), arrays.odds


def test_information_is_worth_what_all_plans_say() -> None:
    instance = made(world())
    found = information(instance, asks(instance), Sweep(1).each, Options(**EXACT))
    rows, odds = values(instance)
    best, knowing = float((rows @ odds).max()), float(rows.max(0) @ odds)
    assert plan_of(found.together).objective.total == pytest.approx(best * 1e9, abs=DOLLAR)
    for end in (found.evpi.low, found.evpi.high):
        assert end == pytest.approx((knowing - best) * 1e9, abs=DOLLAR)
    assert found.evpi.is_told
    assert found.carried is not None and found.carried.total is not None
    for end in (found.vss.low, found.vss.high):
        assert end == pytest.approx(best * 1e9 - found.carried.total, abs=DOLLAR)
    assert found.vss.low is not None and found.vss.low > 0


def test_a_plan_for_the_mean_future_is_priced_in_all_of_them_or_said_to_break_a_rule() -> None:
    money = {"cash_usd": 1e6, "debt_usd": 5e7, "loan_to_cost": 0.8, "interest_per_year": 0.1}
    instance = made(world(4, finance=money | {"coverage": 4.0}))
    found = information(instance, asks(instance), Sweep(1).each, Options(**EXACT))
    assert found.free is not found.alone and len(found.free) == len(found.alone) == 3
    for own, loose in zip(found.alone, found.free, strict=True):
        assert plan_of(own).objective.total <= plan_of(loose).objective.total + DOLLAR
    assert found.evpi.low is not None and found.evpi.high is not None
    assert 0 <= found.evpi.low <= found.evpi.high
    assert found.carried is not None
    low = found.vss.low
    assert (low is None) == bool(found.carried.breaks)
    assert low is None or low >= -DOLLAR


def test_the_mean_future_has_means_whole_delays_and_the_likelier_default() -> None:
    cloud = {"kind": "cloud", "start": "2027-01-01", "periods": 4, "units": 1.0,
             "usd_per_unit_hour": 1.0}  # fmt: skip
    data = world(4, contracts={"a": cloud, "b": cloud})
    futures = data["expand"]["futures"]
    futures["late"]["delays"] = {"grid": 3, "hall": 2}
    futures["holds"]["defaults"] = {"a": "2027-07-01"}
    futures["falls"]["defaults"] = {"a": "2027-04-01"}
    futures["late"]["defaults"] = {"b": "2027-04-01"}
    mean = mean_future(made(data))
    assert mean.factors == {"demand": (1_000_000, 760_000, 760_000, 760_000)}
    assert mean.delays == (1, 0, 0)  # 0.6 and 0.4 of a period
    assert mean.defaults == (2, 4)


def test_only_expected_values_are_means_over_futures() -> None:
    instance = made(world())
    with pytest.raises(Unsupported, match="expected NPV"):
        information(instance, asks(instance), Sweep(1).each, Options(objective="worst"))


def test_waiting_and_knowing_are_worth_what_all_plans_and_new_solves_say() -> None:
    instance = made(world())
    found = waiting(instance, asks(instance), 4)
    rows, odds = values(instance)
    best, knowing = float((rows @ odds).max()), float(rows.max(0) @ odds)
    assert [x.period for x in found.know] == [0, 1, 2]
    assert [x.period for x in found.wait] == [1, 2, 3] and [x.period for x in found.both] == [1, 2]
    for each, worth in ((found.now, best), (found.never, best), (found.know[0], knowing)):
        for end in (each.value.low, each.value.high):
            assert end == pytest.approx(worth * 1e9, abs=DOLLAR)
    assert found.know[0].more.low == pytest.approx((knowing - best) * 1e9, abs=2 * DOLLAR)
    for each in (*found.know[1:], *found.wait, *found.both):
        again = solved(each.solved.instance).objective.total
        assert again == pytest.approx(each.value.low, abs=DOLLAR)
        assert judged(each.solved)
    for line in (found.know, found.wait, found.both):
        for earlier, later in pairwise(line):
            assert (earlier.value.low or 0) >= (later.value.low or 0)
            assert (earlier.value.high or 0) >= (later.value.high or 0)
    for know, wait, both in zip(found.know[1:], found.wait, found.both, strict=False):
        lows = [x.value.low or 0 for x in (wait, both, know)]
        assert lows == sorted(lows)
        assert all(s.period >= both.period for s in plan_of(both.solved).orders)
    assert found.know[1].more.is_told and found.wait[0].more.is_told


def test_what_waits_longer_bounds_what_waits_less_long() -> None:
    instance = made(world(4))
    found = waiting(instance, Sweep(1).of(EXPAND, instance, {"gap": 0.3}), 5)
    for line in (found.know, found.wait, found.both):
        for earlier, later in pairwise(line):
            assert earlier.value.low is not None and later.value.low is not None
            assert earlier.value.low >= later.value.low
            assert earlier.value.low >= plan_of(earlier.solved).objective.total
    for know, both in zip(found.know[1:], found.both, strict=True):
        assert know.more.low is not None and know.more.low >= 0
        assert (know.value.low or 0) >= (both.value.low or 0)


def test_one_more_is_worth_the_difference_of_two_optima() -> None:
    data = world(4, supply_chips={"c": 2_000})
    data["expand"]["finance"] = {"cash_usd": 2e6, "debt_usd": 9e6, "loan_to_cost": 0.9,
                                 "interest_per_year": 0.1}  # fmt: skip
    steps = [{"value": 0.0}, {"from": "2027-07-01", "value": 0.5}]
    old = {"kind": "grid", "cap_mw": steps, "price_usd_per_mwh": 100.0}
    data["sites"]["s"]["supplies"]["old"] = old
    data["expand"]["builds"]["grid"]["permit"] = "air"
    data["expand"]["permits"] = {"air": {"cap_mw": 1.0}}
    instance = made(data)
    first, found = worths(instance, asks(instance))
    assert {e.ease.what for e in found} == {
        "power", "d", "halls", "permit", "earlier delivery", "units", "supply", "cash", "debt",
    }  # fmt: skip
    assert len(found) == len(list(eases(instance)))
    now = solved(instance).objective.total
    assert now == pytest.approx(plan_of(first).objective.total, abs=DOLLAR)
    for each in found:
        then = solved(patch(instance, (each.ease.change,))).objective.total
        assert each.worth.low == pytest.approx(max(0, then - now), abs=2 * DOLLAR), each.ease
        assert each.worth.high == pytest.approx(max(0, then - now), abs=2 * DOLLAR), each.ease
    told = [e.ease.what for e in found if (e.worth.low or 0) > 2 * DOLLAR]
    assert "permit" in told and len(told) < len(found)


def test_within_the_gap_nothing_is_told_from_nothing() -> None:
    instance = made(world(4))
    _, found = worths(instance, Sweep(1).of(EXPAND, instance, {"gap": 0.5}))
    wide = [e for e in found if e.worth.low == 0 and (e.worth.high or 0) > 10 * DOLLAR]
    assert wide and not any(e.worth.low for e in wide)


def test_a_named_plan_that_breaks_supply_is_no_start() -> None:
    order = {"build": "racks", "site": "s", "at": "2027-04-01", "units": 3}
    retired = {"build": "grid", "site": "s", "at": "2027-07-01", "units": 1}
    for plan in ({"orders": [order]}, {"retirements": [retired]}):
        instance = made(changed(world(), "expand/plans/bold", plan))
        assert not check(instance, solve(instance, Options(**EXACT))).violations


def test_amounts_between_two_are_told_from_nothing_only_beside_it() -> None:
    a, b = Between(5, 8), Between(1, 4)
    assert a.less(b) == Between(1, 7) and a.less(b).is_told
    assert b.less(a) == Between(-7, -1) and b.less(a).is_told
    assert not a.less(a).is_told and a.less(Between(None, 4)) == Between(1, None)
