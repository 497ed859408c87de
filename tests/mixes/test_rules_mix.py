"""Just legal, just illegal: for every rule of a mix plans at the limit and one unit beyond it."""

from __future__ import annotations

from typing import Any

import judged_mix
import pytest
from judged_mix import by_hand, judged, shop, solved, strange, use, wrong

from optimizer.mix import check as check_module
from optimizer.mix.check import CHECKS
from optimizer.mix.engines import rows
from optimizer.mix.plan import Rule, Status
from optimizer.mix.solve import solve

Data = dict[str, Any]
BIT = 1e-9
"""The smallest part of a domain."""


def taken(data: Data, **options: Any) -> int:
    """Return how many domains the best mix has."""
    return sum(h.domains for h in solved(data, **options).fleet)


def test_one_word_names_a_rule_everywhere() -> None:
    checks = {n.removeprefix("check_") for n in vars(check_module) if n.startswith("check_")}
    adds = {n.removeprefix("add_") for n in vars(rows) if n.startswith("add_")}
    assert checks == {rule.value for rule in Rule} and adds <= checks
    assert [f.__name__ for f in CHECKS] == [f"check_{rule}" for rule in Rule]
    here = "".join(name for name in globals() if name.startswith("test_"))
    assert [rule for rule in Rule if f"test_{rule}_" not in here] == []


def test_demand_may_lack_what_its_least_share_leaves_and_a_millionth() -> None:
    data = shop(demand={"least_share": 0.5})
    assert judged(data, 1, use(1.0)) == set()
    assert judged(data, 1, use(1.0 - 1.9e-6)) == set()
    assert judged(data, 1, use(1.0 - 2.1e-6)) == {"demand"}


def test_demand_without_a_value_has_to_be_served() -> None:
    data = shop(demand={"value_usd_per_unit": None})
    assert judged(data, 2, use(2.0)) == set()
    assert judged(data, 2, use(1.99)) == {"demand"}
    assert taken(data) == 2


def test_demand_is_served_only_by_ways_that_exist() -> None:
    assert judged(shop(), 1, use(1.0, chips=16)) == {"demand"}
    assert judged(shop(), 1, use(1.0, phase=1)) == {"demand"}


def test_demand_counts_the_floor_of_useful_work() -> None:
    data = shop(work_at_least=58400.0)  # one domain's work times the value
    assert judged(data, 1, use(1.0)) == set()
    assert judged(data, 1, use(0.99)) == {"demand"}


def test_power_binds_exactly_at_the_cap() -> None:
    data = shop(demand={"work_per_month": 30000.0})
    assert judged(data, 3, use(3.0)) == set()
    assert judged(data, 4, use(3.0 + BIT)) == {"power"}
    assert taken(data) == 3


def test_power_counts_idle_draw_and_other_load() -> None:
    data = shop(chip={"idle_kw": 0.5}, site={"other_load_mw": 0.005})
    assert judged(data, 3, use(2.0)) == set()  # 2 x 10 kW at work + 5 kW idle + 5 kW
    assert judged(data, 3, use(2.0 + BIT)) == {"power"}


def test_power_of_all_sites_binds() -> None:
    assert judged(shop(power_mw=0.02), 2, use(2.0)) == set()
    assert judged(shop(power_mw=0.019999), 2, use(2.0)) == {"power"}


def test_space_binds_exactly_at_the_racks() -> None:
    data = shop(demand={"work_per_month": 30000.0}, site={"racks": 2.0})
    assert judged(data, 2, use(2.0)) == set()
    assert judged(data, 3, use(2.0)) == {"space"}
    assert taken(data) == 2


def test_cooling_keeps_a_domain_out_of_a_site() -> None:
    both = {"chip": {"cooling": ["liquid"]}, "site": {"cooling": ["air"]}}
    assert judged(shop(), 1, use(1.0)) == set()
    assert "cooling" in judged(shop(**both), 1)
    assert taken(shop(**both)) == 0


def test_capex_binds_exactly_at_the_limit() -> None:
    assert judged(shop(capex_usd=16000.0), 2, use(2.0)) == set()
    assert judged(shop(capex_usd=15999.99), 2, use(2.0)) == {"capex"}
    assert taken(shop(capex_usd=15999.99)) == 1


def test_yearly_cash_counts_delivery_and_energy() -> None:
    exact = 16000.0 + 20 * 730 / 1000 * 100  # two domains and their 20 kW
    assert judged(shop(yearly_cash_usd=[exact]), 2, use(2.0)) == set()
    assert judged(shop(yearly_cash_usd=[exact - 0.01]), 2, use(2.0)) == {"yearly_cash"}
    assert taken(shop(yearly_cash_usd=[exact])) == 2


