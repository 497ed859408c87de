"""Solves and plans that both judges see: our checker and the stranger, to the last integer.

`solved` is how tests solve: every plan of every solve is checked. `by_hand` makes a plan file from
placements. `world` and `job` make small instances whose figures can be checked by head.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import brute
import numpy as np
import stranger
import tiny

from optimizer.domain.files import parse_instance
from optimizer.place.certificate import upper_bound
from optimizer.place.check import check
from optimizer.place.plan import Certificate, Options, PlacePlan, Status
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.domain.instance import Instance

Data = dict[str, Any]


# ---- small worlds -------------------------------------------------------------------------------


def job(name: str, *parts: tuple[Any, ...], hours: float = 2.0, **more: Any) -> Data:
    """Return a job with one explicit mode; parts are (slice_chips, slices[, pool])."""
    each = [
        {"pool": part[2] if len(part) > 2 else "p", "slice_chips": part[0], "slices": part[1]}
        for part in parts or ((8, 1),)
    ]
    mode: Data = {"parts": each, "hours": hours} | more.pop("mode", {})
    return {"id": name, "value_usd": 100.0, "modes": [mode]} | more


def world(*jobs: Data, periods: int = 4, size: int = 8, count: Any = 1, **more: Any) -> Data:
    """Return hours of one site with one pool of 1 kW chips, a quarter of it idle, PUE 1.25.

    size, count
        Chips of a domain (of which every slice may be cut) and domains; size 1 for a chip count.
    grid, pool, site
        Changes to these; all else goes to the instance.
    """
    grid = {"kind": "grid", "cap_mw": 1.0, "price_usd_per_mwh": 100.0} | more.pop("grid", {})
    pool: Data = {"site": "s", "chip": "c", "count": count} | more.pop("pool", {})
    if size > 1:
        pool["domain"] = "d"
    site = {"country": "US", "pue": 1.25, "supplies": {"grid": grid}} | more.pop("site", {})
    chip = {"hbm_gb": 80, "nameplate_kw": 1.5, "training_kw": 1.0, "idle_kw": 0.25}
    domain = {"chip": "c", "chips": max(size, 2), "slice_chips": list(range(1, max(size, 2)))}
    data: Data = {
        "schema": "fleetwatt/instance/1",
        "name": "by-hand",
        "horizon": {"start": "2026-03-01T00:00:00Z", "periods": periods},
        "chips": {"c": chip},
        "domains": {"d": domain},
        "sites": {"s": site},
        "pools": {"p": pool},
        "jobs": list(jobs),
    }
    return copy.deepcopy(data | more)


def crowd(jobs: int = 80, cap_mw: float = 0.03, **more: Any) -> Data:
    """Return two days of more jobs than fit."""
    each = [
        job(
            f"j{i}",
            ((3 * i) % 8 + 1, i % 3 + 1),
            hours=float(i % 7 + 2),
            release=float(i % 30),
            value_usd=float(10 + (i * 37) % 60),
        )
        for i in range(jobs)
    ]
    return world(*each, count=4, periods=48, grid={"cap_mw": cap_mw}, **more)


def two_sites(*jobs: Data, **more: Any) -> Data:
    """Return `world` with a second site `z` that is the first one again, with its pool `q`."""
    data = world(*jobs, **more)
    data["sites"]["z"] = copy.deepcopy(data["sites"]["s"])
    data["pools"]["q"] = copy.deepcopy(data["pools"]["p"]) | {"site": "z"}
    return data


def movers(at_most: int, **move: Any) -> Data:
    """Return two sites; power at the first costs ten times as much, and two racks run there."""

    def runs(name: str, i: int) -> Data:
        part = {"pool": "p", "slice_chips": 8, "slices": 1, "domains": [[i, i]]}
        now = {"parts": [part], "periods_left": 2, "move": {"usd": 1.0} | move}
        return job(name, (8, 1, "q")) | {"running": now}

    data = two_sites(runs("x", 0), runs("y", 1), count=2, moves={"at_most": at_most})
    data["sites"]["s"]["supplies"]["grid"]["price_usd_per_mwh"] = 1000.0
    return data


def placed(name: str, start: int, end: int, *ids: Any, mode: int = 0) -> Data:
    """Return a placement; ids are the domains of each part, such as [0, 0, 1]."""
    domains = [[[i, i] for i in part] for part in ids or ([0],)]
    return {"job": name, "mode": mode, "start": start, "end": end, "domains": domains}


def with_musts(seed: int, made: Callable[[int], Data] = tiny.tiny) -> Data:
    """Return a tiny instance in which most jobs have to run."""
    data, rng = made(seed), np.random.default_rng(seed)
    for each in data["jobs"]:
        if "running" not in each and rng.random() < 0.8:
            each["must"] = True
    return data


# ---- plans and both judges ----------------------------------------------------------------------


def read(data: Data) -> Instance:
    """Return the instance of JSON data."""
    return parse_instance(json.dumps(data))


def certificate_of(data: Data) -> Certificate:
    """Return a certificate of JSON data."""
    return Certificate.model_validate_json(json.dumps(data))


def as_data(plan: PlacePlan) -> Data:
    """Return a plan as its file holds it."""
    data: Data = json.loads(plan.model_dump_json(by_alias=True))
    return data


def as_plan(data: Data) -> PlacePlan:
    """Return the plan of a file's data."""
    return PlacePlan.model_validate_json(json.dumps(data))


