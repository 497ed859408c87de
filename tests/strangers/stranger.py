"""The stranger: checks a plan file of `place` from the text of docs/MODEL.md alone.

It imports nothing of this repository and nothing beyond the standard library. Every quantity is
a Python integer in the units of section 6 (W, thousandths of a watt, periods, chips, nano-USD);
floats occur only where a number of the instance file is read. Call `verify(instance, plan)` with
JSON data.

Five files, which can be copied away: `stranger_series`, `stranger_modes`, `stranger_world`,
`stranger_bound` and this one, with the rules.
Where the text leaves a choice for *bad* plans: a mode number out of range, an unknown job, a job
given twice and a running job on other domains are `one_placement`; an end that does not follow from
the start is `window`; modes that residency, compatibility or domain_fit exclude have no number, so
those names are here for completeness only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stranger_bound import bound, bound_of, is_sound
from stranger_feasible import proves_no_plan
from stranger_goal import asked, goal_of
from stranger_modes import Mode, listed, rate_of
from stranger_series import Data, demand_w, nano, series
from stranger_world import World, modes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Data",
    "Mode",
    "Run",
    "World",
    "bound",
    "demand_w",
    "gap_of",
    "is_sound",
    "loads",
    "modes",
    "nano",
    "rate_of",
    "series",
    "verify",
]


# ---- the rules ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One placement of a plan; `ids` are the domains of each part, one for each slice."""

    job: Data
    mode: Mode
    start: int
    end: int
    ids: list[list[int]]


def verify(instance: Data, plan: Data) -> Data:
    """Return the violations of a plan, and objective, bound and gap derived anew.

    `untrue` names what the plan says of itself and is not so.
    """
    world = World(instance)
    found: set[str] = set()
    runs = _read_runs(world, plan["placements"], found)
    dispatch = _read_dispatch(world, plan.get("dispatch", {}), found)
    charge = _read_charge(world, plan.get("charge", {}), found)
    found |= {name for name, is_kept in _KEPT.items() if not is_kept(world, runs)}
    parts: dict[str, int] = {}
    if dispatch is not None:
        if not _keeps_power_cap(world, runs, dispatch, charge):
            found.add("power_cap")
        if not _keeps_batteries(world, dispatch, charge):
            found.add("battery")
        if not _keeps_supply(world, dispatch):
            found.add("supply")
        parts = _objective(world, runs, dispatch)
    objective = parts.get("total")
    upper = bound_of(world, plan.get("certificate", {}))
    gap = gap_of(objective, upper)
    said = {"objective": parts, "bound": upper, "gap": gap}
    untrue = {k for k, v in said.items() if k in plan and plan[k] != v} | _no_plan(world, plan)
    if plan.get("goal") is not None:
        untrue |= _goal(world, plan, runs, parts, found)
    return {
        "violations": sorted(found),
        "objective": objective,
        "parts": parts,
        "bound": upper,
        "gap": gap,
        "untrue": sorted(untrue),
    }


def _goal(
    world: World, plan: Data, runs: list[Run], parts: dict[str, int], found: set[str]
) -> set[str]:
    """Return whether what a plan says of its goal is untrue; one_placement of jobs it places."""
    ends = {run.job["id"]: run.end for run in runs}
    if plan["goal"]["objective"] != "fair" and len(ends) < len(world.jobs):
        found.add("one_placement")
    true = goal_of(world, plan, ends, parts.get("total", 0), parts.get("value", 0))
    untrue = {"goal" for k, v in true.items() if k != "is_best" and plan["goal"].get(k) != v}
    if plan.get("status") == "optimal" and not true["is_best"]:
        untrue.add("status")
    return untrue


def _no_plan(world: World, plan: Data) -> set[str]:
    """Return what a plan says of there being no plan, and does not prove."""
    instance = asked(world.instance, plan)
    certificate, prices = plan.get("certificate", {}), (plan.get("conflict") or {}).get("prices")
    untrue: set[str] = set()
    if prices is not None and not proves_no_plan(instance, prices):
        untrue.add("conflict")
    if plan.get("status") == "infeasible":
        is_proof = is_sound(world, certificate) and bound_of(world, certificate) is None
        if not is_proof and not proves_no_plan(instance, prices or {}):
            untrue.add("status")
    return untrue


