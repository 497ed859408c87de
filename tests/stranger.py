"""The stranger: checks a plan file of `place` from the text of docs/MODEL.md alone.

It imports nothing of this repository and nothing beyond the standard library. Every quantity is
a Python integer in the units of section 6 (W, thousandths of a watt, periods, chips, nano-USD);
floats occur only where a number of the instance file is read. Call `verify(instance, plan)` with
JSON data.

Three files, which can be copied away: `stranger_series`, `stranger_world` and this one, with the
rules and the bound.
Where the text leaves a choice for *bad* plans: a mode number out of range, an unknown job, a job
given twice and a running job on other domains are `one_placement`; an end that does not follow from
the start is `window`; modes that residency, compatibility or domain_fit exclude have no number, so
those names are here for completeness only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from stranger_series import Data, demand_w, nano, series
from stranger_world import Mode, World, listed, modes, rate_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    for name, is_kept in (
        ("pool_capacity", _keeps_pool_capacity),
        ("domain_fit", _keeps_domain_fit),
        ("precedence", _keeps_precedence),
        ("budget", _keeps_budgets),
        ("quota", _keeps_quotas),
    ):
        if not is_kept(world, runs):
            found.add(name)
    parts: dict[str, int] = {}
    if dispatch is not None:
        if not _keeps_power_cap(world, runs, dispatch):
            found.add("power_cap")
        if not _keeps_supply(world, dispatch):
            found.add("supply")
        parts = _objective(world, runs, dispatch)
    objective = parts.get("total")
    upper = _bound(world, plan.get("certificate", {}))
    gap = gap_of(objective, upper)
    said = {"objective": parts, "bound": upper, "gap": gap}
    untrue = sorted(k for k, v in said.items() if k in plan and plan[k] != v)
    return {
        "violations": sorted(found),
        "objective": objective,
        "parts": parts,
        "bound": upper,
        "gap": gap,
        "untrue": untrue,
    }


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
        if job.get("running") is not None:
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


def _keeps_power_cap(world: World, runs: list[Run], dispatch: dict[Any, list[int]]) -> bool:
    given = {name: [0] * world.periods for name in world.sites}
    for (site, _), watts in dispatch.items():
        given[site] = [a + b for a, b in zip(given[site], watts, strict=True)]
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
    total = value - late - one_off - energy
    return {"value": value, "lateness": late, "one_off": one_off, "energy": energy, "total": total}


# ---- the bound ----------------------------------------------------------------------------------


class Prices:
    """A certificate; what it does not name has the price 0."""

    def __init__(self, world: World, certificate: Data) -> None:
        zeros = [0] * world.periods

        def filled(key: str, names: Iterable[str]) -> dict[str, list[int]]:
            given = certificate.get(key, {})
            return {name: list(given.get(name, zeros)) for name in names}

        self.power = filled("power", world.sites)
        self.chips = filled("chips", world.pools)
        self.quotas = filled("quotas", world.tenants)
        self.budgets: dict[str, int] = certificate.get("budgets", {})
        self.permits: dict[str, int] = certificate.get("permits", {})
        self.slices: Sequence[Data] = certificate.get("slices", ())
        self.rounding: Sequence[Data] = certificate.get("rounding", ())


def is_sound(world: World, certificate: Data) -> bool:
    """Return whether all prices are whole, not negative, and of rows that exist."""
    limited = {n for n, tenant in world.tenants.items() if tenant.get("quota_chips") is not None}
    permits = {f"{s}/{k}" for (s, k), supply in world.supplies.items() if supply.permit is not None}
    whole = {name for name, pool in world.pools.items() if pool.domain is not None}
    rows: list[tuple[bool, Any]] = []
    series_of = {"power": set(world.sites), "chips": set(world.pools), "quotas": limited}
    for key, names in series_of.items():
        rows += [(name in names, prices) for name, prices in certificate.get(key, {}).items()]
    for row in certificate.get("slices", ()):  # a pool without domains has no such row
        rows.append((row["pool"] in whole and row["slice_chips"] >= 1, row["prices"]))
    for row in certificate.get("rounding", ()):
        names = series_of[row["row"]] if row["row"] in ("chips", "power") else set()
        rows.append((row["of"] in names and row["divisor"] >= 1, row["prices"]))
    if any(len(prices) != world.periods for _, prices in rows):
        return False
    for key, names in (("budgets", set(world.budgets)), ("permits", permits)):
        rows += [(name in names, [price]) for name, price in certificate.get(key, {}).items()]
    return all(is_row and _are_prices(prices) for is_row, prices in rows)


def _are_prices(prices: Iterable[Any]) -> bool:
    return all(isinstance(p, int) and not isinstance(p, bool) and p >= 0 for p in prices)


def bound(instance: Data, certificate: Data) -> int | None:
    """Return what no plan can exceed [nano-USD]; None if there is no plan, or no certificate.

    A must job without an allowed column proves that there is no plan; a price that is no whole
    number >= 0, or of a row that does not exist, proves nothing.
    """
    return _bound(World(instance), certificate)


def _bound(world: World, certificate: Data) -> int | None:
    if not is_sound(world, certificate):
        return None
    prices = Prices(world, certificate)
    total = _right_sides(world, prices)
    for (site, name), supply in world.supplies.items():
        permit = prices.permits.get(f"{site}/{name}", 0)
        for t, cap in enumerate(supply.cap_w):
            total += cap * max(0, prices.power[site][t] - supply.energy[t] - permit)
    fixed = sum(
        price * load
        for name, site in world.sites.items()
        for price, load in zip(prices.power[name], site.fixed, strict=True)
    )
    total -= fixed // 1000
    for job, ways in zip(world.jobs, world.modes, strict=True):
        best = _best(world, prices, job, ways)
        if best is None:
            return None
        total += best
    return total


def _right_sides(world: World, prices: Prices) -> int:
    """Return the sum of price x right side over all rows but those of power."""
    total: int = 0
    for t in range(world.periods):
        for name, pool in world.pools.items():
            total += prices.chips[name][t] * pool.free[t] * pool.size
        for row in prices.slices:
            pool = world.pools[row["pool"]]
            each = pool.size // row["slice_chips"]
            total += row["prices"][t] * len(pool.usable(t)) * each
        for row in prices.rounding:
            is_chips, of = row["row"] == "chips", row["of"]
            room = world.pools[of].left[t] if is_chips else world.sites[of].room_w[t]
            total += row["prices"][t] * max(0, room // row["divisor"])
        for name, tenant in world.tenants.items():
            total += prices.quotas[name][t] * (tenant.get("quota_chips") or 0)
    total += sum(price * world.budgets[name] for name, price in prices.budgets.items())
    for (site, name), supply in world.supplies.items():
        total += prices.permits.get(f"{site}/{name}", 0) * (supply.permit or 0)
    return total


def _best(world: World, prices: Prices, job: Data, ways: list[Mode]) -> int | None:
    """Return best_j; None where a job that must run has no allowed column."""
    is_free = job.get("running") is None and not job.get("must", False)
    best: int | None = 0 if is_free else None
    value = nano(job.get("value_usd", 0.0))
    for mode in ways:
        power, other, blocked = _charges(world, prices, job, mode)
        starts = range(mode.first, world.periods) if job.get("running") is None else range(1)
        ends = world.ends(mode)
        uses = sum(prices.budgets.get(name, 0) * amount for name, amount in mode.uses.items())
        for start in starts:
            end = ends[start]
            if end is None or end > mode.end_by or blocked[end] > blocked[start]:
                continue
            late, one_off = world.once(job, mode, start, end)
            paid = (power[end] - power[start]) // 1000 + other[end] - other[start]
            worth = value - late - one_off - paid - uses
            best = worth if best is None else max(best, worth)
    return best


def _charges(world: World, prices: Prices, job: Data, mode: Mode) -> tuple[list[int], ...]:
    """Return sums over periods before each boundary: power [thousandths], the rest, blocked."""
    is_running = job.get("running") is not None
    chips: Counter[str] = Counter()
    watts: Counter[str] = Counter()
    for part in mode.parts:
        chips[part.pool] += part.chips
        watts[world.pools[part.pool].site] += part.net_w
    quota = prices.quotas.get(job.get("tenant") or "")
    power, other, blocked = [0], [0], [0]
    for t, trains in enumerate(world.trains(mode)):
        at = sum(prices.power[s][t] * world.sites[s].pue[t] * w for s, w in watts.items())
        rest = sum(prices.chips[p][t] * n for p, n in chips.items())
        rest += quota[t] * mode.chips if quota else 0
        for row in prices.slices:
            for part in mode.parts:
                if part.pool == row["pool"]:
                    each = part.slice_chips // row["slice_chips"]
                    rest += row["prices"][t] * part.slices * each
        for row in prices.rounding:
            if not is_running and (row["row"] == "chips" or trains):
                amounts = chips if row["row"] == "chips" else watts
                rest += row["prices"][t] * (amounts[row["of"]] // row["divisor"])
        too_much = any(n > world.pools[p].left[t] for p, n in chips.items()) or (
            trains and any(w > world.sites[s].room_w[t] for s, w in watts.items())
        )
        power.append(at if trains else 0)
        other.append(rest)
        blocked.append(int(too_much and not is_running))
    return list(accumulate(power)), list(accumulate(other)), list(accumulate(blocked))
