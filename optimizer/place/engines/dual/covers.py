"""Cover rows: limits on which large jobs run at once, found where a fractional plan breaks them.

At one place (chips of a pool, watts of a site, quota of a tenant) and in one period the jobs that
run fit into its room: a knapsack. Jobs C that together do not fit give `sum over C of z <= |C| - 1`
(a minimal cover), and every other job gets the largest coefficient with which the row still holds,
one after the other (sequential lifting, exact by the least weight for each profit). Coefficients
are small whole numbers; the right side is the most that fits, which the certificate's checker works
out for itself.

    job j pays coefficient[j] in every period in which it takes at least least[j] of the place
    right side[t] = max sum of coefficients of jobs with sum of least <= room[t]

A fractional plan breaks such rows even where it keeps all rows of sums and of lumps, as those do
not know that each job runs once at most. Balas (1975), "Facets of the knapsack polytope"; Zemel
(1989), "Easily computable facets of the knapsack polytope".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.place.engines.dual.knapsack import best_cover, most_that_fits

__all__ = ["Cover", "Items", "coefficients", "covers_at", "prepare_covers"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Items = tuple[tuple[int, int, int], ...]
"""Job, coefficient, and the least it has to take to pay that; it pays the largest it reaches."""

PRESENT = 0.01
"""A job is looked at in a period where so much of it runs."""

MOST_ITEMS = 48
"""Jobs of a row, those that run most."""

AS_GOOD = 0.7
"""A row takes the place of that of a period beside its own of which it is broken by this share."""

LONGEST = 12
"""Most jobs of a cover: the rows of more are weak, and lumps see to many small jobs."""

FIRSTS = 16
"""Jobs each of which begins a cover."""


class Cover(NamedTuple):
    """A cover row of one place.

    Attributes
    ----------
    begin, end
        Periods it is of.
    broken
        By how much the plan breaks it over all periods, as shares of the right side.
    """

    begin: int
    end: int
    items: Items
    broken: float


def _orders(z: Floats, w: Ints) -> tuple[Ints, Ints]:
    """Return orders in which covers are begun, (orders, n), and that by what runs most."""
    by_z = np.argsort(-z, kind="stable")
    base = [by_z, np.argsort((1 - z) / w, kind="stable"), np.argsort(-z * w, kind="stable"),
            np.argsort(-w, kind="stable")]  # fmt: skip
    for k in by_z[1:FIRSTS].tolist():
        base.append(np.concatenate(([k], by_z[by_z != k])))
    return np.array(base, np.int64), by_z


def covers_at(
    job: Ints, amount: Ints, used: Floats, room: Ints, least_broken: float
) -> list[Cover]:
    """Return cover rows of one place that a fractional plan breaks.

    Parameters
    ----------
    job, amount : (N,)
        What jobs take of the place when they run there; a job may take one of several amounts.
    used : (N, T)
        How much of each runs in each period.
    room : (T,)
        What there is of the place.
    least_broken
        Rows that are broken by a smaller share are left out.
    """
    found: dict[int, tuple[float, Items]] = {}
    for t in range(len(room)):
        own = np.flatnonzero(used[:, t] > PRESENT)
        own = own[np.argsort(-used[own, t], kind="stable")][:MOST_ITEMS]
        z, w = np.minimum(used[own, t], 1.0), amount[own]
        if int(w.sum()) <= room[t]:
            continue
        best = np.zeros(len(z), np.int64)
        share, right = best_cover(z, w, int(room[t]), *_orders(z, w), LONGEST, best)
        if right and share > 1 + least_broken:
            taken = np.flatnonzero(best).tolist()
            each = [(int(job[own[i]]), int(best[i]), int(w[i])) for i in taken]
            found[t] = share - 1, tuple(sorted(each))
    return _spread(found, job, amount, used, room, least_broken)


def _spread(
    found: dict[int, tuple[float, Items]],
    job: Ints,
    amount: Ints,
    used: Floats,
    room: Ints,
    least_broken: float,
) -> list[Cover]:
    """Let the row of a period hold in those beside it in which it is nearly as good as theirs."""
    out, done, T = [], set[int](), len(room)
    for t in sorted(found, key=lambda t: -found[t][0]):
        if t in done:
            continue
        broken = _broken(found[t][1], job, amount, used, room)
        own = np.array([found[t][0] if t in found else 0.0 for t in range(T)])
        worse = np.flatnonzero(broken < np.maximum(0.5 * least_broken, AS_GOOD * own))
        begin = int(worse[worse < t].max(initial=-1)) + 1
        end = int(worse[worse > t].min(initial=T))
        done |= set(range(begin, end))
        out.append(Cover(begin, end, found[t][1], float(broken[begin:end].sum())))
    return out


def _broken(items: Items, job: Ints, amount: Ints, used: Floats, room: Ints) -> Floats:
    """Return by how much a plan breaks a row in every period, as shares of its right side, (T,)."""
    each = np.array(items, np.int64)
    right = np.zeros(len(room), np.int64)
    most_that_fits(each[:, 1], each[:, 2], room, right)
    share: Floats = coefficients(items, job, amount) @ used / np.maximum(right, 1) - 1.0
    return np.where(right > 0, share, 0.0)


def coefficients(items: Items, job: Ints, amount: Ints) -> Ints:
    """Return what jobs that take an amount pay of a row, (N,)."""
    found = np.zeros(len(job), np.int64)
    for j, coefficient, least in items:
        pays = (job == j) & (amount >= least)
        found[pays] = np.maximum(found[pays], coefficient)
    return found


def prepare_covers() -> None:
    """Compile what looks for cover rows, or load it: of two jobs of two chips, three are there."""
    jobs, chips, room = np.arange(2), np.full(2, 2), np.full(1, 3)
    covers_at(jobs, chips, np.full((2, 1), 0.75), room, 0.01)
