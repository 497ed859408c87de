"""What a run answered: result, plan, report as data, page and tables; why; two side by side."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from service.http.desk import Desk, TheCaller, TheDesk
from service.http.problems import Problem
from service.http.results import result_text
from service.http.routes.reading import JSON
from service.http.routes.runs import Id
from service.http.routes.said import RUN_ID, refused
from service.http.views import ResultView

__all__ = ["PAGE_POLICY", "router"]

router = APIRouter(prefix="/v1", tags=["results"])
WORK = ("not_yet", "too_much_work", "too_many", "not_there")
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""Of the report page, which has its style in it and no script."""
Table = Annotated[str, Path(pattern=r"^[a-z0-9-]+\.csv$", max_length=80)]


@router.get("/runs/{run}/result", response_model=ResultView, responses=refused("not_yet"))
def result(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return plan, bound, gap, verdict, and what it takes to get them again."""
    found = desk.runs.get(caller.tenant, run)
    return Response(result_text(found, desk.runs.answer(caller.tenant, run)), media_type=JSON)


@router.get("/runs/{run}/plan", response_class=Response, responses=refused("not_yet"))
def plan(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the plan file: the result, or the best plan so far; each has passed the checker."""
    return Response(desk.best(caller.tenant, run).plan, media_type=JSON)


@router.get("/runs/{run}/instance", response_class=Response, responses=refused())
def instance(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the instance of a run."""
    return Response(desk.runs.instance(caller.tenant, run), media_type=JSON)


@router.get("/runs/{run}/explain", responses=refused(*WORK))
async def explain(
    desk: TheDesk,
    caller: TheCaller,
    run: Id,
    job: Annotated[str | None, Query(max_length=80)] = None,
) -> Response:
    """Say why a job is where it is or is turned away, or of an offer; of all, without one."""
    return Response(await _told(desk, caller.tenant, run, "explain_run", job=job), media_type=JSON)


@router.get("/runs/{run}/report", responses=refused(*WORK))
async def report(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the report as data: sections, sentences, facts, tables, charts."""
    return Response(await _told(desk, caller.tenant, run, form="data"), media_type=JSON)


@router.get("/runs/{run}/report.html", response_class=Response, responses=refused(*WORK))
async def page(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the report as one page that needs nothing else."""
    text = await _told(desk, caller.tenant, run, form="page")
    heads = {"Content-Security-Policy": PAGE_POLICY}
    return Response(text, media_type="text/html; charset=utf-8", headers=heads)


@router.get("/runs/{run}/tables", responses=refused(*WORK))
async def tables(desk: TheDesk, caller: TheCaller, run: Id) -> dict[str, str]:
    """Return where each table of the report is; index.csv says what it holds."""
    names = json.loads(await _told(desk, caller.tenant, run, form="tables"))
    return {name: f"/v1/runs/{run}/tables/{name}" for name in names}


@router.get("/runs/{run}/tables/{name}", response_class=Response, responses=refused(*WORK))
async def table(desk: TheDesk, caller: TheCaller, run: Id, name: Table) -> Response:
    """Return a table of the report as CSV."""
    see = f"/v1/runs/{run}/tables"
    text = await _told(desk, caller.tenant, run, form="table", table=name, see=see)
    return Response(text, media_type="text/csv; charset=utf-8")


@router.get("/runs/{run}/model.mps", response_class=Response, responses=refused(*WORK))
async def model(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the time-indexed model of a small instance in MPS form, for any other solver."""
    found = await run_in_threadpool(desk.runs.get, caller.tenant, run)
    text = (await run_in_threadpool(desk.runs.instance, caller.tenant, run)).encode()
    (mps,) = await desk.slow.ask("model", text, question=found.question)
    return Response(mps, media_type="text/plain; charset=utf-8")


@router.get("/compare", responses=refused(*WORK, "other_instance"))
async def compare(
    desk: TheDesk, caller: TheCaller,
    ids: Annotated[str, Query(pattern=RUN_ID[:-1] + "," + RUN_ID[1:], description="Two runs: a,b")],
) -> Response:  # fmt: skip
    """Say what differs between the plans of two runs of one instance, and what that is worth."""
    first, second = [
        await run_in_threadpool(desk.texts, caller.tenant, run) for run in ids.split(",")
    ]
    if first[0].instance_hash != second[0].instance_hash:
        raise Problem("other_instance", "The two runs are of different instances.")
    (said,) = await desk.slow.ask("compare_runs", first[1], first[2], second[2])
    return Response(said, media_type=JSON)


async def _told(desk: Desk, tenant: str, run: str, task: str = "report_run", **head: Any) -> bytes:
    """Return what a child says of the best plan of a run."""
    _, instance, plan = await run_in_threadpool(desk.texts, tenant, run)
    (said,) = await desk.slow.ask(task, instance, plan, **head)
    return said
