"""Documented figures of the shipped expansions: MW, chips, dates, money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from instances.catalog import load
from optimizer.domain.growth.contracts import Lease
from optimizer.domain.growth.scenes import futures_of

if TYPE_CHECKING:
    from optimizer.domain.growth.expand import Expand
    from optimizer.domain.instance import Instance


def asked(name: str) -> tuple[Instance, Expand]:
    """Return an instance and what it asks."""
    instance = load(name)
    assert instance.expand is not None
    return instance, instance.expand


def billions(instance: Instance, contract: str) -> float:
    """Return the rent of a contract within the horizon [billion USD]."""
    growth = instance.growth
    calendar = growth.calendar
    (c,) = (c for c in growth.contracts if c.name == contract)
    hours = [24 * d for d in calendar.days]
    time = [d / 365 for d in calendar.days] if c.is_lease else hours
    return sum(c.rent[t] * c.amount / 1e6 * time[t] for t in range(c.first, c.end)) / 1e18


def ends(instance: Instance, plan: str, build: str) -> float:
    """Return what the units of a build that a named plan orders add up to [MW or chips]."""
    assert instance.expand is not None
    steps = instance.expand.plans[plan].orders
    units = sum(s.units for s in steps if s.build == build)
    (image,) = (b for b in instance.growth.builds if b.name == build)
    size = instance.expand.builds[build]
    return units * (image.chips or getattr(size, "cap_mw", 0) or getattr(size, "it_mw", 0))


def test_lake_mariner_and_abernathy_are_let_at_the_reported_totals() -> None:
    instance, expand = asked("lake-mariner-abernathy")
    found = {name: c for name, c in expand.contracts.items() if isinstance(c, Lease)}
    assert (found["lake-mariner"].it_mw, found["lake-mariner"].periods) == (200.0, 40)
    assert (found["abernathy"].it_mw, found["abernathy"].periods) == (168.0, 100)
    totals = {n: billions(instance, n) for n in ("lake-mariner", "extension", "cb-5", "abernathy")}
    assert totals["lake-mariner"] == pytest.approx(3.7, rel=0.005)
    assert totals["lake-mariner"] + totals["extension"] == pytest.approx(8.7, rel=0.005)
    assert totals["lake-mariner"] + totals["cb-5"] == pytest.approx(6.7, rel=0.005)
    assert totals["abernathy"] == pytest.approx(9.5, rel=0.005)
    assert found["lake-mariner"].backstop_share * 3.7 == pytest.approx(1.8, rel=0.01)
    assert found["abernathy"].backstop_share * 9.5 == pytest.approx(1.3, rel=0.01)
    assert instance.growth.calendar.periods - 5 == 100  # both lie within the horizon
    halls = [ends(instance, "all-with-cb-5", f"{s}-hall") for s in ("mariner", "abernathy")]
    assert halls == [360.0, 168.0]
    assert 8e6 <= expand.builds["mariner-hall"].cost_usd.numbers[0] <= 10e6
    assert expand.finance is not None and expand.finance.debt_usd == 3.2e9 + 1.275e9


def test_an_abernathy_tenant_that_fails_leaves_a_backstop_and_empty_halls() -> None:
    instance, expand = asked("lake-mariner-abernathy")
    futures = {f.name: f for f in futures_of(expand, instance.growth.calendar)}
    names = list(expand.contracts)
    fails = dict(zip(names, futures["tenant-fails"].defaults, strict=True))
    label = instance.growth.calendar.label
    assert label(fails["abernathy"]) == label(fails["lake-mariner"]) == "2029-Q3"
    (relet,) = (c for c in instance.growth.contracts if c.name == "relet-abernathy")
    assert label(relet.first) == "2031-Q1" and fails["relet-abernathy"] == 105


def test_colossus_goes_from_110_000_to_a_million_gpus() -> None:
    instance, expand = asked("memphis-colossus2")
    (pool,) = (s for s in instance.growth.stocks if max(s.there))
    first = max(pool.there) * pool.chips
    assert first == pytest.approx(110_000, rel=0.001)
    assert first + ends(instance, "half-a-million", "gb300-racks") == pytest.approx(550e3, rel=0.01)
    assert first + ends(instance, "million-by-2029", "gb300-racks") == pytest.approx(1e6, rel=0.01)
    there = [s.cap_mw.numbers[0] for s in instance.sites["southaven"].supplies.values()]
    assert sum(there) == 276.0
    permit = expand.permits["southaven-air"].cap_mw.numbers[0]
    assert permit + there[0] == 1200.0
    assert expand.builds["gb300-racks"].cost_usd.numbers[0] * 1e6 == 62.5e9


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("memphis-colossus2-25", 25e9),
        ("memphis-colossus2-62", 62.5e9),
        ("memphis-colossus2", 125e9),
    ],
)
def test_colossus_has_the_three_budgets_of_the_press_report(name: str, budget: float) -> None:
    instance, expand = asked(name)
    assert expand.finance is not None and expand.finance.capex_usd_per_year is not None
    assert sum(expand.finance.capex_usd_per_year) == pytest.approx(budget)
    assert expand.finance.capex_usd_per_year[-1] == 0.0
    base = load("memphis-colossus2").expand
    assert base is not None and set(expand.plans) <= set(base.plans)
    assert expand.model_copy(update={"finance": base.finance, "plans": base.plans}) == base
    assert instance.sites == load("memphis-colossus2").sites
