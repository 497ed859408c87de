"""A small expansion with something of everything, and changes of it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

Data = dict[str, Any]


def base(periods: int = 4) -> Data:
    """Return one site in quarters: grid, halls of 5 MW, racks of 100 chips at 1 kW, open demand."""
    builds = {
        "grid": {
            "kind": "grid", "sites": ["s"], "cap_mw": 10.0, "cost_usd": 100_000.0, "max_units": 2,
            "lead_periods": 1, "price_usd_per_mwh": 100.0,
        },
        "hall": {
            "kind": "hall", "sites": ["s"], "it_mw": 5.0, "cost_usd": 1e6, "max_units": 2,
            "lead_periods": 1, "resale_usd": 500_000.0,
        },
        "racks": {
            "kind": "chips", "sites": ["s"], "domain": "d", "domains": 10, "cost_usd": 8_000.0,
            "max_units": 40, "resale_usd": 5_000.0,
        },
    }  # fmt: skip
    return {
        "schema": "fleetwatt/instance/1",
        "name": "tiny",
        "horizon": {"start": "2027-01-01", "periods": 3 * periods, "period_hours": 730.0},
        "chips": {"c": {"hbm_gb": 80, "nameplate_kw": 1.3, "training_kw": 1.0}},
        "domains": {"d": {"chip": "c", "chips": 10}},
        "sites": {"s": {"country": "GB", "pue": 1.2, "supplies": {}}},
        "expand": {
            "sites": {"s": {"wacc_per_year": 0.1}},
            "compute": {"c": 1.0},
            "builds": builds,
            "demand": {"open": {"volume": 3_000.0, "usd_per_unit_hour": 2.0}},
        },
    }


def changed(data: Data, path: str, value: Any) -> Data:
    """Return data with another value at a path such as `expand/builds/grid/cap_mw`."""
    out = copy.deepcopy(data)
    here = out
    *steps, last = path.split("/")
    for step in steps:
        here = here.setdefault(step, {})
    here[last] = value
    return out


def made(data: Data, **changes: Any) -> Instance:
    """Return the instance of data with changes; `__` in a keyword stands for a step of its path."""
    for path, value in changes.items():
        data = changed(data, path.replace("__", "/"), value)
    return parse_instance(json.dumps(data))


def called(efficiency: float = 0.95, **battery: Any) -> Data:
    """Return a site with a cheap grid that is called in an eighth of all hours, and batteries."""
    data = base(4)
    data["expand"]["blocks"] = [{"share": 0.125}, {"share": 0.875}]
    builds = data["expand"]["builds"]
    builds["hall"] |= {"max_units": 1, "resale_usd": 0.0, "lead_periods": 0}
    builds["racks"] |= {"domains": 100, "max_units": 3, "resale_usd": 4_000.0}
    grid = builds["grid"] | {"max_units": 1, "lead_periods": 0}
    builds["grid"] = grid | {"cap_mw": 8.0, "availability": [0.0, 1.0]}
    builds["firm"] = grid | {"cap_mw": 6.0, "cost_usd": 400_000.0}
    builds["battery"] = {
        "kind": "battery", "sites": ["s"], "cap_mw": 2.0, "cost_usd": 300_000.0, "max_units": 4,
        "price_usd_per_mwh": 2.0,
        "storage": {
            "energy_mwh": 8.0, "efficiency_in": efficiency, "efficiency_out": efficiency,
        } | battery,
    }  # fmt: skip
    return data
