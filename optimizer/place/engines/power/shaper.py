"""Which view a search gets: from the prices of the dual, and from what it has placed so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.engines.power.schedule import has_storage_or_peaks
from optimizer.place.engines.power.shape import View, view_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.prices import Dual

__all__ = ["TURNS", "Shaper", "shaper_of"]

TURNS = 8
"""How often in a run a search gets a new view."""

ROOM = 0.02
"""Room above the load that a new view holds for other runs, as a share of the site's largest cap,
beside what the fractional plan draws more."""


def shaper_of(a: PlaceArrays, dual: Dual) -> Shaper | None:
    """Return the maker of views at the best prices of a dual; None where nothing needs them."""
    if not has_storage_or_peaks(a):
        return None
    return Shaper(a, dual.best.rows[: len(a.pue)], dual.power_use())


class Shaper:
    """Views for the searches of one instance.

    Parameters
    ----------
    power_usd : (S, T)
        Whole price of power at the meter [USD per W-period].
    fractional_w : (S, T)
        IT watts above idle of the dual's fractional plan.
    """

    def __init__(
        self, a: PlaceArrays, power_usd: NDArray[np.float64], fractional_w: NDArray[np.float64]
    ) -> None:
        self.a = a
        self.worth = power_usd * 1e9
        self.wanted = self._meter(fractional_w)
        bounds = zip(a.sup_ptr[:-1], a.sup_ptr[1:], strict=True)
        largest = [a.sup_cap[p:q].sum(0).max(initial=0) for p, q in bounds]
        self.more = ROOM * np.array(largest, np.float64)[:, None]

    def _meter(self, it_w: NDArray[np.float64]) -> NDArray[np.float64]:
        meter: NDArray[np.float64] = (self.a.pue * it_w + self.a.fixed_mw) / 1000
        return meter

    def first(self, it_w: Ints) -> View:
        """Return the view for running jobs alone, with room for the fractional plan.

        it_w : (S, T)
            IT watts above idle of running jobs.
        """
        view = self._view(it_w, 0.0, or_idle=True)
        assert view is not None
        return view

    def again(self, it_w: Ints) -> View | None:
        """Return a view for what is placed, with some room; None where none was found."""
        return self._view(it_w, self.more, or_idle=False)

    def _view(self, it_w: Ints, more: NDArray[np.float64] | float, or_idle: bool) -> View | None:
        meter = -(-(self.a.pue * it_w + self.a.fixed_mw) // 1000)
        room = np.maximum(self.wanted - meter, 0) + more
        return view_of(self.a, meter, self.worth, room, or_idle)
