"""Strategy of placement: prices first, then the search, then names, dispatch and proof.

1. The smoothed dual gives prices and a bound (about a sixth of the time, two threads).
2. Priced construction, then annealed searches side by side until the time is up; incumbents are
   handed on as they come.
3. The best plan gets domain ids and the cheapest dispatch; the prices become whole numbers, and the
   bound is what `certificate.py` makes of them.
Whatever stops it - proof, gap, time, work or cancel - the answer is a plan with its bound.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from threading import Event
from typing import Any, Literal

import numpy as np

from optimizer.domain.instance import Instance
from optimizer.place.arrays import PlaceArrays, build_arrays
from optimizer.place.certificate import Bound, upper_bound
from optimizer.place.engines.dispatch import dispatch_site
from optimizer.place.engines.packing import name_domains, pin_running
from optimizer.place.engines.prices import TAUS, Dual, Prices, Stop
from optimizer.place.engines.handles import (
    Memory,
    Problem,
    State,
    memory_handle,
    problem_handle,
    state_handle,
)
from optimizer.place.engines.search import anneal, construct, copy_best, make_memory
from optimizer.place.engines.state import empty_state, make_problem
from optimizer.place.plan import (
    Certificate,
    ObjectiveParts,
    Options,
    Placement,
    PlacePlan,
    Rounding,
    RunRecord,
    SlicePrices,
    Status,
)
from optimizer.units import NANO, nano

__all__ = ["OnIncumbent", "solve"]

OnIncumbent = Callable[[int | None, int | None, float], None]
"""Called with incumbent and bound [nano-USD], None while there is none, and seconds so far."""

StoppedBy = Literal["proof", "gap", "time limit", "work limit", "cancel"]

DUAL_SHARE = 0.18
"""Share of the time that prices get."""

CHUNK_SECONDS = 0.15
"""The searches come back this often to be watched and stopped."""

ROUND_MOVES = 2000
"""Moves of one round, where work is limited instead of time."""


@dataclass
class _Clock:
    """Time, cancel, and the history of incumbent and bound."""

    options: Options
    cancel: Event
    on_incumbent: OnIncumbent | None
    start: float = field(default_factory=time.monotonic)
    incumbent: int | None = None
    bound: int | None = None
    history: list[tuple[float, int | None, int | None]] = field(default_factory=list)
    reserve: float = 0.2

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def left(self) -> float:
        return self.options.seconds - self.reserve - self.seconds()

    def tell(self, incumbent: int | None, bound: int | None) -> None:
        """Note a better incumbent or bound; neither ever gets worse."""
        before = (self.incumbent, self.bound)
        if incumbent is not None:
            self.incumbent = incumbent if self.incumbent is None else max(self.incumbent, incumbent)
        if bound is not None:
            self.bound = bound if self.bound is None else min(self.bound, bound)
        if (self.incumbent, self.bound) != before:
            at = round(self.seconds(), 3)
            self.history.append((at, self.incumbent, self.bound))
            if self.on_incumbent is not None:
                self.on_incumbent(self.incumbent, self.bound, at)

    def reason(self, rounds: int) -> StoppedBy | None:
        """Return why to stop now, or None."""
        if self.cancel.is_set():
            return "cancel"
        if self.incumbent is not None and self.bound is not None:
            if self.incumbent >= self.bound:
                return "proof"
            if self.bound - self.incumbent <= self.options.gap * abs(self.incumbent):
                return "gap"
        if self.options.rounds is not None and rounds >= self.options.rounds:
            return "work limit"
        return "time limit" if self.left() <= 0 else None


@dataclass(frozen=True)
class _Search:
    """One search: what it has placed, what it remembers, and both for compiled code."""

    state: State
    memory: Memory
    handles: tuple[Any, Any, Any]


def solve(
    instance: Instance,
    options: Options | None = None,
    on_incumbent: OnIncumbent | None = None,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return the best plan found, with its certificate and run record.

    Parameters
    ----------
    instance
        What is to be placed.
    options
        Limits and seed; defaults as in `Options`.
    on_incumbent
        Called whenever incumbent or bound got better; both only ever get better.
    cancel
        Set it to stop early; the plan is finished and returned.
    """
    options = options or Options()
    clock = _Clock(options, cancel or Event(), on_incumbent)
    arrays = build_arrays(instance)
    dual = _prices(arrays, clock)
    certificate = _certificate(instance, dual.best)
    began = time.monotonic()
    proof = upper_bound(instance, certificate)
    clock.reserve = 0.2 + 1.5 * (time.monotonic() - began)
    clock.tell(None, proof.total)
    problem, plan, pins, rounds, stopped_by = _search(instance, arrays, dual, clock)
    return _finish(instance, problem, plan, pins, certificate, proof, clock, rounds, stopped_by)


