"""The shipped facilities solved for some seconds, checked by both judges."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import judged
import numpy as np
import pytest
import stranger

from instances.catalog import entry, load, names
from optimizer.place.certificate import upper_bound
from optimizer.place.plan import Options
from optimizer.place.solve import solve
from optimizer.units import usd

if TYPE_CHECKING:
    from optimizer.place.plan import PlacePlan

Data = dict[str, Any]

NAMES = ("loughton-2027", "memphis-bridge")


def data_of(name: str) -> Data:
    """Return a facility as its file holds it."""
    path = files("instances").joinpath(*entry(name).path.split("/"))
    data: Data = json.loads(path.read_text(encoding="utf-8"))
    return data


@cache
def planned(name: str) -> PlacePlan:
    """Return the plan of ten seconds."""
    return solve(load(name), Options(seconds=10))


@pytest.mark.parametrize(
    "name", ["loughton-2027", pytest.param("memphis-bridge", marks=pytest.mark.slow)]
)
def test_both_judges_agree_on_random_prices_of_a_facility(name: str) -> None:
    data, instance = data_of(name), load(name)
    certificate = judged.random_certificate(data, np.random.default_rng(1))
    bound = upper_bound(instance, judged.certificate_of(certificate))
    assert bound.total == stranger.bound(data, certificate)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_seconds_give_a_plan_that_both_judges_accept(name: str) -> None:
    plan = planned(name)
    judged.passes(data_of(name), plan, load(name))
    assert plan.status == "feasible"
    assert plan.gap is not None
    assert plan.gap <= 0.1
    assert len(plan.placements) >= 100


@pytest.mark.slow
@pytest.mark.parametrize("name", names("place"))
def test_no_run_contradicts_the_golden_incumbent_and_bound(name: str) -> None:
    plan, golden = planned(name), entry(name)
    assert golden.best_incumbent.value_usd is not None
    assert golden.best_bound.value_usd is not None
    assert plan.bound is not None
    assert usd(plan.bound) >= golden.best_incumbent.value_usd
    assert usd(plan.objective.total) <= golden.best_bound.value_usd


@pytest.mark.slow
def test_power_has_a_certified_price_in_thirty_per_cent_of_hours_at_memphis() -> None:
    """A price above that of energy: one more MW would be worth more than it costs to run."""
    plan, instance = planned("memphis-bridge"), load("memphis-bridge")
    for name, site in instance.sites.items():
        energy = np.max(
            [
                s.cost_nano(instance.horizon, instance.carbon_usd_per_kg)
                for s in site.supplies.values()
            ],
            axis=0,
        )
        binds = np.array(plan.certificate.power[name]) > 1.01 * energy
        assert binds.mean() >= 0.3


@pytest.mark.slow
def test_power_does_not_bind_at_loughton() -> None:
    plan, instance = planned("loughton-2027"), load("loughton-2027")
    for name, site in instance.sites.items():
        cap = sum(s.cap_w(instance.horizon) for s in site.supplies.values())
        given = np.sum([np.array(row) for row in plan.dispatch[name].values()], axis=0)
        assert (given < cap).all()


@pytest.mark.slow
def test_batteries_of_memphis_are_emptied_in_its_calls() -> None:
    instance, data = load("memphis-batteries"), data_of("memphis-batteries")
    plan = solve(instance, Options(seconds=60))
    judged.passes(data, plan, instance)
    assert plan.gap is not None
    assert plan.gap <= 0.04
    given = np.array(plan.dispatch["memphis"]["batteries"])
    called = instance.sites["memphis"].is_called(instance.horizon)
    assert given[called].sum() >= 0.5 * 3 * 0.96 * 300e6  # three calls, full each time
