"""The door of the goals beside value."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from optimizer.errors import Unsupported
from optimizer.place.exact.assigned.search import prepare_assigned
from optimizer.place.exact.lists.search import prepare_lists
from optimizer.place.goals.cost import solve_cost
from optimizer.place.goals.effort import Effort
from optimizer.place.goals.fair import prepare_shares, solve_fair
from optimizer.place.goals.makespan import solve_makespan

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.clock import Clock
    from optimizer.place.plan import PlacePlan

__all__ = ["prepare_goal", "solve_goal"]

STRATEGIES = {"cost": solve_cost, "makespan": solve_makespan, "fair": solve_fair}


@cache
def prepare_goal(objective: str) -> None:
    """Load or compile what a goal needs beyond the search; time limits begin after it."""
    if objective == "fair":
        prepare_shares()
    if objective == "makespan":
        prepare_lists()
    if objective == "cost":
        prepare_assigned()


def solve_goal(instance: Instance, clock: Clock) -> PlacePlan:
    """Return the best plan found for the objective of the options, with its proof.

    Raises
    ------
    Unsupported
        If shares are asked for and no job of a tenant has a value, or an engine that does not know
        the objective.
    """
    o = clock.options
    if o.engine not in ("auto", "search", "exact"):
        hint = "use engine auto, search or exact"
        raise Unsupported(f"objective {o.objective} with engine {o.engine}", hint)
    if o.engine == "exact":
        from optimizer.place.goals.exactly import solve_exactly

        return solve_exactly(instance, clock)
    return STRATEGIES[clock.options.objective](instance, Effort(clock))
