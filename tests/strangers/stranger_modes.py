"""The modes of MODEL section 6, for the stranger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any

from stranger_series import Data, demand_w, down, nano, up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stranger_world import World


@dataclass(frozen=True)
class Part:
    """Slices of a mode in one pool."""

    pool: str
    slice_chips: int
    slices: int
    draw_w: int
    net_w: int  # draw above the idle draw of its chips
    pinned: list[int] | None = None

    @property
    def chips(self) -> int:
        """Chips of the part."""
        return self.slice_chips * self.slices


@dataclass(frozen=True)
class Mode:
    """One way to run a job."""

    parts: tuple[Part, ...]
    duration: int
    first: int
    end_by: int
    one_off: int
    restart: int
    uses: dict[str, int]
    pauses: bool
    chips: int
    stays: bool = False  # that of a running job where it runs


def modes_of(world: World, job: Data) -> list[Mode]:
    """Return the modes of a job: the running one; or of its gangs, then the explicit ones."""
    found: list[Mode | None] = []
    if job.get("running") is not None:
        found.append(_running(world, job, job["running"]))
        if not may_move(world.instance, job):
            return [mode for mode in found if mode is not None]
    for gang in job.get("gangs", ()):
        found.extend(_of_gang(world, job, gang))
    for given in job.get("modes", ()):
        parts = tuple(_part(world, p, p.get("draw_kw")) for p in given["parts"])
        duration = max(1, ceil(given["hours"] / world.hours - 1e-9))
        found.append(_mode(world, job, given, parts, duration))
    return [mode for mode in found if mode is not None]


def may_move(instance: Data, job: Data) -> bool:
    """Return whether a job runs already and may be moved."""
    running = job.get("running") or {}
    return instance.get("moves") is not None and running.get("move") is not None


def _work(world: World, job: Data, workload: Data) -> float:
    """Return the work of a job; of one that runs, what is left."""
    running = job.get("running")
    if running is None:
        return float(job["work"])
    if running["move"].get("work_left") is not None:
        return float(running["move"]["work_left"])
    (part,) = running["parts"]
    pool = world.pools[part["pool"]]
    chips = part["slice_chips"] * part["slices"]
    rate = rate_of(workload, pool.chip, pool.domain, part["slice_chips"], chips)
    level = levels(world.instance["chips"][pool.chip])[running.get("power_level", "full")]
    return float(running["periods_left"] * world.hours * (rate or 0.0) * level["speed_share"])


def levels(chip: Data) -> Data:
    """Return the power levels of a chip, `full` first."""
    full: Data = {"full": {"draw_share": 1.0, "speed_share": 1.0}}
    own: Data = chip.get("power_levels", {})
    return full | own


def _part(world: World, data: Data, draw_kw: float | None, share: float = 1.0) -> Part:
    pool = world.pools[data["pool"]]
    chips = data["slices"] * data["slice_chips"]
    if draw_kw is None:
        draw_kw = chips * world.instance["chips"][pool.chip]["training_kw"] * share
    draw = demand_w(draw_kw)
    ids = listed(data.get("domains") or ()) or None
    return Part(
        data["pool"], data["slice_chips"], data["slices"], draw, draw - chips * pool.idle_w, ids
    )


def listed(ranges: Iterable[Any]) -> list[int]:
    return [i for first, last in ranges for i in range(first, last + 1)]


def _running(world: World, job: Data, data: Data) -> Mode:
    parts = []
    for given in data["parts"]:
        chip = world.instance["chips"][world.pools[given["pool"]].chip]
        share = levels(chip)[data.get("power_level", "full")]["draw_share"]
        parts.append(_part(world, given, None, share))
    chips = sum(part.chips for part in parts)
    uses = _chip_hours(world, job, chips, data["periods_left"])
    restart = nano(data.get("restart_usd", 0.0))
    pauses = data.get("pauses_at_calls", False)
    left, last = data["periods_left"], world.periods
    if may_move(world.instance, job) and job.get("deadline") is not None:
        last = min(last, down(job["deadline"], world.horizon))
    return Mode(tuple(parts), left, 0, last, 0, restart, uses, pauses, chips, True)


def _of_gang(world: World, job: Data, gang: Data) -> Iterable[Mode | None]:
    workload = world.instance["workloads"][job["workload"]]
    names = gang.get("pools")
    for name in world.pools if names is None else names:
        pool = world.pools[name]
        rate = rate_of(workload, pool.chip, pool.domain, gang["slice_chips"], gang["chips"])
        chip = world.instance["chips"][pool.chip]
        if rate is None or chip["hbm_gb"] < workload.get("min_hbm_gb", 0.0):
            continue  # not in its workload's rates, or compatibility
        slices = gang["chips"] // gang["slice_chips"]
        for level, point in levels(chip).items():
            if gang.get("power_levels") is None or level in gang["power_levels"]:
                data = {"pool": name, "slice_chips": gang["slice_chips"], "slices": slices}
                part = _part(world, data, None, point["draw_share"])
                periods = _work(world, job, workload) / (rate * point["speed_share"] * world.hours)
                yield _mode(world, job, gang, (part,), max(1, ceil(periods - 1e-9)))


def rate_of(
    workload: Data, chip: str, domain: str | None, slice_chips: int, chips: int
) -> float | None:
    """Return the work per hour of a gang at full power, or None without a measured row."""
    rows = sorted(
        (row["chips"], row["work_per_hour"])
        for row in workload["rates"]
        if (row["chip"], row.get("domain"), row["slice_chips"]) == (chip, domain, slice_chips)
    )
    if not rows:
        return None
    below = [row for row in rows if row[0] <= chips]
    above = [row for row in rows if row[0] >= chips]
    if not below or not above:
        n0, work0 = below[-1] if below else above[0]
        rate = work0 * (chips / n0) ** workload.get("scaling_exponent", 0.9)
    else:
        (n0, work0), (n1, work1) = below[-1], above[0]
        share = 0.0 if n0 == n1 else log(chips / n0) / log(n1 / n0)
        rate = work0 if n0 == n1 else exp(log(work0) + share * log(work1 / work0))
    steps = sorted((g["chips"], g["share"]) for g in workload.get("goodput", ()))
    shares = [share for n, share in steps if n <= chips]
    return float(rate * (shares[-1] if shares else 1.0))


def _chip_hours(world: World, job: Data, chips: int, duration: int) -> dict[str, int]:
    used = ceil(chips * (duration * world.hours) * 1000 - 1e-6)
    tenant = job.get("tenant")
    return {
        name: used
        for name, budget in world.instance.get("budgets", {}).items()
        if tenant is not None and tenant in budget.get("chip_hours_of", ())
    }


def _mode(
    world: World, job: Data, given: Data, parts: tuple[Part, ...], duration: int
) -> Mode | None:
    """Return a mode, or None if a rule excludes it."""
    instance, horizon = world.instance, world.horizon
    sites = {world.pools[part.pool].site for part in parts}
    for name in sites:
        site = instance["sites"][name]
        if job.get("countries") is not None and site["country"] not in job["countries"]:
            return None  # residency
        if job.get("owners") is not None and site.get("owner", "") not in job["owners"]:
            return None  # residency
    for part in parts:
        pool = world.pools[part.pool]
        if pool.domain is not None:
            domain = instance["domains"][pool.domain]
            if part.slice_chips not in (*domain.get("slice_chips", ()), domain["chips"]):
                return None  # domain_fit
        if part.chips > max(pool.free) * pool.size:
            return None  # pool_capacity
    move = (job.get("running") or {}).get("move")
    if move is not None:
        duration += ceil(move.get("hours", 0.0) / world.hours - 1e-9)
    held = [data for data in job.get("data", ()) if data["site"] in sites]
    moments = [job.get("release", 0.0)] + [data.get("ready", 0.0) for data in held]
    first = max(0, *(up(moment, horizon) for moment in moments))
    end_by = world.periods
    if job.get("deadline") is not None:
        end_by = min(end_by, down(job["deadline"], horizon))
    if first + duration > end_by:
        return None  # window
    chips = sum(part.chips for part in parts)
    uses = Counter(_chip_hours(world, job, chips, duration))
    for name, amount in given.get("uses", {}).items():
        uses[name] += ceil(amount * 1000 - 1e-6)
    one_off = nano(given.get("one_off_usd", 0.0)) + sum(nano(d.get("cost_usd", 0.0)) for d in held)
    one_off += 0 if move is None else nano(move.get("usd", 0.0))
    restart, pauses = nano(given.get("restart_usd", 0.0)), given.get("pauses_at_calls", False)
    return Mode(parts, duration, first, end_by, one_off, restart, dict(uses), pauses, chips)
