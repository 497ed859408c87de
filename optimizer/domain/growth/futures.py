"""Futures: what is not known, by named drivers, delays and defaults; and named plans."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.horizon import Moment
from optimizer.domain.series import Series, within

__all__ = ["Driver", "Future", "NamedPlan", "Order"]


class Driver(Entity):
    """What moves prices or volumes: a factor on what is planned with, over time.

    Attributes
    ----------
    low, high
        Between which factors it lies at the end of the horizon in four of five futures that are
        drawn: one in ten lies below, one in ten above.
    market
        How much of what moves it is the market that moves all drivers, from -1 to 1.
    """

    name: Text = ""
    low: Annotated[float, Field(gt=0, le=1)] = 1.0
    high: Annotated[float, Field(ge=1, le=100)] = 1.0
    market: Annotated[float, Field(ge=-1, le=1)] = 0.0


class Future(Entity):
    """One way in which things may go.

    Attributes
    ----------
    drivers
        Factors by driver, over the periods; 1 for a driver that is not named.
    delays
        How many periods late a build comes; 0 for one that is not named.
    defaults
        From when a customer pays nothing any more, by contract.
    """

    name: Text = ""
    probability: Annotated[float, Field(gt=0, le=1)]
    drivers: dict[Id, Annotated[Series, within(0, 1000, "")]] = {}
    delays: dict[Id, Annotated[int, Field(ge=0, le=480)]] = {}
    defaults: dict[Id, Moment] = {}


class Order(Entity):
    """Units of a build at a site, ordered or given up in the period in which a moment lies."""

    build: Id
    site: Id
    at: Moment
    units: Annotated[int, Field(ge=1, le=1_000_000)]


class NamedPlan(Entity):
    """A plan that a board weighs: what is ordered where and when, and which contracts are signed.

    Attributes
    ----------
    retirements
        Given up at the start of a period, and sold in it.
    contracts
        Signed, besides those that are signed already.
    """

    name: Text = ""
    orders: tuple[Order, ...] = ()
    retirements: tuple[Order, ...] = ()
    contracts: tuple[Id, ...] = ()
