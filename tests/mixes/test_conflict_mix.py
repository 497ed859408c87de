"""No mix at all: which limits are in conflict, and by how much each would have to give way."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from judged_mix import passes, read, shop

from optimizer.mix.check import check
from optimizer.mix.plan import MixPlan, Options, Rule, Status
from optimizer.mix.report import report
from optimizer.mix.solve import solve
from service.render.terminal import terminal

Data = dict[str, Any]


def none(data: Data) -> MixPlan:
    """Return the answer where there is no mix, after both judges have seen it."""
    plan = solve(read(data))
    assert plan.status is Status.INFEASIBLE
    passes(data, plan)
    return plan


def must(**more: Any) -> Data:
    """Return the shop where three domains' work has to be served."""
    wanted = {"value_usd_per_unit": None, "work_per_month": 17520.0}
    return shop(demand=wanted, **more)


def test_power_and_demand_are_in_conflict_and_racks_are_not() -> None:
    site = {"supplies": {"grid": {"kind": "grid", "cap_mw": 0.025, "price_usd_per_mwh": 1.0}}}
    found = {(c.rule, c.of): c.by for c in none(must(site=site)).conflict}
    assert set(found) == {(Rule.DEMAND, "k"), (Rule.POWER, "s")}
    assert found[Rule.POWER, "s"] == pytest.approx(0.005)
    assert found[Rule.DEMAND, "k"] == pytest.approx(1 / 6)


def test_whole_domains_decide_how_much_money_is_missing() -> None:
    data = must(capex_usd=20000.0)
    found = {c.rule: c.by for c in none(data).conflict}
    assert found[Rule.CAPEX] == pytest.approx(4000.0)
    enough = copy.deepcopy(data)
    enough["mix"]["capex_usd"] = 24000.0
    assert solve(read(enough)).status in (Status.OPTIMAL, Status.FEASIBLE)


def test_the_report_names_the_conflict() -> None:
    data = must(site={"racks": 2.0})
    plan = none(data)
    said = terminal(report(read(data), plan, check(read(data), plan)))
    assert "Limits in conflict" in said and "racks more" in said


def test_the_way_out_is_the_cheapest_at_the_unit_costs_that_are_given() -> None:
    data = must(site={"racks": 2.0})  # three domains of a rack each are needed
    by = {"space": 100.0, "demand": 1000.0}
    more: list[dict[str, float]] = [{}, {"space": 1e9}]
    ways = [solve(read(data), Options(unit_costs=by | m)).way_out for m in more]
    assert [(c.rule, c.of) for way in ways for c in way] == [(Rule.SPACE, "s"), (Rule.DEMAND, "k")]
    racks, less = ways[0][0], ways[1][0]
    assert racks.by == pytest.approx(1.0) and racks.usd == pytest.approx(100.0)
    assert racks.words == "1.00 racks more at s"
    # a third of three domains' work, at the price of a domain here: 8,000 USD
    assert less.by == pytest.approx(1 / 3) and less.usd == pytest.approx(1000 * 8000.0, rel=1e-3)
    plan = solve(read(data), Options(unit_costs=by))
    said = terminal(report(read(data), plan, check(read(data), plan)))
    assert "The cheapest way out is 1.00 racks more at s (USD 100)" in said
    with pytest.raises(ValueError, match="no unit cost 'racks'"):
        Options(unit_costs={"racks": 1.0})
