"""What limits a plan: hours at the cap, what one more MW or domain is worth, what is left over.

Worth of a MW: one more MW of the site's largest supply, paid at that supply's price of energy,
raises the certified bound in a period by `1e6 W x max(0, price of power - energy - permit)`, and by
the price of every rounding and cover row that it lets grow. Worth of a domain: price of its chips,
of the slices cut from it and of rounding and cover rows, over the whole horizon. A slope of the
bound, so for the plan an estimate; power and chips are priced apart.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from optimizer.place.account.prices import Row

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from optimizer.place.account.ledger import Ints, Ledger
    from optimizer.place.account.prices import PriceBook

__all__ = [
    "days",
    "full_training_w",
    "headroom_chips",
    "is_at_cap",
    "is_full",
    "is_scarce",
    "largest_supply",
    "worth_of_domain",
    "worth_of_mw",
]

NEAR = 0.01
"""A cap or a pool counts as reached where less than this share of it is unused."""

SCARCE_NANO = 1_000
"""Power counts as scarce where one more MWh is worth at least this [nano-USD per Wh: 1 USD/MWh]."""


def largest_supply(ledger: Ledger, site: str) -> str:
    """Return the supply of a site that can give most energy: the one that would be enlarged."""
    supplies = ledger.instance.sites[site].supplies
    keys = [k for k, s in supplies.items() if s.storage is None]
    return max(keys, key=lambda k: int(ledger.caps[site, k].sum()))


def worth_of_mw(ledger: Ledger, book: PriceBook, site: str) -> list[int]:
    """Return what one more MW of the largest supply is worth in every period [nano-USD]."""
    key = largest_supply(ledger, site)
    permit = ledger.plan.certificate.permits.get(f"{site}/{key}", 0)
    power = book.rows.get(Row("power", site), np.zeros(ledger.T, object))
    margin = power - ledger.cost[site, key].astype(object) - permit
    worth = 1_000_000 * np.maximum(margin, 0)
    more = 1_000_000_000 // ledger.pue[site]
    for row, prices in book.rows.items():
        if row.of == site and row.kind in ("round_power", "cover_power"):
            grown = book.right_side(row, more) - book.right_side(row)
            worth = worth + prices * grown.astype(object)
    return [int(x) for x in worth]


def worth_of_domain(ledger: Ledger, book: PriceBook, pool: str) -> list[int]:
    """Return what one more domain (chip, where there are none) is worth in every period."""
    size = ledger.instance.domain_chips(ledger.instance.pools[pool])
    worth = np.zeros(ledger.T, object)
    for row, prices in book.rows.items():
        if row.of != pool:
            continue
        if row.kind == "chips":
            worth = worth + prices * size
        elif row.kind == "slices":
            worth = worth + prices * (size // row.size)
        elif row.kind in ("round_chips", "cover_chips"):
            grown = book.right_side(row, size) - book.right_side(row)
            worth = worth + prices * grown.astype(object)
    return [int(x) for x in worth]


def is_scarce(ledger: Ledger, worth: list[int]) -> NDArray[np.bool_]:
    """Return in which periods one more MWh is worth at least 1 USD, (T,)."""
    least = 1_000_000 * SCARCE_NANO * ledger.horizon.period_hours
    return np.array([x >= least for x in worth], bool)


def is_at_cap(ledger: Ledger, site: str) -> NDArray[np.bool_]:
    """Return in which periods less than 1 % of a site's cap is unused, (T,)."""
    cap = 1000 * ledger.cap_w[site]
    near: NDArray[np.bool_] = (cap - ledger.load_mw(site)) < NEAR * cap
    return near & (cap > 0)


def is_full(ledger: Ledger, pool: str) -> NDArray[np.bool_]:
    """Return in which periods less than 1 % of a pool's usable chips is free, (T,)."""
    usable = ledger.usable[pool]
    full: NDArray[np.bool_] = (usable - ledger.used[pool]) < NEAR * usable
    return full & (usable > 0)


def full_training_w(ledger: Ledger, site: str) -> Ints:
    """Return what a site would draw with every chip present in training, (T,) [W]."""
    instance = ledger.instance
    milli = 1000 * instance.sites[site].other_w(ledger.horizon)
    for name, pool in instance.pools.items():
        if pool.site == site:
            chip = instance.chips[pool.chip]
            draw = [chip.gang_w(int(n), "full") if n else 0 for n in ledger.present[name]]
            milli = milli + ledger.pue[site] * np.array(draw, np.int64)
    load: Ints = -(-milli // 1000)
    return load


def headroom_chips(ledger: Ledger, site: str) -> tuple[str, int, int] | None:
    """Return (chip, W left, chips more in training) with all chips of a site in training.

    The chip is that of its largest pool; None where power would not suffice for all.
    """
    left = ledger.cap_w[site] - full_training_w(ledger, site)
    pools = [n for n, pool in ledger.instance.pools.items() if pool.site == site]
    if not pools or int(left.min()) <= 0:
        return None
    largest = max(pools, key=lambda n: int(ledger.present[n].sum()))
    name = ledger.instance.pools[largest].chip
    each = ledger.instance.chips[name].training_kw
    chips = min(int(x) for x in (1000 * left // ledger.pue[site]) / (1000 * each))
    return name, int(left.min()), chips


def days(ledger: Ledger) -> list[tuple[date, slice]]:
    """Return the UTC days of the horizon and the periods that begin on each."""
    found = []
    dates = [ledger.horizon.time_of(t).date() for t in range(ledger.T)]
    for day, group in groupby(range(ledger.T), key=lambda t: dates[t]):
        periods = list(group)
        found.append((day, slice(periods[0], periods[-1] + 1)))
    return found
