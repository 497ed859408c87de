"""Rows that a fractional plan breaks and no plan does: added to the dual where they are broken.

What other ways gave is in `benchmarks/bound_rows.csv`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.engines.rows import broken_covers, broken_shares, rounding_candidates

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.engines.prices import Dual
    from optimizer.place.engines.rows import Row

__all__ = ["add_covers", "add_rounding", "cover"]

MOST_OF_EACH = 3
"""Rounding rows of a place that are added at once."""

COVERED = ((1, 0.001, 200), (1, 0.0003, 200))
"""Steps of the dual after more cover rows (`prices.Steps`)."""

COVERINGS = 6
"""Most times that cover rows are added."""

WORTH_MORE = 0.0005
"""Share of the bound that cover rows have to save, or they were the last."""

BROKEN = 0.005
"""Cover rows that are broken by a smaller share of their right side are not looked at."""


def add_rounding(dual: Dual, tau: float) -> int:
    """Add the rounding rows that today's fractional plan breaks most; return how many.

    tau
        Smoothing of that plan, as a share of a job's value.
    """
    have = set(dual.table.rows)
    candidates = [row for row in rounding_candidates(dual.a) if row not in have]
    if not candidates:
        return 0
    broken = broken_shares(dual.a, candidates, lambda table: dual.usage(tau, table))
    kept, taken = list(dual.table.rows), dict[tuple[str, int], int]()
    for i in np.argsort(-broken):
        row = candidates[int(i)]
        key = (row.kind, row.of)
        if broken[i] > 0.5 and taken.get(key, 0) < MOST_OF_EACH:
            taken[key] = taken.get(key, 0) + 1
            kept.append(row)
    added = len(kept) - len(have)
    if added:
        _use(dual, kept)
    return added


def cover(dual: Dual, tau: float, is_over: Callable[[], bool]) -> None:
    """Add cover rows and minimise, as long as that pays.

    tau
        Smoothing of the plan that the rows are looked for in, as a share of a job's value.
    is_over
        Says when to end.
    """
    for _ in range(COVERINGS):
        before = dual.best.bound
        if is_over() or not add_covers(dual, tau):
            return
        dual.minimise(COVERED)
        if before - dual.best.bound < WORTH_MORE * abs(before):
            return


def add_covers(dual: Dual, tau: float) -> int:
    """Add the cover rows that today's fractional plan breaks; return how many.

    Those that were there and have no price go.
    """
    found = broken_covers(dual.a, lambda table: dual.usage(tau, table), BROKEN)
    have = set(dual.table.rows)
    new = [row for row in found if row not in have]
    if new:
        most = dual.best.rows.max(1)
        kept = [row for row, p in zip(dual.table.rows, most, strict=True) if p > 0 or not row.items]
        _use(dual, kept + new)
    return len(new)


def _use(dual: Dual, rows: list[Row]) -> None:
    """Set the rows; new ones have no price yet, so the bound is what it was."""
    before = dual.best.bound
    dual.use_rows(rows, dual.best)
    dual.best = replace(dual.best, bound=before)
