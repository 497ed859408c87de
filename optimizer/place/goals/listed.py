"""Earliest end by lists: what they propose is placed by all rules of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.place.exact.lists.rows import rows_of
from optimizer.place.exact.lists.search import Breeding, fits_cpsat, proven
from optimizer.place.plan import EngineClaim, Status

if TYPE_CHECKING:
    from optimizer.place.arrays import Ints
    from optimizer.place.engines.handles import State
    from optimizer.place.exact.lists.rows import Listed
    from optimizer.place.exact.lists.search import Proposal
    from optimizer.place.goals.effort import Effort
    from optimizer.place.goals.team import Team

__all__ = ["Lists", "lists_of"]


class Lists:
    """Lists of an instance, and the best plan by them that all rules let in.

    Attributes
    ----------
    found
        Its placement records; None while there is none.
    claim
        What CP-SAT says of it.
    """

    def __init__(self, team: Team, image: Listed, effort: Effort) -> None:
        self.team, self.image, self.effort = team, image, effort
        self.found: State | None = None
        self.claim: EngineClaim | None = None
        self.breeding = Breeding(image.rows, effort, self._take)

    def breed(self, part: float, least: int) -> State | None:
        """Breed for a part of what is left; return the best plan."""
        self.breeding.run(part, least)
        return self.found

    def finish(self, least: int) -> State | None:
        """Return the best plan that CP-SAT, or breeding above its size, finds in what is left.

        least
            No plan ends before; nothing is sought where one ends there.
        """
        best, rows = self.breeding.best, self.image.rows
        if best is not None and best.last <= least:
            return self.found
        if best is None or not fits_cpsat(rows):
            return self.breed(1.0, least)
        _, proof = proven(rows, self.effort, best, self._take, least)
        if self.image.is_exact:
            status = Status.OPTIMAL if proof.is_best else Status.FEASIBLE
            self.claim = EngineClaim(engine=proof.engine, status=status)
        return self.found

    def _take(self, proposal: Proposal) -> bool:
        found = self.team.placed(self.image, proposal.mode, proposal.start)
        self.found = self.found if found is None else found
        return found is not None


def lists_of(team: Team, ends: Ints, effort: Effort) -> Lists | None:
    """Return the lists of an instance; None where they would be too large, or a job has no run."""
    image = rows_of(team.problem.a, ends, team.members[0].state)
    return None if image is None else Lists(team, image, effort)
