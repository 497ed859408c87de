"""The best column of a job at the prices of a certificate, exact."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from optimizer.domain.modes import Mode, ids_usable, run_ends
from optimizer.units import nano, nano_per_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.place.bound.world import Ints, World
    from optimizer.place.plan import Certificate

__all__ = ["BestColumn", "Pricer"]

LARGEST = 2**62
"""Sums that could pass this are made with Python's integers instead of int64."""


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


class Pricer:
    """Prices of columns: prefix sums over periods, exact."""

    def __init__(
        self, world: World, certificate: Certificate, values: Sequence[int] | None = None
    ) -> None:
        self.world, self.certificate = world, certificate
        self.values = values or [nano(job.value_usd) for job in world.instance.jobs]
        self.power = {
            name: np.array(p, object) * world.pue[name].astype(object)
            for name, p in certificate.power.items()
        }
        self.chips = {name: np.array(p, object) for name, p in certificate.chips.items()}
        self.quotas = {name: np.array(p, object) for name, p in certificate.quotas.items()}
        self.slices = {
            pool: [(r.slice_chips, np.array(r.prices, object)) for r in rows]
            for pool, rows in groupby(
                sorted(certificate.slices, key=lambda r: r.pool), lambda r: r.pool
            )
        }
        self.cuts = [(r, np.array(r.prices, object)) for r in certificate.rounding if any(r.prices)]

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
    ) -> NDArray[np.object_]:
        """Return value less lateness, one-offs and prices for every start [nano-USD]."""
        job = self.world.instance.jobs[j]
        has_to_stay = self.world.instance.has_to_stay(j)
        power, other = self._prices(mode, stands, job.tenant, has_to_stay)
        spent = (power[ends] - power[starts]) // 1000 + other[ends] - other[starts]
        spent = spent + late * np.maximum(ends - due, 0).astype(object)
        if mode.restart_nano and stands.any():
            calls = np.concatenate(([0], np.cumsum(stands)))
            spent = spent + mode.restart_nano * (calls[ends] > calls[starts])
        used = sum(self.certificate.budgets.get(name, 0) * x for name, x in mode.uses)
        at_sites = self.certificate.spread.get(job.group or "", {})
        if job.running is not None and not mode.stays:
            used += self.certificate.moves or 0
        used += sum(at_sites.get(site, 0) for site in self.world.instance.sites_of(mode))
        result: NDArray[np.object_] = self.values[j] - mode.one_off_nano - used - spent
        return result

    def _prices(
        self, mode: Mode, stands: NDArray[np.bool_], tenant: str | None, is_running: bool
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return prefix sums of a mode's price of power (x 1000) and of all other rows, (T+1,)."""
        world, T = self.world, self.world.T
        power, other = np.zeros(T, object), np.zeros(T, object)
        cut_w: dict[str, int] = {}
        cut_chips: dict[str, int] = {}
        for part in mode.parts:
            site, net = world.instance.pools[part.pool].site, part.draw_w - part.idle_w
            cut_w[site] = cut_w.get(site, 0) + net
            cut_chips[part.pool] = cut_chips.get(part.pool, 0) + part.chips
            if site in self.power:
                power = power + self.power[site] * net
            if part.pool in self.chips:
                other = other + self.chips[part.pool] * part.chips
            for q, prices in self.slices.get(part.pool, ()):
                other = other + prices * (part.slices * (part.slice_chips // q))
        if tenant in self.quotas:
            other = other + self.quotas[tenant] * mode.chips
        works = (~stands).astype(object)
        for cut, prices in () if is_running else self.cuts:
            amount = (cut_chips if cut.row == "chips" else cut_w).get(cut.of, 0) // cut.divisor
            if amount:
                other = other + prices * (amount * (1 if cut.row == "chips" else works))
        return _prefix(power * works), _prefix(other)


def _prefix(row: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return prefix sums with a leading 0, as int64 where nothing can overflow."""
    if sum(int(x) for x in row) < LARGEST:
        row = row.astype(np.int64)
    return np.concatenate(([0], np.cumsum(row)))
