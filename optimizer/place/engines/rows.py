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

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["Row", "RowTable", "base_rows", "build_rows", "rooms_left", "rounding_candidates"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One family of rows over the horizon.

    Attributes
    ----------
    kind
        power, chips, slice, round_chips, round_power, round_quota or quota.
    of
        Index of its site, pool or tenant.
    size
        Slice size or divisor; 0 where there is none.
    """

    kind: str
    of: int
    size: int = 0

    @property
    def is_power(self) -> bool:
        """Whether a gang takes from it only while it trains."""
        return self.kind in ("power", "round_power")


@dataclass(frozen=True, slots=True)
class RowTable:
    """Rows with right sides, and what every mode takes from each.

    Attributes
    ----------
    right : (R, T)
        Right sides; 0 for power rows, whose right side is the supply block.
    use_ptr : (M+1,), use_row, use_amount
        What each mode takes; rows of power first, `use_split` many of them.
    """

    rows: tuple[Row, ...]
    right: Floats
    use_ptr: Ints
    use_split: Ints
    use_row: Ints
    use_amount: Floats

    @property
    def compiled(self) -> tuple[Ints, Ints, Ints, Floats]:
        """What compiled code reads: use_ptr, use_split, use_row, use_amount."""
        return self.use_ptr, self.use_split, self.use_row, self.use_amount


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
    left_of, amounts_of, rows = _left_of(a), _amounts(a), []
    for kind, left in left_of.items():
        amounts = amounts_of[kind]
        for of, limit in enumerate(left.max(1, initial=0)):
            wanted = {x // k for x in amounts[of] for k in (1, 2, 3)}
            wanted |= {int(limit) // n + 1 for n in range(1, 12)}
            rows += [Row(kind, of, d) for d in sorted(wanted) if d > 1 and limit // d < most]
    return rows


def _left_of(a: PlaceArrays) -> dict[str, Ints]:
    """Return what running jobs leave, by kind of rounding row."""
    return dict(zip(("round_power", "round_chips", "round_quota"), rooms_left(a), strict=True))


def _amounts(a: PlaceArrays) -> dict[str, dict[int, set[int]]]:
    """Distinct amounts that modes of waiting jobs take, by kind of rounding row and place."""
    found: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for j in np.flatnonzero(a.running == 0).tolist():
        for m in range(a.job_ptr[j], a.job_ptr[j + 1]):
            for kind, taken in _rounded(a, m, j).items():
                for of, amount in taken.items():
                    found[kind][of].add(amount)
    return found


def _rounded(a: PlaceArrays, m: int, j: int) -> dict[str, dict[int, int]]:
    """Return what a mode of a job takes, by kind of rounding row and place."""
    tenant, chips = int(a.tenant[j]), int(a.chips[m])
    has_quota = tenant >= 0 and a.quota[tenant] >= 0
    return {
        "round_power": _taken(a, m, by_site=True),
        "round_chips": _taken(a, m, by_site=False),
        "round_quota": {tenant: chips} if has_quota else {},
    }


def _taken(a: PlaceArrays, m: int, by_site: bool) -> dict[int, int]:
    taken: dict[int, int] = {}
    for p in range(a.part_ptr[m], a.part_ptr[m + 1]):
        pool = int(a.part_pool[p])
        of = int(a.pool_site[pool]) if by_site else pool
        amount = a.part_net_w[p] if by_site else a.part_slice[p] * a.part_slices[p]
        taken[of] = taken.get(of, 0) + int(amount)
    return taken


def build_rows(a: PlaceArrays, rows: list[Row]) -> RowTable:
    """Return right sides of rows and what every mode takes from each."""
    left_of = _left_of(a)
    index = {row: r for r, row in enumerate(rows)}
    right = np.zeros((len(rows), a.allowed.shape[1]))
    for row, r in index.items():
        if row.kind == "chips":
            right[r] = a.usable[row.of] * a.pool_size[row.of]
        elif row.kind == "slice":
            right[r] = a.avail[row.of] * (a.pool_size[row.of] // row.size)
        elif row.kind in left_of:
            right[r] = np.maximum(left_of[row.kind][row.of] // row.size, 0)
        elif row.kind == "quota":
            right[r] = a.quota[row.of]
    by_place: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        by_place.setdefault((row.kind, row.of), []).append(row)
    ptr, split, use_row, use_amount = [0], [], [], []
    job_of = np.repeat(np.arange(len(a.job_ptr) - 1), np.diff(a.job_ptr))
    for m, j in enumerate(job_of):
        taken = _uses(a, m, int(j), by_place)
        uses = sorted(taken.items(), key=lambda item: not item[0].is_power)
        split.append(ptr[-1] + sum(row.is_power for row, _ in uses))
        use_row += [index[row] for row, _ in uses]
        use_amount += [float(x) for _, x in uses]
        ptr.append(len(use_row))
    return RowTable(
        tuple(rows),
        right,
        np.array(ptr, np.int64),
        np.array(split, np.int64),
        np.array(use_row, np.int64),
        np.array(use_amount),
    )


def _uses(
    a: PlaceArrays, m: int, j: int, by_place: dict[tuple[str, int], list[Row]]
) -> dict[Row, int]:
    uses: dict[Row, int] = {}
    watts, chips = _taken(a, m, by_site=True), _taken(a, m, by_site=False)
    for site, amount in watts.items():
        for row in by_place.get(("power", site), ()):
            uses[row] = amount
    for pool, amount in chips.items():
        for row in by_place.get(("chips", pool), ()):
            uses[row] = amount
    for p in range(a.part_ptr[m], a.part_ptr[m + 1]):
        for row in by_place.get(("slice", int(a.part_pool[p])), ()):
            amount = int(a.part_slices[p] * (a.part_slice[p] // row.size))
            uses[row] = uses.get(row, 0) + amount
    for row in by_place.get(("quota", int(a.tenant[j])), ()):
        uses[row] = int(a.chips[m])
    if not a.running[j]:
        for kind, taken in _rounded(a, m, j).items():
            for of, amount in taken.items():
                for row in by_place.get((kind, of), ()):
                    uses[row] = amount // row.size
    return {row: x for row, x in uses.items() if x}
