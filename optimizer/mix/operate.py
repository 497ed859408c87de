"""The best use of a fleet that is given: what a mix is worth when other numbers hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.mix.plan import Certificate, Leaf, Options, Prices, Status
from optimizer.mix.solve import Solver, finished
from optimizer.solvers.milp import solve_milp
from optimizer.solvers.run import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.domain.instance import Instance
    from optimizer.mix.plan import MixPlan

__all__ = ["fleet_of", "operate"]


def fleet_of(plan: MixPlan) -> dict[tuple[str, str], int]:
    """Return the domains of a plan by (offer, site)."""
    return {(h.offer, h.site): h.domains for h in plan.fleet}


def operate(
    instance: Instance,
    fleet: Mapping[tuple[str, str], int],
    options: Options | None = None,
    certificate: Certificate | None = None,
) -> MixPlan | None:
    """Return the plan that makes the best of a fleet; None if it can keep the rules in no way.

    Parameters
    ----------
    fleet
        Domains by (offer, site), priced by the total of each offer.
    options
        Objective and limits.
    certificate
        For the bound on all mixes; without it the plan has the weakest there is.
    """
    options = options or Options()
    goal = options.objective
    solver = Solver(instance, options, None, None)
    total: dict[str, int] = {}
    for (offer, _), count in fleet.items():
        total[offer] = total.get(offer, 0) + count
    columns = solver.model.columns
    known = {(c.offer.name, c.site) for c in columns}
    if any(count and key not in known for key, count in fleet.items()):
        return None  # a site that is not on offer, or cannot cool it
    for column, n in columns.items():
        taken = total.get(column.offer.name, 0)
        is_priced = taken > 0 and column.offer.tier_of(taken) == column.tier
        count = fleet.get((column.offer.name, column.site), 0) if is_priced else 0
        n.lowBound = n.upBound = count
    limits = Limits(seconds=options.seconds, gap=0.0, seed=options.seed, threads=options.threads)
    run = solve_milp(solver.model.problem, options.engine, limits, is_watched=False)
    account = finished(solver.model, run)
    if account is None:
        return None
    proof = certificate or Certificate(goal=goal, tree=Leaf(prices=Prices()))
    plan = solver.plan(account, proof, run)
    return None if plan.status in (Status.INFEASIBLE, Status.UNKNOWN) else plan
