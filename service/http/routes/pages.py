"""Pages for people: runs, a run, its stop button; and the cookie of those who have a token."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.http import site
from service.http.desk import COOKIE, Desk, TheCaller, TheDesk
from service.http.guard import body_of
from service.http.problems import Problem
from service.http.routes.runs import Id
from service.http.routes.said import RUN_ID
from service.runs.port import Event, Filter, Run

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
HEADERS = {"Content-Security-Policy": site.POLICY, "Cache-Control": "no-store"}
PAGE, MOST_EVENTS = 50, 2000
SEE_OTHER = 303


@router.get("/")
def home(
    desk: TheDesk, caller: TheCaller, after: Annotated[str | None, Query(pattern=RUN_ID)] = None
) -> Response:
    """Show the runs, the newest first."""
    found = desk.runs.list(caller.tenant, Filter(before=after, limit=PAGE + 1))
    last = found[PAGE - 1].id if len(found) > PAGE else None
    text = site.runs_page(caller.tenant, found[:PAGE], last, is_open=desk.tenants.are_open)
    return HTMLResponse(text, headers=HEADERS)


@router.get("/runs/{run}")
def page(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Show a run."""
    found, events, has_plan = _seen(desk, caller.tenant, run)
    text = site.page_of(found, events, has_plan=has_plan, is_open=desk.tenants.are_open)
    return HTMLResponse(text, headers=HEADERS)


@router.get("/runs/{run}/live")
def live(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """Return the part of a run's page that changes."""
    found, events, has_plan = _seen(desk, caller.tenant, run)
    return HTMLResponse(site.live_part(found, events, has_plan=has_plan), headers=HEADERS)


@router.post("/runs/{run}/stop")
def stop(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """End the search, and show the run again."""
    desk.runs.stop(caller.tenant, run)
    return RedirectResponse(f"/runs/{run}", SEE_OTHER)


@router.post("/runs/{run}/cancel")
def cancel(desk: TheDesk, caller: TheCaller, run: Id) -> Response:
    """End the run at once, and show it again."""
    desk.runs.cancel(caller.tenant, run)
    return RedirectResponse(f"/runs/{run}", SEE_OTHER)


@router.get("/login")
async def ask() -> Response:
    """Ask for a token."""
    return HTMLResponse(site.login_page(is_wrong=False), headers=HEADERS)


@router.post("/login")
async def login(desk: TheDesk, request: Request) -> Response:
    """Keep a token that is known in a cookie that no script reads and no other site sends."""
    raw = await body_of(request, desk.settings.body_seconds)
    given = parse_qs(raw[:1000].decode("ascii", "replace")).get("token", [""])[0].strip()
    if desk.tenants.caller(given) is None:
        return HTMLResponse(site.login_page(is_wrong=True), 401, HEADERS)
    answer = RedirectResponse("/", SEE_OTHER)
    is_safe = request.url.scheme == "https"
    answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", secure=is_safe)
    return answer


@router.post("/logout")
async def logout() -> Response:
    """Forget the token."""
    answer = RedirectResponse("/login", SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/static/{name}")
def static(name: Annotated[str, Path(pattern=r"^[a-z]+\.(css|js)$")]) -> Response:
    """Return a file that pages need."""
    package, kind = site.STATIC.get(name, ("", ""))
    if not package:
        raise Problem("unknown", "There is no such file.")
    text = (files(package) / "page" / name).read_text(encoding="utf-8")
    heads = {"Cache-Control": "max-age=300"}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=heads)


def _seen(desk: Desk, tenant: str, run: str) -> tuple[Run, tuple[Event, ...], bool]:
    """Return a run, its incumbents, and whether it has a plan to show."""
    found, events = desk.runs.followed(tenant, run, 0, "incumbent", MOST_EVENTS)
    return found, events, desk.runs.has_plan(tenant, run)
