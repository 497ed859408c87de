"""Cases of a study: an instance with changes and options, and what came of solving it.

Every figure of a study rests on such cases, and each is a plan of an instance that anyone can make
from the changes: `fleetwatt patch` writes the instance, `fleetwatt check` checks the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from optimizer.errors import InstanceError

if TYPE_CHECKING:
    from optimizer.domain.changes.patch import Change
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report

__all__ = ["Answer", "Case", "Each", "Solve", "Solved", "plan_of"]

PlanT = TypeVar("PlanT")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to solve.

    Attributes
    ----------
    label
        What it is, for people and for file names.
    changes
        Of the study's instance.
    options
        Options of the solve that differ from the study's.
    """

    label: str
    changes: tuple[Change, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Solved(Generic[PlanT]):
    """A case with its instance and plan; the plan has passed the checker, or is None.

    Attributes
    ----------
    instance
        With the case's changes.
    plan
        None where no plan was found.
    is_infeasible
        It is proven that there is no plan.
    """

    case: Case
    instance: Instance
    plan: PlanT | None
    is_infeasible: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[PlanT]):
    """What a study says: a report, and the cases with the plans that it rests on."""

    report: Report
    cases: tuple[Solved[PlanT], ...]


def plan_of(solved: Solved[PlanT]) -> PlanT:
    """Return the plan of a case that must have one.

    Raises
    ------
    InstanceError
        If there is none.
    """
    if solved.plan is None:
        why = "there is none, proven" if solved.is_infeasible else "none was found"
        raise InstanceError([f"{solved.case.label}: a plan is needed and {why}"])
    return solved.plan


Solve = Callable[[Sequence[Case]], list[Solved[Any]]]
"""Solves cases of one instance, side by side where it can; answers in their order."""

Each = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]
"""Calls a function with one tuple of arguments after another, side by side where it can."""
