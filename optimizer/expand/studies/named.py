"""Named plans as plans: valued on futures, with the rules they break said by the checker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from optimizer.errors import PlanError
from optimizer.expand.answer import arrays_of, plan_of, versions
from optimizer.expand.evaluate import decision_of, named_steps
from optimizer.expand.plan import ExpandPlan, Options, RunRecord

if TYPE_CHECKING:
    from optimizer.domain.growth.futures import NamedPlan
    from optimizer.domain.instance import Instance

__all__ = ["named_plan", "valued"]


def named_plan(instance: Instance, name: str) -> NamedPlan:
    """Return a named plan of an instance.

    Raises
    ------
    PlanError
        If it has none of that name.
    """
    plans = {} if instance.expand is None else instance.expand.plans
    if name not in plans:
        known = ", ".join(plans) or "none"
        raise PlanError(f"{name!r} is not a plan of {instance.name}; known: {known}")
    return plans[name]


def valued(instance: Instance, name: str, options: Options | None = None) -> ExpandPlan:
    """Return a named plan with what it is worth on the futures that are asked for."""
    began, asked = time.monotonic(), options or Options()
    plan = named_plan(instance, name)
    arrays = arrays_of(instance, asked)
    decision = decision_of(arrays, *named_steps(arrays, plan))
    for (p, t), _ in decision.orders.items():
        build = arrays.build(p)
        if not build.first <= t <= build.last:
            label = arrays.growth.calendar.label
            span = (
                f"{label(build.first)} to {label(build.last)}" if build.first <= build.last else ""
            )
            raise PlanError(
                f"{name}: {build.name} is ordered in {label(t)}; it may be in {span or 'no period'}"
            )
    run = RunRecord(
        stopped_by="proof",
        seconds=round(time.monotonic() - began, 3),
        options=asked.model_dump(mode="json"),
        versions=versions(),
    )
    return plan_of(instance, arrays, decision, asked, run)
