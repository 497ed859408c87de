"""The best use of a fleet that is given: what a mix is worth when other numbers hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.mix.engines.tree.cases import Cases
from optimizer.mix.plan import Certificate, Leaf, Options, Prices
from optimizer.mix.solve import Solver

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
    cases = Cases(instance.image, goal)
    account = cases.fleet(dict(fleet))
    if account is None:
        return None
    proof = certificate or Certificate(goal=goal, tree=Leaf(prices=Prices()))
    plan = Solver(instance, options).plan(account, proof)
    return plan if plan.status.has_plan else None
