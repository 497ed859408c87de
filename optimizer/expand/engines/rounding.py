"""Whole units from a solution that has parts of them."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Decision
    from optimizer.expand.engines.first import FirstStage

__all__ = ["whole"]

NEARLY = 1e-6
"""What is so little below a whole number is that number."""


def whole(first: FirstStage, values: Sequence[float]) -> Decision:
    """Return the decision with cumulative orders rounded down, so that no limit of supply breaks.

    Orders of a period at several sites may then be one more than the period allows: the last of
    them waits for the next period.
    """
    rounded = list(values)
    for steps in (first.orders, first.retired):
        for column in steps.values():
            rounded[column] = float(floor(values[column] + NEARLY))
    for u, build in enumerate(first.arrays.growth.builds):
        places = [p for p, (v, _) in enumerate(first.arrays.places) if v == u]
        for t in range(build.first, build.last + 1):
            new = [_new(first, rounded, p, t) for p in places]
            while sum(new) > build.max_per_period:
                at = max(range(len(places)), key=lambda i: new[i])
                rounded[first.orders[places[at], t]] -= 1
                new[at] -= 1
    _give_up_what_has_come(first, rounded)
    return first.decision(rounded)


def _new(first: FirstStage, rounded: list[float], place: int, t: int) -> float:
    before = first.orders.get((place, t - 1))
    return rounded[first.orders[place, t]] - (0.0 if before is None else rounded[before])


def _give_up_what_has_come(first: FirstStage, rounded: list[float]) -> None:
    """Lower what is given up to what has come by then in the future in which it comes last."""
    for (p, t), column in first.retired.items():
        build = first.arrays.build(p)
        late = int(first.arrays.delays[:, first.arrays.places[p][0]].max())
        period = min(t - build.lead - late, build.last)
        come = first.orders.get((p, period))
        rounded[column] = min(rounded[column], 0.0 if come is None else rounded[come])
