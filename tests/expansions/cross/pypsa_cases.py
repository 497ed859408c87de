"""Two-stage cases that PyPSA can state, too: each a change of the tiny expansion."""

from __future__ import annotations

from typing import Any

from tiny_expand import base

Data = dict[str, Any]


def demand() -> Data:
    """Return the case in which demand is not known: it grows by half, or falls by as much."""
    data = plain()
    asked = data["expand"]
    asked["demand"]["open"] |= {"volume": 6_000.0, "volume_driver": "demand"}
    asked["drivers"] = {"demand": {}}
    asked["futures"] = futures("demand", low=[1.0, 0.8, 0.6, 0.5], high=[1.0, 1.2, 1.4, 1.5])
    return data


def energy() -> Data:
    """Return the case in which the grid's price is not known, and turbines have a known one."""
    data = plain()
    asked = data["expand"]
    asked["builds"]["grid"] |= {"energy_driver": "power", "max_units": 1}
    asked["builds"]["turbine"] = {
        "kind": "turbine", "sites": ["s"], "cap_mw": 2.0, "cost_usd": 300_000.0, "max_units": 4,
        "price_usd_per_mwh": 160.0, "fixed_usd_per_year": 40_000.0, "resale_usd": 90_000.0,
    }  # fmt: skip
    asked["demand"]["open"]["volume"] = 9_000.0
    asked["drivers"] = {"power": {}}
    asked["futures"] = futures("power", low=[0.9, 0.7, 0.6, 0.5], high=[1.2, 2.0, 3.5, 5.0])
    return data


def merit() -> Data:
    """Return the case of five sources in merit order, two of them under a permit that may shrink.

    Blocks of peak and of sun; the supply that is there has a price that is not known.
    """
    data = energy()
    asked = data["expand"]
    old = {"kind": "grid", "cap_mw": 1.5, "price_usd_per_mwh": 120.0}
    data["sites"]["s"]["supplies"] = {"old": old}
    asked["sites"]["s"]["energy_driver"] = "power"
    asked["blocks"] = [
        {"share": 0.25, "demand": 1.3, "energy": 1.6},
        {"share": 0.75, "demand": 0.9, "energy": 0.8},
    ]
    asked["permits"] = {"air": {"cap_mw": 6.0, "driver": "policy"}}
    asked["builds"]["turbine"] |= {"permit": "air", "availability": [0.9, 1.0]}
    asked["builds"]["engine"] = asked["builds"]["turbine"] | {
        "cost_usd": 120_000.0, "price_usd_per_mwh": 230.0, "max_units": 2, "resale_usd": 0.0,
    }  # fmt: skip
    asked["builds"]["solar"] = {
        "kind": "solar", "sites": ["s"], "cap_mw": 3.0, "cost_usd": 60_000.0, "max_units": 3,
        "price_usd_per_mwh": 0.0, "availability": [0.1, 0.5],
    }  # fmt: skip
    asked["builds"]["grid"] |= {"cap_mw": 5.0, "ramp": [0.4, 0.8], "paid_at_order": 0.3}
    asked["drivers"]["policy"] = {}
    asked["futures"]["high"]["drivers"]["policy"] = [1.0, 1.0, 0.5, 0.5]
    return data


def sites() -> Data:
    """Return the case of two sites: sovereign demand is served from one, the rest from any."""
    data = demand()
    asked = data["expand"]
    data["sites"]["n"] = {"country": "NO", "pue": 1.05, "supplies": {}}
    asked["sites"]["n"] = {"wacc_per_year": 0.1}
    asked["builds"]["grid"] |= {"price_usd_per_mwh": 170.0, "cap_mw": 3.0}
    asked["builds"]["fjord"] = asked["builds"]["grid"] | {
        "sites": ["n"], "price_usd_per_mwh": 40.0, "cost_usd": 400_000.0, "cap_mw": 4.0,
    }  # fmt: skip
    for name in ("hall", "racks"):
        asked["builds"][name]["sites"] = ["s", "n"]
    asked["builds"]["racks"] |= {"domains": 100, "max_units": 8}
    asked["demand"]["sovereign"] = {
        "volume": 1_500.0, "usd_per_unit_hour": 2.4, "sites": ["s"], "price_driver": "rent",
    }  # fmt: skip
    asked["demand"]["open"]["price_driver"] = "rent"
    asked["drivers"]["rent"] = {}
    asked["futures"]["low"]["drivers"]["rent"] = [1.0, 0.9, 0.8, 0.7]
    return data


