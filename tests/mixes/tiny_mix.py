"""Seeded tiny mixes: few domains, every feature now and then, small enough to enumerate."""

from __future__ import annotations

from typing import Any

import numpy as np

Data = dict[str, Any]


def tiny_mix(seed: int) -> Data:
    """Return an instance of a mix with at most three offers and a handful of domains."""
    rng = np.random.default_rng(seed)
    kinds = [f"d{i}" for i in range(int(rng.integers(1, 4)))]
    sites = [f"s{i}" for i in range(int(rng.integers(1, 3)))]
    periods = int(rng.integers(1, 4))
    data: Data = {
        "schema": "fleetwatt/instance/1",
        "name": f"tiny-mix-{seed}",
        "horizon": {"start": "2027-01-01", "periods": periods, "period_hours": 730.0},
        "chips": {f"c{i}": _chip(rng, i) for i in range(len(kinds))},
        "domains": {kind: _domain(rng, i) for i, kind in enumerate(kinds)},
        "workloads": {},
        "sites": {site: _site(rng, periods) for site in sites},
    }
    demand = {}
    for k in range(int(rng.integers(1, 4))):
        data["workloads"][f"w{k}"] = _workload(rng, data["domains"])
        demand[f"k{k}"] = _demand(rng, k, periods)
    offers = {f"o{i}": _offer(rng, kind, sites, periods) for i, kind in enumerate(kinds)}
    data["mix"] = {"offers": offers, "demand": demand} | _limits(rng, kinds, periods)
    if rng.random() < 0.3:
        pool = {"site": sites[0], "chip": "c0", "domain": kinds[0], "count": 1}
        data["pools"] = {"there": pool}
    return data


def _chip(rng: np.random.Generator, i: int) -> Data:
    kw = round(float(rng.uniform(0.5, 1.5)), 3)
    chip: Data = {"hbm_gb": 80, "vendor": f"v{i % 2}", "nameplate_kw": kw * 1.3, "training_kw": kw}
    if rng.random() < 0.5:
        chip["idle_kw"] = round(kw * 0.2, 3)
    if rng.random() < 0.3:
        chip["power_levels"] = {"eco": {"draw_share": 0.7, "speed_share": 0.85}}
    if rng.random() < 0.2:
        chip["cooling"] = ["liquid" if i == 0 else "air"]
    return chip


def _domain(rng: np.random.Generator, i: int) -> Data:
    size = int(rng.choice([4, 8, 12]))
    cuts = [2] if rng.random() < 0.5 else []
    racks = float(rng.choice([0.25, 0.5, 1.0]))
    return {"chip": f"c{i}", "chips": size, "slice_chips": cuts, "racks": racks}


def _workload(rng: np.random.Generator, domains: Data) -> Data:
    rates = []
    for kind, domain in domains.items():
        size = domain["chips"]
        gangs = [(size, size)] + ([(2 * size, size)] if rng.random() < 0.3 else [])
        gangs += [(2, 2)] if domain["slice_chips"] and rng.random() < 0.5 else []
        if rng.random() < 0.15:
            gangs = [(2 * size, size)]
        for chips, cut in gangs:
            per_chip = float(rng.uniform(0.05, 0.3))
            row = {"chip": domain["chip"], "domain": kind, "chips": chips, "slice_chips": cut}
            rates.append(row | {"work_per_hour": round(per_chip * chips, 4)})
    return {"unit": "units", "rates": rates}


def _site(rng: np.random.Generator, periods: int) -> Data:
    grid: Data = {"kind": "grid", "cap_mw": round(float(rng.uniform(0.004, 0.04)), 4)}
    grid["price_usd_per_mwh"] = round(float(rng.uniform(30, 300)), 1)
    supplies = {"grid": grid}
    if rng.random() < 0.4:
        gas = {"kind": "turbine", "cap_mw": 0.01, "price_usd_per_mwh": 150.0}
        supplies["gas"] = gas
    if periods > 1 and rng.random() < 0.4:
        grid["cap_mw"] = [{"value": grid["cap_mw"]}, {"from": 730.0, "value": 0.05}]
    site: Data = {"country": str(rng.choice(["US", "GB"])), "pue": 1.2, "supplies": supplies}
    if rng.random() < 0.4:
        site["racks"] = float(rng.choice([1.0, 2.0, 3.0]))
    if rng.random() < 0.3:
        site["other_load_mw"] = 0.001
    if rng.random() < 0.3:
        site["cooling"] = ["liquid"]
    return site


