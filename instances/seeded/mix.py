"""Seeded mixes for benchmarks and tests: so many chips, classes of work and sites.

Rates, draws and prices scatter around those of the chips of the catalogue; nothing in them is a
claim about a product. Same numbers in, same instance out.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from optimizer.domain.files import parse_instance
from optimizer.domain.instance import SCHEMA, Instance

__all__ = ["random_mix"]

Data = dict[str, Any]

SIZES = (8, 16, 64, 64, 72, 144)
"""Chips of a domain: servers, UltraServers, cubes, racks."""

COUNTRIES = ("US", "GB", "NO", "PT")


def random_mix(chips: int, classes: int, sites: int, seed: int = 0) -> Instance:
    """Return an instance of a mix over 60 months.

    Parameters
    ----------
    chips, classes, sites
        How many of each, at least 1; every chip is offered for purchase and for lease.
    seed
        Of all random numbers.
    """
    rng = np.random.default_rng([seed, chips, classes, sites])
    speed = rng.lognormal(0.0, 0.5, chips)  # a chip's speed for work of an average class
    data: Data = {
        "schema": SCHEMA,
        "name": f"random-mix-{chips}-{classes}-{sites}-{seed}",
        "title": f"{chips} chips, {classes} classes, {sites} sites; seeded and fictitious",
        "horizon": {"start": "2027-01-01", "periods": 60, "period_hours": 730.0},
        "chips": {}, "domains": {}, "workloads": {}, "sites": {},
        "mix": {"offers": {}, "demand": {}, "utilisation": 0.9, "discount_rate_per_year": 0.1},
        "sources": {"": {"source": "assumed: seeded generator of this project", "kind": "assumed"}},
    }  # fmt: skip
    for i in range(chips):
        _chip(data, rng, i, float(speed[i]))
    total = _sites(data, rng, sites)
    _classes(data, rng, classes, speed, total)
    data["mix"]["ranges"] = _ranges(chips)
    return parse_instance(json.dumps(data))


def _chip(data: Data, rng: np.random.Generator, i: int, speed: float) -> None:
    kw = round(0.6 + 0.7 * speed * float(rng.uniform(0.7, 1.3)), 3)
    price = round(30_000 * speed * float(rng.uniform(0.7, 1.4)), 0)
    rent = round(price / 8760 / 2.2 * float(rng.uniform(0.9, 1.4)), 3)
    size = int(rng.choice(SIZES))
    data["chips"][f"chip-{i}"] = {
        "hbm_gb": 192, "vendor": f"vendor-{i % 3}", "nameplate_kw": round(kw * 1.3, 3),
        "training_kw": kw, "idle_kw": round(0.15 * kw, 3),
        "power_levels": {"eco": {"draw_share": 0.8, "speed_share": 0.9}},
    }  # fmt: skip
    data["domains"][f"domain-{i}"] = {"chip": f"chip-{i}", "chips": size, "racks": size / 64}
    both = data["mix"]["offers"]
    both[f"buy-{i}"] = {
        "domain": f"domain-{i}", "kind": "buy", "upkeep_share_per_year": 0.03,
        "tiers": [{"upfront_usd_per_chip": price}, {"from_domains": 200,
                   "upfront_usd_per_chip": round(0.95 * price, 0)}],
        "max_domains": 20_000,
    }  # fmt: skip
    both[f"lease-{i}"] = {
        "domain": f"domain-{i}", "kind": "lease", "take_or_pay": 0.7, "max_domains": 20_000,
        "tiers": [{"usd_per_chip_hour": rent}],
    }  # fmt: skip


def _sites(data: Data, rng: np.random.Generator, sites: int) -> float:
    """Add sites; return their MW in all."""
    total = 0.0
    for s in range(sites):
        cap = round(float(rng.uniform(20, 120)), 1)
        total += cap
        grid = {"kind": "grid", "cap_mw": cap}
        grid |= {"price_usd_per_mwh": round(float(rng.uniform(30, 180)), 1)}
        data["sites"][f"site-{s}"] = {
            "country": str(rng.choice(COUNTRIES)), "pue": round(float(rng.uniform(1.1, 1.35)), 2),
            "racks": round(cap * 12), "supplies": {"grid": grid},
        }  # fmt: skip
    return total


def _classes(
    data: Data, rng: np.random.Generator, classes: int, speed: np.ndarray[Any, Any], mw: float
) -> None:
    """Add classes of work that take about the power there is, each best on other chips."""
    weights = rng.dirichlet(np.full(classes, 2.0))
    for k in range(classes):
        rates = []
        for i, (name, domain) in enumerate(data["domains"].items()):
            per_chip = float(speed[i] * rng.lognormal(0.0, 0.25))
            row = {"chip": domain["chip"], "domain": name, "slice_chips": domain["chips"]}
            row |= {"chips": domain["chips"]}
            rates.append(row | {"work_per_hour": round(per_chip * domain["chips"], 4)})
        data["workloads"][f"work-{k}"] = {"unit": "chip-hours of an average chip", "rates": rates}
        wanted = float(weights[k]) * mw * 1000 / 1.6 * 0.85 * 730  # about 1.6 kW a chip
        demand: Data = {"workload": f"work-{k}", "work_per_month": round(wanted, 1)}
        demand["value_usd_per_unit"] = round(float(rng.uniform(2.0, 6.0)), 3)
        if rng.random() < 0.2:
            there = sorted({site["country"] for site in data["sites"].values()})
            demand["countries"] = [str(rng.choice(there))]
        data["mix"]["demand"][f"class-{k}"] = demand


def _ranges(chips: int) -> Data:
    """Return ranges of draws and prices of every chip."""
    out: Data = {}
    for i in range(chips):
        out[f"draw-{i}"] = {"of": [f"/chips/chip-{i}/training_kw"], "low": 0.9, "high": 1.15}
        out[f"price-{i}"] = {"of": [f"/mix/offers/buy-{i}/tiers"], "low": 0.8, "high": 1.3}
    return out