def _prices(arrays: PlaceArrays, clock: _Clock) -> Dual:
    """Return the dual, minimised as far as its share of the time allows."""
    limit = DUAL_SHARE * clock.options.seconds
    is_timed = clock.options.rounds is None

    def poll(bound: float) -> None:
        if clock.cancel.is_set() or (is_timed and clock.seconds() > limit and dual.evaluations > 2):
            raise Stop

    dual = Dual(arrays, clock.options.threads, poll)
    dual.minimise()
    for _ in range(2):
        if clock.cancel.is_set() or (is_timed and clock.seconds() > limit):
            break
        if not dual.add_rounding():
            break
        dual.minimise(TAUS[2:])
    return dual


def _certificate(instance: Instance, p: Prices) -> Certificate:
    """Return prices as whole numbers, by the names of what they price."""
    sites, pools = list(instance.sites), list(instance.pools)
    tenants = list(instance.tenants)
    whole = np.rint(np.maximum(p.rows, 0) * NANO).astype(np.int64).tolist()
    power, chips, quotas = {}, {}, {}
    slices, rounding = [], []
    for row, each in zip(p.table.rows, whole, strict=True):
        prices = tuple(each)
        if row.kind == "power":
            power[sites[row.of]] = prices
        elif row.kind == "chips":
            chips[pools[row.of]] = prices
        elif row.kind == "quota":
            quotas[tenants[row.of]] = prices
        elif not any(prices):
            continue
        elif row.kind == "slice":
            slices.append(SlicePrices(pool=pools[row.of], slice_chips=row.size, prices=prices))
        elif row.kind == "round_chips":
            rounding.append(Rounding(row="chips", of=pools[row.of], divisor=row.size, prices=prices))
        else:
            rounding.append(Rounding(row="power", of=sites[row.of], divisor=row.size, prices=prices))
    supplies = [f"{s}/{k}" for s, site in instance.sites.items() for k in site.supplies]
    permits = {
        name: nano(float(x)) for name, x in zip(supplies, p.permits, strict=True) if nano(float(x))
    }
    return Certificate(
        power=power,
        chips=chips,
        slices=tuple(slices),
        rounding=tuple(rounding),
        quotas=quotas,
        budgets={b: nano(float(x)) for b, x in zip(instance.budgets, p.budgets, strict=True)},
        permits=permits,
    )


def _search(
    instance: Instance, arrays: PlaceArrays, dual: Dual, clock: _Clock
) -> tuple[Problem, State, dict[int, int], int, StoppedBy]:
    """Return the best plan of the searches, as placement records of a State."""
    priced, worth = dual.mode_prices()
    problem = make_problem(arrays, priced, worth, dual.best.permits)
    searches: list[_Search] = []
    pins: dict[int, int] = {}
    for i in range(clock.options.threads):
        state = empty_state(problem)
        pins = pin_running(instance, problem, state)
        memory = make_memory(problem, state, clock.options.seed * 1009 + i + 1)
        handles = problem_handle(problem), state_handle(state), memory_handle(memory)
        copy_best(*handles)
        searches.append(_Search(state, memory, handles))
    weight = 1.0 if len(arrays.late) > 400 else 0.5
    construct(*searches[0].handles, weight)
    _tell(clock, searches, problem)
    rounds, reason = _improve(problem, searches, clock, weight)
    best = _best(searches)
    state = searches[0].state._replace(
        mode_of=best.best_mode,
        start=best.best_start,
        end=best.best_end,
        alloc=best.best_alloc,
        slots=best.best_slots,
    )
    return problem, state, pins, rounds, reason


def _best(searches: list[_Search]) -> Memory:
    return max((s.memory for s in searches), key=lambda m: float(m.best[0]))


def _tell(clock: _Clock, searches: list[_Search], problem: Problem) -> None:
    """Hand on the best incumbent, if every must job is in it."""
    memory = _best(searches)
    musts = np.flatnonzero(problem.a.must)
    if (memory.best_mode[musts] >= 0).all():
        prize = float(problem.prize[musts].sum())
        clock.tell(int((float(memory.best[0]) - prize) * NANO) - 1000, None)


