"""Each rule of an expansion: just legal, just illegal; and one word names it everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from judged_expand import broken, solved
from tiny_expand import base, changed, made

from optimizer.errors import PlanError
from optimizer.expand import check as check_module
from optimizer.expand.check import check
from optimizer.expand.engines import cells, first
from optimizer.expand.engines.tree import stage
from optimizer.expand.plan import Rule, Status
from optimizer.expand.studies.named import valued

Data = dict[str, Any]

OPERATION = {"power", "hall", "permit", "demand", "kinds"}
"""Words of operation: a plan cannot break them, the engine's model has them."""

QUARTERS = ("2027-01-01", "2027-04-01", "2027-07-01", "2027-10-01")


def step(build: str, period: int, units: int) -> Data:
    """Return an order, or a retirement, at the only site."""
    return {"build": build, "site": "s", "at": QUARTERS[period], "units": units}


def breaks(data: Data, *orders: Data, retire: tuple[Data, ...] = (), **more: Any) -> set[str]:
    """Return the rules that orders break."""
    plan = {"orders": list(orders), "retirements": list(retire)} | more
    return broken(made(changed(data, "expand/plans", {"p": plan})), "p")


def test_one_word_names_a_rule_everywhere() -> None:
    rules = {rule.value for rule in Rule}
    checks = {n.removeprefix("check_") for n in vars(check_module) if n.startswith("check_")}
    adds = {
        n.removeprefix("_").removeprefix("add_")
        for kind in (first.FirstStage, cells.Cell, stage.TreeStage)
        for n in vars(kind)
        if n.removeprefix("_").startswith("add_")
    }
    assert checks == rules
    assert adds - OPERATION - {"columns", "flows", "money"} <= rules


def test_an_order_lies_within_its_window_and_comes_within_the_horizon() -> None:
    data = changed(base(), "expand/builds/hall/last", "2027-07-01")
    assert breaks(data, step("hall", 2, 1)) == set()
    for bad in (step("hall", 3, 1), step("grid", 3, 1)):  # too late, comes too late
        with pytest.raises(PlanError, match="is ordered in 2027-Q4; it may be in 2027-Q1 to"):
            breaks(data, bad)
    good = valued(made(changed(data, "expand/plans", {"p": {"orders": [step("hall", 2, 1)]}})), "p")
    late = good.orders[0].model_copy(update={"period": 3})
    spoilt = good.model_copy(update={"orders": (late,)})
    instance = made(changed(data, "expand/plans", {"p": {"orders": [step("hall", 2, 1)]}}))
    assert {v.rule for v in check(instance, spoilt).violations} == {"lead_time"}


def test_supply_limits_units_units_of_a_period_and_chips() -> None:
    data = changed(base(), "expand/builds/racks/max_per_period", 5)
    data["expand"]["builds"]["racks"]["max_units"] = 8
    assert breaks(data, step("racks", 0, 5), step("racks", 1, 3)) == set()
    assert breaks(data, step("racks", 0, 5), step("racks", 1, 4)) == {"supply"}
    assert breaks(data, step("racks", 0, 6)) == {"supply"}
    data["expand"]["supply_chips"] = {"c": [300.0, 400.0, 400.0, 400.0]}
    assert breaks(data, step("racks", 0, 3), step("racks", 1, 1)) == set()
    assert breaks(data, step("racks", 0, 4)) == {"supply"}
    assert breaks(data, step("racks", 0, 3), step("racks", 1, 2)) == {"supply"}


def test_no_more_is_given_up_than_has_come_in_every_future() -> None:
    data = changed(base(), "expand/builds/hall/may_retire", True)
    two, one = step("hall", 0, 2), step("hall", 1, 1)
    assert breaks(data, two, retire=(one,)) == set()
    assert breaks(data, two, retire=(one, step("hall", 2, 2))) == {"retirement"}
    assert breaks(data, two, retire=(step("hall", 0, 1),)) == {"retirement"}  # it comes in Q2
    assert breaks(data, step("grid", 0, 1), retire=(step("grid", 2, 1),)) == {"retirement"}
    late = {"late": {"probability": 0.1, "delays": {"hall": 1}}, "not": {"probability": 0.9}}
    data["expand"]["futures"] = late
    assert breaks(data, two, retire=(one,)) == {"retirement"}
    assert breaks(data, two, retire=(step("hall", 2, 1),)) == set()


