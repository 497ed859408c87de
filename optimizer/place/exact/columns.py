"""Columns (mode, start): what both exact formulations choose among, listed from the arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.place.arrays import Ints, PlaceArrays

__all__ = ["Columns", "Held", "list_columns", "net_of", "parts_of"]


@dataclass(frozen=True, slots=True)
class Columns:
    """All allowed columns, mode by mode, by rising start.

    Attributes
    ----------
    ptr : (M+1,)
        Columns of mode m are ptr[m]..ptr[m+1]-1.
    mode, start, end : (C,)
        The run, half-open [start, end).
    penalty : (C,)
        Lateness and restart cost [nano-USD].
    trains : (masks, T)
        Whether a gang with that mask is in training, not paused.
    """

    ptr: Ints
    mode: Ints
    start: Ints
    end: Ints
    penalty: Ints
    trains: Ints

    def of(self, mode: int) -> range:
        """Return the columns of a mode."""
        return range(int(self.ptr[mode]), int(self.ptr[mode + 1]))

    def covering(self, mode: int, t: int) -> list[int]:
        """Return the columns of a mode that hold their chips in period t."""
        low, high = int(self.ptr[mode]), int(self.ptr[mode + 1])
        held = (self.start[low:high] <= t) & (t < self.end[low:high])
        return [int(c) for c in low + np.flatnonzero(held)]


@dataclass(frozen=True, slots=True)
class Held:
    """Where running jobs lie, and which pools have domains at all.

    Attributes
    ----------
    has_domains : (pools,)
    whole
        By (part, group): domains of a running part of whole domains.
    on
        By (part, group, number of the virtual domain in its group): its small slices.
    """

    has_domains: NDArray[np.bool_]
    whole: dict[tuple[int, int], int]
    on: dict[tuple[int, int, int], int]


def list_columns(a: PlaceArrays) -> Columns:
    """Return the allowed columns of the arrays."""
    mode, start = (x.astype(np.int64) for x in np.nonzero(a.allowed))
    mask = a.mask[mode]
    end = a.when[mask, a.act[mask, start] + a.dur[mode]]
    job = np.repeat(np.arange(len(a.late)), np.diff(a.job_ptr))[mode]
    late = a.late[job] * np.maximum(0, end - a.due[job])
    restart = np.where(end - start > a.dur[mode], a.restart[mode], 0)
    ptr = np.concatenate(([0], np.cumsum(a.allowed.sum(1, dtype=np.int64)))).astype(np.int64)
    return Columns(ptr, mode, start, end, late + restart, np.diff(a.act, axis=1))


def parts_of(a: PlaceArrays, mode: int) -> Iterator[tuple[int, int, int]]:
    """Yield rank, index and pool of the parts of a mode."""
    first = int(a.part_ptr[mode])
    for part in range(first, int(a.part_ptr[mode + 1])):
        yield part - first, part, int(a.part_pool[part])


def net_of(a: PlaceArrays, m: int, s: int) -> int:
    """Return the draw above idle of a mode at a site [W]."""
    return sum(int(a.part_net_w[part]) for _, part, p in parts_of(a, m) if a.pool_site[p] == s)
