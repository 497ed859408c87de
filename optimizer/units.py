"""The integer image: how quantities in field units become the whole numbers that are the problem.

Demands round up, caps round down, each after float noise is taken off, so that 0.1 + 0.2 MW under
a cap of 0.3 MW fits. Money becomes nano-USD, MW at the meter and IT draw become watts, PUE becomes
thousandths, dates become periods.
"""

from __future__ import annotations

from math import ceil, floor

__all__ = [
    "MONTH_HOURS",
    "NANO",
    "PERIOD_NOISE",
    "QUANTITY_NOISE",
    "budget_down",
    "budget_up",
    "demand_nano_per_watt",
    "drain_thousandths",
    "efficiency_thousandths",
    "energy_nano_per_watt_period",
    "nano",
    "nano_per_period",
    "periods_down",
    "periods_up",
    "pue_thousandths",
    "run_periods",
    "stored_down",
    "usd",
    "watts_down",
    "watts_up",
]

MONTH_HOURS = 730.0
"""Length of a month where months are alike: a twelfth of 8,760 h [h]."""

NANO = 1_000_000_000
"""nano-USD in one USD."""

QUANTITY_NOISE = 1e-6
"""Float noise taken off a quantity in its integer unit [W, thousandths] before it is rounded."""

PERIOD_NOISE = 1e-9
"""Float noise taken off a number of periods before it is rounded."""


def watts_up(kw: float) -> int:
    """Return a demand in whole watts, rounded up past float noise. kw [kW] -> [W]."""
    return ceil(kw * 1000 - QUANTITY_NOISE)


def watts_down(mw: float) -> int:
    """Return a cap in whole watts, rounded down past float noise. mw [MW] -> [W]."""
    return floor(mw * 1_000_000 + QUANTITY_NOISE)


def pue_thousandths(pue: float) -> int:
    """Return a power usage effectiveness in thousandths, rounded up past float noise."""
    return ceil(pue * 1000 - QUANTITY_NOISE)


def run_periods(work: float, work_per_hour: float, period_hours: float) -> int:
    """Return how many whole periods a run takes: at least 1, the last period counts whole."""
    return max(1, ceil(work / (work_per_hour * period_hours) - PERIOD_NOISE))


def periods_up(hours: float, period_hours: float) -> int:
    """Return the first period boundary not before a moment [h from the start]."""
    return ceil(hours / period_hours - PERIOD_NOISE)


def periods_down(hours: float, period_hours: float) -> int:
    """Return the last period boundary not after a moment [h from the start]."""
    return floor(hours / period_hours + PERIOD_NOISE)


def nano(amount_usd: float) -> int:
    """Return money in whole nano-USD, to the nearest. amount_usd [USD]."""
    return round(amount_usd * NANO)


def usd(amount_nano: int) -> float:
    """Return nano-USD as USD, for people to read."""
    return amount_nano / NANO


def nano_per_period(usd_per_hour: float, period_hours: float) -> int:
    """Return what an hourly rate costs per period in whole nano-USD. [USD/h] -> [nano-USD]."""
    return round(usd_per_hour * period_hours * NANO)


def energy_nano_per_watt_period(usd_per_mwh: float, period_hours: float) -> int:
    """Return the price of one watt for one period in whole nano-USD. [USD/MWh] -> [nano-USD]."""
    return round(usd_per_mwh * period_hours * 1000)


def budget_up(amount: float) -> int:
    """Return a consumption of a budget in thousandths of its unit, rounded up past float noise."""
    return ceil(amount * 1000 - QUANTITY_NOISE)


def budget_down(limit: float) -> int:
    """Return the limit of a budget in thousandths of its unit, rounded down past float noise."""
    return floor(limit * 1000 + QUANTITY_NOISE)


def stored_down(mwh: float, period_hours: float) -> int:
    """Return stored energy in thousandths of a W-period, rounded down past float noise. [MWh]."""
    return floor(mwh * 1e9 / period_hours + QUANTITY_NOISE)


def efficiency_thousandths(share: float) -> int:
    """Return what of a watt charged is stored, in thousandths, rounded down past float noise."""
    return floor(share * 1000 + QUANTITY_NOISE)


def drain_thousandths(share: float) -> int:
    """Return what a watt discharged takes from the store, in thousandths, rounded up."""
    return ceil(1000 / share - QUANTITY_NOISE)


def demand_nano_per_watt(usd_per_mw: float) -> int:
    """Return a demand charge in whole nano-USD per watt. [USD/MW] -> [nano-USD/W]."""
    return round(usd_per_mw * 1000)