def test_what_is_signed_already_is_in_every_plan() -> None:
    cloud = {
        "kind": "cloud", "start": "2027-01-01", "periods": 4, "units": 1.0,
        "usd_per_unit_hour": 2.0, "is_signed": True,
    }  # fmt: skip
    data = changed(base(), "expand/contracts", {"c": cloud})
    data["expand"]["plans"] = {"p": {}}
    instance = made(data)
    plan = valued(instance, "p")
    assert plan.contracts == ("c",) and check(instance, plan).is_good
    for contracts in ((), ("c", "c"), ("c", "d")):
        spoilt = plan.model_copy(update={"contracts": contracts})
        assert "contract" in {v.rule for v in check(instance, spoilt).violations}


def test_capex_of_a_year_is_limited_as_it_is_paid() -> None:
    data = changed(base(8), "expand/builds/hall/paid_at_order", 0.25)
    data["expand"]["builds"]["hall"]["lead_periods"] = 4
    money = {"cash_usd": 1e9, "capex_usd_per_year": [1_250_000.0, 3_750_000.0]}
    assert breaks(data | {}, step("hall", 0, 1)) == set()
    data["expand"]["finance"] = money
    assert breaks(data, step("hall", 0, 1)) == set()  # 1.25 of 5 million at the order, 3.75 then
    data["expand"]["finance"] = money | {"capex_usd_per_year": [1_249_999.99, 3_750_000.0]}
    assert breaks(data, step("hall", 0, 1)) == {"capex_budget"}
    data["expand"]["finance"] = money | {"capex_usd_per_year": [1_250_000.0, 3_749_999.99]}
    assert breaks(data, step("hall", 0, 1)) == {"capex_budget"}


def test_capex_of_the_horizon_is_limited_and_its_amount_decides_the_optimum() -> None:
    data = base(8)
    data["expand"]["builds"]["hall"] |= {"paid_at_order": 0.25, "lead_periods": 4}
    for limit, rules in ((5e6, set()), (5e6 - 0.01, {"capex_budget"})):
        data["expand"]["finance"] = {"cash_usd": 1e9, "capex_usd": limit}
        assert breaks(data, step("hall", 0, 1)) == rules  # 1.25 million in 2027, 3.75 in 2028
    data = base(8)
    worths, racks = [], []
    for most in (None, 14e6, 7.6e6, 7.6e6 - 1):  # grid 1 million, a hall 5, racks 0.8 each
        data["expand"]["finance"] = {"cash_usd": 1e9, "capex_usd": most}
        plan = solved(made(data))
        worths.append(plan.objective.total)
        racks.append(sum(s.units for s in plan.orders if s.build == "racks"))
    assert racks[0] > 10 and racks[1:] == [10, 2, 0]  # one rack alone would not pay for its hall
    assert worths[0] > worths[1] > worths[2] > worths[3] == 0


def test_cash_loan_to_cost_and_coverage_break_a_cent_beyond_their_limits() -> None:
    data = base()
    hall = step("hall", 0, 1)  # 5 million USD, nothing is earned
    good = {"cash_usd": 2e6, "debt_usd": 3e6, "loan_to_cost": 0.6}
    for finance, rules in (
        (good, set()),
        (good | {"cash_usd": 2e6 - 0.01}, {"cash", "loan_to_cost"}),
        (good | {"debt_usd": 3e6 - 0.01}, {"cash"}),
        (good | {"loan_to_cost": 0.599999}, {"loan_to_cost"}),
        (good | {"least_cash_usd": 0.01}, {"cash", "loan_to_cost"}),
        (good | {"interest_per_year": 0.1}, {"cash", "loan_to_cost"}),  # borrowed in turn
        (good | {"cash_usd": 4e6, "interest_per_year": 0.1, "coverage": 1.0}, {"coverage"}),
        (good | {"cash_usd": 5e6, "interest_per_year": 0.1, "coverage": 1.0}, set()),
    ):
        assert breaks(changed(data, "expand/finance", finance), hall) == rules, finance


def test_a_plan_that_says_more_than_is_so_is_found_out() -> None:
    instance = made(changed(base(), "expand/plans", {"p": {"orders": [step("hall", 0, 1)]}}))
    plan = valued(instance, "p")
    assert check(instance, plan).is_good
    parts = plan.objective

    def says(**more: Any) -> set[str]:
        return {v.rule for v in check(instance, plan.model_copy(update=more)).violations}

    two = parts.model_copy(update={"values": (parts.values[0] + 2,)})
    assert says(objective=two) == {"objective"}
    assert says(objective=parts.model_copy(update={"expected": parts.expected + 2})) == {
        "objective"
    }
    assert says(bound=parts.total - 10**9, gap=plan.gap) == {"bound", "gap"}
    assert says(status=Status.OPTIMAL) == {"status"}
