"""Images of an instance for the goals cost, makespan and fair (MODEL section 6, Goals).

An image has the same rules and other money. Where it needs worths that dollars in floating point
cannot hold, they stand beside it as whole numbers, one for each job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.goal import changed, moneyless
from optimizer.units import nano

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.jobs import Job
    from optimizer.place.measure.records import Goal

__all__ = ["MILLION", "all_must", "asked", "bonus_values", "deadline_image", "share_image"]

MILLION = 1_000_000
"""Weights and bonuses of tenants are in millionths."""


def all_must(instance: Instance) -> Instance:
    """Return the instance in which every job has to be placed."""
    jobs = tuple(job.model_copy(update={"must": True}) for job in instance.jobs)
    return changed(instance, jobs=jobs)


def asked(instance: Instance, goal: Goal | None) -> Instance:
    """Return the instance whose must jobs are those that a goal has to place."""
    is_all = goal is not None and goal.objective != "fair"
    return all_must(instance) if is_all else instance


def deadline_image(instance: Instance, end_by: int) -> Instance:
    """Return the instance in which every job has to be placed, and to end by a period boundary.

    Running jobs that have to stay are as they are: they end when they end; so is one that may be
    moved if its window is empty. Another job whose window is empty has no run: it gets the first
    half of the last period.
    """
    h = instance.horizon
    last = (h.periods - 1) * h.period_hours

    def bounded(j: int, job: Job) -> Job:
        end = end_by if job.deadline is None else min(end_by, h.down(job.deadline))
        is_empty = h.up(job.release) >= end
        if instance.has_to_stay(j) or (is_empty and job.running is not None):
            return job.model_copy(update={"must": True})
        if is_empty:
            none = {"release": last, "deadline": last + h.period_hours / 2, "due": None}
            return job.model_copy(update=none | {"must": True})
        return job.model_copy(update={"must": True, "due": None, "deadline": end * h.period_hours})

    return changed(instance, jobs=tuple(bounded(j, job) for j, job in enumerate(instance.jobs)))


def share_image(instance: Instance, weights: dict[str, int]) -> tuple[Instance, tuple[int, ...]]:
    """Return the image of weighted shares: no money, and the worth of every job [nano-USD].

    weights
        By tenant, in millionths: a job is worth its value times that of its tenant, rounded up;
        jobs without a tenant nothing.
    """
    values = (_scaled(job, 0 if job.tenant is None else weights.get(job.tenant, 0))
              for job in instance.jobs)  # fmt: skip
    return moneyless(instance), tuple(values)


def bonus_values(instance: Instance, bonuses: dict[str, int]) -> tuple[int, ...]:
    """Return the value of every job with the bonus of its tenant [nano-USD], rounded up.

    bonuses
        By tenant, in millionths of the value.
    """
    return tuple(
        nano(job.value_usd) + _scaled(job, 0 if job.tenant is None else bonuses.get(job.tenant, 0))
        for job in instance.jobs
    )


def _scaled(job: Job, millionths: int) -> int:
    """Return the value times so many millionths [nano-USD], rounded up."""
    return -(-nano(job.value_usd) * millionths // MILLION)
