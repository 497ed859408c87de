"""The app: routes, the guard at its door, one place that maps errors.

app = build(Runs(Database("sqlite:///fleetwatt.db")), Settings())
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from optimizer.domain.answers.records import versions
from optimizer.domain.findings.where import code_of
from optimizer.errors import FleetwattError
from service.http.desk import Desk
from service.http.guard import Guard
from service.http.observe import Figures
from service.http.problems import MEDIA_TYPE, Problem, problem_of
from service.http.reading.readers import Readers
from service.http.routes import catalog, exports, health, pages, reading, runs, watching
from service.http.routes.said import example
from service.http.settings import Settings
from service.http.site import POLICY, problem_page
from service.http.tokens import Tenants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from service.runs.runs import Runs

__all__ = ["build"]

WAITING = 200
"""Bodies that may wait to be read."""
SLOW_WAITING = 20
"""Checks, explanations and reports that may wait."""

ABOUT = """Plans for computers that train AI models: which job runs where and when (place), which
chips to buy or lease (mix), which sites to build (expand). Every plan is checked by code that
shares nothing with the search; refusals are RFC 9457 problems with a code, a JSON pointer and a
hint. The guide with examples is docs/SERVICE.md."""


def build(queue: Runs, settings: Settings | None = None) -> FastAPI:
    """Return the app that serves runs."""
    limits = settings or Settings()
    figures = Figures()
    app = FastAPI(
        title="fleetwatt",
        version=versions()["fleetwatt"],
        description=ABOUT,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
        separate_input_output_schemas=False,
    )
    app.state.desk = Desk(
        runs=queue,
        settings=limits,
        tenants=Tenants(limits.tokens, limits.quotas),
        quick=Readers(1, limits.read_seconds, limits.child_mib, WAITING),
        slow=Readers(1, limits.work_seconds, limits.child_mib, SLOW_WAITING),
        figures=figures,
    )
    app.add_middleware(Guard, settings=limits, figures=figures)
    for error in (Problem, FleetwattError):
        app.add_exception_handler(error, _ours)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(HTTPException, _routing)
    for part in (health, catalog, reading, runs, watching, exports, pages):
        app.include_router(part.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    warming = asyncio.create_task(_warm(desk) if desk.settings.is_warm else desk.quick.begin())
    try:
        yield
    finally:
        warming.cancel()
        await desk.quick.close()
        await desk.slow.close()


async def _warm(desk: Desk) -> None:
    """Let the children load what they need while nobody waits for it."""
    head = {"max_values": desk.settings.max_values, "quotas": asdict(desk.settings.quotas)}
    await desk.quick.warm("validate", json.dumps(example("validate")).encode(), **head)
    await desk.slow.warm("load")
    for task in ("check", "explain", "compare"):
        await desk.slow.warm(task, json.dumps(example(task)).encode(), **head)


def _answered(request: Request, problem: Problem) -> Response:
    """Answer a problem: as JSON; to who looks at pages on a page, or by asking for a token."""
    is_page = "text/html" in request.headers.get("accept", "") and request.method == "GET"
    if not is_page or request.url.path.startswith("/v1/"):
        return Response(problem.text(), problem.status, problem.headers, MEDIA_TYPE)
    if problem.code == "no_token":
        return RedirectResponse("/login", 303)
    heads = {"Content-Security-Policy": POLICY} | (problem.headers or {})
    return HTMLResponse(problem_page(problem), problem.status, heads)


async def _ours(request: Request, error: Exception) -> Response:
    """Answer an error of ours."""
    return _answered(request, problem_of(error))


async def _parameters(request: Request, error: Exception) -> Response:
    """Answer parameters of path, query and headers that are refused; their values are not shown."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"parameter": str(e["loc"][-1])[:80], "code": code_of(e["type"]), "detail": e["msg"][:200]}
        for e in error.errors()
    ]
    return _answered(request, Problem("bad_parameter", "A parameter is refused.", errors=errors))


async def _routing(request: Request, error: Exception) -> Response:
    """Answer what no route takes."""
    assert isinstance(error, HTTPException)
    heads = dict(error.headers or {})
    if error.status_code == 405:
        detail = f"{heads.get('Allow', 'Another method')} is what can be asked here."
        return _answered(request, Problem("wrong_method", detail, headers=heads))
    if error.status_code == 404:
        return _answered(request, Problem("unknown", "There is nothing at this address."))
    return _answered(request, Problem("bad_request", "The request cannot be understood."))
