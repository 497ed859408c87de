"""Which placed jobs would have to go for another to come in, and what they are worth.

Going means: the job and every placed job that waits for it. One job: exact, by trying each, the
cheapest first. Several: a good set, not the proven cheapest. Nothing else in the plan moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.account.room import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.place.account.ledger import Ints, Ledger, Run, Total
    from optimizer.place.account.room import Columns, Room

__all__ = ["Displacement", "Displacer"]

MOST_REMOVED = 60
"""Sets larger than this say nothing to anyone."""


@dataclass(frozen=True, slots=True)
class Displacement:
    """Jobs that would go, what they bring after energy [nano-USD], and how sure it is cheapest."""

    jobs: tuple[int, ...]
    loss: int
    is_exact: bool


class Displacer:
    """Knows what each placed job holds and is worth."""

    def __init__(self, ledger: Ledger, room: Room) -> None:
        self.ledger, self.room = ledger, room
        self.marginal = {site: _marginal(ledger, site) for site in ledger.instance.sites}
        self.groups = {j: group for j in ledger.runs if (group := self._group(j)) is not None}
        self.net = {j: self.gain(ledger.runs[j]) for j in ledger.runs}
        self.loss = {j: sum(self.net[i] for i in group) for j, group in self.groups.items()}
        self.order = sorted(self.groups, key=lambda j: (self.loss[j], j))
        self.at = {j: i for i, j in enumerate(self.order)}
        self.freed: dict[Block, Ints] = {}

    def gain(self, run: Run) -> int:
        """Return what a run brings after energy at the dearest supply in use [nano-USD]."""
        return self.ledger.worth_nano(run) - self._energy(run)

    def _energy(self, run: Run) -> int:
        total = 0
        for part in run.mode.parts:
            site = self.ledger.site_of(part.pool)
            each = self.ledger.pue[site][run.span] * self.marginal[site][run.span] * run.works
            total += (part.draw_w - part.idle_w) * int(each.sum()) // 1000
        return total

    def _group(self, job: int) -> frozenset[int] | None:
        """Return a job with all placed jobs that wait for it; None if one of them must run."""
        found, waiting = set[int](), [job]
        while waiting:
            j = waiting.pop()
            if self.ledger.is_fixed(j):
                return None
            if j not in found:
                found.add(j)
                waiting.extend(self.ledger.waiting.get(self.ledger.instance.jobs[j].id, ()))
        return frozenset(found)

    def _before(self, job: int) -> set[int]:
        """Return the jobs that a job waits for, itself included."""
        found, waiting = set[int](), [job]
        while waiting:
            j = waiting.pop()
            if j not in found:
                found.add(j)
                names = self.ledger.instance.jobs[j].predecessors
                waiting.extend(self.ledger.index[name] for name in names)
        return found

    def cheapest(self, job: int, columns: list[Columns], room: Room) -> Displacement | None:
        """Return the cheapest single job, or else a good set, that makes room for another.

        columns are the runs wanted, none of which fits in the room.
        """
        self.room = room
        kept = self._before(job)
        among = [j for j in self.order if not self.groups[j] & kept]
        open_columns = [c for c in columns if not _only_order(c)]
        if not among or not open_columns:
            return None
        hopeful = self._hopeful(job, among, open_columns)
        for j in among:
            numbers = hopeful.get(j, ())
            if numbers:
                less = room.without(self.groups[j])
                for c in (c for c in open_columns if c.number in numbers):
                    if less.columns(job, c.number, c.mode).fits.any():
                        one = Displacement(tuple(sorted(self.groups[j])), self.loss[j], True)
                        many = self._several(job, among, open_columns)
                        return many if many is not None and many.loss < one.loss else one
        return self._several(job, among, open_columns)

    def _hopeful(self, job: int, among: list[int], columns: list[Columns]) -> dict[int, set[int]]:
        """Return jobs, with modes of the other, whose going gives power, chips and quota enough."""
        found: dict[int, set[int]] = {}
        for c in columns:
            blocked = np.zeros((len(among), len(c.starts)), bool)
            for block, need, left, counts in self.room.needs(job, c.mode):
                given = self._gives(among, block)
                bad = counts & (left + given < need)
                sums = np.concatenate((np.zeros((len(among), 1), int), np.cumsum(bad, 1)), 1)
                blocked |= sums[:, c.ends] > sums[:, c.starts]
            blocked |= ~self._eases(job, among, c)[:, None]
            for i in np.flatnonzero(~blocked.all(1)):
                found.setdefault(among[int(i)], set()).add(c.number)
        return found

    def _eases(self, job: int, among: list[int], c: Columns) -> NDArray[np.bool_]:
        """Return whose going could bring permits and totals in order, (len(among),)."""
        able = np.ones(len(among), bool)
        sites = {self.ledger.site_of(p.pool) for p in c.mode.parts}
        for permit in self.room.permits:
            if permit.site in sites:
                sums = self.room.over_permit(permit, c.mode)
                least = int((sums[c.ends] - sums[c.starts]).min() + sums[0])
                if least > 0:
                    able &= np.array([self._watt_periods(j, permit.site) >= least for j in among])
        for name, amount in self.ledger.takes(job, c.mode):
            lack = amount - self.room.totals[name]
            if lack > 0:
                able &= np.array([self._uses(j, name) >= lack for j in among])
        return able

    def _gives(self, among: list[int], block: Block) -> Ints:
        """Return what the going of each job frees of a limit, (len(among), T)."""
        if block not in self.freed:
            rows = [self._freed(j, block) for j in self.order]
            self.freed[block] = np.array(rows, np.int64).reshape(len(rows), self.ledger.T)
        given: Ints = self.freed[block][[self.at[j] for j in among]]
        return given

    def _freed(self, job: int, block: Block) -> Ints:
        """Return what the going of a job (and of those that wait for it) frees of a limit, (T,)."""
        given = np.zeros(self.ledger.T, np.int64)
        for run in (self.ledger.runs[i] for i in self.groups[job]):
            if block.rule == "quota":
                if self.ledger.instance.jobs[run.job].tenant == block.of:
                    given[run.span] += run.mode.chips
                continue
            for part in run.mode.parts:
                if block.rule == "pool_capacity" and part.pool == block.of:
                    given[run.span] += part.chips
                elif block.rule == "power_cap" and self.ledger.site_of(part.pool) == block.of:
                    given[run.span] += run.works * np.int64(part.draw_w - part.idle_w)
        return given

    def _watt_periods(self, job: int, site: str) -> int:
        """Return the energy at the meter that the going of a job saves, rounded up."""
        given = self._gives([job], Block("power_cap", site))
        return int((self.ledger.pue[site] * given).sum()) // 1000 + self.ledger.T

    def _uses(self, job: int, total: Total) -> int:
        takes = self.ledger.takes
        runs = (self.ledger.runs[i] for i in self.groups[job])
        return sum(x for run in runs for name, x in takes(run.job, run.mode) if name == total)

    def _several(self, job: int, among: list[int], columns: list[Columns]) -> Displacement | None:
        """Return a set of jobs that makes room for the run that lacks least; None if none does."""
        best: tuple[float, Columns, int] | None = None
        for c in columns:
            lack = self._lack(job, c)
            i = int(np.argmin(lack))
            if best is None or lack[i] < best[0]:
                best = float(lack[i]), c, i
        if best is None:
            return None
        _, c, i = best
        out = self._grow(job, c, i, among)
        if out is None:
            return None
        out = self._shrink(job, c, i, out)
        return Displacement(tuple(sorted(out)), sum(self.net[j] for j in out), False)

    def _lack(self, job: int, c: Columns) -> NDArray[np.float64]:
        """Return how much of its needs each run lacks, summed over limits and periods, (N,)."""
        total = np.zeros(len(c.starts))
        for _, need, left, counts in self.room.needs(job, c.mode):
            short = np.where(counts, np.maximum(need - left, 0) / max(need, 1), 0.0)
            sums = np.concatenate(([0.0], np.cumsum(short)))
            total += sums[c.ends] - sums[c.starts]
        for block, blocked in c.blocks.items():
            total[blocked] += np.inf if block.rule == "precedence" else 1e-3
        return total

    def _grow(self, job: int, c: Columns, i: int, among: list[int]) -> frozenset[int] | None:
        """Remove whoever gives most of what is lacking for its loss, until the run fits."""
        span = slice(int(c.starts[i]), int(c.ends[i]))
        needs = list(self.room.needs(job, c.mode))
        gives = [self._gives(among, b)[:, span] for b, *_ in needs]
        lacks = [
            np.where(counts[span], np.maximum(need - left[span], 0), 0).astype(float)
            for _, need, left, counts in needs
        ]
        loss = np.array([max(1.0, float(self.loss[j])) for j in among])
        held = sum((g.sum(1) / max(1, n) for g, (_, n, *_) in zip(gives, needs, strict=True)), 0.0)
        out: frozenset[int] = frozenset()
        is_open = np.array([bool(self._meets(j, span)) for j in among], bool)
        while is_open.any() and len(out) < MOST_REMOVED:
            left = sum(x.sum() for x in lacks)
            if left == 0 and self._fits(job, c, i, out):
                return out
            relief = sum(
                np.minimum(g, x).sum(1) / max(1, n)
                for g, x, (_, n, *_) in zip(gives, lacks, needs, strict=True)
            )
            score = np.where(is_open, (relief if left else held) / loss, -1.0)
            k = int(np.argmax(score))
            is_open[k] = False
            out |= self.groups[among[k]]
            lacks = [np.maximum(x - g[k], 0) for x, g in zip(lacks, gives, strict=True)]
        return out if self._fits(job, c, i, out) else None

    def _meets(self, job: int, span: slice) -> bool:
        """Return whether the going of a job frees anything that a run could use."""
        if self.room.permits:
            return True  # energy saved at any time counts
        runs = (self.ledger.runs[i] for i in self.groups[job])
        return any(r.start < span.stop and r.end > span.start for r in runs)

    def _shrink(self, job: int, c: Columns, i: int, out: frozenset[int]) -> frozenset[int]:
        """Put back, the dearest first, whoever need not go."""
        for j in sorted(out, key=lambda j: -self.net[j]):
            less = out - {j}
            whole = all(self.groups[k] <= less for k in less)
            if whole and self._fits(job, c, i, less):
                out = less
        return out

    def _fits(self, job: int, c: Columns, i: int, out: frozenset[int]) -> bool:
        found = self.room.without(out).columns(job, c.number, c.mode, int(c.starts[i]))
        return bool(found.fits.any())


def _only_order(c: Columns) -> bool:
    """Return whether precedence alone blocks every run already."""
    blocked = [x for block, x in c.blocks.items() if block.rule == "precedence"]
    return not len(c.starts) or (bool(blocked) and bool(np.logical_or.reduce(blocked).all()))


def _marginal(ledger: Ledger, site: str) -> Ints:
    """Return the energy cost of the dearest supply in use, (T,) [nano-USD per W-period]."""
    keys = list(ledger.instance.sites[site].supplies)
    if not keys:
        return np.zeros(ledger.T, np.int64)
    cost = np.array([ledger.cost[site, k] for k in keys])
    runs = np.array([ledger.dispatch_w(site, k) > 0 for k in keys])
    found: Ints = np.where(runs.any(0), np.where(runs, cost, 0).max(0), cost.min(0))
    return found
