"""Whole units from a solution that has parts of them."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optimizer.expand.arrays import Decision
    from optimizer.expand.engines.first import FirstStage

__all__ = ["SHIFTS", "is_supplied", "roundings", "whole"]

SHIFTS = (0.0, 0.25, 0.5, 0.75)
"""What is added to cumulative orders before they are rounded down: late units, or early ones."""

NEARLY = 1e-6
"""What is so little below a whole number is that number."""


def roundings(first: FirstStage, values: Sequence[float]) -> Iterator[Decision]:
    """Yield whole decisions that are near a solution and keep the limits of supply."""
    for of_chips in SHIFTS:
        for of_others in SHIFTS:
            found = whole(first, values, of_chips, of_others)
            if is_supplied(first, found):
                yield found


def whole(
    first: FirstStage, values: Sequence[float], of_chips: float = 0.0, of_others: float = 0.0
) -> Decision:
    """Return the decision with cumulative orders rounded down; where nothing is added to them
    before, no limit of supply breaks.

    Orders of a period at several sites may then be one more than the period allows: the last of
    them waits for the next period.
    """
    rounded = list(values)
    for (p, _), column in first.orders.items():
        shift = of_chips if first.arrays.build(p).chip else of_others
        rounded[column] = float(
            floor(values[column] + (shift if values[column] > NEARLY else 0.0) + NEARLY)
        )
    for column in first.retired.values():
        rounded[column] = float(floor(values[column] + NEARLY))
    for u, build in enumerate(first.arrays.growth.builds):
        places = first.arrays.places_of(u)
        for t in range(build.first, build.last + 1):
            new = [_new(first, rounded, p, t) for p in places]
            while sum(new) > build.max_per_period:
                at = max(range(len(places)), key=lambda i: new[i])
                rounded[first.orders[places[at], t]] -= 1
                new[at] -= 1
    _give_up_what_has_come(first, rounded)
    return first.decision(rounded)


def is_supplied(first: FirstStage, decision: Decision) -> bool:
    """Return whether a decision keeps the units of builds and the supply of chips."""
    arrays = first.arrays
    for u, build in enumerate(arrays.growth.builds):
        units = sum(n for (p, _), n in decision.orders.items() if arrays.places[p][0] == u)
        if units > build.max_units:
            return False
    for chip, row in arrays.growth.supply_chips.items():
        for t, limit in enumerate(row):
            chips = sum(
                n * arrays.build(p).chips
                for (p, o), n in decision.orders.items()
                if arrays.build(p).chip == chip and o + arrays.build(p).lead <= t
            )
            if chips > limit:
                return False
    return True


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
