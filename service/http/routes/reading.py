"""Questions about what is posted, without a run: validate, check, explain, compare."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.http.bodies import Checked, Compared, Explained, Validated
from service.http.desk import Raw, TheCaller, TheDesk
from service.http.routes.said import posted, refused
from service.http.views import InstanceFacts, VerdictView

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["without a run"])
BODY = (
    "not_json", "body_late", "too_large", "wrong_type", "bad_data", "over_quota", "other_origin",
    "too_much_work", "too_many",
)  # fmt: skip
"""Problems of routes that read a body."""
JSON = "application/json"


@router.post("/validate", response_model=InstanceFacts, responses=refused(*BODY),
             openapi_extra=posted(Validated, "validate"))  # fmt: skip
async def validate(desk: TheDesk, caller: TheCaller, raw: Raw) -> Response:
    """Read an instance and say what it holds, or everything that is wrong with it."""
    (said,) = await desk.quick.ask("validate", raw, **desk.head(caller))
    return Response(said, media_type=JSON)


@router.post("/check", response_model=VerdictView, responses=refused(*BODY),
             openapi_extra=posted(Checked, "check"))  # fmt: skip
async def check(desk: TheDesk, caller: TheCaller, raw: Raw) -> Response:
    """Check a plan of an instance: every rule, objective, bound and gap, re-derived."""
    (said,) = await desk.slow.ask("check", raw, **desk.head(caller))
    return Response(said, media_type=JSON)


@router.post("/explain", responses=refused(*BODY, "not_there"),
             openapi_extra=posted(Explained, "explain"))  # fmt: skip
async def explain(desk: TheDesk, caller: TheCaller, raw: Raw) -> Response:
    """Say why jobs are turned away or late, or why offers are out, and what would help."""
    (said,) = await desk.slow.ask("explain", raw, **desk.head(caller))
    return Response(said, media_type=JSON)


@router.post("/compare", responses=refused(*BODY, "not_there"),
             openapi_extra=posted(Compared, "compare"))  # fmt: skip
async def compare(desk: TheDesk, caller: TheCaller, raw: Raw) -> Response:
    """Say what differs between two plans of an instance, and what that is worth."""
    (said,) = await desk.slow.ask("compare", raw, **desk.head(caller))
    return Response(said, media_type=JSON)
