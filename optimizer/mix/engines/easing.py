"""Where no mix keeps every limit: which of them to ease, and how far, for the least money.

An elastic model (Chinneck 2008) lets limits be broken at a price. Limits that belong together, such
as a site's power in all phases, are eased by one amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulp

from optimizer.mix.engines.build import build
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.formulation import Formulation
    from optimizer.mix.plan import Options

__all__ = ["Group", "easing"]

Group = tuple[str, str]
"""Limits that are eased together: (rule, name), of a year for cash."""

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
    """Return by how much to ease which limits, for the least money [units of their rows].

    Parameters
    ----------
    prices
        Of a unit of each group's rows [USD]; groups without one are kept.
    only
        The one group that may be eased; None for all that have a price.
    """
    elastic = _Elastic.of(image)
    for group, amount in elastic.amount.items():
        if group not in prices or (only is not None and group != only):
            amount.upBound = 0
    scale = max(prices.values(), default=1.0)
    elastic.price({g: p / scale for g, p in prices.items() if g in elastic.amount})
    run = solve_milp(elastic.model.problem, options.solver, _limits(options), is_watched=False)
    if not run.has_incumbent:
        return None
    values = {g: run.values.get(x.name, 0.0) for g, x in elastic.amount.items()}
    return {g: x for g, x in values.items() if x > LEAST}


def _limits(options: Options) -> Limits:
    return Limits(seconds=options.seconds, seed=options.seed, threads=options.threads)
