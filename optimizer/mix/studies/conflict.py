"""Where no mix keeps every rule: which rules conflict, and the cheapest way to ease them.

What easing costs is stated and can be given: a megawatt, a rack, a chip of supply, a dollar more
money, a share of a demand not served. Each way is tried: the instance with it has a plan that the
checker passes, or the way is called not confirmed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change, pointer
from optimizer.mix.engines.build import build
from optimizer.mix.engines.conflict import conflict
from optimizer.mix.engines.easing import Group, easing
from optimizer.mix.studies.figures import asked
from optimizer.mix.studies.worth import raised

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["UNIT_COSTS", "Conflict", "Easing", "find_conflict"]

UNIT_COSTS = {
    "power": 12e6, "power_total": 12e6, "space": 200e3, "supply": 10e3, "capex": 1.0,
    "yearly_cash": 1.0, "vendor_share": 1.0, "demand": 1e9, "work_floor": 1e9,
}  # fmt: skip
"""What easing a limit by one unit is taken to cost [USD]: MW, rack, chip, USD, and for a demand or
the floor of work all of it. Assumed: a megawatt of campus at 12 MUSD, a rack at 0.2 MUSD."""

UNITS = {
    "power": "MW", "power_total": "MW", "space": "racks", "supply": "chips", "capex": "USD",
    "yearly_cash": "USD", "vendor_share": "USD", "demand": "share", "work_floor": "share",
}  # fmt: skip

MORE = 1e-4
"""Share of itself by which an amount is made larger, so that rounding does not spoil it."""


@dataclass(frozen=True, slots=True)
class Easing:
    """Limits eased so that there is a plan.

    Attributes
    ----------
    amounts
        By how much, by (rule, name), in `units`.
    cost_usd
        What it is taken to cost.
    solved
        The instance with them, solved; its plan is None where it was not confirmed.
    """

    amounts: dict[Group, float]
    cost_usd: float
    solved: Solved[MixPlan]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Limits that cannot all be kept, and ways out.

    Attributes
    ----------
    groups
        None of them can be left out; empty where there is no conflict.
    cheapest
        The cheapest way out of all; None where there is none.
    alone
        For each of the groups, how far it would have to be eased if it were the only one.
    """

    groups: tuple[Group, ...]
    cheapest: Easing | None
    alone: tuple[Easing, ...]


def unit_of(group: Group) -> str:
    """Return the unit in which a limit is eased."""
    return UNITS[group[0]]


def find_conflict(
    instance: Instance, solve: Solve, options: Options, costs: dict[str, float] | None = None
) -> Conflict:
    """Return which limits conflict and how to ease them; no groups where there is a plan.

    Parameters
    ----------
    costs
        USD for a unit of a rule's limits, where they differ from `UNIT_COSTS`.
    """
    image, prices = instance.image, UNIT_COSTS | (costs or {})
    (base,) = solve([Case("base")])
    groups = _named(instance, options) if base.plan is None else ()
    if not groups:
        return Conflict((), None, ())
    money = build(image, "cost").money / 1e9
    every = {g: prices[g[0]] * _per_row(g, money) for g in _groups(instance)}
    ways = [easing(image, every, options)]
    ways += [easing(image, every, options, only=g) for g in groups if len(groups) > 1]
    kept = [{g: x * _per_row(g, money) * (1 + MORE) for g, x in way.items()} for way in ways if way]
    cases = [Case(_said(way), _changes(instance, way)) for way in kept]
    found = [
        Easing(way, sum(prices[g[0]] * x for g, x in way.items()), solved)
        for way, solved in zip(kept, solve(cases), strict=True)
    ]
    first = found[0] if ways[0] else None
    return Conflict(groups, first, tuple(found[1:] if first else found))


def _named(instance: Instance, options: Options) -> tuple[Group, ...]:
    """Return limits in conflict, none of which can be left out; none if there is a mix."""
    until = time.monotonic() + options.seconds
    found = conflict(instance.image, lambda: time.monotonic() > until)
    rows = {("power", "all"): "power_total", ("demand", "all"): "work_floor"}
    named = [(rows.get((str(c.rule), c.of), str(c.rule)), c.of) for c in found]
    years = range(len(instance.image.cash or ()))
    out: list[Group] = []
    for rule, name in named:
        out += [(rule, f"{name} {y}") for y in years] if rule == "yearly_cash" else [(rule, name)]
    return tuple(out)


def _per_row(group: Group, money: float) -> float:
    """Return how many units are in one of a row's: money is counted in the price of a domain."""
    return money if UNITS[group[0]] == "USD" else 1.0


def _groups(instance: Instance) -> list[Group]:
    """Return every limit that can be eased; vendors' shares are kept."""
    image = instance.image
    found: list[Group] = [("demand", k) for k, d in image.demand.items() if d.wanted is not None]
    found += [("power", site) for site in image.sites]
    found += [("space", site) for site, room in image.room_milli.items() if room is not None]
    found += [("supply", chip) for chip in image.supply_chips]
    found += [("power_total", "all")] if image.power_w else []
    found += [("capex", "all")] if image.capex is not None else []
    found += [("yearly_cash", f"all {y}") for y in range(len(image.cash or ()))]
    return found + ([("work_floor", "all")] if image.work_floor is not None else [])


def _said(way: dict[Group, float]) -> str:
    return ", ".join(f"{rule} {name}: {x:.6g} {UNITS[rule]}" for (rule, name), x in way.items())


def _changes(instance: Instance, way: dict[Group, float]) -> tuple[Change, ...]:
    """Return the changes of an easing."""
    mix, out = asked(instance), list[Change]()
    cash = list(mix.yearly_cash_usd or ())
    for (rule, name), amount in way.items():
        if rule == "demand":
            out.append(_less(instance, name, amount))
        elif rule == "power":
            key, supply = next(iter(instance.sites[name].supplies.items()))
            at = pointer("sites", name, "supplies", key, "cap_mw")
            out.append(Change(at, raised(instance, supply.cap_mw, amount)))
        elif rule == "power_total":
            assert mix.power_mw is not None
            out.append(Change("/mix/power_mw", raised(instance, mix.power_mw, amount)))
        elif rule == "space":
            racks = (instance.sites[name].racks or 0.0) + amount
            out.append(Change(pointer("sites", name, "racks"), racks))
        elif rule == "supply":
            at = pointer("mix", "supply_chips", name)
            out.append(Change(at, raised(instance, mix.supply_chips[name], amount)))
        elif rule == "capex":
            out.append(Change("/mix/capex_usd", (mix.capex_usd or 0.0) + amount))
        elif rule == "work_floor":
            out.append(Change("/mix/work_at_least", (mix.work_at_least or 0.0) * (1 - amount)))
        elif rule == "yearly_cash":
            year = int(name.split()[1])
            while len(cash) <= year:
                cash.append(cash[-1])
            cash[year] += amount
    if cash and tuple(cash) != mix.yearly_cash_usd:
        out.append(Change("/mix/yearly_cash_usd", cash))
    return tuple(out)


def _less(instance: Instance, name: str, share: float) -> Change:
    """Return the change by which so much of a demand need not be served."""
    demand = asked(instance).demand[name]
    if demand.value_usd_per_unit is not None:
        at = pointer("mix", "demand", name, "least_share")
        return Change(at, max(0.0, demand.least_share - share))
    assert demand.work_per_month is not None
    row = demand.work_per_month.over(instance.horizon, "mean")
    less = [float(x) * max(0.0, 1 - share) for x in row]
    value: Any = less[0] if min(less) == max(less) else less
    return Change(pointer("mix", "demand", name, "work_per_month"), value)
