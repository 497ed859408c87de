"""Solves and decisions of expansions that the judge sees, and plans by hand."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from optimizer.expand.answer import arrays_of, plan_of, versions
from optimizer.expand.arrays import Arrays, Decision
from optimizer.expand.check import check
from optimizer.expand.plan import ExpandPlan, Options, RunRecord
from optimizer.expand.solve import solve
from optimizer.expand.studies.named import valued

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from optimizer.domain.instance import Instance

METHODS = ("benders", "extensive")
RUN = RunRecord(stopped_by="proof", seconds=0.0, options={}, versions=versions())


def solved(instance: Instance, **options: Any) -> ExpandPlan:
    """Return the plan of both methods, after the judge has passed it; they agree to a dollar."""
    found = []
    for method in METHODS:
        asked: dict[str, Any] = {"gap": 1e-9, "method": method} | options
        plan = solve(instance, Options(**asked))
        verdict = check(instance, plan)
        assert not verdict.violations, (method, verdict.violations)
        found.append(plan)
    assert abs(found[0].objective.total - found[1].objective.total) <= 10**9, "they agree"
    return found[0]


def worth(instance: Instance, **options: Any) -> float:
    """Return the objective of the best plan [USD]."""
    return solved(instance, **options).objective.total / 1e9


def judged(instance: Instance, decision: Decision, options: Options | None = None) -> ExpandPlan:
    """Return a decision as a plan."""
    asked = options or Options()
    return plan_of(instance, arrays_of(instance, asked), decision, asked, RUN)


def broken(instance: Instance, name: str) -> set[str]:
    """Return the rules that a named plan breaks."""
    return {v.rule for v in check(instance, valued(instance, name)).violations}


def every(arrays: Arrays, most: int = 1, contracts: int = 0) -> Iterator[Decision]:
    """Yield every decision of up to so many units at each place and period."""
    slots = [
        (p, t)
        for p in range(len(arrays.places))
        for t in range(arrays.build(p).first, arrays.build(p).last + 1)
    ]
    for units in product(range(most + 1), repeat=len(slots)):
        for signs in product((False, True), repeat=contracts):
            signed = frozenset(i for i, x in enumerate(signs) if x)
            orders = {slot: float(n) for slot, n in zip(slots, units, strict=True) if n}
            yield Decision(orders=orders, signed=signed)


def drawn(arrays: Arrays, rng: np.random.Generator, share: float = 0.6) -> Decision:
    """Return orders drawn at random for a share of places: perhaps halls without power."""
    found = Decision()
    for p in range(len(arrays.places)):
        build = arrays.build(p)
        if rng.random() < share:
            t = int(rng.integers(build.first, build.last + 1))
            found.orders[p, t] = float(rng.integers(1, build.max_units + 1))
    return found
