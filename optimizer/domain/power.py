"""Power supplies of a site: caps and prices over time, calls, permits, batteries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from optimizer.domain.fields import Entity, Text
from optimizer.domain.horizon import Horizon, Moment
from optimizer.domain.series import Series, constant, within
from optimizer.units import (
    demand_nano_per_watt,
    drain_thousandths,
    efficiency_thousandths,
    energy_nano_per_watt_period,
    stored_down,
    watts_down,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_MW", "Call", "Efficiency", "Permit", "Storage", "Supply"]

MAX_MW = 10_000.0
"""No campus has ten gigawatts: a larger number is in another unit [MW]."""


class Call(Entity):
    """A known, dated order to draw less from a supply.

    Attributes
    ----------
    start, end
        From when to when.
    cap_mw
        What the supply may give meanwhile, at the meter [MW].
    notice_minutes
        How long before the start it is made known; dates when a re-plan learns of it.
    """

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="until")
    cap_mw: Annotated[float, Field(ge=0, le=MAX_MW)]
    notice_minutes: Annotated[float, Field(ge=0, le=1e6)] = 0.0


class Permit(Entity):
    """How much a supply may give over the whole horizon.

    Attributes
    ----------
    mwh
        Energy [MWh].
    run_hours
        Full-load hours: energy up to that many hours at the largest cap of the horizon [h].
    """

    mwh: Annotated[float, Field(ge=0, le=1e9)] | None = None
    run_hours: Annotated[float, Field(ge=0, le=100_000)] | None = None


Efficiency = Annotated[float, Field(ge=0.1, le=1)]


class Storage(Entity):
    """What a battery is besides a supply.

    Attributes
    ----------
    energy_mwh
        What it stores when it is full [MWh].
    in_mw
        Largest charge, at the site's meter [MW].
    efficiency_in, efficiency_out
        Share of a charge that is stored; share of what is taken out that reaches the meter.
    start_mwh
        What is stored at the start, and at the end at least [MWh].
    """

    energy_mwh: Annotated[float, Field(gt=0, le=1e6)]
    in_mw: Annotated[float, Field(ge=0, le=MAX_MW)]
    efficiency_in: Efficiency
    efficiency_out: Efficiency
    start_mwh: Annotated[float, Field(ge=0, le=1e6)]

    @property
    def in_w(self) -> int:
        """Largest charge [W], rounded down."""
        return watts_down(self.in_mw)

    @property
    def in_milli(self) -> int:
        """What a watt charged for a period adds to the store [thousandths of a W-period]."""
        return efficiency_thousandths(self.efficiency_in)

    @property
    def out_milli(self) -> int:
        """What a watt discharged for a period takes from it [thousandths of a W-period]."""
        return drain_thousandths(self.efficiency_out)

    def most(self, horizon: Horizon) -> int:
        """Return what it stores when it is full [thousandths of a W-period], rounded down."""
        return stored_down(self.energy_mwh, horizon.period_hours)

    def start(self, horizon: Horizon) -> int:
        """Return what is stored at the start [thousandths of a W-period], rounded down."""
        return stored_down(self.start_mwh, horizon.period_hours)


class Supply(Entity):
    """One power source of a site.

    Attributes
    ----------
    cap_mw
        What it can give, at the site's meter [MW]; of a battery its largest discharge.
    price_usd_per_mwh
        Price of its energy [USD/MWh]; of a battery what a MWh discharged wears off.
    carbon_kg_per_mwh
        Carbon of its energy [kg/MWh]; charged where the instance has a carbon price.
    permit
        Limit over the horizon, if any.
    calls
        Dated smaller caps.
    demand_usd_per_mw
        Charged once for each MW of the most that it gives in any period of the horizon [USD/MW].
    storage
        What a battery, and nothing else, has.
    """

    kind: Literal["grid", "turbine", "solar", "battery"]
    name: Text = ""
    cap_mw: Annotated[Series, within(0, MAX_MW, "MW")]
    price_usd_per_mwh: Annotated[Series, within(0, 100_000, "USD/MWh")]
    carbon_kg_per_mwh: Annotated[Series, within(0, 5_000, "kg/MWh")] = constant(0)
    permit: Permit | None = None
    calls: tuple[Call, ...] = ()
    demand_usd_per_mw: Annotated[float, Field(ge=0, le=1e7)] = 0.0
    storage: Storage | None = None

    @property
    def demand_nano(self) -> int:
        """Demand charge [nano-USD for each watt of the largest dispatch]."""
        return demand_nano_per_watt(self.demand_usd_per_mw)

    def cap_w(self, horizon: Horizon) -> NDArray[np.int64]:
        """Return what it can give in every period [W], calls included, shape (T,)."""
        cap = np.array([watts_down(x) for x in self.cap_mw.over(horizon, "min")], np.int64)
        for call in self.calls:
            span = self._span(call, horizon)
            cap[span] = np.minimum(cap[span], watts_down(call.cap_mw))
        return cap

    def cost_nano(self, horizon: Horizon, carbon_usd_per_kg: float) -> NDArray[np.int64]:
        """Return energy plus carbon cost in every period [nano-USD per W-period], shape (T,)."""
        price = self.price_usd_per_mwh.over(horizon, "mean")
        carbon = self.carbon_kg_per_mwh.over(horizon, "mean") * carbon_usd_per_kg
        hours = horizon.period_hours
        each = [energy_nano_per_watt_period(x, hours) for x in price + carbon]
        return np.array(each, np.int64)

    def is_called(self, horizon: Horizon) -> NDArray[np.bool_]:
        """Return in which periods, at least in part, a call is in force, shape (T,)."""
        called = np.zeros(horizon.periods, bool)
        for call in self.calls:
            called[self._span(call, horizon)] = True
        return called

    def permit_watt_periods(self, horizon: Horizon) -> int | None:
        """Return the permit in W-periods, rounded down, or None."""
        if self.permit is None:
            return None
        limits = []
        if self.permit.mwh is not None:
            limits.append(watts_down(self.permit.mwh / horizon.period_hours))
        if self.permit.run_hours is not None:
            largest = int(self.cap_w(horizon).max())
            limits.append(int(largest * self.permit.run_hours / horizon.period_hours + 1e-6))
        return min(limits) if limits else None

    @staticmethod
    def _span(call: Call, horizon: Horizon) -> slice:
        """Periods that a call touches: outward to whole periods."""
        first = max(0, horizon.down(call.start))
        return slice(first, max(first, min(horizon.periods, horizon.up(call.end))))
