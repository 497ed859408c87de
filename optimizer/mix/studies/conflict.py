"""Where no mix keeps every rule: which rules conflict, and the cheapest way to ease them.

What easing costs is stated by the unit and can be changed (`Options.unit_costs`): a megawatt, a
rack, a chip of supply, a dollar more money, work that is not served, a delivery a month earlier.
Each way is tried: the instance with it has a plan that the checker passes, or the way is called not
confirmed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from optimizer.domain.answers.cases import Case
from optimizer.domain.changes.patch import Change, pointer
from optimizer.mix.engines.conflict import clash
from optimizer.mix.engines.easing import Group, easing, groups_of, prices_of_easing, told
from optimizer.mix.plan import UNIT_COSTS, Rule
from optimizer.mix.plan import Conflict as Eased
from optimizer.mix.studies.figures import asked, domains_of
from optimizer.units import MONTH_HOURS, NANO

if TYPE_CHECKING:
    from optimizer.domain.answers.cases import Solve, Solved
    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["Conflict", "Easing", "find_conflict"]

MORE = 1e-4
"""Share of itself by which an amount is made larger, so that rounding does not spoil it."""


@dataclass(frozen=True, slots=True)
class Easing:
    """Limits eased so that there is a plan.

    Attributes
    ----------
    amounts
        By how much, by (row of the model, name); months of the delivery of an offer as `date`.
    told
        The same as records, with what each is taken to cost.
    solved
        The instance with them, solved; its plan is None where it was not confirmed.
    """

    amounts: dict[Group, float]
    told: tuple[Eased, ...]
    solved: Solved[MixPlan]

    @property
    def cost_usd(self) -> float:
        """What it is taken to cost [USD]."""
        return sum(each.usd or 0.0 for each in self.told)

    @property
    def words(self) -> str:
        """What has to happen."""
        return " and ".join(each.words for each in self.told)


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
        For each of the groups, how far it would have to be eased if it were the only one; and each
        offer whose delivery alone, so many months earlier, would do.
    is_mix
        There is a mix as things stand.
    """

    groups: tuple[Group, ...]
    cheapest: Easing | None
    alone: tuple[Easing, ...]
    is_mix: bool = False


def find_conflict(instance: Instance, solve: Solve, options: Options) -> Conflict:
    """Return which limits conflict and how to ease them; no groups where there is a plan."""
    image = instance.image
    (base,) = solve([Case("base")])
    groups = _named(instance, options) if base.plan is None else ()
    if not groups:
        return Conflict((), None, (), is_mix=base.plan is not None)
    prices = prices_of_easing(image, {*groups_of(image), *groups}, options.unit_costs)
    every = {g: prices[g] for g in groups_of(image)}
    ways = [easing(image, every, options)]
    ways += [easing(image, every, options, only=g) for g in groups if len(groups) > 1]
    kept = [{g: x * (1 + MORE) for g, x in way.items()} for way in ways if way]
    eased = [told(way, prices) for way in kept]
    cases = [
        Case(", ".join(each.words for each in way), _changes(instance, amounts))
        for way, amounts in zip(eased, kept, strict=True)
    ]
    found = [Easing(*way) for way in zip(kept, eased, solve(cases), strict=True)]
    first = found[0] if ways[0] else None
    alone = (*(found[1:] if first else found), *_earlier(instance, solve, options))
    return Conflict(groups, first, alone)


def _earlier(instance: Instance, solve: Solve, options: Options) -> list[Easing]:
    """Return the offers whose delivery alone would do if it were earlier, by how many months."""
    share = options.unit_costs.get("date", UNIT_COSTS["date"].usd)
    starts = {
        name: offer.periods(instance.horizon)[0] * instance.horizon.period_hours
        for name, offer in asked(instance).offers.items()
    }
    late = {name: ceil(hours / MONTH_HOURS) for name, hours in starts.items() if hours > 0}
    first = dict(zip(late, solve([_sooner(n, starts[n], m) for n, m in late.items()]), strict=True))
    found = []
    for name, solved in first.items():
        low, high, best = 0, late[name], solved
        while solved.plan is not None and high - low > 1:
            (tried,) = solve([_sooner(name, starts[name], (low + high) // 2)])
            if tried.plan is None:
                low = (low + high) // 2
            else:
                high, best = (low + high) // 2, tried
        if best.plan is not None:
            usd = share * high * _price(best, name)
            way = Eased(rule=Rule.SUPPLY, of=name, by=high, unit="months earlier", usd=usd)
            found.append(Easing({("date", name): float(high)}, (way,), best))
    return found


def _sooner(name: str, start: float, months: int) -> Case:
    """Return the case in which an offer is delivered so many months earlier."""
    when = max(0.0, start - months * MONTH_HOURS)
    at = pointer("mix", "offers", name, "delivery")
    return Case(f"{name} delivered {months} months earlier", (Change(at, when),))


def _price(solved: Solved[MixPlan], name: str) -> float:
    """Return what is paid for the domains of an offer, at delivery and as rent [USD]."""
    assert solved.plan is not None
    (offer,) = (o for o in solved.instance.image.offers if o.name == name)
    count = domains_of(solved.plan).get(name, 0)
    tier = offer.tier_of(count)
    return (tier.upfront_cash + sum(tier.rent_cash)) / NANO * count


def _named(instance: Instance, options: Options) -> tuple[Group, ...]:
    """Return limits in conflict, none of which can be left out; none if there is a mix."""
    until = time.monotonic() + options.seconds
    years = range(len(instance.image.cash or ()))
    out: list[Group] = []
    for rule, name in clash(instance.image, lambda: time.monotonic() > until):
        out += [(rule, f"{name} {y}") for y in years] if rule == "yearly_cash" else [(rule, name)]
    return tuple(out)


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
            out.append(Change(at, supply.cap_mw.raised(amount)))
        elif rule == "power_total":
            assert mix.power_mw is not None
            out.append(Change("/mix/power_mw", mix.power_mw.raised(amount)))
        elif rule == "space":
            racks = (instance.sites[name].racks or 0.0) + amount
            out.append(Change(pointer("sites", name, "racks"), racks))
        elif rule == "supply":
            at = pointer("mix", "supply_chips", name)
            out.append(Change(at, mix.supply_chips[name].raised(amount)))
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
