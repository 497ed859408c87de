"""The compiled pass over all columns gives the best column of the exact one, job by job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from instances.catalog import load
from instances.seeded.place import random_place
from instances.seeded.sizes import sized
from optimizer.domain.files import parse_instance
from optimizer.place.bound.columns import best_of_jobs
from optimizer.place.bound.pricer import Pricer
from optimizer.place.bound.world import World
from optimizer.place.plan import Certificate, Options
from optimizer.place.solve import solve
from optimizer.units import nano

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

CASES = {
    "facility with calls": lambda: load("memphis-bridge"),
    "residency and two countries": lambda: load("uk-and-norway"),
    "quotas, budgets, precedence": lambda: random_place(50, 3, 10, 50, 24, seed=1),
    "a day": lambda: sized("S", 5),
    "two parts, spread and moves": lambda: _movable(sized("S", 6)),
}


def _movable(instance: Instance) -> Instance:
    """Return an instance with moves, spread and modes of two parts."""
    data = instance.data()
    data |= {"moves": {"at_most": 2}, "spreads": {"all": {"share": 0.4}}}
    pools = list(instance.pools.items())
    for i, job in enumerate(data["jobs"]):
        if "running" in job:
            job["running"]["move"] = {"usd": 5.0, "hours": 1.0, "work_left": 3.0}
            size = instance.domain_chips(pools[0][1])
            part = {"pool": pools[0][0], "slice_chips": size, "slices": 1}
            job["modes"] = [{"parts": [part], "hours": 2.0}]
        elif i % 4 == 0:
            parts = [
                {"pool": n, "slice_chips": instance.domain_chips(p), "slices": 1}
                for n, p in pools[i % 5 : i % 5 + 2]
            ]
            paused = {"pauses_at_calls": True, "restart_usd": 2.0}
            job |= {"group": "all", "modes": [{"parts": parts, "hours": 2.5, "link": "x"} | paused]}
    return parse_instance(json.dumps(data))


def _covers(instance: Instance, rng: np.random.Generator, prices: tuple[int, ...]) -> Any:
    """Return cover rows of every place with prices from period 1 on; each job is in them twice."""
    free = [job.id for j, job in enumerate(instance.jobs) if not instance.has_to_stay(j)]
    items = [
        {"job": job, "coefficient": int(rng.integers(1, 9)), "least": int(rng.integers(1, 999))}
        for job in free * 2
    ]
    limited = [n for n, tenant in instance.tenants.items() if tenant.quota_chips is not None]
    places = [("chips", n) for n in instance.pools] + [("power", s) for s in instance.sites]
    places += [("quota", n) for n in limited]
    row = {"begin": 1, "prices": prices, "items": tuple(items)}
    return tuple({"row": kind, "of": of} | row for kind, of in places if items)


def _drawn(instance: Instance, seed: int, most: float) -> Certificate:
    """Return a certificate with a price on every row, drawn up to a share of what jobs are worth.

    most
        Times the mean value of a job that all rows of a pool take in a run, about.
    """
    rng, T = np.random.default_rng(seed), instance.horizon.periods
    scale = most * 1e9 * sum(job.value_usd for job in instance.jobs) / len(instance.jobs) / T

    def prices(amount: float) -> tuple[int, ...]:
        return tuple(int(x) for x in rng.uniform(0, 2 * scale / amount, T) * (rng.random(T) < 0.7))

    sizes = {name: instance.domain_chips(p) for name, p in instance.pools.items()}
    quota = {n: t for n, t in instance.tenants.items() if t.quota_chips is not None}
    slices = [{"pool": n, "slice_chips": q, "prices": prices(4)} for n, q in sizes.items()]
    cuts = [{"row": "chips", "of": n, "divisor": 7, "prices": prices(9)} for n in sizes]
    cuts += [
        {"row": "power", "of": s, "divisor": 9000, "prices": prices(9)} for s in instance.sites
    ]
    cuts += [{"row": "quota", "of": n, "divisor": 13, "prices": prices(9)} for n in quota]
    waits = {j.id: {p: int(scale) for p in j.predecessors} for j in instance.jobs}
    spread = {g: dict.fromkeys(instance.sites, int(scale)) for g in instance.spreads}
    return Certificate.model_validate(
        {
            "power": {s: prices(1e5) for s in instance.sites},
            "chips": {n: prices(100) for n in sizes},
            "slices": tuple(slices),
            "rounding": tuple(cuts),
            "covers": _covers(instance, rng, prices(9)[1:]),
            "quotas": {n: prices(200) for n in quota},
            "budgets": dict.fromkeys(instance.budgets, 1000),
            "spread": spread,
            "moves": None if instance.moves is None else int(scale),
            "precedence": {name: each for name, each in waits.items() if each},
        }
    )


@pytest.mark.parametrize("most", [0.05, 1.0, 1e9], ids=["low", "high", "beyond 64 bits"])
@pytest.mark.parametrize("name", CASES)
def test_the_compiled_pass_is_the_exact_one(name: str, most: float) -> None:
    instance = CASES[name]()
    certificate, world = _drawn(instance, 1, most), World(instance)
    values = [nano(job.value_usd) for job in instance.jobs]
    pricer = Pricer(world, certificate, values)
    exact = [pricer.best(j) for j in range(len(values))]
    assert list(best_of_jobs(world, certificate, values)) == exact
    profits = [b.profit for b in exact if b.profit is not None]
    assert max(profits) > 0 if most == 0.05 else min(profits) < 0


def test_sums_that_may_not_fit_into_64_bits_are_left_to_the_exact_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance, asked = sized("S", 5), list[int]()
    best = Pricer.best

    def counted(self: Pricer, j: int) -> object:
        asked.append(j)
        return best(self, j)

    monkeypatch.setattr(Pricer, "best", counted)
    values = [nano(job.value_usd) for job in instance.jobs]
    best_of_jobs(World(instance), _drawn(instance, 1, 1.0), values)
    assert not asked
    best_of_jobs(World(instance), _drawn(instance, 1, 1e9), values)
    assert len(asked) > len(values) / 2


def test_the_bound_of_a_plan_is_that_of_the_exact_pass() -> None:
    instance = random_place(40, 3, 8, 30, 24, seed=2)
    plan = solve(instance, Options(rounds=2, engine="search"))
    pricer = Pricer(World(instance), plan.certificate)
    exact = tuple(pricer.best(j) for j in range(len(instance.jobs)))
    values = [nano(job.value_usd) for job in instance.jobs]
    assert best_of_jobs(World(instance), plan.certificate, values) == exact
