"""Time-sharing policies against another solver, and what must hold of their shares."""

from __future__ import annotations

import numpy as np
import pulp
import pytest

from optimizer.errors import Unsupported
from optimizer.mix.sharing import POLICIES, Policy, SharingProblem, share
from optimizer.solvers.milp import solve_milp

EXACT = 1e-6


def problem(seed: int, jobs: int = 12, kinds: int = 3) -> SharingProblem:
    """Return jobs on kinds of chips, by a seed; some run on some kinds only."""
    rng = np.random.default_rng(seed)
    rate = rng.lognormal(0.0, 0.6, (jobs, kinds)) * np.arange(1, kinds + 1)
    rate[rng.random(rate.shape) < 0.15] = 0.0
    rate[:, 0] = np.maximum(rate[:, 0], 0.1)
    gang = np.repeat(rng.choice([1.0, 2.0, 4.0, 8.0], jobs)[:, None], kinds, axis=1)
    count = np.array([0.3, 0.2, 0.2])[:kinds] * gang[:, 0].sum() * 0.6
    return SharingProblem(rate, gang, count, np.array([1.0, 2.2, 4.0])[:kinds])


def another(p: SharingProblem, policy: Policy, least: float = 0.0) -> float:
    """Return the optimum of a policy by CBC, from a model of its own."""
    model = pulp.LpProblem("share", pulp.LpMinimize)
    jobs, kinds = p.rate.shape
    x = [
        [pulp.LpVariable(f"x_{j}_{c}", 0, 1 if p.rate[j, c] > 0 else 0) for c in range(kinds)]
        for j in range(jobs)
    ]
    work = [pulp.lpSum(p.rate[j, c] * x[j][c] for c in range(kinds)) for j in range(jobs)]
    for j in range(jobs):
        model += pulp.lpSum(x[j]) <= 1
    for c in range(kinds):
        model += pulp.lpSum(p.gang[j, c] * x[j][c] for j in range(jobs)) <= p.count[c]
    equal = p.equal
    every = [(j, c) for j in range(jobs) for c in range(kinds)]
    t = pulp.LpVariable("t", 0)
    if policy == "throughput":
        model += -pulp.lpSum(work[j] / equal[j] for j in range(jobs))
    elif policy == "fair" and not least:
        for j in range(jobs):
            model += work[j] / equal[j] >= t
        model += -1.0 * t
    elif policy == "fair":
        for j in range(jobs):
            model += work[j] / equal[j] >= least * (1 - 1e-9)
        model += -pulp.lpSum(work[j] / equal[j] for j in range(jobs))
    elif policy == "least-cost":
        for j in range(jobs):
            model += work[j] / equal[j] >= 1
        model += pulp.lpSum(p.price[c] * p.gang[j, c] * x[j][c] for j, c in every)
    else:
        model += -pulp.lpSum(p.rate[j, c] / equal[j] / p.price[c] * x[j][c] for j, c in every)
    found = solve_milp(model, "cbc").objective
    assert found is not None
    return found


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_another_solver_finds_the_same_optimum(seed: int, policy: Policy) -> None:
    p = problem(seed)
    found = share(p, policy)
    assert found.gap <= EXACT
    if policy == "fair":
        assert found.least is not None
        least, bound = found.least
        assert abs(least + another(p, "fair")) <= EXACT * least and bound >= least * (1 - EXACT)
        assert (found.work / p.equal).min() >= least * (1 - EXACT)
    best = another(p, policy, found.least[0] if found.least else 0.0)
    assert abs(found.objective - abs(best)) <= EXACT * abs(best)


@pytest.mark.parametrize("policy", POLICIES)
def test_shares_keep_to_time_and_chips_to_the_last_bit(policy: Policy) -> None:
    for seed in range(6):
        found = share(problem(seed), policy)
        assert (found.share >= 0).all() and (found.share.sum(axis=1) <= 1 + 1e-12).all()
        assert (found.used <= found.problem.count * (1 + 1e-12)).all()
        assert (found.share[found.problem.rate == 0] == 0).all()


def test_no_chip_is_idle_that_could_do_more_for_anybody() -> None:
    for seed in range(6):
        found = share(problem(seed), "fair")
        idle = found.problem.count - found.used > 1e-6 * found.problem.count
        has_time = found.share.sum(axis=1) < 1 - 1e-6
        assert not (found.problem.rate[np.ix_(has_time, idle)] > 0).any()


def test_policies_rank_as_their_objectives_say() -> None:
    p = problem(7)
    each = {policy: share(p, policy) for policy in POLICIES}
    total = {k: (s.work / p.equal).sum() for k, s in each.items()}
    least = {k: (s.work / p.equal).min() for k, s in each.items()}
    assert all(total["throughput"] >= x * (1 - EXACT) for x in total.values())
    assert all(least["fair"] >= x * (1 - EXACT) for x in least.values())
    assert each["least-cost"].cost <= each["fair"].cost * (1 + EXACT)


def test_floors_that_nothing_reaches_and_jobs_that_run_nowhere_are_refused() -> None:
    p = problem(1)
    too_much = SharingProblem(p.rate, p.gang, p.count, p.price, floor=p.rate.max(axis=1) * 2)
    with pytest.raises(Unsupported, match="floors"):
        share(too_much, "least-cost")
    with pytest.raises(Unsupported, match="runs on none"):
        SharingProblem(np.zeros((1, 2)), np.ones((1, 2)), np.ones(2), np.ones(2), jobs=("j",))


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_five_thousand_jobs_are_shared_out_to_a_millionth(policy: Policy) -> None:
    found = share(problem(0, jobs=5000), policy)
    assert found.gap <= EXACT
    if found.least is not None:
        assert abs(found.least[0] - found.least[1]) <= EXACT * found.least[1]
