"""CP-SAT, the PuLP oracle and brute force find one optimum, by their claims; the judges agree.

Objectives are compared, never plans: optima tie. CP-SAT calculates in whole numbers and must meet
brute force to the last nano-USD. HiGHS calculates in floating point: its objective may lie below by
`TOLERANCE`, and both judges check its plan exactly.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from threading import Event

import pytest
from brute import optimum
from judged import passes
from tiny import features, tiny

from instances.catalog import load
from optimizer.domain.files import parse_instance
from optimizer.errors import Unsupported
from optimizer.place.clock import Clock
from optimizer.place.exact import intervals
from optimizer.place.exact.case import make_case
from optimizer.place.exact.hint import add_hint
from optimizer.place.exact.oracle import oracle_solve
from optimizer.place.exact.solve import exact_solve, held_of, objective_of
from optimizer.place.plan import Options, Status
from optimizer.place.solve import solve
from optimizer.solvers.cpsat import solve_cp
from optimizer.solvers.run import Limits

SEEDS = range(200)
FAST = range(0, 200, 10)
BLOCKS = [range(first, first + 20) for first in SEEDS[::20]]

TOLERANCE = 2e-6
"""Share of the objective: HiGHS's tolerances of feasibility and integrality are 1e-6."""

WANTED = {
    *("two supplies", "supply.calls", "job.predecessors", "budget.hours", "budget.tokens"),
    *("job.running", "permit.mwh", "permit.run_hours", "quota", "two-pool mode", "job.must"),
    *("gang.pauses_at_calls", "deliveries", "pool.maintenance", "pool.spares", "job.due"),
}


@cache
def best(seed: int) -> int | None:
    """Return the optimum of a tiny instance by brute force [nano-USD]."""
    return optimum(tiny(seed))[0]


def cp_sat_agrees(seed: int) -> None:
    """Assert that CP-SAT proves the optimum of brute force, or that there is no plan."""
    instance = parse_instance(json.dumps(tiny(seed)))
    plan = exact_solve(instance, Options(seconds=60))
    passes(tiny(seed), plan, instance)
    claim, expected = plan.run.claim, best(seed)
    assert claim is not None
    if expected is None:
        assert plan.status in (Status.UNKNOWN, Status.INFEASIBLE), seed
        assert claim.status is Status.INFEASIBLE, seed
        return
    assert plan.objective.total == expected == claim.bound, seed
    assert claim.status is Status.OPTIMAL, seed
    assert plan.run.stopped_by in ("proof", "engine proof"), seed


def oracle_agrees(seed: int) -> None:
    """Assert that HiGHS finds the optimum of brute force, or that there is no plan."""
    instance = parse_instance(json.dumps(tiny(seed)))
    plan = oracle_solve(instance, Options(seconds=60, rounds=60))
    passes(tiny(seed), plan, instance)
    claim, expected = plan.run.claim, best(seed)
    assert claim is not None
    if expected is None:
        assert claim.status is Status.INFEASIBLE, seed
        return
    assert claim.status is Status.OPTIMAL, seed
    assert claim.bound is not None
    assert 0 <= expected - plan.objective.total <= TOLERANCE * abs(expected) + 1, seed
    assert claim.bound >= expected, seed


@pytest.mark.parametrize("seed", FAST)
def test_cp_sat_finds_the_optimum_of_brute_force(seed: int) -> None:
    cp_sat_agrees(seed)


@pytest.mark.parametrize("seed", FAST[::3])
def test_the_oracle_finds_the_optimum_of_brute_force(seed: int) -> None:
    oracle_agrees(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_three_engines_find_one_optimum_on_200_tiny_instances(seeds: range) -> None:
    for seed in seeds:
        cp_sat_agrees(seed)
        oracle_agrees(seed)


@pytest.mark.parametrize("seed", [3, 63])
def test_no_plan_is_claimed_where_there_is_none(seed: int) -> None:
    assert best(seed) is None
    cp_sat_agrees(seed)
    oracle_agrees(seed)


@pytest.mark.parametrize("seeds", [SEEDS, FAST], ids=["all", "fast"])
def test_what_makes_placement_hard_is_among_the_tiny_instances(seeds: range) -> None:
    found: Counter[str] = Counter()
    for seed in seeds:
        found += features(tiny(seed))
    assert [name for name in WANTED if found[name] < (10 if seeds is SEEDS else 1)] == []


def test_the_oracle_is_solved_in_a_process_of_its_own_where_time_is_limited() -> None:
    seed = 2  # a model that no pipe holds at once
    instance = parse_instance(json.dumps(tiny(seed)))
    plan = oracle_solve(instance, Options(seconds=60))
    passes(tiny(seed), plan, instance)
    assert plan.run.stopped_by in ("proof", "engine proof")
    assert plan.run.claim is not None
    assert plan.run.claim.status is Status.OPTIMAL


def test_a_campus_is_refused_with_its_size() -> None:
    with pytest.raises(Unsupported, match="jobs"):
        exact_solve(load("loughton-2027"), Options(seconds=1))


@pytest.mark.parametrize("seed", [2, 7, 11])
def test_auto_is_no_worse_than_the_search_and_ends_with_a_proof(seed: int) -> None:
    instance = parse_instance(json.dumps(tiny(seed)))
    plan = solve(instance, Options(seconds=600, rounds=3))
    again = solve(instance, Options(seconds=600, rounds=3))
    search = solve(instance, Options(seconds=600, rounds=3, engine="search"))
    for each in (plan, search):
        passes(tiny(seed), each, instance)
    assert search.objective.total <= plan.objective.total == best(seed)
    assert plan.run.stopped_by in ("proof", "engine proof")
    assert plan.placements == again.placements


def test_a_plan_in_hand_is_cp_sats_first_solution() -> None:
    """Told of an optimal plan and given next to no work, CP-SAT returns it and nothing worse."""
    seed = 0
    instance = parse_instance(json.dumps(tiny(seed)))
    clock = Clock(Options(seconds=30), Event(), None)
    plan = exact_solve(instance, Options(seconds=30))
    case = make_case(instance, clock, plan.certificate)
    model = intervals.build(case.a, held_of(case))
    add_hint(model, instance, plan)
    limits = Limits(seconds=30)
    run = solve_cp(
        model.cp, model.objective, limits, parameters={"stop_after_first_solution": True}
    )
    assert objective_of(model, run) == plan.objective.total == best(seed)
