"""What can be built: power, halls and chips, in whole units with lead times and delays."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Annotated, Literal

from pydantic import Field

from optimizer.domain.fields import Entity, Id, Text
from optimizer.domain.horizon import Moment
from optimizer.domain.power import MAX_MW, Efficiency
from optimizer.domain.series import Series, constant, within
from optimizer.units import watts_down

__all__ = [
    "Build", "ChipBuild", "Delay", "Fraction", "HallBuild", "PowerBuild", "Store", "UnitStorage",
    "Usd",
]  # fmt: skip

Fraction = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[Series, within(0, 1e10, "USD")]
Periods = Annotated[int, Field(ge=0, le=120)]
Units = Annotated[int, Field(ge=1, le=1_000_000)]


class Delay(Entity):
    """How late a build may come, and how likely: what futures are drawn from.

    Attributes
    ----------
    periods
        How much later than planned.
    """

    periods: Periods
    probability: Annotated[float, Field(gt=0, le=1)]


class _Build(Entity):
    """What every build has. Its money is for each MW (power, halls) or each chip.

    Attributes
    ----------
    sites
        Where its units may stand.
    cost_usd, cost_driver
        Price at the period of the order [USD per MW or chip], and what moves it.
    paid_at_order
        Share of the price that is paid at the order; the rest at the planned delivery, however
        late the unit is.
    lead_periods
        Periods from the order to the planned delivery.
    first, last
        Orders are placed not before, and not after; None for any time.
    max_units, max_per_period
        The most units over all sites and orders, and in the orders of one period.
    fixed_usd_per_year
        Upkeep, staff or rent of what is in service [USD per MW or chip and year of 365 days].
    life_periods
        Periods in service; None for the rest of the horizon.
    resale_usd, resale_driver
        What is got for it when it is retired, and at the end of the horizon [USD per MW or chip],
        and what moves that.
    may_retire
        Units may be given up, and sold, before the end.
    delays
        How late it may come; what is left of the probability is for no delay.
    """

    name: Text = ""
    sites: tuple[Id, ...] = Field(min_length=1)
    cost_usd: Usd
    cost_driver: Id | None = None
    paid_at_order: Fraction = 1.0
    lead_periods: Periods = 0
    first: Moment | None = None
    last: Moment | None = None
    max_units: Units
    max_per_period: Units | None = None
    fixed_usd_per_year: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    life_periods: Annotated[int, Field(ge=1, le=480)] | None = None
    resale_usd: Usd = constant(0)
    resale_driver: Id | None = None
    may_retire: bool = False
    delays: tuple[Delay, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """The integer image of what a unit of a battery stores.

    Attributes
    ----------
    in_w
        Largest charge of a unit at the meter [W].
    mean_w
        What a unit gives at the meter at most, on average over the hours of a day [W].
    efficiency_ppm
        What of its charge it gives [millionths].
    """

    in_w: int
    mean_w: int
    efficiency_ppm: int


class UnitStorage(Entity):
    """What a unit of a battery stores: it is charged in some blocks of a day and gives in others.

    Attributes
    ----------
    energy_mwh
        What it stores when it is full [MWh].
    in_mw
        Largest charge, at the site's meter [MW]; None for as much as it gives.
    efficiency_in, efficiency_out
        Share of a charge that is stored; share of what is taken out that reaches the meter.
    cycles_per_day
        How often it may give all that it stores in a day, on average over a period.
    """

    energy_mwh: Annotated[float, Field(gt=0, le=1e6)]
    in_mw: Annotated[float, Field(gt=0, le=MAX_MW)] | None = None
    efficiency_in: Efficiency
    efficiency_out: Efficiency
    cycles_per_day: Annotated[float, Field(gt=0, le=24)] = 1.0

    def image(self, cap_mw: float) -> Store:
        """Return its integer image, all rounded down; cap_mw: what a unit gives [MW]."""
        day_mwh = self.energy_mwh * self.efficiency_out * self.cycles_per_day
        return Store(
            watts_down(cap_mw if self.in_mw is None else self.in_mw),
            watts_down(day_mwh / 24),
            floor(self.efficiency_in * self.efficiency_out * 1_000_000 + 1e-6),
        )


class PowerBuild(_Build):
    """A power source in units: a step of the grid, a turbine, a battery, solar.

    Attributes
    ----------
    cap_mw
        What a unit gives at the site's meter [MW].
    ramp
        Shares of it that are given in the first periods in service; all of it after them.
    availability
        Share of it that is there in each block; None for all of it, always. What an interruptible
        connection leaves while it is called, the sun by day.
    storage
        What a battery stores; None for one whose charging is left aside, with its `availability`.
    price_usd_per_mwh, energy_driver
        Price of its energy, and what moves it; with `storage` what a MWh given wears off.
    carbon_kg_per_mwh
        Carbon of its energy; charged where the instance has a carbon price.
    take_or_pay
        Share of what it can give whose energy is paid for whether it is drawn or not.
    permit
        What limits all sources of that permit at a site together.
    """

    kind: Literal["grid", "turbine", "battery", "solar"]
    cap_mw: Annotated[float, Field(gt=0, le=MAX_MW)]
    ramp: tuple[Fraction, ...] = ()
    availability: tuple[Fraction, ...] | None = None
    storage: UnitStorage | None = None
    price_usd_per_mwh: Annotated[Series, within(0, 100_000, "USD/MWh")]
    energy_driver: Id | None = None
    carbon_kg_per_mwh: Annotated[float, Field(ge=0, le=5_000)] = 0.0
    take_or_pay: Fraction = 0.0
    permit: Id | None = None


class HallBuild(_Build):
    """A hall for chips.

    Attributes
    ----------
    it_mw
        Draw of the chips that a unit has room and cooling for [MW of IT].
    """

    kind: Literal["hall"]
    it_mw: Annotated[float, Field(gt=0, le=MAX_MW)]


class ChipBuild(_Build):
    """Scale-up domains of one kind.

    Attributes
    ----------
    domains
        Domains in a unit.
    """

    kind: Literal["chips"]
    domain: Id
    domains: Annotated[int, Field(ge=1, le=100_000)] = 1


Build = Annotated[PowerBuild | HallBuild | ChipBuild, Field(discriminator="kind")]
"""A power source, a hall or chips."""
