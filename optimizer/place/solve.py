"""Strategy of placement: prices first, then the search, then names, dispatch and proof.

1. The smoothed dual gives prices and a bound (at most 45 % of the time, two threads). Its
   first prices, one a day, give a first plan.
2. Priced construction, then annealed searches side by side until the time is up (`race.py`);
   incumbents are handed on as they come. Where there are batteries or demand charges, every search
   has a schedule of them, and gets a better one from time to time for what it has placed.
3. The best plan is polished: what still fits goes in, and what would rather run elsewhere or at
   another time moves. It gets domain ids and the cheapest dispatch; the prices become whole
   numbers, and the bound is what `certificate.py` makes of them.
Where the instance is small, exact engines look for a proof: beside the search, which goes on with
all its threads, if it is of a size with hope (`exact/relaxed/beside.py`); after a short search if
it is tiny or work is limited; else not at all.
Whatever stops it - proof, gap, time, work or cancel - the answer is a plan with its bound.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.answer import Found, answer, whole_prices
from optimizer.place.arrays import PlaceArrays, build_arrays
from optimizer.place.certificate import Bound, upper_bound
from optimizer.place.clock import Clock, OnIncumbent
from optimizer.place.conflict.proof import declared
from optimizer.place.engines.dual.covers import prepare_covers
from optimizer.place.engines.prices import Dual, minimised
from optimizer.place.exact.case import is_small
from optimizer.place.plan import MAX_SECONDS, Certificate, Options, PlacePlan, Status
from optimizer.place.prepare import small_instance
from optimizer.place.race import Race
from optimizer.place.verify.begin import asked_for, at_least

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.answers.records import Start
    from optimizer.domain.instance import Instance

    NewClock = Callable[[Options], Clock]

__all__ = ["OnIncumbent", "prepare", "prepare_for", "solve"]

DUAL_SHARE = 0.45
"""Share of the time that prices get at most. With 20,000 jobs and 88 s a quarter of the time leaves
a gap of 7.3 %, this 5.8 %: bound and plan are both better (XL, seed 1). Small ones need less."""

ANNEAL_SHARE = 0.75
"""Share of the time that the search gets where CP-SAT refines its plan by neighbourhoods."""

FIRST_UNTIL = 0.05
"""Share of the time at which, on tiny instances, the search ends and CP-SAT begins."""

ENDS = ("proof", "engine proof", "gap", "cancel")
"""Why a run stops for good; the limits of its share of the time do not."""


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
    start: Start[PlacePlan] | None = None,
    on_plan: Callable[[PlacePlan], None] | None = None,
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
    start
        What to begin from. If that is a plan of this instance for the same objective, the answer
        is not worse; of a plan of another instance what still fits is kept.
    on_plan
        Given the best plan so far every few seconds, by a search for value.

    Raises
    ------
    Unsupported
        If the instance is larger than an exact engine that was asked for takes, or shares are
        asked for and no job of a tenant has a value.
    """
    o, cancel = options or Options(), cancel or Event()
    plan = _asked(instance, o, Clock(o, cancel, on_incumbent, on_plan=on_plan, begin=start))
    if start is None or start.plan.instance_hash != instance.hash:
        return plan
    return at_least(plan, start.plan) if asked_for(start.plan) == o.objective else plan


def _asked(instance: Instance, o: Options, call: Clock) -> PlacePlan:
    """Return the plan of the engine that is asked for; clocks begin when all is loaded."""

    def new(options: Options) -> Clock:
        return replace(call, options=options, history=[], start=time.monotonic())

    if o.objective != "value":
        return _goal(instance, o, new)
    if o.engine == "exact":
        from optimizer.place.exact.solve import exact_solve

        return exact_solve(instance, o, call.on_incumbent, call.cancel)
    if o.engine == "oracle":
        from optimizer.place.exact.oracle import oracle_solve

        return oracle_solve(instance, o, call.on_incumbent, call.cancel)
    return _searched(instance, o, new)


def _goal(instance: Instance, o: Options, new: NewClock) -> PlacePlan:
    """Return the plan for an objective beside value."""
    from optimizer.place.goals.solve import solve_goal

    prepare_for(o.objective)
    return solve_goal(instance, new(o))


def _searched(instance: Instance, o: Options, new: NewClock) -> PlacePlan:
    """Return the plan of the search, with what the options have beside or after it."""
    prepare()
    if o.engine == "auto" and is_small(instance):
        return _with_proof(instance, o, new)
    if o.engine == "neighbourhoods":
        return _solve(instance, new(_until(o, ANNEAL_SHARE)), o)
    return _solve(instance, new(o))