def solved(data: Data, **options: Any) -> PlacePlan:
    """Return the plan of a solve of few rounds, after both judges have passed it."""
    instance = read(data)
    few: Data = {"seconds": 60, "rounds": 2, "engine": "search", "threads": 1}
    plan = solve(instance, Options(**few | options))
    passes(data, plan, instance)
    return plan


def passes(data: Data, plan: PlacePlan, instance: Instance | None = None) -> None:
    """Assert that both judges find nothing wrong, and the same figures.

    A plan that lacks must jobs says itself that it is none; then that is all that may be wrong.
    """
    said = stranger.verify(data, as_data(plan))
    verdict = check(instance or read(data), plan)
    assert verdict.objective is not None
    assert (verdict.objective.model_dump(), verdict.bound) == (said["parts"], said["bound"])
    assert verdict.gap == said["gap"]
    assert said["untrue"] == []
    allowed: set[str] = set()
    if plan.status in (Status.UNKNOWN, Status.INFEASIBLE):
        allowed = {"one_placement"}
    assert {v.rule for v in verdict.violations} | set(said["violations"]) <= allowed
    assert allowed <= {v.rule for v in verdict.violations} & set(said["violations"])


def by_hand(
    data: Data, *placements: Data, certificate: Data | None = None, is_generous: bool = False
) -> Data:
    """Return a plan file's data for placements, with the cheapest dispatch and true claims.

    is_generous: every supply gives its cap instead, so that what it gives cannot be too little.
    """
    instance = read(data)
    cheapest = {} if is_generous else brute.plan(data, list(placements))["dispatch"]
    run = {"stopped_by": "work limit", "seconds": 0.0, "options": {}, "versions": {}, "rounds": 0}
    plan: Data = {
        "schema": "fleetwatt/place-plan/1",
        "instance": instance.name,
        "instance_hash": instance.hash,
        "status": "feasible",
        "placements": list(placements),
        "dispatch": cheapest or at_the_caps(data),
        "certificate": certificate or {},
        "run": run | {"history": []},
    }
    return claimed(data, plan)


def at_the_caps(data: Data) -> dict[str, dict[str, list[int]]]:
    """Return the dispatch in which every supply gives its cap."""
    out: dict[str, dict[str, list[int]]] = {}
    for (site, name), supply in stranger.World(data).supplies.items():
        out.setdefault(site, {})[name] = list(supply.cap_w)
    return out


def claimed(data: Data, plan: Data) -> Data:
    """Return a plan that says of itself what the stranger derives from it."""
    said = stranger.verify(data, plan)
    nothing = dict.fromkeys(("value", "lateness", "one_off", "energy", "demand", "total"), 0)
    claims = {"objective": said["parts"] or nothing, "bound": said["bound"], "gap": said["gap"]}
    return plan | claims


def wrong(data: Data, plan: Data) -> set[str]:
    """Return what our checker finds wrong with a plan, by name."""
    return {v.rule for v in check(read(data), as_plan(plan)).violations}


def strange(data: Data, plan: Data) -> set[str]:
    """Return what the stranger finds wrong with a plan, by name."""
    said = stranger.verify(data, plan)
    return set(said["violations"]) | set(said["untrue"])


# ---- prices -------------------------------------------------------------------------------------


