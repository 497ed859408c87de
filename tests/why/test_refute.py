"""Reasons of facility plans, held against a stranger's own attempt to refute them.

Nothing of ours is used but the reasons themselves: modes, windows, prices, room and domains are
those that the stranger works out from the instance file and docs/MODEL.md.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import brute_power
import numpy as np
import pytest
import stranger
import stranger_bound
from judged import as_data, passes

from instances import catalog
from optimizer.place.explain import Reason, explain
from optimizer.place.plan import Options
from optimizer.place.solve import solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

Data = dict[str, Any]


class Beside:
    """What a plan leaves to a job that is not in it, by the stranger's reckoning."""

    def __init__(self, data: Data, plan: Data) -> None:
        self.world = world = stranger.World(data)
        self.number = {job["id"]: j for j, job in enumerate(world.jobs)}
        self.runs = []
        for p in plan["placements"]:
            j = self.number[p["job"]]
            ids = [[i for a, b in part for i in range(a, b + 1)] for part in p["domains"]]
            mode = world.modes[j][p["mode"]]
            self.runs.append(stranger.Run(world.jobs[j], mode, p["start"], p["end"], ids))
        self.ends = {run.job["id"]: run.end for run in self.runs}
        self.load = stranger.loads(world, self.runs)
        self.caps = {name: self._caps(name, plan) for name in world.sites}
        self.free = {name: self._free(name) for name in world.pools}
        self.prices = stranger_bound.Prices(world, plan["certificate"])

    def _caps(self, name: str, plan: Data) -> list[int]:
        """Return what a site's supplies can give, batteries what the plan says of them [W]."""
        caps = list(self.world.sites[name].caps_w)
        for (site, key), supply in self.world.supplies.items():
            if site == name and supply.battery is not None:
                gives, takes = plan["dispatch"][name][key], plan["charge"][name][key]
                each = zip(caps, supply.cap_w, gives, takes, strict=True)
                caps = [cap - most + give - take for cap, most, give, take in each]
        return caps

    def _free(self, name: str) -> NDArray[np.int64]:
        """Return free chips of every domain and period; of a pool without domains, in one row."""
        pool, T = self.world.pools[name], self.world.periods
        if pool.domain is None:
            free = np.array([[n * pool.size for n in pool.free]], np.int64)
        else:
            free = np.zeros((max(pool.present), T), np.int64)
            for t in range(T):
                free[sorted(pool.usable(t)), t] = pool.size
        for run in self.runs:
            for part, ids in zip(run.mode.parts, run.ids, strict=True):
                if part.pool == name:
                    for i in ids:
                        free[i, run.start : run.end] -= part.slice_chips
                    if pool.domain is None:
                        free[0, run.start : run.end] -= part.chips
        return free

    def best(self, name: str) -> int | None:
        """Return what the best run of a job earns above all prices; None if it has none."""
        j = self.number[name]
        bound_to_run = self.world.jobs[j] | {"must": True}
        modes, value = self.world.modes[j], stranger.nano(bound_to_run.get("value_usd", 0.0))
        return stranger_bound._best(self.world, self.prices, bound_to_run, modes, value)

    def waits(self, name: str) -> bool:
        """Return whether something that a job waits for is not placed."""
        return any(p not in self.ends for p in self._job(name).get("predecessors", ()))

    def is_too_large(self, name: str) -> bool:
        """Return whether each mode alone is above the quota or a budget."""
        job, world = self._job(name), self.world
        quota = world.tenants.get(job.get("tenant") or "", {}).get("quota_chips")
        return all(
            (quota is not None and mode.chips > quota)
            or any(n > world.budgets[b] for b, n in mode.uses.items())
            for mode in world.modes[self.number[name]]
        )

    def _job(self, name: str) -> Data:
        job: Data = self.world.jobs[self.number[name]]
        return job

    def ways_in(self, name: str) -> list[tuple[int, int]]:
        """Return every (mode, start) at which a job fits beside the plan."""
        job, world = self._job(name), self.world
        if self.waits(name):
            return []
        low = max([0, *(self.ends[p] for p in job.get("predecessors", ()))])
        found = []
        for m, mode in enumerate(world.modes[self.number[name]]):
            for start, end in enumerate(world.ends(mode)):
                if end is None or start < max(low, mode.first) or end > mode.end_by:
                    continue
                if self._fits(job, mode, start, end):
                    found.append((m, start))
        return found

    def _fits(self, job: Data, mode: stranger.Mode, start: int, end: int) -> bool:
        return (
            self._has_chips(mode, start, end)
            and self._keeps_totals(job, mode, start, end)
            and self._has_power(mode, start, end)
        )

    def _has_chips(self, mode: stranger.Mode, start: int, end: int) -> bool:
        """Slices of one size fit if and only if there are places for so many."""
        for part in mode.parts:
            least = self.free[part.pool][:, start:end].min(1)
            if self.world.pools[part.pool].domain is None:
                if least[0] < part.chips:
                    return False
            elif int((np.maximum(least, 0) // part.slice_chips).sum()) < part.slices:
                return False
        assert len({part.pool for part in mode.parts}) == len(mode.parts)
        return True

    def _keeps_totals(self, job: Data, mode: stranger.Mode, start: int, end: int) -> bool:
        world, tenant = self.world, job.get("tenant")
        quota = world.tenants.get(tenant or "", {}).get("quota_chips")
        for t in range(start, end) if quota is not None else ():
            mine = [r for r in self.runs if r.job.get("tenant") == tenant and r.start <= t < r.end]
            if sum(r.mode.chips for r in mine) + mode.chips > quota:
                return False
        used: Counter[str] = Counter()
        for run in self.runs:
            used.update(run.mode.uses)
        return all(used[b] + n <= world.budgets[b] for b, n in mode.uses.items())

    def _has_power(self, mode: stranger.Mode, start: int, end: int) -> bool:
        world, trains = self.world, self.world.trains(mode)
        for name in {world.pools[part.pool].site for part in mode.parts}:
            site, load = world.sites[name], list(self.load[name])
            net = sum(p.net_w for p in mode.parts if world.pools[p.pool].site == name)
            for t in range(start, end):
                load[t] += site.pue[t] * net * trains[t]
                if load[t] > 1000 * self.caps[name][t]:
                    return False
            if any(s.permit is not None for s in world.supplies.values() if s.site == name):
                demand = [-(-x // 1000) for x in load]
                if brute_power.cheapest_dispatch(world, name, demand) is None:
                    return False
        return True


def refuted(beside: Beside, reason: Reason) -> str | None:
    """Return what speaks against a reason; None where the attempt to refute it fails."""
    name, best = reason.job, beside.best(reason.job)
    if reason.kind == "rule":
        if best is None or beside.waits(name) or beside.is_too_large(name):
            return None
        return "a run survives every rule"
    if reason.kind == "priced_out":
        if best is None or best > 0:
            return f"its best run earns {best}"
        return None if reason.margin == -best else f"short by {-best}, not {reason.margin}"
    if reason.kind == "no_room":
        ways = beside.ways_in(name)
        if ways:
            return f"it fits: {ways[0]}"
        is_must = beside._job(name).get("must", False)
        return None if is_must or (best or 0) > 0 else "it is priced out"
    ways = beside.ways_in(name)
    return None if ways or reason.at_stake is None or reason.at_stake >= 0 else "at stake below 0"


@pytest.mark.slow
@pytest.mark.parametrize("name", catalog.names("place"))
def test_no_reason_of_ten_random_jobs_is_refuted_by_a_stranger(name: str) -> None:
    instance = catalog.load(name)
    data = instance.data()
    plan = solve(instance, Options(seconds=600, rounds=5, engine="search"))
    passes(data, plan, instance)
    beside = Beside(data, as_data(plan))
    reasons = [r for r in explain(instance, plan) if not r.is_late]
    chosen = np.random.default_rng(2027).choice(len(reasons), 10, replace=False)
    wrong = {
        reasons[i].job: (reasons[i].kind, said)
        for i in chosen.tolist()
        if (said := refuted(beside, reasons[i])) is not None
    }
    assert not wrong


@pytest.mark.slow
def test_the_stranger_does_refute_reasons_that_are_wrong() -> None:
    instance = catalog.load("loughton-2027")
    plan = solve(instance, Options(seconds=600, rounds=3, engine="search"))
    some = next(p.job for p in plan.placements if instance.jobs[0].id != p.job)
    data = as_data(plan)
    data["placements"] = [p for p in data["placements"] if p["job"] != some]
    left = {p["job"] for p in data["placements"]}
    waiting = {j.id for j in instance.jobs if some in j.predecessors}
    data["placements"] = [p for p in data["placements"] if p["job"] not in waiting & left]
    beside = Beside(instance.data(), data)
    assert refuted(beside, Reason(some, "no_room", False, "", "")) is not None
    assert refuted(beside, Reason(some, "rule", False, "", "")) is not None
