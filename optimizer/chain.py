"""What one question hands on to another: the fleet of a mix or of an expansion, to be placed.

An expansion is handed on as it stands at a date, to `place` for a week or to `mix` for months.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import parse_instance
from optimizer.domain.growth.builds import PowerBuild
from optimizer.domain.growth.prices import MILLION, moved
from optimizer.errors import InstanceError
from optimizer.units import MONTH_HOURS

if TYPE_CHECKING:
    from datetime import datetime

    from optimizer.domain.growth.scenes import FutureImage
    from optimizer.domain.instance import Instance
    from optimizer.expand.plan import ExpandPlan
    from optimizer.expand.rules.case import Case
    from optimizer.mix.plan import MixPlan

__all__ = ["fleet_to_place", "period_at", "standing"]

WEEK_HOURS = 168
"""Length of the placement that a mix is handed on to [h]."""

MEGA = 1e6


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


def standing(
    instance: Instance,
    plan: ExpandPlan,
    at: float | datetime,
    name: str,
    *,
    future: str | None = None,
    months: int = 0,
) -> Instance:
    """Return the fleet of an expansion as it stands at a date; without jobs.

    Pools are the domains in service, supplies what power gives in its worst block, at the mean
    price of all blocks. What permits or halls have no room for, and what signed leases take, is
    left out of the dearest supplies. Batteries with storage are batteries there, empty at the
    start; to `mix`, which knows no hours, they give nothing. Those without count as a grid.

    Parameters
    ----------
    at
        A moment within the horizon: hours from its start, or a UTC date-time.
    future
        A named future of the instance; as planned (nothing late, no driver moves) unless given.
    months
        0: a week, hour by hour, for `place`; else so many months of 730 h, for `mix`.

    Raises
    ------
    InstanceError
        If the date lies outside the horizon, there is no such future, no chips stand then, or they
        idle at more power than is there.
    """
    from optimizer.expand.rules.case import Case

    t, case = period_at(instance, at), Case(instance, plan)
    seen = _future(case, future)
    return _as_it_stands(case if future is None else case.along(seen), seen, t, name, months)


def _as_it_stands(case: Case, seen: FutureImage, t: int, name: str, months: int) -> Instance:
    instance, calendar, pools = case.instance, case.growth.calendar, _pools(case, seen, t)
    label = f"{calendar.label(t)}, {seen.name}"
    if not pools:
        raise InstanceError([f"at: no chips stand in {label}"])
    span = {"periods": months, "period_hours": MONTH_HOURS} if months else {"periods": WEEK_HOURS}
    start, zone = calendar.edges[t].strftime("%Y-%m-%dT%H:%M:%SZ"), instance.horizon.zone
    data = instance.data()
    gone = ("expand", "mix", "jobs", "pools", "sites", "horizon", "name", "title", "sources")
    made = {k: v for k, v in data.items() if k not in gone} | {
        "name": name,
        "title": f"what stands of {instance.name} in {label}",
        "horizon": {"start": start, "zone": zone, **span},
        "sites": _sites(case, seen, t, data["sites"], is_week=not months),
        "pools": pools,
        "jobs": [],
        "sources": _stood(data.get("sources", {}), instance),
    }
    return parse_instance(json.dumps(made))


def _sites(
    case: Case, seen: FutureImage, t: int, data: dict[str, Any], *, is_week: bool
) -> dict[str, Any]:
    """Return the sites of an expansion as they are in a period, with what gives power then."""
    found = {}
    for s, site in enumerate(case.growth.sites):
        now = {"pue": site.pue_milli[t] / 1000, "other_load_mw": site.other_w[t] / MEGA}
        found[site.name] = data[site.name] | now | {"supplies": _power(case, seen, s, t, is_week)}
    return found


def period_at(instance: Instance, at: float | datetime) -> int:
    """Return the period of an expansion in which a moment lies; InstanceError if in none."""
    calendar = instance.growth.calendar
    t = calendar.down(at)
    if not 0 <= t < calendar.periods:
        ends = f"{calendar.edges[0]:%Y-%m-%d} to {calendar.edges[-1]:%Y-%m-%d}"
        raise InstanceError([f"at: must lie within the horizon, {ends}"])
    return t


def _future(case: Case, name: str | None) -> FutureImage:
    if name is None:
        return case.as_planned
    for future in case.futures:
        if future.name == name:
            return future
    known = ", ".join(f.name for f in case.futures[:20])
    raise InstanceError([f"future: {name!r} is none that the plan was made for; there are {known}"])


def _pools(case: Case, seen: FutureImage, t: int) -> dict[str, Any]:
    """Return the domains in service by site and kind."""
    found: dict[str, Any] = {}
    for stock in case.growth.stocks:
        count = case.domains(stock, seen, t)
        if count > 0:
            site = case.growth.sites[stock.site].name
            chip = case.instance.domains[stock.kind].chip
            pool = {"site": site, "chip": chip, "domain": stock.kind, "count": count}
            found[f"{site}/{stock.kind}"] = pool
    return found


@dataclass
class _Given:
    """What a source gives: its number, its price [USD/MWh], how much of it can be had [W]."""

    usd: float
    source: int
    watts: float

    def has_storage(self, case: Case) -> bool:
        """Return whether it is a battery that is charged: it gives no energy of its own."""
        return case.growth.sources[self.source].store is not None


def _power(case: Case, seen: FutureImage, s: int, t: int, is_week: bool) -> dict[str, Any]:
    """Return the supplies of a site, the dearest cut by what permits, halls and tenants leave.

    is_week: batteries that are charged are among them.
    """
    growth, each = case.growth, list[_Given]()
    mean = sum(a * b for a, b in zip(growth.share_ppm, growth.energy_ppm, strict=True))
    for j, source in enumerate(growth.sources):
        if source.site == s:
            watts = min(case.watts(j, seen, t, b) for b in range(len(growth.share_ppm)))
            price = moved(source.price[t], seen.factor(source.driver, t)) * mean
            each.append(_Given(price / 1e9 / MILLION / MILLION, j, watts))
    each.sort(key=lambda x: -x.usd)
    batteries = [x for x in each if x.has_storage(case)]
    each = [x for x in each if not x.has_storage(case)]
    for permit, (cap, driver) in enumerate(growth.permits):
        own = [x for x in each if growth.sources[x.source].permit == permit]
        _cut(own, moved(cap[t], seen.factor(driver, t)))
    site, pue = growth.sites[s], growth.sites[s].pue_milli[t] / 1000
    let = sum(c.amount for c in case.leases(s, seen, t))
    room = pue * (case.hall_w(s, seen, t) - let) + site.other_w[t]
    _cut(each, min(room, sum(x.watts for x in each) - pue * let))
    each += batteries if is_week else []
    return {growth.sources[x.source].name: _supply(case, x, t) for x in each if x.watts >= 1}


def _cut(each: list[_Given], most: float) -> None:
    """Lower supplies, the first one first, until all give no more than this [W]."""
    over = sum(x.watts for x in each) - max(0.0, most)
    for x in each:
        less = min(x.watts, max(0.0, over))
        x.watts -= less
        over -= less


def _supply(case: Case, given: _Given, t: int) -> dict[str, Any]:
    source, expand = case.growth.sources[given.source], case.instance.expand
    assert expand is not None
    kind: str
    if source.build is None:
        site = case.growth.sites[source.site].name
        kind = case.instance.sites[site].supplies[source.name].kind
    else:
        kind = expand.builds[source.name].kind
    supply: dict[str, Any] = {
        "kind": "grid" if kind == "battery" else kind,
        "cap_mw": given.watts / MEGA,
        "price_usd_per_mwh": round(given.usd, 6),
        "carbon_kg_per_mwh": source.grams[t] / 1000,
    }
    if source.store is not None:
        build = expand.builds[source.name]
        assert isinstance(build, PowerBuild) and build.storage is not None
        units, storage = round(given.watts / source.unit_w), build.storage
        supply |= {
            "kind": "battery",
            "storage": {
                "energy_mwh": units * storage.energy_mwh,
                "in_mw": units * (storage.in_mw or build.cap_mw),
                "efficiency_in": storage.efficiency_in,
                "efficiency_out": storage.efficiency_out,
                "start_mwh": 0.0,
            },
        }
    return supply


def _stood(sources: dict[str, Any], instance: Instance) -> dict[str, Any]:
    kept = {k: v for k, v in sources.items() if k.startswith(("/chips", "/domains", "/workloads"))}
    said = f"assumed: as the plan of {instance.name} has it at that date"
    return kept | {k: {"source": said, "kind": "assumed"} for k in ("/pools", "/sites", "/horizon")}


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
