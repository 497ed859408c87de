"""The model of a mix, put together: variables, rows, objective. Nothing is solved here."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pulp

from optimizer.domain.fleet.image import MILLION, WORK
from optimizer.mix.engines.formulation import MW, Column, Formulation, Terms
from optimizer.mix.engines.rows import (
    add_capex,
    add_demand,
    add_power,
    add_space,
    add_supply,
    add_vendor_share,
    add_whole_domain,
    add_yearly_cash,
)

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image
    from optimizer.domain.fleet.ways import Stock
    from optimizer.mix.certificate import Limits
    from optimizer.mix.plan import Goal

__all__ = ["build", "most_there"]


def build(
    image: Image,
    goal: Goal,
    limits: Limits | None = None,
    *,
    is_elastic: bool = False,
    toll: float = 0.0,
    soft: tuple[str, str] | None = None,
) -> Formulation:
    """Return the model of an image for an objective; nothing is solved.

    limits
        Of a case: the least and the most domains by (offer, site); of all sites where it is empty.
    is_elastic
        Limits may be broken, and the objective is by how much.
    toll
        What that costs beside the objective [its unit], if that is to count, too.
    soft
        Rows of this rule and name give way, by the variable `gives`.
    """
    problem = pulp.LpProblem("mix", pulp.LpMinimize)
    scale, money = _scale(image, goal), _money(image)
    model = Formulation(image, goal, scale, money, problem, is_elastic=is_elastic, soft=soft)
    _variables(model, limits or {})
    for add in (
        add_demand, add_power, add_space, add_capex, add_yearly_cash, add_supply,
        add_vendor_share, add_whole_domain,
    ):  # fmt: skip
        add(model)
    _case(model, limits or {})
    _objective(model, toll)
    return model


def _case(model: Formulation, limits: Limits) -> None:
    """least <= sum_t n <= most for every quantity that a case limits."""
    for (offer, site), (least, most) in limits.items():
        own = {c: x for c, x in model.columns.items() if c.offer.name == offer}
        row = [(x, 1.0) for c, x in own.items() if site in ("", c.site)]
        for c, x in own.items():
            if not site and (c.tier.most < least or c.tier.least > most):
                x.upBound = 0
        if least > 0:
            model.add(("at_least", f"{offer}_{site}", 0), row, pulp.LpConstraintGE, float(least))
        if most < 10**9:
            model.add(("at_most", f"{offer}_{site}", 0), row, pulp.LpConstraintLE, float(most))


def _money(image: Image) -> float:
    """Return what a domain costs, in the middle of all offers [nano-USD]."""
    costs = [
        float(abs(tier.upfront_cost) + sum(tier.rent_cost))
        for offer in image.offers
        for tier in offer.tiers
    ]
    return max(median(costs), 1.0) if costs else 1e9


def _scale(image: Image, goal: Goal) -> float:
    """Return what the objective is counted in: money, or what a domain does at best."""
    if goal != "work":
        return _money(image)
    count = range(len(image.phases))
    each = (d.weight * _best(image, k, f) / WORK for k, d in image.demand.items() for f in count)
    return max(*each, 1.0, 1.0)


def _variables(model: Formulation, limits: Limits) -> None:
    image, problem = model.image, model.problem
    for offer in image.offers:
        for number, tier in enumerate(offer.tiers):
            for site in offer.sites:
                column = Column(offer, tier, site, number)
                whole = model.variable("n", offer.name, number, site, most=tier.most, whole=True)
                model.columns[column] = whole
                problem.addVariable(whole)
                if offer.pay_ppm < MILLION:
                    for f, is_there in enumerate(offer.is_there):
                        if is_there:
                            extra = model.variable("r", offer.name, number, site, f)
                            model.extra[column, f] = extra
    most = most_there(image, limits)
    for i, (way, each) in enumerate(zip(image.ways, image.work, strict=True)):
        for f, work in enumerate(each):
            demand = image.demand[way.demand]
            is_wanted = demand.wanted is None or demand.wanted[f] > 0
            if work and is_wanted and way.gang.needs <= most[way.stock][f]:
                model.work[i, f] = model.variable("v", i, f)
    for name, demand in image.demand.items():
        for f in range(len(image.phases)):
            if demand.wanted is None:
                model.unit[name, f] = _best(image, name, f)
                model.made[name, f] = model.variable("m", name, f)
            elif demand.wanted[f]:
                model.unit[name, f] = float(demand.wanted[f])
                # the millionth that may be missing is left to rounding
                share = demand.may_lack[f] / demand.wanted[f]
                share = max(0.0, share - 1 / MILLION) if share < 1 else 1.0
                model.lack[name, f] = model.variable("u", name, f, most=share)
    for site, phases in image.sites.items():
        for f, there in enumerate(phases):
            for i, supply in enumerate(there.supplies):
                given = model.variable("g", site, supply.name, f, most=supply.cap_w / MW)
                model.given[site, i, f] = given


def most_there(image: Image, limits: Limits) -> dict[Stock, list[int]]:
    """Return the most usable domains that a case can have, by stock and phase."""
    most = {stock: list(row) for stock, row in image.owned.items()}
    for offer in image.offers:
        for site in offer.sites:
            more = max(tier.most for tier in offer.tiers)
            for key in ((offer.name, site), (offer.name, "")):
                more = min(more, limits.get(key, (0, more))[1])
            for f, is_there in enumerate(offer.is_there):
                most[site, offer.kind][f] += more if is_there else 0
    return most


def _best(image: Image, demand: str, f: int) -> float:
    """Return the most work that a domain does for a demand in a phase: a unit for its rows."""
    pairs = zip(image.ways, image.work, strict=True)
    return float(max((work[f] for way, work in pairs if way.demand == demand), default=1) or 1)


def _objective(model: Formulation, toll: float) -> None:
    image, terms = model.image, Terms((b, toll) for b in model.broken.values())
    if model.is_elastic and not toll:
        model.problem.setObjective(pulp.lpSum(model.broken.values()))
        return
    if model.goal != "work":
        for c, x in model.columns.items():
            sure = sum(c.tier.rent_cost) * c.offer.pay_ppm / MILLION
            terms.append((x, (c.tier.upfront_cost + sum(c.tier.upkeep_cost) + sure) / model.money))
        terms += [(r, c.tier.rent_cost[f] / model.money) for (c, f), r in model.extra.items()]
        for (site, i, f), g in model.given.items():
            terms.append((g, image.sites[site][f].supplies[i].cost * MW / model.money))
    for key, u in model.lack.items():
        terms.append((u, _worth(model, key[0]) * model.unit[key] / WORK / model.scale))
    if model.goal != "cost":
        for key, m in model.made.items():
            terms.append((m, -_worth(model, key[0]) * model.unit[key] / WORK / model.scale))
    model.problem.setObjective(pulp.LpAffineExpression([(x, a) for x, a in terms if a]))


def _worth(model: Formulation, demand: str) -> int:
    """Return what a unit of work counts in the objective [nano-USD, or billionths of weight]."""
    image = model.image.demand[demand]
    return image.weight if model.goal == "work" else image.value
