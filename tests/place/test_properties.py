"""What must hold whatever the instance: more never hurts, names mean nothing, money scales."""

from __future__ import annotations

import copy
from typing import Any

import brute
import judged
import numpy as np
import pytest
import tiny

from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.plan import Options
from optimizer.place.solve import solve

Data = dict[str, Any]

BLOCKS = [range(20), pytest.param(range(20, 60), marks=pytest.mark.slow)]
"""Seeds of tiny instances; every fourth of them where there is something to solve."""

seeded = pytest.mark.parametrize("seeds", BLOCKS, ids=str)


def scaled(series: Any, factor: float, more: float = 0.0) -> Any:
    """Return a series of JSON data with all its values scaled, and raised."""
    if not isinstance(series, list):
        return series * factor + more
    return [
        x | {"value": x["value"] * factor + more} if isinstance(x, dict) else x * factor + more
        for x in series
    ]


def without_idle(seed: int) -> Data:
    """Return a tiny instance whose idle chips draw nothing: more chips then cost nothing."""
    data = copy.deepcopy(tiny.tiny(seed))
    for chip in data["chips"].values():
        chip["idle_kw"] = 0.0
    return data


def more_power(data: Data) -> None:
    """Give every supply a quarter more."""
    for site in data["sites"].values():
        for supply in site["supplies"].values():
            supply["cap_mw"] = scaled(supply["cap_mw"], 1.25)
            for call in supply.get("calls", ()):
                call["cap_mw"] *= 1.25


def more_chips(data: Data) -> None:
    """Give every pool a domain (or a chip) more."""
    for pool in data["pools"].values():
        pool["count"] = scaled(pool["count"], 1, 1)


def more_value(data: Data) -> None:
    """Make every second job worth half as much again."""
    for job in data["jobs"][::2]:
        job["value_usd"] *= 1.5


@pytest.mark.parametrize("more", [more_power, more_chips, more_value])
@seeded
def test_more_never_lowers_the_optimum(more: Any, seeds: range) -> None:
    raised = 0
    for seed in seeds:
        data = without_idle(seed)
        before, _ = brute.optimum(data)
        more(data)
        after, _ = brute.optimum(data)
        if before is not None:
            assert after is not None, seed
            assert after >= before, seed
            raised += after > before
    assert raised


@pytest.mark.parametrize("more", [more_power, more_chips, more_value])
@seeded
def test_more_leaves_the_engine_between_its_limits(more: Any, seeds: range) -> None:
    """The old plan is still below the new bound, and the new plan below the new optimum."""
    for seed in seeds[::4]:
        data = without_idle(seed)
        old, _ = brute.optimum(data)
        more(data)
        best, plan = brute.optimum(data)[0], judged.solved(data)
        if best is None or old is None:
            continue
        assert plan.bound is not None
        assert max(old, plan.objective.total) <= best <= plan.bound, seed


# ---- names and order ----------------------------------------------------------------------------


def renamed(data: Data, rng: np.random.Generator) -> tuple[Data, dict[str, str]]:
    """Return an instance with new names of jobs, sites and pools, its jobs shuffled."""
    old = [job["id"] for job in data["jobs"]] + [*data["sites"], *data["pools"]]
    new = {name: f"x{i}-{name}" for name, i in zip(old, rng.permutation(len(old)), strict=True)}
    out = copy.deepcopy(data)
    for kind in ("sites", "pools"):
        out[kind] = {new[name]: each for name, each in out[kind].items()}
    for pool in out["pools"].values():
        pool["site"] = new[pool["site"]]
    for job in out["jobs"]:
        job["id"] = new[job["id"]]
        job["predecessors"] = [new[name] for name in job.get("predecessors", ())]
        for held in job.get("data", ()):
            held["site"] = new[held["site"]]
        running = [job["running"]] if "running" in job else []
        for part in (part for mode in [*job.get("modes", ()), *running] for part in mode["parts"]):
            part["pool"] = new[part["pool"]]
    out["jobs"] = [out["jobs"][i] for i in rng.permutation(len(out["jobs"]))]
    return out, new


def prices_renamed(certificate: Data, new: dict[str, str]) -> Data:
    """Return the same prices under the new names."""
    named = copy.deepcopy(certificate)
    for kind in ("power", "chips"):
        named[kind] = {new[name]: prices for name, prices in certificate[kind].items()}
    for row in named["slices"]:
        row["pool"] = new[row["pool"]]
    for row in named["rounding"]:  # tenants keep their names
        row["of"] = new.get(row["of"], row["of"])
    for row in named["covers"]:
        row["of"] = new.get(row["of"], row["of"])
        for item in row["items"]:
            item["job"] = new[item["job"]]
    named["precedence"] = {
        new[name]: {new[before]: price for before, price in each.items()}
        for name, each in certificate.get("precedence", {}).items()
    }
    named["permits"] = {
        f"{new[key.split('/')[0]]}/{key.split('/')[1]}": price
        for key, price in certificate["permits"].items()
    }
    return named


