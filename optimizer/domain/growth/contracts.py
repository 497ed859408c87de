"""Who pays: open demand for compute, and contracts of landlords and clouds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.growth.builds import Fraction
from optimizer.domain.horizon import Moment
from optimizer.domain.power import MAX_MW
from optimizer.domain.series import Series, within

__all__ = ["Cloud", "Contract", "Customer", "Lease", "Segment"]

Units = Annotated[Series, within(0, 1e12, "units of compute")]
Price = Annotated[Series, within(0, 1e6, "USD per unit and hour")]


class Segment(Entity):
    """Compute that the market takes, as it is needed and as long as it pays.

    Attributes
    ----------
    countries, sites
        Where it may be served; None for any.
    volume, volume_driver
        Units of compute at once, on average over a period, and what moves it.
    usd_per_unit_hour, price_driver
        What is paid for a unit for an hour, and what moves it.
    """

    name: Text = ""
    countries: tuple[Id, ...] | None = None
    sites: tuple[Id, ...] | None = None
    volume: Units
    volume_driver: Id | None = None
    usd_per_unit_hour: Price
    price_driver: Id | None = None


class Customer(Entity):
    """Who may stop paying all its contracts at once, in futures that are drawn.

    Attributes
    ----------
    default_per_year
        Probability of it in a year, the same in every year.
    market
        How much of what decides it is the market that moves all drivers, from 0 to 1.
    """

    name: Text = ""
    default_per_year: Annotated[float, Field(ge=0, lt=1)]
    market: Annotated[float, Field(ge=0, le=1)] = 0.0


class _Contract(Entity):
    """What every contract has.

    Attributes
    ----------
    customer
        Whose it is; None for one who always pays, unless a named future says otherwise.
    start, periods
        From when, and for how many periods, what is contracted has to be there.
    signing
        When it is signed, and the prepayment paid; None for the start of the horizon.
    escalator_per_year
        By what share the rent grows with every whole year of the contract.
    prepayment_share
        Share of the rent within the horizon that is paid at signing; every period's rent is that
        much smaller.
    backstop_share
        Share of the rent outstanding at a default of the customer that somebody else pays at once.
    is_signed
        It is signed already: every plan has it.
    """

    name: Text = ""
    customer: Id | None = None
    start: Moment
    periods: Annotated[int, Field(ge=1, le=480)]
    signing: Moment | None = None
    escalator_per_year: Fraction = 0.0
    prepayment_share: Fraction = 0.0
    backstop_share: Fraction = 0.0
    is_signed: bool = False


class Lease(_Contract):
    """A tenant takes MW at a site and brings chips of its own; it pays for their energy itself.

    Attributes
    ----------
    it_mw
        Room, cooling and power for so much IT draw [MW].
    usd_per_mw_year
        Rent, for what is delivered.
    penalty_usd_per_mw_year
        For what is not delivered, on top of the rent that is lost.
    """

    kind: Literal["lease"]
    site: Id
    it_mw: Annotated[float, Field(gt=0, le=MAX_MW)]
    usd_per_mw_year: Annotated[float, Field(ge=0, le=1e9)]
    penalty_usd_per_mw_year: Annotated[float, Field(ge=0, le=1e9)] = 0.0


class Cloud(_Contract):
    """A customer takes a fixed amount of compute round the clock.

    Attributes
    ----------
    countries, sites
        Where it may be served; None for any.
    units
        Units of compute, in every hour.
    usd_per_unit_hour
        Rent, for what is delivered.
    penalty_usd_per_unit_hour
        For what is not delivered, on top of the rent that is lost.
    """

    kind: Literal["cloud"]
    countries: tuple[Id, ...] | None = None
    sites: tuple[Id, ...] | None = None
    units: Annotated[float, Field(gt=0, le=1e12)]
    usd_per_unit_hour: Annotated[float, Field(ge=0, le=1e6)]
    penalty_usd_per_unit_hour: Annotated[float, Field(ge=0, le=1e6)] = 0.0


Contract = Annotated[Lease | Cloud, Field(discriminator="kind")]
"""Of a landlord, or of a cloud."""
