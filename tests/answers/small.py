"""Small mixes for studies, solved in this process, and both judges over every plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judged_mix import passes, read, shop

from optimizer.questions import MIX
from optimizer.studies import Sweep

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance

Data = dict[str, Any]

EXACT = {"gap": 0.0, "conflicts": False}
"""Solve to the engine's proof."""


def solver(instance: Instance, **options: Any) -> Solve:
    """Return what solves cases of an instance, one after the other."""
    return Sweep(workers=1).of(MIX, instance, EXACT | options)


def data_of(solved: Solved[Any]) -> Data:
    """Return the JSON data of a case's instance, as a file would hold it."""
    data: Data = json.loads(json.dumps(solved.instance.data()))
    return data


def judge(solved: Solved[Any]) -> None:
    """Assert that both judges pass a case's plan."""
    if solved.plan is not None:
        passes(data_of(solved), solved.plan)


def two_chips(**more: Any) -> Data:
    """Return the shop with a second chip, twice as fast at three times the price."""
    data = shop(**more)
    data["chips"]["b"] = data["chips"]["c"] | {"vendor": "u"}
    data["domains"]["e"] = {"chip": "b", "chips": 8, "racks": 1.0}
    row = {"chip": "b", "domain": "e", "slice_chips": 8, "chips": 8, "work_per_hour": 16.0}
    data["workloads"]["w"]["rates"] = [*data["workloads"]["w"]["rates"], row]
    tiers = [{"upfront_usd_per_chip": 3000.0}]
    data["mix"]["offers"]["p"] = {"domain": "e", "kind": "buy", "tiers": tiers, "max_domains": 6}
    data["mix"]["offers"]["o"]["max_domains"] = 6
    return data


__all__ = ["EXACT", "data_of", "judge", "read", "solver", "two_chips"]
