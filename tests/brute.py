"""Exact optimum of tiny instances by branch and bound: the third opinion beside two engines.

Jobs are decided one after another, columns (mode, start) of each in order of their worth. A branch
ends where a rule is broken whatever follows, or where even the remaining jobs at their best, with
energy at the cheapest price, cannot beat the plan in hand. Domains are assigned exactly, by
backtracking over ids in which equal ids count once; dispatch is exact, permits included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import stranger
from brute_power import cheapest_dispatch, cheapest_service, is_special, least_cost
from stranger import Data, Mode, World

Free = tuple[int, ...]  # chips of a domain that are free in each period; 0 where it is not usable
Slice = tuple[int, int, int]  # chips, start, end


@dataclass(frozen=True)
class Column:
    """One way and time to run a job, and what it brings before energy [nano-USD]."""

    number: int
    mode: Mode
    start: int
    end: int
    gain: int
    load: dict[tuple[str, int], int]  # thousandths of a watt at (site, period)
    chips: dict[tuple[str, int], int]  # of (pool, period)


def optimum(
    instance: Data, end_by: int | None = None, needs: dict[str, int] | None = None
) -> tuple[int | None, list[Data]]:
    """Return the best objective [nano-USD] and its placements; None if there is no plan.

    With batteries or demand charges: that of watts that are not whole, see `brute_power`.

    end_by
        Period boundary by which everything ends.
    needs
        Value that tenants have to have placed at least [nano-USD].
    """
    search = _Search(instance, end_by, needs or {})
    search.descend(0, 0)
    return search.best, search.placements


def plan(instance: Data, placements: list[Data], certificate: Data | None = None) -> Data:
    """Return a plan file's data for placements, with the cheapest dispatch.

    Raises
    ------
    ValueError
        If no dispatch can serve them.
    """
    world = World(instance)
    number = {job["id"]: j for j, job in enumerate(world.jobs)}
    runs = []
    for each in placements:
        j = number[each["job"]]
        mode = world.modes[j][each["mode"]]
        runs.append(stranger.Run(world.jobs[j], mode, each["start"], each["end"], []))
    given: dict[str, dict[str, list[int]]] = {}
    taken: dict[str, dict[str, list[int]]] = {}
    for site, load in stranger.loads(world, runs).items():
        demand = [-(-x // 1000) for x in load]
        dispatch = None
        if not is_special(world, site):
            dispatch = cheapest_dispatch(world, site, demand)
        elif (service := cheapest_service(world, site, demand)) is not None:
            dispatch, taken[site] = service
        if dispatch is None:
            raise ValueError(f"{site} cannot be served")
        given[site] = dispatch
    charge = {site: each for site, each in taken.items() if each}
    plan = {"placements": placements, "dispatch": given, "certificate": certificate or {}}
    return plan | ({"charge": charge} if charge else {})


# ---- domains ------------------------------------------------------------------------------------


def assign(free: list[Free], slices: tuple[Slice, ...]) -> list[int] | None:
    """Return a domain id for every slice, or None if they do not fit together."""
    order = sorted(range(len(slices)), key=lambda i: slices[i], reverse=True)
    failed: set[tuple[int, tuple[Free, ...]]] = set()
    chosen = [0] * len(slices)

    def place(n: int, state: list[Free]) -> bool:
        if n == len(order):
            return True
        key = (n, tuple(sorted(state)))
        if key in failed:
            return False
        chips, start, end = slices[order[n]]
        tried: set[Free] = set()
        for i, own in enumerate(state):
            if own not in tried and all(x >= chips for x in own[start:end]):
                tried.add(own)
                chosen[order[n]] = i
                rest = [x - chips if start <= t < end else x for t, x in enumerate(own)]
                if place(n + 1, [*state[:i], tuple(rest), *state[i + 1 :]]):
                    return True
        failed.add(key)
        return False

    return chosen if place(0, free) else None


# ---- search -------------------------------------------------------------------------------------


class _Search:
    """State of one branch and bound."""

    def __init__(self, instance: Data, end_by: int | None, needs: dict[str, int]) -> None:
        self.world = world = World(instance)
        self.end_by = world.periods if end_by is None else end_by
        self.needs, self.held = needs, dict.fromkeys(needs, 0)
        self.best: int | None = None
        self.placements: list[Data] = []
        self.chosen: dict[str, Column] = {}
        self.load = {(s, t): x for s, each in world.sites.items() for t, x in enumerate(each.fixed)}
        self.columns = {
            job["id"]: self._columns(job, modes)
            for job, modes in zip(world.jobs, world.modes, strict=True)
        }
        self.order = self._in_order()
        self._look_ahead()
        self.fits = lru_cache(maxsize=None)(self._fits)
        self.cost = lru_cache(maxsize=None)(self._cost)
        self.special_cost = lru_cache(maxsize=None)(self._special_cost)
        self.special = [site for site in world.sites if is_special(world, site)]

    def _columns(self, job: Data, modes: list[Mode]) -> list[Column]:
        world, out = self.world, []
        for number, mode in enumerate(modes):
            trains = world.trains(mode)
            ends = world.ends(mode)
            starts = range(1) if mode.stays else range(mode.first, world.periods)
            for start in starts:
                end = ends[start]
                if end is None or end > min(mode.end_by, self.end_by):
                    continue
                late, one_off = world.once(job, mode, start, end)
                gain = stranger.nano(job.get("value_usd", 0.0)) - late - one_off
                load: dict[tuple[str, int], int] = {}
                chips: dict[tuple[str, int], int] = {}
                for part in mode.parts:
                    site = world.pools[part.pool].site
                    for t in range(start, end):
                        more = world.sites[site].pue[t] * part.net_w * trains[t]
                        load[site, t] = load.get((site, t), 0) + more
                        chips[part.pool, t] = chips.get((part.pool, t), 0) + part.chips
                out.append(Column(number, mode, start, end, gain, load, chips))
        return sorted(out, key=lambda c: -c.gain)

    def _in_order(self) -> list[Data]:
        """Return the jobs, those that run first, each after its predecessors, dearest first."""
        left = sorted(
            self.world.jobs, key=lambda j: (j.get("running") is None, -j.get("value_usd", 0.0))
        )
        out: list[Data] = []
        while left:
            done = {job["id"] for job in out}
            ready = [job for job in left if done.issuperset(job.get("predecessors", ()))]
            out.append(ready[0])
            left.remove(ready[0])
        return out

    def _look_ahead(self) -> None:
        """Note what the jobs from each on can bring and relieve at most."""
        cheapest: dict[tuple[str, int], int] = {}
        for (site, _), supply in self.world.supplies.items():
            for t, price in enumerate(supply.energy):
                cheapest[site, t] = min(price, cheapest.get((site, t), price))
        self.hope = [0]  # of the jobs from i on; one watt a period covers the rounding of loads
        self.relief: list[dict[tuple[str, int], int]] = [{}]
        for job in reversed(self.order):
            worth = [
                c.gain - sum(cheapest[k] * (max(0, x) // 1000 - 1) for k, x in c.load.items())
                for c in self.columns[job["id"]]
            ]
            is_free = job.get("running") is None and not job.get("must", False)
            self.hope.append(self.hope[-1] + max(worth + ([0] if is_free or not worth else [])))
            relief = dict(self.relief[-1])
            for key in self.load:
                most = max([0] + [-c.load.get(key, 0) for c in self.columns[job["id"]]])
                relief[key] = relief.get(key, 0) + most
            self.relief.append(relief)
        self.hope.reverse()
        self.relief.reverse()

    def _cost(self, site: str, load: tuple[int, ...]) -> int | None:
        """Return the least energy cost of a site's load; None if its supplies cannot serve it."""
        demand = [max(0, -(-x // 1000)) for x in load]
        dispatch = cheapest_dispatch(self.world, site, demand)
        if dispatch is None:
            return None
        return sum(
            g * price
            for name, watts in dispatch.items()
            for g, price in zip(watts, self.world.supplies[site, name].energy, strict=True)
        )

    def _energy(self, i: int) -> int | None:
        """Return the least energy cost of what is chosen, were the jobs from i on to relieve it."""
        total, relief = 0, self.relief[i]
        for site in self.world.sites:
            keys = ((site, t) for t in range(self.world.periods))
            cost = self.cost(site, tuple(self.load[key] - relief.get(key, 0) for key in keys))
            if cost is None:
                return None
            total += cost
        return total

    def _special_cost(self, site: str, load: tuple[int, ...]) -> int | None:
        return least_cost(self.world, site, [max(0, -(-x // 1000)) for x in load])

    def _exact(self, i: int) -> int | None:
        """Return as `_energy` what power costs, with batteries and peaks."""
        total, relief = 0, self.relief[i]
        for site in self.world.sites:
            keys = [(site, t) for t in range(self.world.periods)]
            load = tuple(self.load[key] - relief.get(key, 0) for key in keys)
            special = site in self.special
            cost = self.special_cost(site, load) if special else self.cost(site, load)
            if cost is None:
                return None
            total += cost
        return total

    def descend(self, i: int, gain: int) -> None:
        """Decide the jobs from number i on."""
        if any(self.held[name] + self._left(name, i) < need for name, need in self.needs.items()):
            return
        energy = self._energy(i)
        if energy is None or (self.best is not None and gain + self.hope[i] - energy <= self.best):
            return
        exact = self._exact(i) if self.special else energy
        if exact is None or (self.best is not None and gain + self.hope[i] - exact <= self.best):
            return
        if i == len(self.order):
            self.best, self.placements = gain - exact, self._placements()
            return
        job = self.order[i]
        before = [self.chosen.get(name) for name in job.get("predecessors", ())]
        for column in self.columns[job["id"]]:
            if any(p is None or p.end > column.start for p in before):
                continue
            self.chosen[job["id"]] = column
            self._hold(job, 1)
            for key, more in column.load.items():
                self.load[key] += more
            if self._is_legal():
                self.descend(i + 1, gain + column.gain)
            for key, more in column.load.items():
                self.load[key] -= more
            del self.chosen[job["id"]]
            self._hold(job, -1)
        if job.get("running") is None and not job.get("must", False):
            self.descend(i + 1, gain)

    def _hold(self, job: Data, sign: int) -> None:
        if job.get("tenant") in self.held:
            self.held[job["tenant"]] += sign * stranger.nano(job.get("value_usd", 0.0))

    def _left(self, tenant: str, i: int) -> int:
        """Return the value of a tenant's jobs from number i on."""
        left = (job for job in self.order[i:] if job.get("tenant") == tenant)
        return sum(stranger.nano(job.get("value_usd", 0.0)) for job in left)

    def _is_legal(self) -> bool:
        """Return whether pools, quotas, budgets and domains allow what is chosen."""
        world = self.world
        chips: dict[tuple[str, int], int] = {}
        held: dict[tuple[str, int], int] = {}
        used = dict.fromkeys(world.budgets, 0)
        slices: dict[str, list[tuple[Slice, int, tuple[int, ...] | None]]] = {}
        for job in self.order:
            column = self.chosen.get(job["id"])
            if column is None:
                continue
            for key, n in column.chips.items():
                chips[key] = chips.get(key, 0) + n
                if job.get("tenant") is not None:
                    held[job["tenant"], key[1]] = held.get((job["tenant"], key[1]), 0) + n
            for name, amount in column.mode.uses.items():
                used[name] += amount
            for part in column.mode.parts:
                pinned = None if part.pinned is None else tuple(part.pinned)
                piece = (part.slice_chips, column.start, column.end)
                slices.setdefault(part.pool, []).append((piece, part.slices, pinned))
        quotas = {name: tenant.get("quota_chips") for name, tenant in world.tenants.items()}
        return (
            self._is_spread()
            and self._moved() <= (world.instance.get("moves") or {}).get("at_most", 0)
            and all(
                n <= world.pools[p].free[t] * world.pools[p].size for (p, t), n in chips.items()
            )
            and all(quotas[k] is None or n <= quotas[k] for (k, _), n in held.items())
            and all(used[name] <= limit for name, limit in world.budgets.items())
            and all(
                self.fits(name, tuple(pieces)) is not None
                for name, pieces in slices.items()
                if world.pools[name].domain is not None
            )
        )

    def _is_spread(self) -> bool:
        """Return whether no site has more jobs of a group than its share."""
        here: dict[tuple[str, str], int] = {}
        for job in self.order:
            column = self.chosen.get(job["id"])
            if column is not None and job.get("group") is not None:
                for site in self.world.sites_of(column.mode):
                    here[job["group"], site] = here.get((job["group"], site), 0) + 1
        return all(n <= self.world.spreads[group] for (group, _), n in here.items())

    def _moved(self) -> int:
        """Return how many running jobs are elsewhere than where they run."""
        runs = [job["id"] for job in self.order if job.get("running") is not None]
        return sum(name in self.chosen and not self.chosen[name].mode.stays for name in runs)

    def _fits(self, name: str, pieces: Any) -> list[list[int]] | None:
        """Return the ids of each piece of a pool, or None."""
        pool = self.world.pools[name]
        usable = [pool.usable(t) for t in range(self.world.periods)]
        most = max(pool.present)
        free = [[pool.size * (i in ids) for ids in usable] for i in range(most)]
        loose: list[Slice] = []
        for (chips, start, end), n, pinned in pieces:
            if pinned is None:
                loose += [(chips, start, end)] * n
                continue
            for i in pinned:
                for t in range(start, end):
                    free[i][t] -= chips
                    if free[i][t] < 0:
                        return None
        chosen = assign([tuple(x) for x in free], tuple(loose))
        if chosen is None:
            return None
        out = []
        for _, n, pinned in pieces:
            out.append(list(pinned) if pinned is not None else chosen[:n])
            chosen = chosen if pinned is not None else chosen[n:]
        return out

    def _placements(self) -> list[Data]:
        """Return what is chosen as a plan file states it."""
        pieces: dict[str, list[Any]] = {}
        owners: dict[str, list[tuple[str, int]]] = {}
        ids: dict[tuple[str, int], list[int]] = {}
        for job in self.order:
            column = self.chosen.get(job["id"])
            for p, part in enumerate(column.mode.parts if column else ()):
                if column is None or self.world.pools[part.pool].domain is None:
                    continue
                pinned = None if part.pinned is None else tuple(part.pinned)
                piece = (part.slice_chips, column.start, column.end)
                pieces.setdefault(part.pool, []).append((piece, part.slices, pinned))
                owners.setdefault(part.pool, []).append((job["id"], p))
        for pool, each in pieces.items():
            ids.update(zip(owners[pool], self.fits(pool, tuple(each)) or (), strict=True))
        return [
            {
                "job": name,
                "mode": column.number,
                "start": column.start,
                "end": column.end,
                "domains": [
                    [[i, i] for i in ids.get((name, p), ())] for p in range(len(column.mode.parts))
                ],
            }
            for name, column in self.chosen.items()
        ]