def _improve(
    problem: Problem, searches: list[_Search], clock: _Clock, weight: float
) -> tuple[int, StoppedBy]:
    """Anneal all searches side by side until something stops them; return rounds and why."""
    mean = float(np.mean(problem.gain_usd)) if len(problem.gain_usd) else 1.0
    hot, cold = 0.5 * mean, 2e-3 * mean
    moves, rounds = 200, 0
    began, span = clock.seconds(), max(clock.left(), 1e-3)
    with ThreadPoolExecutor(len(searches)) as pool:
        while True:
            reason = clock.reason(rounds)
            if reason is not None:
                return rounds, reason
            if clock.options.rounds is not None:
                share, step, moves = rounds / clock.options.rounds, 1 / clock.options.rounds, ROUND_MOVES
            else:
                share, step = min(1.0, (clock.seconds() - began) / span), CHUNK_SECONDS / span
            high = hot * (cold / hot) ** share
            low = hot * (cold / hot) ** min(1.0, share + step)
            chunk = time.monotonic()
            running: list[Future[None]] = [
                pool.submit(anneal, *search.handles, moves, high, low, weight)
                for search in searches
            ]
            while running and wait(running, timeout=0.05).not_done:
                pass
            for future in running:
                future.result()
            spent = time.monotonic() - chunk
            moves = int(np.clip(moves * CHUNK_SECONDS / max(spent, 1e-4), 10, 1_000_000))
            rounds += 1
            _tell(clock, searches, problem)


def _finish(
    instance: Instance,
    problem: Problem,
    plan: State,
    pins: dict[int, int],
    certificate: Certificate,
    proof: Bound,
    clock: _Clock,
    rounds: int,
    stopped_by: StoppedBy,
) -> PlacePlan:
    """Return the plan file: names, dispatch, objective, proof and record."""
    names = name_domains(instance, problem, plan, pins)
    placements = tuple(
        Placement(
            job=instance.jobs[j].id,
            mode=int(plan.mode_of[j] - problem.a.job_ptr[j]),
            start=int(plan.start[j]),
            end=int(plan.end[j]),
            domains=domains,
        )
        for j, domains in sorted(names.items())
    )
    dispatch, energy = _dispatch(instance, problem, plan)
    objective = _objective(problem, plan, energy)
    is_complete = all(p >= 0 for p in plan.mode_of[problem.a.must == 1])
    bound = proof.total
    gap = None
    if bound is not None and (objective.total != 0 or bound == 0):
        same = objective.total == bound
        gap = 0.0 if same else abs(objective.total - bound) / abs(objective.total)
    status = Status.FEASIBLE if is_complete else Status.UNKNOWN
    if bound is None:
        status = Status.INFEASIBLE
    elif gap == 0 and is_complete:
        status = Status.OPTIMAL
    clock.tell(objective.total if is_complete else None, None)
    record = RunRecord(
        stopped_by="proof" if status is Status.OPTIMAL else stopped_by,
        seconds=round(clock.seconds(), 3),
        options=clock.options.model_dump(mode="json"),
        versions=_versions(),
        rounds=rounds,
        history=tuple(clock.history),
    )
    return PlacePlan(
        instance=instance.name,
        instance_hash=instance.hash,
        status=status,
        placements=placements,
        dispatch=dispatch,
        objective=objective,
        bound=bound,
        gap=gap,
        certificate=certificate,
        run=record,
    )


def _dispatch(
    instance: Instance, problem: Problem, plan: State
) -> tuple[dict[str, dict[str, tuple[int, ...]]], int]:
    """Return the cheapest dispatch of a plan and its cost [nano-USD]."""
    a, out, energy = problem.a, {}, 0
    load = np.zeros(a.pue.shape, np.int64)
    for j in np.flatnonzero(plan.mode_of >= 0):
        m, start, end = int(plan.mode_of[j]), int(plan.start[j]), int(plan.end[j])
        works = np.diff(a.act[a.mask[m]])[start:end]
        for part in range(a.part_ptr[m], a.part_ptr[m + 1]):
            load[a.pool_site[a.part_pool[part]], start:end] += works * a.part_net_w[part]
    for s, (name, site) in enumerate(instance.sites.items()):
        given = dispatch_site(a, s, load[s])
        cost = a.sup_cost[a.sup_ptr[s] : a.sup_ptr[s + 1]]
        energy += int((given.astype(object) * cost).sum())
        out[name] = {
            key: tuple(row) for key, row in zip(site.supplies, given.tolist(), strict=True)
        }
    return out, energy


def _objective(problem: Problem, plan: State, energy: int) -> ObjectiveParts:
    a, value, lateness, one_off = problem.a, 0, 0, 0
    for j in np.flatnonzero(plan.mode_of >= 0):
        m, start, end = int(plan.mode_of[j]), int(plan.start[j]), int(plan.end[j])
        value += int(a.value[j])
        lateness += int(a.late[j]) * max(0, end - int(a.due[j]))
        one_off += int(a.value[j] - a.gain[m])
        if end - start > a.dur[m]:
            one_off += int(a.restart[m])
    total = value - lateness - one_off - energy
    return ObjectiveParts(
        value=value, lateness=lateness, one_off=one_off, energy=energy, total=total
    )


def _versions() -> dict[str, str]:
    found = {"cores": str(os.cpu_count())}
    for name in ("fleetwatt", "numpy", "scipy", "numba"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source"
    return found