@seeded
def test_names_and_order_change_neither_optimum_nor_bound(seeds: range) -> None:
    for seed in seeds:
        data, rng = tiny.tiny(seed), np.random.default_rng(seed)
        other, new = renamed(data, rng)
        best, placements = brute.optimum(data)
        assert brute.optimum(other)[0] == best, seed
        certificate = judged.random_certificate(data, rng)
        theirs = judged.certificate_of(prices_renamed(certificate, new))
        bound = upper_bound(judged.read(data), judged.certificate_of(certificate))
        again = upper_bound(judged.read(other), theirs)
        assert (again.total, again.rows, again.supply) == (bound.total, bound.rows, bound.supply)
        if best is not None:
            moved = [each | {"job": new[each["job"]]} for each in placements]
            plan = judged.by_hand(other, *reversed(moved))
            assert judged.wrong(other, plan) == set(), seed
            assert plan["objective"]["total"] == best


@seeded
def test_a_shuffled_instance_is_solved_within_the_same_limits(seeds: range) -> None:
    for seed in seeds[::4]:
        data = tiny.tiny(seed)
        other, _ = renamed(data, np.random.default_rng(seed))
        best, plan = brute.optimum(data)[0], judged.solved(other)
        if best is not None:
            assert plan.bound is not None
            assert plan.objective.total <= best <= plan.bound, seed


# ---- money --------------------------------------------------------------------------------------


def doubled(data: Data) -> Data:
    """Return an instance in which everything costs, and is worth, twice as much."""
    out = copy.deepcopy(data)
    for site in out["sites"].values():
        for supply in site["supplies"].values():
            supply["price_usd_per_mwh"] = scaled(supply["price_usd_per_mwh"], 2)
    out["carbon_usd_per_kg"] = 2 * out.get("carbon_usd_per_kg", 0.0)
    for job in out["jobs"]:
        modes = [*job.get("gangs", ()), *job.get("modes", ()), *job.get("data", ())]
        modes += [job["running"]] if "running" in job else []
        for thing in (job, *modes):
            for key in ("value_usd", "late_usd_per_hour", "one_off_usd", "restart_usd", "cost_usd"):
                if key in thing:
                    thing[key] *= 2
    return out


@seeded
def test_doubling_all_money_doubles_the_objective(seeds: range) -> None:
    for seed in seeds:
        data = tiny.tiny(seed)
        best, placements = brute.optimum(data)
        twice, _ = brute.optimum(doubled(data))
        assert (best is None) == (twice is None), seed
        if best is not None and twice is not None:
            # half a nano-USD is rounded per W-period, and a few per job
            watts = sum(
                sum(row) for site in judged.at_the_caps(data).values() for row in site.values()
            )
            assert abs(twice - 2 * best) <= watts + 10 * len(data["jobs"]), seed
            objective = judged.by_hand(doubled(data), *placements)["objective"]["total"]
            assert abs(objective - 2 * best) <= watts + 10 * len(data["jobs"]), seed


@seeded
def test_doubled_money_is_solved_within_the_same_limits(seeds: range) -> None:
    for seed in seeds[::4]:
        data = doubled(tiny.tiny(seed))
        best, plan = brute.optimum(data)[0], judged.solved(data)
        if best is not None:
            assert plan.bound is not None
            assert plan.objective.total <= best <= plan.bound, seed


# ---- incumbents and bounds ----------------------------------------------------------------------


@seeded
def test_incumbents_only_rise_bounds_only_fall_and_they_never_pass(seeds: range) -> None:
    for seed in seeds[::4]:
        told: list[tuple[int | None, int | None, float]] = []
        instance = judged.read(tiny.tiny(seed))
        plan = solve(
            instance,
            Options(rounds=4, seconds=60),
            on_incumbent=lambda *now: told.append(now),
        )
        check(instance, plan)
        assert [(i, b) for i, b, _ in told] == [(i, b) for _, i, b in plan.run.history], seed
        moments = [at for at, _, _ in plan.run.history]
        incumbents = [i for _, i, _ in plan.run.history if i is not None]
        bounds = [b for _, _, b in plan.run.history if b is not None]
        assert moments == sorted(moments), seed
        assert incumbents == sorted(incumbents), seed
        assert bounds == sorted(bounds, reverse=True), seed
        assert all(i is None or b is None or i <= b for i, b, _ in told), seed
        if incumbents and bounds:
            assert plan.bound == bounds[-1], seed
            assert plan.objective.total >= incumbents[-1] - 2000, seed


@seeded
def test_a_bound_at_other_prices_never_passes_an_incumbent(seeds: range) -> None:
    for seed in seeds[::4]:
        data, rng = tiny.tiny(seed), np.random.default_rng(seed)
        plan, instance = judged.solved(data), judged.read(data)
        if plan.status not in ("feasible", "optimal"):
            continue
        for _ in range(5):
            prices = judged.random_certificate(data, rng)
            bound = upper_bound(instance, judged.certificate_of(prices)).total
            assert bound is not None
            assert bound >= plan.objective.total, seed


def test_scaled_series_are_series() -> None:
    steps = [{"value": 1.0}, {"from": 2.0, "value": 3.0}]
    assert scaled(steps, 2, 1) == [{"value": 3.0}, {"from": 2.0, "value": 7.0}]
    assert scaled([1.0, 2.0], 2) == [2.0, 4.0]
    assert scaled(1.5, 2) == 3.0
