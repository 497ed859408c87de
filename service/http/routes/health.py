"""Whether the server lives, whether runs get solved, and figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.http.desk import TheCaller, TheDesk
from service.http.problems import Problem
from service.http.routes.said import refused
from service.runs.port import Health

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=refused("not_ready"))
def readyz(desk: TheDesk) -> dict[str, str | int]:
    """Say whether the database answers and a worker is alive."""
    try:
        health: Health = desk.runs.health()
    except Exception as e:  # whatever a driver may raise when its database is gone
        raise Problem("not_ready", "The database does not answer.") from e
    if not health.workers:
        raise Problem("not_ready", "No worker is alive.", "Start one: fleetwatt worker")
    return {"status": "ready", "workers": health.workers, "slots": health.slots}


@router.get("/metrics", response_class=Response, responses=refused())
def metrics(desk: TheDesk, caller: TheCaller) -> Response:
    """Return what is measured, as Prometheus reads it."""
    return Response(
        desk.figures.text(desk.runs.health(), desk.streams), media_type=CONTENT_TYPE_LATEST
    )