def _with_proof(instance: Instance, o: Options, new: NewClock) -> PlacePlan:
    """Search, and let exact engines prove what they can."""
    from optimizer.place.exact.relaxed.beside import search_beside  # a second
    from optimizer.place.exact.relaxed.solve import has_hope, is_tiny

    a = build_arrays(instance)
    if o.rounds is not None or is_tiny(a):
        plan = _then(instance, o, new)
    elif has_hope(a):
        plan = search_beside(instance, new(o), _solve)
    else:
        return _solve(instance, new(o))
    run = plan.run.model_copy(update={"options": o.model_dump(mode="json")})
    return plan.model_copy(update={"run": run})


def _then(instance: Instance, o: Options, new: NewClock) -> PlacePlan:
    """Search for a moment, then CP-SAT from what it found."""
    from optimizer.place.exact.solve import improve, prepare

    prepare()
    clock = new(_until(o, FIRST_UNTIL))
    plan = _solve(instance, clock)
    if plan.status is Status.INFEASIBLE or plan.run.stopped_by in ENDS:
        return plan
    return improve(instance, plan, replace(clock, options=o))


def _until(o: Options, share: float) -> Options:
    """Return options with a share of the time."""
    return o.model_copy(update={"seconds": max(1.0, share * o.seconds)})


def prepare_for(objective: str) -> None:
    """Load what a search for an objective needs, or compile it."""
    prepare()
    if objective != "value":
        from optimizer.place.goals.solve import prepare_goal

        prepare_goal(objective)


@cache
def prepare() -> None:
    """Load the compiled search, or compile it (once on a machine, about half a minute).

    Time limits begin after it.
    """
    options = Options(seconds=MAX_SECONDS, rounds=1, threads=1)  # compiling may take minutes
    instance, clock = small_instance(), Clock(options, Event(), None)
    arrays = build_arrays(instance)
    dual = _prices(arrays, clock)
    race = Race(instance, arrays, dual, clock)
    race.run()
    with ThreadPoolExecutor(1) as pool:  # also where construction has left nothing to search for
        race.anneal(pool, 10, 1.0, 0.1)
    prepare_covers()
    upper_bound(instance, whole_prices(instance, dual.finish()))


def _solve(instance: Instance, clock: Clock, then: Options | None = None) -> PlacePlan:
    """Search; `then`, if given, holds the limits within which CP-SAT refines the plan.

    Not with batteries or demand charges, which one neighbourhood does not see.
    """
    race, proof = _race(instance, build_arrays(instance), clock)

    rounds, stopped_by = race.run(partial(_now, race, proof))
    best = race.best()
    if then is not None:
        from optimizer.place.exact.near.search import refine

        clock = replace(clock, options=then)
        if stopped_by in ("time limit", "work limit") and race.shaper is None:
            best = refine(instance, race.problem, best, clock)
            stopped_by = clock.reason(then.rounds or 0) or stopped_by
    plan = answer(
        instance,
        race.problem,
        best,
        race.best_pins(),
        proof,
        clock,
        rounds,
        stopped_by,
        Found(served=race.served),
    )
    return plan if race.no_plan is None else declared(plan, race.no_plan)


def _now(race: Race, proof: tuple[Certificate, Bound]) -> PlacePlan:
    """Return the best plan so far of a race that goes on."""
    found, said = (race.best(), race.best_pins()), Found(served=race.served)
    return answer(race.instance, race.problem, *found, proof, race.clock, 0, "cancel", said)


def _race(
    instance: Instance, arrays: PlaceArrays, clock: Clock
) -> tuple[Race, tuple[Certificate, Bound]]:
    """Return a race at the prices of the dual, with what it found at the first ones; the proof.

    The plan at the first prices is handed on: whoever stops the search has one soon.
    """
    earlier: Race | None = None

    def proved(dual: Dual) -> tuple[Certificate, Bound]:
        certificate = whole_prices(instance, dual.finish())
        bound = upper_bound(instance, certificate)
        clock.tell(None, bound.total)
        return certificate, bound

    def first(dual: Dual) -> None:
        nonlocal earlier
        proof = proved(dual)
        earlier = Race(instance, arrays, dual, clock)
        earlier.construct()
        earlier.hand_on(partial(_now, earlier, proof))

    dual = _prices(arrays, clock, first if clock.options.rounds is None else None)
    proof, race = proved(dual), Race(instance, arrays, dual, clock)
    if earlier is not None:
        race.keep(earlier)
    return race, proof


def _prices(arrays: PlaceArrays, clock: Clock, first: Callable[[Dual], None] | None = None) -> Dual:
    """Return the dual, minimised as far as its share of the time allows.

    first
        Called once with the dual when its prices are good enough for a first plan.
    """
    share = DUAL_SHARE if clock.options.rounds is None else 1.0
    limit = clock.seconds() + share * max(0.0, clock.options.seconds - clock.seconds())

    def is_over() -> bool:
        return clock.cancel.is_set() or clock.seconds() > limit

    return minimised(arrays, clock.options.threads, is_over, first=first)
