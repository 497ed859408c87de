"""The world of MODEL section 6, for the stranger."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from math import ceil, floor

from stranger_modes import Mode, may_move, modes_of
from stranger_series import Data, demand_w, down, series, up


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
class Battery:
    """A battery: held energy in thousandths of a W-period, charge in W."""

    full: int
    start: int
    added: int  # by a watt charged for a period
    taken: int  # by a watt discharged
    most_w: int


@dataclass
class Supply:
    """A supply: cap and cost of energy (carbon included) for each period; permit over all."""

    site: str
    cap_w: list[int]
    energy: list[int]  # nano-USD per W-period
    permit: int | None  # W-periods
    demand: int  # nano-USD for each W of the largest dispatch
    battery: Battery | None


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
        self.spreads = {
            name: _most(data, sum(job.get("group") == name for job in instance["jobs"]))
            for name, data in instance.get("spreads", {}).items()
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
        limit = min(limits) if limits else None
        demand = round(data.get("demand_usd_per_mw", 0.0) * 1000)
        store = data.get("storage")
        return Supply(site, caps, energy, limit, demand, self._battery(store) if store else None)

    def _battery(self, data: Data) -> Battery:
        return Battery(
            full=floor(data["energy_mwh"] * 1e9 / self.hours + 1e-6),
            start=floor(data["start_mwh"] * 1e9 / self.hours + 1e-6),
            added=floor(data["efficiency_in"] * 1000 + 1e-6),
            taken=ceil(1000 / data["efficiency_out"] - 1e-6),
            most_w=floor(data["in_mw"] * 1e6 + 1e-6),
        )

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
        """Note what running jobs leave of chips, power and quotas."""
        self.quota_room = {
            name: [tenant.get("quota_chips") or 0] * self.periods
            for name, tenant in self.tenants.items()
        }
        for pool in self.pools.values():
            pool.left = [n * pool.size for n in pool.free]
        for site in self.sites.values():
            each = zip(site.caps_w, site.fixed, site.pue, strict=True)
            site.room_w = [(1000 * cap - fixed) // pue for cap, fixed, pue in each]
        for job, modes in zip(self.jobs, self.modes, strict=True):
            if job.get("running") is None or may_move(self.instance, job):
                continue
            mode = modes[0]
            trains = self.trains(mode)
            for t in range(self.ends(mode)[0] or self.periods):
                if job.get("tenant") is not None:
                    self.quota_room[job["tenant"]][t] -= mode.chips
                for part in mode.parts:
                    pool = self.pools[part.pool]
                    pool.left[t] -= part.chips
                    self.sites[pool.site].room_w[t] -= part.net_w * trains[t]

    def left(self, row: str, of: str, t: int) -> int:
        """Return what running jobs leave of what a rounding row is of, in a period."""
        if row == "quota":
            return self.quota_room[of][t]
        return self.pools[of].left[t] if row == "chips" else self.sites[of].room_w[t]

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

    def sites_of(self, mode: Mode) -> set[str]:
        """Return the sites at which a mode has a part."""
        return {self.pools[part.pool].site for part in mode.parts}

    def can_stay(self, mode: Mode) -> bool:
        """Return whether the ids of a running job are usable throughout, where it runs."""
        end = self.ends(mode)[0]
        return end is not None and all(
            set(part.pinned or ()) <= self.pools[part.pool].usable(t)
            for part in mode.parts
            for t in range(end)
        )

    def once(self, job: Data, mode: Mode, start: int, end: int) -> tuple[int, int]:
        """Return lateness and one-off costs (restart included) of a run [nano-USD]."""
        late = 0
        if job.get("due") is not None:
            per_period = round(job.get("late_usd_per_hour", 0.0) * self.hours * 1e9)
            late = per_period * max(0, end - down(job["due"], self.horizon))
        is_stopped = mode.pauses and not all(self.trains(mode)[start:end])
        return late, mode.one_off + (mode.restart if is_stopped else 0)


def _most(spread: Data, jobs: int) -> int:
    """Return how many jobs of a group may be at one site."""
    share, of_jobs = float(spread["share"]), int(spread.get("of_jobs") or jobs)
    return max(1, floor(share * of_jobs + 1e-9))


def modes(instance: Data, job: Data) -> list[Mode]:
    """Return the modes of a job in the order in which plans number them."""
    return modes_of(World(instance), job)
