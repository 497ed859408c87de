"""What a plan file says of its goal, for the stranger (MODEL section 6, Goals)."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from stranger_bound import bound_of, is_sound
from stranger_feasible import proves_no_plan
from stranger_modes import may_move
from stranger_series import down, nano, up
from stranger_world import World

if TYPE_CHECKING:
    from collections.abc import Collection

    from stranger_series import Data

__all__ = ["all_must", "asked", "entitled", "goal_of", "least_share"]

MILLION, BILLION = 10**6, 10**9


def all_must(instance: Data) -> Data:
    """Return the instance in which every job must be placed."""
    image = deepcopy(instance)
    for job in image["jobs"]:
        job["must"] = True
    return image


def asked(instance: Data, plan: Data) -> Data:
    """Return the instance with the must jobs of the plan's goal."""
    goal = plan.get("goal") or {"objective": "fair"}
    return instance if goal["objective"] == "fair" else all_must(instance)


def goal_of(world: World, plan: Data, ends: dict[str, int], total: int, value: int) -> Data:
    """Return what the goal of a plan has to say; `is_best` beside it, whether it is reached.

    ends
        Where the run of every placed job ends.
    """
    goal = plan["goal"]
    if goal["objective"] == "cost":
        return _cost(world, plan, value - total)
    if goal["objective"] == "makespan":
        return _makespan(world, goal, max(ends.values(), default=0))
    return _fair(world, plan, ends, total)


def _gap(figure: int, bound: int | None) -> float | None:
    if bound is None or (figure == 0 and bound != 0):
        return None
    return abs(figure - bound) / abs(figure) if figure else 0.0


def _cost(world: World, plan: Data, cost: int) -> Data:
    image = World(all_must(world.instance))
    upper = bound_of(image, plan["certificate"], [0] * len(image.jobs))
    bound = None if upper is None else -upper
    said = {"objective": "cost", "cost": cost, "bound": bound, "gap": _gap(cost, bound)}
    return said | {"is_best": cost == bound}


# ---- makespan -----------------------------------------------------------------------------------


def _makespan(world: World, goal: Data, periods: int) -> Data:
    bound = goal["bound"]
    if bound and not _ends_later(world, bound - 1, goal["certificate"]):
        bound = None
    gap = abs(periods - goal["bound"]) / periods if periods else None
    said = {"objective": "makespan", "periods": periods, "bound": bound, "gap": gap}
    return said | {"is_best": periods == bound}


def _ends_later(world: World, end_by: int, certificate: Data) -> bool:
    """Return whether it is proven that not all jobs can be placed and end by a boundary."""
    image = all_must(world.instance)
    for job, modes in zip(image["jobs"], world.modes, strict=True):
        if job.get("running") is not None and not may_move(world.instance, job):
            end = world.ends(modes[0])[0]
            if end is None or end > end_by:
                return True
            continue
        last = end_by
        if job.get("deadline") is not None:
            last = min(last, down(job["deadline"], world.horizon))
        if may_move(world.instance, job) and up(job.get("release", 0.0), world.horizon) >= last:
            continue
        job["deadline"] = last * world.hours
        job.pop("due", None)
    return proves_no_plan(image, certificate)


# ---- fair ---------------------------------------------------------------------------------------


def entitled(world: World) -> dict[str, tuple[int, int]]:
    """Return weight [millionths] x value [nano-USD] of tenants with value, and the largest weight.

    The share of a placed value v is v x largest / (weight x value), in parts per billion.
    """
    value: dict[str, int] = {}
    for job in world.jobs:
        if job.get("tenant") is not None:
            name = job["tenant"]
            value[name] = value.get(name, 0) + nano(job.get("value_usd", 0.0))
    weight = {
        name: max(1, round(world.tenants[name].get("weight", 1.0) * 1e6))
        for name, v in value.items()
        if v
    }
    largest = max(weight.values(), default=1)
    return {name: (w * value[name], largest) for name, w in weight.items()}


def least_share(world: World, placed: Collection[str]) -> int | None:
    """Return the least share of a tenant that counts, in parts per billion."""
    value: dict[Any, int] = {}
    for job in world.jobs:
        if job["id"] in placed:
            name = job.get("tenant")
            value[name] = value.get(name, 0) + nano(job.get("value_usd", 0.0))
    each = entitled(world).items()
    shares = [BILLION * value.get(n, 0) * largest // whole for n, (whole, largest) in each]
    return min(shares, default=None)


def _up(amount: int, divisor: int) -> int:
    return -(-amount // divisor)


def _values(world: World, by_tenant: Data, own: int) -> list[int]:
    """Return own x value + millionths of the tenant x value, rounded up, for every job."""
    out = []
    for job in world.jobs:
        value = nano(job.get("value_usd", 0.0))
        out.append(own * value + _up(value * by_tenant.get(job.get("tenant") or "", 0), MILLION))
    return out


def _free(world: World) -> World:
    """Return the world without money."""
    image = deepcopy(world.instance)
    image.pop("carbon_usd_per_kg", None)
    for site in image["sites"].values():
        for supply in site["supplies"].values():
            supply["price_usd_per_mwh"] = 0
            supply.pop("carbon_kg_per_mwh", None)
    for job in image["jobs"]:
        job.pop("late_usd_per_hour", None)
        for way in [*job.get("gangs", ()), *job.get("modes", ()), job.get("running") or {}]:
            way.pop("one_off_usd", None)
            way.pop("restart_usd", None)
        for at in job.get("data", ()):
            at.pop("cost_usd", None)
    return World(image)


def _fair(world: World, plan: Data, ends: dict[str, int], total: int) -> Data:
    goal, found = plan["goal"], entitled(world)
    weights, bonuses = goal["weights"], goal["bonuses"]
    share = least_share(world, ends)
    named = set(weights) | set(bonuses)
    is_well = share is not None and named <= set(found) and any(weights.values())
    if not is_well or share is None or not is_sound(world, goal["certificate"]):
        return {"objective": "fair", "share": share, "bound": None, "is_best": False}
    upper = bound_of(_free(world), goal["certificate"], _values(world, weights, 0))
    scale = sum(m * found[name][0] for name, m in weights.items())
    largest = max(largest for _, largest in found.values())
    bound = -1 if upper is None else BILLION * largest * MILLION * upper // scale
    most = bound_of(world, plan["certificate"], _values(world, bonuses, 1))
    if most is not None:
        need = {name: _up(share * whole, BILLION * n) for name, (whole, n) in found.items()}
        most -= _up(sum(bonus * need[name] for name, bonus in bonuses.items()), MILLION)
    return {
        "objective": "fair",
        "share": share,
        "bound": bound,
        "gap": _gap(share, bound),
        "total_bound": most,
        "total_gap": _gap(total, most),
        "is_best": share == bound and total == most,
    }
