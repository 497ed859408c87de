"""A world with so few plans that all of them can be tried, and how its studies ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiny_expand import base

from optimizer.domain.answers.cases import plan_of
from optimizer.expand.check import check
from optimizer.questions import EXPAND
from optimizer.studies import Sweep

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance

EXACT: dict[str, Any] = {"gap": 1e-9, "seconds": 30.0}
DOLLAR = 10**9


def world(periods: int = 3, **more: Any) -> dict[str, Any]:
    """Return one site, three futures, a unit of each build a period: few plans in all."""
    data = base(periods)
    builds = data["expand"]["builds"]
    builds["grid"] |= {"max_units": 1}
    builds["hall"] |= {"max_units": 1}
    builds["racks"] |= {"domains": 100, "max_units": 3, "max_per_period": 1}
    data["expand"]["drivers"] = {"demand": {"low": 0.5, "high": 1.5}}
    data["expand"]["demand"]["open"] |= {"volume_driver": "demand", "usd_per_unit_hour": 3.0}
    data["expand"]["futures"] = {
        "holds": {"probability": 0.5},
        "falls": {"probability": 0.3, "drivers": {"demand": [1.0] + [0.2] * (periods - 1)}},
        "late": {"probability": 0.2, "delays": {"grid": 1}},
    }
    data["expand"] |= more
    return data


def asks(instance: Instance, **options: Any) -> Solve:
    """Return what solves cases of an instance exactly, each plan checked."""
    return Sweep(1).of(EXPAND, instance, EXACT | options)


def judged(found: Solved[Any]) -> bool:
    """Return whether the judge passes the plan of a case in its own instance."""
    return not check(found.instance, plan_of(found)).violations
