"""What must hold whatever the mix: more never hurts, names mean nothing, slices never win."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pulp
import pytest
from judged_mix import solved
from tiny_mix import tiny_mix

from optimizer.mix.plan import Goal, MixPlan, Status
from optimizer.solvers.milp import solve_milp

Data = dict[str, Any]

SEEDS = range(303, 309)
GOALS: tuple[Goal, ...] = ("cost", "profit", "work")


def scaled(series: Any, factor: float) -> Any:
    """Return a series of JSON data with all its values scaled."""
    if not isinstance(series, list):
        return series * factor
    return [
        x | {"value": x["value"] * factor} if isinstance(x, dict) else x * factor for x in series
    ]


def more_power(data: Data) -> None:
    """Give every supply, and all together, a quarter more."""
    for site in data["sites"].values():
        for supply in site["supplies"].values():
            supply["cap_mw"] = scaled(supply["cap_mw"], 1.25)
    if "power_mw" in data["mix"]:
        data["mix"]["power_mw"] *= 1.25


def more_money(data: Data) -> None:
    """Lift every limit of money by half."""
    for key in ("capex_usd", "yearly_cash_usd"):
        if key in data["mix"]:
            data["mix"][key] = scaled(data["mix"][key], 1.5)


def one_more_offer(data: Data) -> None:
    """Offer the first kind a second time, at another price."""
    first = next(iter(data["mix"]["offers"].values()))
    data["mix"]["offers"]["more"] = copy.deepcopy(first) | {
        "kind": "lease",
        "tiers": [{"usd_per_chip_hour": 1.1}],
        "take_or_pay": 1.0,
        "residual_share": 0.0,
        "max_domains": 2,
        "min_domains": 0,
    }


def is_no_worse(before: MixPlan, after: MixPlan) -> bool:
    """Return whether a plan is at least as good, but for a billionth of what is at stake."""
    if before.status in (Status.INFEASIBLE, Status.UNKNOWN):
        return True
    if after.status in (Status.INFEASIBLE, Status.UNKNOWN):
        return False
    a, b = before.objective, after.objective
    gain = a.total - b.total if a.goal == "cost" else b.total - a.total
    return gain >= -1e-7 * (a.spent + a.unserved + a.earned + abs(a.total))


@pytest.mark.parametrize("change", [more_power, more_money, one_more_offer])
@pytest.mark.parametrize("seed", SEEDS)
def test_more_never_makes_the_optimum_worse(seed: int, change: Any) -> None:
    goal = GOALS[seed % 3]
    data = tiny_mix(seed)
    larger = copy.deepcopy(data)
    change(larger)
    assert is_no_worse(solved(data, objective=goal), solved(larger, objective=goal))


@pytest.mark.parametrize("seed", SEEDS)
def test_order_means_nothing(seed: int) -> None:
    data = tiny_mix(seed)
    turned = copy.deepcopy(data)
    for part in ("chips", "domains", "workloads", "sites"):
        turned[part] = dict(reversed(turned[part].items()))
    for part in ("offers", "demand"):
        turned["mix"][part] = dict(reversed(turned["mix"][part].items()))
    one, other = solved(data).objective, solved(turned).objective
    assert abs(one.total - other.total) <= 1e-7 * (one.spent + one.unserved)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_proof_splits_into_cases_until_it_is_tight(seed: int) -> None:
    data = tiny_mix(seed)
    plain, split = solved(data, leaves=1), solved(data)
    if split.status is Status.INFEASIBLE:
        assert plain.status in (Status.INFEASIBLE, Status.UNKNOWN)
        return
    assert is_no_worse(plain, split)
    assert plain.bound is not None and split.bound is not None
    assert split.bound >= plain.bound
    assert split.gap is not None and split.gap <= 1e-5


@pytest.mark.parametrize("seed", SEEDS)
def test_our_search_and_a_solver_by_name_agree(seed: int) -> None:
    data = tiny_mix(seed)
    ours, asked = solved(data), solved(data, engine="HiGHS")
    assert not ours.fleet or (ours.run.claim is None and asked.run.claim is not None)
    assert is_no_worse(ours, asked) and is_no_worse(asked, ours)


# ---- whole fleets, continuous shares: the kind of problem of Melange ----------------------------


def serving(seed: int) -> Data:
    """Return types of chips with prices and request buckets with rates, by a seed."""
    rng = np.random.default_rng(seed)
    kinds, buckets = int(rng.integers(2, 5)), int(rng.integers(3, 9))
    data: Data = {
        "schema": "fleetwatt/instance/1",
        "name": "serving",
        "horizon": {"start": "2027-01-01", "periods": 1, "period_hours": 1.0},
        "chips": {}, "domains": {}, "workloads": {},
        "sites": {"cloud": {"country": "US", "pue": 1.0, "supplies": {
            "grid": {"kind": "grid", "cap_mw": 1000.0, "price_usd_per_mwh": 0.0}}}},
        "mix": {"offers": {}, "demand": {}},
    }  # fmt: skip
    for i in range(kinds):
        data["chips"][f"c{i}"] = {"hbm_gb": 80, "nameplate_kw": 1.0, "training_kw": 1.0}
        data["domains"][f"d{i}"] = {"chip": f"c{i}", "chips": 1}
        price = round(float(rng.uniform(0.5, 8.0)), 3)
        offer = {"domain": f"d{i}", "kind": "lease", "tiers": [{"usd_per_chip_hour": price}]}
        data["mix"]["offers"][f"o{i}"] = offer | {"max_domains": 200}
    for k in range(buckets):
        rates = [
            {"chip": f"c{i}", "domain": f"d{i}", "slice_chips": 1, "chips": 1,
             "work_per_hour": round(float(rng.uniform(0.5, 20.0)), 3)}
            for i in range(kinds)
        ]  # fmt: skip
        data["workloads"][f"w{k}"] = {"unit": "requests", "rates": rates}
        wanted = round(float(rng.uniform(1.0, 30.0)), 3) * 730
        data["mix"]["demand"][f"k{k}"] = {"workload": f"w{k}", "work_per_month": wanted}
    return data


def in_slices(data: Data, slices: int) -> float:
    """Return the least cost where every bucket is cut into slices that go to one type each."""
    model = pulp.LpProblem("slices", pulp.LpMinimize)
    offers = data["mix"]["offers"]
    count = {o: pulp.LpVariable(f"n_{o}", 0, 200, pulp.LpInteger) for o in offers}
    load: dict[str, list[Any]] = {o: [] for o in offers}
    for k, demand in data["mix"]["demand"].items():
        rates = {
            r["domain"]: r["work_per_hour"] for r in data["workloads"][demand["workload"]]["rates"]
        }
        for i in range(slices):
            each = {o: pulp.LpVariable(f"x_{k}_{i}_{o}", 0, 1, pulp.LpBinary) for o in offers}
            model += pulp.lpSum(each.values()) == 1
            for o, x in each.items():
                load[o].append(
                    x * (demand["work_per_month"] / 730 / slices / rates[offers[o]["domain"]])
                )
    for o, terms in load.items():
        model += pulp.lpSum(terms) <= count[o]
    model += pulp.lpSum(n * offers[o]["tiers"][0]["usd_per_chip_hour"] for o, n in count.items())
    found = solve_milp(model)
    assert found.objective is not None
    return found.objective


@pytest.mark.parametrize("seed", range(8))
def test_whole_fleets_with_shares_never_cost_more_than_slices(seed: int) -> None:
    data = serving(seed)
    best, claim = solved(data).objective.total, solved(data, engine="HiGHS").run.claim
    assert claim is not None and claim.bound is not None
    assert abs(best - claim.bound) <= 1e-6 * best
    for slices in (1, 4):
        assert best / 1e9 <= in_slices(data, slices) * (1 + 1e-6)
