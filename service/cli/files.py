"""What commands read and write: instances by name or path, plans, whole files or none."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.domain.files import read_instance
from optimizer.errors import InstanceError, PlanError
from optimizer.questions import Question, parse_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.domain.instance import Instance

__all__ = ["load_instance", "plan_text", "read_plan", "write_all", "write_whole"]

MAX_PLAN_BYTES = 512 * 2**20
"""No plan is half a gigabyte."""


def load_instance(name: str) -> Instance:
    """Return the instance of a catalog name or of a path.

    Raises
    ------
    InstanceError
        With every finding, if there is none of that name or it cannot be read.
    """
    from instances import catalog

    names = list(catalog.names())
    if name in names:
        return catalog.load(name)
    path = Path(name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return read_instance(path)
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
    raise InstanceError([f"{name}: neither a name in the catalog nor a file; {hint}"])


def read_plan(path: Path) -> tuple[Question[Any, Any, Any], Any]:
    """Return the question that a plan file answers, and the plan.

    Raises
    ------
    PlanError
        If the file cannot be read as a plan.
    """
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise PlanError(f"{path}: larger than {MAX_PLAN_BYTES // 2**20} MiB")
        return parse_plan(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise PlanError(f"{path}: cannot be read: {e.strerror}") from None
    except UnicodeDecodeError:
        raise PlanError(f"{path}: is not UTF-8 text") from None
    except PlanError as e:
        if str(e).startswith(f"{path}: "):
            raise
        raise PlanError(f"{path}: is not a plan:\n{e}") from None


def plan_text(plan: Any) -> str:
    """Return a plan as JSON with one field, and one placement, a line."""
    data = plan.model_dump(mode="json", by_alias=True)
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {_lines(v)}" for k, v in data.items()) + "\n}\n"


def _lines(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(json.dumps(v) for v in value) + "\n ]"
    return json.dumps(value)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there in whole, or as it was before."""
    write_all({path: text})


def write_all(files: Mapping[Path, str]) -> None:
    """Write files so that all are there in whole or, where one cannot be written, none is new.

    All are written beside where they go before the first takes its place.
    """
    drafts: dict[Path, Path] = {}
    try:
        for path, text in files.items():
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            drafts[path] = Path(draft)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            drafts[path].chmod(0o644)
        for path in files:
            drafts[path].replace(path)
    except BaseException:
        for draft_path in drafts.values():
            with suppress(OSError):
                draft_path.unlink()
        raise
