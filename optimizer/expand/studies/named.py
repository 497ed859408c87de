"""Named plans as plans: valued on futures, with the rules they break said by the checker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from optimizer.errors import PlanError
from optimizer.expand.answer import arrays_of, plan_of, versions
from optimizer.expand.evaluate import decided, decision_of, named_steps
from optimizer.expand.plan import ExpandPlan, Options, RunRecord

if TYPE_CHECKING:
    from optimizer.domain.growth.futures import NamedPlan
    from optimizer.domain.instance import Instance
    from optimizer.expand.arrays import Arrays, Decision

__all__ = ["kept", "named_plan", "valued"]


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
    asked = options or Options()
    plan = named_plan(instance, name)
    arrays = arrays_of(instance, asked)
    return _priced(instance, arrays, decision_of(arrays, *named_steps(arrays, plan)), asked, name)


def kept(instance: Instance, plan: ExpandPlan, options: Options) -> ExpandPlan:
    """Return a plan of another instance as one of this: the same steps, priced here.

    Raises
    ------
    PlanError
        If an order is out of its window here, or a node is none of the futures.
    """
    arrays = arrays_of(instance, options)
    return _priced(instance, arrays, decided(arrays, plan), options, plan.instance)


def _priced(
    instance: Instance, arrays: Arrays, decision: Decision, options: Options, name: str
) -> ExpandPlan:
    began = time.monotonic()
    for each in (decision, *decision.nodes.values()):
        for p, t in each.orders:
            build, label = arrays.build(p), arrays.growth.calendar.label
            if not build.first <= t <= build.last:
                span = f"{label(build.first)} to {label(build.last)}"
                may = span if build.first <= build.last else "no period"
                raise PlanError(
                    f"{name}: {build.name} is ordered in {label(t)}; it may be in {may}"
                )
    run = RunRecord(
        stopped_by="proof",
        seconds=round(time.monotonic() - began, 3),
        options=options.model_dump(mode="json"),
        versions=versions(),
    )
    return plan_of(instance, arrays, decision, options, run)
