"""The best column of a job at the prices of a certificate, exact."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.domain.modes import Mode, ids_usable, run_ends
from optimizer.place.bound.covers import coefficient, spread_out
from optimizer.units import nano, nano_per_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.domain.jobs import Job
    from optimizer.place.bound.prices import Cover
    from optimizer.place.bound.world import Ints, World
    from optimizer.place.plan import Certificate

__all__ = ["BestColumn", "Pricer", "Prices"]

LARGEST = 2**62
"""Prices of a run that could add up to more are summed in Python's integers, not in int64."""


@dataclass(frozen=True, slots=True)
class BestColumn:
    """The best (mode, start) of a job at the prices.

    Attributes
    ----------
    profit
        Its value less all prices [nano-USD]; None where no column is allowed.
    mode, start
        Which it is; -1 where there is none.
    """

    profit: int | None
    mode: int
    start: int


class Prices:
    """Prices of a row, one a period, and exact prefix sums of them, (T+1,)."""

    def __init__(self, prices: Iterable[int]) -> None:
        self.prices = tuple(prices)
        self.total = sum(self.prices)
        self._sums: dict[bytes, NDArray[Any]] = {}

    def sums(self, works: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the sums over the periods in which a gang works: int64 if they fit, else object"""
        key = works.tobytes()
        if key not in self._sums:
            counted = [p if w else 0 for p, w in zip(self.prices, works.tolist(), strict=True)]
            kind: Any = np.int64 if self.total < LARGEST else object
            self._sums[key] = np.array([0, *accumulate(counted)], kind)
        return self._sums[key]


Taken = list[tuple[Prices, int]]
"""What a mode takes of rows: their prices, and how much of each in every period."""


class Pricer:
    """Prices of columns, exact."""

    def __init__(
        self, world: World, certificate: Certificate, values: Sequence[int] | None = None
    ) -> None:
        self.world, self.certificate = world, certificate
        self.values = values or [nano(job.value_usd) for job in world.instance.jobs]
        self.power = {
            name: Prices(x * y for x, y in zip(p, world.pue[name].tolist(), strict=True))
            for name, p in certificate.power.items()
        }
        self.chips = {name: Prices(p) for name, p in certificate.chips.items()}
        self.quotas = {name: Prices(p) for name, p in certificate.quotas.items()}
        self.slices: dict[str, list[tuple[int, Prices]]] = {}
        for r in certificate.slices:
            self.slices.setdefault(r.pool, []).append((r.slice_chips, Prices(r.prices)))
        self.order: dict[str, int] = {}
        for after, by_predecessor in certificate.precedence.items():
            for before, price in by_predecessor.items():
                self.order[after] = self.order.get(after, 0) + price
                self.order[before] = self.order.get(before, 0) - price
        self.cuts = [(r, Prices(r.prices)) for r in certificate.rounding if any(r.prices)]
        self.covers = [
            (r, Prices(spread_out(r, world.T))) for r in certificate.covers if any(r.prices)
        ]
        self.covers_of: dict[str, list[tuple[Cover, Prices]]] = {}
        for cover, prices in self.covers:
            for name in {item.job for item in cover.items}:
                self.covers_of.setdefault(name, []).append((cover, prices))

    def best(self, j: int) -> BestColumn:
        """Return the best column of jobs[j]."""
        job, h = self.world.instance.jobs[j], self.world.instance.horizon
        late = nano_per_period(job.late_usd_per_hour, h.period_hours)
        due = h.periods if job.due is None else h.down(job.due)
        best = BestColumn(None, -1, -1)
        for m, mode in enumerate(self.world.instance.modes(j)):
            stands = self.world.stands(mode)
            ends = run_ends(mode.duration, stands, h.periods)
            starts = self._starts(mode, stands, ends, self.world.instance.has_to_stay(j))
            usable = not mode.stays or ids_usable(self.world.instance, mode, int(ends[0]))
            if not usable or not len(starts):
                continue
            profit = self._profit(j, mode, stands, starts, ends[starts], late, due)
            i = int(np.argmax(profit))
            if best.profit is None or int(profit[i]) > best.profit:
                best = BestColumn(int(profit[i]), m, int(starts[i]))
        return best

    def _starts(self, mode: Mode, stands: NDArray[np.bool_], ends: Ints, is_running: bool) -> Ints:
        """Return the allowed starts of a mode."""
        if is_running:
            return np.zeros(1, np.int64)
        world = self.world
        need_w: dict[str, int] = {}
        need_chips: dict[str, int] = {}
        for part in mode.parts:
            site = world.instance.pools[part.pool].site
            need_w[site] = need_w.get(site, 0) + part.draw_w - part.idle_w
            need_chips[part.pool] = need_chips.get(part.pool, 0) + part.chips
        bad = np.zeros(world.T, bool)
        for site, watts in need_w.items():
            bad |= ~stands & (world.room[site] < watts)
        for pool, chips in need_chips.items():
            bad |= world.chips_left[pool] < chips
        before = np.concatenate(([0], np.cumsum(bad)))
        starts = np.arange(1 if mode.stays else world.T)
        until = ends[starts]
        fits = (starts >= mode.first) & (until <= mode.end_by)
        clear = before[np.minimum(until, world.T)] == before[starts]
        allowed: Ints = starts[fits & clear]
        return allowed

    def _profit(
        self,
        j: int,
        mode: Mode,
        stands: NDArray[np.bool_],
        starts: Ints,
        ends: Ints,
        late: int,
        due: int,
    ) -> NDArray[Any]:
        """Return value less lateness, one-offs and prices for every start [nano-USD]."""
        job, T = self.world.instance.jobs[j], self.world.T
        power, working, always = self._taken(mode, job, self.world.instance.has_to_stay(j))
        used = sum(self.certificate.budgets.get(name, 0) * x for name, x in mode.uses)
        used += self.order.get(job.id, 0)
        at_sites = self.certificate.spread.get(job.group or "", {})
        if job.running is not None and not mode.stays:
            used += self.certificate.moves or 0
        used += sum(at_sites.get(site, 0) for site in self.world.instance.sites_of(mode))
        fixed = self.values[j] - mode.one_off_nano - used
        most = sum(p.total * amount for p, amount in (*power, *working, *always))
        most += abs(fixed) + late * T + mode.restart_nano
        kind: Any = np.int64 if most < LARGEST else object

        def paid(rows: Taken, works: NDArray[np.bool_]) -> NDArray[Any]:
            total = np.zeros(len(starts), kind)
            for p, amount in rows:
                sums = p.sums(works)
                total += (sums[ends] - sums[starts]).astype(kind) * amount
            return total

        profit: NDArray[Any] = fixed - paid(power, ~stands) // 1000 - paid(working, ~stands)
        profit -= paid(always, np.ones(T, bool)) + late * np.maximum(ends - due, 0).astype(kind)
        if mode.restart_nano and stands.any():
            calls = np.concatenate(([0], np.cumsum(stands)))
            profit -= mode.restart_nano * (calls[ends] > calls[starts]).astype(kind)
        return profit

    def _taken(self, mode: Mode, job: Job, has_to_stay: bool) -> tuple[Taken, Taken, Taken]:
        """Return what a mode takes of power (its prices x 1000), else while it works, and always"""
        power: Taken = []
        working: Taken = []
        always: Taken = []
        cut_w: dict[str, int] = {}
        cut_chips: dict[str, int] = {}
        for part in mode.parts:
            site, net = self.world.instance.pools[part.pool].site, part.draw_w - part.idle_w
            cut_w[site] = cut_w.get(site, 0) + net
            cut_chips[part.pool] = cut_chips.get(part.pool, 0) + part.chips
            if site in self.power:
                power.append((self.power[site], net))
            if part.pool in self.chips:
                always.append((self.chips[part.pool], part.chips))
            for q, prices in self.slices.get(part.pool, ()):
                always.append((prices, part.slices * (part.slice_chips // q)))
        tenant = job.tenant
        if tenant in self.quotas:
            always.append((self.quotas[tenant], mode.chips))
        own = {} if tenant is None else {tenant: mode.chips}
        held = {"chips": cut_chips, "power": cut_w, "quota": own}
        for cut, prices in () if has_to_stay else self.cuts:
            amount = held[cut.row].get(cut.of, 0) // cut.divisor
            (working if cut.row == "power" else always).append((prices, amount))
        for cover, prices in () if has_to_stay else self.covers_of.get(job.id, ()):
            amount = coefficient(cover.items, job.id, held[cover.row].get(cover.of, 0))
            (working if cover.row == "power" else always).append((prices, amount))
        return power, working, [each for each in always if each[1]]
