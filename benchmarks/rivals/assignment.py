"""A one-period instance as a problem of assignment: which job in which pool, or out.

Every job has in every pool the mode that is worth most there. The limits are those of MODEL:
chips and slices of pools, watts of sites, quotas and budgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import Unsupported
from optimizer.place.engines.rows import base_rows
from optimizer.place.image.totals import total_names
from optimizer.units import NANO

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import PlaceArrays

__all__ = ["best_modes", "problem_of"]

Data = dict[str, Any]

POOL, SITE, ALL = "pool", "site", "all"


def best_modes(instance: Instance, a: PlaceArrays) -> dict[tuple[int, int], tuple[int, float]]:
    """Return by (job, pool) the mode that is worth most there, and how much [USD].

    Energy is counted at the cheapest supply.

    Raises
    ------
    Unsupported
        If there are more periods than one, or modes in several pools.
    """
    if instance.horizon.periods > 1 or (np.diff(a.part_ptr) > 1).any():
        raise Unsupported("an assignment", "it is for one period, and modes in one pool")
    cost = [a.sup_cost[p:q, 0].min() for p, q in zip(a.sup_ptr, a.sup_ptr[1:], strict=False)]
    found: dict[tuple[int, int], tuple[int, float]] = {}
    for j in range(len(a.late)):
        for m in range(int(a.job_ptr[j]), int(a.job_ptr[j + 1])):
            part = int(a.part_ptr[m])
            pool, s = int(a.part_pool[part]), int(a.pool_site[a.part_pool[part]])
            paid = int(a.part_net_w[part]) * int(a.pue[s, 0]) / 1000 * float(cost[s])
            worth = (int(a.gain[m]) - paid) / NANO
            if a.allowed[m, 0] and worth > found.get((j, pool), (0, 0.0))[1]:
                found[j, pool] = m, worth
    return found


def problem_of(instance: Instance, a: PlaceArrays) -> Data:
    """Return the problem as `rebalancing.py` reads it; jobs and pools by number."""
    best = best_modes(instance, a)
    worth: dict[str, dict[str, float]] = {str(j): {} for j in range(len(a.late))}
    for (j, p), (_, usd) in best.items():
        worth[str(j)][str(p)] = usd
    pools = [str(p) for p in range(len(a.pool_site))]
    sites = {p: f"site {a.pool_site[int(p)]}" for p in pools}
    scopes = {SITE: sites, ALL: dict.fromkeys(pools, ALL)}
    limits = _of_pools(a, best) | _of_sites(a, best) | _of_all(instance, a, best)
    return {"pools": pools, "worth": worth, "scopes": scopes, "limits": limits}


def _limit(scope: str, takes: Any, most: dict[str, float]) -> Data:
    """Return a limit; takes are (item, job, amount), of which the largest counts."""
    each: dict[str, dict[str, float]] = {item: {} for item in most}
    for item, j, amount in takes:
        if item in each:
            each[item][str(j)] = max(float(amount), each[item].get(str(j), 0.0))
    return {"scope": scope, "takes": each, "most": most}


def _of_pools(a: PlaceArrays, best: dict[tuple[int, int], tuple[int, float]]) -> Data:
    part = {(j, p): int(a.part_ptr[m]) for (j, p), (m, _) in best.items()}
    chips = [(str(p), j, a.part_slice[x] * a.part_slices[x]) for (j, p), x in part.items()]
    most = {str(p): float(a.usable[p, 0] * a.pool_size[p]) for p in range(len(a.pool_site))}
    found = {"chips": _limit(POOL, chips, most)}
    for q in sorted({row.size for row in base_rows(a) if row.kind == "slice"}):
        of = [row.of for row in base_rows(a) if row.kind == "slice" and row.size == q]
        takes = [
            (str(p), j, a.part_slices[x] * (a.part_slice[x] // q)) for (j, p), x in part.items()
        ]
        most = {str(p): float(a.avail[p, 0] * (a.pool_size[p] // q)) for p in of}
        found[f"slices of {q}"] = _limit(POOL, takes, most)
    return found


def _of_sites(a: PlaceArrays, best: dict[tuple[int, int], tuple[int, float]]) -> Data:
    takes = [
        (f"site {a.pool_site[p]}", j, a.part_net_w[a.part_ptr[m]])
        for (j, p), (m, _) in best.items()
    ]
    most = {f"site {s}": float(a.room_w[s, 0]) for s in range(len(a.pue))}
    return {"watts": _limit(SITE, takes, most)}


def _of_all(
    instance: Instance, a: PlaceArrays, best: dict[tuple[int, int], tuple[int, float]]
) -> Data:
    found: Data = {}
    for i, quota in enumerate(a.quota.tolist()):
        takes = [(ALL, j, a.chips[m]) for (j, _), (m, _) in best.items() if a.tenant[j] == i]
        if quota >= 0:
            found[f"quota {i}"] = _limit(ALL, takes, {ALL: float(quota)})
    for b, name in enumerate(total_names(instance)):
        uses = [
            (ALL, j, int(a.use_amount[u]))
            for (j, _), (m, _) in best.items()
            for u in range(int(a.use_ptr[m]), int(a.use_ptr[m + 1]))
            if a.use_budget[u] == b
        ]
        found[" ".join(name)] = _limit(ALL, uses, {ALL: float(a.budget[b])})
    return found
