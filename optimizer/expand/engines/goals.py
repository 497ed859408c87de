"""Objectives over the values of futures, as linear rows."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.expand.engines.model import Affine, Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.expand.arrays import Arrays
    from optimizer.expand.plan import Options

Floats = NDArray[np.float64]

__all__ = ["loss_of", "set_goal"]


def loss_of(values: Floats, odds: Floats, options: Options, best: Sequence[float]) -> float:
    """Return what an objective loses at values of futures [MUSD]: what is minimised."""
    if options.objective == "worst":
        return -float(values.min())
    if options.objective == "regret":
        return float((np.array(best) - values).max())
    mean = float(odds @ values)
    if options.objective == "expected":
        return -mean
    order = np.argsort(values, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(odds[order])])
    parts = np.clip(np.minimum(before[1:], options.alpha) - before[:-1], 0.0, None)
    tail = float(parts @ values[order]) / options.alpha
    return -(1 - options.weight) * mean - options.weight * tail


def set_goal(
    model: Model, arrays: Arrays, values: Sequence[Affine], options: Options, best: Sequence[float]
) -> None:
    """Minimise the loss that an objective makes of the values of futures [MUSD].

    expected: - sum p v;  cvar: - (1-w) sum p v - w (e - sum p short / alpha), short >= e - v;
    worst: - e, e <= v;  regret: e, e >= best - v.
    """
    goal, odds = options.objective, arrays.odds
    mean = 1.0 if goal == "expected" else 1.0 - options.weight if goal == "cvar" else 0.0
    for p, value in zip(odds, values, strict=True):
        if mean:
            model.minimise(value, -mean * float(p))
    if goal == "expected" or (goal == "cvar" and not options.weight):
        return
    level = model.column("level", -inf, inf)
    weight = options.weight if goal == "cvar" else 1.0
    model.minimise(Affine().add(level, 1.0 if goal == "regret" else -weight))
    for f, value in enumerate(values):
        row = Affine().plus(value)
        if goal == "regret":
            model.at_least(f"regret_{f}", row.add(level, 1.0), best[f])
        elif goal == "worst":
            model.at_least(f"worst_{f}", row.add(level, -1.0))
        else:
            short = model.column(f"short_{f}")
            model.minimise(Affine().add(short, weight * float(odds[f]) / options.alpha))
            model.at_least(f"tail_{f}", row.add(level, -1.0).add(short, 1.0))
