"""Frontiers: what less power, or more work, costs; every point a plan with a bound of its own.

Epsilon-constraint (Haimes et al. 1971): one quantity is minimised while the others are limited, and
the limits go over a range. A point stands for what its plan reaches, and says what no plan within
its limits can be below; those that another point is better than in everything are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change
from optimizer.mix.studies.figures import asked, capped, peak_w, spend_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["AXES", "Axes", "Frontier", "Point", "frontier", "is_dominated"]

Axes = Literal["cost-power", "cost-work", "cost-work-power"]
AXES: tuple[Axes, ...] = ("cost-power", "cost-work", "cost-work-power")
"""`cost-power`: least cost, unserved work at its value, under ever less power; `cost-work`: least
money for ever more useful work; `cost-work-power`: least money for so much work under so much
power."""

FULL, NEAR = 0.999, 5e-4
"""Share of the most useful work that is asked for at most; the gap to which that is found."""


@dataclass(frozen=True, slots=True)
class Point:
    """A plan on a frontier, in whole numbers.

    Attributes
    ----------
    cost
        What is minimised [nano-USD].
    work
        Useful work [billionths of weight].
    peak_w
        The most that is drawn at once [W].
    """

    solved: Solved[MixPlan]
    cost: int
    work: int
    peak_w: int

    @property
    def plan(self) -> MixPlan:
        """Its plan."""
        assert self.solved.plan is not None
        return self.solved.plan


@dataclass(frozen=True, slots=True)
class Frontier:
    """Points that no other is better than, and what was left out.

    Attributes
    ----------
    points
        By power, then by work.
    without
        Cases without a plan: limits that cannot be kept.
    dominated
        How many plans were found that another is better than.
    """

    axes: Axes
    points: tuple[Point, ...]
    without: tuple[Solved[MixPlan], ...]
    dominated: int

    @property
    def gap(self) -> float | None:
        """The largest gap of a point; None where one has none."""
        gaps = [point.plan.gap for point in self.points]
        known = [gap for gap in gaps if gap is not None]
        return max(known) if known and len(known) == len(gaps) else None


def frontier(
    instance: Instance, solve: Solve, axes: Axes = "cost-power", count: int = 25
) -> Frontier:
    """Return a frontier with about so many points.

    Parameters
    ----------
    count
        How many cases are solved for points, at least 2; several may give one point.
    """
    makers = {"cost-power": _cost_power, "cost-work": _cost_work, "cost-work-power": _all_three}
    found = makers[axes](instance, solve, max(2, count))
    made = [_point(each) for each in found if each.plan is not None]
    kept = _kept(made, axes)
    return Frontier(
        axes, kept, tuple(each for each in found if each.plan is None), len(made) - len(kept)
    )


def _point(solved: Solved[MixPlan]) -> Point:
    assert solved.plan is not None
    parts = solved.plan.objective
    return Point(solved, parts.total, parts.work, peak_w(solved.instance, solved.plan))


def _figures(point: Point, axes: Axes) -> tuple[int, ...]:
    """Return what counts on some axes, all the less the better."""
    each = {"cost": point.cost, "work": -point.work, "power": point.peak_w}
    return tuple(each[name] for name in axes.split("-"))


def is_dominated(point: Point, others: Iterable[Point], axes: Axes) -> bool:
    """Return whether another point is as good in everything and better in something."""
    mine = _figures(point, axes)
    return any(
        theirs != mine and all(a <= b for a, b in zip(theirs, mine, strict=True))
        for theirs in (_figures(other, axes) for other in others)
    )


def _kept(points: Sequence[Point], axes: Axes) -> tuple[Point, ...]:
    """Return points that no other is better than; of those that are alike, the first."""
    once = list({_figures(point, axes): point for point in reversed(points)}.values())
    kept = [point for point in once if not is_dominated(point, once, axes)]
    return tuple(sorted(kept, key=lambda p: (p.peak_w, p.work, p.cost)))


# ---- cases ---------------------------------------------------------------------------------------


def _cost_power(instance: Instance, solve: Solve, count: int) -> list[Solved[MixPlan]]:
    free = solve([Case("no further limit of power", options={"objective": "cost"})])
    if free[0].plan is None:
        return free
    most = peak_w(instance, free[0].plan)
    tried = [cap for k in range(1, count) if (cap := most * k // count) > 0]
    found = free + solve(_capped(instance, tried))
    caps = {most: True} | {
        cap: each.plan is not None for cap, each in zip(tried, found[1:], strict=True)
    }
    missing = sum(not is_there for is_there in caps.values())
    if missing:  # what cannot be kept leaves room for points between those that can
        found += solve(_capped(instance, _between(caps, missing)))
    return found


def _capped(instance: Instance, caps: Iterable[int]) -> list[Case]:
    return [
        Case(f"at most {cap / 1e6:.3f} MW", (capped(instance, cap),), {"objective": "cost"})
        for cap in caps
    ]


def _between(caps: dict[int, bool], count: int) -> list[int]:
    """Return so many caps in the widest gaps between those that hold and the first that does not.

    caps
        Caps [W], and whether a plan keeps them.
    """
    edge = max((cap for cap, is_there in caps.items() if not is_there), default=0)
    known, new = sorted([edge, *(c for c, is_there in caps.items() if is_there)]), []
    for _ in range(count):
        i = max(range(len(known) - 1), key=lambda i: known[i + 1] - known[i])
        middle = (known[i] + known[i + 1]) // 2
        known.insert(i + 1, middle)
        new.append(middle)
    return new


def _cost_work(instance: Instance, solve: Solve, count: int) -> list[Solved[MixPlan]]:
    changes = spend_only(instance)
    most = _most_work(instance, solve, [None])[0]
    if most is None:
        return solve([Case("most useful work", changes, {"objective": "work"})])
    levels = _levels(instance, most, count)
    return solve([_at_least(instance, changes, w) for w in levels])


def _all_three(instance: Instance, solve: Solve, count: int) -> list[Solved[MixPlan]]:
    """Solve levels of work times levels of power, between the least and the most that pay."""
    rows = max(2, round(count**0.5))
    changes = spend_only(instance)
    top = _most_work(instance, solve, [None])[0]
    if top is None:
        return solve([Case("most useful work", changes, {"objective": "work"})])
    levels = _levels(instance, top, rows)
    free = solve([_at_least(instance, changes, w) for w in levels])
    peaks = [0 if s.plan is None else peak_w(s.instance, s.plan) for s in free]
    caps = [max(peaks) * k // rows for k in range(1, rows)]
    reach = [(0, 0)] + [
        (cap, work or 0) for cap, work in zip(caps, _most_work(instance, solve, caps), strict=True)
    ]
    reach.append((max(peaks), top))
    each, cases = -(-(count - rows) // rows), []
    for level, peak in zip(levels, peaks, strict=True):
        least = _least_power(reach, level)
        for k in range(1, each + 1):
            cap = round(peak - (peak - least) * k / (each + 0.5))
            if 0 < cap < peak:
                cases.append(_at_least(instance, (*changes, capped(instance, cap)), level, cap))
    return free + solve(cases)


def _most_work(instance: Instance, solve: Solve, caps: Sequence[int | None]) -> list[int | None]:
    """Return the most useful work under caps of power; None where there is no plan."""
    cases = [
        Case(
            "most useful work" if cap is None else f"most useful work, {cap / 1e6:.3f} MW",
            () if cap is None else (capped(instance, cap),),
            {"objective": "work", "gap": NEAR},
        )
        for cap in caps
    ]
    return [None if s.plan is None else s.plan.objective.work for s in solve(cases)]


def _least_power(reach: list[tuple[int, int]], work: int) -> float:
    """Return about the power that so much work needs, from (power, most work) by power."""
    for (p0, w0), (p1, w1) in pairwise(reach):
        if w0 <= work <= w1 and w1 > w0:
            return p0 + (p1 - p0) * (work - w0) / (w1 - w0)
    return float(reach[-1][0])


def _levels(instance: Instance, most: int, count: int) -> list[int]:
    """Return levels of useful work up to the most, none below what is asked for anyway."""
    least = round((asked(instance).work_at_least or 0.0) * 1e9)
    found = (round(FULL * most * k / count) for k in range(1, count + 1))
    return [level for level in found if level > least] or [least]


def _at_least(
    instance: Instance, changes: tuple[Change, ...], work: int, cap: int | None = None
) -> Case:
    floor = Change("/mix/work_at_least", work / 1e9)
    under = "" if cap is None else f", at most {cap / 1e6:.3f} MW"
    return Case(
        f"at least {work / 1e9:.6g} of work{under}", (*changes, floor), {"objective": "cost"}
    )
