"""The room that a plan leaves: which runs of a job fit beside the others, and what blocks.

Every rule exactly, domain ids included: domains with the same story are counted together, as
stretches of ids. What runs stays on the ids and at the hours that the plan gives it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.modes import run_ends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.domain.modes import Mode
    from optimizer.place.account.ledger import Ints, Ledger, Run

__all__ = ["Block", "Columns", "Permit", "Room", "Stretches"]

AWAY = 2**40
"""Taken off the free chips of a domain that is out of use: nothing fits there [chips]."""


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """What keeps a run out: a rule and the site, pool, tenant, budget, supply or job it is of."""

    rule: str
    of: str


@dataclass
class Columns:
    """The runs of one mode that its window allows, and what blocks each.

    Attributes
    ----------
    starts, ends : (N,) int64
        Periods [start, end).
    blocks : {Block: (N,) bool}
        Which of them each limit blocks; limits that block none are left out.
    undecided : (N,) bool
        Runs that no limit blocks, and for which no choice of domains was found either.
    """

    number: int
    mode: Mode
    starts: Ints
    ends: Ints
    blocks: dict[Block, NDArray[np.bool_]] = field(default_factory=dict)
    undecided: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Which runs fit."""
        blocked = np.zeros(len(self.starts), bool)
        for row in self.blocks.values():
            blocked |= row
        return ~blocked & ~self.undecided

    def note(self, block: Block, blocked: NDArray[np.bool_]) -> None:
        """Add what a limit blocks."""
        if blocked.any():
            self.blocks[block] = self.blocks.get(block, np.zeros(len(blocked), bool)) | blocked


