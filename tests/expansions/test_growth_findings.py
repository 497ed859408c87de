"""What is refused of an expansion, and what its calendar and its integer image are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tiny_expand import base, changed, made

from optimizer.domain.growth.scenes import drawn_futures
from optimizer.errors import InstanceError
from optimizer.expand.check import check
from optimizer.expand.plan import Options
from optimizer.expand.solve import solve

if TYPE_CHECKING:
    from optimizer.domain.growth.scenes import FutureImage

SEGMENT = {"volume": 1.0, "usd_per_unit_hour": 1.0}
NORWAY = {"country": "NO", "pue": 1.1, "supplies": {}}
LEASE = {
    "kind": "lease",
    "site": "s",
    "start": 0.0,
    "periods": 4,
    "it_mw": 1.0,
    "usd_per_mw_year": 1.0,
}

LEASED = {"l": LEASE | {"customer": "x"}}

WRONG: list[tuple[str, Any, str]] = [
    ("horizon/start", "2027-01-02", "horizon.start: must be the first day of a month"),
    ("horizon/periods", 11, "horizon.periods: must make whole periods of 3 months"),
    ("expand/blocks", [{"share": 0.5}], "expand.blocks: shares must sum to 1, got 0.5"),
    ("expand/sites", {"q": {"wacc_per_year": 0.1}}, "expand.sites['q']: 'q' is not a site"),
    ("expand/builds/grid/sites", ["q"], "expand.builds['grid'].sites: 'q' is not a site of the"),
    ("expand/builds/grid/permit", "air", "expand.builds['grid'].permit: 'air' is not a permit"),
    ("expand/builds/grid/energy_driver", "gas", "'gas' is not a driver; known: none"),
    ("expand/builds/grid/availability", [1.0, 1.0], "must have one share for each block, got 2"),
    ("expand/builds/racks/domain", "e", "expand.builds['racks'].domain: 'e' is not a domain"),
    ("expand/compute", {}, "expand.builds['racks'].domain: c has no compute"),
    ("expand/builds/hall/cost_usd", [1.0], "must have one number for each of 4 periods, got 1"),
    ("expand/demand/open/countries", ["US"], "expand.demand['open']: no site may serve it"),
    ("expand/contracts", {"l": LEASE}, "expand.contracts: 's' is leased to tenants and has chips"),
    ("expand/contracts", LEASED, "['l'].customer: 'x' is not a customer; known: none"),
    ("expand/futures", {"f": {"probability": 0.5}}, "probabilities must sum to 1, got 0.5"),
    ("sites/s/supplies", {"g": {"kind": "grid", "cap_mw": 1.0, "price_usd_per_mwh": 1.0,
                                "demand_usd_per_mw": 5.0}}, "expand does not plan with it"),
    ("expand/plans", {"p": {"orders": [{"build": "x", "site": "s", "at": 0.0, "units": 1}]}},
     "expand.plans['p'].orders[0].build: 'x' is not a build"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), WRONG, ids=[w[0] + w[2][:20] for w in WRONG])
def test_what_is_wrong_is_said_by_its_path(path: str, value: Any, said: str) -> None:
    with pytest.raises(InstanceError) as caught:
        made(changed(base(), path, value))
    assert any(said in line for line in caught.value.findings), caught.value.findings


def test_what_dies_by_itself_and_what_is_on_a_ramp_cannot_be_given_up() -> None:
    for field, value in (("life_periods", 2), ("ramp", [0.5])):
        data = changed(base(), f"expand/builds/grid/{field}", value)
        with pytest.raises(InstanceError, match="may_retire"):
            made(data, expand__builds__grid__may_retire=True)


def test_demands_that_overlap_or_of_which_the_narrow_pays_less_are_refused() -> None:
    data = changed(base(), "sites/n", NORWAY)
    data["expand"]["sites"]["n"] = {"wacc_per_year": 0.1}
    data["sites"]["u"] = {"country": "US", "pue": 1.1, "supplies": {}}
    data["expand"]["sites"]["u"] = {"wacc_per_year": 0.1}
    with pytest.raises(InstanceError, match="must pay no less, got 1 against 2 USD in 2027-Q1"):
        made(data, expand__demand__home=SEGMENT | {"countries": ["GB"]})
    for demand in ({"a": SEGMENT | {"sites": ["s", "n"]}, "b": SEGMENT | {"sites": ["n", "u"]}},):
        with pytest.raises(InstanceError, match="overlap; make them equal, disjoint or nested"):
            made(data, expand__demand=demand)
    with pytest.raises(InstanceError, match=r"must have one wacc_per_year, got 0\.1, 0\.2"):
        made(data, expand__sites__n={"wacc_per_year": 0.2})


def test_a_calendar_has_its_own_hours_and_years() -> None:
    calendar = made(base(8)).growth.calendar
    assert calendar.hours == (2160, 2184, 2208, 2208, 2184, 2184, 2208, 2208)  # 2028 is a leap year
    assert [calendar.year(t) for t in range(8)] == [0] * 4 + [1] * 4
    assert calendar.days_to_end(7) == 731
    assert calendar.position(calendar.edges[3]) == 3
    assert calendar.label(5) == "2028-Q2"
    months = made(base(4), expand__months_per_period=1).growth.calendar
    assert months.periods == 12 and months.days[1] == 28 and months.label(1) == "2027-02"


def test_discounts_are_whole_and_exact_after_a_year() -> None:
    site = made(base(4)).growth.sites[0]
    assert site.discount[3] == 909_090_909_090_909_091  # 1 / 1.1 after 365 days


def test_drawn_futures_repeat_themselves_and_keep_to_their_ranges() -> None:
    data = changed(base(), "expand/drivers", {"rent": {"low": 0.5, "high": 1.5, "market": 0.6}})
    data["expand"]["builds"]["grid"]["delays"] = [{"periods": 2, "probability": 0.25}]
    expand = made(data).expand
    assert expand is not None
    calendar = made(data).growth.calendar
    drawn = drawn_futures(expand, calendar, 400, 7)
    assert drawn == drawn_futures(expand, calendar, 400, 7)
    assert drawn != drawn_futures(expand, calendar, 400, 8)
    assert sum(f.ppb for f in drawn) == 1_000_000_000
    last = sorted(f.factors["rent"][-1] for f in drawn)
    assert 0.42e6 < last[40] < 0.58e6 and 1.4e6 < last[360] < 1.6e6
    assert 70 <= sum(f.delays[0] == 2 for f in drawn) <= 130


def credit(market: float) -> tuple[FutureImage, ...]:
    """Return 2,000 futures of two customers with three contracts, ten quarters, 20 % a year."""
    each = {"kind": "cloud", "start": "2027-01-01", "periods": 10, "units": 1.0}
    each |= {"usd_per_unit_hour": 1.0}
    who = {"default_per_year": 0.2, "market": market}
    data = changed(base(10), "expand/customers", {"a": who, "b": who})
    data["expand"]["contracts"] = {
        "a1": each | {"customer": "a"}, "a2": each | {"customer": "a"},
        "b": each | {"customer": "b"}, "state": each,
    }  # fmt: skip
    instance = made(data)
    assert instance.expand is not None
    return drawn_futures(instance.expand, instance.growth.calendar, 2000, 1)


def test_customers_default_with_all_their_contracts_at_the_rate_that_is_given() -> None:
    drawn = credit(0.0)
    assert all(f.defaults[0] == f.defaults[1] and f.defaults[3] == 10 for f in drawn)
    for year in (1, 2):
        share = sum(f.defaults[0] < 4 * year for f in drawn) / 2000
        assert share == pytest.approx(1 - 0.8**year, abs=0.03)


def test_customers_of_one_market_default_together() -> None:
    def both(market: float) -> float:
        return sum(f.defaults[0] < 4 and f.defaults[2] < 4 for f in credit(market)) / 2000

    assert both(0.0) == pytest.approx(0.04, abs=0.015)
    assert both(0.8) > 0.09 and both(1.0) == pytest.approx(0.2, abs=0.03)


def test_a_plan_on_futures_with_defaults_is_judged_on_the_same_ones() -> None:
    data = changed(base(), "expand/customers", {"a": {"default_per_year": 0.5}})
    data["expand"]["contracts"] = {"cloud": {
        "kind": "cloud", "customer": "a", "start": "2027-07-01", "periods": 2, "units": 500.0,
        "usd_per_unit_hour": 3.0, "penalty_usd_per_unit_hour": 1.0, "backstop_share": 0.5,
    }}  # fmt: skip
    instance = made(data)
    plan = solve(instance, Options(draw=20, seed=3))
    assert plan.contracts == ("cloud",) and not check(instance, plan).violations
    safe = solve(made(changed(data, "expand/customers/a/default_per_year", 0.0)), Options(draw=20))
    assert safe.objective.expected > plan.objective.expected
