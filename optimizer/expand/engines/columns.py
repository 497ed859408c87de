"""Cumulative orders, and what stands as few terms of them.

With X[p, t] the units ordered at a place until t, and R[p, t] those given up, in service in t is
X[p, t - lead - delay] - X[p, t - lead - delay - life] - R[p, t]; a ramp adds terms. Before
the first order X is 0, and after the last it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays

__all__ = ["Term", "terms_of"]

Term = tuple[int, float]
"""A factor on the cumulative orders of a period."""


def terms_of(arrays: Arrays, place: int, by_age: Sequence[float], delay: int, t: int) -> list[Term]:
    """Return terms of sum_a by_age[a] x units of age a that came, and have not ended by themselves.

    by_age
        What a unit is or gives, by age; the last holds for all after it.
    """
    build = arrays.build(place)
    come = t - build.lead - delay
    life = len(by_age) if build.life is None else build.life
    found, before = [], 0.0
    for age, each in enumerate(by_age[:life]):
        found.append((come - age, each - before))
        before = each
    if build.life is not None:
        found.append((come - build.life, -before))
    return [
        (min(period, build.last), factor)
        for period, factor in found
        if factor and build.first <= period and build.first <= build.last
    ]
