"""The facilities with several sites or kinds of chip: what each of them is there for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from instances.catalog import load
from instances.measure import fleet_chips, shape
from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance


def training_mw(instance: Instance, site: str) -> float:
    """Return what a site draws at its meter with every chip in training [MW]."""
    total = 0
    for pool in instance.pools.values():
        if pool.site == site:
            chips = int(pool.present(instance.horizon).max()) * instance.domain_chips(pool)
            total += instance.chips[pool.chip].gang_w(chips, "full")
    return int(instance.sites[site].pue_milli(instance.horizon).max()) / 1000 * total / 1e6


def cap_mw(instance: Instance, site: str) -> float:
    """Return the largest cap of a site with one supply [MW]."""
    (supply,) = instance.sites[site].supplies.values()
    return int(supply.cap_w(instance.horizon).max()) / 1e6


def homes(instance: Instance, job: int) -> set[str]:
    """Return the sites at which a job may run."""
    return {instance.pools[p.pool].site for m in instance.modes(job) for p in m.parts}


def test_lake_mariner_has_200_mw_of_it_load_and_chips_for_more() -> None:
    instance = load("lake-mariner-mixed")
    assert cap_mw(instance, "lake-mariner") == pytest.approx(200 * 1.2)
    assert instance.sources["/sites/lake-mariner/supplies/grid/cap_mw"].kind == "derived"
    draw = training_mw(instance, "lake-mariner")
    assert draw > 1.03 * cap_mw(instance, "lake-mariner")
    assert f"{draw:.1f} MW" in " ".join(instance.notes)
    assert fleet_chips(instance) == 16 * 9216 + 288 * 72


def test_the_blackwell_at_lake_mariner_is_assumed() -> None:
    instance = load("lake-mariner-mixed")
    assert instance.sources["/pools/lake-mariner~1gb300/count"].kind == "assumed"
    assert any("Blackwell" in note and "assumed" in note for note in instance.notes)


@pytest.mark.parametrize("name", ["lake-mariner-mixed", "four-sites"])
def test_tpu_gangs_are_whole_cubes_or_a_slice_of_one(name: str) -> None:
    instance = load(name)
    modes = [m for j in range(len(instance.jobs)) for m in instance.modes(j)]
    parts = [p for m in modes for p in m.parts if instance.pools[p.pool].chip == "tpu-v7"]
    assert all(p.slice_chips == 64 or p.slices == 1 for p in parts)
    assert sum(p.slices > 1 for p in parts) > 50
    assert {p.slice_chips for p in parts} == {4, 8, 16, 32, 64}


def test_the_trainium_campus_says_that_it_is_hypothetical_and_its_rates_estimates() -> None:
    instance = load("trainium3-campus")
    assert instance.title.startswith("Hypothetical")
    assert instance.notes[0].startswith("Hypothetical")
    assert all(r.is_assumed for w in instance.workloads.values() for r in w.rates)
    assert instance.sources["/pools"].kind == "assumed"
    for site in instance.sites:
        assert instance.sources[f"/sites/{site}/supplies/feeder/cap_mw"].kind == "assumed"
        assert training_mw(instance, site) > 1.03 * cap_mw(instance, site)
        assert f"{training_mw(instance, site):.1f} MW" in " ".join(instance.notes)


def test_the_halls_have_ultraservers_of_64_in_air_and_of_144_in_liquid() -> None:
    instance = load("trainium3-campus")
    sizes = {p.site: instance.domain_chips(p) for p in instance.pools.values()}
    assert sizes == {"air-hall": 64, "liquid-hall": 144}
    assert [site.cooling for site in instance.sites.values()] == [("air",), ("liquid",)]
    data = instance.data()
    data["pools"]["liquid-hall/trn3-gen2"]["site"] = "air-hall"
    with pytest.raises(InstanceError, match="needs liquid cooling, air-hall has air"):
        parse_instance(json.dumps(data))


def test_residency_and_data_bind_jobs_to_loughton() -> None:
    instance = load("uk-and-norway")
    form = shape(instance)
    british = [j for j, job in enumerate(instance.jobs) if job.countries == ("GB",)]
    owned = [j for j, job in enumerate(instance.jobs) if job.owners == ("Nscale",)]
    assert all(homes(instance, j) == {"loughton"} for j in british + owned)
    assert len(british) >= 40 and len(owned) >= 10
    assert 0.2 <= form.resident / form.jobs <= 0.5
    assert form.several_sites >= 0.4 * form.jobs
    assert sum(len(job.data) == 1 for job in instance.jobs) >= 100
    refused = [r.rule for j in british for r in instance.refusals(j)]
    assert refused.count("residency") > 30


def test_the_price_of_staying_is_the_difference_of_two_energy_prices() -> None:
    instance = load("uk-and-norway")
    kw, rent = instance.chips["gb300"].training_kw, instance.chips["gb300"].rent_usd_per_chip_hour
    cost = {}
    for name, site in instance.sites.items():
        price = site.supplies["grid"].price_usd_per_mwh.over(instance.horizon, "mean").mean()
        cost[name] = kw * float(site.pue_milli(instance.horizon).max()) / 1000 * float(price) / 1000
    text = " ".join(instance.notes)
    staying = cost["loughton"] - cost["narvik"]
    for said in (f"= {cost['loughton']:.3f} USD", f"= {cost['narvik']:.3f} USD"):
        assert said in text
    assert f"staying costs {staying:.3f} USD a chip-hour, {staying / (rent or 1):.1%}" in (
        text.replace(" %", "%")
    )
    for name in instance.sites:
        mw = f"{training_mw(instance, name):.1f} of {cap_mw(instance, name):g} MW"
        assert mw in text


@pytest.mark.parametrize(
    ("site", "own"),
    [
        ("loughton", "loughton-2027"),
        ("lake-mariner", "lake-mariner-mixed"),
        ("narvik", "uk-and-norway"),
        ("loughton", "uk-and-norway"),
    ],
)
def test_a_site_is_the_same_in_the_fleet_of_four_as_on_its_own(site: str, own: str) -> None:
    if own == "uk-and-norway" and site == "loughton":
        fleet, alone = load("uk-and-norway"), load("loughton-2027")
    else:
        fleet, alone = load("four-sites"), load(own)
    assert fleet.sites[site] == alone.sites[site]
    for name, pool in alone.pools.items():
        if pool.site == site:
            assert fleet.pools[name].count == pool.count
            assert fleet.pools[name].spares == pool.spares
            assert fleet.chips[pool.chip] == alone.chips[pool.chip]


def test_the_fleet_of_four_has_memphis_after_its_grid_step() -> None:
    fleet, alone = load("four-sites"), load("memphis-bridge")
    assert {p: fleet.pools[p] for p in alone.pools} == alone.pools
    grid, called = fleet.sites["memphis"].supplies["grid"], fleet.sites["memphis"]
    caps = grid.cap_w(fleet.horizon) / 1e6
    outside = ~called.is_called(fleet.horizon)
    assert set(caps[outside]) == {300.0} and set(caps[~outside]) == {150.0}
    assert np.count_nonzero(~outside) == 2
    assert f"{training_mw(fleet, 'memphis'):.0f} MW" in " ".join(fleet.notes)
    assert any(gang.pauses_at_calls for job in fleet.jobs for gang in job.gangs)


def test_jobs_of_the_fleet_of_four_have_several_chips_and_sites() -> None:
    instance = load("four-sites")
    form = shape(instance)
    assert form.several_chips >= 0.3 * form.jobs
    assert form.several_sites >= 0.3 * form.jobs
    assert {p.chip for p in instance.pools.values()} == {"gb300", "h100", "h200", "tpu-v7"}
    xai = [j for j, job in enumerate(instance.jobs) if job.owners == ("xAI",)]
    british = [j for j, job in enumerate(instance.jobs) if job.countries == ("GB",)]
    assert all(homes(instance, j) == {"memphis"} for j in xai) and len(xai) >= 30
    assert all(homes(instance, j) == {"loughton"} for j in british) and len(british) >= 8
