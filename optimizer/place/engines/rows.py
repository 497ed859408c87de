"""Linear coupling rows of placement: what prices are put on.

Rows (price >= 0 each, one for every period):
  chips    sum chips of gangs running in pool p            <= usable chips
  slice q  sum slices * floor(s / q)                       <= domains * floor(d / q)
  power    sum net watts at site s                         <= what supplies give (a block, not here)
  rounding sum floor(a / divisor)                          <= floor(b / divisor), chips, watts
  quota    sum chips of a tenant's gangs                   <= quota
Rounding rows, of pools, sites and quotas, hold for jobs that are not running, under what running
jobs leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.place.engines.dual.covers import coefficients, covers_at
from optimizer.place.engines.dual.knapsack import most_that_fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = [
    "Row", "RowTable", "base_rows", "broken_covers", "broken_shares", "build_rows", "rooms_left",
    "rounding_candidates",
]  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One family of rows over the horizon.

    Attributes
    ----------
    kind
        power, chips, slice, round_chips, round_power, round_quota, quota, or a cover row:
        cover_chips, cover_power, cover_quota.
    of
        Index of its site, pool or tenant.
    size
        Slice size or divisor; 0 where there is none.
    span, items
        Of a cover row: the periods it is of, and job, coefficient and least amount of each.
    """

    kind: str
    of: int
    size: int = 0
    span: tuple[int, int] = (0, 0)
    items: tuple[tuple[int, int, int], ...] = ()

    @property
    def is_power(self) -> bool:
        """Whether a gang takes from it only while it trains."""
        return self.kind in ("power", "round_power", "cover_power")


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows with right sides, and what a mode of every kind takes from each.

    Attributes
    ----------
    right : (R, T)
        Right sides; 0 for power rows, whose right side is the supply block.
    use_ptr : (kinds+1,), use_row, use_amount
        What a mode of each kind takes; rows of power first, up to `use_split`.
    span : (R, 2)
        The periods that each row is of: all, but for cover rows.
    """

    rows: tuple[Row, ...]
    right: Floats
    use_ptr: Ints
    use_split: Ints
    use_row: Ints
    use_amount: Floats
    span: Ints

    @property
    def compiled(self) -> tuple[Ints, Ints, Ints, Floats, Ints]:
        """What compiled code reads: use_ptr, use_split, use_row, use_amount, span."""
        return self.use_ptr, self.use_split, self.use_row, self.use_amount, self.span


def rooms_left(a: PlaceArrays) -> tuple[Ints, Ints, Ints]:
    """Return what running jobs leave: IT watts by site, chips by pool and by tenant, (.., T)."""
    room, chips = a.room_w.copy(), a.usable * a.pool_size[:, None]
    quota = np.maximum(a.quota, 0)[:, None].repeat(a.pue.shape[1], 1)
    for j in np.flatnonzero(a.running):
        m = a.job_ptr[j]
        end = int(a.when[a.mask[m], a.dur[m]])
        works = np.diff(a.act[a.mask[m]])[:end]
        if a.tenant[j] >= 0:
            quota[a.tenant[j], :end] -= a.chips[m]
        for p in range(a.part_ptr[m], a.part_ptr[m + 1]):
            pool = a.part_pool[p]
            room[a.pool_site[pool], :end] -= works * a.part_net_w[p]
            chips[pool, :end] -= a.part_slice[p] * a.part_slices[p]
    return room, chips, quota


def base_rows(a: PlaceArrays) -> list[Row]:
    """Return power, chips, slice and quota rows."""
    rows = [Row("power", s) for s in range(len(a.pue))]
    for pool, size in enumerate(a.pool_size):
        rows.append(Row("chips", pool))
        sizes = np.unique(a.part_slice[a.part_pool == pool])
        rests = (a.avail[pool] < a.usable[pool]).any()
        for q in sizes:
            same = size % q == 0 and (sizes % q == 0).all()  # a multiple of the chips row
            if 1 < q <= size and (not same or rests):
                rows.append(Row("slice", pool, int(q)))
    rows += [Row("quota", int(i)) for i in np.flatnonzero(a.quota >= 0)]
    return rows


def rounding_candidates(a: PlaceArrays, most: int = 64) -> list[Row]:
    """Return rounding rows that could bind: gang sizes, their halves and thirds, room / n + 1."""
    rows = list[Row]()
    for kind, left in _left_of(a).items():
        takes = _takes(a, kind)
        for of, limit in enumerate(left.max(1, initial=0).tolist()):
            amounts = np.unique(takes.amount[takes.of == of])
            wanted = np.concatenate((amounts, amounts // 2, amounts // 3))
            wanted = np.union1d(wanted, [limit // n + 1 for n in range(1, 12)])
            wanted = wanted[(wanted > 1) & (limit // np.maximum(wanted, 1) < most)]
            rows += [Row(kind, of, d) for d in wanted.tolist()]
    return rows


def _left_of(a: PlaceArrays) -> dict[str, Ints]:
    """Return what running jobs leave, by kind of rounding row."""
    return dict(zip(("round_power", "round_chips", "round_quota"), rooms_left(a), strict=True))


class Takes(NamedTuple):
    """What modes of a kind take at a place: a site, a pool or a tenant; (N,) each."""

    kind: Ints
    of: Ints
    amount: Ints


_TAKEN = {
    "power": "power", "round_power": "power", "chips": "chips", "slice": "slice",
    "cover_power": "power", "quota": "quota", "round_chips": "chips", "round_quota": "quota",
    "cover_chips": "chips", "cover_quota": "quota",
}  # fmt: skip
"""What the rows of a kind are rows of; those of power first, then as they stand in a mode."""


def _takes(a: PlaceArrays, kind: str, size: int = 1) -> Takes:
    """Return what modes take of what rows of a kind limit; rounding: those that do not run.

    size
        Of slice rows: the slice; others take units.
    """
    job = np.searchsorted(a.job_ptr, a.example, side="right") - 1
    what, counts = _TAKEN[kind], np.diff(a.part_ptr)[a.example]
    own = np.repeat(np.arange(len(counts)), counts)
    parts = np.arange(len(own)) + np.repeat(
        a.part_ptr[a.example] - (np.cumsum(counts) - counts), counts
    )
    pool, slices = a.part_pool[parts], a.part_slices[parts]
    if what == "quota":
        tenant = a.tenant[job]
        has = np.append(a.quota >= 0, False)[tenant]
        found = Takes(np.flatnonzero(has), tenant[has], a.chips[a.example][has])
    elif what == "power":
        found = _summed(own, a.pool_site[pool], a.part_net_w[parts])
    elif what == "chips":
        found = _summed(own, pool, a.part_slice[parts] * slices)
    else:
        found = _summed(own, pool, slices * (a.part_slice[parts] // size))
    if not kind.startswith(("round", "cover")):
        return found
    waits = a.running[job[found.kind]] == 0
    return Takes(found.kind[waits], found.of[waits], found.amount[waits])


def _summed(kind: Ints, of: Ints, amount: Ints) -> Takes:
    """Add up what several parts of a mode take at one place."""
    if len(kind) == 0 or (np.diff(kind) > 0).all():  # one part each
        return Takes(kind, of, amount)
    code = kind * (int(of.max()) + 1) + of
    _, first, back = np.unique(code, return_index=True, return_inverse=True)
    total = np.zeros(len(first), np.int64)
    np.add.at(total, back, amount)
    return Takes(kind[first], of[first], total)


def build_rows(a: PlaceArrays, rows: list[Row]) -> RowTable:
    """Return right sides of rows and what a mode of every kind takes from each."""
    modes, of_row, amounts, splits = [], [], [], []
    takes: dict[tuple[str, int], dict[int, tuple[Ints, Ints]]] = {}
    none = np.zeros(0, np.int64), np.zeros(0, np.int64)
    job = jobs_of_kinds(a)
    for kind in _TAKEN:
        for r, row in enumerate(rows):
            if row.kind != kind:
                continue
            key = kind, row.size if kind == "slice" else 1
            if key not in takes:
                takes[key] = _by_place(_takes(a, *key))
            mode, amount = takes[key].get(row.of, none)
            if kind.startswith("round"):
                amount = amount // row.size
            elif kind.startswith("cover"):
                amount = coefficients(row.items, job[mode], amount)
            modes.append(mode[amount > 0])
            amounts.append(amount[amount > 0])
            of_row.append(np.full(len(modes[-1]), r))
            splits.append(np.full(len(modes[-1]), row.is_power))
    mode = np.concatenate([np.zeros(0, np.int64), *modes])
    order, M = np.argsort(mode, kind="stable"), len(a.example)
    ptr = np.concatenate(([0], np.cumsum(np.bincount(mode, minlength=M)))).astype(np.int64)
    is_power = np.concatenate([np.zeros(0, bool), *splits])
    split = ptr[:-1] + np.bincount(mode[is_power], minlength=M)
    use_row = np.concatenate([np.zeros(0, np.int64), *of_row])[order]
    use_amount = np.concatenate([np.zeros(0), *amounts])[order].astype(np.float64)
    spans = [row.span if row.items else (0, a.allowed.shape[1]) for row in rows]
    span = np.array(spans, np.int64).reshape(-1, 2)
    return RowTable(tuple(rows), _right_sides(a, rows), ptr, split, use_row, use_amount, span)


def _right_sides(a: PlaceArrays, rows: list[Row]) -> Floats:
    """Return right sides of rows, (R, T); 0 for power rows, whose right side is no number."""
    left_of, right = _left_of(a), np.zeros((len(rows), a.allowed.shape[1]))
    for r, row in enumerate(rows):
        if row.kind == "chips":
            right[r] = a.usable[row.of] * a.pool_size[row.of]
        elif row.kind == "slice":
            right[r] = a.avail[row.of] * (a.pool_size[row.of] // row.size)
        elif row.kind in left_of:
            right[r] = np.maximum(left_of[row.kind][row.of] // row.size, 0)
        elif row.kind == "quota":
            right[r] = a.quota[row.of]
        elif row.items:
            right[r] = _cover_right(left_of[row.kind.replace("cover", "round")][row.of], row)
    return right


def jobs_of_kinds(a: PlaceArrays) -> Ints:
    """Return the job whose modes alone are of a kind, -1 where jobs share it, (kinds,)."""
    job = np.searchsorted(a.job_ptr, a.example, side="right") - 1
    many = np.bincount(a.alike, minlength=len(a.example)) > 1
    return np.where(many, -1, job)


def _cover_right(room: Ints, row: Row) -> Ints:
    """Return the right side of a cover row, 0 outside its periods, (T,)."""
    (begin, end), out = row.span, np.zeros(len(room), np.int64)
    items = np.array(row.items, np.int64)
    most_that_fits(items[:, 1], items[:, 2], np.maximum(room[begin:end], 0), out[begin:end])
    return out


def _by_place(takes: Takes) -> dict[int, tuple[Ints, Ints]]:
    """Return modes and amounts by place."""
    order = np.argsort(takes.of, kind="stable")
    places, first = np.unique(takes.of[order], return_index=True)
    parts = np.split(order, first[1:])
    return {int(p): (takes.kind[i], takes.amount[i]) for p, i in zip(places, parts, strict=False)}


def broken_shares(
    a: PlaceArrays, candidates: list[Row], used: Callable[[RowTable], Floats]
) -> Floats:
    """Return by how much a fractional plan breaks rounding rows, as shares of their right sides.

    used
        What the plan uses of the rows of a table, (its rows, T).
    """
    broken, at = np.zeros(len(candidates)), dict[tuple[str, int], list[int]]()
    for i, row in enumerate(candidates):
        at.setdefault((row.kind, row.of), []).append(i)
    for kind, rooms in _left_of(a).items():
        table, places, amounts = _each_amount(a, kind)
        held = used(table)
        for of in np.unique(places).tolist():
            own = places == of
            mine = at.get((kind, of), [])
            sizes = np.array([candidates[i].size for i in mine], np.int64)[:, None]
            taken = (amounts[own] // sizes) @ held[own]
            right = np.maximum(rooms[of] // sizes, 0)
            over = np.maximum(taken - right, 0).sum(1)
            broken[mine] = over / np.maximum(right.mean(1), 1.0)
    return broken


def broken_covers(a: PlaceArrays, used: Callable[[RowTable], Floats], least: float) -> list[Row]:
    """Return cover rows that a fractional plan breaks by more than a share, worst first.

    used
        What the plan uses of the rows of a table, (its rows, T).
    """
    found: list[tuple[float, Row]] = []
    for kind, rooms in _left_of(a).items():
        table, of, job, amount = _each_job(a, kind)
        held = used(table)
        for place in np.unique(of).tolist():
            own = of == place
            room = np.maximum(rooms[place], 0)
            for c in covers_at(job[own], amount[own], held[own], room, least):
                row = Row(kind.replace("round", "cover"), place, 0, (c.begin, c.end), c.items)
                found.append((c.broken, row))
    return [row for _, row in sorted(found, key=lambda f: -f[0])]


def _each_job(a: PlaceArrays, kind: str) -> tuple[RowTable, Ints, Ints, Ints]:
    """Return rows that count who of a job takes each amount at each place; place, job, amount."""
    takes, job = _takes(a, kind), jobs_of_kinds(a)
    single = job[takes.kind] >= 0
    takes = Takes(*(x[single] for x in takes))
    keys = np.stack((takes.of, job[takes.kind], takes.amount))
    places, back = np.unique(keys, axis=1, return_inverse=True)
    return _counting(a, kind, takes.kind, back.reshape(-1), places.shape[1]), *places


def _each_amount(a: PlaceArrays, kind: str) -> tuple[RowTable, Ints, Ints]:
    """Return rows that count who takes each amount at each place, and place and amount of each.

    What all rounding rows of a place use follows from them.
    """
    takes = _takes(a, kind)
    places, back = np.unique(np.stack((takes.of, takes.amount)), axis=1, return_inverse=True)
    return _counting(a, kind, takes.kind, back.reshape(-1), places.shape[1]), *places


def _counting(a: PlaceArrays, kind: str, kinds: Ints, row: Ints, rows: int) -> RowTable:
    """Return a table of rows each of which counts the modes of some kinds."""
    order, M = np.argsort(kinds, kind="stable"), len(a.example)
    ptr = np.concatenate(([0], np.cumsum(np.bincount(kinds, minlength=M)))).astype(np.int64)
    split = ptr[1:] if kind == "round_power" else ptr[:-1]
    own, one = row[order].astype(np.int64), np.ones(len(order))
    span = np.full((rows, 2), (0, a.allowed.shape[1]), np.int64)
    return RowTable((), np.zeros((rows, 0)), ptr, split, own, one, span)
