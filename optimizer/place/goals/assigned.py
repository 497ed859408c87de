"""Least cost in one period by assignment: what it proposes is placed by all rules of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.exact.assigned.search import Assigning, choice_of
from optimizer.place.exact.lists.rows import rows_of
from optimizer.place.goals.everything import run_ends_of, unpriced

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.arrays import Ints, PlaceArrays
    from optimizer.place.engines.handles import State
    from optimizer.place.engines.prices import Dual
    from optimizer.place.exact.lists.rows import Listed
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Team

__all__ = ["Assigned", "assigned_of"]


class Assigned:
    """Searches over modes, and the best plan by them that all rules let in.

    Attributes
    ----------
    found
        Its placement records; None while there is none.
    """

    def __init__(self, team: Team, image: Listed, dual: Dual, effort: Effort) -> None:
        self.team, self.image = team, image
        self.found: State | None = None
        choice, scale = choice_of(team.problem.a, image, dual)
        self.search = Assigning(choice, scale, effort, self._take)

    def run(self, part: float) -> State | None:
        """Search for a part of what is left; return the best plan."""
        self.search.run(part)
        return self.found

    def _take(self, modes: Ints) -> bool:
        found = self.team.placed(self.image, modes, self.image.rows.first[modes])
        self.found = self.found if found is None else found
        return found is not None


def assigned_of(instance: Instance, a: PlaceArrays, effort: Effort) -> tuple[Team, Listed] | None:
    """Return searches without prices, and the image of an instance that is one of assignment.

    That is: one period, no job waits for another, each has a run. None for other instances.
    """
    if a.pue.shape[1] > 1 or len(a.pred):
        return None
    team = unpriced(instance, a, effort)
    image = rows_of(team.problem.a, run_ends_of(a), team.members[0].state)
    if image is None:
        team.pool.shutdown()
    return None if image is None else (team, image)