@dataclass
class Stretches:
    """Domains of a pool with the same story, as stretches of ids.

    Attributes
    ----------
    edges : (S + 1,) int64
        First id of each stretch, and the id after the last.
    free : (S, T) int64
        Free chips on each domain of a stretch; 0 where it cannot be used.
    """

    edges: Ints
    free: Ints
    tables: list[Ints] = field(default_factory=list)

    def least(self, starts: Ints, ends: Ints) -> Ints:
        """Return free chips over each of N runs [start, end), shape (S, N)."""
        if len(starts) == 1:
            one: Ints = self.free[:, int(starts[0]) : int(ends[0])].min(1, keepdims=True)
            return one
        if not self.tables:
            self.tables.append(self.free)
            while (step := 2 ** len(self.tables)) <= self.free.shape[1]:
                last = self.tables[-1]
                self.tables.append(np.minimum(last[:, : -step // 2], last[:, step // 2 :]))
        level = np.frexp(ends - starts)[1] - 1
        out = np.empty((len(self.free), len(starts)), np.int64)
        for k in np.unique(level):
            at, table = level == k, self.tables[k]
            out[:, at] = np.minimum(table[:, starts[at]], table[:, ends[at] - 2**k])
        return out

    def slots(self, size: int, starts: Ints, ends: Ints) -> Ints:
        """Return how many slices of a size fit for the whole of each run, shape (N,)."""
        least = np.maximum(self.least(starts, ends), 0)
        found: Ints = np.diff(self.edges) @ (least // size)
        return found

    def put(self, ids: tuple[tuple[int, int], ...], span: slice, chips: int) -> None:
        """Take chips on every id named (give them back where chips < 0)."""
        for first, last in ids:
            low, high = np.searchsorted(self.edges, (first, last + 1))
            self.free[low:high, span] -= chips


@dataclass(frozen=True, slots=True)
class Permit:
    """A limit on energy: above `beside_w` these supplies alone give, at most `limit` W-periods."""

    site: str
    supplies: tuple[str, ...]
    beside_w: Ints
    limit: int


class Room:
    """What is left beside a plan's runs, without some of them.

    Attributes
    ----------
    net_w, chips, quota : {name: (T,) int64}
        IT watts left at each site, chips left in each pool and under each quota.
    totals
        What is left of each total over the horizon: budgets [thousandths of their unit], jobs.
    load_w : {site: (T,) int64}
        Load at the meter, rounded up [W].
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        instance, T = ledger.instance, ledger.T
        most = {
            n: (1000 * ledger.cap_w[n] - ledger.fixed_mw[n]) // ledger.pue[n] for n in ledger.pue
        }
        self.net_w = {name: most[name] - ledger.net_w[name] for name in instance.sites}
        self.chips = {name: ledger.usable[name] - ledger.used[name] for name in instance.pools}
        self.quota = {
            name: np.full(T, tenant.quota_chips, np.int64)
            for name, tenant in instance.tenants.items()
            if tenant.quota_chips is not None
        }
        self.totals = ledger.totals()
        self.stretches = {n: s for n in instance.pools if (s := self._stretches(n)) is not None}
        self.permits = tuple(p for name in instance.sites for p in self._permits(name))
        self.out: frozenset[int] = frozenset()
        for run in ledger.runs.values():
            self._own(run, 1)

    def _own(self, run: Run, sign: int) -> None:
        """Take (or give back) quota and totals of a run."""
        tenant = self.ledger.instance.jobs[run.job].tenant
        if tenant in self.quota:
            self.quota[tenant][run.span] -= sign * run.mode.chips
        for name, amount in self.ledger.takes(run.job, run.mode):
            self.totals[name] -= sign * amount

    def without(self, jobs: frozenset[int]) -> Room:
        """Return the room if these jobs did not run."""
        copy = object.__new__(Room)
        copy.ledger, copy.permits, copy.out = self.ledger, self.permits, self.out | jobs
        runs = [self.ledger.runs[j] for j in jobs]
        parts = [part for run in runs for part in run.mode.parts]
        pools, sites = {p.pool for p in parts}, {self.ledger.site_of(p.pool) for p in parts}
        copy.net_w = {k: v.copy() if k in sites else v for k, v in self.net_w.items()}
        copy.chips = {k: v.copy() if k in pools else v for k, v in self.chips.items()}
        copy.quota = {k: v.copy() for k, v in self.quota.items()}
        copy.totals = dict(self.totals)
        copy.stretches = {
            k: Stretches(s.edges, s.free.copy()) if k in pools else s
            for k, s in self.stretches.items()
        }
        for run in runs:
            copy._own(run, -1)
            for part, ids in zip(run.mode.parts, run.placement.domains, strict=True):
                site = self.ledger.site_of(part.pool)
                copy.net_w[site][run.span] += run.works * np.int64(part.draw_w - part.idle_w)
                copy.chips[part.pool][run.span] += part.chips
                if part.pool in copy.stretches:
                    copy.stretches[part.pool].put(ids, run.span, -part.slice_chips)
        return copy

    def _stretches(self, name: str) -> Stretches | None:
        """Cut the ids of a pool where any run, delivery or maintenance begins or ends."""
        ledger, pool = self.ledger, self.ledger.instance.pools[name]
        if pool.domain is None:
            return None
        usable, size = pool.usable(ledger.horizon), ledger.instance.domain_chips(pool)
        held = [
            (ids, run.span, part.slice_chips)
            for run in ledger.runs.values()
            for part, ids in zip(run.mode.parts, run.placement.domains, strict=True)
            if part.pool == name
        ]
        away = pool.out_of_use(ledger.horizon)
        cuts = {0, *usable.tolist()} | {x for ids, _, _ in held for a, b in ids for x in (a, b + 1)}
        cuts |= {x for (a, b), _, _ in away for x in (a, b + 1)}
        top = int(usable.max())
        edges = np.array(sorted(x for x in cuts if x <= top), np.int64)
        free = np.where(edges[:-1, None] < usable[None, :], size, 0).astype(np.int64)
        found = Stretches(edges, free)
        for gone, begin, end in away:
            found.put((gone,), slice(begin, end), AWAY)  # out of use: nothing fits there
        for ids, span, chips in held:
            found.put(ids, span, chips)
        return found

    def _permits(self, site: str) -> Iterator[Permit]:
        """Every cut of supply against load: exact for any number of permits (Gale's theorem)."""
        ledger, supplies = self.ledger, self.ledger.instance.sites[site].supplies
        limits = {k: s.permit_watt_periods(ledger.horizon) for k, s in supplies.items()}
        limited = {k: x for k, x in limits.items() if x is not None}
        for n in range(1, len(limited) + 1):
            for some in combinations(limited, n):
                rest = [ledger.caps[site, k] for k in supplies if k not in some]
                beside = np.sum(rest, axis=0, dtype=np.int64) + np.zeros(ledger.T, np.int64)
                yield Permit(site, some, beside, sum(limited[k] for k in some))

    def load_w(self, site: str) -> Ints:
        """Return the load at the meter, rounded up, shape (T,) [W]."""
        ledger = self.ledger
        most = (1000 * ledger.cap_w[site] - ledger.fixed_mw[site]) // ledger.pue[site]
        milli = ledger.fixed_mw[site] + ledger.pue[site] * (most - self.net_w[site])
        load: Ints = -(-milli // 1000)
        return load

    def columns(self, job: int, number: int, mode: Mode, start: int | None = None) -> Columns:
        """Return the runs of a mode, or the one of a start, and what blocks each of them."""
        ledger = self.ledger
        stands = ledger.stands(mode)
        ends = run_ends(mode.duration, stands, ledger.T)
        starts = np.arange(1 if mode.stays else ledger.T)
        ends = ends[starts]
        fits = (starts >= mode.first) & (ends <= mode.end_by)
        if start is not None:
            fits &= starts == start
        found = Columns(number, mode, starts[fits], ends[fits])
        found.undecided = np.zeros(len(found.starts), bool)
        if len(found.starts):
            for block, bad in self.bad_periods(job, mode).items():
                found.note(block, _meets(bad, found))
            self._note_totals(job, mode, found)
            self._note_order(job, found)
            if mode.stays:
                self._note_home(mode, found)
            else:
                self._note_domains(mode, found)
        return found

    def needs(self, job: int, mode: Mode) -> Iterator[tuple[Block, int, Ints, NDArray[np.bool_]]]:
        """Return (limit, need, what is left (T,), periods in which it counts (T,))."""
        ledger = self.ledger
        works, always = ~ledger.stands(mode), np.ones(ledger.T, bool)
        for site in sorted({ledger.site_of(p.pool) for p in mode.parts}):
            net = sum(p.draw_w - p.idle_w for p in mode.parts if ledger.site_of(p.pool) == site)
            yield Block("power_cap", site), net, self.net_w[site], works
        for pool in sorted({p.pool for p in mode.parts}):
            chips = sum(p.chips for p in mode.parts if p.pool == pool)
            yield Block("pool_capacity", pool), chips, self.chips[pool], always
        tenant = ledger.instance.jobs[job].tenant
        if tenant in self.quota:
            yield Block("quota", tenant), mode.chips, self.quota[tenant], always

    def bad_periods(self, job: int, mode: Mode) -> dict[Block, NDArray[np.bool_]]:
        """Return for each limit the periods in which it has too little left, (T,)."""
        return {b: counts & (left < need) for b, need, left, counts in self.needs(job, mode)}

    def over_permit(self, permit: Permit, mode: Mode) -> Ints:
        """Return prefix sums over periods of what a mode adds to a permit [W-periods], (T+1,).

        The first entry is what the plan needs of it already, less the limit.
        """
        ledger, load = self.ledger, self.load_w(permit.site)
        net = sum(p.draw_w - p.idle_w for p in mode.parts if ledger.site_of(p.pool) == permit.site)
        pue = ledger.pue[permit.site]
        most = (1000 * ledger.cap_w[permit.site] - ledger.fixed_mw[permit.site]) // pue
        milli = ledger.fixed_mw[permit.site] + pue * (most - self.net_w[permit.site] + net)
        before = np.maximum(load - permit.beside_w, 0)
        after = np.maximum(-(-milli // 1000) - permit.beside_w, 0)
        added = np.where(ledger.stands(mode), 0, after - before)
        sums: Ints = np.concatenate(([0], np.cumsum(added))) + before.sum() - permit.limit
        return sums

    def _note_totals(self, job: int, mode: Mode, found: Columns) -> None:
        """Permits, budgets and spreads: limits over the whole horizon."""
        sites = {self.ledger.site_of(p.pool) for p in mode.parts}
        for permit in self.permits:
            if permit.site in sites:
                sums = self.over_permit(permit, mode)
                over = sums[found.ends] - sums[found.starts] + sums[0] > 0
                for key in permit.supplies:
                    found.note(Block("supply", f"{permit.site}/{key}"), over)
        for name, amount in self.ledger.takes(job, mode):
            if amount > self.totals[name]:
                found.note(Block(*name), np.ones(len(found.starts), bool))

    def _note_order(self, job: int, found: Columns) -> None:
        """Precedence: after its predecessors, before what follows it."""
        ledger = self.ledger
        for name in ledger.instance.jobs[job].predecessors:
            j = ledger.index[name]
            run = None if j in self.out else ledger.runs.get(j)
            early = np.ones(len(found.starts), bool) if run is None else found.starts < run.end
            found.note(Block("precedence", name), early)
        for j in ledger.waiting.get(ledger.instance.jobs[job].id, ()):
            if j not in self.out:
                late = found.ends > ledger.runs[j].start
                found.note(Block("precedence", ledger.instance.jobs[j].id), late)

    def _note_home(self, mode: Mode, found: Columns) -> None:
        """The very ids on which a job runs."""
        for pool in sorted({p.pool for p in mode.parts} & set(self.stretches)):
            stretches, held = self.stretches[pool], Counter[int]()
            for part in mode.parts if len(found.starts) else ():
                for first, last in part.pinned if part.pool == pool and part.pinned else ():
                    held.update(dict.fromkeys(range(first, last + 1), part.slice_chips))
            least = np.append(stretches.least(found.starts, found.ends)[:, 0], 0)
            at = np.searchsorted(stretches.edges, list(held), "right") - 1
            short = bool((least[at] < list(held.values())).any())
            found.note(Block("domain_fit", pool), np.full(len(found.starts), short))

    def _note_domains(self, mode: Mode, found: Columns) -> None:
        """Slices on domain ids; only where the pool has the chips at all."""
        for pool in sorted({p.pool for p in mode.parts} & set(self.stretches)):
            wanted = sorted(
                ((p.slice_chips, p.slices) for p in mode.parts if p.pool == pool), reverse=True
            )
            full = found.blocks.get(Block("pool_capacity", pool))
            at = np.flatnonzero(~full) if full is not None else np.arange(len(found.starts))
            if not len(at):
                continue
            least = self.stretches[pool].least(found.starts[at], found.ends[at])
            counts = np.diff(self.stretches[pool].edges)
            blocked, unsure = np.zeros((2, len(found.starts)), bool)
            for size, _ in wanted:
                need = sum(n * (q // size) for q, n in wanted)
                blocked[at] |= counts @ (np.maximum(least, 0) // size) < need
            if len(wanted) > 1:
                for i, column in zip(at, least.T, strict=True):
                    unsure[i] = not blocked[i] and not _packs(wanted, column, counts)
            found.note(Block("domain_fit", pool), blocked)
            found.undecided |= unsure


def _meets(bad: NDArray[np.bool_], found: Columns) -> NDArray[np.bool_]:
    """Return which runs meet a bad period, (N,)."""
    sums = np.concatenate(([0], np.cumsum(bad)))
    met: NDArray[np.bool_] = sums[found.ends] > sums[found.starts]
    return met


def _packs(wanted: list[tuple[int, int]], free: Ints, counts: Ints) -> bool:
    """Return whether slices of several sizes, largest first, go where the least is left over."""
    bins: dict[int, int] = {}
    for room, count in zip(np.maximum(free, 0).tolist(), counts.tolist(), strict=True):
        bins[room] = bins.get(room, 0) + count
    for size, number in wanted:
        left = number
        while left:
            rooms = [room for room, count in bins.items() if room >= size and count]
            if not rooms:
                return False
            room = min(rooms, key=lambda r: (r % size, r))
            each = room // size
            full, rest = divmod(left, each)
            take = min(full, bins[room])
            if take:
                bins[room] -= take
                bins[room % size] = bins.get(room % size, 0) + take
                left -= take * each
            elif rest:
                bins[room] -= 1
                bins[room - rest * size] = bins.get(room - rest * size, 0) + 1
                left = 0
    return True
