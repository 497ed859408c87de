"""Where no mix keeps every limit: which of them to ease, and how far, for the least money.

What easing costs is stated by the unit (`UNIT_COSTS`), and the user can change it.

An elastic model (Chinneck 2008) lets limits be broken at a price. Limits that belong together, such
as a site's power in all phases, are eased by one amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulp

from optimizer.domain.fleet.image import WORK
from optimizer.mix.engines.build import build
from optimizer.mix.plan import UNIT_COSTS, Conflict, Rule
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.formulation import Formulation
    from optimizer.mix.plan import Options

__all__ = ["NAMES", "UNITS", "Group", "easing", "groups_of", "prices_of_easing", "told"]

Group = tuple[str, str]
"""Limits that are eased together: (row of the model, name), of a year for cash."""

NAMES = {"power_total": "power", "work_floor": "demand"}
"""Rows of the model that belong to a rule of another name."""

UNITS = {
    "power": "MW", "power_total": "MW", "space": "racks", "supply": "chips", "capex": "USD",
    "yearly_cash": "USD", "vendor_share": "USD", "demand": "share", "work_floor": "share",
}  # fmt: skip
"""In what a limit is eased."""

LEAST = 1e-7
"""What is broken by less is kept [units of a row]."""


@dataclass
class _Elastic:
    """An elastic model with one amount for each group of limits."""

    model: Formulation
    amount: dict[Group, pulp.LpVariable]
    rows: dict[str, Group]

    @classmethod
    def of(cls, image: Image) -> _Elastic:
        model = build(image, "cost", is_elastic=True)
        amount: dict[Group, pulp.LpVariable] = {}
        rows = {}
        for (rule, name, at), broken in model.broken.items():
            group = (rule, f"{name} {at}" if rule == "yearly_cash" else name)
            if group not in amount:
                amount[group] = model.variable("ease", *group)
            each = pulp.LpConstraint(
                broken - amount[group], pulp.LpConstraintLE, model.name("eased", rule, name, at), 0
            )
            model.problem.addConstraint(each)
            rows[model.rows[rule, name, at].name] = group
            floor = model.rows.get(("work_floor", "all", 0))
            if rule == "demand" and floor is not None and (name, at) in model.lack:
                less = floor.expr.get(model.lack[name, at], 0.0)
                floor.expr.addterm(broken, less)  # what is not served is not useful either
            total = model.rows.get(("power_total", "all", at))
            if rule == "power" and total is not None:
                total.expr.addterm(
                    broken, 1.0
                )  # what a site draws beyond its cap is drawn all the same
        return cls(model, amount, rows)

    def price(self, prices: dict[Group, float]) -> None:
        """Let the objective be what easing costs; groups without a price are free."""
        terms = [(self.amount[g], p) for g, p in prices.items() if p]
        self.model.problem.setObjective(pulp.LpAffineExpression(terms))


def easing(
    image: Image, prices: dict[Group, float], options: Options, only: Group | None = None
) -> dict[Group, float] | None:
    """Return by how much to ease which limits, for the least money [`UNITS`].

    Parameters
    ----------
    prices
        Of easing each group by one [USD]; groups without a price are kept.
    only
        The one group that may be eased; None for all that have a price.
    """
    elastic = _Elastic.of(image)
    for group, amount in elastic.amount.items():
        if group not in prices or (only is not None and group != only):
            amount.upBound = 0
    money = elastic.model.money / NANO
    per = {g: money if UNITS[g[0]] == "USD" else 1.0 for g in prices}
    scale = max((p * per[g] for g, p in prices.items()), default=1.0) or 1.0
    elastic.price({g: p * per[g] / scale for g, p in prices.items() if g in elastic.amount})
    run = solve_milp(elastic.model.problem, options.solver, _limits(options), is_watched=False)
    if not run.has_incumbent:
        return None
    values = {g: run.values.get(x.name, 0.0) for g, x in elastic.amount.items()}
    return {g: x * per[g] for g, x in values.items() if x > LEAST}


def groups_of(image: Image) -> list[Group]:
    """Return every limit that can be eased; vendors' shares are kept."""
    found: list[Group] = [("demand", k) for k, d in image.demand.items() if d.wanted is not None]
    found += [("power", site) for site in image.sites]
    found += [("space", site) for site, room in image.room_milli.items() if room is not None]
    found += [("supply", chip) for chip in image.supply_chips]
    found += [("power_total", "all")] if image.power_w else []
    found += [("capex", "all")] if image.capex is not None else []
    found += [("yearly_cash", f"all {y}") for y in range(len(image.cash or ()))]
    return found + ([("work_floor", "all")] if image.work_floor is not None else [])


def prices_of_easing(
    image: Image, groups: Iterable[Group], given: Mapping[str, float]
) -> dict[Group, float]:
    """Return what easing each group by one costs [USD]: a MW, rack, chip, USD, all of a demand.

    Parameters
    ----------
    given
        Unit costs other than the defaults.
    """
    found = {}
    for rule, name in groups:
        kind = NAMES.get(rule, rule)
        cost = given.get(kind, UNIT_COSTS[kind].usd)
        if rule == "demand":
            cost *= sum(image.demand[name].wanted or ()) / WORK * _unit_usd(image, name)
        elif rule == "work_floor":
            each = (_unit_usd(image, k) / d.weight for k, d in image.demand.items() if d.weight)
            cost *= (image.work_floor or 0) * min(each, default=1.0)
        found[rule, name] = cost
    return found


def _unit_usd(image: Image, demand: str) -> float:
    """Return what the cheapest offer takes for a unit of work, at its first price [USD]."""
    best: dict[str, float] = {}
    hours = [phase.hours for phase in image.phases]
    for way, each in zip(image.ways, image.work, strict=True):
        if way.demand == demand:
            rate = max(w / h for w, h in zip(each, hours, strict=True)) / WORK
            best[way.stock[1]] = max(best.get(way.stock[1], 0.0), rate)
    found = []
    for offer in image.offers:
        there = sum(h for h, is_there in zip(hours, offer.is_there, strict=True) if is_there)
        if best.get(offer.kind) and there:
            tier = offer.tiers[0]
            paid = tier.upfront_cost + sum(tier.rent_cost) + sum(tier.upkeep_cost)
            found.append(max(0, paid) / NANO / (best[offer.kind] * there))
    return min(found, default=1.0)


def told(way: Mapping[Group, float], prices: Mapping[Group, float]) -> tuple[Conflict, ...]:
    """Return a way out as records, the dearest first."""
    each = [
        Conflict(
            rule=Rule(NAMES.get(rule, rule)),
            of=f"year {int(name.split()[1]) + 1}" if rule == "yearly_cash" else name,
            by=by,
            unit="share" if UNITS[rule] == "share" else f"{UNITS[rule]} more",
            usd=by * prices[rule, name],
        )
        for (rule, name), by in way.items()
    ]
    return tuple(sorted(each, key=lambda c: -(c.usd or 0.0)))


def _limits(options: Options) -> Limits:
    return Limits(seconds=options.seconds, seed=options.seed, threads=options.threads)
