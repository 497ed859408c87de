"""Lines of the sets that are asked of `expand`: what `as_expand.py` carries of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.orlib import facility, servers
from benchmarks.orlib.as_expand import Asked, of_facilities, of_servers
from optimizer.expand.check import check
from optimizer.questions import EXPAND

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.expand.plan import ExpandPlan

__all__ = ["COLUMNS", "row"]

COLUMNS = (
    "set", "n", "carried", "best_known", "is_optimal", "ours", "bound", "above", "below", "seconds",
)  # fmt: skip

ASSIGNED = 20.0
"""Seconds in which the customers of open sites are assigned where each has one site."""


def opened(asked: Asked, plan: ExpandPlan) -> NDArray[np.bool_]:
    """Return which sites a plan opens."""
    found = asked.free.copy()
    for order in plan.orders:
        found[list(asked.instance.sites).index(order.site)] = True
    return found


def solved(asked: Asked, seconds: float) -> tuple[ExpandPlan, float]:
    """Return the plan, which the checker passes, and the seconds it took."""
    began = time.monotonic()
    options = EXPAND.options(method="extensive", seconds=seconds, gap=1e-9)
    plan = EXPAND.solve(asked.instance, options)
    took = time.monotonic() - began
    verdict = check(asked.instance, plan)
    if not verdict.is_good:
        raise SystemExit(f"{asked.instance.name}: {verdict.violations[0]}")
    return plan, took


def row(folder: Path, key: str, known: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the line of a set."""
    best, name = float(known["best_known"]), key.partition("/")[2]
    line: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "set": key, "best_known": round(best, 3), "is_optimal": known["optimal"],
    }  # fmt: skip
    if name.startswith("dcap"):
        return line | {"carried": "not at all"}
    if key.startswith("facility"):
        found = _located(facility.read_facilities(folder / known["file"]), seconds)
    else:
        found = _served(servers.read_servers(folder / "stochastic", name), seconds)
    for side, sign in (("ours", "above"), ("bound", "below")):
        apart = None if found[side] is None else abs(found[side] - best) / abs(best)
        if apart is not None and (found[side] > best) is (side == "bound"):
            apart = -apart
        found[sign] = None if apart is None else round(apart, 5) + 0.0
        found[side] = None if found[side] is None else round(found[side], 3)
    return line | found


def _located(case: facility.Facilities, seconds: float) -> dict[str, Any]:
    """Return the line of facility location; without prices of capacity, and with them."""
    each = [np.zeros(len(case.capacity))]
    if not case.is_uncapacitated:
        each.append(facility.prices_of_capacity(case))
    plans, bounds, took = [], [], 0.0
    for prices in each:
        asked = of_facilities(case, prices)
        plan, mine = solved(asked, seconds / len(each))
        ours = facility.priced(case, opened(asked, plan), ASSIGNED)
        plans += [] if ours is None else [ours]
        bounds += [] if plan.bound is None else [asked.cost(plan.bound)]
        took += mine
    return {
        "n": " x ".join(map(str, case.cost.shape)),
        "carried": "exact" if case.is_uncapacitated else "relaxed",
        "ours": min(plans, default=None),
        "bound": max(bounds, default=None),
        "seconds": round(took, 1),
    }


def _served(case: servers.Servers, seconds: float) -> dict[str, Any]:
    """Return the line of stochastic server location; the plan with mean loads has no bound."""
    plans, bounds, took = [], [], 0.0
    for load, is_bound in ((case.load.min(0), True), (case.load.mean(0), False)):
        asked = of_servers(case, load)
        plan, mine = solved(asked, seconds / 2)
        plans.append(servers.priced(case, opened(asked, plan)))
        bounds += [asked.cost(plan.bound)] if is_bound and plan.bound is not None else []
        took += mine
    return {
        "n": " x ".join(map(str, (*case.revenue.shape, len(case.odds)))),
        "carried": "relaxed",
        "ours": min(plans),
        "bound": max(bounds, default=None),
        "seconds": round(took, 1),
    }
