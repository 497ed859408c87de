"""Passes over all columns at given prices, jobs and kinds of modes shared out among threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.place.engines.columns import add_usage, best_profits, one_pass, price_kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.engines.rows import RowTable

__all__ = ["Passes", "Weighed"]

Floats = NDArray[np.float64]

WORTH_THREADS = 20_000
"""Columns from which on threads save more than handing them the work takes."""


class Weighed(NamedTuple):
    """What the columns make of prices.

    Attributes
    ----------
    soft, hard
        Sums over jobs of the soft and the hard maximum of their profits [USD].
    usage : (R, T), modes : (M,)
        Of rows, by the weights of the soft maximum; weights of modes.
    """

    soft: float
    hard: float
    usage: Floats
    modes: Floats


class Passes:
    """Shares of the work, and the scratch of each thread."""

    def __init__(self, arrays: PlaceArrays, threads: int) -> None:
        a, T = arrays, arrays.allowed.shape[1]
        self.a, self.works = a, np.diff(a.act, axis=1).astype(np.float64)
        self.spans = _spans(a)
        before = np.concatenate(([0], np.cumsum(self.spans[:, 1] - self.spans[:, 0])))
        columns, modes = np.diff(before[a.job_ptr]), np.diff(a.job_ptr)
        order = np.argsort(-columns, kind="stable")
        self.shares = [np.sort(order[i::threads]).astype(np.int64) for i in range(threads)]
        self.ends = [len(a.example) * i // threads for i in range(threads + 1)]
        self.levels = [np.zeros((len(a.example), T + 1)) for _ in self.shares]
        most = int(columns.max(initial=1)), int(modes.max(initial=1))
        self.scratch = [
            (np.zeros(most[0]), np.zeros(most[1]), np.zeros((most[0], 2), np.int64))
            for _ in self.shares
        ]
        is_large = threads > 1 and int(columns.sum()) >= WORTH_THREADS
        self.pool: ThreadPoolExecutor | None = ThreadPoolExecutor(threads) if is_large else None

    def close(self) -> None:
        """End the threads; what is asked after goes on without."""
        if self.pool is not None:
            self.pool.shutdown()
        self.pool = None

    def _each(self, do: Callable[..., Any], *items: Any) -> list[Any]:
        run = map if self.pool is None else self.pool.map
        return list(run(do, *items))

    def priced(self, table: RowTable, charged: Floats) -> Floats:
        """Return what modes of each kind pay at prices, sums over periods, (kinds, T+1)."""
        priced = np.empty((len(self.a.example), charged.shape[1] + 1))

        def run(begin: int, end: int) -> None:
            price_kinds(begin, end, self.a, self.works, table.compiled, charged, priced)

        self._each(run, self.ends[:-1], self.ends[1:])
        return priced

    def weigh(
        self, table: RowTable, charged: Floats, money: tuple[Floats, ...], taken: RowTable
    ) -> Weighed:
        """Return maxima and weights at prices.

        charged : (R, T)
            Prices of the rows of `table` as modes pay them.
        money
            Gain of modes, lateness of jobs, restarts of modes, smoothing of jobs [USD].
        taken
            Rows whose usage is wanted.
        """
        weights, priced = np.zeros(len(self.a.dur)), self.priced(table, charged)

        def run(share: NDArray[np.int64], levels: Floats, scratch: Any) -> tuple[float, float]:
            levels[:] = 0.0
            made = priced, levels, weights, *scratch
            found: tuple[float, float] = one_pass(share, self.a, self.spans, *money, *made)
            return found

        done = self._each(run, self.shares, self.levels, self.scratch)
        for more in self.levels[1:]:
            self.levels[0] += more
        usage = np.asarray(sum(self._usage(taken)), np.float64)
        return Weighed(sum(d[0] for d in done), sum(d[1] for d in done), usage, weights)

    def _usage(self, taken: RowTable) -> list[Floats]:
        def run(begin: int, end: int) -> Floats:
            usage = np.zeros((len(taken.right), self.levels[0].shape[1] - 1))
            add_usage(begin, end, self.a, self.works, taken.compiled, self.levels[0], usage)
            return usage

        return self._each(run, self.ends[:-1], self.ends[1:])

    def mode_prices(
        self, table: RowTable, charged: Floats, money: tuple[Floats, ...]
    ) -> tuple[Floats, Floats]:
        """Return what kinds of modes pay, (kinds, T+1), and best profits not below 0, (J,)."""
        priced, worth = self.priced(table, charged), np.zeros(len(self.a.late))
        buffer, tops, _ = self.scratch[0]
        best_profits(self.a, self.spans, *money, priced, buffer, tops, worth)
        return priced, worth


def _spans(a: PlaceArrays) -> NDArray[np.int64]:
    """Return for every mode its first start, its last + 1, and whether all between are plain.

    Plain are those that are allowed and end when due, of gangs that do not pause.
    """
    T, has = a.allowed.shape[1], a.allowed.any(1)
    low = np.where(has, a.allowed.argmax(1), 0)
    high = np.where(has, T - a.allowed[:, ::-1].argmax(1), 0)
    job = np.repeat(np.arange(len(a.job_ptr) - 1), np.diff(a.job_ptr))
    is_timely = (a.late[job] == 0) | (high - 1 + a.dur <= a.due[job])
    whole = a.allowed.sum(1, dtype=np.int64) == high - low
    return np.stack((low, high, whole & is_timely & (a.mask == 0)), axis=1)
