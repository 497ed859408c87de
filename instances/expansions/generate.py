"""Seeded expansions of any size: power, halls and chips at sites, demand, futures.

instance = random_expand(sites=3, periods=24, chips=4, futures=10, seed=1)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["random_expand"]

Data = dict[str, Any]

BLOCKS = [
    {"share": 0.6, "demand": 1.1, "energy": 1.2},
    {"share": 0.4, "demand": 0.85, "energy": 0.7},
]
"""Hours of day and night."""

SPREAD = {"demand": 0.25, "rent": 0.2, "power": 0.15, "gas": 0.25, "chips": 0.1}
"""By how much drivers differ at the end of the horizon (standard deviation of the logarithm)."""


def random_expand(
    sites: int,
    periods: int,
    chips: int,
    futures: int,
    seed: int,
    *,
    has_covenants: bool = False,
    has_storage: bool = False,
    is_small: bool = False,
) -> Instance:
    """Return an instance that asks an expansion; same arguments, same instance.

    Parameters
    ----------
    periods
        Quarters.
    futures
        Named, equally likely.
    has_covenants
        Debt, coverage and a budget.
    has_storage
        A grid that is cut by day in part, and batteries that are charged, at every site.
    is_small
        Few units of everything, and every feature now and then: to be enumerated.
    """
    rng = np.random.default_rng([seed, sites, periods, chips, futures])
    names, kinds = [f"s{i}" for i in range(sites)], [f"c{i}" for i in range(chips)]
    data = _world(rng, names, kinds, periods)
    data["name"] = f"random-expand-{sites}-{periods}-{chips}-{futures}-{seed}"
    builds = _builds(rng, names, kinds, periods, is_small)
    data["expand"] = _expand(rng, names, kinds, periods, futures, builds, is_small)
    if has_storage:
        builds |= _batteries(rng, names, builds, is_small)
    if has_covenants:
        data["expand"]["finance"] = _finance(sites)
    return parse_instance(json.dumps(data))


def _expand(
    rng: np.random.Generator, names: list[str], kinds: list[str], periods: int, futures: int,
    builds: Data, is_small: bool,
) -> Data:  # fmt: skip
    return {
        "blocks": BLOCKS,
        "sites": {s: {"wacc_per_year": 0.1, "energy_driver": "power"} for s in names},
        "compute": {c: _compute(rng, i) for i, c in enumerate(kinds)},
        "builds": builds,
        "demand": _demand(rng, len(names), periods, is_small),
        "drivers": {d: {} for d in SPREAD},
        "futures": _futures(rng, futures, periods, list(builds)),
    }


def _world(rng: np.random.Generator, names: list[str], kinds: list[str], periods: int) -> Data:
    return {
        "schema": "fleetwatt/instance/1",
        "horizon": {"start": "2027-01-01", "periods": 3 * periods, "period_hours": 730.0},
        "chips": {c: _chip(rng) for c in kinds},
        "domains": {f"d{c}": {"chip": c, "chips": 72} for c in kinds},
        "sites": {s: _site(rng, i) for i, s in enumerate(names)},
    }


def _builds(
    rng: np.random.Generator, names: list[str], kinds: list[str], periods: int, is_small: bool
) -> Data:
    builds: Data = {}
    for s in names:
        builds |= _power(rng, s, is_small) | _hall(rng, s, is_small)
    for i, c in enumerate(kinds):
        builds |= _racks(rng, c, i, names, periods, is_small)
    return builds


def _compute(rng: np.random.Generator, i: int) -> float:
    """Return units of compute of a chip: a quarter more for each that comes later."""
    return round(float(rng.uniform(0.6, 1.2)) * 1.25**i, 3)


def _chip(rng: np.random.Generator) -> Data:
    kw = round(float(rng.uniform(0.9, 1.5)), 3)
    return {"hbm_gb": 192, "nameplate_kw": round(kw * 1.3, 3), "training_kw": kw}


def _site(rng: np.random.Generator, i: int) -> Data:
    return {
        "country": "GB" if i % 3 == 0 else "NO",
        "pue": round(float(rng.uniform(1.1, 1.3)), 3),
        "supplies": {},
    }


def _path(rng: np.random.Generator, periods: int, trend: float) -> list[float]:
    """Return a factor path: a trend by year, a little noise."""
    steps = rng.normal(0, 0.01, periods).cumsum()
    return [round(float((1 + trend) ** (t / 4) * np.exp(x)), 5) for t, x in enumerate(steps)]


def _power(rng: np.random.Generator, s: str, is_small: bool) -> Data:
    grid = {
        "kind": "grid",
        "sites": [s],
        "cap_mw": 5.0 if is_small else 50.0,
        "cost_usd": round(float(rng.uniform(2e5, 6e5))),
        "lead_periods": int(rng.integers(1, 3) if is_small else rng.integers(4, 9)),
        "max_units": 2 if is_small else 6,
        "price_usd_per_mwh": round(float(rng.uniform(40, 110)), 2),
        "energy_driver": "power",
        "carbon_kg_per_mwh": 200.0,
        "fixed_usd_per_year": 20_000.0,
    }
    turbine = {
        "kind": "turbine",
        "sites": [s],
        "cap_mw": 2.0 if is_small else 16.0,
        "cost_usd": round(float(rng.uniform(1.0e6, 1.4e6))),
        "paid_at_order": 0.3,
        "lead_periods": 1 if is_small else 3,
        "max_units": 2 if is_small else 15,
        "price_usd_per_mwh": round(float(rng.uniform(70, 140)), 2),
        "energy_driver": "gas",
        "carbon_kg_per_mwh": 500.0,
        "resale_usd": 600_000.0,
        "may_retire": True,
    }
    if is_small and rng.random() < 0.5:
        grid |= {"ramp": [0.4], "take_or_pay": 0.3}
    return {f"{s}-grid": grid, f"{s}-turbines": turbine}


def _batteries(rng: np.random.Generator, names: list[str], builds: Data, is_small: bool) -> Data:
    """Return batteries of two to six hours at each site, whose grid is cut by day."""
    found: Data = {}
    for s in names:
        cap_mw = 1.0 if is_small else 10.0
        builds[f"{s}-grid"]["availability"] = [round(float(rng.uniform(0.3, 0.9)), 2), 1.0]
        found[f"{s}-battery"] = {
            "kind": "battery",
            "sites": [s],
            "cap_mw": cap_mw,
            "cost_usd": round(float(rng.uniform(4e5, 9e5)) * (0.1 if is_small else 1)),
            "lead_periods": 1 if is_small else 2,
            "max_units": 4 if is_small else 30,
            "price_usd_per_mwh": round(float(rng.uniform(0, 5)), 2),
            "storage": {
                "energy_mwh": round(float(rng.uniform(2, 14)) * cap_mw, 1),
                "efficiency_in": 0.95,
                "efficiency_out": round(float(rng.uniform(0.8, 0.97)), 2),
            },
        }
    return found


def _hall(rng: np.random.Generator, s: str, is_small: bool) -> Data:
    return {
        f"{s}-hall": {
            "kind": "hall",
            "sites": [s],
            "it_mw": 3.0 if is_small else 20.0,
            "cost_usd": round(float(rng.uniform(8e6, 12e6)) * (0.1 if is_small else 1)),
            "paid_at_order": 0.4,
            "lead_periods": 1 if is_small else 6,
            "max_units": 3 if is_small else 15,
            "resale_usd": 4e5 if is_small else 5e6,
        }
    }


def _racks(
    rng: np.random.Generator, c: str, i: int, names: list[str], periods: int, is_small: bool
) -> Data:
    price = (8_000.0 if is_small else 30_000.0) * 1.2**i
    racks = {
        "kind": "chips",
        "sites": names,
        "domain": f"d{c}",
        "domains": 10 if is_small else 20,
        "cost_usd": [round(price * x, 2) for x in _path(rng, periods, -0.12)],
        "cost_driver": "chips",
        "lead_periods": 1 if is_small else 2,
        "first": f"{2027 + i // 2}-01-01" if not is_small else None,
        "max_units": 5 if is_small else 300,
        "max_per_period": 3 if is_small else 60,
        "fixed_usd_per_year": 1_500.0,
        "resale_usd": [round(price * 0.5 * x, 2) for x in _path(rng, periods, -0.3)],
        "resale_driver": "chips",
        "may_retire": bool(rng.random() < 0.5),
    }
    if racks["first"] is None:
        del racks["first"]
    return {f"{c}-racks": racks}


def _demand(rng: np.random.Generator, sites: int, periods: int, is_small: bool) -> Data:
    scale = 4_000.0 if is_small else 60_000.0 * sites
    rent = round(float(rng.uniform(2.0, 2.6)), 3)
    volume = [round(scale * (0.5 + 0.05 * t), 2) for t in range(periods)]
    fall = _path(rng, periods, -0.1)
    return {
        "open": {
            "volume": volume,
            "volume_driver": "demand",
            "usd_per_unit_hour": [round(rent * x, 5) for x in fall],
            "price_driver": "rent",
        },
        "sovereign": {
            "countries": ["GB"],
            "volume": [round(x * 0.2, 2) for x in volume],
            "volume_driver": "demand",
            "usd_per_unit_hour": [round(rent * 1.15 * x, 5) for x in fall],
            "price_driver": "rent",
        },
    }


def _futures(rng: np.random.Generator, count: int, periods: int, builds: list[str]) -> Data:
    """Return futures that move together: where demand falls, so do rents and chip prices."""
    found: Data = {}
    for i in range(count):
        market = float(rng.normal())
        drivers = {}
        for d, width in SPREAD.items():
            x = width * (0.7 * market + 0.7 * float(rng.normal()))
            drivers[d] = [round(float(np.exp(x * (t + 1) / periods)), 5) for t in range(periods)]
        delays = {
            b: int(rng.integers(1, 4))
            for b in builds
            if b.endswith(("grid", "hall")) and rng.random() < 0.3
        }
        found[f"f{i}"] = {"probability": 1 / count, "drivers": drivers, "delays": delays}
    return found


def _finance(sites: int) -> Data:
    return {
        "cash_usd": 4e8 * sites,
        "debt_usd": 2e9 * sites,
        "loan_to_cost": 0.6,
        "interest_per_year": 0.09,
        "coverage": 2.0,
        "coverage_from": 8,
        "capex_usd_per_year": [1.2e9 * sites],
    }