def late() -> Data:
    """Return the case in which the grid comes in time, late or never within the horizon."""
    data = plain()
    asked = data["expand"]
    asked["builds"]["turbine"] = {
        "kind": "turbine", "sites": ["s"], "cap_mw": 3.0, "cost_usd": 500_000.0, "max_units": 2,
        "price_usd_per_mwh": 250.0, "fixed_usd_per_year": 100_000.0,
    }  # fmt: skip
    asked["builds"]["grid"] |= {"fixed_usd_per_year": 60_000.0, "resale_usd": 20_000.0}
    asked["futures"] = {
        "in-time": {"probability": 0.5},
        "late": {"probability": 0.3, "delays": {"grid": 2}},
        "never": {"probability": 0.2, "delays": {"grid": 4, "hall": 1}},
    }
    return data


def taken() -> Data:
    """Return the case of energy that is paid for whether it is drawn or not, at unknown prices."""
    data = demand()
    asked = data["expand"]
    asked["builds"]["gas"] = {
        "kind": "turbine", "sites": ["s"], "cap_mw": 2.0, "cost_usd": 50_000.0, "max_units": 3,
        "price_usd_per_mwh": 60.0, "take_or_pay": 0.7, "energy_driver": "power",
    }  # fmt: skip
    asked["builds"]["grid"] |= {"price_usd_per_mwh": 400.0, "max_units": 1}
    asked["drivers"]["power"] = {}
    asked["futures"]["low"]["drivers"]["power"] = [1.0, 1.5, 2.0, 2.5]
    return data


def rented() -> Data:
    """Return the case of eight periods in which all is rented from delivery on, for its life."""
    data = plain(8)
    asked = data["expand"]
    rents = {"grid": 30_000.0, "hall": 700_000.0, "racks": 6_000.0}
    for name, rent in rents.items():
        build = asked["builds"][name]
        build |= {"cost_usd": 0.0, "resale_usd": 0.0, "fixed_usd_per_year": rent}
    asked["builds"]["racks"]["life_periods"] = 3
    asked["demand"]["open"] |= {"volume_driver": "demand", "price_driver": "rent"}
    asked["drivers"] = {"demand": {}, "rent": {}}
    asked["futures"] = futures(
        "demand", low=[1 - 0.1 * t for t in range(8)], high=[1 + 0.15 * t for t in range(8)]
    )
    asked["futures"]["low"]["drivers"]["rent"] = [1 - 0.05 * t for t in range(8)]
    return data


def stranded() -> Data:
    """Return the case in which what is built is sold for less, and costs more, in one future."""
    data = demand()
    asked = data["expand"]
    asked["builds"]["racks"] |= {"resale_driver": "chips", "cost_driver": "orders"}
    asked["drivers"] |= {"chips": {}, "orders": {}}
    asked["futures"]["low"]["drivers"]["chips"] = [1.0, 0.7, 0.4, 0.2]
    asked["futures"]["low"]["drivers"]["orders"] = [1.0, 1.1, 1.2, 1.3]
    return data


def plain(periods: int = 4) -> Data:
    """Return the tiny expansion in larger racks: 500 chips a unit."""
    data = base(periods)
    data["expand"]["builds"]["racks"] |= {"domains": 50, "max_units": 20}
    return data


def futures(driver: str, low: list[float], high: list[float]) -> Data:
    """Return three futures: a driver falls, stays or rises."""
    return {
        "low": {"probability": 0.25, "drivers": {driver: [round(x, 6) for x in low]}},
        "mid": {"probability": 0.35},
        "high": {"probability": 0.4, "drivers": {driver: [round(x, 6) for x in high]}},
    }
