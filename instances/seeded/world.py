"""Sites and tenants of seeded fleets: hourly prices and caps, calls, quotas, a budget."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["COUNTRIES", "DOMAINS", "WORKLOADS", "add_site", "add_tenants", "classes_and_tenants"]

Data = dict[str, Any]

DOMAINS = {
    "gb300": "nvl72-gb300",
    "h100": "hgx8-h100",
    "h200": "hgx8-h200",
    "tpu-v7": "tpu-v7-cube",
    "trn3-gen2": "trn3-ultra-gen2",
}
"""Chips that are drawn, and their scale-up domains."""

WORKLOADS = {
    "deepseek-v3": 200,
    "gpt-oss-120b": 8,
    "llama2-70b-lora": 4,
    "llama3-70b": 16,
    "llama3.1-405b": 144,
    "qwen3-235b": 64,
    "qwen3-30b": 4,
    "stable-diffusion": 1,
}
"""Classes that are ordered, and the smallest gangs that train them [chips]."""

COUNTRIES = ("GB", "NO", "US")

LEAST_CAP = 0.55
"""No hour has less power than this share of what all chips in training draw, so that what runs
already can go on; at most half of a pool does."""


def add_site(
    data: Data, rng: np.random.Generator, s: int, periods: int, calls: int = 1, hours: float = 1.0
) -> None:
    """Add a site: prices and caps by period, perhaps a turbine beside the grid, perhaps calls.

    calls, hours
        How many calls a grid has that has any, and the length of a period [h].
    """
    pools = [p for p in data["pools"].values() if p["site"] == f"site-{s}"]
    draw = sum(
        p["count"] * data["domains"][p["domain"]]["chips"] * data["chips"][p["chip"]]["training_kw"]
        for p in pools
    )
    pue = round(float(rng.uniform(1.08, 1.3)), 2)
    most = max(draw, 1.0) * pue / 1000
    level, swing = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.0, 0.12))
    day = [1 + swing * float(np.cos((t + 3 * s) / 24 * 2 * np.pi)) for t in range(periods)]
    caps = [round(most * max(LEAST_CAP, level * x), 4) for x in day]
    price, spread = float(rng.uniform(25, 190)), float(rng.uniform(0.0, 0.4))
    noise = rng.uniform(-spread, spread, periods).tolist()
    grid: Data = {"kind": "grid", "cap_mw": caps}
    grid["price_usd_per_mwh"] = [round(price * (1 + x), 2) for x in noise]
    supplies: Data = {"grid": grid}
    if rng.random() < 0.4:
        share = float(rng.uniform(0.1, 0.3))
        grid["cap_mw"] = [round((1 - share) * cap, 4) for cap in caps]
        turbine = {"kind": "turbine", "cap_mw": round(share * max(caps), 4)}
        supplies["turbine"] = turbine | {"price_usd_per_mwh": round(price * 1.5, 2)}
    elif rng.random() < 0.5 and periods > 6:
        grid["calls"] = []
        for _ in range(calls):
            begin = int(rng.integers(2, periods - 3))
            call = {"from": begin * hours, "until": (begin + int(rng.integers(1, 4))) * hours}
            grid["calls"].append(call | {"cap_mw": round(LEAST_CAP * most, 4)})
    cooling = sorted({c for p in pools for c in data["chips"][p["chip"]].get("cooling", [])})
    data["sites"][f"site-{s}"] = {
        "country": COUNTRIES[s % len(COUNTRIES)], "pue": pue, "cooling": cooling,
        "supplies": supplies,
    }  # fmt: skip


def add_tenants(data: Data, rng: np.random.Generator, hours: int) -> None:
    """Add tenants, one of them under a quota and one under a budget."""
    chips = sum(p["count"] * data["domains"][p["domain"]]["chips"] for p in data["pools"].values())
    data["tenants"] = {
        "own": {"weight": 3.0},
        "cloud": {"weight": 2.0, "quota_chips": max(300, int(rng.uniform(0.3, 0.6) * chips))},
        "sovereign": {"weight": 1.0},
        "grant": {"weight": 1.0},
    }
    limit = round(float(rng.uniform(0.05, 0.15)) * chips * hours, 0)
    data["budgets"] = {"grant": {"limit": limit, "unit": "chip-hours", "chip_hours_of": ["grant"]}}


def classes_and_tenants(domestic: list[str]) -> Data:
    """Return which classes jobs are of, and what share of them each tenant wants.

    domestic
        Countries in which one of the tenants must stay.
    """
    return {
        "workloads": {w: {"least_chips": n, "most_chips": 10**6} for w, n in WORKLOADS.items()},
        "tenants": {
            "own": {"share": 0.4, "has_largest": True},
            "cloud": {"share": 0.25, "has_largest": True},
            "sovereign": {"share": 0.2, "countries": domestic},
            "grant": {"share": 0.15},
        },
    }
