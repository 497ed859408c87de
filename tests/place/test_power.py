"""Batteries, demand charges: rules, certificate, whole schedules and search, on tiny instances."""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any

import brute
import judged
import numpy as np
import pytest
import stranger
from brute_power import slack
from tiny_power import tiny_power

from optimizer.errors import InstanceError
from optimizer.place.account.ledger import Ledger
from optimizer.place.account.prices import PriceBook, gap_terms
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.engines.power.schedule import SitePower, best_schedule
from optimizer.place.engines.power.whole import cheapest, cost_of, serves
from optimizer.place.plan import PlacePlan, Status
from optimizer.place.report import report

Data = dict[str, Any]

SEEDS = (4, 8, 9, 11, 14, 15, 18, 20, 37, 38, 48, 52)
MORE = (21, 25, 30, 31, 34, 36, 40, 42, 43, 49, 50)
"""Seeds that brute force decides within half a second: all that have batteries, and some beside
them, and the others that have demand charges alone."""

each_seed = pytest.mark.parametrize(
    "seed", [*SEEDS, *(pytest.param(n, marks=pytest.mark.slow) for n in MORE)]
)
all_seeds = pytest.mark.parametrize(
    "seeds", [SEEDS, pytest.param(MORE, marks=pytest.mark.slow)], ids=["first", "more"]
)


@cache
def optimum(seed: int) -> int | None:
    """Return the optimum of a tiny instance in watts that need not be whole [nano-USD]."""
    return brute.optimum(tiny_power(seed))[0]


@cache
def engine(seed: int) -> PlacePlan:
    """Return the engine's plan of a tiny instance, checked."""
    return judged.solved(tiny_power(seed))


# ---- certificate and search ---------------------------------------------------------------------


def with_battery_prices(data: Data, certificate: Data, rng: np.random.Generator) -> Data:
    """Return a certificate with random prices of what batteries hold, of the order of energy."""
    world = stranger.World(data)
    most = 2 * max(price for supply in world.supplies.values() for price in supply.energy)
    batteries = [f"{s}/{k}" for (s, k), x in world.supplies.items() if x.battery]
    drawn = {name: rng.uniform(0, most, world.periods) for name in batteries}
    return certificate | {"batteries": {k: [int(x) for x in row] for k, row in drawn.items()}}


@each_seed
def test_random_prices_bound_the_optimum_and_both_judges_agree(seed: int) -> None:
    data, rng = tiny_power(seed), np.random.default_rng(seed)
    instance, best = judged.read(data), optimum(seed)
    for _ in range(8):
        drawn = judged.random_certificate(data, rng)
        for prices in (drawn, with_battery_prices(data, drawn, rng)):
            bound = upper_bound(instance, judged.certificate_of(prices)).total
            assert bound == stranger.bound(data, prices)
            assert bound is not None
            assert best is not None
            assert bound >= best - 1


@each_seed
def test_engine_plans_are_legal_and_the_optimum_lies_between(seed: int) -> None:
    best, plan = optimum(seed), engine(seed)
    assert best is not None
    assert plan.bound is not None
    assert plan.bound >= best - 1
    if plan.status is not Status.UNKNOWN:
        assert plan.objective.total <= best + 1


@all_seeds
def test_engine_finds_most_optima_in_two_rounds(seeds: tuple[int, ...]) -> None:
    found = 0
    for seed in seeds:
        data, best = tiny_power(seed), optimum(seed)
        plan = engine(seed)
        assert best is not None
        found += plan.objective.total >= best - slack(stranger.World(data))
    assert found >= 0.8 * len(seeds)


