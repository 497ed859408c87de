"""The proof that there is no plan: prices on the feasibility image whose bound is below 0.

Every plan of the image is worth 0, so its bound is at least 0 as long as there is one. The bound
grows in proportion to the prices: where prices below 0 exist (a ray in the sense of Farkas), the
smoothed dual runs away along them, and is stopped as soon as it is clearly below. Then all prices
are scaled up together, so that whole numbers hold them well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.answer import named_prices
from optimizer.place.arrays import build_arrays
from optimizer.place.certificate import upper_bound
from optimizer.place.engines.dual.cuts import add_rounding
from optimizer.place.engines.prices import COARSE, FINE, Dual, Prices, Stop
from optimizer.place.goal import feasibility_image
from optimizer.place.plan import Certificate, Conflict, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.domain.instance import Instance
    from optimizer.place.plan import PlacePlan

__all__ = ["declared", "is_disproof", "prove"]

CLEARLY_USD = 0.1
"""A bound so far below 0 is no float noise [USD]; the dual's prices are of the order of 1 USD."""

SCALE = 1e6
"""Rounding a price of power to whole nano-USD moves the bound of a site of 100 MW by up to 0.1 USD
an hour; scaled, the bound itself is of the order of 1e5 USD or more."""


def prove(
    instance: Instance, is_over: Callable[[], bool], threads: int = 1, full: bool = True
) -> Certificate | None:
    """Return prices that prove that an instance has no plan; None where none were found.

    Parameters
    ----------
    is_over
        Says whether to end the search for them.
    full
        Also try rounding rows and finer smoothing.
    """
    image = feasibility_image(instance)
    nothing = Certificate()
    if not image.jobs:
        return None
    if upper_bound(image, nothing).total is None:
        return nothing
    dual: Dual

    def poll(bound: float) -> None:
        if bound < -CLEARLY_USD or (is_over() and dual.evaluations > 2):
            raise Stop

    dual = Dual(build_arrays(image), threads, poll)
    try:
        dual.minimise(COARSE + FINE[:1])
        is_open = full and dual.best.bound >= -CLEARLY_USD and not is_over()
        if is_open and add_rounding(dual, FINE[-1][1]):
            dual.minimise(FINE[:1])
    finally:
        dual.close()
    if dual.best.bound >= 0:
        return None
    prices = named_prices(image, _scaled(dual.finish()))
    limit = upper_bound(image, prices).total
    return prices if limit is None or limit < 0 else None


def is_disproof(instance: Instance, prices: Certificate) -> bool:
    """Return whether prices prove that an instance has no plan."""
    limit = upper_bound(feasibility_image(instance), prices).total
    return limit is None or limit < 0


def declared(plan: PlacePlan, prices: Certificate) -> PlacePlan:
    """Return a plan file that says, and proves by prices on the image, that there is no plan."""
    run = plan.run.model_copy(update={"stopped_by": "proof"})
    known = Conflict(prices=prices)
    return plan.model_copy(update={"status": Status.INFEASIBLE, "conflict": known, "run": run})


def _scaled(p: Prices) -> Prices:
    """Return prices scaled up together, so that whole nano-USD hold them well."""
    rows = p.rows * SCALE, p.budgets * SCALE, p.permits * SCALE, p.held * SCALE
    return Prices(p.table, *rows, p.bound)
