"""The mix that is least to be regretted: one fleet, put to its best use in every future of a list.

minimise R   subject to   cost_w(n, use_w) <= best_w + R   for all futures w; n is one for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulp

from optimizer.mix.engines.build import build
from optimizer.mix.engines.rounding import taken
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.account import Fleet
    from optimizer.mix.engines.formulation import Formulation
    from optimizer.mix.plan import Options

__all__ = ["least_regret"]


def least_regret(
    futures: Sequence[Image], best: Sequence[int], options: Options
) -> tuple[Fleet, float] | None:
    """Return the fleet and the engine's bound on the regret [nano-USD]; None where there is none.

    Parameters
    ----------
    futures
        Images that differ in numbers alone: the same offers, sites and ways.
    best
        Least cost in each of them [nano-USD].
    """
    problem = pulp.LpProblem("regret", pulp.LpMinimize)
    regret = pulp.LpVariable("regret", 0)
    first: Formulation | None = None
    for w, (image, least) in enumerate(zip(futures, best, strict=True)):
        model = build(image, "cost")
        _merge(problem, model, w)
        row = model.problem.objective * (model.scale / futures_scale(first or model))
        right = least / futures_scale(first or model)
        worse = pulp.LpConstraint(row - regret, pulp.LpConstraintLE, f"regret_{w}", right)
        problem.addConstraint(worse)
        if first is None:
            first = model
        else:
            _same(problem, first, model, w)
    if first is None:
        return None
    problem.setObjective(regret + 0.0)
    limits = Limits(seconds=options.seconds, gap=1e-3, seed=options.seed, threads=options.threads)
    run = solve_milp(problem, options.solver, limits, is_watched=False)
    if not run.has_incumbent:
        return None
    return taken(first, run.values), (run.bound or 0.0) * futures_scale(first)


def futures_scale(model: Formulation) -> float:
    """Return what money is counted in: that of the first future."""
    return model.scale


def _merge(problem: pulp.LpProblem, model: Formulation, w: int) -> None:
    """Take over variables and rows of a future's model, under names of their own."""
    for variable in model.problem.variables():
        variable.name = f"w{w}_{variable.name}"
    for name, row in model.problem.constraints.items():
        row.name = f"w{w}_{name}"
        problem.addConstraint(row)


def _same(problem: pulp.LpProblem, first: Formulation, model: Formulation, w: int) -> None:
    """n of one future is n of all."""
    by = {(c.offer.name, c.number, c.site): x for c, x in first.columns.items()}
    for c, x in model.columns.items():
        key = (c.offer.name, c.number, c.site)
        x.cat = pulp.LpContinuous
        name = f"same_{w}_{x.name}"
        problem.addConstraint(pulp.LpConstraint(x - by[key], pulp.LpConstraintEQ, name, 0))
