"""Plans that are hardly worse than the best: how few, and how many, units of each build they have.

Few: the build is limited to so many units, halving between none and those of the best plan. Many:
every unit ordered brings a bonus on top, and bonuses are sought between which the best plan passes
the limit (the supported points of Aneja and Nair 1979); between two of them the number of units is
limited and halved. The bonus is paid as a higher resale, worth the same whenever a unit is sold, so
V + bonus x units is what the search sees, and its bound says how many units a plan within the limit
can have at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from optimizer.domain.answers.cases import Case, Solved, plan_of
from optimizer.domain.changes.patch import Change, pointer
from optimizer.domain.growth.image import size_of
from optimizer.domain.growth.prices import DISCOUNT
from optimizer.errors import Unsupported
from optimizer.expand.studies.cases import asked, kept_at, units_of, without
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options

    Points = Generator[Case, Solved[ExpandPlan], Any]
    Point = tuple[int, int, Solved[ExpandPlan] | None]
    Search = Generator[Case, Solved[ExpandPlan], list["Alternative"]]

__all__ = ["WITHIN", "Alternative", "alternatives", "bonus"]

WITHIN = (0.01, 0.05)
"""How much worse than the best an alternative may be, as shares of its objective."""

ONE: dict[str, Any] = {"recourse": False}
"""One plan for all futures."""

NOISE = 1e-6
"""Share of the objective by which a point has to be better to be a new one."""

ENOUGH = 3.0
"""So many times what a unit costs on average is a bonus for which it is ordered."""

MOST_USD = 9e9
"""Prices end there [USD per MW or chip]."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The plan found with the most, or the least, units of a build that is hardly worse.

    Attributes
    ----------
    units
        How many it has.
    limit
        By the engine's bounds no such plan has more, or fewer; None where they do not tell.
    solved
        With the case that it is the plan of; None where it is the best plan itself.
    """

    build: str
    which: Literal["least", "most"]
    within: float
    units: int
    limit: int | None
    solved: Solved[ExpandPlan] | None


def alternatives(
    instance: Instance,
    solve: Solve,
    options: Options,
    within: Sequence[float] = WITHIN,
) -> tuple[Solved[ExpandPlan], tuple[Alternative, ...]]:
    """Return the best plan, and the least and the most units of every build near to it.

    All are plans for all futures at once, whatever is learnt: only these have one number of units.

    Raises
    ------
    Unsupported
        If anything but expected NPV is asked for: a bonus is the same in every future on average.
    """
    if options.objective != "expected":
        raise Unsupported("study alternatives", "it is about expected NPV: --objective expected")
    (base,) = solve([Case("as stated", (), ONE)])
    best, options = plan_of(base), options.model_copy(update=ONE)
    searches = [
        each
        for build in asked(instance).builds
        for each in (
            _least(instance, best, build, sorted(within)),
            _Many(instance, best, build, options).search(sorted(within)),
        )
    ]
    return base, tuple(a for found in _side_by_side(searches, solve) for a in found)


def _side_by_side(searches: Sequence[Search], solve: Solve) -> list[list[Alternative]]:
    """Run searches that ask for one case after another, the cases of all of them at once."""
    found: dict[int, list[Alternative]] = {}
    answers: dict[int, Solved[ExpandPlan] | None] = dict.fromkeys(range(len(searches)))
    while answers:
        cases = {}
        for i, answer in answers.items():
            try:
                cases[i] = next(searches[i]) if answer is None else searches[i].send(answer)
            except StopIteration as end:
                found[i] = end.value
        answers = dict(zip(cases, solve(list(cases.values())), strict=True)) if cases else {}
    return [found[i] for i in range(len(searches))]


def _limit(best: ExpandPlan, within: float) -> int:
    total = best.objective.total
    return total - floor(abs(total) * within)


def _least(instance: Instance, best: ExpandPlan, build: str, within: Sequence[float]) -> Search:
    """Halve between no unit and those of the best plan."""
    tried: dict[int, Solved[ExpandPlan]] = {}
    has, found = units_of(best, build), []
    for share in within:
        limit, low, high = _limit(best, share), -1, has
        proven = -1  # with so many units no plan is within the limit
        while high - low > 1:
            k = (low + high) // 2 if low >= 0 else 0
            if k not in tried:
                label, at = f"at most {k} {build}", pointer("expand", "builds", build, "max_units")
                change = without(instance, build) if k == 0 else Change(at, k)
                tried[k] = yield Case(label, (change,), ONE)
            plan = tried[k].plan
            if plan is not None and plan.objective.total >= limit:
                high = k
                continue
            low = k
            bound = plan.bound if plan is not None else None
            if tried[k].is_infeasible or (bound is not None and bound < limit):
                proven = max(proven, k)
        solved = tried.get(high)
        units = has if solved is None else units_of(plan_of(solved), build)
        found.append(Alternative(build, "least", share, units, proven + 1, solved))
    return found


class _Many:
    """The search for the most units of a build.

    Attributes
    ----------
    points
        Units and value of plans that keep all rules, at true prices; None for the best plan.
    lines
        Bonuses, and the bound on value and bonuses of any plan.
    """

    def __init__(self, instance: Instance, best: ExpandPlan, build: str, options: Options) -> None:
        self.instance, self.best, self.build, self.options = instance, best, build, options
        self.points: list[Point] = [(units_of(best, build), best.objective.total, None)]
        self.lines: list[tuple[float, int]] = []
        self.largest = NANO * _largest_bonus(instance, build)

    def search(self, within: Sequence[float]) -> Search:
        """Return the most within each share of the best."""
        found: list[Alternative] = []
        build = asked(self.instance).builds[self.build]
        if build.life_periods is not None:
            return found  # no resale at the end, so no bonus
        far = yield from self._at(float(abs(self.best.objective.total)))
        for share in within:
            limit = _limit(self.best, share)
            if far is not None and far[1] < limit:
                right = yield from self._supported(limit, far)
                yield from self._halved(limit, right)
            units, _, solved = self._inside(limit)
            lines = ((bound - limit) / each for each, bound in self.lines if each > 0)
            most = min([build.max_units, *(floor(n + 1e-9) for n in lines)])
            found.append(Alternative(self.build, "most", share, units, max(units, most), solved))
        return found

    def _inside(self, limit: int) -> Point:
        """Return the point with the most units within a limit."""
        return max((p for p in self.points if p[1] >= limit), key=lambda p: p[:2])

    def _supported(self, limit: int, right: tuple[int, int]) -> Points:
        """Return the nearest point beyond the limit that some bonus brings out."""
        noise = NOISE * abs(self.best.objective.total)
        while True:
            left = self._inside(limit)
            if right[0] <= left[0]:
                return right
            each = (left[1] - right[1]) / (right[0] - left[0])
            new = yield from self._at(each)
            if new is None or new[1] + each * new[0] <= left[1] + each * left[0] + noise:
                return right
            if new[1] < limit:
                right = new
            elif self._inside(limit)[:2] <= left[:2]:
                return right

    def _halved(self, limit: int, right: tuple[int, int]) -> Points:
        """Halve the units between a plan within the limit and one beyond, with a bonus for each."""
        least, value, _ = self._inside(limit)
        high = right[0]
        each = ENOUGH * (value - right[1]) / max(1, high - least)
        while high - least > 1:
            k = (least + high) // 2
            new = yield from self._at(each, k)
            if new is not None and new[1] >= limit and new[0] > least:
                least = new[0]
            else:
                high = k
        return right

    def _at(self, each: float, most: int | None = None) -> Points:
        """Return units and value of the best plan with a bonus; None where it breaks a rule."""
        each = min(each, self.largest)
        label = f"{self.build} with a bonus of {each / NANO / 1e6:,.6g} million USD a unit"
        changes = [bonus(self.instance, self.build, each / NANO)]
        if most is not None:
            label += f", at most {most}"
            changes.append(Change(pointer("expand", "builds", self.build, "max_units"), most))
        solved = yield Case(label, tuple(changes), ONE)
        if solved.plan is None:
            return None
        if solved.plan.bound is not None and most is None:
            self.lines.append((each, solved.plan.bound))
        units, case = units_of(solved.plan, self.build), Case(f"many {self.build}", (), ONE)
        end = kept_at(self.instance, case, solved.plan, self.options)
        if end.total is None or end.breaks:
            return None
        self.points.append((units, end.total, end.solved))
        return units, end.total


def bonus(instance: Instance, build: str, usd: float) -> Change:
    """Return the change by which every unit ordered is worth so much more today [USD], on average.

    It comes with the resale, in every period as much later as it counts less, at the site where
    money counts least (elsewhere it is worth a little more).
    """
    row = asked(instance).builds[build].resale_usd.over(instance.growth.calendar, "mean")
    more = usd / _bonus_counts(instance, build)
    values = [float(x) + float(m) for x, m in zip(row, more, strict=True)]
    return Change(pointer("expand", "builds", build, "resale_usd"), values)


def _largest_bonus(instance: Instance, build: str) -> float:
    """Return the bonus at which a resale would be higher than a file may hold [USD]."""
    row = asked(instance).builds[build].resale_usd.over(instance.growth.calendar, "mean")
    return float(((MOST_USD - np.array(row)) * _bonus_counts(instance, build)).min())


def _bonus_counts(instance: Instance, build: str) -> NDArray[np.float64]:
    """Return what a USD more of resale per MW or chip is worth of a unit today, by period [USD]."""
    growth = instance.growth
    image = next(b for b in growth.builds if b.name == build)
    counts = np.array([growth.sites[s].discount for s in image.sites], float).min(0) / DISCOUNT
    factor = [
        sum(f.ppb * f.factor(image.resale_driver, t) for f in growth.futures) / 1e15
        for t in range(growth.periods)
    ]
    found: NDArray[np.float64] = counts * factor * size_of(instance, asked(instance).builds[build])
    return found
