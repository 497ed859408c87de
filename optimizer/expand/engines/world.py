"""What no plan changes of an expansion, as arrays for operation: prices, demand, permits."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.domain.growth.prices import MILLION
from optimizer.expand.engines.records import World

if TYPE_CHECKING:
    from optimizer.domain.growth.image import Growth
    from optimizer.domain.growth.scenes import FutureImage

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

__all__ = ["factor_rows", "make_world", "moved_rows", "stock_order"]

USD_PER_WH = 1e-15
"""nano-USD per MWh in USD per Wh."""


def moved_rows(amount: Ints, factor: Ints) -> Ints:
    """Return `moved` of the integer image for whole arrays, without passing 64 bits."""
    high, low = np.divmod(amount, MILLION)
    moved: Ints = high * factor + (low * factor + MILLION // 2) // MILLION
    return moved


def stock_order(growth: Growth) -> Ints:
    """Return the stocks site by site, those with most compute per watt first."""
    stocks = growth.stocks
    keys = [(s.site, -Fraction(s.micro, s.draw_w), i) for i, s in enumerate(stocks)]
    return np.array([i for *_, i in sorted(keys)], np.int64)


def make_world(growth: Growth, futures: tuple[FutureImage, ...], hours: Floats) -> World:
    """Return the world with all contracts signed."""
    order = stock_order(growth)
    stocks = [growth.stocks[i] for i in order]
    sites = range(len(growth.sites))
    volume, worth, may = _demand(growth, futures)
    leases = [growth.contracts[i] for i in growth.leases]
    lease_worth = np.array([_lease_worth(c.rent, c.penalty) for c in leases], float)
    lease_worth = lease_worth.reshape(len(leases), growth.periods).T
    return World(
        hours=hours,
        stock_ptr=np.array([sum(s.site < i for s in stocks) for i in range(len(sites) + 1)]),
        source_ptr=np.array(
            [sum(s.site < i for s in growth.sources) for i in range(len(sites) + 1)]
        ),
        draw=np.array([s.draw_w for s in stocks], float),
        unit=np.array([s.micro for s in stocks], float) / MILLION,
        take=np.array([s.take_ppm for s in growth.sources], float) / MILLION,
        permit=np.array([-1 if s.permit is None else s.permit for s in growth.sources], np.int64),
        price=_prices(growth, futures),
        carbon=np.array([s.carbon for s in growth.sources], float).reshape(-1, growth.periods).T
        * USD_PER_WH,
        permit_w=_permits(growth, futures),
        pue=np.array([s.pue_milli for s in growth.sites], float).T / 1000,
        other=np.array([s.other_w for s in growth.sites], float).T,
        volume=volume,
        worth=worth,
        order=_order(growth, worth, may),
        may=may,
        lease_site=np.array([next(iter(c.sites)) for c in leases], np.int64),
        lease_w=_lease_watts(growth, futures),
        lease_worth=lease_worth,
        lease_order=np.argsort(-lease_worth, axis=1, kind="stable"),
    )


def factor_rows(futures: tuple[FutureImage, ...], driver: str | None, periods: int) -> Ints:
    """Return a driver's factors by future and period [millionths]."""
    still = (MILLION,) * periods
    rows = [still if driver is None else f.factors.get(driver, still) for f in futures]
    return np.array(rows, np.int64)


def _factors(growth: Growth, futures: tuple[FutureImage, ...], driver: str | None) -> Ints:
    return factor_rows(futures, driver, growth.periods)


def _prices(growth: Growth, futures: tuple[FutureImage, ...]) -> Floats:
    shape = (len(futures), growth.periods, len(growth.energy_ppm), len(growth.sources))
    out = np.zeros(shape)
    for j, s in enumerate(growth.sources):
        row = moved_rows(np.array(s.price, np.int64)[None], _factors(growth, futures, s.driver))
        for b, share in enumerate(growth.energy_ppm):
            out[:, :, b, j] = moved_rows(row, np.array(share, np.int64)) * USD_PER_WH
    return out


def _permits(growth: Growth, futures: tuple[FutureImage, ...]) -> Floats:
    out = np.zeros((len(futures), growth.periods, len(growth.permits)))
    for p, (cap, driver) in enumerate(growth.permits):
        factor = _factors(growth, futures, driver)
        out[:, :, p] = moved_rows(np.array(cap, np.int64)[None], factor)
    return out


def _demand(
    growth: Growth, futures: tuple[FutureImage, ...]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return volumes (F, T, B, K), worth (F, T, K) and who may serve (K, S); clouds come last."""
    F, T, B = len(futures), growth.periods, len(growth.share_ppm)
    K = len(growth.segments) + len(growth.clouds)
    volume, worth = np.zeros((F, T, B, K)), np.zeros((F, T, K))
    may = np.zeros((K, len(growth.sites)), bool)
    for k, s in enumerate(growth.segments):
        row = moved_rows(
            np.array(s.volume, np.int64)[None], _factors(growth, futures, s.volume_driver)
        )
        for b, share in enumerate(growth.demand_ppm):
            volume[:, :, b, k] = moved_rows(row, np.array(share, np.int64)) / MILLION
        price = moved_rows(
            np.array(s.price, np.int64)[None], _factors(growth, futures, s.price_driver)
        )
        worth[:, :, k] = price * 1e-9
        may[k, list(s.sites)] = True
    for k, i in enumerate(growth.clouds, len(growth.segments)):
        c = growth.contracts[i]
        for f, future in enumerate(futures):
            volume[f, c.first : max(c.first, min(c.end, future.defaults[i])), :, k] = (
                c.amount / MILLION
            )
        worth[:, :, k] = (np.array(c.rent, float) + c.penalty) * 1e-9
        may[k, list(c.sites)] = True
    return volume, worth, may


def _order(growth: Growth, worth: Floats, may: NDArray[np.bool_]) -> Ints:
    """Return demands in the order of service: worth, then fewer sites, then as given."""
    nano = np.round(worth * 1e9)
    sites = np.broadcast_to(may.sum(1), worth.shape)
    index = np.broadcast_to(np.arange(worth.shape[2]), worth.shape)
    order: Ints = np.lexsort((index, sites, -nano), axis=2)
    return order


def _lease_worth(rent: tuple[int, ...], penalty: int) -> list[float]:
    """Return USD per W and hour from nano-USD per MW and year of 365 days."""
    return [(r + penalty) * 1e-15 / (24 * YEAR_DAYS) for r in rent]


def _lease_watts(growth: Growth, futures: tuple[FutureImage, ...]) -> Floats:
    out = np.zeros((len(futures), growth.periods, len(growth.leases)))
    for x, i in enumerate(growth.leases):
        c = growth.contracts[i]
        for f, future in enumerate(futures):
            out[f, c.first : max(c.first, min(c.end, future.defaults[i])), x] = c.amount
    return out
