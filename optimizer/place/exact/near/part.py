"""The part of an instance that is left to some jobs while all other runs stay where they are.

Its arrays are those of these jobs alone; what stays is taken off the right sides: power becomes
fixed load, domains, quotas and totals get smaller, predecessors and successors narrow the windows.
Virtual domains in which others have chips stay open to the free jobs (`Held.taken`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.engines.insertion import blocked
from optimizer.place.exact.columns import Held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.handles import Problem, State

__all__ = ["Part", "cut_out"]

BY_JOB = ("value", "late", "due", "tenant", "must", "running")
BY_MODE = (
    *("dur", "first", "end_by", "gain", "restart", "mask", "chips", "alike", "home", "allowed"),
)
BY_PART = (*("part_pool", "part_slice", "part_slices", "part_net_w", "part_whole", "part_need"),)
BY_USE = ("use_budget", "use_amount")
LESS = ("room_w", "fixed_mw", "group_n", "avail", "usable", "budget")
"""What runs that stay take from."""
LISTS = ("job_ptr", "part_ptr", "use_ptr", "pred_ptr", "pred", "succ_ptr", "succ")
SAME = (
    *("act", "when", "example", "pool_site", "pool_size", "group_ptr", "pue", "sup_ptr", "sup_cap"),
    *("sup_cost", "permit", "quota", "total_kind"),
    *("peak_cost", "full", "held", "charge_w", "added", "taken"),
)
"""With the others all fields of the arrays: a new one has to be put where it belongs."""

MOST_BEGUN = 8
"""Virtual domains of a group in which others have chips that are left open to the free jobs."""

MOST_FRESH = 4
"""Empty domains of a group that the free jobs may newly break into slices."""

MOST_STARTS = 12
"""Starts of a mode that are left to choose among, best priced first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an instance.

    Attributes
    ----------
    jobs, modes
        Numbers that its jobs and modes have in the whole.
    begun
        By (group, number of the virtual domain in the part): its number in the whole.
    """

    a: PlaceArrays
    held: Held
    jobs: list[int]
    modes: list[int]
    begun: dict[tuple[int, int], int]


def cut_out(
    p: Problem,
    state: State,
    handles: tuple[Any, Any],
    jobs: list[int],
    columns: dict[int, tuple[int, int]],
    wanted: set[int],
    has_domains: NDArray[np.bool_],
) -> Part:
    """Return the part of free jobs, none of which is in the state.

    columns
        (mode, start) of the free jobs that were placed: always among the choice.
    wanted
        Virtual domains on which they were.
    """
    a = p.a
    modes = [m for j in jobs for m in range(a.job_ptr[j], a.job_ptr[j + 1])]
    parts = [i for m in modes for i in range(a.part_ptr[m], a.part_ptr[m + 1])]
    uses = [u for m in modes for u in range(a.use_ptr[m], a.use_ptr[m + 1])]
    fields: dict[str, Any] = {name: getattr(a, name)[jobs] for name in BY_JOB}
    fields |= {name: getattr(a, name)[modes] for name in BY_MODE}
    fields |= {name: getattr(a, name)[parts] for name in BY_PART}
    fields |= {name: getattr(a, name)[uses] for name in BY_USE}
    fields |= _lists(a, jobs, modes) | _less(a, state, has_domains)
    free = set(jobs)
    rows = [
        _allowed(p, state, handles, j, m, free, columns.get(j)) for j in jobs for m in _modes(a, j)
    ]
    fields["allowed"] = np.array(rows, np.uint8).reshape(len(modes), a.pue.shape[1])
    has_after = [_is_followed(a, state, j) for j in jobs]
    fields["must"] = np.maximum(fields["must"], np.array(has_after, np.uint8))
    begun = _begun(p, state, wanted)
    taken = {key: state.virt[v].astype(np.int64) for key, v in begun.items()}
    part_a = a._replace(**fields)
    fresh = MOST_FRESH + len(wanted - set(begun.values()))
    held = Held(has_domains, taken=taken, quota=state.tenant_chips.copy(), fresh=fresh)
    return Part(part_a, held, jobs, modes, begun)


def _modes(a: PlaceArrays, j: int) -> range:
    return range(int(a.job_ptr[j]), int(a.job_ptr[j + 1]))


def _lists(a: PlaceArrays, jobs: list[int], modes: list[int]) -> dict[str, Ints]:
    """Return pointers and lists of the part."""
    number = {j: i for i, j in enumerate(jobs)}
    before = [_inside(a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]], number) for j in jobs]
    after = [_inside(a.succ[a.succ_ptr[j] : a.succ_ptr[j + 1]], number) for j in jobs]
    return {
        "job_ptr": _pointers([len(_modes(a, j)) for j in jobs]),
        "part_ptr": _pointers([int(a.part_ptr[m + 1] - a.part_ptr[m]) for m in modes]),
        "use_ptr": _pointers([int(a.use_ptr[m + 1] - a.use_ptr[m]) for m in modes]),
        "pred_ptr": _pointers([len(x) for x in before]),
        "pred": np.array([i for x in before for i in x], np.int64),
        "succ_ptr": _pointers([len(x) for x in after]),
        "succ": np.array([i for x in after for i in x], np.int64),
    }


def _inside(jobs: Ints, number: dict[int, int]) -> list[int]:
    return [number[j] for j in jobs.tolist() if j in number]


def _pointers(lengths: list[int]) -> Ints:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _less(a: PlaceArrays, state: State, has_domains: NDArray[np.bool_]) -> dict[str, Ints]:
    """Return right sides without what the state holds."""
    group_n = a.group_n - state.used
    own = [slice(int(p), int(q)) for p, q in zip(a.group_ptr[:-1], a.group_ptr[1:], strict=True)]
    chips = np.where(has_domains[:, None], 0, state.chips)
    return {
        "room_w": a.room_w - state.load,
        "fixed_mw": a.fixed_mw + a.pue * state.load,
        "group_n": group_n,
        "avail": np.array([group_n[x].sum(0) for x in own]),
        "usable": a.usable - chips,
        "budget": a.budget - state.budget_used,
    }


def _allowed(
    p: Problem,
    state: State,
    handles: tuple[Any, Any],
    j: int,
    m: int,
    free: set[int],
    column: tuple[int, int] | None,
) -> NDArray[np.uint8]:
    """Return the starts of a mode that fit beside what stays, one by one; the best priced."""
    a, T = p.a, p.a.pue.shape[1]
    out, okay = np.zeros(T, np.uint8), np.full(T + 1, T, np.int64)
    low, high = _window(a, state, j, free)
    if high >= 0:
        blocked(*handles, j, m, okay)
        starts = np.flatnonzero(a.allowed[m])
        mask = int(a.mask[m])
        ends = a.when[mask, a.act[mask, starts] + a.dur[m]]
        fits = (starts >= low) & (ends <= high) & (okay[starts] >= ends)
        starts, ends = starts[fits], ends[fits]
        priced = p.priced[a.alike[m]]
        score = -(priced[ends] - priced[starts])
        score -= p.late_usd[j] * np.maximum(0, ends - a.due[j])
        out[starts[np.argsort(-score, kind="stable")[:MOST_STARTS]]] = 1
    if column is not None and column[0] == m:
        out[column[1]] = 1
    return out


def _window(a: PlaceArrays, state: State, j: int, free: set[int]) -> tuple[int, int]:
    """Earliest start and latest end that runs that stay leave, or (0, -1)."""
    low, high = 0, a.pue.shape[1]
    for before in a.pred[a.pred_ptr[j] : a.pred_ptr[j + 1]].tolist():
        if state.mode_of[before] >= 0:
            low = max(low, int(state.end[before]))
        elif before not in free:
            return 0, -1
    for after in a.succ[a.succ_ptr[j] : a.succ_ptr[j + 1]].tolist():
        if state.mode_of[after] >= 0:
            high = min(high, int(state.start[after]))
    return low, high


def _is_followed(a: PlaceArrays, state: State, j: int) -> bool:
    """Return whether a placed job waits for this one, so that it has to be placed."""
    after = a.succ[a.succ_ptr[j] : a.succ_ptr[j + 1]]
    return bool((state.mode_of[after] >= 0).any())


def _begun(p: Problem, state: State, wanted: set[int]) -> dict[tuple[int, int], int]:
    """Number the virtual domains in which others have chips: those wanted, then the emptiest."""
    out: dict[tuple[int, int], int] = {}
    for h in range(len(p.a.group_n)):
        low = int(p.virt_ptr[h])
        own = range(low, low + int(state.virt_top[h]))
        begun = [v for v in own if state.virt[v].any()]
        begun.sort(key=lambda v: (v not in wanted, int(state.virt[v].astype(np.int64).sum()), v))
        most = max(MOST_BEGUN, sum(v in wanted for v in begun))
        out |= {(h, n): v for n, v in enumerate(begun[:most])}
    return out
