"""The world and the modes of MODEL section 6, for the stranger."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from math import ceil, exp, floor, log
from typing import TYPE_CHECKING, Any

from stranger_series import Data, demand_w, down, nano, series, up

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class Site:
    """A site: everything is given for each period."""

    pue: list[int]  # thousandths
    other_w: list[int]
    called: list[bool]
    caps_w: list[int]  # of all supplies together
    fixed: list[int]  # load whatever is decided [thousandths of a watt at the meter]
    room_w: list[int] = field(default_factory=list)  # IT watts above idle that running jobs leave


@dataclass
class Supply:
    """A supply: cap and cost of energy (carbon included) for each period; permit over all."""

    site: str
    cap_w: list[int]
    energy: list[int]  # nano-USD per W-period
    permit: int | None  # W-periods


@dataclass
class Pool:
    """A pool: what is there in each period."""

    site: str
    chip: str
    domain: str | None
    size: int  # chips of a domain, 1 in a pool without domains
    present: list[int]
    free: list[int]  # present and no spare
    closed: list[set[int]]  # ids in maintenance
    idle_w: int  # of one chip
    left: list[int] = field(default_factory=list)  # chips that running jobs leave

    def usable(self, t: int) -> set[int]:
        """Return the ids of the domains that slices may lie on."""
        return set(range(self.free[t])) - self.closed[t]


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


class World:
    """The integer image of an instance."""

    def __init__(self, instance: Data) -> None:
        self.instance = instance
        self.horizon: Data = instance["horizon"]
        self.periods: int = self.horizon["periods"]
        self.hours: float = self.horizon.get("period_hours", 1.0)
        self.tenants: Data = instance.get("tenants", {})
        self.budgets = {
            name: floor(b["limit"] * 1000 + 1e-6) for name, b in instance.get("budgets", {}).items()
        }
        self.supplies = {
            (site, name): self._supply(site, supply)
            for site, data in instance["sites"].items()
            for name, supply in data["supplies"].items()
        }
        self.pools = {name: self._pool(pool) for name, pool in instance["pools"].items()}
        self.sites = {name: self._site(name, data) for name, data in instance["sites"].items()}
        self.jobs: list[Data] = instance["jobs"]
        self.modes = [modes_of(self, job) for job in self.jobs]
        self._leave_room()

    def span(self, begin: float | str, end: float | str) -> range:
        """Return the periods that something between two moments touches."""
        first = max(0, down(begin, self.horizon))
        return range(first, min(self.periods, up(end, self.horizon)))

    def _supply(self, site: str, data: Data) -> Supply:
        caps = [floor(x * 1e6 + 1e-6) for x in series(data["cap_mw"], self.horizon, "min")]
        for call in data.get("calls", ()):
            for t in self.span(call["from"], call["until"]):
                caps[t] = min(caps[t], floor(call["cap_mw"] * 1e6 + 1e-6))
        price = series(data["price_usd_per_mwh"], self.horizon, "mean")
        carbon = series(data.get("carbon_kg_per_mwh", 0), self.horizon, "mean")
        usd_per_kg = self.instance.get("carbon_usd_per_kg", 0.0)
        pairs = zip(price, carbon, strict=True)
        energy = [round((p + c * usd_per_kg) * self.hours * 1000) for p, c in pairs]
        permit = data.get("permit") or {}
        limits = []
        if permit.get("mwh") is not None:
            limits.append(floor(permit["mwh"] / self.hours * 1e6 + 1e-6))
        if permit.get("run_hours") is not None:
            limits.append(floor(max(caps) * permit["run_hours"] / self.hours + 1e-6))
        return Supply(site, caps, energy, min(limits) if limits else None)

    def _pool(self, data: Data) -> Pool:
        domain = data.get("domain")
        size = 1 if domain is None else self.instance["domains"][domain]["chips"]
        present = [floor(x + 1e-6) for x in series(data["count"], self.horizon, "min")]
        free = [max(0, n - data.get("spares", 0)) for n in present]
        closed: list[set[int]] = [set() for _ in present]
        for work in data.get("maintenance", ()):
            for t in self.span(work["from"], work["until"]):
                for first, last in work["domains"]:
                    closed[t].update(range(first, last + 1))
        idle = demand_w(self.instance["chips"][data["chip"]].get("idle_kw", 0.0))
        return Pool(data["site"], data["chip"], domain, size, present, free, closed, idle)

    def _site(self, name: str, data: Data) -> Site:
        pue = [ceil(x * 1000 - 1e-6) for x in series(data["pue"], self.horizon, "max")]
        load = series(data.get("other_load_mw", 0), self.horizon, "max")
        other = [ceil(x * 1e6 - 1e-6) for x in load]
        called = [False] * self.periods
        for supply in data["supplies"].values():
            for call in supply.get("calls", ()):
                for t in self.span(call["from"], call["until"]):
                    called[t] = True
        here = [supply.cap_w for supply in self.supplies.values() if supply.site == name]
        caps = [sum(cap[t] for cap in here) for t in range(self.periods)]
        pools = [pool for pool in self.pools.values() if pool.site == name]
        fixed = [
            pue[t] * sum(p.idle_w * p.present[t] * p.size for p in pools) + 1000 * other[t]
            for t in range(self.periods)
        ]
        return Site(pue, other, called, caps, fixed)

    def _leave_room(self) -> None:
        """Note what running jobs leave of chips and power."""
        for pool in self.pools.values():
            pool.left = [n * pool.size for n in pool.free]
        for site in self.sites.values():
            each = zip(site.caps_w, site.fixed, site.pue, strict=True)
            site.room_w = [(1000 * cap - fixed) // pue for cap, fixed, pue in each]
        for job, modes in zip(self.jobs, self.modes, strict=True):
            if job.get("running") is None:
                continue
            mode = modes[0]
            trains = self.trains(mode)
            for t in range(self.ends(mode)[0] or self.periods):
                for part in mode.parts:
                    pool = self.pools[part.pool]
                    pool.left[t] -= part.chips
                    self.sites[pool.site].room_w[t] -= part.net_w * trains[t]

    def trains(self, mode: Mode) -> list[bool]:
        """Return in which periods a gang would train: all, or those without a call if it pauses."""
        sites = {self.pools[part.pool].site for part in mode.parts} if mode.pauses else set()
        called = [self.sites[name].called for name in sites]
        return [not any(c[t] for c in called) for t in range(self.periods)]

    def ends(self, mode: Mode) -> list[int | None]:
        """Return where a run ends that begins at each period; None if not within the horizon."""
        trains = self.trains(mode)
        working = [t for t in range(self.periods) if trains[t]]
        out: list[int | None] = []
        for start in range(self.periods):
            last = bisect_left(working, start) + mode.duration - 1
            out.append(working[last] + 1 if last < len(working) else None)
        return out

    def once(self, job: Data, mode: Mode, start: int, end: int) -> tuple[int, int]:
        """Return lateness and one-off costs (restart included) of a run [nano-USD]."""
        late = 0
        if job.get("due") is not None:
            per_period = round(job.get("late_usd_per_hour", 0.0) * self.hours * 1e9)
            late = per_period * max(0, end - down(job["due"], self.horizon))
        is_stopped = not all(self.trains(mode)[start:end])
        return late, mode.one_off + (mode.restart if is_stopped else 0)


# ---- modes --------------------------------------------------------------------------------------


def modes(instance: Data, job: Data) -> list[Mode]:
    """Return the modes of a job in the order in which plans number them."""
    return modes_of(World(instance), job)


def modes_of(world: World, job: Data) -> list[Mode]:
    """Return the modes of a job: the running one; or of its gangs, then the explicit ones."""
    if job.get("running") is not None:
        return [_running(world, job, job["running"])]
    found: list[Mode | None] = []
    for gang in job.get("gangs", ()):
        found.extend(_of_gang(world, job, gang))
    for given in job.get("modes", ()):
        parts = tuple(_part(world, p, p.get("draw_kw")) for p in given["parts"])
        duration = max(1, ceil(given["hours"] / world.hours - 1e-9))
        found.append(_mode(world, job, given, parts, duration))
    return [mode for mode in found if mode is not None]


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
    return Mode(tuple(parts), left, 0, last, 0, restart, uses, pauses, chips)


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
                periods = job["work"] / (rate * point["speed_share"] * world.hours)
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
    restart, pauses = nano(given.get("restart_usd", 0.0)), given.get("pauses_at_calls", False)
    return Mode(parts, duration, first, end_by, one_off, restart, dict(uses), pauses, chips)
