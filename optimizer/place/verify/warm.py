"""A search that starts from a plan in hand, on the same instance or on a changed one.

Placements are carried over by what their modes are, not by their numbers, which a change may move.
Prices are those of the plan's certificate, so no dual is solved again: they are valid prices of the
changed instance, too, as long as it has the rows that they are of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.place.arrays import build_arrays, groups_of
from optimizer.place.bound.covers import spread_out
from optimizer.place.engines.handles import problem_handle, state_handle
from optimizer.place.engines.insertion import insert
from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.prices import Dual, Prices
from optimizer.place.engines.rows import Row
from optimizer.place.engines.search import anneal, best_of, copy_best, handles_of, make_memory
from optimizer.place.engines.state import (
    alloc_shape,
    empty_state,
    make_problem,
    restore,
    unplace,
)
from optimizer.place.image.totals import total_names
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.plan import Certificate, Placement, PlacePlan

__all__ = ["Warm", "carried", "fill"]

MOVES = 500
"""Moves between two looks at the clock."""

HOT, COLD = 0.02, 2e-3
"""First and last temperature, as shares of the mean value of a mode: a plan in hand is good."""


def carried(old: Instance, plan: PlacePlan, new: Instance) -> dict[int, Placement]:
    """Return the placements of a plan by job of a changed instance, with its mode numbers.

    Left out are those whose mode or window the changed instance does not have.
    """
    index = {job.id: j for j, job in enumerate(new.jobs)}
    before = {job.id: j for j, job in enumerate(old.jobs)}
    found = {}
    for p in plan.placements:
        j = index.get(p.job)
        if j is None:
            continue
        was = _core(old.modes(before[p.job])[p.mode])
        for m, mode in enumerate(new.modes(j)):
            if _core(mode) == was and mode.first <= p.start and p.end <= mode.end_by:
                found[j] = p.model_copy(update={"mode": m})
                break
    return found


def _core(mode: Mode) -> tuple[Any, ...]:
    return mode.parts, mode.duration, mode.pauses, mode.origin, mode.level


@dataclass
class _Slots:
    """Numbers of the virtual domains that ids have, by group: those of running jobs first."""

    of: dict[tuple[int, int], int]
    next_free: list[int]


class Warm:
    """A search on an instance with placements to begin with; placed in order of their start.

    Parameters
    ----------
    must
        Jobs that have to run, besides those of the instance.
    """

    def __init__(
        self,
        instance: Instance,
        certificate: Certificate,
        placements: dict[int, Placement],
        seed: int = 0,
        must: Collection[int] = (),
    ) -> None:
        self.instance = instance
        a = build_arrays(instance)
        flags = a.must.copy()
        flags[list(must)] = 1
        a = a._replace(must=flags)
        dual = Dual(a, 1)
        give_prices(instance, certificate, dual)
        self.problem = make_problem(a, *dual.mode_prices(), dual.best.permits)
        dual.close()
        self.state = empty_state(self.problem)
        self.pins = pin_running(instance, self.problem, self.state)
        fill(instance, self.problem, self.state, self.pins, placements)
        self.memory = make_memory(self.problem, self.state, seed + 1)
        self.handles = handles_of(self.problem, self.state, self.memory)
        copy_best(*self.handles)

    def insert(self, job: int) -> bool:
        """Put a job where it fits beside the others; return whether it did."""
        p, state, _ = self.handles
        is_in = bool(insert(p, state, job, self.memory.okay, 0.0, self.memory.rng, 0.0))
        if is_in:
            copy_best(*self.handles)
        return is_in

    def search(self, rounds: int, is_over: Callable[[], bool]) -> None:
        """Search on from the plan; ends after so many rounds of moves, or when it is over."""
        gain = self.problem.gain_usd
        mean = max(float(np.mean(gain)), 1e-6) if len(gain) else 1.0
        weight = 1.0 if len(self.problem.a.late) > 400 else 0.5
        for i in range(rounds):
            if is_over():
                return
            heats = [mean * HOT * (COLD / HOT) ** (k / rounds) for k in (i, i + 1)]
            work: Any = (MOVES, heats[0], heats[1], weight)
            anneal(*self.handles, *work)

    def best(self) -> State:
        """Return the best plan so far, as placement records of a State."""
        return best_of(self.state, self.memory)

    def has(self, job: int) -> bool:
        """Return whether the best plan so far places a job."""
        return bool(self.memory.best_mode[job] >= 0)


def fill(
    instance: Instance,
    problem: Problem,
    state: State,
    pins: dict[int, int],
    placements: dict[int, Placement],
) -> None:
    """Put placements of this very instance where they are; jobs that stay lie there already.

    pins
        As pin_running made them.
    """
    a = problem.a
    groups = {
        name: {int(i): k for k, g in enumerate(groups_of(instance, name)) for i in g.ids}
        for name in instance.pools
    }
    slots = _Slots({}, [int(x) for x in problem.virt_ptr[:-1]])
    for v, i in pins.items():
        g = int(np.searchsorted(problem.virt_ptr, v, "right")) - 1
        slots.of[g, i] = v
        slots.next_free[g] = max(slots.next_free[g], v + 1)
    handles = problem_handle(problem), state_handle(state)
    for j in np.flatnonzero((state.mode_of >= 0) & (a.running == 0)).tolist():
        unplace(*handles, j)  # it may be moved, and the plan may have moved it
    for j, p in sorted(placements.items(), key=lambda item: (item[1].start, item[0])):
        if not a.running[j]:
            run = int(a.job_ptr[j]) + p.mode, p.start, p.end
            restore(*handles, j, *run, *_domains(instance, problem, groups, slots, j, p))


def _domains(
    instance: Instance,
    problem: Problem,
    groups: dict[str, dict[int, int]],
    slots: _Slots,
    j: int,
    p: Placement,
) -> tuple[Any, Any]:
    """Return which domains a placement holds, as `restore` takes them."""
    a, ptr, pools = problem.a, problem.slot_ptr, list(instance.pools)
    alloc = np.zeros(alloc_shape(a)[1:], np.int32)
    held, n = np.full(int(ptr[j + 1] - ptr[j]), -1, np.int32), 0
    for rank, part in enumerate(instance.modes(j)[p.mode].parts):
        ids = [i for low, high in p.domains[rank] for i in range(low, high + 1)]
        first = int(a.group_ptr[pools.index(part.pool)])
        if instance.pools[part.pool].domain is None:
            alloc[rank, 0] = part.chips
        elif a.part_whole[a.part_ptr[int(a.job_ptr[j]) + p.mode] + rank]:
            for i in ids:
                alloc[rank, groups[part.pool][i]] += 1
        else:
            for i in ids:
                held[n] = _slot(slots, first + groups[part.pool][i], i)
                n += 1
    return alloc, held


def _slot(slots: _Slots, group: int, i: int) -> int:
    """Return the virtual domain of an id in a group; a new one, the first time."""
    if (group, i) not in slots.of:
        slots.of[group, i] = slots.next_free[group]
        slots.next_free[group] += 1
    return slots.of[group, i]


def give_prices(instance: Instance, certificate: Certificate, dual: Dual) -> None:
    """Set the prices of a dual to those of a certificate, row by row; power at least its energy."""
    given = _given(instance, certificate)
    rows = list(dual.table.rows)
    rows += [row for row in given if row not in rows]
    dual.use_rows(rows)
    prices = dual.best.rows * (np.array([row.kind for row in rows]) == "power")[:, None]  # energy
    for r, row in enumerate(rows):
        if row in given:
            prices[r] = np.maximum(prices[r], np.array(given[row], float) / NANO)
    supplies = [f"{s}/{k}" for s, site in instance.sites.items() for k in site.supplies]
    permits = np.array([certificate.permits.get(k, 0) / NANO for k in supplies])
    totals: dict[tuple[str, ...], int] = {("budget", b): x for b, x in certificate.budgets.items()}
    by_two = {"spread": certificate.spread, "precedence": certificate.precedence}
    for kind, given_at in by_two.items():
        for name, at in given_at.items():
            totals |= {(kind, name, other): x for other, x in at.items()}
    totals["moves",] = certificate.moves or 0
    each = np.array([totals.get(name, 0) / NANO for name in total_names(instance)])
    held = dual.best.held
    for i, k in enumerate(dual.blocks.batteries.tolist()):
        held[i] = np.array(certificate.batteries.get(supplies[k], (0,) * held.shape[1])) / NANO
    dual.best = Prices(dual.table, prices, each, permits, held, float("inf"))


def _given(instance: Instance, certificate: Certificate) -> dict[Row, tuple[int, ...]]:
    """Return the prices of a certificate by rows."""
    sites, pools, tenants = list(instance.sites), list(instance.pools), list(instance.tenants)
    job_of = {job.id: j for j, job in enumerate(instance.jobs)}
    given: dict[Row, tuple[int, ...]] = {}
    given |= {Row("power", sites.index(n)): p for n, p in certificate.power.items()}
    given |= {Row("chips", pools.index(n)): p for n, p in certificate.chips.items()}
    given |= {Row("quota", tenants.index(n)): p for n, p in certificate.quotas.items()}
    given |= {
        Row("slice", pools.index(r.pool), r.slice_chips): r.prices for r in certificate.slices
    }
    for cut in certificate.rounding:
        names = {"chips": pools, "power": sites, "quota": tenants}[cut.row]
        given[Row(f"round_{cut.row}", names.index(cut.of), cut.divisor)] = cut.prices
    for cover in certificate.covers:
        names = {"chips": pools, "power": sites, "quota": tenants}[cover.row]
        left = [item for item in cover.items if item.job in job_of]
        items = tuple((job_of[item.job], item.coefficient, item.least) for item in left)
        span = cover.begin, cover.begin + len(cover.prices)
        row = Row(f"cover_{cover.row}", names.index(cover.of), 0, span, items)
        given |= {row: spread_out(cover, instance.horizon.periods)} if items else {}
    return given
