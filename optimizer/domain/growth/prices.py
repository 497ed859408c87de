"""How prices, factors and discounts of an expansion become whole numbers."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from optimizer.domain.growth.calendar import YEAR_DAYS
from optimizer.units import nano

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.growth.calendar import Calendar

__all__ = ["DISCOUNT", "MILLION", "Row", "discounts", "moved", "nano_row", "ppm"]

Row = tuple[int, ...]
"""A whole number for each period (or block)."""

MILLION = 1_000_000
DISCOUNT = 10**18
"""Parts in which a discount factor is counted."""


def ppm(value: float) -> int:
    """Return a number in millionths, to the nearest."""
    return round(value * MILLION)


def nano_row(values: Iterable[float], size: float) -> Row:
    """Return prices times a size in nano-USD, to the nearest."""
    return tuple(nano(float(x) * size) for x in values)


def moved(amount: int, factor_ppm: int) -> int:
    """Return an amount under a driver's factor, to the nearest, halves up."""
    return (amount * factor_ppm + MILLION // 2) // MILLION


def discounts(rate: float, calendar: Calendar) -> Row:
    """Return (1 + rate) ** (-days / 365) at the end of every period, in parts of 1e-18."""
    found = []
    with localcontext() as context:
        context.prec = 50
        base = 1 + Decimal(repr(rate))
        for t in range(calendar.periods):
            power = Decimal(-calendar.days_to_end(t)) / YEAR_DAYS
            found.append(int((base**power * DISCOUNT).to_integral_value()))
    return tuple(found)