def _demand(rng: np.random.Generator, k: int, periods: int) -> Data:
    demand: Data = {"workload": f"w{k}", "value_usd_per_unit": round(float(rng.uniform(1, 40)), 2)}
    if rng.random() < 0.85:
        demand["work_per_month"] = round(float(rng.uniform(300, 3000)), 1)
        if rng.random() < 0.3:
            demand["least_share"] = round(float(rng.uniform(0.1, 0.6)), 3)
        elif rng.random() < 0.15:
            del demand["value_usd_per_unit"]
            demand["weight_per_unit"] = 3.0
        if periods > 1 and rng.random() < 0.3:
            steps = [{"value": demand["work_per_month"]}, {"from": 730.0, "value": 1500.0}]
            demand["work_per_month"] = steps
    if rng.random() < 0.15:
        demand["countries"] = ["US"]
    if rng.random() < 0.2:
        demand["whole_domain"] = True
    return demand


def _offer(rng: np.random.Generator, kind: str, sites: list[str], periods: int) -> Data:
    how = str(rng.choice(["buy", "lease", "reserve"]))
    upfront = 0.0 if how == "lease" else round(float(rng.uniform(500, 3000)), 2)
    rent = 0.0 if how == "buy" else round(float(rng.uniform(0.5, 3)), 3)
    tier: Data = {"upfront_usd_per_chip": upfront, "usd_per_chip_hour": rent}
    offer: Data = {"domain": kind, "kind": how, "tiers": [tier]}
    offer["max_domains"] = int(rng.integers(1, 4))
    if rng.random() < 0.3:
        cheaper = {key: round(x * 0.8, 3) for key, x in tier.items()}
        offer["tiers"].append({"from_domains": 2} | cheaper)
        offer["max_domains"] = max(2, offer["max_domains"])
    if rng.random() < 0.25:
        offer["min_domains"] = min(2, offer["max_domains"])
    if how != "buy" and rng.random() < 0.6:
        offer["take_or_pay"] = round(float(rng.uniform(0, 0.9)), 2)
    if how != "lease":
        offer |= {"upkeep_share_per_year": 0.05, "residual_share": float(rng.choice([0.0, 0.3]))}
    if periods > 1 and rng.random() < 0.3:
        offer["delivery"] = 730.0
    if periods > 2 and how == "lease" and rng.random() < 0.3:
        offer["until"] = 1460.0
    if rng.random() < 0.3:
        offer["vendor"] = "reseller"
    return offer


def _limits(rng: np.random.Generator, kinds: list[str], periods: int) -> Data:
    out: Data = {"utilisation": float(rng.choice([1.0, 0.9]))}
    if rng.random() < 0.3:
        out["discount_rate_per_year"] = 0.1
    if rng.random() < 0.25:
        out["capex_usd"] = round(float(rng.uniform(5_000, 60_000)), 0)
    if rng.random() < 0.25:
        out["yearly_cash_usd"] = [round(float(rng.uniform(20_000, 120_000)), 0)]
    if rng.random() < 0.25:
        out["power_mw"] = round(float(rng.uniform(0.01, 0.04)), 4)
    if rng.random() < 0.2:
        out["supply_chips"] = {"c0": int(rng.integers(4, 30))}
    if len(kinds) > 1 and rng.random() < 0.25:
        out["vendor_share"] = {"v0": 0.6}
    if rng.random() < 0.15:
        out["work_at_least"] = round(float(rng.uniform(100, 2000)), 1)
    if rng.random() < 0.2:
        out["draw"] = "nameplate"
    return out
