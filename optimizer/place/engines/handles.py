"""Handles: named tuples of arrays as one pointer, for compiled code.

A named tuple of sixty arrays passed by value makes compiled calls slow to compile (minutes) and to
make (every array is counted in and out). A handle is one pointer to the same arrays; in compiled
code its fields have the names they have in the tuple.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.experimental import structref

from optimizer.place.arrays import PlaceArrays
from optimizer.place.engines.compiled import compiled

__all__ = ["Memory", "Problem", "State", "memory_handle", "problem_handle", "state_handle"]


class Problem(NamedTuple):
    """What the compiled search reads besides the arrays (money in USD as floats).

    Attributes
    ----------
    gain, late_usd, restart_usd, prize
        As in `PlaceArrays`, and what a must job is worth on top.
    order, need_cap
        Supplies of a site, those with a permit last: index (-1 where there is none) and cap [W] in
        every period, (S, most, T).
    cap, cost
        Supplies of a site by rising cost, price of permits included: caps [W], true costs [USD/W].
    slot_ptr : (J+1,)
        Room for the virtual domains of each job's small slices.
    virt_ptr : (groups+1,), virt_group
        Virtual domains of each group; the group of each.
    runs_ptr : (pools+1,), site_ptr : (S+1,), site_pools
        Room for the runs of each pool in `State.runs`; the pools of each site.
    priced : (kinds, T+1)
        Prefix sums of what a mode pays at the prices.
    worth : (J,)
        Best priced profit of each job, not below 0.
    cheapest : (M,), ranked : (M,)
        What a mode pays at least, from whatever start; modes of each job, best priced profit first.
    has_permit : (1,)
        Whether any supply has a permit.
    movers
        Running jobs that may be moved and have somewhere to go.
    home_alloc, home_slots
        As `alloc` and `slots` of a State: where running jobs lie that may be moved; empty where
        there is none. `packing.pin_running` fills them in.
    """

    a: PlaceArrays
    gain_usd: Any
    late_usd: Any
    restart_usd: Any
    prize: Any
    order: Any
    need_cap: Any
    cap: Any
    cost: Any
    slot_ptr: Any
    virt_ptr: Any
    virt_group: Any
    runs_ptr: Any
    site_ptr: Any
    site_pools: Any
    priced: Any
    worth: Any
    cheapest: Any
    ranked: Any
    has_permit: Any
    movers: Any
    home_alloc: Any
    home_slots: Any


class State(NamedTuple):
    """What is placed, and what that uses; objective[0] is the search's objective [USD].

    Attributes
    ----------
    mode_of, start, end : (J,)
        Mode of each job, -1 where it waits; its run.
    alloc : (J, parts, groups)
        Whole domains that each part takes from each group of its pool.
    slots
        Virtual domain of each small slice, by `slot_ptr`.
    load : (S, T), used : (groups, T), virt : (virtual domains, T)
        IT watts above idle; domains in use; chips in use on virtual domains.
    virt_top : (groups,)
        Virtual domains ever used.
    chips : (pools, T), tenant : (tenants, T), budget, permit
        What is held or consumed.
    runs, present : (pools,), spot : (J, parts)
        Jobs that run in each pool, once for each part there, by `runs_ptr`; how many; where each
        part of a job stands among them.
    waiting
        Scratch.
    """

    mode_of: Any
    start: Any
    end: Any
    alloc: Any
    slots: Any
    load: Any
    used: Any
    virt: Any
    virt_top: Any
    chips: Any
    tenant_chips: Any
    budget_used: Any
    permit_used: Any
    objective: Any
    runs: Any
    present: Any
    spot: Any
    waiting: Any


class Memory(NamedTuple):
    """What a search keeps beside its state: the plan before a move, and the best plan.

    Attributes
    ----------
    rng : (1,) uint64
    log, logged, count
        Jobs that a move touched; flags; how many.
    old_* and best_*
        Placement records, as in `State`.
    best : (1,)
        Objective of the best plan [USD].
    changed : (J,), is_changed : (J,), changes : (1,)
        Jobs that may stand elsewhere than in the best plan; flags; how many.
    okay, queue, keys
        Scratch.
    tried : (J,)
        How often a job was sought room for since it last had some.
    halt : (1,) uint8
        Set from outside, in the midst of a run: end after the move that is being made.
    """

    rng: Any
    log: Any
    logged: Any
    count: Any
    old_mode: Any
    old_start: Any
    old_end: Any
    old_alloc: Any
    old_slots: Any
    best_mode: Any
    best_start: Any
    best_end: Any
    best_alloc: Any
    best_slots: Any
    best: Any
    changed: Any
    is_changed: Any
    changes: Any
    okay: Any
    queue: Any
    keys: Any
    tried: Any
    halt: Any


class _Handle(types.StructRef):
    def preprocess_fields(self, fields: Any) -> Any:
        """Keep no literal types: one compiled function serves all instances."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


@structref.register
class ProblemType(_Handle):
    """numba's type of a problem handle."""


@structref.register
class StateType(_Handle):
    """numba's type of a state handle."""


@structref.register
class MemoryType(_Handle):
    """numba's type of a memory handle."""


class ProblemHandle(structref.StructRefProxy):
    """A `Problem` and its arrays, for compiled code."""

    def __new__(cls, *fields: Any) -> Any:
        """Return a handle of the fields, in order."""
        return _problem(*fields)


class StateHandle(structref.StructRefProxy):
    """A `State`, for compiled code."""

    def __new__(cls, *fields: Any) -> Any:
        """Return a handle of the fields, in order."""
        return _state(*fields)


class MemoryHandle(structref.StructRefProxy):
    """A `Memory`, for compiled code."""

    def __new__(cls, *fields: Any) -> Any:
        """Return a handle of the fields, in order."""
        return _memory(*fields)


structref.define_proxy(ProblemHandle, ProblemType, [*PlaceArrays._fields, *Problem._fields[1:]])
structref.define_proxy(StateHandle, StateType, list(State._fields))
structref.define_proxy(MemoryHandle, MemoryType, list(Memory._fields))


@compiled
def _problem(*fields):
    return ProblemHandle(*fields)


@compiled
def _state(*fields):
    return StateHandle(*fields)


@compiled
def _memory(*fields):
    return MemoryHandle(*fields)


def problem_handle(problem: Problem) -> Any:
    """Return the handle of a problem."""
    return ProblemHandle(*problem.a, *problem[1:])


def state_handle(state: State) -> Any:
    """Return the handle of a state; both see the same arrays."""
    return StateHandle(*state)


def memory_handle(memory: Memory) -> Any:
    """Return the handle of a memory; both see the same arrays."""
    return MemoryHandle(*memory)
