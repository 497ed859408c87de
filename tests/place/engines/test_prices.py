"""Rows that the engine prices by itself: bounds by hand that hold only with them."""

from __future__ import annotations

from typing import Any

import judged
import test_stranger_self as by_hand

from instances.seeded.place import random_place
from optimizer.place.arrays import build_arrays
from optimizer.place.engines.prices import minimised

Data = dict[str, Any]

USD = 10**9


def test_a_job_is_not_counted_without_the_one_it_waits_for() -> None:
    """Bringing the first costs 30 USD, the second is worth 50: together 20, not 50."""
    gang = {"chips": 8, "slice_chips": 8, "one_off_usd": 30.0}
    job = by_hand.one_job()["jobs"][0]
    first = job | {"id": "first", "value_usd": 0.0, "gangs": [gang]}
    second = job | {"id": "second", "predecessors": ["first"]}
    data = by_hand.one_job(jobs=[first, second], grid={"price_usd_per_mwh": 0.0})
    plan = judged.solved(data)
    assert plan.objective.total == 20 * USD
    assert plan.bound is not None
    assert plan.bound <= 21 * USD
    assert plan.certificate.precedence["second"]["first"] >= 29 * USD


def test_a_quota_holds_whole_gangs() -> None:
    """Two gangs of 8 that have to overlap, under a quota of 15 chips: one, not 15 / 8 of them."""
    job = by_hand.one_job()["jobs"][0] | {"tenant": "t", "deadline": 6.0}
    pool = {"site": "s", "chip": "c", "domain": "d", "count": 2}
    data = by_hand.one_job(
        jobs=[job | {"id": name} for name in "ab"],
        tenants={"t": {"quota_chips": 15}},
        pools={"p": pool},
        grid={"cap_mw": 1.0, "price_usd_per_mwh": 0.0},
    )
    plan = judged.solved(data)
    assert plan.objective.total == 50 * USD
    assert plan.bound is not None
    assert plan.bound <= 51 * USD


def bound_of(data: Data) -> float:
    """Return the bound at the prices that the dual finds [USD]."""
    return minimised(build_arrays(judged.read(data)), 1, lambda: False).best.bound


def test_prices_settle_as_well_where_every_supply_is_billed_by_its_peak() -> None:
    """A demand charge of a cent for a MW moves the bound by cents."""
    data = random_place(20, 2, 4, 20, 24, seed=3).data()
    plain = bound_of(data)
    for site in data["sites"].values():
        for supply in site["supplies"].values():
            supply["demand_usd_per_mw"] = 0.01
    assert abs(bound_of(data) - plain) < 0.003 * plain
