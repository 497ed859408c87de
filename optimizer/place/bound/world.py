"""Right sides and rooms of an instance that the bound needs, added up from the instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.modes import Mode, run_ends

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["Ints", "World"]

Ints = NDArray[np.int64]


class World:
    """Right sides and rooms that the bound needs, added up from the instance."""

    def __init__(self, instance: Instance) -> None:
        h = instance.horizon
        self.instance = instance
        self.T = h.periods
        self.called = {name: site.is_called(h) for name, site in instance.sites.items()}
        self.pue = {name: site.pue_milli(h) for name, site in instance.sites.items()}
        self.chips = {
            name: pool.usable(h) * instance.domain_chips(pool)
            for name, pool in instance.pools.items()
        }
        self.fixed = {name: 1000 * site.other_w(h) for name, site in instance.sites.items()}
        for pool in instance.pools.values():
            chips = pool.present(h) * instance.domain_chips(pool)
            idle = instance.chips[pool.chip].idle_w
            self.fixed[pool.site] = self.fixed[pool.site] + self.pue[pool.site] * idle * chips
        self.caps = {
            (name, key): supply.cap_w(h)
            for name, site in instance.sites.items()
            for key, supply in site.supplies.items()
        }
        self.room = {
            name: (1000 * self._supplied(name) - self.fixed[name]) // self.pue[name]
            for name in instance.sites
        }
        self.chips_left = {name: row.copy() for name, row in self.chips.items()}
        self.quota_left = {
            name: np.full(self.T, tenant.quota_chips or 0, np.int64)
            for name, tenant in instance.tenants.items()
        }
        for j, job in enumerate(instance.jobs):
            if instance.has_to_stay(j):
                self._take_away(instance.modes(j)[0], job.tenant)

    def left(self, row: str, of: str) -> Ints:
        """Return what running jobs that have to stay leave of chips, power or a quota, (T,)."""
        return {"chips": self.chips_left, "power": self.room, "quota": self.quota_left}[row][of]

    def _supplied(self, site: str) -> Ints:
        rows = [cap for (name, _), cap in self.caps.items() if name == site]
        total: Ints = np.sum([np.zeros(self.T, np.int64), *rows], axis=0)
        return total

    def _take_away(self, mode: Mode, tenant: str | None) -> None:
        """Subtract a running job from what the others may have."""
        stands = self.stands(mode)
        end = int(run_ends(mode.duration, stands, self.T)[0])
        if tenant is not None:
            self.quota_left[tenant][:end] -= mode.chips
        for part in mode.parts:
            site = self.instance.pools[part.pool].site
            self.chips_left[part.pool][:end] -= part.chips
            self.room[site][:end] -= ~stands[:end] * np.int64(part.draw_w - part.idle_w)

    def stands(self, mode: Mode) -> NDArray[np.bool_]:
        """Periods in which a mode would stand still, shape (T,)."""
        still = np.zeros(self.T, bool)
        if mode.pauses:
            for part in mode.parts:
                still |= self.called[self.instance.pools[part.pool].site]
        return still
