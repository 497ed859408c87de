"""What the shells know of runs: states, records, errors. No database, no engine, no solver here.

A *run* is one solve that a tenant asked for. Its state is what has become of the request, its
outcome what is proven of the plan: a run can be `done` and its outcome `infeasible`.

    queued -> running -> done                     outcome and a checked plan
                |   \\--> failed                   error code and message; the best plan stays
                \\--> stopping -> done             somebody asked for the best plan so far
    queued, running, stopping -> cancelled        the best plan so far stays
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from optimizer.errors import FleetwattError

if TYPE_CHECKING:
    from optimizer.domain.answers.records import Status

__all__ = [
    "ENDED", "OPEN", "Answer", "Error", "Event", "Filter", "Health", "KeyReused", "NotYet", "Order",
    "PlanKind", "QuotaFull", "Run", "RunState", "Start", "UnknownRun",
]  # fmt: skip


class RunState(StrEnum):
    """What has become of a request."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
"""States of runs that go on."""
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
"""States that a run never leaves."""


class PlanKind(StrEnum):
    """Which plan of a run.

    `start`: it began from this one, maybe of another instance; `checkpoint`: the best so far;
    `result`: the answer. The checker has passed on each but `start`.
    """

    START = "start"
    CHECKPOINT = "checkpoint"
    RESULT = "result"


class UnknownRun(FleetwattError):
    """No run of this tenant has the id (another tenant's may: nobody is told)."""


class NotYet(FleetwattError):
    """The run has no such plan, or is not in a state for what was asked."""


class KeyReused(FleetwattError):
    """An idempotency key came with another request before."""


class QuotaFull(FleetwattError):
    """The tenant has as many open runs as it may have."""


@dataclass(frozen=True, slots=True)
class Start:
    """A plan to begin from.

    Attributes
    ----------
    plan
        JSON text.
    instance
        JSON text of the instance that it answers.
    instance_hash
        Of that instance.
    """

    plan: str
    instance: str
    instance_hash: str


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a run; all of it has been validated.

    Attributes
    ----------
    instance, instance_hash, name
        JSON text of the instance, its hash, its name.
    options
        Of the question, as JSON data; what is left out is at its default.
    parent
        Run that it follows (re-plan, from-patch); of the same tenant.
    start
        Plan to begin from.
    key, body_hash
        Idempotency key, and the hash of the whole request that it stands for.
    """

    tenant: str
    question: str
    instance: str
    instance_hash: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    start: Start | None = None
    key: str | None = None
    body_hash: str = ""


@dataclass(frozen=True, slots=True)
class Error:
    """Why a run failed: `solver_crashed`, `out_of_memory`, `time_limit`, `refused`, `bad_plan`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """The status of a run.

    Attributes
    ----------
    outcome
        What is proven of the plan; None while there is none.
    stopped_by
        Why the search stopped, as in the plan's run record.
    created, started, ended
        Seconds since 1970 (UTC); started is of the first attempt.
    attempts
        How often it was begun.
    objective, bound, gap
        Of the best plan so far [nano-USD].
    is_good
        Verdict of the checker on the result; None before there is one.
    """

    id: str
    tenant: str
    question: str
    name: str
    instance_hash: str
    state: RunState
    options: dict[str, Any]
    created: float
    parent: str | None = None
    outcome: Status | None = None
    stopped_by: str | None = None
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    objective: int | None = None
    bound: int | None = None
    gap: float | None = None
    is_good: bool | None = None
    error: Error | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a run.

    Attributes
    ----------
    seq
        1, 2, ... in every run.
    kind
        `state`: data are state, and outcome or error where it ended; `incumbent`: data are
        seconds, objective, bound [nano-USD] and gap.
    at
        Seconds since 1970 (UTC).
    """

    seq: int
    at: float
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan of a run and what the checker said of it, both JSON texts."""

    plan: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs to list, the newest first; None for all.

    Attributes
    ----------
    before
        Id of the last run of the page before.
    """

    question: str | None = None
    state: RunState | None = None
    name: str | None = None
    parent: str | None = None
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Health:
    """Whether runs get solved: live workers and their slots, and runs by state."""

    workers: int
    slots: int
    runs: dict[str, int]
