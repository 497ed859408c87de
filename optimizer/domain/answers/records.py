"""Records that plans of several questions share: status, breaches, an engine's claim, the gap."""

from __future__ import annotations

import os
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from optimizer.errors import PlanError

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

__all__ = [
    "EngineClaim", "Record", "RunRecord", "Start", "Status", "StoppedBy", "Violation", "gap_of",
    "same_instance", "versions",
]  # fmt: skip


PlanT = TypeVar("PlanT")


class Start(NamedTuple, Generic[PlanT]):
    """A plan to begin from, and the instance that it answers: the one to be solved, or another."""

    instance: Instance
    plan: PlanT


class Status(StrEnum):
    """What is proven of a plan."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"

    @property
    def has_plan(self) -> bool:
        """Return whether there is a plan that keeps all rules."""
        return self in (Status.OPTIMAL, Status.FEASIBLE)


class Record(BaseModel):
    """A frozen piece of a plan file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class EngineClaim(Record):
    """What an exact engine says of its own run. A claim: the certificate proves, this does not.

    Attributes
    ----------
    engine
        Name and version.
    status
        What it holds to be proven: optimal, feasible, infeasible, unknown.
    bound
        Its bound on the objective of any plan, in the unit of the plan's own; None where it has
        none.
    """

    engine: str
    status: Status
    bound: int | None = None


StoppedBy = Literal["proof", "engine proof", "gap", "time limit", "work limit", "cancel", "error"]
"""Why a solve stopped: `proof` is that of the certificate, `engine proof` what a solver claims."""


class RunRecord(Record):
    """One solve and what is known about it.

    Attributes
    ----------
    stopped_by
        Why it stopped: proof (certified), engine proof (claimed), gap, time limit, work limit,
        cancel or error.
    seconds
        Wall time from the call to the plan [s].
    claim
        What the engine says of its run; None where there was none.
    """

    stopped_by: StoppedBy
    seconds: float
    options: dict[str, Any]
    versions: dict[str, str]
    claim: EngineClaim | None = None


class Violation(Record):
    """One breach of a rule, or of what a plan says of itself: where, found, limit."""

    rule: str
    where: str
    found: str
    limit: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.found}; limit: {self.limit}"


def gap_of(objective: int, bound: int | None) -> float | None:
    """Return abs(objective - bound) / abs(objective); None where that says nothing."""
    if bound is None or (objective == 0 and bound != 0):
        return None
    return 0.0 if objective == bound else abs(objective - bound) / abs(objective)


def same_instance(instance: Instance, name: str, its_hash: str) -> None:
    """Refuse a plan of another instance.

    name, its_hash
        Of the instance that the plan says it answers.

    Raises
    ------
    PlanError
        If that is not this instance.
    """
    if its_hash != instance.hash:
        raise PlanError(
            f"plan is of instance {name!r} ({its_hash[:12]}), "
            f"not of {instance.name!r} ({instance.hash[:12]})"
        )


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of this package and of those that an answer rests on, and the cores."""
    found = {"cores": str(os.cpu_count())}
    for name in ("fleetwatt", *packages):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source"
    return found
