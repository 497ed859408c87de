"""A fleet as the generator sees it: its pools with their domains, and free domains at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.sites import IdRange

__all__ = ["FleetPool", "FreeDomains", "fleet_of"]


@dataclass(frozen=True, slots=True)
class FleetPool:
    """A pool with what the generator asks of it.

    Attributes
    ----------
    domains, domain_chips
        Domains usable throughout the horizon, and chips in each.
    sizes
        Slices that may be cut, ascending [chips].
    rent
        Rent of a chip [USD/h].
    """

    name: str
    site: str
    chip: str
    domain: str | None
    domains: int
    domain_chips: int
    sizes: tuple[int, ...]
    rent: float

    @property
    def chips(self) -> int:
        """Chips usable throughout the horizon."""
        return self.domains * self.domain_chips


def fleet_of(world: Instance) -> tuple[FleetPool, ...]:
    """Return the pools of an instance, as the generator sees them."""
    found = []
    for name, pool in world.pools.items():
        chip = world.chips[pool.chip]
        domain = None if pool.domain is None else world.domains[pool.domain]
        found.append(
            FleetPool(
                name,
                pool.site,
                pool.chip,
                pool.domain,
                int(pool.usable(world.horizon).min()),
                1 if domain is None else domain.chips,
                (1,) if domain is None else tuple(sorted(domain.sizes)),
                chip.rent_usd_per_chip_hour or 1.0,
            )
        )
    return tuple(found)


class FreeDomains:
    """Free chips of each domain of a pool when the horizon starts, handed out from id 0 upwards."""

    def __init__(self, world: Instance, pool: FleetPool) -> None:
        self._has_ids = pool.domain is not None
        self._free = np.full(pool.domains, pool.domain_chips, np.int64)
        for (first, last), _, _ in world.pools[pool.name].out_of_use(world.horizon):
            self._free[first : last + 1] = 0  # running jobs keep clear of maintenance

    def take(self, slice_chips: int, slices: int) -> tuple[IdRange, ...] | None:
        """Return an id for each slice, as runs of ids (a pool that is only a chip count has none).

        None where they do not fit.
        """
        fits = self._free // slice_chips
        ids = np.repeat(np.arange(len(fits)), fits)[:slices]
        if len(ids) < slices:
            return None
        np.subtract.at(self._free, ids, slice_chips)
        if not self._has_ids:
            return ()
        runs: list[tuple[int, int]] = []
        for one in ids.tolist():
            if runs and one == runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], one)
            else:
                runs.append((one, one))
        return tuple(runs)
