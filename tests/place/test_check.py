"""The judge judged: good plan files spoilt in one way each, every spoiling refused by its name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import judged
import pytest
from judged import by_hand, job, placed, world

from optimizer.errors import PlanError
from optimizer.place.certificate import Bound
from optimizer.place.check import check
from optimizer.place.plan import gap_of
from optimizer.questions import QUESTIONS

Data = dict[str, Any]
Spoil = Callable[[Data, Data], object]


def good() -> tuple[Data, Data]:
    """Return an instance with every rule in it, and a good plan that gives more than is needed."""
    part = {"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[1, 1]]}
    running = {"id": "r", "running": {"parts": [part], "periods_left": 2}, "value_usd": 50.0}
    turbine = {
        "kind": "turbine",
        "cap_mw": 0.02,
        "price_usd_per_mwh": 0.0,
        "permit": {"mwh": 0.06},
    }
    grid = {"kind": "grid", "cap_mw": 0.1, "price_usd_per_mwh": 100.0}
    data = world(
        running,
        job("first", release=1.0, deadline=4.0, due=3.0, late_usd_per_hour=1.0, must=True),
        job("then", predecessors=["first"]),
        job("two", (8, 2), tenant="t", mode={"uses": {"b": 1.0}}),
        job("many", (5, 1), (3, 1, "n"), hours=1.0, tenant="t", mode={"uses": {"b": 1.0}}),
        job("more", (3, 2, "n"), hours=1.0, tenant="t"),
        job("greedy", (1, 1, "n"), hours=1.0, tenant="t", mode={"uses": {"b": 0.001}}),
        periods=6,
        count=7,
        pool={"spares": 1, "maintenance": [{"domains": [[4, 4]], "from": 1.0, "until": 2.0}]},
        site={"supplies": {"grid": grid, "turbine": turbine}},
        tenants={"t": {"quota_chips": 24}},
        budgets={"b": {"limit": 2.0}},
    )
    data["pools"]["n"] = {"site": "s", "chip": "c", "count": 8}
    placements = [
        placed("r", 0, 2, [1]),
        placed("first", 1, 3, [0]),
        placed("then", 3, 5, [0]),
        placed("two", 0, 2, [2, 3]),
        placed("many", 4, 5, [4], []),
    ]
    prices = {"power": {"s": [90_000] * 6}, "chips": {"p": [10**9] * 6}}
    plan = by_hand(data, *placements, certificate=prices, is_generous=True)
    plan["dispatch"]["s"]["turbine"] = [20_000, 20_000, 20_000, 0, 0, 0]
    return data, judged.claimed(data, plan)


def by_name(plan: Data, name: str) -> Data:
    """Return the placement of a job."""
    found: Data = next(p for p in plan["placements"] if p["job"] == name)
    return found


def change(name: str, *ids: list[int], **changes: Any) -> Spoil:
    """Return a spoiling that changes a placement; ids are the domains of each part."""
    if ids:
        changes["domains"] = [[[i, i] for i in part] for part in ids]
    return lambda _, plan: by_name(plan, name).update(changes)


def drop(name: str) -> Spoil:
    """Return a spoiling that takes a placement out."""
    return lambda _, plan: plan["placements"].remove(by_name(plan, name))


def add(*placement: Any) -> Spoil:
    """Return a spoiling that adds a placement."""
    return lambda _, plan: plan["placements"].append(placed(*placement))


def gives(supply: str, t: int, watts: int) -> Spoil:
    """Return a spoiling that changes what a supply gives."""
    return lambda _, plan: plan["dispatch"]["s"][supply].__setitem__(t, watts)


def both(*spoils: Spoil) -> Spoil:
    """Return a spoiling made of several."""
    return lambda data, plan: [spoil(data, plan) for spoil in spoils]


SPOILT: dict[str, tuple[str, Spoil]] = {
    "an unknown job": ("one_placement", add("stranger", 0, 2, [2])),
    "a job twice": ("one_placement", add("first", 2, 4, [2])),
    "a mode out of range": ("one_placement", change("then", mode=1)),
    "a running job moved": ("one_placement", change("r", [5])),
    "a running job started later": ("one_placement", change("r", start=2, end=4)),
    "a running job dropped": ("one_placement", drop("r")),
    "a must job dropped": ("one_placement", both(drop("then"), drop("first"))),
    "a start before the release": ("window", change("first", start=0, end=2)),
    "an end after the deadline": ("window", both(drop("then"), change("first", start=3, end=5))),
    "an end too early": ("window", change("then", end=4)),
    "an end too late": ("window", change("then", end=6)),
    "an end beyond the horizon": ("window", change("then", start=5, end=7)),
    "a start beyond the horizon": ("window", change("then", start=10**20, end=10**20 + 2)),
    "a domain that is not there": ("domain_fit", change("then", [7])),
    "a domain with a huge number": ("domain_fit", change("then", [10**15])),
    "a spare domain": ("domain_fit", change("then", [6])),
    "a domain in maintenance": ("domain_fit", change("two", [2, 4])),
    "a domain over-filled": ("domain_fit", change("two", [1, 3])),
    "the same domain for two slices": ("domain_fit", change("two", [2, 2])),
    "too few ids": ("domain_fit", change("two", [2])),
    "too many ids": ("domain_fit", change("two", [2, 3, 4])),
    "ids backwards": ("domain_fit", change("two", domains=[[[3, 2], [2, 2]]])),
    "ids for a pool without any": ("domain_fit", change("many", [4], [0])),
    "a part without ids": ("domain_fit", change("many", [4])),
    "a pool over-filled": ("pool_capacity", add("more", 4, 5, [])),
    "dispatch above a cap": ("supply", gives("grid", 3, 100_001)),
    "more than a permit": ("supply", gives("turbine", 3, 1)),
    "a supply without dispatch": ("supply", lambda _, plan: plan["dispatch"]["s"].pop("turbine")),
    "a site without dispatch": ("supply", lambda _, plan: plan["dispatch"].clear()),
    "a period without dispatch": ("supply", lambda _, plan: plan["dispatch"]["s"]["grid"].pop()),
    "an unknown supply": ("supply", lambda _, plan: plan["dispatch"]["s"].update(sun=[0] * 6)),
    "dispatch below the load": ("power_cap", gives("grid", 1, 20_000)),
    "a successor too early": ("precedence", change("then", [2], start=2, end=4)),
    "a successor alone": (
        "precedence",
        both(drop("first"), lambda data, _: data["jobs"][1].update(must=False)),
    ),
    "a budget overdrawn": ("budget", add("greedy", 2, 3, [])),
    "a quota overdrawn": (
        "quota",
        lambda data, _: data["tenants"]["t"].update(quota_chips=15),
    ),
}


def restated(data: Data, plan: Data) -> Data:
    """Return a plan that says of itself what our checker derives from it."""
    instance = judged.read(data)
    plan["instance_hash"] = instance.hash
    verdict = check(instance, judged.as_plan(plan))
    assert verdict.objective is not None
    claims = {"objective": verdict.objective.model_dump(), "gap": verdict.gap}
    return plan | claims | {"bound": verdict.bound}


def test_the_good_plan_is_good() -> None:
    data, plan = good()
    assert judged.wrong(data, plan) == judged.strange(data, plan) == set()


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_plan_is_refused_under_the_right_name(how: str) -> None:
    data, plan = good()
    rule, spoil = SPOILT[how]
    spoil(data, plan)
    plan = restated(data, plan)
    assert judged.wrong(data, plan) == {rule}
    others = {"objective", "gap"} if how in UNREAD else set()
    assert judged.strange(data, plan) - others == {rule}


UNREAD = {name for name in SPOILT if name.endswith(("without dispatch", "unknown supply"))}
"""Where the stranger reads no dispatch, and so derives no objective."""


# ---- what a plan says of itself -----------------------------------------------------------------

CLAIMS: dict[str, tuple[str, Spoil]] = {
    "objective": (
        "objective",
        lambda _, p: p["objective"].update(total=p["objective"]["total"] + 1),
    ),
    "a part": ("objective", lambda _, p: p["objective"].update(lateness=1)),
    "bound": ("bound", lambda _, p: p.update(bound=p["bound"] - 1)),
    "no bound": ("bound", lambda _, p: p.update(bound=None)),
    "gap": ("gap", lambda _, p: p.update(gap=p["gap"] * 0.999999)),
    "no gap": ("gap", lambda _, p: p.update(gap=None)),
    "optimal": ("status", lambda _, p: p.update(status="optimal")),
    "infeasible": ("status", lambda _, p: p.update(status="infeasible")),
}
COVER: Data = {
    "row": "chips", "of": "p", "begin": 2, "prices": [0] * 4,
    "items": [{"job": "two", "coefficient": 1, "least": 1}],
}  # fmt: skip
VOID: dict[str, Data] = {
    "an unknown site": {"power": {"x": [0] * 6}},
    "an unknown pool": {"chips": {"x": [0] * 6}},
    "an unknown tenant": {"quotas": {"x": [0] * 6}},
    "a tenant without a quota": {"quotas": {"u": [0] * 6}},
    "an unknown budget": {"budgets": {"x": 0}},
    "an unknown supply": {"permits": {"s/x": 0}},
    "a supply without a permit": {"permits": {"s/grid": 0}},
    "slices of a pool without domains": {
        "slices": [{"pool": "n", "slice_chips": 2, "prices": [0] * 6}]
    },
    "slices of an unknown pool": {"slices": [{"pool": "x", "slice_chips": 2, "prices": [0] * 6}]},
    "rounding of an unknown pool": {
        "rounding": [{"row": "chips", "of": "s", "divisor": 2, "prices": [0] * 6}]
    },
    "rounding of an unknown site": {
        "rounding": [{"row": "power", "of": "p", "divisor": 2, "prices": [0] * 6}]
    },
    "a cover row of an unknown pool": {"covers": [COVER | {"of": "s"}]},
    "a cover row of a tenant without a quota": {"covers": [COVER | {"row": "quota", "of": "u"}]},
    "a cover row of an unknown job": {
        "covers": [COVER | {"items": [{"job": "x", "coefficient": 1, "least": 1}]}]
    },
    "a cover row beyond the horizon": {"covers": [COVER | {"begin": 3}]},
    "too few prices": {"power": {"s": [0] * 5}},
    "too many prices": {"chips": {"p": [0] * 7}},
    "too few prices of slices": {"slices": [{"pool": "p", "slice_chips": 2, "prices": [0]}]},
}
NO_PRICES: dict[str, Data] = {
    "a negative price": {"power": {"s": [0, 0, -1, 0, 0, 0]}},
    "half a price": {"power": {"s": [0, 0, 0.5, 0, 0, 0]}},
    "a true price": {"budgets": {"b": True}},
    "a divisor of 0": {"rounding": [{"row": "chips", "of": "p", "divisor": 0, "prices": [0] * 6}]},
    "a cover row without jobs": {"covers": [COVER | {"items": []}]},
    "an unknown family": {"cliques": []},
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_false_claim_is_refused_under_its_name(claim: str) -> None:
    data, plan = good()
    name, spoil = CLAIMS[claim]
    spoil(data, plan)
    assert judged.wrong(data, plan) == {name}
    assert name == "status" or judged.strange(data, plan) == {name}


@pytest.mark.parametrize("how", VOID)
def test_prices_of_rows_that_do_not_exist_make_a_certificate_void(how: str) -> None:
    data, plan = good()
    data["tenants"]["u"] = {}
    plan["instance_hash"] = judged.read(data).hash
    plan["certificate"] = VOID[how]
    assert judged.wrong(data, plan) == {"certificate"}
    assert judged.strange(data, plan) == {"bound", "gap"}


@pytest.mark.parametrize("how", NO_PRICES)
def test_what_is_no_price_is_no_plan_file(how: str) -> None:
    _, plan = good()
    plan["certificate"] = NO_PRICES[how]
    with pytest.raises(PlanError):
        QUESTIONS["place"].parse(json.dumps(plan))


@pytest.mark.parametrize("spoil", ["field", "missing", "kind", "negative", "nan", "not json"])
def test_what_is_no_plan_file_is_refused(spoil: str) -> None:
    _, plan = good()
    plan["run"]["seconds"] = float("nan") if spoil == "nan" else 0.0
    plan |= {"colour": "blue"} if spoil == "field" else {}
    plan |= {"bound_kind": "hoped"} if spoil == "kind" else {}
    plan["placements"][0]["start"] = -1 if spoil == "negative" else 0
    if spoil == "missing":
        del plan["certificate"]
    with pytest.raises(PlanError):
        QUESTIONS["place"].parse("{" if spoil == "not json" else json.dumps(plan))


def test_the_plan_of_another_instance_is_refused() -> None:
    data, plan = good()
    other = copy.deepcopy(data)
    other["jobs"][0]["value_usd"] += 1e-6
    with pytest.raises(PlanError, match="not of"):
        check(judged.read(other), judged.as_plan(plan))
    instance = judged.read(data)
    again = judged.as_plan(plan | {"instance_hash": instance.hash[:-1] + "x"})
    with pytest.raises(PlanError):
        check(instance, again)


def test_every_breach_is_named_not_just_the_first() -> None:
    data, plan = good()
    for how in ("a job twice", "a start before the release", "too few ids", "dispatch above a cap"):
        SPOILT[how][1](data, plan)
    plan = restated(data, plan)
    found = {"one_placement", "window", "domain_fit", "supply", "precedence"}
    assert judged.wrong(data, plan) - {"precedence"} == found - {"precedence"}


def test_a_legal_plan_above_its_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be unless the arithmetic of the certificate is wrong: so it is played here."""
    data, plan = good()
    total = plan["objective"]["total"]
    lies = Bound(total - 1, 0, 0, 0, ())
    monkeypatch.setattr("optimizer.place.check.upper_bound", lambda *_: lies)
    claims = {"bound": total - 1, "gap": gap_of(total, total - 1)}
    assert judged.wrong(data, plan | claims) == {"bound"}


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [(100, 110, 0.1), (-100, -90, 0.1), (0, 0, 0.0), (0, 1, None), (5, None, None), (7, 7, 0.0)],
)
def test_a_gap_is_a_share_of_the_objective(objective: int, bound: int, gap: float) -> None:
    assert gap_of(objective, bound) == gap
