"""What the OpenAPI document says beside the signatures of routes: bodies, problems, examples."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from service.http.problems import CODES, MEDIA_TYPE
from service.http.views import ProblemView

if TYPE_CHECKING:
    from service.http.bodies import Body

__all__ = ["RUN_ID", "example", "posted", "refused"]

RUN_ID = r"^[0-9a-f]{32}$"
"""What an id of a run looks like."""


@cache
def example(name: str) -> Any:
    """Return an example of the documentation; all of them are sent in the tests."""
    path = files("service.http") / "examples" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def posted(model: type[Body], *names: str) -> dict[str, Any]:
    """Return what a route says of its body: the schema of a model, and examples by name."""
    schema = model.model_json_schema(ref_template="{model}")
    schema = _inlined(schema, schema.pop("$defs", {}))
    shown = {name: {"value": example(name)} for name in names}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(data: Any, parts: dict[str, Any]) -> Any:
    """Return a schema with its parts in the place of references to them."""
    if isinstance(data, dict):
        if "$ref" in data:
            return _inlined(parts[data["$ref"]], parts)
        return {key: _inlined(value, parts) for key, value in data.items()}
    return [_inlined(each, parts) for each in data] if isinstance(data, list) else data


def refused(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return what a route says of its problems; those that every route may have are among them."""
    every = ("no_token", "unknown", "bad_parameter", "wrong_host", "failed", *codes)
    found: dict[int | str, dict[str, Any]] = {}
    for code in every:
        status, what = CODES[code]
        said = found.setdefault(status, {"model": ProblemView, "description": ""})
        said["description"] = "; ".join(x for x in (said["description"], f"{code}: {what}") if x)
        said["content"] = {MEDIA_TYPE: {}}
    return found
