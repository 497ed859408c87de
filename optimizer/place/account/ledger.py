"""The ledger of a plan: its runs, and what they use of every limit in every period.

Whole watts, chips and nano-USD, added up from instance and plan; MODEL section 6 is the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.place.bound.world import World
from optimizer.units import budget_down, nano, nano_per_period

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.modes import Mode
    from optimizer.place.plan import Placement, PlacePlan

__all__ = ["MOVES", "Ints", "Ledger", "Run", "Total"]

Ints = NDArray[np.int64]

Total = tuple[str, str]
"""A limit over the whole horizon: its rule, and what it is of."""

MOVES: Total = ("moves", "running jobs")
"""How many running jobs may be moved."""


@dataclass(frozen=True, slots=True)
class Run:
    """A placement with the mode that it names.

    Attributes
    ----------
    works : (end - start,) bool
        Periods of the run in which it trains; it stands still in the others.
    """

    job: int
    mode_number: int
    mode: Mode
    start: int
    end: int
    works: NDArray[np.bool_]
    placement: Placement

    @property
    def span(self) -> slice:
        """Its periods."""
        return slice(self.start, self.end)


class Ledger:
    """What a plan uses of every limit.

    Attributes
    ----------
    runs
        Every placement that can be read, by job.
    waiting
        For the name of a job, the placed jobs that it has to be done before.
    cap_w, pue, fixed_mw, cost, caps
        By site or (site, supply), (T,): all supplies together [W], PUE in thousandths, load
        without gangs in training [thousandths of W], energy cost [nano-USD per W-period], cap [W].
    usable, used
        Chips of each pool that may be used, and that are, (T,).
    net_w
        IT watts of gangs in training above idle, by site, (T,).
    world
        The instance as the bound sees it: calls, loads, and what running jobs leave to the others.
    """

    def __init__(self, instance: Instance, plan: PlacePlan) -> None:
        self.instance, self.plan = instance, plan
        self.horizon = instance.horizon
        self.T = instance.horizon.periods
        self.index = {job.id: j for j, job in enumerate(instance.jobs)}
        self.world = World(instance)
        self._limits()
        self.runs = dict(sorted((run.job, run) for run in map(self._run, plan.placements) if run))
        self.waiting: dict[str, list[int]] = {}
        for j in self.runs:
            for name in instance.jobs[j].predecessors:
                self.waiting.setdefault(name, []).append(j)
        self.used = {name: np.zeros(self.T, np.int64) for name in instance.pools}
        self.net_w = {name: np.zeros(self.T, np.int64) for name in instance.sites}
        for run in self.runs.values():
            for part in run.mode.parts:
                self.used[part.pool][run.span] += part.chips
                net = np.int64(part.draw_w - part.idle_w)
                self.net_w[self.site_of(part.pool)][run.span] += run.works * net

    def _limits(self) -> None:
        instance, h = self.instance, self.horizon
        self.pue, self.fixed_mw = self.world.pue, self.world.fixed
        self.usable = self.world.chips
        self.present = {
            name: pool.present(h) * instance.domain_chips(pool)
            for name, pool in instance.pools.items()
        }
        self.caps: dict[tuple[str, str], Ints] = {}
        self.cost: dict[tuple[str, str], Ints] = {}
        self.cap_w = {name: np.zeros(self.T, np.int64) for name in instance.sites}
        for name, site in instance.sites.items():
            for key, supply in site.supplies.items():
                self.caps[name, key] = self._cap(name, key)
                self.cost[name, key] = supply.cost_nano(h, instance.carbon_usd_per_kg)
                self.cap_w[name] = self.cap_w[name] + self.caps[name, key]

    def _cap(self, site: str, key: str) -> Ints:
        """Return what a supply can give; a battery gives, and takes, what the plan says."""
        supply = self.instance.sites[site].supplies[key]
        if supply.storage is None:
            return supply.cap_w(self.horizon)
        net: Ints = self.dispatch_w(site, key) - self.charge_w(site, key)
        return net

    def _run(self, placement: Placement) -> Run | None:
        j = self.index.get(placement.job)
        if j is None or placement.mode >= len(self.instance.modes(j)):
            return None
        if not placement.start < placement.end <= self.T:
            return None
        mode = self.instance.modes(j)[placement.mode]
        works = ~self.stands(mode)[placement.start : placement.end]
        return Run(j, placement.mode, mode, placement.start, placement.end, works, placement)

    def site_of(self, pool: str) -> str:
        """Return the site of a pool."""
        return self.instance.pools[pool].site

    def stands(self, mode: Mode) -> NDArray[np.bool_]:
        """Return the periods in which a mode stands still, because its site is called, (T,)."""
        return self.world.stands(mode)

    def load_mw(self, site: str) -> Ints:
        """Return the load at the meter, shape (T,) [thousandths of a watt]."""
        load: Ints = self.fixed_mw[site] + self.pue[site] * self.net_w[site]
        return load

    def dispatch_w(self, site: str, supply: str) -> Ints:
        """Return what a supply gives, shape (T,) [W]."""
        return np.array(self.plan.dispatch[site][supply], np.int64)

    def charge_w(self, site: str, supply: str) -> Ints:
        """Return what a battery takes, shape (T,) [W]; 0 of other supplies."""
        taken = self.plan.charge.get(site, {}).get(supply, (0,) * self.T)
        return np.array(taken, np.int64)

    def due(self, job: int) -> int:
        """Return the period boundary by which a job should end; T where it has no due date."""
        due = self.instance.jobs[job].due
        return self.T if due is None else self.horizon.down(due)

    def late_nano(self, job: int) -> int:
        """Return what a period of lateness of a job costs [nano-USD]."""
        rate = self.instance.jobs[job].late_usd_per_hour
        return nano_per_period(rate, self.horizon.period_hours)

    def periods_late(self, run: Run) -> int:
        """Return how many periods after its due date a run ends, at least 0."""
        return max(0, run.end - self.due(run.job))

    def worth_nano(self, run: Run) -> int:
        """Return value less lateness, one-off and restart of a run, before energy [nano-USD]."""
        worth = nano(self.instance.jobs[run.job].value_usd) - run.mode.one_off_nano
        worth -= self.late_nano(run.job) * self.periods_late(run)
        return worth if run.works.all() else worth - run.mode.restart_nano

    def takes(self, job: int, mode: Mode) -> tuple[tuple[Total, int], ...]:
        """Return what a mode takes of the totals: budgets, places of its group, and moves."""
        found = [(("budget", name), amount) for name, amount in mode.uses]
        group = self.instance.jobs[job].group
        if group is not None:
            found += [(("spread", f"{group} at {s}"), 1) for s in self.instance.sites_of(mode)]
        if self.instance.may_move(job) and not mode.stays:
            found.append((MOVES, 1))
        return tuple(found)

    def moved(self) -> list[Run]:
        """Return the running jobs that go on elsewhere than where they run."""
        jobs = self.instance.jobs
        return [r for r in self.runs.values() if jobs[r.job].running and not r.mode.stays]

    def totals(self) -> dict[Total, int]:
        """Return the limits over the whole horizon: thousandths of a budget's unit, or jobs."""
        found = {("budget", n): budget_down(b.limit) for n, b in self.instance.budgets.items()}
        for group, most in self.instance.most_at_a_site.items():
            found |= {("spread", f"{group} at {site}"): most for site in self.instance.sites}
        if self.instance.moves is not None:
            found[MOVES] = self.instance.moves.at_most
        return found

    def is_fixed(self, job: int) -> bool:
        """Return whether a job has to be in every plan."""
        return self.instance.jobs[job].must or self.instance.jobs[job].running is not None