def test_supply_is_what_an_offer_and_a_type_have() -> None:
    assert judged(shop(offer={"max_domains": 2}), 2, use(2.0)) == set()
    assert judged(shop(offer={"max_domains": 1}), 2, use(2.0)) == {"supply"}
    assert judged(shop(offer={"min_domains": 2}), 1, use(1.0)) == {"supply"}
    assert judged(shop(supply_chips={"c": 16}), 2, use(2.0)) == set()
    assert judged(shop(supply_chips={"c": 15}), 2, use(2.0)) == {"supply"}
    assert taken(shop(supply_chips={"c": 15})) == 1


def test_supply_has_no_more_at_work_than_is_there() -> None:
    assert judged(shop(), 1, use(1.0)) == set()
    assert judged(shop(), 1, use(1.0 + BIT)) == {"supply"}


def test_vendor_share_is_of_the_money_committed() -> None:
    other = {"domain": "e", "kind": "buy", "tiers": [{"upfront_usd_per_chip": 1000.0}]}
    data = shop(vendor_share={"v": 0.5})
    data["chips"]["b"] = data["chips"]["c"] | {"vendor": "u"}
    data["domains"]["e"] = {"chip": "b", "chips": 8}
    row = {"chip": "b", "domain": "e", "slice_chips": 8, "chips": 8, "work_per_hour": 8.0}
    data["workloads"]["w"]["rates"].append(row)
    data["mix"]["offers"]["p"] = other
    half = [{"offer": name, "site": "s", "domains": 1} for name in ("o", "p")]
    assert judged(data, 1, use(1.0), fleet=half) == set()
    assert judged(data, 1, use(1.0)) == {"vendor_share"}
    assert taken(data) == 2


def test_residency_keeps_work_out_of_a_country() -> None:
    data = shop(demand={"countries": ["GB"]})
    assert judged(data, 1) == set()
    assert judged(data, 1, use(1.0)) == {"residency"}
    assert taken(data) == 0


def test_whole_domain_gangs_need_their_domains_at_once() -> None:
    rates = [{"chip": "c", "domain": "d", "slice_chips": 8, "chips": 16, "work_per_hour": 16.0}]
    data = shop(rates=rates, demand={"work_per_month": 5840.0})
    gang = use(1.0, chips=16)
    assert judged(data, 2, gang) == set()
    assert judged(data, 1, gang) == {"whole_domain"}
    assert taken(data) == 2


def test_whole_domain_classes_take_no_part_of_one() -> None:
    row = {"chip": "c", "domain": "d", "slice_chips": 4, "chips": 4, "work_per_hour": 6.0}
    whole = {"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 8.0}
    both: Data = {"rates": [row, whole], "domain": {"slice_chips": [4]}}
    part = use(1.0, chips=4, slice_chips=4)
    assert judged(shop(**both), 1, part) == set()
    assert judged(shop(**both, demand={"whole_domain": True}), 1, part) == {"demand"}


@pytest.mark.parametrize("field", ["upfront", "rent", "upkeep", "energy", "unserved", "total"])
def test_a_false_claim_about_the_objective_is_found(field: str) -> None:
    plan = by_hand(shop(), 1, use(1.0))
    plan["objective"] = plan["objective"] | {field: plan["objective"][field] - 1}
    assert "objective" in wrong(shop(), plan)
    assert field in strange(shop(), plan)


def test_false_bounds_gaps_and_states_are_found() -> None:
    plan = by_hand(shop(), 1, use(1.0))
    assert wrong(shop(), plan | {"bound": plan["bound"] + 1}) == {"bound"}
    assert wrong(shop(), plan | {"gap": 0.5}) == {"gap"}
    assert wrong(shop(), plan | {"status": "optimal"}) == {"status"}
    assert wrong(shop(), plan | {"status": "infeasible"}) == {"status"}


def test_prices_of_rows_that_do_not_exist_are_void() -> None:
    plan = by_hand(shop(), 1, use(1.0))
    voids: list[Data] = [{"demand": {"x": [1]}}, {"capex": 1}, {"power_total": [1]}]
    for prices in [*voids, {"power": {"s": []}}]:
        certificate = {"goal": "cost", "tree": {"prices": prices}}
        found = wrong(shop(), plan | {"certificate": certificate, "bound": None, "gap": None})
        assert found == {"certificate"}


def test_no_plan_at_all_is_proven() -> None:
    data = shop(demand={"value_usd_per_unit": None}, site={"racks": 1.0})
    plan = solve(judged_mix.read(data))
    assert plan.status is Status.INFEASIBLE
    judged_mix.passes(data, plan)
