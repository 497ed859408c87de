"""What the catalog shows: names, entries, facilities, chips, workloads, schemas."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from instances import catalog
from instances.pieces import piece as piece_of
from instances.pieces import recipes_in
from optimizer.doors import DOORS
from optimizer.errors import InstanceError
from optimizer.questions import QUESTIONS

if TYPE_CHECKING:
    from optimizer.questions import Question

__all__ = [
    "KINDS", "Kind", "SchemaName", "entry", "instance_text", "names", "piece", "question_said",
    "schema",
]  # fmt: skip

Kind = Literal["facilities", "chips", "workloads"]
KINDS = ("instances", "facilities", "chips", "workloads")
SchemaName = Literal[
    "instance", "place-plan", "mix-plan", "expand-plan",
    "place-options", "mix-options", "expand-options",
]  # fmt: skip


def question_said(question: Question[Any, Any, Any]) -> dict[str, Any]:
    """Return what a question asks, and which of the doors it has."""
    can = [door for door in DOORS if question.can(door)]
    can += ["mps"] if hasattr(question, "write_mps") else []
    return {"title": question.title, "can": can}


def names(kind: str, question: str | None = None) -> tuple[str, ...]:
    """Return what there is of a kind; facilities are those of the instances."""
    if kind in ("instances", "facilities"):
        return catalog.names(question)
    return recipes_in(kind)


def entry(name: str) -> dict[str, Any]:
    """Return the catalog's line of an instance, and where it can be had."""
    line = asdict(catalog.entry(name))
    del line["path"]
    return line | {"href": f"/v1/catalog/instances/{name}"}


def instance_text(name: str) -> str:
    """Return an instance as it is shipped; InstanceError if there is none of that name."""
    return catalog.text(name)


@lru_cache(maxsize=64)
def piece(kind: Kind, name: str) -> dict[str, Any]:
    """Return a facility, a chip or a workload with the sources of its numbers.

    Raises
    ------
    InstanceError
        If there is none of that name.
    """
    if kind != "facilities":
        if name not in names(kind):
            raise InstanceError([f"{kind}: none is called so"])
        return piece_of(kind, name)
    data = json.loads(instance_text(name))
    parts = ("name", "title", "notes", "horizon", "sites", "pools")
    kept = {part: data[part] for part in parts if part in data}
    about = ("/sites", "/pools", "/horizon")
    sources = {at: s for at, s in data.get("sources", {}).items() if at.startswith(about)}
    return kept | {"sources": sources}


@lru_cache(maxsize=8)
def schema(name: SchemaName) -> dict[str, Any]:
    """Return a JSON Schema."""
    if name == "instance":
        from optimizer.domain.instance import Instance

        return Instance.model_json_schema(by_alias=True)
    question, _, what = name.partition("-")
    if what == "plan":
        return QUESTIONS[question].plan_schema()
    found: dict[str, Any] = type(QUESTIONS[question].options()).model_json_schema()
    return found
