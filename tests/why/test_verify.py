"""Fixes tried out for real: a changed file, solved again from the plan in hand, admits the job."""

from __future__ import annotations

from collections import Counter
from typing import Any

import brute
import judged
import numpy as np
import pytest
import stranger
import tiny
from judged import as_plan, by_hand, job, placed, read, world

from instances import catalog
from optimizer.domain.changes.patch import patch
from optimizer.place.answer import plan_objective
from optimizer.place.explain import Reason, explain, verify
from optimizer.place.plan import Options, PlacePlan
from optimizer.place.solve import prepare, solve
from optimizer.place.verify.readmit import Readmitter
from optimizer.place.verify.warm import Warm, carried

Data = dict[str, Any]
TENS = [
    *((n, 2) for n in (10, 20)),
    pytest.param(30, 2, marks=pytest.mark.slow),
    *(pytest.param(n, 0, marks=pytest.mark.slow) for n in range(40, 200, 10)),
]
"""First of ten seeds each, and how many verified fixes there are at least: some ten have none."""


def poorer(seed: int) -> tuple[Data, PlacePlan] | None:
    """Return a tiny instance and its best plan without one job that it could do without."""
    data = tiny.tiny(seed)
    best, placements = brute.optimum(data)
    if best is None:
        return None
    kept = {j["id"] for j in data["jobs"] if "running" in j or j.get("must")}
    kept |= {name for j in data["jobs"] for name in j.get("predecessors", ())}
    free = [p for p in placements if p["job"] not in kept]
    rng = np.random.default_rng(seed)
    if free and rng.random() < 0.3:
        placements.remove(free[int(rng.integers(len(free)))])
    certificate = judged.random_certificate(data, rng) if rng.random() < 0.5 else {}
    return data, as_plan(by_hand(data, *placements, certificate=certificate))


def tried(data: Data, plan: PlacePlan, most: int = 10) -> tuple[Reason, ...]:
    """Return the reasons of a plan, fixes tried with a limit on work."""
    prepare()
    instance = read(data)
    reasons = explain(instance, plan)
    return verify(instance, plan, reasons, Readmitter(instance, plan, many=most), most)


def admitted(data: Data, reasons: tuple[Reason, ...]) -> Counter[tuple[str, str]]:
    """Assert that verified fixes, applied to the file, admit their jobs; count what came of all."""
    seen: Counter[tuple[str, str]] = Counter()
    for reason in reasons:
        for fix in reason.fixes:
            seen[fix.kind, fix.state] += 1
            if fix.state != "verified":
                assert fix.plan is None
                continue
            assert fix.plan is not None
            changed = patch(read(data), fix.changes).data()
            judged.passes(changed, fix.plan)
            (run,) = (p for p in fix.plan.placements if p.job == reason.job)
            if reason.is_late:
                (due,) = (j["due"] for j in changed["jobs"] if j["id"] == reason.job)
                assert run.end <= read(changed).horizon.down(due)
    return seen


@pytest.mark.parametrize(("first", "least"), TENS)
def test_a_verified_fix_applied_to_the_file_admits_the_job(first: int, least: int) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for seed in range(first, first + 10):
        made = poorer(seed)
        if made is not None:
            seen += admitted(made[0], tried(*made))
    assert sum(n for (_, state), n in seen.items() if state == "verified") >= least


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_carried_over_is_worth_what_it_was(seed: int) -> None:
    made = poorer(seed)
    if made is None:
        return
    data, plan = made
    instance = read(data)
    warm = Warm(instance, plan.certificate, carried(instance, plan, instance))
    best = warm.best()
    where = {p.job: (p.mode, p.start, p.end) for p in plan.placements}
    for j, each in enumerate(instance.jobs):
        m = int(best.mode_of[j])
        found = (m - int(warm.problem.a.job_ptr[j]), int(best.start[j]), int(best.end[j]))
        assert (found if m >= 0 else None) == where.get(each.id)
    assert plan_objective(warm.problem.a, best) == plan.objective


def test_a_job_that_no_larger_limit_can_help_is_not_confirmed() -> None:
    data = world(job("a", hours=3, value_usd=1.0), job("b", hours=4, value_usd=120.0))
    plan = as_plan(by_hand(data, placed("b", 0, 4)))
    (reason,) = tried(data, plan)
    found = {fix.kind: fix.state for fix in reason.fixes}
    assert found["capacity"] == "not confirmed"  # its energy costs more than it is worth
    assert found["displace"] == "verified"  # as a job that must run, at a loss


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rounds"), [("loughton-2027", 20), ("uk-and-norway", 3)])
def test_the_largest_fixes_of_a_facility_are_verified(name: str, rounds: int) -> None:
    instance = catalog.load(name)
    plan = solve(instance, Options(seconds=600, rounds=rounds))
    data = instance.data()
    seen = admitted(data, tried(data, plan))
    assert sum(n for (_, state), n in seen.items() if state != "estimated") == 10
    assert sum(n for (_, state), n in seen.items() if state == "verified") >= 7, seen


@pytest.mark.slow
def test_brute_force_seldom_confirms_what_the_search_does_not() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(200):
        made = poorer(seed)
        if made is None:
            continue
        data, plan = made
        for reason in tried(data, plan, most=100):
            for fix in (f for f in reason.fixes if f.changes):
                after = patch(read(data), fix.changes)
                best, before = forced(after.data(), reason), worth(data, plan, after)
                helps = best is not None and (fix.kind == "displace" or best >= before)
                seen[helps, fix.state == "verified"] += 1
    assert seen[False, True] == 0
    assert seen[True, False] <= 0.1 * seen[True, True], seen


def forced(data: Data, reason: Reason) -> int | None:
    """Return the best objective with a job in, on time if it is late, by brute force."""
    (each,) = (j for j in data["jobs"] if j["id"] == reason.job)
    each["must"] = True
    if reason.is_late:
        each["deadline"] = each["due"]
    return brute.optimum(data)[0]


def worth(data: Data, plan: PlacePlan, after: Any) -> int:
    """Return what the placements of a plan are worth on a changed instance."""
    kept = carried(read(data), plan, after).values()
    made = brute.plan(after.data(), [p.model_dump(mode="json") for p in kept])
    found: int = stranger.verify(after.data(), made)["objective"]
    return found
