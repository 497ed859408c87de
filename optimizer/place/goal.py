"""Goals as images: another question about a plan is the same question about a changed instance.

An image has the jobs, rules and modes that matter to the goal, and other money. Its certified
bound, made by `certificate.py` like any other, then proves what the goal asks. `check` and a
stranger make the same image from MODEL section 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.instance import Instance
from optimizer.domain.series import constant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.jobs import Job
    from optimizer.domain.sites import Site

__all__ = ["changed", "feasibility_image", "has_to_run"]


def feasibility_image(instance: Instance) -> Instance:
    """Return the instance in which every plan is worth 0 and all its jobs must be placed.

    It keeps running and must jobs and all their predecessors, and every rule; values, lateness,
    one-off, restart and data costs, energy and carbon prices are 0. The instance has a plan if and
    only if its image has one, so a certified bound of the image below 0 proves that it has none.
    """
    needed = has_to_run(instance.jobs)
    return changed(
        instance,
        jobs=tuple(_free(job) for job in instance.jobs if job.id in needed),
        sites={name: _unpriced(site) for name, site in instance.sites.items()},
        carbon_usd_per_kg=0.0,
        sources={},
    )


def has_to_run(jobs: Iterable[Job]) -> frozenset[str]:
    """Return the ids of the jobs that every plan places: must, running, and what they wait for."""
    before = {job.id: job.predecessors for job in jobs}
    waiting = [job.id for job in jobs if job.must or job.running is not None]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(before[name])
    return frozenset(found)


def changed(instance: Instance, **fields: object) -> Instance:
    """Return an instance with other values of some fields, checked anew.

    Made by construction and not as a copy, as a copy would keep modes and hash of the original.
    """
    return Instance(**{name: getattr(instance, name) for name in Instance.model_fields} | fields)


def _free(job: Job) -> Job:
    """Return a job that has to run, and neither brings nor costs anything."""
    nothing = {"one_off_usd": 0.0, "restart_usd": 0.0}
    running = job.running and job.running.model_copy(update={"restart_usd": 0.0})
    return job.model_copy(
        update={
            "value_usd": 0.0,
            "late_usd_per_hour": 0.0,
            "must": True,
            "gangs": tuple(gang.model_copy(update=nothing) for gang in job.gangs),
            "modes": tuple(mode.model_copy(update=nothing) for mode in job.modes),
            "data": tuple(at.model_copy(update={"cost_usd": 0.0}) for at in job.data),
            "running": running,
        }
    )


def _unpriced(site: Site) -> Site:
    """Return a site whose energy costs nothing."""
    free = {"price_usd_per_mwh": constant(0), "carbon_kg_per_mwh": constant(0)}
    supplies = {name: supply.model_copy(update=free) for name, supply in site.supplies.items()}
    return site.model_copy(update={"supplies": supplies})
