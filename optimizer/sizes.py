"""How large the model of a question would be, from the data alone: before anything is made of it.

A short file can ask for a model that fills any machine: a thousand pools, a thousand jobs that may
run in each of them at any hour. So the size is counted from JSON data that nobody has checked yet,
never too low, with simple counts (T periods, n(x) entries of x):

place
    modes x T: for every job 1 if it runs, n(modes), and for each gang n(its pools, or all) x the
    most power levels of a chip. Starts that windows exclude are counted, too.
mix
    (offers + pools) x sites x T for what stands where, and ways x T: for every demand
    kinds x sites x levels x n(gangs, or rates of its workload).
expand
    (builds + supplies + pools + 1) x sites x months or quarters x futures x blocks.

Anything that is not of the right form counts as nothing: the reading refuses it.
"""

from __future__ import annotations

from typing import Any

from optimizer.units import MONTH_HOURS

__all__ = ["size_of"]


def size_of(data: Any, draw: int = 0) -> int:
    """Return how many columns the largest model of an instance has, about, and at least.

    data
        JSON data of an instance; whatever else it may be has size 0.
    draw
        Futures that an expansion is asked to draw.
    """
    if not isinstance(data, dict):
        return 0
    horizon = _map(data.get("horizon"))
    periods = max(0, _whole(horizon.get("periods")))
    size = _modes(data) * periods
    if isinstance(data.get("mix"), dict):
        size += _mix(data, data["mix"]) * periods
    if isinstance(data.get("expand"), dict):
        hours = periods * _number(horizon.get("period_hours"), 1.0)
        per = max(1, _whole(data["expand"].get("months_per_period", 3)))
        size += _expand(data, data["expand"], draw) * (int(hours / MONTH_HOURS / per) + 1)
    return size


def _modes(data: dict[str, Any]) -> int:
    levels, pools, found = _levels(data), len(_map(data.get("pools"))), 0
    for each in [job for job in _list(data.get("jobs")) if isinstance(job, dict)]:
        found += ("running" in each) + len(_list(each.get("modes")))
        for gang in _list(each.get("gangs")):
            named = _map(gang).get("pools")
            found += levels * (len(named) if isinstance(named, list) else pools)
    return found


def _mix(data: dict[str, Any], mix: dict[str, Any]) -> int:
    sites, offers = len(_map(data.get("sites"))), len(_map(mix.get("offers")))
    found = (offers + len(_map(data.get("pools")))) * sites
    kinds = len(_map(data.get("domains"))) * sites * _levels(data)
    workloads = _map(data.get("workloads"))
    for demand in _map(mix.get("demand")).values():
        name = _map(demand).get("workload")
        rates = workloads.get(name) if isinstance(name, str) else None
        gangs = _map(demand).get("gangs") or _map(rates).get("rates")
        found += kinds * max(1, len(_list(gangs)))
    return found


def _expand(data: dict[str, Any], expand: dict[str, Any], draw: int) -> int:
    supplies = sum(len(_map(_map(s).get("supplies"))) for s in _map(data.get("sites")).values())
    builds, sites = len(_map(expand.get("builds"))), len(_map(expand.get("sites")))
    places = (builds + supplies + len(_map(data.get("pools"))) + 1) * max(1, sites)
    payers = len(_map(expand.get("demand"))) + len(_map(expand.get("contracts")))
    futures = max(1, draw, len(_map(expand.get("futures"))))
    return (places + payers * payers) * futures * max(1, len(_list(expand.get("blocks"))))


def _levels(data: dict[str, Any]) -> int:
    """Return the most power levels of a chip; full power is one of them."""
    chips = _map(data.get("chips")).values()
    return 1 + max((len(_map(_map(chip).get("power_levels"))) for chip in chips), default=0)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _number(value: Any, default: float) -> float:
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else default