def gap_of(objective: int | None, upper: int | None) -> float | None:
    """Return the gap; None while the objective is 0 and the bound is not."""
    if objective is None or upper is None or (objective == 0 and upper != 0):
        return None
    return abs(objective - upper) / abs(objective) if objective else 0.0


def _read_runs(world: World, placements: Sequence[Data], found: set[str]) -> list[Run]:
    """Return what can be read of the placements; one_placement and window."""
    number = {job["id"]: j for j, job in enumerate(world.jobs)}
    runs: dict[str, Run] = {}
    for given in placements:
        j = number.get(given["job"])
        if j is None or given["job"] in runs or not 0 <= given["mode"] < len(world.modes[j]):
            found.add("one_placement")
            continue
        job, mode = world.jobs[j], world.modes[j][given["mode"]]
        start = given["start"]
        end = world.ends(mode)[start] if 0 <= start < world.periods else None
        if end is None or end != given["end"] or start < mode.first or end > mode.end_by:
            found.add("window")
        if end is None:
            continue
        ids = [listed(ranges) for ranges in given["domains"]]
        if mode.stays:
            pinned = [sorted(part.pinned or []) for part in mode.parts]
            if start != 0 or [sorted(each) for each in ids] != pinned:
                found.add("one_placement")
        runs[job["id"]] = Run(job, mode, start, end, ids)
    for job in world.jobs:
        if (job.get("must") or job.get("running") is not None) and job["id"] not in runs:
            found.add("one_placement")
    return list(runs.values())


def _read_dispatch(world: World, given: Data, found: set[str]) -> dict[Any, list[int]] | None:
    """Return W of every (site, supply) and period; None, and supply, where one is missing."""
    dispatch = {(site, name): list(w) for site, each in given.items() for name, w in each.items()}
    whole = all(isinstance(x, int) for w in dispatch.values() for x in w)
    lengths = {len(w) for w in dispatch.values()}
    if set(dispatch) != set(world.supplies) or lengths - {world.periods} or not whole:
        found.add("supply")
        return None
    return dispatch


def _read_charge(world: World, given: Data, found: set[str]) -> dict[Any, list[int]]:
    """Return W of every battery and period; 0, and battery, where one is missing or too many."""
    zeros = {key: [0] * world.periods for key, x in world.supplies.items() if x.battery}
    charge = {(site, name): list(w) for site, each in given.items() for name, w in each.items()}
    whole = all(isinstance(x, int) for w in charge.values() for x in w)
    lengths = {len(w) for w in charge.values()}
    if set(given) - set(world.sites) or set(charge) != set(zeros) or not whole:
        found.add("battery")
        return zeros
    if lengths - {world.periods}:
        found.add("battery")
        return zeros
    return charge


def _keeps_batteries(
    world: World, dispatch: dict[Any, list[int]], charge: dict[Any, list[int]]
) -> bool:
    for key, taken in charge.items():
        b = world.supplies[key].battery
        assert b is not None
        held = [b.start]
        for c, g in zip(taken, dispatch[key], strict=True):
            held.append(held[-1] + b.added * c - b.taken * g)
        in_bounds = all(0 <= x <= b.full for x in held) and held[-1] >= b.start
        if not in_bounds or not all(0 <= c <= b.most_w for c in taken):
            return False
    return True


def _keeps_pool_capacity(world: World, runs: list[Run]) -> bool:
    used: Counter[tuple[str, int]] = Counter()
    for run in runs:
        for part in run.mode.parts:
            used.update({(part.pool, t): part.chips for t in range(run.start, run.end)})
    pools = world.pools
    return all(n <= pools[p].free[t] * pools[p].size for (p, t), n in used.items())


def _keeps_domain_fit(world: World, runs: list[Run]) -> bool:
    used: Counter[tuple[str, int, int]] = Counter()
    for run in runs:
        if len(run.ids) != len(run.mode.parts):
            return False
        for part, ids in zip(run.mode.parts, run.ids, strict=True):
            if len(ids) != (0 if world.pools[part.pool].domain is None else part.slices):
                return False
            for i in ids:
                for t in range(run.start, run.end):
                    used[part.pool, i, t] += part.slice_chips
    moments = {(p, t) for p, _, t in used}
    usable = {(p, t): world.pools[p].usable(t) for p, t in moments}
    return all(i in usable[p, t] and n <= world.pools[p].size for (p, i, t), n in used.items())


