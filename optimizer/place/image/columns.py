"""Columns (mode, start) that the window of a job, and what running jobs leave, admit one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import ids_usable, run_ends

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["allowed_columns"]

Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]


def _needs(a: dict[str, Any], m: int) -> tuple[dict[int, int], dict[int, int]]:
    """Watts above idle by site and chips by pool that a mode takes."""
    watts: dict[int, int] = {}
    chips: dict[int, int] = {}
    for p in range(a["part_ptr"][m], a["part_ptr"][m + 1]):
        pool = int(a["part_pool"][p])
        site = int(a["pool_site"][pool])
        watts[site] = watts.get(site, 0) + int(a["part_net_w"][p])
        chips[pool] = chips.get(pool, 0) + int(a["part_slice"][p] * a["part_slices"][p])
    return watts, chips


def _left(a: dict[str, Any], running: Ints) -> tuple[Ints, Ints]:
    """Watts by site and chips by pool that running modes leave, (S, T) and (pools, T)."""
    room = a["room_w"].copy()
    chips = a["usable"] * a["pool_size"][:, None]
    for m in running.tolist():
        mask = int(a["mask"][m])
        end = int(a["when"][mask, a["dur"][m]])
        works = np.diff(a["act"][mask])[:end]
        need_w, need_chips = _needs(a, m)
        for site, watts in need_w.items():
            room[site, :end] -= works * watts
        for pool, count in need_chips.items():
            chips[pool, :end] -= count
    return room, chips


def _homes(instance: Instance) -> NDArray[np.bool_]:
    """Return for every mode whether the ids that it is pinned to can be used throughout, (M,)."""
    h, t = instance.horizon, instance.table
    out = np.ones(len(t.duration), bool)
    for m, j in zip(np.flatnonzero(t.stays).tolist(), t.job[t.stays].tolist(), strict=True):
        mode, stands = instance.modes(j)[0], np.zeros(h.periods, bool)
        if mode.pauses:
            for site in instance.sites_of(mode):
                stands |= instance.sites[site].is_called(h)
        end = int(run_ends(mode.duration, stands, h.periods)[0])
        out[m] = ids_usable(instance, mode, end)
    return out


def allowed_columns(instance: Instance, a: dict[str, Any]) -> Flags:
    """Return the columns that the window and what running jobs leave admit, (M, T).

    a
        The other arrays of the image, by name.
    """
    periods, usable = instance.horizon.periods, _homes(instance)
    job_of = np.repeat(np.arange(len(a["job_ptr"]) - 1), np.diff(a["job_ptr"]))
    is_running = a["running"][job_of] == 1
    room, chips = _left(a, np.flatnonzero(is_running))
    last, starts = a["end_by"] - a["dur"], np.arange(periods)
    allowed = np.empty((len(job_of), periods), np.uint8)
    np.greater_equal(starts, a["first"][:, None], out=allowed.view(bool))
    allowed.view(bool)[:] &= starts <= last[:, None]
    allowed[is_running] = 0
    allowed[is_running, 0] = 1
    tight, bad_of = _tight(a, room, chips), dict[tuple[Any, ...], Ints]()
    for m in np.flatnonzero(~is_running & (tight | (a["mask"] > 0) | (a["home"] == 1))).tolist():
        row = int(a["mask"][m])
        done = a["act"][row, :-1] + a["dur"][m]
        ends = np.where(done > periods, periods + 1, a["when"][row, np.minimum(done, periods)])
        fits = (starts >= a["first"][m]) & (ends <= a["end_by"][m])
        if a["home"][m]:
            fits &= (starts == 0) & usable[m]
        needs = _needs(a, m)
        key = (row, *needs[0].items(), None, *needs[1].items())
        if key not in bad_of:  # many jobs have gangs alike
            bad_of[key] = _bad_before(np.diff(a["act"][row]) > 0, needs, room, chips)
        before = bad_of[key]
        allowed[m] = fits & (before[np.minimum(ends, periods)] == before[:-1])
    return allowed


def _tight(a: dict[str, Any], room: Ints, chips: Ints) -> NDArray[np.bool_]:
    """Return which modes take more in some period than running jobs leave, or might, (M,)."""
    pool, lengths = a["part_pool"], np.diff(a["part_ptr"])
    site = a["pool_site"][pool]
    over = a["part_net_w"] > room.min(1)[site]
    over |= a["part_slice"] * a["part_slices"] > chips.min(1)[pool]
    tight: NDArray[np.bool_] = lengths > 1  # parts of several are added up one by one
    tight[np.repeat(np.arange(len(lengths)), lengths)[over]] = True
    return tight


def _bad_before(
    works: NDArray[np.bool_], needs: tuple[dict[int, int], dict[int, int]], room: Ints, chips: Ints
) -> Ints:
    """Return how many periods before each boundary a gang does not fit into, (T+1,)."""
    bad = np.zeros(len(works), bool)
    for site, watts in needs[0].items():
        bad |= works & (room[site] < watts)
    for pool, count in needs[1].items():
        bad |= chips[pool] < count
    return np.concatenate(([0], np.cumsum(bad)))
