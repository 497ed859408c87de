"""Columns (mode, start): what both exact formulations choose among, listed from the arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Held:
    """Where running jobs lie, what else is held, and which pools have domains at all.

    Attributes
    ----------
    has_domains : (pools,)
    whole
        By (part, group): domains of a running part of whole domains.
    on
        By (part, group, number of the virtual domain in its group): its small slices.
    taken
        By (group, number of the virtual domain), each (T,): chips that runs outside the model have
        there; the first numbers of a group. `group_n` is without domains in which there are any.
    fresh
        Most virtual domains of a group that only the model's runs use; None for as many as they
        could ever need.
    quota : (tenants, T)
        Chips that runs outside the model hold under quotas; None for none.
    """

    has_domains: NDArray[np.bool_]
    whole: dict[tuple[int, int], int] = field(default_factory=dict)
    on: dict[tuple[int, int, int], int] = field(default_factory=dict)
    taken: dict[tuple[int, int], Ints] = field(default_factory=dict)
    quota: Ints | None = None
    fresh: int | None = None

    def first_free(self, group: int) -> int:
        """Return the number of the first virtual domain that only the model's runs can use."""
        return sum(h == group for h, _ in self.taken)


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
