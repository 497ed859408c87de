"""Runs as they go: incumbents, and a stream of events that can be taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from service.http.desk import Desk, TheCaller, TheDesk
from service.http.problems import Problem
from service.http.routes.runs import Id
from service.http.routes.said import refused
from service.http.views import IncumbentList, incumbent_of
from service.runs.port import ENDED, Run

__all__ = ["router"]

router = APIRouter(prefix="/v1/runs/{run}", tags=["watching"])


async def _watched(desk: TheDesk, caller: TheCaller, run: Id) -> Run:
    """Return the run to be watched; what is wrong has to be said before a stream begins."""
    if desk.streams >= desk.settings.streams:
        raise Problem("too_many", "Too many streams are open.", headers={"Retry-After": "5"})
    return await run_in_threadpool(desk.runs.get, caller.tenant, run)


Watched = Annotated[Run, Depends(_watched)]
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="Number of the last event known")]
PAGE = 500


@router.get("/incumbents", responses=refused())
def incumbents(
    desk: TheDesk, caller: TheCaller, run: Id, after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> IncumbentList:  # fmt: skip
    """Return better plans and bounds after a number, in order; reading takes nothing away."""
    its, found = desk.runs.followed(caller.tenant, run, after, "incumbent", limit)
    last = found[-1].seq if found else after
    return IncumbentList(incumbents=[incumbent_of(e) for e in found], after=last, state=its.state)


@router.get("/events", response_class=EventSourceResponse, responses=refused("too_many"))
async def events(
    desk: TheDesk, run: Watched, request: Request, after: After = 0,
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
) -> AsyncIterator[ServerSentEvent]:  # fmt: skip
    """Stream what happens to a run until it ends; taken up again after `Last-Event-ID`."""
    after = int(last) if last and last.isdecimal() else after
    async for event in _stream(desk, run.tenant, run.id, after, request):
        yield event


async def _stream(
    desk: Desk, tenant: str, run: str, after: int, request: Request
) -> AsyncIterator[ServerSentEvent]:
    """Yield events from the table, which is looked at again and again; beats where it is silent."""
    settings, silent = desk.settings, 0.0
    desk.streams += 1
    try:
        while not await request.is_disconnected():
            its, found = await run_in_threadpool(desk.runs.followed, tenant, run, after, None, PAGE)
            for event in found:
                after = event.seq
                yield ServerSentEvent(
                    data=event.data | {"at": event.at}, event=event.kind, id=str(after)
                )
                if event.kind == "state" and event.data.get("state") in ENDED:
                    return
            if not found and its.state in ENDED:
                return
            silent = 0.0 if found else silent + settings.poll_seconds
            if silent >= settings.beat_seconds:
                yield ServerSentEvent(comment="beat")
                silent = 0.0
            await asyncio.sleep(settings.poll_seconds)
    finally:
        desk.streams -= 1
