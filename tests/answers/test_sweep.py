"""Sweeps: the same answers side by side as one after the other, and what is refused."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from judged_mix import read
from small import EXACT, judge, two_chips

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change
from optimizer.errors import InstanceError, Unsupported
from optimizer.questions import MIX
from optimizer.studies import NEEDS, Backend, Sweep

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve


def caps(solve: Solve) -> list[int | None]:
    """Return the least cost under three caps of power; the last leaves nothing."""
    cases = [Case(f"{mw} MW", (Change("/mix/power_mw", mw),)) for mw in (0.03, 0.02, 0.01, 0.0)]
    found = solve(cases)
    for each in found:
        judge(each)
    assert [f.case.label for f in found] == [c.label for c in cases]
    return [None if f.plan is None else f.plan.objective.total for f in found]


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_side_by_side_is_as_one_after_the_other(backend: Backend) -> None:
    if backend == "loky" and "coverage" in sys.modules:
        pytest.skip("workers start slowly under coverage")
    instance = read(two_chips(demand={"work_per_month": 40_000.0}))
    alone = caps(Sweep(workers=1).of(MIX, instance, EXACT))
    assert caps(Sweep(workers=2, backend=backend).of(MIX, instance, EXACT)) == alone
    assert len(set(alone)) > 2


def test_a_case_without_a_plan_says_whether_that_is_proven() -> None:
    instance = read(two_chips(demand={"value_usd_per_unit": None}))
    (found,) = Sweep(workers=1).of(MIX, instance)([Case("dark", (Change("/mix/power_mw", 0.0),))])
    assert found.plan is None and found.is_infeasible


def test_changes_that_are_refused_stop_the_sweep() -> None:
    instance = read(two_chips())
    cases = [Case("good"), Case("bad", (Change("/mix/utilisation", 2.0),))]
    with pytest.raises(InstanceError, match="utilisation"):
        Sweep(workers=1).of(MIX, instance)(cases)


@pytest.mark.parametrize("backend", sorted(NEEDS))
def test_a_cluster_that_is_not_installed_is_refused_with_its_name(backend: Backend) -> None:
    if find_spec(NEEDS[backend]) is not None:
        pytest.skip(f"{backend} is installed here")
    with pytest.raises(Unsupported, match=f"fleetwatt\\[{backend}\\]"):
        Sweep(backend=backend).of(MIX, read(two_chips()))([Case("base")])
