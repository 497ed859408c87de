"""The frontier of expected NPV and the mean of the worst cases, by the weight of the latter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.domain.answers.cases import Case, Solved, plan_of
from optimizer.expand.studies.named import valued

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan, Options, Risk

__all__ = ["Frontier", "Point", "frontier"]


@dataclass(frozen=True, slots=True)
class Point:
    """A plan that no other is better than in both.

    Attributes
    ----------
    weight
        Of the worst cases, with which it was found first.
    """

    weight: float
    solved: Solved[ExpandPlan]

    @property
    def both(self) -> tuple[int, int]:
        """Expected NPV and mean of the worst cases [cents]."""
        parts = plan_of(self.solved).objective
        return parts.expected, parts.tail


@dataclass(frozen=True, slots=True)
class Frontier:
    """Points by expected NPV, the most risk first; named plans beside them.

    Attributes
    ----------
    dominated
        Plans that were found and of which another is as good in both, and better in one.
    missing
        Weights at which no plan was found.
    risk
        Of what the worst cases are: all of NPV, or operation alone.
    """

    points: tuple[Point, ...]
    named: tuple[tuple[str, ExpandPlan], ...]
    alpha: float
    dominated: int
    missing: tuple[float, ...]
    risk: Risk = "total"


def frontier(instance: Instance, solve: Solve, options: Options, count: int) -> Frontier:
    """Return plans for so many weights of the worst share alpha, from nothing to all of it."""
    weights = [round(i / (count - 1), 6) for i in range(count)]
    cases = [
        Case(f"weight {w:g} of the worst", (), {"objective": "cvar", "weight": w}) for w in weights
    ]
    found = solve(cases)
    points = [Point(w, s) for w, s in zip(weights, found, strict=True) if s.plan is not None]
    best = {p.both: p for p in reversed(points)}
    front = [p for at, p in best.items() if not any(_beats(other, at) for other in best)]
    front.sort(key=lambda p: -p.both[0])
    names = () if instance.expand is None else instance.expand.plans
    risky = options.model_copy(update={"objective": "cvar"})
    return Frontier(
        points=tuple(front),
        named=tuple((name, valued(instance, name, risky)) for name in names),
        alpha=options.alpha,
        dominated=len(points) - len(front),
        missing=tuple(w for w, s in zip(weights, found, strict=True) if s.plan is None),
        risk=options.risk,
    )


def _beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]
