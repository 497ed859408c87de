"""The relaxed model bounds every plan, and exact engines beside the search end it with a claim."""

from __future__ import annotations

import json
from threading import Event, Timer

import pytest
from brute import optimum
from judged import passes
from tiny import tiny

from instances.seeded.place import random_place
from optimizer.domain.files import parse_instance
from optimizer.place.arrays import build_arrays
from optimizer.place.clock import Clock
from optimizer.place.exact.case import float_claim
from optimizer.place.exact.relaxed.beside import search_beside
from optimizer.place.exact.relaxed.model import build_relaxed
from optimizer.place.exact.relaxed.solve import WITHIN, prove, relax
from optimizer.place.plan import Certificate, Options, PlacePlan, Status
from optimizer.place.solve import solve
from optimizer.solvers.milp import solve_milp

SMALL = (10, 3, 3, 12, 24)


def never() -> bool:
    """Say that it is not over."""
    return False


@pytest.mark.parametrize("seed", [*range(5, 200, 12), 173])
def test_the_relaxed_optimum_is_no_less_than_the_optimum_of_brute_force(seed: int) -> None:
    best = optimum(tiny(seed))[0]
    instance = parse_instance(json.dumps(tiny(seed)))
    run = solve_milp(build_relaxed(instance, build_arrays(instance)).problem)
    if best is None:
        return  # there may be a relaxed plan
    claim = float_claim(run)
    assert claim.bound is not None
    assert claim.bound >= best


@pytest.mark.parametrize("seed", [0, 2, 11, 40])
def test_the_two_engines_find_the_optimum_of_brute_force(seed: int) -> None:
    best = optimum(tiny(seed))[0]
    assert best is not None
    instance = parse_instance(json.dumps(tiny(seed)))
    clock = Clock(Options(seconds=120), Event(), None)
    plan, claim = prove(instance, clock, Certificate(), 60.0, never)
    assert plan is not None
    passes(tiny(seed), plan, instance)
    assert claim.bound is not None
    assert claim.bound >= best >= plan.objective.total >= best - WITHIN * abs(best)


@pytest.mark.slow
def test_a_fleet_is_claimed_optimal_by_auto_and_by_the_exact_engine_alone() -> None:
    instance = random_place(*SMALL, seed=1)
    totals = []
    for engine in ("auto", "exact"):
        plan = solve(instance, Options.model_validate({"seconds": 120.0, "engine": engine}))
        passes(instance.data(), plan, instance)
        assert plan.run.claim is not None
        assert plan.run.claim.status is Status.OPTIMAL
        assert plan.run.stopped_by in ("proof", "engine proof")
        assert plan.run.claim.bound is not None
        assert plan.objective.total <= plan.run.claim.bound
        totals.append(plan.objective.total)
    assert abs(totals[0] - totals[1]) <= WITHIN * abs(totals[0])


@pytest.mark.slow
def test_a_plan_that_the_engines_beside_did_not_better_stays_with_its_claim() -> None:
    """A search that hands in the optimum keeps its plan; what HiGHS says stands beside it."""
    instance, told = random_place(*SMALL, seed=2), list[int]()
    best = solve(instance, Options(seconds=120))

    def search(_instance: object, clock: Clock) -> PlacePlan:
        while clock.reason(0) is None:
            pass
        told.append(1)
        return best.model_copy(
            update={"run": best.run.model_copy(update={"claim": None, "stopped_by": "time limit"})}
        )

    plan = search_beside(instance, Clock(Options(seconds=120), Event(), None), search)
    passes(instance.data(), plan, instance)
    assert told
    assert plan.objective.total >= best.objective.total
    assert plan.run.stopped_by == "engine proof"
    assert plan.run.claim is not None
    assert plan.run.claim.status is Status.OPTIMAL


def test_a_cancel_ends_the_engines_beside_with_a_checked_plan() -> None:
    instance, cancel = random_place(50, 3, 10, 50, 24, seed=4), Event()
    timer = Timer(3.0, cancel.set)
    timer.start()
    plan = solve(instance, Options(seconds=600), cancel=cancel)
    timer.join()
    passes(instance.data(), plan, instance)
    assert plan.run.stopped_by in ("cancel", "engine proof", "proof")


def test_engines_that_are_over_before_they_begin_have_no_plan() -> None:
    instance = random_place(*SMALL, seed=3)
    clock = Clock(Options(seconds=60), Event(), None)
    plan, claim = relax(instance, clock, Certificate(), 30.0, lambda: True)
    assert plan is None
    assert claim.bound is None
