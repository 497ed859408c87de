"""Documented figures of the shipped expansions: MW, chips, dates, money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from instances.catalog import load
from optimizer.domain.growth.builds import PowerBuild
from optimizer.domain.growth.contracts import Cloud, Lease
from optimizer.domain.growth.scenes import drawn_futures, futures_of

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


def test_nscale_s_300_000_stand_where_they_are_reported() -> None:
    instance, expand = asked("nscale-300k")
    units = {name: c.units for name, c in expand.contracts.items() if isinstance(c, Cloud)}
    gpus = {"loughton": 23_040, "narvik": 52_000, "sines": 12_600, "texas": 104_000}
    for site, count in gpus.items():
        assert units[f"microsoft-{site}"] == pytest.approx(0.9 * count)
    assert sum(gpus.values()) + 104_000 == pytest.approx(300_000, rel=0.02)
    both = billions(instance, "microsoft-texas") + billions(instance, "microsoft-sines")
    assert both == pytest.approx(14.0, rel=0.01)
    narvik = expand.contracts["microsoft-narvik"]
    assert isinstance(narvik, Cloud)
    assert narvik.units * narvik.usd_per_unit_hour * 5 * 8760 == pytest.approx(6.2e9, rel=0.01)
    caps = {s: max(x.cap_mw.numbers[-1] for x in instance.sites[s].supplies.values()) for s in gpus}
    assert (caps["loughton"], caps["narvik"], caps["texas"]) == (50.0, 230.0, 240.0)
    narvik_grid = expand.builds["narvik-grid"]
    assert isinstance(narvik_grid, PowerBuild)
    assert caps["narvik"] + narvik_grid.max_units * narvik_grid.cap_mw == 520.0
    for plan in ("texas-300k", "norway-300k", "spread-300k"):
        there = 23_040 + ends(instance, plan, "gb300-racks")
        assert 297_000 <= there <= 307_000, plan


def test_miners_have_the_reported_contracts() -> None:
    instance, expand = asked("miners-portfolio")
    assert billions(instance, "microsoft") == pytest.approx(9.7, rel=0.005)
    assert expand.contracts["microsoft"].prepayment_share == 0.2
    assert ends(instance, "cloud-only", "childress-hall") == 200.0
    gpus = ends(instance, "cloud-only", "childress-racks")
    assert gpus * 58_000 == pytest.approx(5.8e9, rel=0.05)
    assert billions(instance, "anthropic") == pytest.approx(7.0, rel=0.005)
    leases = {name: c.it_mw for name, c in expand.contracts.items() if isinstance(c, Lease)}
    assert leases["anthropic"] == 245.0 and leases["coreweave"] == 262.0
    assert billions(instance, "coreweave") / 262 / 12 == pytest.approx(8.7 / 500 / 12, rel=0.01)
    owners = {site.owner for site in instance.sites.values()}
    assert owners == {"IREN", "Core Scientific", "CleanSpark", "Bitfarms", "Hut 8"}


def test_rainier_grows_building_by_building_from_trainium2_to_3() -> None:
    instance, expand = asked("rainier-steps")
    (pool,) = (s for s in instance.growth.stocks if max(s.there))
    assert max(pool.there) * pool.chips == pytest.approx(500_000, rel=0.001)
    step = expand.builds["power-step"]
    assert isinstance(step, PowerBuild)
    now = instance.sites["new-carlisle"].supplies["grid"].cap_mw.numbers[0]
    assert now == pytest.approx(11 * step.cap_mw, rel=0.001)
    assert now + 7 * step.cap_mw == pytest.approx(1229, rel=0.001)
    assert now + ends(instance, "eighteen-buildings", "power-step") == pytest.approx(1229, abs=1)
    assert 11 + step.max_units == 30
    whole = now + ends(instance, "thirty-buildings", "power-step")
    assert whole == pytest.approx(2050, abs=5)
    assert expand.compute["trn3-gen1"] == 1.94


def test_fluidstack_has_fifty_billion_for_up_to_a_million_tpus() -> None:
    instance, expand = asked("fluidstack-anthropic")
    assert expand.finance is not None and expand.finance.capex_usd_per_year is not None
    assert sum(expand.finance.capex_usd_per_year) == 50e9
    assert ends(instance, "a-million", "tpu-cubes") == 1e6
    halls = [ends(instance, "a-million", f"{s}-hall") for s in ("mariner", "abernathy")]
    assert halls == [360.0, 168.0]
    (abernathy, mariner) = (expand.builds[f"{s}-hall"] for s in ("abernathy", "mariner"))
    assert abernathy.fixed_usd_per_year * 168 * 25 == pytest.approx(9.5e9, rel=0.005)
    assert mariner.fixed_usd_per_year * 360 * 10 == pytest.approx(6.7e9, rel=0.005)


def test_a_crunch_takes_demand_rents_and_credit_together() -> None:
    instance, expand = asked("demand-crunch")
    lease = expand.builds["ellendale-lease"]
    assert lease.fixed_usd_per_year * 400 * 15 == pytest.approx(11e9, rel=0.005)
    supply = instance.sites["ellendale"].supplies["grid"].cap_mw.numbers
    assert supply == tuple(1.18 * mw for mw in (100, 250, 400))
    calendar = instance.growth.calendar
    drawn = drawn_futures(expand, calendar, 2000, 5)
    rents = np.array([f.factors["rent"][-1] for f in drawn])
    volumes = np.array([f.factors["demand"][-1] for f in drawn])
    stops = np.array([f.defaults[1] < calendar.periods for f in drawn])
    poor = rents < np.quantile(rents, 0.2)
    assert np.corrcoef(np.log(rents), np.log(volumes))[0, 1] > 0.7
    assert stops[poor].mean() > 0.75 > 2 * stops[~poor].mean()
