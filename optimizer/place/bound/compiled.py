"""The best column of every job at the prices of a certificate: one pass in 64-bit integers.

The same rules as `pricer.py`, which is exact for sums of any size; `columns.py` hands over what is
sure to fit. The price of power of a run, sum of S x net / 1000 over its sites with S the sum of
(price x PUE) over its periods, is rounded down once: with S = 1000 q + r it is
`sum q net + (sum r net) // 1000`, so that nothing has to hold the thousandfold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Columns", "best_columns"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Columns(NamedTuple):
    """Modes of all jobs with what they pay.

    Attributes
    ----------
    job_ptr : (J+1,)
    late, due : (J,)
    fixed, duration, first, end_by, restart : (M,)
        `fixed` is value less one-off and all that is paid once.
    kind : (M,)
        0 any start in the window, 1 the start of the horizon alone, 2 that alone and in any case,
        3 none.
    mask : (M,)
        Row of `works` in which a gang works; row 0 always works.
    is_tight : (M,)
        It may take more than running jobs leave.
    part_ptr : (M+1,), part_site, part_pool, part_net, part_chips
    use_ptr, use_split : (M+1,), (M,), use_row, use_amount
        Rows that a mode pays; up to the split only in periods in which it works.
    works : (K, T), when : (K, T+1), done : (K, T+1)
        Whether a gang of a mask works, the earliest boundary with so much work (T+1: none), and
        the work before each boundary.
    power : (K, S, T+1), rows : (K, R, T+1)
        Sums of prices before each boundary, of periods in which a gang of the mask works.
    room, left : (S, T), (P, T)
        Watts and chips that running jobs leave.
    """

    job_ptr: Ints
    late: Ints
    due: Ints
    fixed: Ints
    duration: Ints
    first: Ints
    end_by: Ints
    restart: Ints
    kind: Ints
    mask: Ints
    is_tight: Flags
    part_ptr: Ints
    part_site: Ints
    part_pool: Ints
    part_net: Ints
    part_chips: Ints
    use_ptr: Ints
    use_split: Ints
    use_row: Ints
    use_amount: Ints
    works: Flags
    when: Ints
    done: Ints
    power: Ints
    rows: Ints
    room: Ints
    left: Ints


@njit(cache=True)
def _crowded(c: Any, m: int, before: Any) -> None:
    """Count the periods before each boundary into which a mode does not fit."""
    before[:] = 0
    begin, end = c.part_ptr[m], c.part_ptr[m + 1]
    for t in range(c.works.shape[1]):
        bad = 0
        for p in range(begin, end):
            watts, chips = 0, 0
            for q in range(begin, end):
                watts += c.part_net[q] if c.part_site[q] == c.part_site[p] else 0
                chips += c.part_chips[q] if c.part_pool[q] == c.part_pool[p] else 0
            if chips > c.left[c.part_pool[p], t]:
                bad = 1
            if c.works[c.mask[m], t] and watts > c.room[c.part_site[p], t]:
                bad = 1
        before[t + 1] = before[t] + bad


@njit(cache=True)
def _other_prices(c: Any, m: int, out: Any) -> None:
    """Sum up what a mode pays besides power before each boundary."""
    out[:] = 0
    for u in range(c.use_ptr[m], c.use_ptr[m + 1]):
        row = c.rows[c.mask[m] if u < c.use_split[m] else 0, c.use_row[u]]
        amount = c.use_amount[u]
        for t in range(len(out)):
            out[t] += amount * row[t]


@njit(cache=True)
def _power_price(c: Any, m: int, start: int, end: int) -> int:
    """Return the price of the power of a run, rounded down."""
    whole, rest = 0, 0
    for p in range(c.part_ptr[m], c.part_ptr[m + 1]):
        row = c.power[c.mask[m], c.part_site[p]]
        q, r = divmod(row[end] - row[start], 1000)
        whole += q * c.part_net[p]
        rest += r * c.part_net[p]
    return whole + rest // 1000


@njit(cache=True)
def best_columns(c: Any, profit: Any, mode: Any, start: Any) -> None:
    """Find the best column of every job: its profit, mode (-1 for none) and start, (J,) each."""
    T = c.works.shape[1]
    other, before = np.zeros(T + 1, np.int64), np.zeros(T + 1, np.int64)
    for j in range(len(c.job_ptr) - 1):
        mode[j], start[j] = -1, -1
        for m in range(c.job_ptr[j], c.job_ptr[j + 1]):
            kind, mask = c.kind[m], c.mask[m]
            if kind == 3:
                continue
            _other_prices(c, m, other)
            if c.is_tight[m]:
                _crowded(c, m, before)
            for t in range(T if kind == 0 else 1):
                work = c.done[mask, t] + c.duration[m]
                end = T + 1 if work > T else c.when[mask, work]
                if kind != 2:
                    if t < c.first[m] or end > c.end_by[m]:
                        continue
                    if c.is_tight[m] and before[end] != before[t]:
                        continue
                earns = c.fixed[m] - _power_price(c, m, t, end) - (other[end] - other[t])
                earns -= c.late[j] * max(0, end - c.due[j])
                if mask > 0 and end - t > c.duration[m]:
                    earns -= c.restart[m]
                if mode[j] < 0 or earns > profit[j]:
                    profit[j], mode[j], start[j] = earns, m - c.job_ptr[j], t