def _keeps_precedence(_world: World, runs: list[Run]) -> bool:
    ends = {run.job["id"]: run.end for run in runs}
    return all(
        name in ends and ends[name] <= run.start
        for run in runs
        for name in run.job.get("predecessors", ())
    )


def _keeps_budgets(world: World, runs: list[Run]) -> bool:
    used: Counter[str] = Counter()
    for run in runs:
        used.update(run.mode.uses)
    return all(used[name] <= limit for name, limit in world.budgets.items())


def _keeps_quotas(world: World, runs: list[Run]) -> bool:
    held: Counter[tuple[str, int]] = Counter()
    for run in runs:
        if run.job.get("tenant") is not None:
            chips = run.mode.chips
            held.update({(run.job["tenant"], t): chips for t in range(run.start, run.end)})
    quotas = {name: tenant.get("quota_chips") for name, tenant in world.tenants.items()}
    return all(quotas[name] is None or n <= quotas[name] for (name, _), n in held.items())


def _keeps_spreads(world: World, runs: list[Run]) -> bool:
    here: Counter[tuple[str, str]] = Counter()
    for run in runs:
        if run.job.get("group") is not None:
            here.update({(run.job["group"], site): 1 for site in world.sites_of(run.mode)})
    return all(n <= world.spreads[group] for (group, _), n in here.items())


def _keeps_moves(world: World, runs: list[Run]) -> bool:
    moved = [run for run in runs if run.job.get("running") is not None and not run.mode.stays]
    most: int = (world.instance.get("moves") or {}).get("at_most", 0)
    return len(moved) <= most


_KEPT = {
    "pool_capacity": _keeps_pool_capacity,
    "domain_fit": _keeps_domain_fit,
    "precedence": _keeps_precedence,
    "budget": _keeps_budgets,
    "quota": _keeps_quotas,
    "spread": _keeps_spreads,
    "moves": _keeps_moves,
}


def loads(world: World, runs: list[Run]) -> dict[str, list[int]]:
    """Return the load of each site and period at the meter [thousandths of a watt]."""
    load = {name: list(site.fixed) for name, site in world.sites.items()}
    for run in runs:
        trains = world.trains(run.mode)
        for part in run.mode.parts:
            site = world.pools[part.pool].site
            for t in range(run.start, run.end):
                load[site][t] += world.sites[site].pue[t] * part.net_w * trains[t]
    return load


def _keeps_power_cap(
    world: World,
    runs: list[Run],
    dispatch: dict[Any, list[int]],
    charge: dict[Any, list[int]],
) -> bool:
    given = {name: [0] * world.periods for name in world.sites}
    for (site, _), watts in dispatch.items():
        given[site] = [a + b for a, b in zip(given[site], watts, strict=True)]
    for (site, _), watts in charge.items():
        given[site] = [a - b for a, b in zip(given[site], watts, strict=True)]
    load = loads(world, runs)
    return all(1000 * given[s][t] >= load[s][t] for s in load for t in range(world.periods))


def _keeps_supply(world: World, dispatch: dict[Any, list[int]]) -> bool:
    for key, supply in world.supplies.items():
        if any(not 0 <= g <= cap for g, cap in zip(dispatch[key], supply.cap_w, strict=True)):
            return False
        if supply.permit is not None and sum(dispatch[key]) > supply.permit:
            return False
    return True


def _objective(world: World, runs: list[Run], dispatch: dict[Any, list[int]]) -> dict[str, int]:
    value = sum(nano(run.job.get("value_usd", 0.0)) for run in runs)
    costs = [world.once(run.job, run.mode, run.start, run.end) for run in runs]
    late, one_off = sum(c[0] for c in costs), sum(c[1] for c in costs)
    energy = sum(
        g * price
        for key, supply in world.supplies.items()
        for g, price in zip(dispatch[key], supply.energy, strict=True)
    )
    demand = sum(x.demand * max(dispatch[key]) for key, x in world.supplies.items())
    return {
        "value": value,
        "lateness": late,
        "one_off": one_off,
        "energy": energy,
        "demand": demand,
        "total": value - late - one_off - energy - demand,
    }
