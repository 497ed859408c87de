"""No plan: the proof, and what both judges say of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import brute
import judged
import pytest
import stranger_feasible
from judged import as_data, as_plan, job, read, with_musts, world

from optimizer.place.answer import least_worth
from optimizer.place.check import check
from optimizer.place.conflict.diagnose import diagnosed
from optimizer.place.conflict.proof import prove
from optimizer.place.explain import explain
from optimizer.place.plan import Certificate, PlacePlan, Status
from optimizer.place.reasons.conflict import conflict_section
from optimizer.place.report import report
from optimizer.units import usd

Data = dict[str, Any]
TENS = [0, 10, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 200, 10))]
"""First of ten seeds each."""

WITHOUT = [5, 14, *(pytest.param(n, marks=pytest.mark.slow) for n in (12, 15, 18, 42))]
"""Seeds of instances without a plan."""


def prices_for(data: Data) -> Certificate | None:
    """Return prices that prove that there is no plan, if they are found."""
    return prove(read(data), lambda: False)


def two_for_one_rack() -> Data:
    """Return two jobs that must run for 3 of 4 hours on the only domain."""
    return world(job("a", hours=3, must=True), job("b", hours=3, must=True))


# ---- the proof ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", TENS)
def test_prices_prove_what_brute_force_finds_and_nothing_else(first: int) -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(first, first + 10):
        data = with_musts(seed)
        has_plan, prices = brute.optimum(data)[0] is not None, prices_for(data)
        seen[has_plan, prices is not None] += 1
        if prices is not None:
            given = prices.model_dump(mode="json")
            assert stranger_feasible.proves_no_plan(data, given), seed
    assert seen[True, True] == 0
    assert seen[False, False] <= 1
    assert seen[False, True]


@pytest.mark.parametrize("first", TENS)
def test_a_solve_says_that_there_is_no_plan_and_proves_it(first: int) -> None:
    for seed in range(first, first + 5):
        data = with_musts(seed)
        plan = judged.solved(data, threads=2)
        has_plan = brute.optimum(data)[0] is not None
        assert has_plan == (plan.status in (Status.FEASIBLE, Status.OPTIMAL)), seed
        if plan.status is Status.INFEASIBLE and plan.conflict is not None:
            assert plan.run.stopped_by == "proof"


@pytest.mark.parametrize("engine", ["search", "exact"])
@pytest.mark.parametrize("seed", WITHOUT)
def test_a_file_without_a_plan_holds_no_number_beyond_the_money_of_its_instance(
    seed: int, engine: str
) -> None:
    """Prices of an infeasible problem run away; what they say of value then means nothing."""
    data = with_musts(seed)
    plan = judged.solved(data, engine=engine)
    assert plan.status in (Status.INFEASIBLE, Status.UNKNOWN)
    money = sum(j.value_usd for j in read(data).jobs) - least_worth(read(data))
    told = [plan.bound, *(bound for _, _, bound in plan.run.history)]
    assert all(abs(usd(x)) <= money for x in told if x is not None)


def test_a_job_waited_for_without_a_run_is_named_with_the_rule_that_leaves_it_none() -> None:
    data = world(job("a", hours=9), job("b", hours=1, predecessors=["a"], must=True))
    instance = read(data)
    plan = diagnosed(instance, judged.solved(data), threads=1)
    assert plan.status is Status.INFEASIBLE
    said = " ".join(conflict_section(instance, plan).sentences)
    assert "Job a has no way to run at all: too little time: takes 9 h, has 4 h" in said
    reasons = {reason.job: reason for reason in explain(instance, plan)}
    assert (reasons["a"].kind, reasons["a"].rules) == ("rule", ("window",))
    assert (reasons["b"].kind, reasons["b"].rules) == ("rule", ("precedence",))
    made = report(instance, plan, check(instance, plan))
    shown = {fact.label for section in made.sections for fact in section.facts}
    assert "Jobs placed" in shown
    assert not {"Bound", "Gap", "Gap to the bound"} & shown


def test_a_chain_that_is_too_long_is_proven_by_the_windows_it_leaves() -> None:
    data = world(job("a", hours=2), job("b", hours=3, predecessors=["a"], must=True), count=2)
    plan = judged.solved(data)
    assert plan.status is Status.INFEASIBLE
    assert plan.bound is not None
    assert plan.conflict is not None


# ---- just legal, just illegal -------------------------------------------------------------------


def proven() -> tuple[Data, PlacePlan]:
    """Return an instance without a plan, and the plan file that says so."""
    data = two_for_one_rack()
    plan = judged.solved(data)
    assert plan.status is Status.INFEASIBLE
    assert plan.conflict is not None
    return data, plan


def test_prices_that_prove_nothing_are_refused_by_both_judges() -> None:
    data, plan = proven()
    spoilt = as_data(plan)
    spoilt["conflict"]["prices"] = {}
    assert "conflict" in judged.wrong(data, spoilt)
    assert "conflict" in judged.strange(data, spoilt)


def test_a_claim_without_prices_is_refused_by_both_judges() -> None:
    data, plan = proven()
    spoilt = as_data(plan) | {"conflict": None}
    assert "status" in judged.wrong(data, spoilt)
    assert "status" in judged.strange(data, spoilt)


def test_prices_prove_nothing_once_there_is_room_for_one_more() -> None:
    data, plan = proven()
    data["pools"]["p"]["count"] = 2
    spoilt = as_data(plan) | {"instance_hash": read(data).hash}
    assert "conflict" in judged.wrong(data, spoilt)
    assert "conflict" in judged.strange(data, spoilt)


def test_any_positive_multiple_of_a_proof_is_one() -> None:
    data, plan = proven()
    more = as_data(plan)
    for rows in (more["conflict"]["prices"][k] for k in ("power", "chips", "quotas")):
        for name, prices in rows.items():
            rows[name] = [3 * p for p in prices]
    for row in more["conflict"]["prices"]["slices"] + more["conflict"]["prices"]["rounding"]:
        row["prices"] = [3 * p for p in row["prices"]]
    judged.passes(data, as_plan(more))
