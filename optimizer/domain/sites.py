"""Sites and the pools of chips on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from optimizer.domain.chips import Cooling
from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.horizon import Horizon, Moment
from optimizer.domain.power import MAX_MW, Supply
from optimizer.domain.series import Series, constant, within
from optimizer.units import pue_thousandths, watts_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IdRange", "Maintenance", "Pool", "Site"]

IdRange = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
"""First and last domain id of a run of ids, both included."""


class Site(Entity):
    """A campus with one power cap per period.

    Attributes
    ----------
    country, owner
        Where it lies (ISO code) and whose it is: what residency asks for.
    pue
        Power usage effectiveness: meter over IT load.
    cooling
        Kinds of cooling it has.
    racks
        Floor space [racks]; None where it is not known.
    other_load_mw
        Load at the meter besides the chips, not multiplied by PUE [MW].
    supplies
        Its power sources, by name.
    """

    name: Text = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    owner: Text = ""
    pue: Annotated[Series, within(1, 3, "")]
    cooling: tuple[Cooling, ...] = ("air", "liquid")
    racks: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    other_load_mw: Annotated[Series, within(0, MAX_MW, "MW")] = constant(0)
    supplies: dict[Id, Supply]

    def pue_milli(self, horizon: Horizon) -> NDArray[np.int64]:
        """Return PUE in thousandths for every period, shape (T,)."""
        return np.array([pue_thousandths(x) for x in self.pue.over(horizon, "max")], np.int64)

    def other_w(self, horizon: Horizon) -> NDArray[np.int64]:
        """Return the other load [W] for every period, rounded up, shape (T,)."""
        load = self.other_load_mw.over(horizon, "max")
        return np.array([watts_up(x * 1000) for x in load], np.int64)

    def largest_supply(self, horizon: Horizon) -> str | None:
        """Return the name of the supply with the highest cap of any period; None without any."""
        caps = {name: int(each.cap_w(horizon).max()) for name, each in self.supplies.items()}
        return max(caps, key=lambda name: caps[name], default=None)

    def is_called(self, horizon: Horizon) -> NDArray[np.bool_]:
        """Return in which periods a call on any supply is in force, shape (T,)."""
        called = np.zeros(horizon.periods, bool)
        for supply in self.supplies.values():
            called |= supply.is_called(horizon)
        return called


class Maintenance(Entity):
    """Domains of a pool that are out of use for a while: the ids named, from when to when."""

    domains: tuple[IdRange, ...]
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="until")


class Pool(Entity):
    """Chips of one type at a site that one gang can span.

    Attributes
    ----------
    domain
        The scale-up domain its chips come in; None for a pool that is only a chip count.
    count
        Domains present, numbered 0..count-1 (chips, where `domain` is None), over time.
    spares
        How many of the present domains, the highest numbers, are kept free.
    maintenance
        Domains out of use for a while.
    """

    site: Id
    chip: Id
    domain: Id | None = None
    count: Annotated[Series, within(0, 100_000_000, "")]
    spares: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    maintenance: tuple[Maintenance, ...] = ()

    def present(self, horizon: Horizon) -> NDArray[np.int64]:
        """Return the domains (or chips) present in every period, spares included, shape (T,)."""
        return np.floor(self.count.over(horizon, "min") + 1e-6).astype(np.int64)

    def usable(self, horizon: Horizon, more: int = 0) -> NDArray[np.int64]:
        """Return how many domains (or chips) are present and no spares, shape (T,).

        more
            So many are added in every period.
        """
        return np.maximum(self.present(horizon) + more - self.spares, 0)

    def in_service(self, horizon: Horizon, more: int = 0) -> NDArray[np.int64]:
        """Return the domains present, no spares and not in maintenance, shape (T,).

        more
            So many are added in every period.
        """
        usable = self.usable(horizon, more)
        if not self.maintenance:
            return usable
        there = np.arange(int(usable.max()))[:, None] < usable[None, :]
        for (low, high), begin, end in self.out_of_use(horizon):
            there[low : high + 1, begin:end] = False
        left: NDArray[np.int64] = there.sum(0)
        return left

    def out_of_use(self, horizon: Horizon) -> list[tuple[IdRange, int, int]]:
        """Return maintenance as (first and last id, first period, period after the last)."""
        return [
            (ids, max(0, horizon.down(m.start)), min(horizon.periods, horizon.up(m.end)))
            for m in self.maintenance
            for ids in m.domains
        ]
