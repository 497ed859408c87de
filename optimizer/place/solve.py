"""Strategy of placement: prices first, then the search, then names, dispatch and proof.

1. The smoothed dual gives prices and a bound (about a sixth of the time, two threads).
2. Priced construction, then annealed searches side by side until the time is up (`race.py`);
   incumbents are handed on as they come.
3. The best plan is polished: what still fits goes in, and what would rather run elsewhere or at
   another time moves. It gets domain ids and the cheapest dispatch; the prices become whole
   numbers, and the bound is what `certificate.py` makes of them.
4. Where the instance is small enough for CP-SAT, it gets the rest of the time, started with that
   plan; so the answer is never worse than either's.
Whatever stops it - proof, gap, time, work or cancel - the answer is a plan with its bound.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.answer import answer, whole_prices
from optimizer.place.arrays import PlaceArrays, build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.clock import Clock, OnIncumbent
from optimizer.place.conflict.proof import declared
from optimizer.place.engines.prices import TAUS, Dual, Stop
from optimizer.place.exact.case import is_small
from optimizer.place.plan import Options, PlacePlan, Status
from optimizer.place.prepare import small_instance
from optimizer.place.race import Race

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["OnIncumbent", "prepare", "solve"]

DUAL_SHARE = 0.25
"""Share of the time that prices get at most."""

SEARCH_SHARE = 0.25
"""Share of the time that the search gets where CP-SAT comes after it."""


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the best plan found by the engine of the options, with certificate and run record.

    Parameters
    ----------
    instance
        What is to be placed.
    options
        Limits and seed; defaults as in `Options`.
    on_incumbent
        Called whenever incumbent or bound got better; both only ever get better.
    cancel
        Set it to stop early; the plan is finished and returned.

    Raises
    ------
    Unsupported
        If the instance is larger than an exact engine that was asked for takes, or shares are
        asked for and no job of a tenant has a value.
    """
    o, cancel = options or Options(), cancel or Event()
    if o.objective != "value":
        return _goal(instance, o, on_incumbent, cancel)
    if o.engine == "exact":
        from optimizer.place.exact.solve import exact_solve

        return exact_solve(instance, o, on_incumbent, cancel)
    if o.engine == "oracle":
        from optimizer.place.exact.oracle import oracle_solve

        return oracle_solve(instance, o, on_incumbent, cancel)
    prepare()
    if o.engine == "auto" and is_small(instance):
        return _both(instance, o, on_incumbent, cancel)
    return _solve(instance, Clock(o, cancel, on_incumbent))


def _goal(
    instance: Instance, o: Options, on_incumbent: OnIncumbent | None, cancel: Event
) -> PlacePlan:
    """Return the plan for an objective beside value."""
    from optimizer.place.goals.solve import prepare_goal, solve_goal

    prepare()
    prepare_goal(o.objective)
    return solve_goal(instance, Clock(o, cancel, on_incumbent))


def _both(
    instance: Instance, o: Options, on_incumbent: OnIncumbent | None, cancel: Event
) -> PlacePlan:
    """Search, then CP-SAT with the rest of the time, started with what was found."""
    from optimizer.place.exact.solve import improve, prepare  # a second that only these pay

    prepare()
    share = max(1.0, SEARCH_SHARE * o.seconds)
    clock = Clock(o.model_copy(update={"seconds": share}), cancel, on_incumbent)
    plan = _solve(instance, clock)
    if plan.status is Status.INFEASIBLE or plan.run.stopped_by in ("proof", "gap", "cancel"):
        run = plan.run.model_copy(update={"options": o.model_dump(mode="json")})
        return plan.model_copy(update={"run": run})
    return improve(instance, plan, replace(clock, options=o))


@cache
def prepare() -> None:
    """Load the compiled search, or compile it (once on a machine, about half a minute).

    Time limits begin after it.
    """
    instance, clock = small_instance(), Clock(Options(rounds=1, threads=1), Event(), None)
    arrays = build_arrays(instance)
    dual = _prices(arrays, clock)
    race = Race(instance, arrays, dual, clock)
    race.run()
    with ThreadPoolExecutor(1) as pool:  # also where construction has left nothing to search for
        race.anneal(pool, 10, 1.0, 0.1)
    upper_bound(instance, whole_prices(instance, dual.best))


def _solve(instance: Instance, clock: Clock) -> PlacePlan:
    arrays = build_arrays(instance)
    dual = _prices(arrays, clock)
    certificate = whole_prices(instance, dual.best)
    bound = upper_bound(instance, certificate)
    clock.tell(None, bound.total)
    race = Race(instance, arrays, dual, clock)
    rounds, stopped_by = race.run()
    plan = answer(
        instance,
        race.problem,
        race.best(),
        race.best_pins(),
        (certificate, bound),
        clock,
        rounds,
        stopped_by,
    )
    return plan if race.no_plan is None else declared(plan, race.no_plan)


def _prices(arrays: PlaceArrays, clock: Clock) -> Dual:
    """Return the dual, minimised as far as its share of the time allows."""
    share = DUAL_SHARE if clock.options.rounds is None else 1.0
    limit = share * clock.options.seconds

    def is_over() -> bool:
        return clock.cancel.is_set() or clock.seconds() > limit

    def poll(bound: float) -> None:
        if is_over() and dual.evaluations > 2:
            raise Stop

    dual = Dual(arrays, clock.options.threads, poll)
    try:
        dual.minimise()
        if not is_over() and dual.add_rounding():
            dual.minimise(TAUS[3:])
    finally:
        dual.close()
    return dual
