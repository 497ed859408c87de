"""A plan file that lacks must jobs, with all that can be said of why within a time limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.conflict.elastic import UNIT_COSTS
from optimizer.place.conflict.reduce import Reducer
from optimizer.place.conflict.wayout import way_out
from optimizer.place.exact.case import is_small
from optimizer.place.plan import Conflict, Options
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["diagnosed"]

SMALL_ROUNDS = 4
"""Work of one test on an instance that CP-SAT takes; larger ones are limited by time."""

TEST_SHARE, WAY_SHARE = 0.1, 0.4
"""Shares of the time for one test of a set of groups, and for the cheapest way out."""


def diagnosed(
    instance: Instance,
    plan: PlacePlan,
    seconds: float = 60.0,
    costs: dict[str, float] | None = None,
    seed: int = 0,
    threads: int = 2,
    cancel: Event | None = None,
) -> PlacePlan:
    """Return a plan file with the rules in conflict and the cheapest way out.

    Parameters
    ----------
    plan
        One of status infeasible or unknown; any other is returned as it is.
    seconds
        Time limit [s].
    costs
        Unit costs [USD] other than `UNIT_COSTS`, by their names there.
    cancel
        Set it to stop early; what is known by then is returned.
    """
    if plan.status.has_plan:
        return plan
    cancel = cancel or Event()
    limits = _Limits(seconds, time.monotonic() + seconds, seed, threads, cancel)
    prices = {**UNIT_COSTS, **(costs or {})}
    known = plan.conflict or Conflict()
    out = way_out(instance, prices, limits.way, limits.test)
    if cancel.is_set():
        return plan
    found = Reducer(instance, known.prices, limits.test, limits.is_over).run()
    update = {
        "groups": found.groups,
        "shown": found.shown,
        "minimal": "proven" if found.is_minimal else "time limit",
        "unit_costs": prices,
        "way_out": out,
    }
    return plan.model_copy(update={"conflict": known.model_copy(update=update)})


@dataclass(frozen=True)
class _Limits:
    """Solves within shares of a time limit; by work alone where CP-SAT takes the instance."""

    seconds: float
    until: float
    seed: int
    threads: int
    cancel: Event

    def is_over(self) -> bool:
        return self.cancel.is_set() or time.monotonic() > self.until

    def way(self, made: Instance) -> PlacePlan:
        return self._solved(made, WAY_SHARE)

    def test(self, made: Instance) -> PlacePlan:
        return self._solved(made, TEST_SHARE)

    def _solved(self, made: Instance, share: float) -> PlacePlan:
        left = max(1.0, min(share * self.seconds, self.until - time.monotonic()))
        rounds = SMALL_ROUNDS if is_small(made) else None
        options = Options(seconds=left, rounds=rounds, seed=self.seed, threads=self.threads)
        return solve(made, options, cancel=self.cancel)
