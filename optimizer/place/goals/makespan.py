"""Earliest end of all jobs: place all, bound the end from below, then end earlier.

Lists of jobs are bred first (`exact/lists`), and CP-SAT goes on from the best plan of them. Where
they are too large or find no plan that all rules let in, the searches place all jobs, and then
descend on the deadline: columns that end later are closed to them, what ends later is taken out of
the best plan, and they place it again. Steps grow while they succeed and halve when they fail. The
bound comes from `prove`: prices below 0 on the image in which every job ends by D prove that no
plan does; the largest such D is found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.answer import whole_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.conflict.proof import declared, prove
from optimizer.place.engines.prices import minimised
from optimizer.place.engines.search import copied
from optimizer.place.goals.answers import finished, with_claim, with_goal
from optimizer.place.goals.everything import fill, prepared, revalued, run_ends_of, unpriced
from optimizer.place.goals.listed import lists_of
from optimizer.place.measure.images import all_must, deadline_image
from optimizer.place.measure.judge import ends_later, makespan_gap
from optimizer.place.measure.records import Makespan
from optimizer.place.plan import Certificate, PlacePlan

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.handles import State
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.listed import Lists
    from optimizer.place.goals.team import Team

__all__ = ["solve_makespan"]

VALUE_PART, PRICES_PART, FIRST_PART, FILL_PART = 0.05, 0.1, 0.1, 0.5
"""Parts of what is left: the bound on value, prices to rank by, placing all at once, placing all
the harder way."""

BOUND_PART, PROBE_PART, TRY_PART = 0.3, 0.3, 0.25
"""Parts of what is left: the bound, and one probe of it; one deadline."""

FIRST_LISTS_PART, FLOOR_PART, LISTS_PART = 0.05, 0.1, 0.45
"""Parts of what is left, where lists serve: breeding a first plan, the bound, and breeding on."""

FLOOR = 0.02
"""Least price of the chip-periods of a mean run, as a share of the mean prize."""


@dataclass
class _Floor:
    """What is proven: no plan ends before `least`.

    Attributes
    ----------
    open
        A boundary for which a proof was sought in vain, or the end of a plan.
    """

    instance: Instance
    least: int
    open: int
    certificate: Certificate

    def raise_it(self, effort: Effort, part: float) -> None:
        """Bisect for the largest deadline that can be refuted."""
        is_over = effort.until(part)
        while self.least < self.open and not is_over():
            middle = (self.least + self.open) // 2
            spent = effort.until(part * PROBE_PART)
            image = deadline_image(self.instance, middle)
            prices = prove(image, lambda: is_over() or spent(), effort.clock.options.threads)
            if prices is not None and ends_later(self.instance, middle, prices):
                self.least, self.certificate = middle + 1, prices
            else:
                self.open = middle


def solve_makespan(instance: Instance, effort: Effort) -> PlacePlan:
    """Return the plan that places every job and ends first, and a bound on any such end."""
    image = all_must(instance)
    ours = build_arrays(image)
    a = _moneyless(ours)
    ends = run_ends_of(a)
    floor = _Floor(instance, _earliest(a, ends), instance.horizon.periods, Certificate())
    threads = effort.clock.options.threads
    value = minimised(build_arrays(instance), threads, effort.until(VALUE_PART))
    certificate = whole_prices(instance, value.finish())  # bounds value, whatever was asked
    team = unpriced(image, a, effort)
    lists, hopeless = lists_of(team, ends, effort), None
    found = None if lists is None else _by_lists(lists, floor, effort)
    if found is None:
        team.pool.shutdown()
        team, _ = prepared(image, a, effort, PRICES_PART)
        found, hopeless = _by_search(team, a, ends, floor, effort)
    records = team.best().best() if found is None else found
    plan = finished(instance, ours, team, records, certificate, effort)
    periods = max((p.end for p in plan.placements), default=0)
    goal = Makespan(
        periods=periods,
        bound=floor.least,
        gap=makespan_gap(periods, floor.least),
        certificate=floor.certificate,
    )
    plan = with_goal(plan, goal, effort, found is not None, periods == floor.least, False)
    if found is not None and lists is not None and lists.claim is not None:
        plan = with_claim(plan, lists.claim)
    return plan if hopeless is None else declared(plan, hopeless)


def _moneyless(a: PlaceArrays) -> PlaceArrays:
    """Return arrays in which nothing is worth or costs anything; columns may be closed in them."""
    free = revalued(a, np.zeros(len(a.value)))
    return free._replace(
        gain=np.zeros_like(a.gain),
        late=np.zeros_like(a.late),
        restart=np.zeros_like(a.restart),
        sup_cost=np.zeros_like(a.sup_cost),
        allowed=a.allowed.copy(),
    )


def _by_lists(lists: Lists, floor: _Floor, effort: Effort) -> State | None:
    """Return the plan that ends first by lists; None if they found none."""
    found = lists.breed(FIRST_LISTS_PART, floor.least)
    if found is None:
        found = lists.breed(LISTS_PART, floor.least)
    if found is None:
        return None
    floor.open = _end(found)
    floor.raise_it(effort, FLOOR_PART)
    lists.breed(LISTS_PART, floor.least)
    return lists.finish(floor.least)


def _by_search(
    team: Team, a: PlaceArrays, ends: np.ndarray, floor: _Floor, effort: Effort
) -> tuple[State | None, Certificate | None]:
    """Return the plan that ends first by searches, or a proof that there is none, or neither."""
    _spread(team)
    found = fill(team, effort, FIRST_PART)
    if found is None:
        threads = effort.clock.options.threads
        hopeless = prove(team.instance, effort.until(BOUND_PART), threads)
        if hopeless is not None:
            return None, hopeless
        found = fill(team, effort, FILL_PART)
    if found is None:
        return None, None
    floor.open = _end(found)
    floor.raise_it(effort, BOUND_PART)
    return _descend(team, a, ends, found, floor, effort), None


def _spread(team: Team) -> None:
    """Price every chip-period a little.

    Without money, the noise on prices is all that spreads runs over starts and modes; where nothing
    is scarce, prices are 0.
    """
    a, prize = team.problem.a, team.problem.prize
    mean = float((a.chips * a.dur).mean()) if len(a.dur) else 1.0
    little = FLOOR * float(prize.mean()) / mean if len(prize) else 0.0
    chips = a.chips[a.example][:, None]
    team.problem.priced[:] += little * chips * np.arange(a.pue.shape[1] + 1)


def _end(plan: State) -> int:
    return int(plan.end[plan.mode_of >= 0].max(initial=0))


def _earliest(a: PlaceArrays, ends: np.ndarray) -> int:
    """Return the boundary before which some job cannot end, whatever the others do."""
    late = np.iinfo(np.int64).max
    first = np.where(a.allowed == 1, ends, late).min(1, initial=late)
    each = [first[p:q].min(initial=late) for p, q in zip(a.job_ptr, a.job_ptr[1:], strict=False)]
    return int(max((int(x) for x in each if x < late), default=0))


def _descend(
    team: Team, a: PlaceArrays, ends: np.ndarray, found: State, floor: _Floor, effort: Effort
) -> State:
    """Return the plan that ends first of those that were found."""
    base, step = a.allowed.copy(), 1
    while floor.least < (end := _end(found)) and not effort.is_over():
        goal = max(floor.least, end - step)
        a.allowed[:] = base * (ends <= goal)
        keeps = found.end <= goal
        for member in team.members:
            team.take(member, found, keeps)
        better = fill(team, effort, TRY_PART)
        if better is not None:
            found, step = better, 2 * step
            floor.open = _end(found)
        else:
            if step == 1 and floor.open == end:  # it may be that there is nothing to find
                floor.raise_it(effort, BOUND_PART)
            step = max(1, step // 2)
    a.allowed[:] = base
    return copied(found)
