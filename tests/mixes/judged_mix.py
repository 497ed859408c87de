"""Solves of mixes that both judges see: our checker and the stranger, to the last integer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import stranger_mix

from optimizer.domain.files import parse_instance
from optimizer.mix.check import check
from optimizer.mix.plan import MixPlan, Options, Prices, Status
from optimizer.mix.solve import solve

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

Data = dict[str, Any]


def read(data: Data) -> Instance:
    """Return the instance of JSON data."""
    return parse_instance(json.dumps(data))


def as_data(plan: MixPlan) -> Data:
    """Return a plan as its file holds it."""
    data: Data = json.loads(plan.model_dump_json(by_alias=True))
    return data


def as_plan(data: Data) -> MixPlan:
    """Return the plan of a file's data."""
    return MixPlan.model_validate_json(json.dumps(data))


def solved(data: Data, **options: Any) -> MixPlan:
    """Return the plan of a solve to the engine's proof, after both judges have passed it."""
    plan = solve(read(data), Options(**({"gap": 0.0} | options)))
    passes(data, plan)
    return plan


def passes(data: Data, plan: MixPlan) -> None:
    """Assert that both judges find nothing wrong, and the same figures.

    A plan that has none says so; then rules may be broken.
    """
    said = stranger_mix.verify(data, as_data(plan))
    verdict = check(read(data), plan)
    assert verdict.objective is not None
    assert verdict.objective.model_dump() == said["parts"]
    assert (verdict.bound, verdict.gap) == (said["bound"], said["gap"])
    assert said["untrue"] == []
    if plan.status in (Status.OPTIMAL, Status.FEASIBLE):
        assert not verdict.violations and not said["violations"]
    assert {v.rule for v in verdict.violations} == said["violations"]


def wrong(data: Data, plan: Data) -> set[str]:
    """Return what our checker finds wrong with a plan, by name."""
    return {v.rule for v in check(read(data), as_plan(plan)).violations}


def strange(data: Data, plan: Data) -> set[str]:
    """Return what the stranger finds wrong with a plan, by name."""
    said = stranger_mix.verify(data, plan)
    return set(said["violations"]) | set(said["untrue"])


# ---- small worlds and plans by hand -------------------------------------------------------------


def shop(**more: Any) -> Data:
    """Return a month of one site that can hold domains of 8 chips: 10 kW at the meter each.

    A domain costs 8,000 USD and does 5,840 units of work; 11,680 are wanted at 10 USD each.

    offer, demand, site, domain, chip
        Changes to these; all else goes to the mix.
    """
    chip = {"hbm_gb": 80, "vendor": "v", "nameplate_kw": 1.5, "training_kw": 1.0}
    rates = [{"chip": "c", "domain": "d", "slice_chips": 8, "chips": 8, "work_per_hour": 8.0}]
    site: Data = {"country": "US", "pue": 1.25, "racks": 4.0}
    site["supplies"] = {"grid": {"kind": "grid", "cap_mw": 0.03, "price_usd_per_mwh": 100.0}}
    offer = {"domain": "d", "kind": "buy", "tiers": [{"upfront_usd_per_chip": 1000.0}]}
    demand = {"workload": "w", "work_per_month": 11680.0, "value_usd_per_unit": 10.0}
    domain = {"chip": "c", "chips": 8, "racks": 1.0}
    data: Data = {
        "schema": "fleetwatt/instance/1",
        "name": "shop",
        "horizon": {"start": "2027-01-01", "periods": 1, "period_hours": 730.0},
        "chips": {"c": chip | more.pop("chip", {})},
        "domains": {"d": domain | more.pop("domain", {})},
        "workloads": {"w": {"unit": "units", "rates": more.pop("rates", rates)}},
        "sites": {"s": site | more.pop("site", {})},
    }
    data |= more.pop("world", {})
    offers = {"o": offer | more.pop("offer", {})}
    data["mix"] = {"offers": offers, "demand": {"k": demand | more.pop("demand", {})}} | more
    return data


def use(domains: float, **more: Any) -> Data:
    """Return a use of domains of the shop."""
    way = {"phase": 0, "demand": "k", "site": "s", "domain": "d", "level": "full"}
    return way | {"slice_chips": 8, "chips": 8, "amount": round(domains * 1e9)} | more


def by_hand(data: Data, domains: int, *uses: Data, goal: str = "cost", **more: Any) -> Data:
    """Return a plan file's data: domains of offer `o` at site `s`, uses, and true claims."""
    instance = read(data)
    fleet = [{"offer": "o", "site": "s", "domains": domains}] if domains else []
    run = {"stopped_by": "work limit", "seconds": 0.0, "options": {}, "versions": {}}
    leaf = {"prices": json.loads(Prices().model_dump_json()), "is_empty": False}
    zeros = dict.fromkeys(("upfront", "rent", "upkeep", "energy", "unserved", "earned", "work"), 0)
    plan: Data = {
        "schema": "fleetwatt/mix-plan/1",
        "instance": instance.name,
        "instance_hash": instance.hash,
        "status": "feasible",
        "fleet": fleet,
        "use": list(uses),
        "objective": {"goal": goal, **zeros, "total": 0},
        "bound": None,
        "gap": None,
        "certificate": {"goal": goal, "tree": leaf},
        "run": run,
    } | more
    said = stranger_mix.verify(data, plan)
    return plan | {"objective": said["parts"], "bound": said["bound"], "gap": said["gap"]}


def judged(data: Data, *plan: Any, **more: Any) -> set[str]:
    """Return what both judges find wrong with a plan by hand; they must agree."""
    made = by_hand(data, *plan, **more)
    assert wrong(data, made) == strange(data, made)
    return wrong(data, made)
