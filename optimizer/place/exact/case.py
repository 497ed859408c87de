"""An instance on its way through an exact engine: size, prices, running jobs, and the plan file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import Unsupported
from optimizer.place.answer import Found, answer, whole_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.engines.packing import pin_running
from optimizer.place.engines.prices import Dual, minimised
from optimizer.place.engines.state import empty_state, make_problem
from optimizer.place.plan import EngineClaim, Status
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from optimizer.domain.answers.records import StoppedBy
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays
    from optimizer.place.certificate import Bound
    from optimizer.place.clock import Clock
    from optimizer.place.engines.handles import Problem, State
    from optimizer.place.plan import Certificate, PlacePlan
    from optimizer.solvers.run import Run

__all__ = [
    "MOST_COLUMNS",
    "MOST_DOMAINS",
    "MOST_JOBS",
    "Case",
    "float_claim",
    "is_small",
    "make_case",
    "refuse_large",
    "stopped",
]

MOST_JOBS, MOST_DOMAINS, MOST_COLUMNS = 50, 50, 50_000
"""Sizes up to which CP-SAT is asked: jobs, domains of all pools, columns (mode, start)."""

FLOAT_SLACK = 2e-6
"""What a floating-point engine may be off, as a share: its tolerances are 1e-6 for feasibility and
integrality. Its claim is widened by it."""

PRICES_SHARE = 0.18
"""Share of the time that prices get at most."""


@dataclass
class Case:
    """One instance on its way to a plan."""

    instance: Instance
    clock: Clock
    a: PlaceArrays
    proof: tuple[Certificate, Bound]
    problem: Problem
    state: State
    pins: dict[int, int]

    def answer(self, found: Found, stopped_by: StoppedBy) -> PlacePlan:
        """Return the plan file of what is in the state."""
        return answer(
            self.instance,
            self.problem,
            self.state,
            self.pins,
            self.proof,
            self.clock,
            0,
            stopped_by,
            found,
        )


def refuse_large(instance: Instance) -> None:
    """Raise Unsupported, naming the size, for an instance above CP-SAT's sizes."""
    jobs, domains = _size(instance)
    if jobs > MOST_JOBS or domains > MOST_DOMAINS:
        raise Unsupported(
            f"exact placement of {jobs:,} jobs on {domains:,} domains",
            f"it takes up to {MOST_JOBS} jobs and {MOST_DOMAINS} domains; use prices and search",
        )


def is_small(instance: Instance) -> bool:
    """Return whether an instance is within the sizes that CP-SAT is asked for."""
    jobs, domains = _size(instance)
    if jobs > MOST_JOBS or domains > MOST_DOMAINS:
        return False
    return int(build_arrays(instance).allowed.sum()) <= MOST_COLUMNS


def _size(instance: Instance) -> tuple[int, int]:
    pools = [p for p in instance.pools.values() if p.domain is not None]
    return len(instance.jobs), sum(int(p.present(instance.horizon).max()) for p in pools)


def make_case(
    instance: Instance,
    clock: Clock,
    certificate: Certificate | None = None,
    most_columns: int = MOST_COLUMNS,
) -> Case:
    """Return the case of an instance; its prices are those of a certificate, if one is given."""
    a = build_arrays(instance)
    columns = int(a.allowed.sum())
    if columns > most_columns:
        raise Unsupported(
            f"exact placement with {columns:,} pairs of mode and start",
            f"it takes up to {most_columns:,}; use prices and search",
        )
    if certificate is None:
        certificate = whole_prices(instance, _prices(a, clock).finish())
    bound = upper_bound(instance, certificate)
    clock.tell(None, bound.total)
    nothing = np.zeros((len(a.dur), a.pue.shape[1] + 1)), np.zeros(len(a.late))
    problem = make_problem(a, *nothing, _permit_prices(instance, certificate))
    state = empty_state(problem)
    pins = pin_running(instance, problem, state)
    return Case(instance, clock, a, (certificate, bound), problem, state, pins)


def _permit_prices(instance: Instance, certificate: Certificate) -> Any:
    """Return the prices of permits by supply [USD per W-period]."""
    names = [f"{s}/{k}" for s, site in instance.sites.items() for k in site.supplies]
    return np.array([usd(certificate.permits.get(name, 0)) for name in names])


def _prices(a: PlaceArrays, clock: Clock) -> Dual:
    """Return the dual, minimised as far as its share of the time allows."""
    limit = clock.options.seconds * (PRICES_SHARE if clock.options.rounds is None else 1.0)

    def is_over() -> bool:
        return clock.cancel.is_set() or clock.seconds() > limit

    return minimised(a, clock.options.threads, is_over)


def stopped(by: str, clock: Clock) -> StoppedBy:
    """Return why a run ended, in the words of a plan."""
    if by == "proof":
        return "engine proof"
    if by == "work limit":
        return "work limit"
    reason = clock.reason(0)
    return "time limit" if reason is None else reason


def float_claim(run: Run) -> EngineClaim:
    """Return what a floating-point engine claims, widened by its tolerance."""
    bound = None
    if run.bound is not None:
        most = -run.bound + FLOAT_SLACK * max(1.0, abs(run.bound))
        bound = math.ceil(most * NANO)
    return EngineClaim(engine=run.engine, status=Status(run.status), bound=bound)
