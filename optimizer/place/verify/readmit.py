"""A job let in: from the plan in hand, on a changed instance, beside the others or instead of some.

First it is put where it fits beside all others; else the search goes on from the plan with the job
as one that must run, so that others make room. The plan found is one of the changed instance as it
stands, whose certificate has the prices of the plan in hand.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from optimizer.place.answer import answer, plan_objective
from optimizer.place.certificate import upper_bound
from optimizer.place.clock import Clock
from optimizer.place.goal import changed
from optimizer.place.plan import Options, Status, gap_of
from optimizer.place.verify.warm import Warm, carried

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["Admission", "Readmitter"]

ROUNDS = 40
"""Rounds of moves for one job where no time limit ends it earlier."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of letting a job in.

    Attributes
    ----------
    plan
        The best plan found of the changed instance that has the job, on time if that was asked;
        None where none was found.
    before
        What the plan in hand is worth on the changed instance [nano-USD].
    """

    plan: PlacePlan | None
    before: int


class Readmitter:
    """Lets jobs of one plan in, each on an instance of its own, within a time limit for all.

    Parameters
    ----------
    seconds
        For all together [s]; None where the work alone is limited.
    many
        How many are to come: each gets its share of what is left.
    """

    def __init__(
        self,
        instance: Instance,
        plan: PlacePlan,
        seconds: float | None = None,
        many: int = 10,
        rounds: int = ROUNDS,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.instance, self.plan, self.rounds = instance, plan, rounds
        self.many, self.is_cancelled = many, is_cancelled
        self.until = None if seconds is None else time.monotonic() + seconds

    def __call__(self, after: Instance, job: str, on_time: bool) -> Admission:
        """Return what comes of letting a job in on a changed instance."""
        is_over = self._share()
        j = next(i for i, each in enumerate(after.jobs) if each.id == job)
        placements = carried(self.instance, self.plan, after)
        base = Warm(after, self.plan.certificate, placements)
        before = plan_objective(base.problem.a, base.best()).total
        forced = _timely(after, j) if on_time else after
        placements = carried(self.instance, self.plan, forced)
        warm = Warm(forced, self.plan.certificate, placements, must=(j,))
        warm.insert(j)

        def is_done() -> bool:
            if not warm.has(j):
                return is_over()
            total = plan_objective(warm.problem.a, warm.best()).total
            return total >= before or is_over()

        warm.search(self.rounds, is_done)
        if not warm.has(j):
            return Admission(None, before)
        return Admission(self._plan(after, forced, warm), before)

    def is_over(self) -> bool:
        """Return whether the time is up, or somebody cancelled."""
        return self.is_cancelled() or (self.until is not None and time.monotonic() > self.until)

    def _share(self) -> Callable[[], bool]:
        """Return what says that the share of the next job is used up."""
        if self.until is None:
            return self.is_cancelled
        now = time.monotonic()
        limit = now + max(0.0, self.until - now) / max(1, self.many)
        self.many -= 1
        return lambda: self.is_cancelled() or time.monotonic() > limit

    def _plan(self, after: Instance, forced: Instance, warm: Warm) -> PlacePlan:
        """Return the plan file of what the search has, as one of the changed instance."""
        certificate = self.plan.certificate
        bound = upper_bound(after, certificate)
        clock = Clock(Options(rounds=self.rounds), Event(), None)
        found = answer(
            forced,
            warm.problem,
            warm.best(),
            warm.pins,
            (certificate, bound),
            clock,
            self.rounds,
            "work limit",
        )
        placed = tuple(p for _, p in sorted(carried(forced, found, after).items()))
        total, limit = found.objective.total, bound.total
        return found.model_copy(
            update={
                "instance_hash": after.hash,
                "placements": placed,
                "gap": gap_of(total, limit),
                "status": Status.OPTIMAL if total == limit else Status.FEASIBLE,
            }
        )


def _timely(instance: Instance, j: int) -> Instance:
    """Return an instance in which a job has to end by its due date."""
    job = instance.jobs[j]
    jobs = list(instance.jobs)
    jobs[j] = job.model_copy(update={"deadline": job.due})
    return changed(instance, jobs=tuple(jobs))
