"""Rivals: every plan of theirs passes both judges, no bound of theirs is below an optimum."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import brute
import judged
import pytest
import tiny

from benchmarks.rivals import highs
from benchmarks.rivals.assignment import best_modes, problem_of
from benchmarks.rivals.cpsat import cpsat
from benchmarks.rivals.fleet import Fleet
from benchmarks.rivals.greedy import greedy
from benchmarks.rivals.rebalancing import stated
from benchmarks.rivals.run import beside
from instances.seeded.sizes import sized
from optimizer.domain.files import write_instance
from optimizer.errors import Unsupported
from optimizer.place.arrays import build_arrays
from optimizer.place.check import check
from optimizer.place.exact.relaxed.model import is_complete
from optimizer.place.plan import Options
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from pathlib import Path

Data = dict[str, Any]

SEEDS = [seed for seed in range(40) if is_complete(build_arrays(judged.read(tiny.tiny(seed))))][:12]
"""Without batteries, permits or demand charges."""


@pytest.mark.parametrize("seed", SEEDS)
def test_greedy_makes_plans_that_are_worth_no_more_than_the_optimum(seed: int) -> None:
    data = tiny.tiny(seed)
    plan = greedy(judged.read(data), math.inf).plan(0.0)
    judged.passes(data, plan)
    best, _ = brute.optimum(data)
    if plan.status != "unknown":
        assert best is not None
        assert plan.objective.total <= best


def test_greedy_takes_what_is_worth_most_for_its_chip_hours() -> None:
    jobs = [judged.job("long", hours=4.0, value_usd=150.0), judged.job("short", value_usd=100.0)]
    data = judged.world(*jobs)
    plan = greedy(judged.read(data), math.inf).plan(0.0)
    judged.passes(data, plan)
    assert [(p.job, p.start, p.end) for p in plan.placements] == [("short", 0, 2)]


def test_greedy_places_a_predecessor_before_what_waits_for_it() -> None:
    first = judged.job("first", value_usd=1.0)
    data = judged.world(judged.job("then", predecessors=["first"]), first)
    plan = greedy(judged.read(data), math.inf).plan(0.0)
    judged.passes(data, plan)
    assert {p.job: p.start for p in plan.placements} == {"first": 0, "then": 2}


@pytest.mark.parametrize("seed", SEEDS)
def test_highs_bounds_the_optimum_and_its_runs_make_a_plan(seed: int) -> None:
    data = tiny.tiny(seed)
    instance = judged.read(data)
    fleet, (best, _) = Fleet(instance), brute.optimum(data)
    model = highs.build(fleet.a)
    found, relaxed = highs.solve(model, 20.0), highs.solve(model, 20.0, is_relaxed=True)
    if best is None:
        return  # no plan has every must job; the model may still have one without ids
    assert found.is_optimal
    assert found.bound is not None and relaxed.bound is not None
    slack = 1e-6 * max(1.0, abs(best) / 1e9)
    assert relaxed.bound >= found.bound - slack
    assert found.bound >= best / 1e9 - slack
    dropped = fleet.put_all(found.runs)
    plan = fleet.plan(0.0)
    judged.passes(data, plan)
    assert plan.objective.total <= best
    if not dropped:  # then nothing is lost but what whole watts cost
        watts = int(fleet.a.sup_cost.max(0, initial=0).sum()) * len(fleet.a.pue) / 1e9
        assert plan.objective.total / 1e9 >= found.bound - watts - 10 * slack


def test_a_run_that_finds_no_domain_is_dropped_and_the_plan_stays_one() -> None:
    jobs = [judged.job("a", (5, 1), hours=4.0), judged.job("b", (5, 1), hours=4.0)]
    data = judged.world(*jobs, size=8, count=1)
    fleet = Fleet(judged.read(data))
    assert fleet.put_all([(0, 0, 0), (1, 1, 0)]) == 1
    judged.passes(data, fleet.plan(0.0))
    assert len(fleet.runs) == 1


def test_parts_of_one_mode_share_a_pool() -> None:
    both = judged.job("both", (8, 1), (4, 2), hours=2.0)
    for count, placed in ((2, 1), (1, 0)):
        data = judged.world(both, count=count)
        fleet = Fleet(judged.read(data))
        assert fleet.put(0, 0, 0) is bool(placed)
        assert int(fleet.chips.min()) == 8 * count - 16 * placed
        judged.passes(data, fleet.plan(0.0))


def test_plain_models_refuse_what_they_do_not_have() -> None:
    permitted = judged.read(judged.world(judged.job("a"), grid={"permit": {"mwh": 2.0}}))
    billed = judged.read(
        judged.world(judged.job("a"), grid={"demand_usd_per_mw": 100.0}),
    )
    with pytest.raises(Unsupported, match="permits"):
        Fleet(permitted)
    for instance in (permitted, billed):
        with pytest.raises(Unsupported, match="demand charges"):
            highs.build(build_arrays(instance))
    with pytest.raises(Unsupported, match="one period"):
        best_modes(billed, build_arrays(billed))


def test_cpsat_finds_the_optimum_without_prices_or_start() -> None:
    data = tiny.tiny(SEEDS[0])
    plan = cpsat(judged.read(data), 20.0, 1)
    judged.passes(data, plan)
    assert plan.objective.total == brute.optimum(data)[0]


# ---- Rebalancer: its problem, without it ---------------------------------------------------------


class _Recorder:
    """Writes down what it is told, as the real one takes it."""

    def __init__(self, *_: str) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.told.append((name, given))


def test_every_assignment_within_the_limits_is_a_plan() -> None:
    instance = sized("pools-200", 3)
    fleet = Fleet(instance)
    best, problem = best_modes(instance, fleet.a), problem_of(instance, fleet.a)
    left = {n: dict(limit["most"]) for n, limit in problem["limits"].items()}
    runs = []
    for j, worth in problem["worth"].items():
        for p in sorted(worth, key=lambda p: -worth[p]):
            takes = list(_takes(problem, j, p))
            if all(left[name][item] >= amount for name, item, amount in takes):
                for name, item, amount in takes:
                    left[name][item] -= amount
                runs.append((int(j), best[int(j), int(p)][0], 0))
                break
    assert fleet.put_all(runs) <= 0.02 * len(runs)  # slice rows are not quite exact
    assert check(instance, fleet.plan(0.0)).is_good
    assert len(runs) > 50


def _takes(problem: Data, job: str, pool: str) -> Any:
    """Yield (limit, item, amount) of a job in a pool."""
    for name, limit in problem["limits"].items():
        scope = problem["scopes"].get(limit["scope"], {pool: pool})
        amount = limit["takes"].get(scope[pool], {}).get(job, 0.0)
        if amount:
            yield name, scope[pool], amount


def test_rebalancer_is_told_all_limits_and_all_worth() -> None:
    problem = problem_of(sized("pools-200", 3), build_arrays(sized("pools-200", 3)))

    class Library:
        ProblemSolver = _Recorder

    told = stated(Library, json.loads(json.dumps(problem))).told
    capacities = [given[0]["capacitySpec"] for name, given in told if "capacitySpec" in given[0]]
    assert [c["name"] for c in capacities] == list(problem["limits"])
    (goal,) = [given[0]["assignmentAffinitiesSpec"] for name, given in told if name == "add_goal"]
    assert len(goal["affinities"]) == sum(len(each) for each in problem["worth"].values())


# ---- in a process of its own ---------------------------------------------------------------------


def test_a_rival_that_takes_too_long_is_ended_and_said_to_have_no_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, file = sized("pools-200", 3), tmp_path / "instance.json"
    write_instance(instance, file)
    monkeypatch.setattr("benchmarks.rivals.run.GRACE", 0.0)
    began = time.perf_counter()
    found = beside("cpsat", instance, file, 0.2)
    assert time.perf_counter() - began < 10
    assert found.objective_usd is None
    assert found.said.startswith("no plan: ended after")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["greedy", "highs", "lp", "cpsat"])
def test_a_rival_in_a_process_of_its_own_is_checked(name: str, tmp_path: Path) -> None:
    instance, file = sized("pools-200", 3), tmp_path / "instance.json"
    write_instance(instance, file)
    found = beside(name, instance, file, 10.0)
    assert found.violations == ""
    assert (found.objective_usd is None) == (name == "lp")
    assert (found.claim_usd is None) == (name == "greedy")
    ours = solve(instance, Options(seconds=60, rounds=4, engine="search"))
    for claim in (found.claim_usd, None):
        assert claim is None or claim >= ours.objective.total / 1e9 * (1 - 1e-6)


def test_rebalancer_without_its_python_says_what_is_missing(tmp_path: Path) -> None:
    instance, file = sized("pools-200", 3), tmp_path / "instance.json"
    write_instance(instance, file)
    found = beside("rebalancer", instance, file, 5.0)
    assert found.said.startswith("refused: ")
    assert "--rebalancer" in found.said
