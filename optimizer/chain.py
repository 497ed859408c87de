"""What one question hands on to another: the fleet of a mix as pools of a placement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["fleet_to_place"]

WEEK_HOURS = 168
"""Length of the placement that a mix is handed on to [h]."""


def fleet_to_place(instance: Instance, plan: MixPlan, name: str) -> Instance:
    """Return a placement of a week, hour by hour, on the fleet of a plan; without jobs.

    The week begins when the last offer taken is delivered. Chips, domains, workloads, sites and
    their sources are the same; offers and demand stay behind. What changes over the months of the
    mix is as it is then, so dated series stay as they are; a series with one number for each month
    of the mix becomes the number of that month.
    """
    mix, h = instance.mix, instance.horizon
    data = instance.data()
    offers = {} if mix is None else mix.offers
    first = max((offers[x.offer].periods(h)[0] for x in plan.fleet), default=0)
    pools: dict[str, dict[str, Any]] = dict(data.get("pools", {}))
    for holding in plan.fleet:
        kind = offers[holding.offer].domain
        key = f"{holding.site}/{kind}"
        while key in pools and pools[key].get("by") is None:
            key += "+"  # there is a pool of that name already, of domains that were there before
        pool = pools.setdefault(
            key,
            {"site": holding.site, "chip": instance.domains[kind].chip, "domain": kind, "count": 0},
        )
        pool["by"] = "mix"
        pool["count"] += holding.domains
    for pool in pools.values():
        pool.pop("by", None)
    gone = ("mix", "jobs", "pools", "horizon", "name", "title", "sources")
    made = {k: _at(v, h.periods, first) for k, v in data.items() if k not in gone}
    start = h.time_of(first).strftime("%Y-%m-%dT%H:%M:%SZ")
    made |= {
        "name": name,
        "title": f"the fleet chosen by mix for {instance.name}",
        "horizon": {"start": start, "periods": WEEK_HOURS, "zone": h.zone},
        "pools": _at(pools, h.periods, first),
        "jobs": [],
        "sources": _sources(data.get("sources", {}), instance),
    }
    return parse_instance(json.dumps(made))


def _at(value: Any, periods: int, t: int) -> Any:
    """Return data in which every list of one number for each period is the number of period t."""
    if isinstance(value, dict):
        return {k: _at(v, periods, t) for k, v in value.items()}
    if isinstance(value, list):
        is_series = len(value) == periods and all(isinstance(x, int | float) for x in value)
        return value[t] if is_series and periods > 1 else [_at(v, periods, t) for v in value]
    return value


def _sources(sources: dict[str, Any], instance: Instance) -> dict[str, Any]:
    kept = {k: v for k, v in sources.items() if not k.startswith(("/mix", "/horizon"))}
    said = f"assumed: fleet and week as mix chose them for {instance.name}"
    return kept | {k: {"source": said, "kind": "assumed"} for k in ("/pools", "/horizon")}
