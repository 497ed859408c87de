"""Runs: asked for, listed, watched, stopped, followed by others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from service.http.bodies import Again, Changed, Submission
from service.http.desk import Raw, TheCaller, TheDesk
from service.http.routes.reading import BODY, JSON
from service.http.routes.said import RUN_ID, posted, refused
from service.http.views import InstanceFacts, QuestionName, RunList, RunView, run_view
from service.runs.port import Filter, Run, RunState

__all__ = ["Id", "router"]

router = APIRouter(prefix="/v1", tags=["runs"])
Id = Annotated[str, Path(pattern=RUN_ID, description="Id of a run")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[!-~]+$",
        description="With the same key and body, the same run is answered again",
    ),
]  # fmt: skip
NEW: dict[int | str, dict[str, Any]] = {
    200: {"model": InstanceFacts, "description": "mode=validate: what the instance holds"},
    202: {"model": RunView, "description": "The run; its place is in `Location`"},
}


class Which(BaseModel):
    """Which runs to list."""

    model_config = ConfigDict(extra="forbid")
    question: QuestionName | None = None
    state: RunState | None = None
    name: Annotated[str | None, Field(max_length=80, description="Of the instance")] = None
    parent: Annotated[str | None, Field(pattern=RUN_ID)] = None
    after: Annotated[str | None, Field(pattern=RUN_ID, description="`next` of a page")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@router.post("/{question}/runs", status_code=202, responses=NEW | refused(*BODY, "key_reused"),
             openapi_extra=posted(Submission, "run-place", "run-mix", "run-expand"))  # fmt: skip
async def submit(
    desk: TheDesk, caller: TheCaller, raw: Raw, question: QuestionName, key: Key = None,
    mode: Literal["solve", "validate"] = "solve",
) -> Response:  # fmt: skip
    """Ask for a run of a question; with `mode=validate` only say whether it would be taken."""
    read = await desk.quick.ask("order", raw, **desk.head(caller, question=question))
    if mode == "validate":
        return Response(read[0], media_type=JSON)
    run, _ = await desk.submit(caller, question, read, raw, key=key)
    return _accepted(run)


@router.get("/runs", responses=refused())
def runs(desk: TheDesk, caller: TheCaller, which: Annotated[Which, Query()]) -> RunList:
    """List runs, the newest first, a page at a time."""
    given = which.model_dump(exclude={"after", "limit"})
    asked = Filter(**given, before=which.after, limit=which.limit + 1)
    found = desk.runs.list(caller.tenant, asked)
    last = found[which.limit - 1].id if len(found) > which.limit else None
    return RunList(runs=[run_view(run) for run in found[: which.limit]], next=last)


@router.get("/runs/{run}", responses=refused())
def status(desk: TheDesk, caller: TheCaller, run: Id) -> RunView:
    """Return the status of a run."""
    return run_view(desk.runs.get(caller.tenant, run))


@router.post("/runs/{run}/stop", responses=refused("other_origin"))
def stop(desk: TheDesk, caller: TheCaller, run: Id) -> RunView:
    """End the search and keep its best plan, checked; a run that has not begun is cancelled."""
    return run_view(desk.runs.stop(caller.tenant, run))


@router.post("/runs/{run}/cancel", responses=refused("other_origin"))
def cancel(desk: TheDesk, caller: TheCaller, run: Id) -> RunView:
    """End a run at once; the best plan that was written down stays."""
    return run_view(desk.runs.cancel(caller.tenant, run))


@router.delete("/runs/{run}", status_code=204, responses=refused("not_yet", "other_origin"))
def delete(desk: TheDesk, caller: TheCaller, run: Id) -> None:
    """Forget a run that has ended, with its plans."""
    desk.runs.delete(caller.tenant, run)


@router.post("/runs/{run}/re-plan", status_code=202, responses=NEW | refused(*BODY, "key_reused"),
             openapi_extra=posted(Again, "re-plan"))  # fmt: skip
async def re_plan(desk: TheDesk, caller: TheCaller, raw: Raw, run: Id, key: Key = None) -> Response:
    """Ask for the same once more, from the best plan there is; options that are given are new."""
    return _accepted(await _followed(desk, caller, raw, run, key, is_changed=False))


@router.post("/runs/{run}/from-patch", status_code=202,
             responses=NEW | refused(*BODY, "key_reused", "not_there"),
             openapi_extra=posted(Changed, "from-patch"))  # fmt: skip
async def from_patch(
    desk: TheDesk, caller: TheCaller, raw: Raw, run: Id, key: Key = None
) -> Response:
    """Ask for a run of the instance with changes, from the best plan there is."""
    return _accepted(await _followed(desk, caller, raw, run, key, is_changed=True))


async def _followed(
    desk: TheDesk, caller: TheCaller, raw: bytes, parent: str, key: str | None, *, is_changed: bool
) -> Run:
    """Return the run that follows another."""
    before = await run_in_threadpool(desk.runs.get, caller.tenant, parent)
    text = await run_in_threadpool(desk.runs.instance, caller.tenant, parent)
    head = desk.head(
        caller, question=before.question, options=before.options, is_changed=is_changed
    )
    read = await desk.quick.ask("follow", raw, text.encode(), **head)
    start = await run_in_threadpool(desk.start, before, text)
    more = {"key": key, "parent": parent, "start": start}
    run, _ = await desk.submit(caller, before.question, read, raw, **more)
    return run


def _accepted(run: Run) -> Response:
    data = run_view(run).model_dump(mode="json")
    return JSONResponse(data, 202, {"Location": f"/v1/runs/{run.id}"})
