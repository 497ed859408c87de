"""One run of a solver: the limits it was given, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["IsOver", "Limits", "Run", "Status", "StoppedBy"]

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
"""What the engine says it has proven."""

StoppedBy = Literal["proof", "gap", "time limit", "work limit", "cancel", "error"]
"""Why it stopped."""

IsOver = Callable[[], bool]
"""Asked all the time during a run: whether to end it now, with what it has."""

GRACE_SECONDS = 2.0
"""How long after its time limit an engine may take to come back before it is killed [s]."""

POLL_SECONDS = 0.02
"""How often a run is watched [s]."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    seconds
        Wall time [s]; None for none.
    work
        Deterministic work, in the engine's own unit; None for none.
    gap
        Stop when the engine's own gap is at most this share.
    seed, threads
        Same seed, threads and work: same run.
    """

    seconds: float | None = None
    work: float | None = None
    gap: float = 0.0
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one run.

    Attributes
    ----------
    objective, bound
        In the unit of the model; None where there is no incumbent, or the engine proves no bound.
    values
        Values of the variables of the incumbent by name; empty where there is none.
    seconds
        Wall time [s].
    engine
        Name and version.
    """

    status: Status
    stopped_by: StoppedBy
    objective: float | None
    bound: float | None
    seconds: float
    engine: str
    values: dict[str, float] = field(default_factory=dict)

    @property
    def has_incumbent(self) -> bool:
        """Whether there is a plan in hand."""
        return self.status in ("optimal", "feasible")
