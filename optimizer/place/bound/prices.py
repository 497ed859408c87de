"""Certificates: prices, whole and not negative, from which anyone recomputes a bound."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.answers.records import Record

__all__ = ["Certificate", "Cover", "CoverItem", "Price", "Rounding", "SlicePrices"]


Price = Annotated[int, Field(ge=0)]


class SlicePrices(Record):
    """Prices of the row of slice size q in a pool [nano-USD per unit-period], one a period."""

    pool: str
    slice_chips: Annotated[int, Field(ge=1)]
    prices: tuple[Price, ...]


class Rounding(Record):
    """Prices of a rounding row: coefficients floor(a / divisor), right side floor(b / divisor).

    `row` is `chips` (of a pool), `power` (IT watts of a site) or `quota` (chips of a tenant); `of`
    its name.
    """

    row: Literal["chips", "power", "quota"]
    of: str
    divisor: Annotated[int, Field(ge=1, le=10**15)]
    prices: tuple[Price, ...]


class CoverItem(Record):
    """A job of a cover row: it pays `coefficient` when it takes at least `least` of the place."""

    job: str
    coefficient: Annotated[int, Field(ge=1, le=1000)]
    least: Annotated[int, Field(ge=1, le=10**15)]


class Cover(Record):
    """Prices of a cover row, in periods `begin`, `begin` + 1, ...

    `row` and `of` name the place as those of a rounding row do. A job pays the largest coefficient
    of its items whose `least` it takes of the place. The right side is the largest sum of
    coefficients of items whose sum of `least` fits into what running jobs leave of the place.
    """

    row: Literal["chips", "power", "quota"]
    of: str
    begin: Annotated[int, Field(ge=0)]
    prices: tuple[Price, ...]
    items: Annotated[tuple[CoverItem, ...], Field(min_length=1, max_length=1000)]


class Certificate(Record):
    """Prices, all integers and not negative, from which anyone recomputes the bound.

    Attributes
    ----------
    power
        Whole price of power at each site's meter [nano-USD per W-period], one a period.
    chips
        Price of a chip of each pool [nano-USD per chip-period], one a period.
    slices, rounding, covers
        Prices of slice rows, of rounding rows and of cover rows.
    quotas
        Price of a chip under each tenant's quota [nano-USD per chip-period], one a period.
    budgets
        Price of a thousandth of a budget's unit [nano-USD].
    permits
        Price of permitted energy by `site/supply` [nano-USD per W-period].
    spread
        Price of a job of a group at a site, by group and site [nano-USD].
    moves
        Price of moving a running job [nano-USD]; None where that row does not exist.
    precedence
        Price of waiting for another job, by job and predecessor: the job pays it, the predecessor
        receives it [nano-USD].
    batteries
        Price of what a battery holds at the start of each period, by `site/supply` [nano-USD per
        W-period stored].
    """

    power: dict[str, tuple[Price, ...]] = {}
    chips: dict[str, tuple[Price, ...]] = {}
    slices: tuple[SlicePrices, ...] = ()
    rounding: tuple[Rounding, ...] = ()
    covers: tuple[Cover, ...] = ()
    quotas: dict[str, tuple[Price, ...]] = {}
    budgets: dict[str, Price] = {}
    permits: dict[str, Price] = {}
    spread: dict[str, dict[str, Price]] = {}
    moves: Price | None = None
    precedence: dict[str, dict[str, Price]] = {}
    batteries: dict[str, tuple[Price, ...]] = {}
