"""Goals by brute force: least cost, earliest end, fair shares, on tiny instances.

`roomy(seed)` is a tiny instance with so much power and so many chips that all jobs often fit.
"""

from __future__ import annotations

import copy
from typing import Any

import brute
import numpy as np
import stranger
import tiny
from stranger_goal import BILLION, all_must, entitled, least_share

Data = dict[str, Any]

__all__ = ["earliest_end", "fairest", "least_cost", "roomy", "with_power"]


def _scaled(series: Any, factor: float) -> Any:
    if not isinstance(series, list):
        return series * factor
    return [x | {"value": x["value"] * factor} if isinstance(x, dict) else x * factor
            for x in series]  # fmt: skip


def with_power(data: Data, factor: float) -> Data:
    """Return an instance whose supplies can give so much more."""
    data = copy.deepcopy(data)
    for site in data["sites"].values():
        for supply in site["supplies"].values():
            supply["cap_mw"] = _scaled(supply["cap_mw"], factor)
    return data


def roomy(seed: int) -> Data:
    """Return a tiny instance with more power and time, and weights of tenants."""
    data, rng = with_power(tiny.tiny(seed), 1.6), np.random.default_rng(seed)
    for site in data["sites"].values():
        for supply in site["supplies"].values():
            supply.pop("permit", None)
    for job in data["jobs"]:
        for key in ("deadline", "countries", "owners"):
            job.pop(key, None)
    for tenant in data["tenants"].values():
        tenant["weight"] = float(rng.choice([0.5, 1.0, 1.0, 2.5]))
        tenant.pop("quota_chips", None)
    data["budgets"] = {
        name: budget | {"limit": budget["limit"] * 2} for name, budget in data["budgets"].items()
    }
    return data


def least_cost(data: Data) -> int | None:
    """Return what placing every job costs at least [nano-USD]; None if that cannot be."""
    image = all_must(data)
    for job in image["jobs"]:
        job.pop("value_usd", None)
    best = brute.optimum(image)[0]
    return None if best is None else -best


def earliest_end(data: Data) -> int | None:
    """Return the first boundary by which every job can be done; None if that cannot be."""
    image = all_must(data)
    for end in range(data["horizon"]["periods"] + 1):
        if brute.optimum(image, end)[0] is not None:
            return end
    return None


def fairest(data: Data) -> tuple[int, int] | None:
    """Return the largest least share [parts per billion] and the best total at it [nano-USD].

    None if there is no plan or no share. Plans are made fairer step by step, until that cannot be.
    """
    world = stranger.World(data)
    found = entitled(world)
    if not found:
        return None
    total, placements = brute.optimum(data)
    if total is None:
        return None
    while True:
        share = least_share(world, {p["job"] for p in placements})
        assert share is not None
        more = {n: -(-(share + 1) * whole // (BILLION * k)) for n, (whole, k) in found.items()}
        better, placements = brute.optimum(data, needs=more)
        if better is None:
            return share, total
        total = better