def _random_covers(world: stranger.World, rng: np.random.Generator, most: int) -> Iterator[Data]:
    """Yield cover rows, at half of the places, of some jobs that may wait; prices up to `most`."""
    free = [job["id"] for job in world.jobs if job.get("running") is None]
    limited = [name for name, tenant in world.tenants.items() if "quota_chips" in tenant]
    places = [("chips", n, 2) for n in world.pools] + [("power", n, 4_000) for n in world.sites]
    for row, of, unit in [*places, *(("quota", name, 2) for name in limited)]:
        if not free or rng.random() < 0.5:
            continue
        drawn = rng.choice(free, 5), rng.integers(1, 4, 5), unit * rng.integers(1, 9, 5)
        items = [
            {"job": str(job), "coefficient": int(c), "least": int(least)}
            for job, c, least in zip(*drawn, strict=True)
        ]
        begin = int(rng.integers(0, world.periods))
        count = int(rng.integers(1, world.periods - begin + 1))
        prices = [int(x) for x in rng.uniform(0, most, count)]
        yield {"row": row, "of": of, "begin": begin, "prices": prices, "items": items}


def random_certificate(data: Data, rng: np.random.Generator) -> Data:
    """Return prices on rows of every family, of the order of what they are worth."""
    world = stranger.World(data)
    energy = max(price for supply in world.supplies.values() for price in supply.energy)
    value = max(stranger.nano(job.get("value_usd", 0.0)) for job in world.jobs)
    chip = value // 20

    def prices(most: int, share: float = 0.5) -> list[int]:
        drawn = rng.uniform(0, most, world.periods) * (rng.random(world.periods) < share)
        return [int(x) for x in drawn]

    slices, rounding = [], []
    for name, pool in world.pools.items():
        q = int(rng.integers(2, pool.size + 2))
        if pool.domain is not None:
            slices.append({"pool": name, "slice_chips": q, "prices": prices(chip)})
        row = {"row": "chips", "of": name, "divisor": int(rng.integers(2, 30))}
        rounding.append(row | {"prices": prices(chip)})
    for name in world.sites:
        row = {"row": "power", "of": name, "divisor": int(rng.integers(1_000, 30_000))}
        rounding.append(row | {"prices": prices(chip)})
    limited = [name for name, tenant in world.tenants.items() if "quota_chips" in tenant]
    permits = [f"{s}/{k}" for (s, k), supply in world.supplies.items() if supply.permit is not None]
    for name in limited:
        row = {"row": "quota", "of": name, "divisor": int(rng.integers(2, 30))}
        rounding.append(row | {"prices": prices(chip)})
    return _counts(world, value, rng) | {
        "power": {name: prices(2 * energy, 0.9) for name in world.sites},
        "chips": {name: prices(chip // 10, 0.3) for name in world.pools},
        "slices": [row for row in slices if rng.random() < 0.5],
        "rounding": [row for row in rounding if rng.random() < 0.5],
        "covers": list(_random_covers(world, rng, chip)),
        "quotas": {name: prices(chip // 10) for name in limited},
        "budgets": {name: int(rng.uniform(0, value / 10_000)) for name in world.budgets},
        "permits": {name: int(rng.uniform(0, energy)) for name in permits},
    }


def _counts(world: stranger.World, value: int, rng: np.random.Generator) -> Data:
    """Return prices on rows that count jobs, of those that the instance has."""
    spread = {
        group: {site: int(rng.uniform(0, value / 5)) for site in world.sites}
        for group in world.spreads
    }
    order = {
        job["id"]: {before: int(rng.uniform(0, value)) for before in job["predecessors"]}
        for job in world.jobs
        if job.get("predecessors")
    }
    drawn: Data = {"spread": spread} if spread else {}
    drawn |= {"precedence": order} if order else {}
    if world.instance.get("moves") is not None:
        drawn["moves"] = int(rng.uniform(0, value / 5))
    return drawn


def brute_is_good(data: Data) -> None:
    """Assert that both judges pass the plan of brute force, and find it worth its optimum."""
    best, placements = brute.optimum(data)
    if best is not None:
        plan = by_hand(data, *placements)
        assert not wrong(data, plan) | strange(data, plan), data["name"]
        assert plan["objective"]["total"] == best, data["name"]


def prices_bound(data: Data, best: int | None, seed: int, *rows: str) -> None:
    """Assert that random prices bound an optimum, all of them and those of some rows alone.

    Both judges make the same bound of them.
    """
    certificate = random_certificate(data, np.random.default_rng(seed))
    for kept in (certificate, {k: certificate[k] for k in rows}):
        bound = upper_bound(read(data), certificate_of(kept)).total
        assert bound == stranger.bound(data, kept), seed
        assert best is None or (bound is not None and bound >= best), seed
