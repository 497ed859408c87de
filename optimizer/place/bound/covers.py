"""Cover rows of a certificate: what jobs pay, and how much fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.place.bound.prices import Cover, CoverItem
    from optimizer.place.bound.world import Ints

__all__ = ["coefficient", "most_that_fits", "spread_out"]

NEVER = 2**62
"""Weight of a sum of coefficients that no items have."""


def coefficient(items: Iterable[CoverItem], job: str, amount: int) -> int:
    """Return what a job that takes an amount of the place pays of a row."""
    pays = (item.coefficient for item in items if item.job == job and item.least <= amount)
    return max(pays, default=0)


def most_that_fits(items: Iterable[CoverItem], rooms: Ints) -> Ints:
    """Return the largest sum of coefficients of items that fit together into each room, exact.

    By the least weight of each sum: a dynamic program over sums of coefficients. The two sizes of
    one job count as two items, which only lets more fit.
    """
    each = [(item.coefficient, item.least) for item in items]
    lightest = np.full(sum(c for c, _ in each) + 1, NEVER, np.int64)
    lightest[0] = 0
    for c, least in each:
        lightest[c:] = np.minimum(lightest[c:], lightest[:-c] + least)
    at_least = np.minimum.accumulate(lightest[::-1])[::-1]
    found: Ints = np.searchsorted(at_least, np.maximum(rooms, 0), side="right") - 1
    return found


def spread_out(cover: Cover, periods: int) -> tuple[int, ...]:
    """Return the prices of a row over the whole horizon, 0 where it is not."""
    after = periods - cover.begin - len(cover.prices)
    return (0,) * cover.begin + cover.prices + (0,) * after
