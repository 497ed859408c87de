"""Compiled code made ready before any clock starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = ["small_instance"]

_SMALL = {
    "schema": "fleetwatt/instance/1",
    "name": "small",
    "horizon": {"start": "2026-01-01", "periods": 6},
    "chips": {"c": {"hbm_gb": 80, "nameplate_kw": 1, "training_kw": 1}},
    "domains": {"d": {"chip": "c", "chips": 8, "slice_chips": [4]}},
    "sites": {
        "s": {
            "country": "GB",
            "pue": 1.2,
            "supplies": {
                "grid": {
                    "kind": "grid",
                    "cap_mw": 0.02,
                    "price_usd_per_mwh": 60,
                    "demand_usd_per_mw": 100,
                },
                "battery": {
                    "kind": "battery",
                    "cap_mw": 0.004,
                    "price_usd_per_mwh": 0,
                    "storage": {
                        "energy_mwh": 0.01,
                        "in_mw": 0.004,
                        "efficiency_in": 0.95,
                        "efficiency_out": 0.95,
                        "start_mwh": 0.005,
                    },
                },
            },
        }
    },
    "pools": {"s/c": {"site": "s", "chip": "c", "domain": "d", "count": 2}},
    "jobs": [
        {
            "id": f"j{i}",
            "value_usd": 10 + i,
            "modes": [
                {
                    "parts": [{"pool": "s/c", "slice_chips": 4 + 4 * (i % 2), "slices": 1}],
                    "hours": 2,
                }
            ],
            "running": None
            if i
            else {
                "parts": [{"pool": "s/c", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}],
                "periods_left": 2,
            },
        }
        for i in range(9)
    ],
}
"""A problem with whole domains, small slices, a running job, a battery and a demand charge."""


def small_instance() -> Instance:
    """Return a problem that touches every compiled function: solving it compiles or loads them."""
    return parse_instance(json.dumps(_SMALL))