@all_seeds
def test_the_gap_is_told_to_the_last_nano_usd(seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        data, plan = tiny_power(seed), engine(seed)
        instance = judged.read(data)
        bound = upper_bound(instance, plan.certificate)
        ledger = Ledger(instance, plan)
        terms = gap_terms(ledger, bound, PriceBook(ledger))
        assert bound.total is not None
        assert sum(t.amount for t in terms) == bound.total - plan.objective.total, seed
        assert all(t.amount >= 0 for t in terms), seed


def test_the_report_tells_of_batteries_and_peaks() -> None:
    both = 0
    for seed in SEEDS[:8]:
        data, plan = tiny_power(seed), engine(seed)
        instance = judged.read(data)
        said = report(instance, plan, check(instance, plan))
        names = {table.title for section in said.sections for table in section.tables}
        supplies = [x for site in data["sites"].values() for x in site["supplies"].values()]
        assert ("Batteries" in names) == any("storage" in x for x in supplies)
        assert ("Demand charges" in names) == any("demand_usd_per_mw" in x for x in supplies)
        both += {"Batteries", "Demand charges"} <= names
    assert both >= 1


@pytest.mark.parametrize("key", ["energy_mwh", "in_mw", "efficiency_in", "efficiency_out"])
def test_a_better_battery_never_lowers_the_optimum(key: str) -> None:
    seen = raised = 0
    for seed in SEEDS:
        data = tiny_power(seed)
        stores = [s["supplies"].get("battery") for s in data["sites"].values()]
        for battery in (x for x in stores if x is not None):
            more = 1.0 if key.startswith("efficiency") else 1.5 * battery["storage"][key]
            battery["storage"][key] = more
            seen += 1
        before, after = optimum(seed), brute.optimum(data)[0]
        assert before is not None
        assert after is not None
        assert after >= before - 1
        raised += after > before
    assert seen >= 10
    assert raised >= (key != "in_mw")  # none of these batteries waits for its charge


@all_seeds
def test_no_battery_is_never_better_than_one(seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        data = copy.deepcopy(tiny_power(seed))
        for site in data["sites"].values():
            site["supplies"].pop("battery", None)
        without, best = brute.optimum(data)[0], optimum(seed)
        assert best is not None
        called = any("calls" in x for s in tiny_power(seed)["sites"].values() for x in
                     s["supplies"].values())  # fmt: skip
        assert called or without is None or without <= best + 1, seed


# ---- whole schedules ----------------------------------------------------------------------------


def random_power(rng: np.random.Generator, periods: int, scale: float) -> tuple[SitePower, Any]:
    """Return supplies of a site, batteries last, and a load of it that may be too much."""
    rows: list[tuple[Any, ...]] = []
    for k in range(int(rng.integers(1, 4))):
        cap = (rng.uniform(0.3, 1) * scale * np.where(rng.random(periods) < 0.2, 0.5, 1)).astype(
            int
        )
        cost = (rng.uniform(2e4, 1e5) * rng.uniform(0.5, 1.5, periods)).astype(int)
        limit = int(cap.sum() * rng.uniform(0.2, 0.9)) if k == 1 and rng.random() < 0.3 else -1
        peak = int(rng.uniform(0, 5e6)) if rng.random() < 0.5 else 0
        rows.append((cap, cost, limit, peak, -1, 0, 0, 0, 0))
    supplied = sum(row[0] for row in rows)
    for _ in range(int(rng.integers(0, 3))):
        cap = np.full(periods, int(rng.uniform(0.1, 0.6) * scale))
        full = int(rng.uniform(0.1, 4) * scale * 1000)
        store = full, int(full * rng.uniform(0, 1)), int(rng.uniform(0.05, 0.6) * scale)
        wear = np.full(periods, int(rng.integers(0, 2)) * 3000)
        pair = int(rng.integers(800, 1001)), int(rng.integers(1000, 1250))
        rows.append((cap, wear, -1, 0, *store, *pair))
    load = supplied * rng.uniform(0.2, 1.3, periods) * rng.uniform(0.6, 1)
    return SitePower(*(np.array(x, np.int64) for x in zip(*rows, strict=True))), load.astype(int)


@pytest.mark.parametrize("first", [0, 100, pytest.param(200, marks=pytest.mark.slow)])
def test_whole_schedules_are_legal_and_cost_what_the_linear_program_does(first: int) -> None:
    served = 0
    for seed in range(first, first + 100):
        rng = np.random.default_rng(seed)
        power, load = random_power(rng, 18, 3e8)
        least, found = best_schedule(power, load), cheapest(power, load)
        if least is None:
            assert found is None
            continue
        served += 1
        assert found is not None, seed
        assert serves(power, load, found), seed
        cost = float((least.given * power.cost).sum())
        cost += float((least.peak * power.peak_cost)[power.billed].sum())
        assert sum(cost_of(power, found)) <= cost * (1 + 1e-6), seed
    assert served >= 60


# ---- just legal, just illegal -------------------------------------------------------------------


def ridden_through(grid: float = 10.0, cap: float = 2.0, **storage: float) -> tuple[Data, Data]:
    """Return an instance and a plan: a battery helps a job of 12 kW past a grid of 10 in hour 1.

    It holds 1,200 Wh at the start, adds 0.8 Wh for each Wh charged and gives 1 for each 1.25 taken.
    """
    battery = {
        "kind": "battery",
        "cap_mw": cap / 1000,
        "price_usd_per_mwh": 10.0,
        "storage": {
            "energy_mwh": 0.0025,
            "in_mw": 0.004,
            "efficiency_in": 0.8,
            "efficiency_out": 0.8,
            "start_mwh": 0.0012,
        }
        | storage,
    }
    caps = [0.02, grid / 1000, 0.02, 0.02]
    supplies = {"grid": {"kind": "grid", "cap_mw": caps, "price_usd_per_mwh": 100.0}}
    job = judged.job("a", hours=4.0)
    data = judged.world(job, size=8, site={"pue": 1.5, "supplies": supplies | {"battery": battery}})
    plan = judged.by_hand(data, judged.placed("a", 0, 4, [0]), is_generous=True)
    grid_w = [12_000 + 1_625, 10_000, 12_000, 12_000]
    plan["dispatch"] = {"s": {"grid": grid_w, "battery": [0, 2_000, 0, 0]}}
    plan["charge"] = {"s": {"battery": [1_625, 0, 0, 0]}}
    return data, judged.claimed(data, plan)


def found(data: Data, plan: Data) -> tuple[set[str], set[str]]:
    """Return what the checker and the stranger find wrong with a plan that claims the truth."""
    plan = judged.claimed(data, plan)
    return judged.wrong(data, plan), judged.strange(data, plan)


def test_battery_ends_no_lower_than_it_began() -> None:
    data, plan = ridden_through()
    plan["charge"]["s"]["battery"][0] = 3_125  # 0.8 x 3,125 = 1.25 x 2,000
    plan["dispatch"]["s"]["grid"][0] = 15_125
    data["sites"]["s"]["supplies"]["battery"]["storage"]["energy_mwh"] = 0.0037
    plan["instance_hash"] = judged.read(data).hash
    assert found(data, plan) == (set(), set())
    plan["charge"]["s"]["battery"][0] -= 1
    assert found(data, plan) == ({"battery"}, {"battery"})


def legal() -> tuple[Data, Data]:
    """Return a plan at several limits: full after hour 0, as full at the end as at the start."""
    data, plan = ridden_through()
    plan["charge"]["s"]["battery"] = [1_625, 0, 1_500, 0]
    plan["dispatch"]["s"]["grid"] = [13_625, 10_000, 13_500, 12_000]
    return data, plan


def test_battery_never_holds_more_than_it_can() -> None:
    data, plan = legal()
    assert found(data, plan) == (set(), set())
    plan["charge"]["s"]["battery"][0] += 1
    plan["dispatch"]["s"]["grid"][0] += 1
    assert found(data, plan) == ({"battery"}, {"battery"})


def test_battery_never_holds_less_than_nothing() -> None:
    data, plan = ridden_through()
    plan["charge"]["s"]["battery"] = [1_625, 0, 3_125, 0]
    plan["dispatch"]["s"] = {"grid": [13_625, 10_000, 15_125, 12_000], "battery": [0, 2_000, 0, 0]}
    assert found(data, plan) == (set(), set())
    plan["dispatch"]["s"]["battery"][0] = 1_000  # 1,200 + 1,300 - 1,250 - 2,500 < 0
    assert found(data, plan) == ({"battery"}, {"battery"})


def test_battery_charges_no_faster_than_it_can() -> None:
    data, plan = ridden_through()
    plan["charge"]["s"]["battery"] = [1_625, 0, 4_000, 0]
    plan["dispatch"]["s"] = {"grid": [13_625, 10_000, 16_000, 12_000], "battery": [0, 2_000, 0, 0]}
    plan["dispatch"]["s"]["battery"][2] = 1_000
    assert found(data, plan) == (set(), set())
    plan["charge"]["s"]["battery"][2] = 4_001
    plan["dispatch"]["s"]["grid"][2] = 16_001
    assert found(data, plan) == ({"battery"}, {"battery"})


def test_power_cap_holds_the_charge_too() -> None:
    data, plan = legal()
    plan["dispatch"]["s"]["grid"][0] -= 1
    assert found(data, plan) == ({"power_cap"}, {"power_cap"})


def test_supply_limits_the_discharge() -> None:
    data, plan = legal()
    plan["dispatch"]["s"]["battery"][1] += 1
    assert "supply" in found(data, plan)[0] & found(data, plan)[1]


SPOILT = {
    "no charge at all": lambda plan: plan.pop("charge"),
    "a charge of a supply that is no battery": lambda plan: plan["charge"]["s"].update(
        grid=[0, 0, 0, 0]
    ),
    "a charge that is too short": lambda plan: plan["charge"]["s"]["battery"].pop(),
    "a charge at a site that is none": lambda plan: plan["charge"].update(x={"battery": [0] * 4}),
}


@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_charges_break_battery(how: str) -> None:
    data, plan = legal()
    SPOILT[how](plan)
    ours, theirs = found(data, plan)
    assert "battery" in ours & theirs


def test_demand_is_charged_for_the_largest_dispatch_alone() -> None:
    data, plan = legal()
    before = judged.claimed(data, plan)["objective"]
    data["sites"]["s"]["supplies"]["grid"]["demand_usd_per_mw"] = 1_000.0
    plan["instance_hash"] = judged.read(data).hash
    after = judged.claimed(data, plan)["objective"]
    assert after["demand"] == 13_625 * 1_000_000
    assert after["total"] == before["total"] - after["demand"]
    assert found(data, plan) == (set(), set())
    assert judged.wrong(data, plan | {"objective": before}) >= {"objective"}


def test_the_battery_is_what_lets_the_job_run() -> None:
    data, _ = ridden_through()
    plan = judged.solved(data, rounds=9)
    assert [p.job for p in plan.placements] == ["a"]
    del data["sites"]["s"]["supplies"]["battery"]
    assert judged.solved(data).placements == ()


def test_demand_charges_keep_peaks_low() -> None:
    """Two jobs at once cost a peak of twice the height; after one another they cost one."""
    jobs = [judged.job(name, hours=1.0) for name in "ab"]
    data = judged.world(*jobs, size=8, count=2, grid={"demand_usd_per_mw": 2_000.0})
    plan = judged.solved(data, rounds=9)
    assert len(plan.placements) == 2
    assert len({p.start for p in plan.placements}) == 2
    assert plan.objective.demand == max(plan.dispatch["s"]["grid"]) * 2_000_000


CERTIFICATES = {
    "a supply that is no battery": {"batteries": {"s/grid": [1] * 4}},
    "an unknown supply": {"batteries": {"s/sun": [1] * 4}},
    "too few prices": {"batteries": {"s/battery": [1] * 3}},
}


@pytest.mark.parametrize("what", CERTIFICATES)
def test_prices_of_what_is_no_battery_are_void(what: str) -> None:
    data, plan = legal()
    plan["certificate"] = CERTIFICATES[what]
    assert "certificate" in judged.wrong(data, plan)
    assert stranger.bound(data, CERTIFICATES[what]) is None


WRONG: dict[str, tuple[str, Any, str]] = {
    "more at the start than it holds": ("start_mwh", 3.0, "storage.start_mwh: must not exceed"),
    "an efficiency of 0": ("efficiency_in", 0.0, "storage.efficiency_in"),
    "no energy": ("energy_mwh", 0.0, "storage.energy_mwh"),
    "an unknown field": ("wear", 1.0, "storage.wear"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_storage_is_refused_by_name(what: str) -> None:
    key, value, said = WRONG[what]
    data, _ = ridden_through()
    data["sites"]["s"]["supplies"]["battery"]["storage"][key] = value
    with pytest.raises(InstanceError, match=re.escape(said)):
        judged.read(data)


def test_storage_and_kind_go_together_and_fixed_load_needs_no_battery() -> None:
    data, _ = ridden_through()
    supplies = data["sites"]["s"]["supplies"]
    supplies["grid"]["storage"] = supplies["battery"]["storage"]
    with pytest.raises(InstanceError, match="only a battery has one"):
        judged.read(data)
    del supplies["grid"]["storage"], supplies["battery"]["storage"]
    with pytest.raises(InstanceError, match="a battery has one; give"):
        judged.read(data)
    data, _ = ridden_through()
    data["sites"]["s"]["supplies"]["battery"]["demand_usd_per_mw"] = 1.0
    with pytest.raises(InstanceError, match="no connection that is billed"):
        judged.read(data)
    data, _ = ridden_through()
    data["sites"]["s"]["other_load_mw"] = 0.008  # 8 kW and 3 of idle chips above 10 in hour 1
    with pytest.raises(InstanceError, match="without batteries"):
        judged.read(data)
