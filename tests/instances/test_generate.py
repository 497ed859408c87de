"""The generator: the same seed gives the same jobs, the demand's parameters are met, anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instances.demand import Demand
from instances.elsewhere import AS_FAST
from instances.generate import make_jobs
from instances.measure import shape
from optimizer.domain.files import parse_instance
from optimizer.domain.instance import SCHEMA, Instance
from optimizer.errors import InstanceError


def world(periods: int = 84, period_hours: float = 2.0) -> Instance:
    """Return two sites: servers of 8 with slices, and a pool that is only a chip count."""
    rate = {"chip": "c", "domain": "d8", "chips": 8, "work_per_hour": 10.0}
    slices = [rate | {"slice_chips": s, "chips": s} for s in (2, 4, 8)]
    plain = {"chip": "p", "slice_chips": 1, "chips": 16, "work_per_hour": 5.0}
    supply = {"kind": "grid", "cap_mw": 5.0, "price_usd_per_mwh": 50.0}
    call = {"from": 30.0, "until": 32.0, "cap_mw": 2.0}
    site = {"country": "NO", "pue": 1.1, "supplies": {"grid": supply | {"calls": [call]}}}
    chip = {"hbm_gb": 80.0, "nameplate_kw": 1.2, "training_kw": 1.0}
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "two-sites",
        "horizon": {"start": "2026-06-01", "periods": periods, "period_hours": period_hours},
        "chips": {"c": chip | {"rent_usd_per_chip_hour": 2.0}, "p": chip},
        "domains": {"d8": {"chip": "c", "chips": 8, "slice_chips": [2, 4]}},
        "workloads": {"w": {"unit": "steps", "rates": [*slices, plain]}},
        "sites": {"a": site, "b": {"country": "GB", "pue": 1.1, "supplies": {"grid": supply}}},
        "pools": {
            "a/c": {"site": "a", "chip": "c", "domain": "d8", "count": 200, "spares": 2},
            "b/p": {"site": "b", "chip": "p", "count": 800},
        },
        "tenants": {"one": {}, "two": {"quota_chips": 400}},
        "jobs": [],
    }
    return parse_instance(json.dumps(data))


def demand(**changes: Any) -> Demand:
    """Return a demand of 120 jobs, with changes."""
    data: dict[str, Any] = {
        "seed": 1,
        "jobs": 120,
        "workloads": {"w": {"least_chips": 1, "most_chips": 100_000}},
        "tenants": {"one": {"share": 0.7, "has_largest": True}, "two": {"share": 0.3}},
    }
    return Demand.model_validate_json(json.dumps(data | changes))


def with_jobs(base: Instance, wanted: Demand) -> Instance:
    """Return an instance with generated jobs, read anew."""
    jobs = [j.model_dump(mode="json", by_alias=True) for j in make_jobs(base, wanted)]
    return parse_instance(json.dumps(base.data() | {"jobs": jobs}))


def test_the_same_seed_gives_the_same_jobs_and_another_seed_others() -> None:
    assert make_jobs(world(), demand()) == make_jobs(world(), demand())
    assert make_jobs(world(), demand()) != make_jobs(world(), demand(seed=2))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("period_hours", [1.0, 2.0])
def test_load_largest_jobs_and_running_share_are_met(seed: int, period_hours: float) -> None:
    base = world(round(168 / period_hours), period_hours)
    form = shape(with_jobs(base, demand(seed=seed, load=1.5, largest_share=0.35)))
    assert form.jobs == 120
    assert form.load == pytest.approx(1.5, rel=0.12)  # whole periods and second gangs add some
    assert form.largest_share == pytest.approx(0.35, abs=0.07)
    assert form.running_share == pytest.approx(0.35, abs=0.06)
    assert form.running == 24
    assert form.successors == 12
    assert form.windows > 0.15


@pytest.mark.parametrize("seed", range(6))
def test_quotas_hold_every_gang_of_a_tenant(seed: int) -> None:
    instance = with_jobs(world(), demand(seed=seed, choices=1.0))
    for j, job in enumerate(instance.jobs):
        if job.tenant == "two":
            assert all(mode.chips <= 400 for mode in instance.modes(j))


def test_pauses_and_power_levels_follow_their_shares() -> None:
    none = make_jobs(world(), demand(pauses=0.0, levels=0.0))
    assert not any(g.pauses_at_calls for job in none for g in job.gangs)
    assert all(g.power_levels == ("full",) for job in none for g in job.gangs)
    every = make_jobs(world(), demand(pauses=1.0, levels=1.0))
    assert any(g.pauses_at_calls and g.restart_usd > 0 for job in every for g in job.gangs)
    assert all(g.power_levels is None for job in every for g in job.gangs)


def test_gangs_elsewhere_are_about_as_fast_as_the_one_at_home() -> None:
    instance = with_jobs(world(), demand(elsewhere=1.0, anywhere=1.0, choices=0.0, levels=0.0))
    several = 0
    for j, job in enumerate(instance.jobs):
        modes = [m for m in instance.modes(j) if m.parts[0].pinned is None]
        assert all(gang.pools for gang in job.gangs)
        if len({m.parts[0].pool for m in modes}) > 1:
            several += 1
            assert all(m.duration <= AS_FAST * modes[0].duration + 1 for m in modes)
    assert several > 40


def test_jobs_that_are_bound_to_a_pool_have_no_gang_elsewhere() -> None:
    for job in make_jobs(world(), demand(elsewhere=1.0, anywhere=0.0)):
        assert len({pools for gang in job.gangs for pools in gang.pools or ()}) <= 1


def test_residency_holds_for_what_runs_already_and_for_the_home_of_every_job() -> None:
    british = {"share": 0.5, "countries": ["GB"]}
    anyone = {"share": 0.5, "has_largest": True}
    instance = with_jobs(world(), demand(tenants={"one": anyone, "two": british}))
    for j, job in enumerate(instance.jobs):
        if job.tenant == "two":
            assert {instance.pools[p.pool].site for p in instance.modes(j)[0].parts} == {"b"}


def test_copies_cost_money_and_time_at_every_other_site() -> None:
    copying = {"share": 1.0, "usd_per_chip": 2.0, "hours": 3.0}
    base = world()
    for job in make_jobs(base, demand(copying=copying, staged=0.0)):
        if job.running is None:
            (held,) = job.data
            hours = base.horizon.hours_at
            assert hours(held.ready) == hours(job.release) + 3.0
            assert held.cost_usd == pytest.approx(2.0 * job.gangs[0].chips, rel=5e-3)


def test_gangs_of_several_domains_take_whole_ones_where_that_is_asked() -> None:
    base = world().data()
    base["domains"]["d8"] |= {"chips": 32, "slice_chips": [8, 16]}
    first, _, _, plain = base["workloads"]["w"]["rates"]
    slices = [first | {"slice_chips": s, "chips": s, "work_per_hour": 2.0 * s} for s in (8, 16, 32)]
    base["workloads"]["w"]["rates"] = [*slices, plain]
    fleet = parse_instance(json.dumps(base))
    for whole in ([], ["d8"]):
        jobs = make_jobs(fleet, demand(whole_domains=whole, choices=1.0))
        gangs = [g for job in jobs for g in job.gangs if g.slice_chips in (8, 16)]
        assert any(g.chips > g.slice_chips for g in gangs) == (not whole)


def test_jobs_can_be_many_and_large_ones_none() -> None:
    jobs = make_jobs(world(), demand(jobs=2000, largest=0, largest_share=0.0, running=0))
    assert len({job.id for job in jobs}) == 2000
    assert not any(job.running for job in jobs)


def test_a_size_that_no_class_trains_is_refused() -> None:
    with pytest.raises(InstanceError, match="none is ordered for"):
        make_jobs(world(), demand(workloads={"w": {"least_chips": 5000, "most_chips": 6000}}))
