"""What is answered, as models: the OpenAPI document is made from them, and answers are held to it.

Money is in whole nano-USD, as in plan files (of a mix for the most work: billionths of weight); the
same in USD beside it, for people. Times are seconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from optimizer.domain.answers.records import Status
from optimizer.units import usd
from service.runs.port import RunState

if TYPE_CHECKING:
    from service.runs.port import Event, Run

__all__ = [
    "CodesView", "ErrorView", "EventView", "Incumbent", "IncumbentList", "InstanceFacts",
    "ProblemView", "QuestionName", "ResultView", "RunList", "RunView", "VerdictView",
    "incumbent_of", "run_view",
]  # fmt: skip

QuestionName = Literal["place", "mix", "expand"]

_EXACT = "Whole nano-USD; of a mix for the most work, billionths of weight"
Exact = Annotated[int | None, Field(description=_EXACT)]


class View(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True)


class ErrorView(View):
    """Why a run failed."""

    code: str
    message: str


class RunView(View):
    """The status of a run: `state` is what became of it, `outcome` what is proven of its plan."""

    id: str
    question: QuestionName
    name: str
    instance_hash: str
    state: RunState
    outcome: Status | None
    stopped_by: str | None
    objective: Exact
    bound: Exact
    bound_kind: Literal["certified", "engine"]
    gap: float | None
    objective_usd: float | None
    bound_usd: float | None
    is_good: bool | None
    error: ErrorView | None
    options: dict[str, Any]
    parent: str | None
    created: float
    started: float | None
    ended: float | None
    attempts: int
    links: dict[str, str]


class RunList(View):
    """A page of runs, the newest first; `next` leads to the next page, null at the end."""

    runs: list[RunView]
    next: str | None


class Incumbent(View):
    """A better plan or bound: `seq` is its number among the events of the run."""

    seq: int
    at: float
    seconds: float
    objective: Exact
    bound: Exact
    gap: float | None


class IncumbentList(View):
    """Incumbents after a number, in order; reading takes nothing away."""

    incumbents: list[Incumbent]
    after: int
    state: RunState


class EventView(View):
    """One thing that happened to a run."""

    seq: int
    at: float
    kind: str
    data: dict[str, Any]


class VerdictView(View):
    """What the checker says of a plan, every figure re-derived."""

    model_config = ConfigDict(extra="allow")
    question: QuestionName
    instance: str
    instance_hash: str
    is_good: bool
    violations: list[dict[str, str]]
    objective: dict[str, Any] | None
    bound: Exact
    gap: float | None


class ResultView(View):
    """The answer of a run: plan and verdict, and what it takes to get it again.

    `seed` and `limits` are those of the search, `versions` of what found it.
    """

    run: str
    question: QuestionName
    outcome: Status
    stopped_by: str
    objective: Exact
    bound: Exact
    bound_kind: Literal["certified", "engine"]
    gap: float | None
    instance: str
    instance_hash: str
    seed: int
    limits: dict[str, Any]
    versions: dict[str, str]
    verdict: dict[str, Any]
    plan: dict[str, Any]


class InstanceFacts(View):
    """What an instance holds; `size` is that of its model, in columns."""

    name: str
    instance_hash: str
    questions: list[QuestionName]
    size: int
    jobs: int
    sites: int
    pools: int
    periods: int
    options: dict[str, Any] | None = None


class CodesView(View):
    """Codes of problems and of validation issues, and what they mean."""

    problems: dict[str, dict[str, Any]]
    issues: dict[str, str]


class ProblemError(View):
    """One thing that is wrong: where in the body (JSON pointer), or in which parameter."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class ProblemView(View):
    """A refusal (RFC 9457); `code` and `errors[].code` are those of `/v1/codes`."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    errors: list[ProblemError] | None = None


def run_view(run: Run) -> RunView:
    """Return the status of a run as it is answered."""
    at = f"/v1/runs/{run.id}"
    links = {name: f"{at}/{name}" for name in ("result", "incumbents", "events", "report")}
    is_money = run.options.get("objective") != "work"
    return RunView.model_construct(
        id=run.id,
        question=cast("QuestionName", run.question),
        name=run.name,
        instance_hash=run.instance_hash,
        state=run.state,
        outcome=run.outcome,
        stopped_by=run.stopped_by,
        objective=run.objective,
        bound=run.bound,
        bound_kind="engine" if run.question == "expand" else "certified",
        gap=run.gap,
        objective_usd=usd(run.objective) if is_money and run.objective is not None else None,
        bound_usd=usd(run.bound) if is_money and run.bound is not None else None,
        is_good=run.is_good,
        error=None
        if run.error is None
        else ErrorView(code=run.error.code, message=run.error.message),
        options=run.options,
        parent=run.parent,
        created=run.created,
        started=run.started,
        ended=run.ended,
        attempts=run.attempts,
        links={"self": at, "page": f"/runs/{run.id}"} | links,
    )


def incumbent_of(event: Event) -> Incumbent:
    """Return an event that is one as an incumbent."""
    known = {name: event.data.get(name) for name in ("seconds", "objective", "bound", "gap")}
    return Incumbent.model_validate(known | {"seq": event.seq, "at": event.at})
