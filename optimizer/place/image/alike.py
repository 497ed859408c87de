"""Modes that take the same from every row: jobs with gangs alike share them by the dozen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["alike"]

Ints = NDArray[np.int64]

LARGE = 1 / 100
"""Share of a pool or a site above which a mode shares its kind with none: cover rows tell jobs
apart."""

FEW = 10_000
"""Modes up to which they are told apart. With 80,000 a pass over all columns took twice as long,
and prices are not settled by the time that cover rows would come."""


def alike(a: dict[str, Any]) -> dict[str, Ints]:
    """Return of which kind each mode is, (M,), and one mode of each kind, (kinds,).

    Modes of a kind take the same chips, slices and watts in the same pool, pause alike, count
    under the same quota, and run already or do not; so at any prices a period costs them the same.
    Where modes are few, a large one is of a kind of its own.

    a
        The other arrays of the image, by name.
    """
    counts = np.diff(a["part_ptr"])
    job = np.repeat(np.arange(len(a["job_ptr"]) - 1), np.diff(a["job_ptr"]))
    limited = np.append(a["quota"] >= 0, False)[a["tenant"][job]]
    code = np.where(limited, a["tenant"][job] + 1, 0)
    single = np.where(counts == 1, 0, np.arange(1, len(counts) + 1))  # of several parts: alone
    parts = a["part_ptr"][:-1]
    for column in (a["running"][job].astype(np.int64), a["mask"], single):
        code = _joined(code, column)
    for name in ("part_pool", "part_slice", "part_slices", "part_net_w"):
        code = _joined(code, a[name][parts])
    if len(counts) <= FEW:
        code = _joined(code, np.where(_is_large(a), np.arange(1, len(counts) + 1), 0))
    _, example, kind = np.unique(code, return_index=True, return_inverse=True)
    return {"alike": kind.astype(np.int64), "example": example.astype(np.int64)}


def _is_large(a: dict[str, Any]) -> NDArray[np.bool_]:
    """Return which modes take more than `LARGE` of a pool or site, and do not run already, (M,)."""
    job = np.repeat(np.arange(len(a["job_ptr"]) - 1), np.diff(a["job_ptr"]))
    own = np.repeat(np.arange(len(job)), np.diff(a["part_ptr"]))
    chips = (a["usable"].max(1, initial=0) * a["pool_size"])[a["part_pool"]]
    watts = a["room_w"].max(1, initial=0)[a["pool_site"][a["part_pool"]]]
    large = a["part_slice"] * a["part_slices"] > LARGE * chips
    large |= a["part_net_w"] > LARGE * watts
    found = np.zeros(len(job), bool)
    found[own[large]] = True
    large_ones: NDArray[np.bool_] = found & (a["running"][job] == 0)
    return large_ones


def _joined(code: Ints, column: Ints) -> Ints:
    """Return numbers that differ where either does."""
    _, index = np.unique(column, return_inverse=True)
    _, joined = np.unique(code * (int(index.max(initial=0)) + 1) + index, return_inverse=True)
    return np.asarray(joined, np.int64)
