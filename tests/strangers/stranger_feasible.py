"""Whether a plan file proves that there is no plan, for the stranger (MODEL section 6)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

from stranger_bound import bound_of, is_sound
from stranger_world import World

if TYPE_CHECKING:
    from stranger_series import Data

_ONCE = ("one_off_usd", "restart_usd")

__all__ = ["image_of", "narrow", "proves_no_plan"]


def proves_no_plan(instance: Data, prices: Data) -> bool:
    """Return whether prices on the feasibility image prove that the instance has no plan."""
    world = World(image_of(instance))
    if not narrow(world):
        return True
    if not is_sound(world, prices):
        return False
    upper = bound_of(world, prices)
    return upper is None or upper < 0


def image_of(instance: Data) -> Data:
    """Return the feasibility image, windows not yet narrowed."""
    image = deepcopy(instance)
    jobs = {job["id"]: job for job in image["jobs"]}
    waiting = [n for n, job in jobs.items() if job.get("must") or job.get("running") is not None]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += jobs[name].get("predecessors", ())
    groups = [job.get("group") for job in image["jobs"]]
    kept = {jobs[name].get("group") for name in needed}
    image["spreads"] = {
        group: {"share": each["share"], "of_jobs": each.get("of_jobs") or groups.count(group)}
        for group, each in instance.get("spreads", {}).items()
        if group in kept
    }
    image["jobs"] = [_worthless(job) for job in image["jobs"] if job["id"] in needed]
    image.pop("carbon_usd_per_kg", None)
    for site in image["sites"].values():
        for supply in site["supplies"].values():
            supply["price_usd_per_mwh"] = 0
            supply.pop("carbon_kg_per_mwh", None)
            supply.pop("demand_usd_per_mw", None)
    return image


def _worthless(job: Data) -> Data:
    job["must"] = True
    for key in ("value_usd", "late_usd_per_hour"):
        job.pop(key, None)
    for way in [*job.get("gangs", ()), *job.get("modes", ()), job.get("running") or {}]:
        for key in _ONCE:
            way.pop(key, None)
    if (job.get("running") or {}).get("move") is not None:
        job["running"]["move"].pop("usd", None)
    for at in job.get("data", ()):
        at.pop("cost_usd", None)
    return job


def narrow(world: World) -> bool:
    """Cut the windows of a world's modes by the order of jobs; False if a job keeps no run."""
    names = [job["id"] for job in world.jobs]
    number = {name: j for j, name in enumerate(names)}
    before = [[number[p] for p in job.get("predecessors", ())] for job in world.jobs]
    runs: list[list[tuple[int, int]]] = [_runs(world, j) for j in range(len(names))]
    order = _in_order(before)
    low, high = [0] * len(names), [world.periods] * len(names)
    for j in order:
        for p in before[j]:
            low[j] = max(low[j], min((end for _, end in runs[p]), default=world.periods))
        runs[j] = [run for run in runs[j] if run[0] >= low[j]]
    for j in reversed(order):
        for n in (n for n, waits in enumerate(before) if j in waits):
            high[j] = min(high[j], max((start for start, _ in runs[n]), default=0))
        runs[j] = [run for run in runs[j] if run[1] <= high[j]]
    for j, job in enumerate(world.jobs):
        if job.get("running") is None:
            world.modes[j] = [
                replace(mode, first=max(mode.first, low[j]), end_by=min(mode.end_by, high[j]))
                for mode in world.modes[j]
            ]
    return all(runs)


def _in_order(before: list[list[int]]) -> list[int]:
    """Return all jobs, each behind those that it waits for."""
    order: list[int] = []
    while len(order) < len(before):
        order += [
            j for j, waits in enumerate(before) if j not in order and set(waits) <= set(order)
        ]
    return order


def _runs(world: World, j: int) -> list[tuple[int, int]]:
    """Return start and end of every run of a job within the windows of its modes."""
    found: list[tuple[int, int]] = []
    for mode in world.modes[j]:
        ends = world.ends(mode)
        for start in range(1 if mode.stays else world.periods):
            end = ends[start]
            if end is not None and start >= mode.first and end <= mode.end_by:
                found.append((start, end))
    return found
