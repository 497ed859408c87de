"""The search with exact engines beside it, in one thread more; who proves first ends both.

HiGHS runs in a process of its own (`exact/relaxed/solve.py`), CP-SAT without Python's lock, so the
search goes on all the while, from where it is. What an engine found is handed on in the caller's
thread; the better plan stays, with the search's certificate and the engines' claim beside it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.clock import Clock
from optimizer.place.exact.relaxed.solve import claimed, prove
from optimizer.place.exact.solve import prepare
from optimizer.place.plan import Certificate, Status, gap_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["search_beside"]

FINISH_SHARE, FINISH_SECONDS = 0.05, 1.5
"""What CP-SAT gets to make a plan of what HiGHS has at its time limit: a share of the time, and at
least so many seconds."""


def search_beside(
    instance: Instance, clock: Clock, search: Callable[[Instance, Clock], PlacePlan]
) -> PlacePlan:
    """Return the better plan of the search and of exact engines that run beside it."""
    prepare()
    o, stop = clock.options, Event()
    mine = replace(clock, history=[])
    theirs = Clock(o.model_copy(update={"threads": 1}), stop, None, start=mine.start)
    until = o.seconds - max(FINISH_SECONDS, FINISH_SHARE * o.seconds)

    def is_over() -> bool:
        return stop.is_set() or clock.cancel.is_set()

    with ThreadPoolExecutor(1) as pool:
        proof = pool.submit(prove, instance, theirs, Certificate(), until, is_over)

        def is_beaten() -> bool:
            found = proof.result()[0] if proof.done() else None
            return found is not None and found.run.stopped_by == "engine proof"

        mine.is_beaten = is_beaten
        try:
            plan = search(instance, mine)
            if plan.run.stopped_by == "time limit":
                wait([proof], max(0.0, o.seconds - mine.reserve - mine.seconds()))
        finally:
            stop.set()
        other, claim = proof.result()
        return claimed(plan if other is None else _better(plan, other, mine), claim)


def _better(plan: PlacePlan, other: PlacePlan, clock: Clock) -> PlacePlan:
    """Return the better of two plans, with certificate and record of the first."""
    total, bound = other.objective.total, plan.bound
    is_complete = other.status.has_plan
    is_better = plan.status is Status.UNKNOWN or total > plan.objective.total
    record = plan.run.model_copy(update={"seconds": round(clock.seconds(), 3)})
    if is_complete and is_better and plan.status is not Status.INFEASIBLE:
        clock.tell(total, None)
        record = record.model_copy(update={"history": tuple(clock.history)})
        proof = {"certificate": plan.certificate, "bound": bound, "gap": gap_of(total, bound)}
        status = Status.OPTIMAL if total == bound else Status.FEASIBLE
        plan = other.model_copy(update=proof | {"status": status})
    return plan.model_copy(update={"run": record.model_copy(update={"claim": other.run.claim})})
