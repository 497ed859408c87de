"""Where no mix keeps all rules: which limits are in conflict, and what each alone would take.

A limit is a rule at a place: power of a site, space of a site, a demand, money. From all of them,
each is left out in turn and stays out if there is still no mix: what is left is irreducible, so
that without any one of them there would be a mix. Then for each of these the least by which it
has to give way, the others as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulp

from optimizer.mix.engines.build import build
from optimizer.mix.engines.easing import NAMES, UNITS, Group, prices_of_easing
from optimizer.mix.engines.formulation import LIMITS, Row
from optimizer.mix.plan import Conflict, Rule
from optimizer.solvers.milp import solve_milp, solve_relaxed
from optimizer.solvers.run import Limits
from optimizer.units import NANO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.formulation import Formulation

__all__ = ["clash", "conflict"]

SECONDS = 10.0
"""The most that one of the many small solves may take [s]."""


def conflict(
    image: Image, is_over: Callable[[], bool], unit_costs: Mapping[str, float]
) -> tuple[Conflict, ...]:
    """Return the limits of a clash, with the least by which each alone has to give way.

    unit_costs
        What easing is taken to cost, where it is not `UNIT_COSTS`.
    """
    groups = clash(image, is_over)
    prices = prices_of_easing(image, groups, unit_costs)
    return tuple(_relaxed(image, group, prices[group]) for group in groups)


def clash(image: Image, is_over: Callable[[], bool]) -> list[Group]:
    """Return an irreducible set of limits in conflict; empty if time is over before it is one."""
    model = build(image, "cost")
    groups = list(dict.fromkeys((rule, name) for rule, name, _ in model.rows if rule in LIMITS))
    kept = list(groups)
    for group in groups:
        if is_over():
            return []
        rest = [g for g in kept if g != group]
        if not _has_mix(image, rest):
            kept = rest
    return kept


def _has_mix(image: Image, groups: list[Group]) -> bool:
    """Return whether there is a mix under these limits alone."""
    model = build(image, "cost")
    for key, row in list(model.rows.items()):
        if key[0] in LIMITS and key[:2] not in groups:
            _drop(model, key, row)
    model.problem.setObjective(pulp.LpAffineExpression())
    if solve_relaxed(model.problem).is_infeasible:
        return False
    found = solve_milp(model.problem, limits=Limits(seconds=SECONDS), is_watched=False)
    return found.status != "infeasible"


def _drop(model: Formulation, key: Row, row: pulp.LpConstraint) -> None:
    """Let a limit go: supplies without a cap, a demand that may stay unserved, a row less.

    The rows of power and of a demand also say what is drawn and what is served; those of other
    limits need that.
    """
    rule, name, f = key
    if rule == "power":
        for (site, _, at), given in model.given.items():
            if (site, at) == (name, f):
                given.upBound = None
    elif (name, f) in model.lack:
        model.lack[name, f].upBound = 1
    else:
        del model.problem.constraints[row.name]


def _relaxed(image: Image, group: Group, price: float) -> Conflict:
    """Return a limit with the least by which it alone has to give way."""
    model = build(image, "cost", soft=group)
    _told(model, group)
    model.problem.setObjective(pulp.LpAffineExpression(model.gives))
    limits = Limits(seconds=SECONDS, gap=1e-6)
    found = solve_milp(model.problem, limits=limits, is_watched=False)
    per, unit = _unit(model, group)
    by = None if found.objective is None else max(0.0, found.objective * per)
    usd = None if by is None else by * price
    rule = Rule(NAMES.get(group[0], group[0]))
    return Conflict(rule=rule, of=group[1], by=by, unit=unit, usd=usd)


def _told(model: Formulation, group: Group) -> None:
    """Let the limits of all sites, and of useful work, know by how much a limit gives way."""
    if model.gives is None:
        return
    floor = model.rows.get(("work_floor", "all", 0))
    for (rule, _, _), row in list(model.rows.items()):
        if rule == "power_total" and group[0] == "power":
            row.expr.addterm(model.gives, 1.0)  # what a site draws beyond its caps
    for (name, _), lack in model.lack.items() if floor is not None else ():
        if group == ("demand", name) and floor is not None:
            floor.expr.addterm(model.gives, floor.expr.get(lack, 0.0))  # not served, not useful


def _unit(model: Formulation, group: Group) -> tuple[float, str]:
    """Return how many units are in one of a row's, and the unit."""
    unit = UNITS[group[0]]
    if unit == "share":
        return 1.0, "share"
    year = " a year" if group[0] == "yearly_cash" else ""
    return model.money / NANO if unit == "USD" else 1.0, f"{unit} more{year}"
