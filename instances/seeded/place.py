"""Seeded fleets with jobs for benchmarks and tests of placement: so many jobs, sites, pools, hours.

Chips, domains and rates are those of the catalogue; sites, pools, power and tenants are drawn, and
the jobs come from the generator of all facilities. Nothing in it is a claim about a place. Same
numbers in, same instance out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from instances.demand import Demand
from instances.generate import make_jobs
from instances.pieces import world_of
from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["random_place"]

Data = dict[str, Any]

DOMAINS = {
    "gb300": "nvl72-gb300",
    "h100": "hgx8-h100",
    "h200": "hgx8-h200",
    "tpu-v7": "tpu-v7-cube",
    "trn3-gen2": "trn3-ultra-gen2",
}
"""Chips that are drawn, and their scale-up domains."""

WORKLOADS = {
    "deepseek-v3": 200,
    "gpt-oss-120b": 8,
    "llama2-70b-lora": 4,
    "llama3-70b": 16,
    "llama3.1-405b": 144,
    "qwen3-235b": 64,
    "qwen3-30b": 4,
    "stable-diffusion": 1,
}
"""Classes that are ordered, and the smallest gangs that train them [chips]."""

COUNTRIES = ("GB", "NO", "US")

LEAST_CAP = 0.55
"""No hour has less power than this share of what all chips in training draw, so that what runs
already can go on; at most half of a pool does."""

LOADS = (1.4, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2)
"""Offered chip-hours over those of the fleet: the first that so few jobs can reach."""


def random_place(
    jobs: int, sites: int, pools: int, domains: int, hours: int, seed: int = 0
) -> Instance:
    """Return an instance of placement with periods of an hour.

    Gangs and durations are heavy-tailed; there are residency, quotas and a budget, deadlines and
    due dates, hourly prices and caps with calls, jobs that run already, that must run, and that
    follow others.

    Parameters
    ----------
    jobs, sites, pools, domains
        How many of each, at least 1; a pool has at least two domains.
    hours
        Length of the horizon [h].
    seed
        Of all random numbers.
    """
    rng = np.random.default_rng([seed, jobs, sites, pools, domains, hours])
    recipe: Data = {
        "title": f"{jobs} jobs, {sites} sites, {pools} pools, {hours} h; seeded and fictitious",
        "notes": [],
        "chips": list(DOMAINS),
        "horizon": {"start": "2027-04-05T00:00:00Z", "periods": hours},
        "sources": {"": {"source": "assumed: seeded generator of this project", "kind": "assumed"}},
    }
    name = f"random-place-{jobs}-{sites}-{pools}-{domains}-{hours}-{seed}"
    data = world_of(name, recipe, ("horizon",), WORKLOADS)
    data |= {"sites": {}, "pools": {}, "jobs": []}
    _pools(data, rng, sites, pools, domains)
    for s in range(sites):
        _site(data, rng, s, hours)
    _tenants(data, rng, hours)
    return parse_instance(json.dumps(data | {"jobs": _jobs(data, rng, jobs)}))


def _pools(data: Data, rng: np.random.Generator, sites: int, pools: int, domains: int) -> None:
    """Add pools of at least two domains each, the rest shared out at random."""
    more = rng.multinomial(max(0, domains - 2 * pools), rng.dirichlet(np.full(pools, 2.0)))
    for p, extra in enumerate(more.tolist()):
        chip = str(rng.choice(list(DOMAINS)))
        pool = {"site": f"site-{p % sites}", "chip": chip, "domain": DOMAINS[chip]}
        data["pools"][f"pool-{p}"] = pool | {"count": 2 + extra}


def _site(data: Data, rng: np.random.Generator, s: int, hours: int) -> None:
    """Add a site: hourly prices and caps, perhaps a turbine beside the grid, perhaps a call."""
    pools = [p for p in data["pools"].values() if p["site"] == f"site-{s}"]
    draw = sum(
        p["count"] * data["domains"][p["domain"]]["chips"] * data["chips"][p["chip"]]["training_kw"]
        for p in pools
    )
    pue = round(float(rng.uniform(1.08, 1.3)), 2)
    most = max(draw, 1.0) * pue / 1000
    level, swing = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.0, 0.12))
    day = [1 + swing * float(np.cos((t + 3 * s) / 24 * 2 * np.pi)) for t in range(hours)]
    caps = [round(most * max(LEAST_CAP, level * x), 4) for x in day]
    price, spread = float(rng.uniform(25, 190)), float(rng.uniform(0.0, 0.4))
    noise = rng.uniform(-spread, spread, hours).tolist()
    grid: Data = {"kind": "grid", "cap_mw": caps}
    grid["price_usd_per_mwh"] = [round(price * (1 + x), 2) for x in noise]
    supplies: Data = {"grid": grid}
    if rng.random() < 0.4:
        share = float(rng.uniform(0.1, 0.3))
        grid["cap_mw"] = [round((1 - share) * cap, 4) for cap in caps]
        turbine = {"kind": "turbine", "cap_mw": round(share * max(caps), 4)}
        supplies["turbine"] = turbine | {"price_usd_per_mwh": round(price * 1.5, 2)}
    elif rng.random() < 0.5 and hours > 6:
        begin = int(rng.integers(2, hours - 3))
        call = {"from": begin, "until": begin + int(rng.integers(1, 4))}
        grid["calls"] = [call | {"cap_mw": round(LEAST_CAP * most, 4)}]
    cooling = sorted({c for p in pools for c in data["chips"][p["chip"]].get("cooling", [])})
    data["sites"][f"site-{s}"] = {
        "country": COUNTRIES[s % len(COUNTRIES)], "pue": pue, "cooling": cooling,
        "supplies": supplies,
    }  # fmt: skip


def _tenants(data: Data, rng: np.random.Generator, hours: int) -> None:
    """Add tenants, one of them under a quota and one under a budget."""
    chips = sum(p["count"] * data["domains"][p["domain"]]["chips"] for p in data["pools"].values())
    data["tenants"] = {
        "own": {"weight": 3.0},
        "cloud": {"weight": 2.0, "quota_chips": max(300, int(rng.uniform(0.3, 0.6) * chips))},
        "sovereign": {"weight": 1.0},
        "grant": {"weight": 1.0},
    }
    limit = round(float(rng.uniform(0.05, 0.15)) * chips * hours, 0)
    data["budgets"] = {"grant": {"limit": limit, "unit": "chip-hours", "chip_hours_of": ["grant"]}}


def _jobs(data: Data, rng: np.random.Generator, jobs: int) -> list[Data]:
    """Return jobs as data, at the largest load that so few can reach."""
    world, hours = parse_instance(json.dumps(data)), data["horizon"]["periods"]
    domestic = [COUNTRIES[int(rng.integers(min(len(data["sites"]), len(COUNTRIES))))]]
    wanted: Data = {
        "seed": int(rng.integers(2**31)),
        "jobs": jobs,
        "largest": max(1, jobs // 12),
        "largest_share": 0.3,
        "running": jobs // 8,
        "running_share": 0.25,
        "least_running": 0,
        "pauses": 0.3,
        "elsewhere": 0.5,
        "must": jobs // 25,
        "successors": jobs // 10,
        "hours": hours / 3,
        "hours_spread": 0.6,
        "small": 0.15,
        "workloads": {w: {"least_chips": n, "most_chips": 10**6} for w, n in WORKLOADS.items()},
        "tenants": {
            "own": {"share": 0.4, "has_largest": True},
            "cloud": {"share": 0.25, "has_largest": True},
            "sovereign": {"share": 0.2, "countries": domestic},
            "grant": {"share": 0.15},
        },
    }
    for load in LOADS:
        demand = Demand.model_validate_json(json.dumps(wanted | {"load": load}))
        try:
            made = make_jobs(world, demand)
        except InstanceError:
            continue
        return [j.model_dump(mode="json", by_alias=True, exclude_defaults=True) for j in made]
    raise InstanceError([f"jobs: {jobs} are too few or too many for this fleet"])
