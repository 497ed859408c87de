"""The catalog: instances ready to post, facilities, chips and workloads, with their sources."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from optimizer.errors import InstanceError
from optimizer.questions import QUESTIONS
from service.http import shelf
from service.http.desk import TheCaller
from service.http.problems import CODES, ISSUES, Problem
from service.http.routes.said import refused
from service.http.views import CodesView, QuestionName

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["catalog"])
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]


@router.get("/questions", responses=refused())
def questions(caller: TheCaller) -> dict[str, dict[str, Any]]:
    """Return the questions that can be asked, and which capabilities each has."""
    return {name: shelf.question_said(q) for name, q in QUESTIONS.items()}


@router.get("/catalog", responses=refused())
def catalog(caller: TheCaller) -> dict[str, list[str]]:
    """Return the names of all that the catalog holds."""
    return {kind: list(shelf.names(kind)) for kind in shelf.KINDS}


@router.get("/catalog/instances", responses=refused())
def instances(caller: TheCaller, question: QuestionName | None = None) -> list[dict[str, Any]]:
    """Return the instances: of one question, or of all; with size and best known results."""
    return [shelf.entry(name) for name in shelf.names("instances", question)]


@router.get("/catalog/instances/{name}", response_class=Response, responses=refused())
def instance(caller: TheCaller, name: Name) -> Response:
    """Return an instance as it is shipped, ready to post."""
    return Response(_there(shelf.instance_text, name), media_type="application/json")


@router.get("/catalog/{kind}/{name}", responses=refused())
def piece(caller: TheCaller, kind: shelf.Kind, name: Name) -> dict[str, Any]:
    """Return a facility (its sites and supplies), a chip or a workload, with sources."""
    found: dict[str, Any] = _there(shelf.piece, kind, name)
    return found


@router.get("/schemas/{name}", responses=refused())
def schema(caller: TheCaller, name: shelf.SchemaName) -> dict[str, Any]:
    """Return the JSON Schema of instances, of plans, or of the options of a question."""
    return shelf.schema(name)


@router.get("/codes", responses=refused())
def codes(caller: TheCaller) -> CodesView:
    """Return the codes of problems and of validation issues, and what they mean."""
    problems = {code: {"status": status, "meaning": said} for code, (status, said) in CODES.items()}
    return CodesView(problems=problems, issues=ISSUES)


def _there(find: Any, *given: str) -> Any:
    """Return what is found; a problem where there is none of that name."""
    try:
        return find(*given)
    except InstanceError:
        raise Problem("unknown", "The catalog has nothing of that name.") from None
