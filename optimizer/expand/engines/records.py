"""What operation is told and what it says: arrays by future, period, block, site."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["NEVER", "Costs", "Found", "Given", "World"]

NEVER = 1e30
"""Cost of what is not to be had [USD]."""


class World(NamedTuple):
    """What operation is told besides capacities. F futures, T periods, B blocks.

    Attributes
    ----------
    hours : (T, B)
    stock_ptr, source_ptr : (S + 1,)
        First stock and first source of every site; stocks with most compute per watt first.
    draw, unit : stocks
        Of a domain [W, units of compute].
    take, permit : sources
        Share that is paid for in any case; number of the permit or -1.
    price : (F, T, B, J), carbon : (T, J)
        Of energy [USD per Wh].
    permit_w : (F, T, permits)
        What is permitted at each site [W].
    pue, other : (T, S)
    volume : (F, T, B, K), worth : (F, T, K), order : (F, T, K)
        Units of compute, USD per unit and hour; demands in the order in which they are served.
    may : (K, S)
        Which site may serve which demand.
    lease_site : (L,), lease_w : (F, T, L), lease_worth, lease_order : (T, L)
        W and USD per W and hour; leases in the order in which they are served.
    """

    hours: Floats
    stock_ptr: Ints
    source_ptr: Ints
    draw: Floats
    unit: Floats
    take: Floats
    permit: Ints
    price: Floats
    carbon: Floats
    permit_w: Floats
    pue: Floats
    other: Floats
    volume: Floats
    worth: Floats
    order: Ints
    may: NDArray[np.bool_]
    lease_site: Ints
    lease_w: Floats
    lease_worth: Floats
    lease_order: Ints


class Given(NamedTuple):
    """Capacities: domains (F, T, stocks), halls [W] (F, T, S), sources [W] (F, T, B, J).

    Attributes
    ----------
    charge : (F, T, B, S)
        What batteries of a site are charged with, beside its other load [W].
    """

    there: Floats
    hall: Floats
    cap: Floats
    charge: Floats


class Costs(NamedTuple):
    """What it costs to have a W at the meter, and one of hall, for an hour [USD].

    Attributes
    ----------
    power, hall : (F, T, S)
        `NEVER` before any that is ordered can be there.
    """

    power: Floats
    hall: Floats


class Found(NamedTuple):
    """What came of it, summed over the hours of a period; slopes in USD.

    Attributes
    ----------
    served : (F, T, K)
        Unit-hours.
    leased : (F, T, L)
        Wh of IT delivered.
    drawn : (F, T, J)
        Wh.
    energy : (F, T, S)
        What is paid for them, without what is paid in any case [USD].
    by_stock, by_hall, by_cap, by_volume, by_lease
        Slopes by a domain, by a W of hall, by a W of a source in a block, by a unit of volume in
        every hour of a block, by a W leased.
    fixed : (F, T, S)
        What is left of the dual: no capacities earn more than it and slopes times capacities.
    """

    served: Floats
    leased: Floats
    drawn: Floats
    energy: Floats
    by_stock: Floats
    by_hall: Floats
    by_cap: Floats
    by_volume: Floats
    by_lease: Floats
    fixed: Floats
