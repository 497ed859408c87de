"""What `expand` asks of an instance: which sites to build or grow, when, with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Share, Text
from optimizer.domain.growth.builds import Build
from optimizer.domain.growth.contracts import Cloud, Contract, Customer, Segment
from optimizer.domain.growth.finance import Finance
from optimizer.domain.growth.futures import Driver, Future, NamedPlan
from optimizer.domain.power import MAX_MW
from optimizer.domain.series import Series, constant, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.domain.sites import Site

__all__ = ["Block", "Expand", "Ground", "Permit"]


class Block(Entity):
    """Hours of every period that are alike, such as those of the peak.

    Attributes
    ----------
    share
        Of the hours of a period.
    demand
        Volume of every segment in these hours, as a share of that of the period.
    energy
        Price of all energy in these hours, as a share of that of the period.
    """

    name: Text = ""
    share: Share
    demand: Annotated[float, Field(ge=0, le=100)] = 1.0
    energy: Annotated[float, Field(ge=0, le=100)] = 1.0


class Ground(Entity):
    """A site as `expand` sees it, beside what `sites` says of it.

    Attributes
    ----------
    wacc_per_year
        By which its later money counts less.
    hall_mw
        Halls that are there already [MW of IT].
    energy_driver
        What moves the prices of the supplies that are there already.
    """

    wacc_per_year: Annotated[float, Field(ge=0, le=1)]
    hall_mw: Annotated[Series, within(0, MAX_MW, "MW")] = constant(0)
    energy_driver: Id | None = None


class Permit(Entity):
    """What all sources of a permit may give together at each site, at its meter [MW]."""

    name: Text = ""
    cap_mw: Annotated[Series, within(0, MAX_MW, "MW")]
    driver: Id | None = None


class Expand(Entity):
    """The third question: which sites to build or grow, when, with what power and chips.

    Attributes
    ----------
    months_per_period
        The calendar: months, or quarters of three months, from the first day of the horizon on.
    blocks
        What every period is made of.
    sites
        The sites of the question. Their supplies and pools are there already, and certain.
    builds
        What can be built.
    compute
        Units of compute that a chip in use gives, by chip.
    supply_chips
        Chips of a type that can be had in all, by planned delivery, cumulative over time.
    demand, customers, contracts, finance
        Who pays, and with whose money.
    drivers, futures
        What is not known; without futures all goes as planned.
    plans
        Named plans to be weighed.
    """

    months_per_period: Literal[1, 3] = 3
    blocks: tuple[Block, ...] = Field((Block(share=1.0),), min_length=1, max_length=12)
    sites: dict[Id, Ground] = Field(min_length=1)
    builds: dict[Id, Build] = {}
    permits: dict[Id, Permit] = {}
    compute: dict[Id, Annotated[float, Field(gt=0, le=1e6)]] = {}
    supply_chips: dict[Id, Annotated[Series, within(0, 1e9, "chips")]] = {}
    demand: dict[Id, Segment] = {}
    customers: dict[Id, Customer] = {}
    contracts: dict[Id, Contract] = {}
    finance: Finance | None = None
    drivers: dict[Id, Driver] = {}
    futures: dict[Id, Future] = {}
    plans: dict[Id, NamedPlan] = {}

    def sites_of(self, who: Segment | Cloud, sites: Mapping[str, Site]) -> tuple[str, ...]:
        """Return the sites from which a segment or a cloud's customer may be served."""
        return tuple(
            name
            for name in self.sites
            if (who.sites is None or name in who.sites)
            and (who.countries is None or sites[name].country in who.countries)
        )
