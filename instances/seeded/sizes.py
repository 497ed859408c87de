"""Seeded weeks of placement at size: S, M, L, XL, a quarter Q, and one-period `pools-J`.

Sizes are those that the project measures itself by. Gangs and durations are log-normal with the
spreads and the correlation of published traces (`traces.py`): sizes and their correlation with
duration of Kalos, the cluster of the Acme trace that trains language models; durations of Helios,
the largest trace, of which those that are shorter than `planned_hours` are left to the queue of a
cluster and not planned. The scale of the gangs follows from what the fleet is asked: 1.4 times the
chip-hours that it has. Chips, domains and rates are those of the catalogue, all else is drawn.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from instances.demand import Demand
from instances.generate import make_jobs
from instances.pieces import world_of
from instances.sampling import LONGEST_REST
from instances.seeded.traces import HELIOS, KALOS
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
    from optimizer.domain.jobs import Job

__all__ = ["SIZES", "Size", "sized"]

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How large an instance is.

    Attributes
    ----------
    jobs, sites, pools
        How many of each.
    chips
        Chips of the fleet; whole domains, so about so many.
    periods, hours
        Periods of the horizon, and the length of each [h].
    """

    jobs: int
    sites: int
    pools: int
    chips: int
    periods: int
    hours: float = 1.0


SIZES = {
    "S": Size(100, 3, 10, 1_700, 24),
    "M": Size(1_000, 8, 25, 24_000, 168),
    "L": Size(10_000, 12, 38, 400_000, 168),
    "XL": Size(20_000, 20, 63, 1_000_000, 168),
    "Q": Size(5_000, 12, 38, 400_000, 91, 24.0),
    "pools-200": Size(200, 4, 12, 6_000, 1, 24.0),
    "pools-1000": Size(1_000, 7, 20, 30_000, 1, 24.0),
    "pools-5000": Size(5_000, 12, 34, 150_000, 1, 24.0),
    "pools-20000": Size(20_000, 20, 69, 600_000, 1, 24.0),
}
"""Sizes by name; a `pools-J` asks which of J jobs run in which pool, at once."""

LOADS = (1.4, 1.2, 1.0)
"""Offered chip-hours over those of the fleet: the first that the jobs can reach."""

PLANNED_HOURS = 4.0
"""What is shorter is not planned a week ahead [h], nor what is shorter than a period."""

CALLS = 3
"""Calls of a grid that has any."""


def sized(name: str, seed: int = 0) -> Instance:
    """Return an instance of a size.

    There are residency, quotas and a budget, deadlines and due dates, prices and caps by period
    with calls, jobs that run already, that must run, and that follow others; in `pools-J` only
    residency, quotas, the budget, and caps and prices of sites.

    Parameters
    ----------
    name
        One of `SIZES`.
    seed
        Of all random numbers: same name and seed, same instance.

    Raises
    ------
    InstanceError
        If there is no size of that name.
    """
    if name not in SIZES:
        raise InstanceError([f"size: {name!r} is none; known sizes: {', '.join(SIZES)}"])
    size = SIZES[name]
    rng = np.random.default_rng([seed, size.jobs, size.pools, size.chips, size.periods])
    data = world_of(f"{name.lower()}-{seed}", _recipe(size), ("horizon",), WORKLOADS)
    data |= {"sites": {}, "pools": {}, "jobs": []}
    _pools(data, rng, size)
    for s in range(size.sites):
        add_site(data, rng, s, size.periods, CALLS, size.hours)
    add_tenants(data, rng, round(size.periods * size.hours))
    world = parse_instance(json.dumps(data))
    return world.model_copy(update={"jobs": _jobs(world, _demand(rng, size))})


def _recipe(size: Size) -> Data:
    """Return what an instance of a size says of itself."""
    horizon = {"start": "2027-04-05T00:00:00Z", "periods": size.periods, "period_hours": size.hours}
    fleet = f"{size.jobs} jobs on {size.pools} pools of {size.sites} sites"
    return {
        "title": f"{fleet}; seeded and fictitious",
        "notes": ["The tails of gangs and durations are those of published traces."],
        "chips": list(DOMAINS),
        "horizon": horizon,
        "sources": {"": {"source": "assumed: seeded generator of this project", "kind": "assumed"}},
    }


def _jobs(world: Instance, demand: Demand) -> tuple[Job, ...]:
    """Return jobs at the largest load that so few can reach."""
    # in one period every job holds its chips throughout, however short it is
    held = LONGEST_REST if world.horizon.periods == 1 else 1.0
    for load in LOADS[:-1]:
        with suppress(InstanceError):
            return make_jobs(world, demand.model_copy(update={"load": held * load}))
    return make_jobs(world, demand.model_copy(update={"load": held * LOADS[-1]}))


def _pools(data: Data, rng: np.random.Generator, size: Size) -> None:
    """Add pools of at least two domains each, their chips shared out at random."""
    shares = rng.dirichlet(np.full(size.pools, 2.0))
    most = size.chips / size.pools  # no chip whose domain is so large that two are too many
    small = {c: d for c, d in DOMAINS.items() if 2 * data["domains"][d]["chips"] <= most}
    for p, share in enumerate(shares.tolist()):
        chip = str(rng.choice(list(small)))
        count = max(2, round(share * size.chips / data["domains"][DOMAINS[chip]]["chips"]))
        pool = {"site": f"site-{p % size.sites}", "chip": chip, "domain": DOMAINS[chip]}
        data["pools"][f"pool-{p}"] = pool | {"count": count}


def _demand(rng: np.random.Generator, size: Size) -> Demand:
    """Return the demand of a size."""
    domestic = [COUNTRIES[int(rng.integers(min(size.sites, len(COUNTRIES))))]]
    wanted: Data = {
        "seed": int(rng.integers(2**31)),
        "jobs": size.jobs,
        "largest": 0,
        "largest_share": 0.0,
        "largest_rest": [0.1, 0.45],
        "running": size.jobs // 16,
        "running_share": 0.25,
        "least_running": 0,
        "pauses": 0.2,
        "anywhere": 0.4,  # data lies somewhere: the others are bound to one pool
        "elsewhere": 0.3,
        "levels": 0.2,
        "must": 4,
        "successors": size.jobs // 20,
        "size_spread": KALOS.size_spread,
        "hours_with_size": KALOS.hours_with_size,
        "hours": HELIOS.median_hours,
        "hours_spread": HELIOS.hours_spread,
        "planned_hours": max(PLANNED_HOURS, size.hours),
        **classes_and_tenants(domestic),
    }
    if size.periods == 1:
        none = ("running", "must", "successors", "windows", "released", "due", "pauses", "choices")
        wanted |= dict.fromkeys(none, 0)
    return Demand.model_validate_json(json.dumps(wanted))
