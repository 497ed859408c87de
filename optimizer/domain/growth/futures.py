"""Futures: what is not known, by named drivers, delays and defaults; and named plans."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.horizon import Moment
from optimizer.domain.series import Series, within

__all__ = ["Driver", "Future", "NamedPlan", "Order", "Reveal"]

Label = Annotated[str, StringConstraints(pattern=r"^[^/\s][^/]*$", max_length=80)]
"""What is learnt, in words such as `grid is late`; without a slash, which joins them."""


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


class Reveal(Entity):
    """What is learnt of a future, and when: decisions from the next period on may follow it.

    Attributes
    ----------
    at
        A moment within the horizon; it counts from the first start of a period not before it.
    label
        In words that the same reveal of other futures shares; not `no news`, which stands for
        nothing learnt where something is of others.
    """

    at: Moment
    label: Label


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
    reveals
        What is learnt of it, in order of time. Two futures are told apart as soon as something is
        learnt of one and not of the other; until then all that is decided is the same in both.
    """

    name: Text = ""
    probability: Annotated[float, Field(gt=0, le=1)]
    drivers: dict[Id, Annotated[Series, within(0, 1000, "")]] = {}
    delays: dict[Id, Annotated[int, Field(ge=0, le=480)]] = {}
    defaults: dict[Id, Moment] = {}
    reveals: tuple[Reveal, ...] = ()


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
