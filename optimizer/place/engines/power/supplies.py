"""The numeric image of sites and their supplies: see `PlaceArrays`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.domain.horizon import Horizon
    from optimizer.domain.instance import Instance
    from optimizer.domain.power import Storage

__all__ = ["power_arrays"]

Ints = NDArray[np.int64]


def _ints(items: Iterable[int]) -> Ints:
    return np.array(list(items), np.int64)


def power_arrays(instance: Instance) -> dict[str, Ints]:
    """Return pue, fixed load, room and supplies by site."""
    h, sites = instance.horizon, instance.sites
    pue = np.array([s.pue_milli(h) for s in sites.values()])
    fixed = np.array([1000 * s.other_w(h) for s in sites.values()])
    for i, name in enumerate(sites):
        for pool in (p for p in instance.pools.values() if p.site == name):
            chips = pool.present(h) * instance.domain_chips(pool)
            fixed[i] += pue[i] * instance.chips[pool.chip].idle_w * chips
    supplies = [list(s.supplies.values()) for s in sites.values()]
    flat = [k for each in supplies for k in each]
    cap = np.array([k.cap_w(h) for k in flat]).reshape(-1, h.periods)
    cost = np.array([k.cost_nano(h, instance.carbon_usd_per_kg) for k in flat])
    limits = [k.permit_watt_periods(h) for k in flat]
    ptr = np.concatenate(([0], np.cumsum([len(each) for each in supplies]))).astype(np.int64)
    total = np.array([cap[a:b].sum(0) for a, b in itertools.pairwise(ptr)])
    return {
        "pue": pue,
        "fixed_mw": fixed,
        "room_w": (1000 * total - fixed) // pue,
        "sup_ptr": ptr,
        "sup_cap": cap,
        "sup_cost": cost.reshape(-1, h.periods),
        "permit": _ints(-1 if x is None else x for x in limits),
        "peak_cost": _ints(k.demand_nano for k in flat),
    } | _stores([k.storage for k in flat], h)


def _stores(stores: list[Storage | None], h: Horizon) -> dict[str, Ints]:
    """Return what batteries hold and take; -1 and 0 for other supplies."""
    return {
        "full": _ints(-1 if x is None else x.most(h) for x in stores),
        "held": _ints(0 if x is None else x.start(h) for x in stores),
        "charge_w": _ints(0 if x is None else x.in_w for x in stores),
        "added": _ints(0 if x is None else x.in_milli for x in stores),
        "taken": _ints(0 if x is None else x.out_milli for x in stores),
    }
