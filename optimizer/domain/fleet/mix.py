"""What `mix` asks of an instance: offers, demand, money and other limits, ranges of its numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Share, Text
from optimizer.domain.fleet.demand import Demand
from optimizer.domain.fleet.offers import Offer
from optimizer.domain.power import MAX_MW
from optimizer.domain.series import Series, within

__all__ = ["Mix", "Range"]

Money = Annotated[float, Field(ge=0, le=1e14)]


class Range(Entity):
    """Numbers that are not known well, and between which shares of themselves they lie together.

    Attributes
    ----------
    of
        JSON pointers into the instance; every number at or below one of them is meant.
    low, high
        Factors: 0.8 and 1.3 for "between 20 % less and 30 % more".
    note
        Where the range comes from.
    """

    of: tuple[Annotated[str, Field(pattern=r"^/")], ...] = Field(min_length=1)
    low: Annotated[float, Field(gt=0, le=1)]
    high: Annotated[float, Field(ge=1, le=100)]
    note: Text = ""


class Mix(Entity):
    """The second question: which chips to buy or lease.

    Attributes
    ----------
    offers, demand
        What can be had, and what is wanted, by name.
    utilisation
        Share of the hours of a domain in training that is useful work; the rest goes to failures,
        restarts and gaps, at the same draw.
    draw
        Which draw per chip is planned with: expected in `training`, or `nameplate`.
    power_levels
        Power levels that may be used; None for all of each chip.
    capex_usd
        The most that may be paid at deliveries over the whole horizon; None for no limit.
    yearly_cash_usd
        The most that may leave the till in each year of 8,760 h; the last number holds on.
    power_mw
        The most that all sites together may draw at their meters [MW].
    supply_chips
        Chips of a type that can be had in all, cumulative over time.
    vendor_share
        The largest share of all money committed to offers that may go to a vendor.
    work_at_least
        Least useful work over the whole horizon (weight times units served).
    discount_rate_per_year
        By which later money counts less in the objective.
    ranges
        Numbers that are assumed or only known within a range, by a name for people.
    """

    offers: dict[Id, Offer] = {}
    demand: dict[Id, Demand] = Field(min_length=1)
    utilisation: Share = 1.0
    draw: Literal["training", "nameplate"] = "training"
    power_levels: tuple[Id, ...] | None = None
    capex_usd: Money | None = None
    yearly_cash_usd: Annotated[tuple[Money, ...], Field(min_length=1)] | None = None
    power_mw: Annotated[Series, within(0, 100 * MAX_MW, "MW")] | None = None
    supply_chips: dict[Id, Annotated[Series, within(0, 100_000_000, "chips")]] = {}
    vendor_share: dict[Text, Annotated[float, Field(ge=0, le=1)]] = {}
    work_at_least: Annotated[float, Field(ge=0, le=1e18)] | None = None
    discount_rate_per_year: Annotated[float, Field(ge=0, le=1)] = 0.0
    ranges: dict[Id, Range] = {}
