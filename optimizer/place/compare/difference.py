"""What differs between two plans of one instance: jobs in and out, moved in place or in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optimizer.place.account.ledger import Ledger

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.place.account.ledger import Run
    from optimizer.place.plan import PlacePlan

__all__ = ["Change", "ChangeKind", "Difference"]

ChangeKind = Literal["in", "out", "place", "time", "domains"]
"""`place`: other pools, gang or power level, whatever the time; `time`: same mode, other start;
`domains`: only the ids of its domains."""


@dataclass(frozen=True, slots=True)
class Change:
    """One job that is not where it was; its run in either plan, None where it is in none.

    Attributes
    ----------
    worth
        By how much value less lateness and one-off costs changes [nano-USD], energy apart.
    """

    job: int
    kind: ChangeKind
    before: Run | None
    after: Run | None
    worth: int


class Difference:
    """Two plans, what each uses, and the jobs that differ.

    Attributes
    ----------
    before, after
        Ledgers of the plans.
    changes
        Jobs that differ, in the order of the instance.
    same
        How many jobs run in both plans just alike.
    """

    def __init__(self, instance: Instance, before: PlacePlan, after: PlacePlan) -> None:
        self.instance = instance
        self.before, self.after = Ledger(instance, before), Ledger(instance, after)
        self.changes: list[Change] = []
        self.same = 0
        for j in sorted(self.before.runs.keys() | self.after.runs.keys()):
            old, new = self.before.runs.get(j), self.after.runs.get(j)
            kind = _kind(old, new)
            if kind is None:
                self.same += 1
                continue
            worth = self._worth(self.after, new) - self._worth(self.before, old)
            self.changes.append(Change(j, kind, old, new, worth))

    def _worth(self, ledger: Ledger, run: Run | None) -> int:
        return 0 if run is None else ledger.worth_nano(run)

    def of(self, *kinds: ChangeKind) -> list[Change]:
        """Return the changes of some kinds, those of most worth first."""
        found = [c for c in self.changes if c.kind in kinds]
        return sorted(found, key=lambda c: (-abs(c.worth), self.instance.jobs[c.job].id))


def _kind(old: Run | None, new: Run | None) -> ChangeKind | None:
    """Return how a job's runs differ; None where they do not."""
    if old is None:
        return "in"
    if new is None:
        return "out"
    if old.mode_number != new.mode_number:
        return "place"
    if (old.start, old.end) != (new.start, new.end):
        return "time"
    return None if old.placement.domains == new.placement.domains else "domains"
