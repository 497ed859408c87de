"""Tiny instances with a battery, a demand charge, or both, on top of `tiny`.

`tiny_power(seed)` is `tiny(seed)` with more supplies and prices of power, drawn by a generator of
its own, so that the instances of `tiny` stay what they are.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import stranger
from tiny import tiny

Data = dict[str, Any]


def tiny_power(seed: int) -> Data:
    """Return a tiny instance whose sites have a battery, a demand charge, or both."""
    data, rng = copy.deepcopy(tiny(seed)), np.random.default_rng([seed, 77])
    data["name"] = f"tiny-power-{seed}"
    caps = {key: max(s.cap_w) / 1e6 for key, s in stranger.World(data).supplies.items()}
    kind = int(rng.integers(0, 3))
    for name, site in data["sites"].items():
        most = max(caps[name, key] for key in site["supplies"])
        if kind != 1:
            battery = _battery(rng, most, data["horizon"])
            if any("running" in job for job in data["jobs"]):
                battery.pop("calls", None)  # a running job that pauses may not end in time then
            site["supplies"]["battery"] = battery
        if kind != 0:
            billed = next(k for k in site["supplies"] if k != "battery")
            hours = data["horizon"]["periods"] * data["horizon"]["period_hours"]
            demand = round(float(rng.uniform(5, 120)) * hours, 1)
            site["supplies"][billed]["demand_usd_per_mw"] = demand
    return data


def _battery(rng: np.random.Generator, most_mw: float, horizon: Data) -> Data:
    hours = horizon["period_hours"]
    cap = round(most_mw * float(rng.uniform(0.2, 0.6)), 5)
    energy = round(cap * hours * float(rng.uniform(0.5, 2.5)), 5)
    battery: Data = {
        "kind": "battery",
        "cap_mw": cap,
        "price_usd_per_mwh": float(rng.choice([0.0, 0.0, 4.5])),
        "storage": {
            "energy_mwh": energy,
            "in_mw": round(most_mw * float(rng.uniform(0.1, 0.6)), 5),
            "efficiency_in": round(float(rng.uniform(0.85, 1.0)), 3),
            "efficiency_out": round(float(rng.uniform(0.85, 1.0)), 3),
            "start_mwh": round(energy * float(rng.choice([0.0, 0.5, 1.0])), 5),
        },
    }
    if rng.random() < 0.2:
        begin = float(rng.integers(0, horizon["periods"])) * hours
        battery["calls"] = [{"from": begin, "until": begin + 1.5 * hours, "cap_mw": cap / 3}]
    return battery
