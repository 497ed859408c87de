"""Prices of a certificate laid on the table of modes, and the best column of every job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import ids_usable, run_ends
from optimizer.place.bound.compiled import Columns, best_columns
from optimizer.place.bound.pricer import BestColumn, Pricer
from optimizer.units import nano_per_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optimizer.place.bound.pricer import Prices
    from optimizer.place.bound.prices import CoverItem
    from optimizer.place.bound.world import World
    from optimizer.place.plan import Certificate

__all__ = ["best_of_jobs"]

Ints = NDArray[np.int64]

SURE = 2.0**61
"""What a column could pay at most, as summed in doubles, is surely below 2 ** 62 if below this."""


def best_of_jobs(
    world: World, certificate: Certificate, values: Sequence[int]
) -> tuple[BestColumn, ...]:
    """Return the best column of every job at the prices; values in nano-USD."""
    jobs = len(world.instance.jobs)
    pricer = Pricer(world, certificate, values)
    if not jobs or max(map(abs, values)) >= SURE:
        return tuple(pricer.best(j) for j in range(jobs))
    laid = _Laid(world, certificate, pricer, values)
    columns, is_sure = laid.columns()
    profit, mode, start = (np.zeros(jobs, np.int64) for _ in range(3))
    best_columns(columns, profit, mode, start)
    sure = np.logical_and.reduceat(np.append(is_sure, True), columns.job_ptr[:-1])
    sure |= np.diff(columns.job_ptr) == 0
    found = zip(profit.tolist(), mode.tolist(), start.tolist(), sure.tolist(), strict=True)
    return tuple(
        pricer.best(j) if not ok else BestColumn(p if m >= 0 else None, m, t)
        for j, (p, m, t, ok) in enumerate(found)
    )


class _Laid:
    """Prices of a certificate on the table of modes."""

    def __init__(
        self, world: World, certificate: Certificate, pricer: Pricer, values: Sequence[int]
    ) -> None:
        self.world, self.certificate, self.pricer = world, certificate, pricer
        self.instance, self.table = world.instance, world.instance.table
        self.job, self.own = self.table.job, self.table.part_mode
        sites = {name: i for i, name in enumerate(self.instance.sites)}
        pools = self.instance.pools.values()
        self.part_site = _ints(sites[p.site] for p in pools)[self.table.part_pool]
        self.part_net = self.table.part_draw_w - self.table.part_idle_w
        self.part_chips = self.table.part_slice * self.table.part_slices
        self.stays = _flags(self.instance.has_to_stay(j) for j in range(len(values)))[self.job]
        self.values = np.array(values, np.int64)
        self.most = np.zeros(len(self.job))  # what a column could pay at most, in doubles

    def columns(self) -> tuple[Columns, NDArray[np.bool_]]:
        """Return the modes with what they pay, and which surely fit into 64 bits."""
        t, h, jobs = self.table, self.instance.horizon, self.instance.jobs
        late = _ints(nano_per_period(job.late_usd_per_hour, h.period_hours) for job in jobs)
        due = _ints(h.periods if job.due is None else h.down(job.due) for job in jobs)
        mask, works = self._masks()
        done, when = _work(works)
        rows, uses = self._rows(works)
        fixed = self._fixed()
        power, totals = self._power(works)
        np.add.at(self.most, self.own, totals[self.part_site] / 1000 * self.part_net + 1000)
        self.most += np.abs(fixed) + (late * float(h.periods))[self.job] + t.restart
        names, room = list(self.instance.pools), [self.world.room[s] for s in self.instance.sites]
        left = np.array([self.world.chips_left[p] for p in names], np.int64).reshape(-1, h.periods)
        room_w = np.array(room, np.int64).reshape(-1, h.periods)
        tight = np.diff(t.part_ptr) > 1
        over = self.part_net > room_w.min(1)[self.part_site]
        over |= self.part_chips > left.min(1)[t.part_pool]
        tight[self.own[over]] = True
        return Columns(
            t.job_ptr, late, due, fixed, t.duration, t.first, t.end_by, t.restart, self._kinds(),
            mask, tight, t.part_ptr, self.part_site, t.part_pool, self.part_net, self.part_chips,
            *uses, works, when, done, power, rows, room_w, left,
        ), self.most < SURE  # fmt: skip

    def _kinds(self) -> Ints:
        """Return from when each mode may start (see `Columns`)."""
        kinds = np.where(self.stays, 2, np.where(self.table.stays, 1, 0))
        for m in np.flatnonzero(self.table.stays).tolist():
            mode = self.instance.modes(int(self.job[m]))[0]
            ends = run_ends(mode.duration, self.world.stands(mode), self.world.T)
            if not ids_usable(self.instance, mode, int(ends[0])):
                kinds[m] = 3
        return kinds

    def _masks(self) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the mask of every mode, and in which periods a gang of a mask works, (K, T)."""
        called = list(self.world.called.values())
        mask, known = np.zeros(len(self.job), np.int64), dict[tuple[int, ...], int]()
        works = [np.ones(self.world.T, bool)]
        for m in np.flatnonzero(self.table.pauses).tolist():
            parts = slice(int(self.table.part_ptr[m]), int(self.table.part_ptr[m + 1]))
            sites = tuple(sorted(set(self.part_site[parts].tolist())))
            if sites not in known:
                known[sites] = len(works)
                works.append(~np.logical_or.reduce([called[s] for s in sites]))
            mask[m] = known[sites]
        return mask, np.array(works)

    def _power(self, works: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.float64]]:
        """Return sums of price x PUE by mask and site, (K, S, T+1), and totals by site, (S,)."""
        names = self.instance.sites
        zero = (0,) * self.world.T
        prices = [self.pricer.power[s].prices if s in self.pricer.power else zero for s in names]
        totals = np.array([float(sum(p)) for p in prices])
        return _sums(prices, totals, works), totals

    def _rows(self, works: NDArray[np.bool_]) -> tuple[Ints, tuple[Ints, Ints, Ints, Ints]]:
        """Return sums of prices of all other rows, (K, R, T+1), and what modes take of them."""
        rows = list(self._taken())
        totals = np.array([float(prices.total) for prices, _, _, _ in rows])
        mode = np.concatenate([_ints(()), *(mode for _, mode, _, _ in rows)])
        amount = np.concatenate([_ints(()), *(amount for _, _, amount, _ in rows)])
        lengths = [len(mode) for _, mode, _, _ in rows]
        row = np.repeat(np.arange(len(rows)), lengths)
        is_working = np.repeat(_flags(working for _, _, _, working in rows), lengths)
        np.add.at(self.most, mode, totals[row] * amount)
        order = np.lexsort((~is_working, mode))
        ptr = np.concatenate(([0], np.cumsum(np.bincount(mode, minlength=len(self.job)))))
        split = ptr[:-1] + np.bincount(mode[is_working], minlength=len(self.job))
        sums = _sums([prices.prices for prices, _, _, _ in rows], totals, works)
        return sums, (ptr, split, row[order], amount[order])

    def _taken(self) -> Iterator[tuple[Prices, Ints, Ints, bool]]:
        """Yield prices of a row, the modes that pay them, how much, and if while they work only."""
        pools, t = {name: i for i, name in enumerate(self.instance.pools)}, self.table
        for name, prices in self.pricer.chips.items():
            parts = np.flatnonzero(t.part_pool == pools[name])
            yield prices, self.own[parts], self.part_chips[parts], False
        for name, rows in self.pricer.slices.items():
            parts = np.flatnonzero(t.part_pool == pools[name])
            for q, prices in rows:
                held = t.part_slices[parts] * (t.part_slice[parts] // q)
                yield prices, self.own[parts], held, False
        for name, prices in self.pricer.quotas.items():
            yield prices, *self._held("quota", name), False
        for cut, prices in self.pricer.cuts:
            mode, amount = self._held(cut.row, cut.of)
            waits = ~self.stays[mode]
            yield prices, mode[waits], amount[waits] // cut.divisor, cut.row == "power"
        takes: dict[tuple[str, str], Ints] = {}
        index = {job.id: j for j, job in enumerate(self.instance.jobs)}
        for cover, prices in self.pricer.covers:
            place = cover.row, cover.of
            if place not in takes:
                takes[place] = np.zeros(len(self.job), np.int64)
                mode, amount = self._held(*place)
                takes[place][mode] = amount
            yield prices, *self._covered(cover.items, takes[place], index), cover.row == "power"

    def _covered(
        self, items: Iterable[CoverItem], held: Ints, index: dict[str, int]
    ) -> tuple[Ints, Ints]:
        """Return which modes pay a cover row, and how much; jobs in it do not have to stay."""
        pays: dict[int, int] = {}
        for item in items:
            j = index[item.job]
            first, last = int(self.table.job_ptr[j]), int(self.table.job_ptr[j + 1])
            for m in range(first, last):
                if held[m] >= item.least:
                    pays[m] = max(pays.get(m, 0), item.coefficient)
        return _ints(pays), _ints(pays.values())

    def _held(self, kind: str, of: str) -> tuple[Ints, Ints]:
        """Return which modes hold something of a pool, site or tenant, and how much in all."""
        if kind == "quota":
            own = _flags(job.tenant == of for job in self.instance.jobs)[self.job]
            return np.flatnonzero(own), self.table.chips[own]
        if kind == "power":
            here, amount = self.part_site == list(self.instance.sites).index(of), self.part_net
        else:
            pool = list(self.instance.pools).index(of)
            here, amount = self.table.part_pool == pool, self.part_chips
        mode, back = np.unique(self.own[here], return_inverse=True)
        total = np.zeros(len(mode), np.int64)
        np.add.at(total, back, amount[here])
        return mode, total

    def _fixed(self) -> Ints:
        """Return value less what is paid once, (M,); what is too much for 64 bits is marked."""
        t, c, instance = self.table, self.certificate, self.instance
        budgets = [c.budgets.get(name, 0) for name in instance.budgets]
        paid = np.zeros(len(self.job), np.int64)
        of_use = np.repeat(np.arange(len(self.job)), np.diff(t.use_ptr))
        self.most += np.abs(self.values[self.job]) + t.one_off
        prices = np.array([min(price, 2**62) for price in budgets], np.int64)
        np.add.at(paid, of_use, prices[t.use_budget] * t.use_amount)
        np.add.at(self.most, of_use, prices[t.use_budget].astype(float) * t.use_amount)
        for j, job in enumerate(instance.jobs):
            own = slice(int(t.job_ptr[j]), int(t.job_ptr[j + 1]))
            at_sites = c.spread.get(job.group or "", {})
            moves = (c.moves or 0) if job.running is not None else 0
            each = [
                sum(at_sites.get(site, 0) for site in instance.sites_of(mode))
                + moves * (not mode.stays)
                for mode in (instance.modes(j) if at_sites or moves else ())
            ]
            more = self.pricer.order.get(job.id, 0)
            if not each and not more:
                continue
            if max(map(abs, each), default=0) + abs(more) >= SURE:
                self.most[own] = SURE
                continue
            paid[own] += np.array(each, np.int64) + more if each else more
            self.most[own] += max(map(abs, each), default=0) + abs(more)
        fixed: Ints = self.values[self.job] - t.one_off - paid
        return fixed


def _work(works: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return work before each boundary by mask, (K, T+1), and the first boundary with so much."""
    done: Ints = np.concatenate(
        (np.zeros((len(works), 1), np.int64), np.cumsum(works, axis=1)), axis=1
    )
    T = works.shape[1]
    when = np.array([np.searchsorted(row, np.arange(T + 1)) for row in done], np.int64)
    return done, when  # beyond the last boundary where there is not so much work


def _sums(
    prices: Sequence[Sequence[int]], totals: NDArray[np.float64], works: NDArray[np.bool_]
) -> Ints:
    """Return sums before each boundary over the periods in which a gang works, (K, R, T+1).

    Those of rows whose total does not fit into 64 bits are 0: no mode that pays them is sure.
    """
    K, T = works.shape
    table = np.zeros((len(prices), T), np.int64)
    for r, row in enumerate(prices):
        if totals[r] < SURE:
            table[r] = row
    out = np.zeros((K, len(prices), T + 1), np.int64)
    for k in range(K):
        np.cumsum(table * works[k], axis=1, out=out[k, :, 1:])
    return out


def _ints(items: Iterable[int]) -> Ints:
    return np.array(list(items), np.int64)


def _flags(items: Iterable[bool]) -> NDArray[np.bool_]:
    return np.array(list(items), bool)
