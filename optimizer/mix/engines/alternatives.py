"""Mixes that cost hardly more than the best: with as many, or as few, of a chip as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pulp

from optimizer.mix.engines.build import build
from optimizer.mix.engines.rounding import taken
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from optimizer.domain.fleet.image import Image
    from optimizer.mix.engines.account import Fleet
    from optimizer.mix.plan import MixPlan, Options

__all__ = ["Extreme", "extreme_fleet"]

Extreme = Literal["most", "least"]

INSIDE = 1e-9
"""Share of the objective that is left to rounding, so that a plan keeps to its limit."""

NEAR = 0.01
"""Share of its chips by which an extreme may miss its bound."""


def extreme_fleet(
    image: Image, best: MixPlan, chip: str, which: Extreme, within: float, options: Options
) -> tuple[Fleet, float] | None:
    """Return the mix with the most or the least chips of a type, and the engine's bound on these.

    Parameters
    ----------
    best
        A plan; the mix found is worse than it by at most the share `within` of its objective.
    """
    goal = best.objective.goal
    model = build(image, goal)
    problem, total = model.problem, best.objective.total
    may = abs(total) * (within - INSIDE)
    limit = model.value(total + may if goal == "cost" else total - may)
    problem.addConstraint(
        pulp.LpConstraint(problem.objective.copy(), pulp.LpConstraintLE, "near", limit)
    )
    sign = -1.0 if which == "most" else 1.0
    each = [(x, sign * c.offer.chips) for c, x in model.columns.items() if c.offer.chip == chip]
    problem.setObjective(pulp.LpAffineExpression(each))
    limits = Limits(options.seconds, gap=NEAR, seed=options.seed, threads=options.threads)
    run = solve_milp(problem, options.solver, limits, is_watched=False)
    if not run.has_incumbent:
        return None
    bound = run.objective if run.bound is None else run.bound
    return taken(model, run.values), sign * (bound or 0.0)
