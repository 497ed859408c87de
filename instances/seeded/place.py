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
from instances.seeded.world import (
    COUNTRIES,
    DOMAINS,
    WORKLOADS,
    add_site,
    add_tenants,
    classes_and_tenants,
)
from optimizer.domain.files import parse_instance
from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["random_place"]

Data = dict[str, Any]

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
        add_site(data, rng, s, hours)
    add_tenants(data, rng, hours)
    return parse_instance(json.dumps(data | {"jobs": _jobs(data, rng, jobs)}))


def _pools(data: Data, rng: np.random.Generator, sites: int, pools: int, domains: int) -> None:
    """Add pools of at least two domains each, the rest shared out at random."""
    more = rng.multinomial(max(0, domains - 2 * pools), rng.dirichlet(np.full(pools, 2.0)))
    for p, extra in enumerate(more.tolist()):
        chip = str(rng.choice(list(DOMAINS)))
        pool = {"site": f"site-{p % sites}", "chip": chip, "domain": DOMAINS[chip]}
        data["pools"][f"pool-{p}"] = pool | {"count": 2 + extra}


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
        **classes_and_tenants(domestic),
    }
    for load in LOADS:
        demand = Demand.model_validate_json(json.dumps(wanted | {"load": load}))
        try:
            made = make_jobs(world, demand)
        except InstanceError:
            continue
        return [j.model_dump(mode="json", by_alias=True, exclude_defaults=True) for j in made]
    raise InstanceError([f"jobs: {jobs} are too few or too many for this fleet"])
